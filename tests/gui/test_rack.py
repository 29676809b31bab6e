"""The rack: devices drawn from knobs, every edit one named entry, bits that stay what they were."""

from __future__ import annotations

import importlib
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

import engine.tools
from engine.session.recipe import Recipe, Step
from engine.tools.tool import Params
from gui.panels.card import Card
from gui.panels.controls import Slider
from gui.panels.knobs import SliderRow, SpanRow
from gui.views.view_state import Selection
from tests.gui.conftest import RATE, Desk, Gain, close_desk, make_desk, tone


def card(desk: Desk, index: int = 0) -> Card:
    return desk.commands.rack_link.rack.cards[index]


def slider(desk: Desk, knob: str) -> Slider:
    row = card(desk).rows[knob]
    assert isinstance(row, SliderRow)
    return row.slider


def test_a_device_from_the_menu_is_heard_without_apply(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add()
    source = desk.commands.document.source
    assert source is not None
    assert np.array_equal(desk.result(), source.read(0, source.frames) * np.float32(0.5))
    assert desk.names() == ["Open side one.wav", "Add Gain"]


def test_a_drag_of_a_knob_is_one_entry_that_names_both_values(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add()
    knob = slider(desk, "factor")
    QTest.mousePress(knob, Qt.MouseButton.LeftButton, pos=QPoint(knob.width() // 2, 14))
    for x in range(knob.width() // 2, knob.width() - 7, 5):
        QTest.mouseMove(knob, QPoint(x, 14))
    QTest.mouseRelease(knob, Qt.MouseButton.LeftButton, pos=QPoint(knob.width() - 7, 14))
    desk.settle()
    assert len(desk.names()) == 3
    assert desk.names()[-1].startswith("Gain factor 0.50 → ")
    assert float(desk.commands.document.recipe.steps[0].params["factor"]) > 1.5


def test_a_typed_number_is_taken_with_its_unit_and_nonsense_is_refused(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    device = desk.add()
    row = card(desk).rows["factor"]
    row.take("1,25")
    assert desk.commands.document.recipe.step(device).params["factor"] == 1.25
    row.take("7")
    assert desk.commands.document.recipe.step(device).params["factor"] == 1.25
    assert any("factor can't be" in text.lower() for text in desk.messages())


def test_undo_and_redo_go_through_the_same_bits(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    device = desk.add()
    first = desk.result()
    desk.commands.document.set_knob(device, "factor", 2.0)
    desk.settle()
    assert not np.array_equal(desk.result(), first)
    desk.do("undo")
    desk.settle()
    assert np.array_equal(desk.result(), first)
    desk.do("redo")
    desk.settle()
    assert np.array_equal(desk.result(), 4 * first)


def test_a_click_in_the_history_goes_there(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add()
    row = desk.window.history.visualItemRect(desk.window.history.item(0))
    QTest.mouseClick(desk.window.history.viewport(), Qt.MouseButton.LeftButton, pos=row.center())
    assert desk.commands.document.recipe.steps == ()
    assert len(desk.names()) == 2


def test_power_off_and_mix_zero_give_the_source_bit_for_bit(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    device = desk.add()
    source = desk.commands.document.source
    assert source is not None
    original = source.read(0, source.frames)
    QTest.mouseClick(card(desk).power, Qt.MouseButton.LeftButton)
    desk.settle()
    assert np.array_equal(desk.result(), original)
    desk.do("device_power")
    desk.commands.document.set_mix(device, 0.0)
    desk.settle()
    assert np.array_equal(desk.result(), original)


def test_a_new_device_takes_the_selection_and_leaves_the_rest_alone(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    link = desk.commands.ensure_canvas()
    link.state.set_selection(Selection(2 * RATE, 4 * RATE))
    desk.add()
    scope = desk.commands.document.recipe.steps[0].scope
    assert (scope.start_s, scope.stop_s) == (2.0, 4.0)
    source = desk.commands.document.source
    assert source is not None
    original, result = source.read(0, source.frames), desk.result()
    assert np.array_equal(result[: 2 * RATE], original[: 2 * RATE])
    assert np.array_equal(result[4 * RATE :], original[4 * RATE :])
    assert np.array_equal(result[3 * RATE], original[3 * RATE] * np.float32(0.5))


def test_a_dropped_card_and_alt_up_move_devices(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    first, second = desk.add(), desk.add()
    column = desk.commands.rack_link.rack.inside
    column.drop_device(second, card(desk).geometry().top() - 1)
    assert [step.id for step in desk.commands.document.recipe.steps] == [second, first]
    desk.settle()
    desk.commands.rack_link._focus_device(first)
    desk.do("device_up")
    assert [step.id for step in desk.commands.document.recipe.steps] == [first, second]


def test_the_menu_of_a_card_duplicates_copies_and_removes(desk: Desk, recording: Path, qtbot: QtBot) -> None:
    from PySide6.QtGui import QGuiApplication

    desk.open(recording)
    desk.add()
    card(desk).menu_chosen.emit("duplicate")
    assert len(desk.commands.document.recipe.steps) == 2
    card(desk).menu_chosen.emit("command")
    assert QGuiApplication.clipboard().text().startswith("shellac gain ")
    card(desk, 1).menu_chosen.emit("remove")
    assert len(desk.commands.document.recipe.steps) == 1


def test_a_preset_of_the_users_own_stays(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    device = desk.add()
    desk.commands.rack_link._use_preset(device, "Loud")
    assert desk.commands.document.recipe.step(device).params == {"factor": 2.0}
    desk.commands.rack_link.presets.save("gain", "Mine", {"factor": 1.5, "flip": True})
    desk.commands.rack_link._use_preset(device, "Mine")
    assert desk.commands.document.recipe.step(device).params == {"factor": 1.5, "flip": True}


def test_learn_noise_takes_the_selection_and_says_so_when_there_is_none(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    device = desk.add()
    row = card(desk).rows["noise_from"]
    assert isinstance(row, SpanRow)
    row.learn_wanted.emit()
    assert any("Nothing is selected" in text for text in desk.messages())
    desk.commands.ensure_canvas().state.set_selection(Selection(RATE, 2 * RATE))
    row.learn_wanted.emit()
    assert desk.commands.document.recipe.step(device).params["noise_from"] == "1.000-2.000"
    assert desk.messages() == []


def test_the_headphone_of_a_stage_listens_to_it_and_back(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    device = desk.add()
    stage = card(desk).stages["flip"]
    stage.switch.click()
    stage.listen.click()
    assert desk.commands.document.recipe.step(device).params["listen"] == "flip"
    stage.listen.click()
    assert "listen" not in desk.commands.document.recipe.step(device).params


def test_delta_of_one_device_is_what_the_player_plays(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    device = desk.add()
    desk.add()
    desk.commands.listening.toggle_solo(device)
    assert desk.commands.listening.monitor == "delta"
    assert desk.window.status.heard.accessibleName() == "Heard: Δ Gain only"
    desk.commands.listening.toggle_solo(device)
    assert desk.commands.listening.monitor == "B"


def test_the_card_says_what_a_device_did(desk: Desk, recording: Path) -> None:
    # Half of a sine: the difference is half of it too, −6.02 dB of its energy, and so is the change of level.
    desk.open(recording)
    desk.add()
    doing = card(desk).view.doing
    assert doing.phase == "done"
    assert doing.removed_db == pytest.approx(-6.02, abs=0.01)
    assert doing.level_lu == pytest.approx(-6.02, abs=0.01)


def test_a_tool_of_another_package_gets_card_and_menu_without_a_line_here(
    qtbot: QtBot, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    info = site / "foreign_sound-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-sound\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[shellac.tools]\nforeign = foreign_sound:TOOL\nbroken = foreign_broken:TOOL\n"
    )
    (site / "foreign_sound.py").write_text(
        textwrap.dedent("""
        from tests.gui.conftest import Gain
        TOOL = Gain(name="foreign", label="Foreign gain")
        """)
    )
    (site / "foreign_broken.py").write_text("raise RuntimeError('this package is broken')\n")
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    engine.tools.forget_foreign_tools()
    desk = make_desk(qtbot)
    try:
        desk.open(recording)
        desk.add("foreign")
        assert card(desk).title.full_text() == "Foreign gain"
        assert np.abs(desk.result()).max() == pytest.approx(0.25, abs=0.001)
        assert any("foreign_broken" in str(problem) for problem in engine.tools.tool_problems())
    finally:
        close_desk(desk)
        engine.tools.forget_foreign_tools()
        for name in ("foreign_sound", "foreign_broken"):
            sys.modules.pop(name, None)


class Choosy(Gain):
    """Knows one knob in one of its modes only, and says so."""

    def idle_knobs(self, params: Params) -> dict[str, str]:
        return {} if params["mode"] == "odd" else {"factor": "Only the odd mode has a factor"}


def test_a_knob_that_has_no_effect_as_the_device_is_set_is_off_and_says_why(
    qtbot: QtBot, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.tools, "TOOLS", (*engine.tools.TOOLS, Choosy(name="choosy", label="Choosy")))
    desk = make_desk(qtbot)
    try:
        desk.open(recording)
        device = desk.add("choosy")
        row = card(desk).rows["factor"]
        assert not row.isEnabled()
        assert row.toolTip() == "Only the odd mode has a factor"
        desk.commands.document.set_knob(device, "mode", "odd")
        assert row.isEnabled()
        assert row.toolTip() == ""
    finally:
        close_desk(desk)


def test_a_tool_that_needs_another_recording_is_not_offered_but_shown_where_a_project_has_it(
    qtbot: QtBot, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needing = Gain(name="needing", label="Needing")
    needing.needs = ("reference",)  # type: ignore[attr-defined]
    monkeypatch.setattr(engine.tools, "TOOLS", (*engine.tools.TOOLS, needing))
    desk = make_desk(qtbot)
    try:
        assert "add-needing" not in desk.window.actions_by_name
        assert "needing" not in [tile.tool.name for tile in desk.commands.rack_link.rack.tiles]
        desk.open(recording)
        desk.commands.document.edit(Recipe((Step("needing", id="n"),)))
        desk.settle()
        assert card(desk).title.full_text() == "Needing"
        assert card(desk).view.doing.note == "Needing has no reference"
        assert np.abs(desk.result()).max() == pytest.approx(0.5, abs=0.001), "the sound passes through"
    finally:
        close_desk(desk)


def test_a_knob_under_the_wheel_does_not_turn_while_the_rack_is_scrolled(desk: Desk, recording: Path) -> None:
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QWheelEvent

    desk.open(recording)
    desk.add()
    knob = slider(desk, "factor")
    before = knob.value()
    event = QWheelEvent(
        QPointF(10, 10), QPointF(10, 10), QPoint(0, 0), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    knob.wheelEvent(event)
    assert knob.value() == before
    assert not event.isAccepted()


def test_half_scale_is_what_the_fixture_says() -> None:
    assert np.abs(tone(1.0)).max() == pytest.approx(0.5, abs=0.001)
