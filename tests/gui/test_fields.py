"""The fields and labels of a card: they take numbers only, give the keyboard back, and can be read to the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from gui.panels.card import Card
from gui.panels.controls import ElidedLabel, NumberField
from gui.panels.knobs import SliderRow
from gui.views.number_row import NumberField as CanvasField
from tests.gui.conftest import Desk


def card(desk: Desk) -> Card:
    return desk.commands.rack_link.rack.cards[-1]


def factor(desk: Desk) -> float:
    return float(desk.commands.document.recipe.steps[0].params.get("factor", 0.5))


@pytest.fixture
def field(desk: Desk, recording: Path) -> NumberField:
    """The field of the factor, clicked into."""
    desk.open(recording)
    desk.add()
    desk.window.activateWindow()
    desk.wait(desk.window.isActiveWindow)
    row = card(desk).rows["factor"]
    assert isinstance(row, SliderRow)
    QTest.mouseClick(row.field, Qt.MouseButton.LeftButton)
    assert QApplication.focusWidget() is row.field
    return row.field


def type_into(field: NumberField, text: str) -> None:
    QTest.keyClicks(field, text)


def space_plays(desk: Desk) -> bool:
    before = desk.commands.listening.is_playing
    QTest.keyClick(QApplication.focusWidget() or desk.window, Qt.Key.Key_Space)
    desk.wait(lambda: desk.commands.listening.is_playing != before)
    return desk.commands.listening.is_playing


def test_enter_takes_the_number_and_space_plays_again(desk: Desk, field: NumberField) -> None:
    type_into(field, "1,25")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert factor(desk) == 1.25
    assert field.text() == "1.25"
    assert not field.hasFocus()
    assert not desk.commands.listening.is_playing  # Enter plays too, but not while it ends the typing
    assert space_plays(desk)


def test_escape_puts_the_old_number_back_and_lets_go(desk: Desk, field: NumberField) -> None:
    type_into(field, "1.9")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert factor(desk) == 0.5
    assert field.text() == "0.50"
    assert not field.hasFocus()
    assert space_plays(desk)


@pytest.mark.parametrize("place", ["slider", "power", "delta", "canvas"])
def test_a_click_anywhere_else_takes_the_number_and_lets_go(desk: Desk, field: NumberField, place: str) -> None:
    type_into(field, "1.5")
    targets: dict[str, QWidget] = {
        "slider": card(desk).mix.slider, "power": card(desk).power, "delta": card(desk).delta,
        "canvas": desk.commands.ensure_canvas().canvas,
    }  # fmt: skip
    QTest.mouseClick(targets[place], Qt.MouseButton.LeftButton, pos=QPoint(9, 9))
    assert factor(desk) == 1.5
    assert not field.hasFocus()


def test_letters_do_not_get_into_a_number(desk: Desk, field: NumberField) -> None:
    type_into(field, "1d.2x5e")
    assert field.text() == "1.25"


def test_a_number_that_is_refused_is_not_left_standing_and_the_knob_is_called_by_its_label(
    desk: Desk, field: NumberField
) -> None:
    type_into(field, "7")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == "0.50"
    assert any("Factor can't be" in text for text in desk.messages())
    stage = card(desk).stages["flip"].knob
    assert stage is not None
    stage.take("400 %")
    said = " ".join(desk.messages())
    assert "Flip can't be" in said
    assert "flip_strength" not in said.lower()


def test_the_unit_may_be_typed(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add()
    mix = card(desk).mix
    mix.take("40 %")
    assert desk.commands.document.recipe.steps[0].mix == pytest.approx(0.4)
    assert mix.field.hasAcceptableInput()


def test_no_label_of_a_card_is_cut_off_in_a_rack_of_the_usual_width(desk: Desk, recording: Path) -> None:
    desk.window.show()
    desk.open(recording)
    for tool in ("restore", "age"):
        desk.do(f"add-{tool}")
        shown = card(desk)
        assert shown.more is not None
        shown.more.click()
        desk.bot.wait(1)
        assert desk.window.rack_dock.width() == 340
        names = [one for one in shown.findChildren(ElidedLabel) if one.isVisible() and one is not shown.foot.did]
        assert len(names) > 8
        assert [one.full_text() for one in names if one.text() != one.full_text()] == []


def test_scope_and_preset_stand_at_the_left_in_every_card(desk: Desk, recording: Path) -> None:
    desk.window.show()
    desk.open(recording)
    places = set()
    for tool in ("restore", "age"):
        desk.do(f"add-{tool}")
        desk.bot.wait(1)
        places.add(card(desk).scope.mapTo(card(desk), QPoint(0, 0)).x())
    assert len(places) == 1


def test_the_foot_warns_while_b_is_what_a_stage_takes_away(desk: Desk, recording: Path) -> None:
    desk.window.show()
    desk.open(recording)
    desk.add()
    stage, heard = card(desk).stages["flip"], card(desk).foot.heard
    assert not heard.isVisible()
    stage.switch.click()
    stage.listen.click()
    assert heard.isVisible()
    assert heard.text() == "B plays what Flip takes away"
    card(desk).power.click()
    assert not heard.isVisible()
    card(desk).power.click()
    stage.listen.click()
    assert not heard.isVisible()


def test_a_window_made_small_and_large_again_never_cuts_cards_off(desk: Desk, recording: Path) -> None:
    desk.window.show()
    desk.window.resize(1440, 900)
    desk.open(recording)
    desk.do("add-restore")
    rack = desk.commands.rack_link.rack
    for width, height in ((1000, 640), (1440, 900)):
        desk.window.resize(width, height)
        desk.bot.wait(1)
        assert rack.viewport().width() >= rack.inside.minimumSizeHint().width()
        assert not rack.horizontalScrollBar().isVisible()
        assert card(desk).mapTo(rack.viewport(), card(desk).rect().topRight()).x() < rack.viewport().width()


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_the_fields_below_the_canvas_give_the_keyboard_back_too(desk: Desk, recording: Path, key: Qt.Key) -> None:
    desk.open(recording)
    desk.window.activateWindow()
    desk.wait(desk.window.isActiveWindow)
    start = desk.window.findChildren(CanvasField)[0]
    QTest.mouseClick(start, Qt.MouseButton.LeftButton)
    assert QApplication.focusWidget() is start
    QTest.keyClicks(start, "0:02")
    QTest.keyClick(start, key)
    assert QApplication.focusWidget() is not start
    assert space_plays(desk)
