"""A, B and Δ by one key while playing; keys belong to whoever is being typed in."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from engine.audio.signal import Span
from engine.playback.match import LevelMatch
from gui.panels.controls import Slider
from gui.panels.knobs import SliderRow
from gui.views.view_state import Selection
from tests.gui.conftest import RATE, Desk


@pytest.fixture
def playing(desk: Desk, recording: Path) -> Desk:
    """A recording with a device, playing in a loop."""
    desk.open(recording)
    desk.add()
    desk.window.activateWindow()
    desk.window.setFocus()
    desk.do("loop")
    desk.do("play")
    desk.wait(lambda: desk.commands.listening.is_playing)
    return desk


def press(desk: Desk, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(QApplication.focusWidget() or desk.window, key, modifier)


def test_b_switches_between_original_and_result_without_stopping(playing: Desk) -> None:
    listening = playing.commands.listening
    press(playing, Qt.Key.Key_B)
    assert (listening.monitor, listening.player.monitor) == ("A", "A")
    assert playing.window.transport.sides.buttons["A"].isChecked()
    press(playing, Qt.Key.Key_B)
    assert listening.player.monitor == "B"
    assert listening.is_playing


def test_hold_x_hears_the_other_side_while_it_is_down(playing: Desk) -> None:
    listening = playing.commands.listening
    QTest.keyPress(playing.window, Qt.Key.Key_X)
    assert listening.player.monitor == "A"
    assert listening.monitor == "B"
    QTest.keyRelease(playing.window, Qt.Key.Key_X)
    assert listening.player.monitor == "B"


def test_d_hears_the_difference_and_shift_d_makes_it_louder(playing: Desk) -> None:
    listening = playing.commands.listening
    press(playing, Qt.Key.Key_D)
    assert listening.player.monitor == "delta"
    gains = []
    for _press in range(4):
        press(playing, Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
        gains.append(round(listening.player.delta_gain_db))
    assert gains == [6, 12, 20, 0]
    press(playing, Qt.Key.Key_D)
    assert listening.player.monitor == "B"


def test_level_match_turns_down_the_louder_side_by_what_is_shown(playing: Desk) -> None:
    # B is half of A: A is turned down by 6.02 dB, B not at all.
    listening = playing.commands.listening
    playing.wait(lambda: listening.match != LevelMatch())
    assert listening.match.gain_a_db == pytest.approx(-6.02, abs=0.02)
    assert listening.match.gain_b_db == 0
    assert listening.match_text == "A −6.0 dB"
    assert playing.window.transport.match.accessibleName() == "Level match A −6.0 dB"
    press(playing, Qt.Key.Key_G)
    assert not listening.is_matched
    assert playing.window.transport.match.accessibleName() == "Level match off"


def test_undo_while_playing_goes_on_playing(playing: Desk) -> None:
    playing.do("undo")
    playing.settle()
    assert playing.commands.listening.is_playing
    playing.do("redo")
    playing.settle()
    assert playing.commands.listening.is_playing
    assert playing.commands.listening.monitor == "B"


def test_space_plays_and_returns_to_where_it_began(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    link = desk.commands.ensure_canvas()
    desk.window.setFocus()
    link.go_to(3.0 * RATE)
    press(desk, Qt.Key.Key_Space)
    desk.wait(lambda: desk.commands.listening.player.position() > 3.2 * RATE)
    press(desk, Qt.Key.Key_Space)
    assert not desk.commands.listening.is_playing
    assert desk.commands.listening.player.position() == pytest.approx(3.0 * RATE)


def test_the_playhead_moves_with_what_is_heard(playing: Desk) -> None:
    link = playing.commands.ensure_canvas()
    start = link.state.playhead
    playing.wait(lambda: link.state.playhead > start + 0.3 * RATE)
    playing.wait(lambda: playing.window.transport.position.text() != "0:00.000")


def test_the_loop_key_loops_the_selection(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    link = desk.commands.ensure_canvas()
    link.state.set_selection(Selection(2 * RATE, 3 * RATE))
    desk.window.setFocus()
    press(desk, Qt.Key.Key_L)
    assert desk.commands.listening.player.loop == Span(2 * RATE, 3 * RATE)
    assert desk.window.actions_by_name["loop"].isChecked()
    press(desk, Qt.Key.Key_L)
    assert desk.commands.listening.player.loop is None


def test_letters_typed_into_a_field_are_letters(playing: Desk) -> None:
    field = QLineEdit(playing.window)
    field.show()
    field.setFocus()
    QTest.keyClicks(field, "bdgx l")
    assert field.text() == "bdgx l"
    assert playing.commands.listening.monitor == "B"
    assert playing.commands.listening.is_playing
    field.deleteLater()
    playing.window.setFocus()


def test_a_click_beside_a_number_ends_the_typing(playing: Desk) -> None:
    card = playing.commands.rack_link.rack.cards[0]
    row = next(row for row in card.findChildren(SliderRow) if row.knob.name == "factor")
    QTest.mouseClick(row.field, Qt.MouseButton.LeftButton)
    assert row.field.hasFocus()
    QTest.mouseClick(card.power, Qt.MouseButton.LeftButton)
    assert not row.field.hasFocus()
    press(playing, Qt.Key.Key_D)
    assert playing.commands.listening.monitor == "delta"


def test_a_number_out_of_range_is_said_by_the_knobs_name_and_put_back(playing: Desk) -> None:
    card = playing.commands.rack_link.rack.cards[0]
    row = next(row for row in card.findChildren(SliderRow) if row.knob.name == "factor")
    row.field.setFocus()
    row.field.setText("")
    QTest.keyClicks(row.field, "75")
    press(playing, Qt.Key.Key_Return)
    assert row.field.text() == "0.50"
    assert not row.field.hasFocus()
    assert playing.messages()[-1].startswith("Factor can't be 75")
    row.field.setFocus()
    QTest.keyClicks(row.field, "9")
    press(playing, Qt.Key.Key_Escape)
    assert (row.field.text(), row.field.hasFocus()) == ("0.50", False)


def test_a_click_on_a_button_or_knob_takes_no_focus(playing: Desk) -> None:
    card = playing.commands.rack_link.rack.cards[0]
    before = QApplication.focusWidget()
    QTest.mouseClick(card.power, Qt.MouseButton.LeftButton)
    QTest.mouseClick(card.delta, Qt.MouseButton.LeftButton)
    knob = card.findChildren(Slider)[0]
    QTest.mouseClick(knob, Qt.MouseButton.LeftButton, pos=QPoint(20, 14))
    QTest.mouseClick(playing.window.transport.play_button, Qt.MouseButton.LeftButton)
    assert QApplication.focusWidget() is before


def test_a_button_reached_by_tab_keeps_space_for_itself(playing: Desk) -> None:
    card = playing.commands.rack_link.rack.cards[0]
    card.power.setFocus(Qt.FocusReason.TabFocusReason)
    was_on = playing.commands.document.recipe.steps[0].enabled
    press(playing, Qt.Key.Key_Space)
    assert playing.commands.document.recipe.steps[0].enabled != was_on
    assert playing.commands.listening.is_playing


def test_without_a_sound_card_an_amber_chip_says_so(desk: Desk) -> None:
    desk.wait(lambda: desk.window.status.sound.text() != "")
    assert desk.window.status.sound.text() == "No sound card: playing without sound"
    assert not desk.window.status.sound.isHidden()


def test_with_no_device_b_is_a_and_their_difference_is_digital_silence(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    assert desk.commands.listening._a is desk.commands.listening._b
