"""What the mouse and the keys do on waveform, ruler, overview and number row (the table of keys and mouse)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QNativeGestureEvent, QPointingDevice
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from engine.audio.signal import Span
from gui.views.view_state import Mark, Marker, Selection

if TYPE_CHECKING:
    from conftest import Stage

RATE, FRAMES = 44_100, 88_200  # of the stage
LEFT, MIDDLE, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton
NONE = Qt.KeyboardModifier.NoModifier
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def drag(qtbot: QtBot, widget: QWidget, x: float, to: float, y: int = 20, button: Qt.MouseButton = LEFT) -> None:
    qtbot.mousePress(widget, button, NONE, QPoint(round(x), y))
    for share in (0.3, 0.7, 1.0):
        qtbot.mouseMove(widget, QPoint(round(x + (to - x) * share), y))
    qtbot.mouseRelease(widget, button, NONE, QPoint(round(to), y))


# --- the views ---------------------------------------------------------------------------------------------------


def test_the_wheel_zooms_time_at_the_pointer(stage: Stage, turn_wheel: Callable[..., None]) -> None:
    view, state = stage.canvas.waveform, stage.state
    frame = view.frame_at(300)
    turn_wheel(view, 300, 50, 4)
    assert state.span_frames == pytest.approx(FRAMES / 1.25**4)
    assert view.frame_at(300) == pytest.approx(frame, abs=0.5)
    turn_wheel(view, 300, 50, -20)
    assert (state.start, state.stop) == (0, FRAMES)


def test_shift_and_wheel_pan(stage: Stage, turn_wheel: Callable[..., None]) -> None:
    view, state = stage.canvas.waveform, stage.state
    state.show(0, RATE)
    turn_wheel(view, 300, 50, -2, SHIFT)
    assert state.start > 0
    assert state.span_frames == RATE


def test_ctrl_and_wheel_zoom_the_amplitude_of_a_waveform(stage: Stage, turn_wheel: Callable[..., None]) -> None:
    turn_wheel(stage.canvas.waveform, 300, 50, 1, CTRL)
    assert stage.state.amplitude_zoom == pytest.approx(1.25)
    assert stage.state.span_frames == FRAMES


def test_a_pinch_zooms_time_at_the_fingers(stage: Stage) -> None:
    view, state = stage.canvas.waveform, stage.state
    frame, at = view.frame_at(300), QPointF(300, 40)
    event = QNativeGestureEvent(
        Qt.NativeGestureType.ZoomNativeGesture, QPointingDevice.primaryPointingDevice(), 2, at, at,
        view.mapToGlobal(at), 0.5, QPointF(),
    )  # fmt: skip
    QApplication.sendEvent(view, event)
    assert state.span_frames == pytest.approx(FRAMES / 1.5)
    assert view.frame_at(300) == pytest.approx(frame, abs=0.5)


def test_a_drag_selects_and_its_edges_can_be_moved(stage: Stage, qtbot: QtBot) -> None:
    view, state = stage.canvas.waveform, stage.state
    drag(qtbot, view, 200, 400)
    assert state.selection is not None
    first = state.selection
    assert first.span == pytest.approx((view.frame_at(200), view.frame_at(400)), abs=1)
    drag(qtbot, view, 401, 500)
    assert state.selection.start == first.start
    assert state.selection.stop == pytest.approx(view.frame_at(500), abs=view.frame_at(51) - view.frame_at(50))
    drag(qtbot, view, 199, 100)
    assert state.selection.start < first.start


def test_after_a_drag_playing_starts_where_the_selection_does(stage: Stage, qtbot: QtBot) -> None:
    view, state = stage.canvas.waveform, stage.state
    with qtbot.waitSignal(state.seek_requested) as sought:
        drag(qtbot, view, 400, 200)  # from right to left: the start is where the drag ended
    assert state.selection is not None
    assert sought.args == [state.selection.start]
    assert state.cursor == state.selection.start == pytest.approx(view.frame_at(200), abs=1)


def test_a_drag_while_playing_moves_the_cursor_and_plays_on(stage: Stage, qtbot: QtBot) -> None:
    view, state = stage.canvas.waveform, stage.state
    state.set_playing(True)
    with qtbot.assertNotEmitted(state.seek_requested):
        drag(qtbot, view, 200, 400)
    assert state.cursor == pytest.approx(view.frame_at(200), abs=1)


def test_a_click_puts_the_cursor_plays_from_there_and_selects_nothing(stage: Stage, qtbot: QtBot) -> None:
    view, state = stage.canvas.waveform, stage.state
    state.set_selection(Selection(100, 2000))
    with qtbot.waitSignal(state.seek_requested) as sought:
        qtbot.mouseClick(view, LEFT, NONE, QPoint(500, 30))
    assert sought.args == [pytest.approx(view.frame_at(500), abs=1)]
    assert state.cursor == pytest.approx(view.frame_at(500), abs=1)
    assert state.selection is None


def test_shift_and_click_extend_the_selection(stage: Stage, qtbot: QtBot) -> None:
    view, state = stage.canvas.waveform, stage.state
    state.set_selection(Selection(10_000, 20_000))
    qtbot.mouseClick(view, LEFT, SHIFT, QPoint(round(view.x_of(40_000)), 30))
    assert state.selection is not None
    assert state.selection.start == 10_000
    assert state.selection.stop == pytest.approx(40_000, abs=120)


def test_a_double_click_selects_from_marker_to_marker(stage: Stage, qtbot: QtBot) -> None:
    view, state = stage.canvas.waveform, stage.state
    state.set_markers((Marker(20_000, "a"), Marker(60_000, "b")))
    qtbot.mouseDClick(view, LEFT, NONE, QPoint(round(view.x_of(40_000)), 30))
    assert state.selection == Selection(20_000, 60_000)


def test_the_middle_button_and_the_hand_move_the_view(stage: Stage, qtbot: QtBot) -> None:
    view, state = stage.canvas.waveform, stage.state
    for tool, button in (("time", MIDDLE), ("hand", LEFT)):
        state.set_tool(tool)  # type: ignore[arg-type]
        state.show(0, RATE)
        grabbed = view.frame_at(400)
        drag(qtbot, view, 400, 300, button=button)
        assert view.frame_at(300) == pytest.approx(grabbed, abs=1)
        assert state.selection is None


def test_the_zoom_tool_shows_the_rectangle_and_a_click_goes_nearer(stage: Stage, qtbot: QtBot) -> None:
    view, state = stage.canvas.waveform, stage.state
    state.set_tool("zoom")
    left, right = view.frame_at(200), view.frame_at(400)
    drag(qtbot, view, 200, 400)
    assert (state.start, state.stop) == pytest.approx((left, right), abs=1)
    length = state.span_frames
    qtbot.mouseClick(view, LEFT, NONE, QPoint(300, 30))
    assert state.span_frames == pytest.approx(length / 2)


def test_the_view_doesnt_turn_its_page_under_a_drag(stage: Stage, qtbot: QtBot) -> None:
    view, state = stage.canvas.waveform, stage.state
    state.show(0, RATE)
    state.set_playing(True)
    qtbot.mousePress(view, LEFT, NONE, QPoint(200, 30))
    qtbot.mouseMove(view, QPoint(300, 30))
    state.set_playhead(1.5 * RATE)
    assert state.start == 0
    qtbot.mouseRelease(view, LEFT, NONE, QPoint(300, 30))
    state.set_playhead(1.6 * RATE)
    assert state.start > 0


# --- the ruler ---------------------------------------------------------------------------------------------------


def test_a_drag_on_the_ruler_loops_and_the_braces_ends_move(stage: Stage, qtbot: QtBot) -> None:
    ruler, state = stage.canvas.ruler, stage.state
    drag(qtbot, ruler, 200, 400, y=6)
    assert state.loop == pytest.approx((ruler.frame_at(200), ruler.frame_at(400)), abs=1)
    drag(qtbot, ruler, 400, 600, y=6)
    assert state.loop == pytest.approx((ruler.frame_at(200), ruler.frame_at(600)), abs=1)


def test_a_right_drag_on_the_ruler_zooms_to_the_range(stage: Stage, qtbot: QtBot) -> None:
    ruler, state = stage.canvas.ruler, stage.state
    left, right = ruler.frame_at(200), ruler.frame_at(400)
    drag(qtbot, ruler, 200, 400, y=6, button=RIGHT)
    assert (state.start, state.stop) == pytest.approx((left, right), abs=1)
    assert state.loop is None


def test_a_click_on_the_ruler_seeks_and_on_a_flag_tells_which(stage: Stage, qtbot: QtBot) -> None:
    ruler, state = stage.canvas.ruler, stage.state
    with qtbot.waitSignal(state.seek_requested) as sought:
        qtbot.mouseClick(ruler, LEFT, NONE, QPoint(500, 6))
    assert sought.args == [pytest.approx(ruler.frame_at(500), abs=1)]
    state.set_markers((Marker(20_000, "first"), Marker(60_000, "second")))
    stage.settle()
    with qtbot.waitSignal(state.marker_activated) as activated:
        qtbot.mouseClick(ruler, LEFT, NONE, QPoint(round(ruler.x_of(60_000)) + 6, 14))
    assert activated.args == [1]


def test_the_handle_of_the_playhead_scrubs(stage: Stage, qtbot: QtBot) -> None:
    ruler, state = stage.canvas.ruler, stage.state
    state.set_playhead(30_000.0)
    sought: list[float] = []
    state.seek_requested.connect(sought.append)
    drag(qtbot, ruler, ruler.x_of(30_000), 600, y=ruler.height() - 5)
    assert sought[-1] == pytest.approx(ruler.frame_at(600), abs=1)
    assert state.loop is None


def test_a_doubt_tells_its_reason(stage: Stage) -> None:
    stage.canvas.set_marks((Mark(20_000, 22_000, "Level jumps by 8 dB"),))
    ruler = stage.canvas.ruler
    assert ruler.reasons_at(ruler.x_of(21_000)) == ["Level jumps by 8 dB"]
    assert ruler.reasons_at(ruler.x_of(60_000)) == []


# --- the overview ------------------------------------------------------------------------------------------------


def test_the_frame_of_the_overview_moves_and_resizes_the_view(stage: Stage, qtbot: QtBot) -> None:
    overview, state = stage.canvas.overview, stage.state
    state.show(20_000, 60_000)
    drag(qtbot, overview, overview.x_of(40_000), overview.x_of(50_000))
    assert (state.start, state.stop) == pytest.approx((30_000, 70_000), abs=150)
    drag(qtbot, overview, overview.x_of(state.stop), overview.x_of(80_000))
    assert (state.start, state.stop) == pytest.approx((30_000, 80_000), abs=150)
    drag(qtbot, overview, overview.x_of(10_000), overview.x_of(10_000))
    assert state.start == 0  # a click beside the frame centres it there


def test_the_overview_is_moved_by_keys_too(stage: Stage, qtbot: QtBot) -> None:
    state = stage.state
    state.show(0, 20_000)
    stage.canvas.overview.setFocus()
    qtbot.keyClick(stage.canvas.overview, Qt.Key.Key_PageDown)
    assert state.start == 20_000
    qtbot.keyClick(stage.canvas.overview, Qt.Key.Key_Left)
    assert state.start == 15_000


def test_the_strip_shows_how_much_of_b_is_finished(stage: Stage, count_near: Callable[..., int]) -> None:
    strip = stage.picture(stage.canvas.overview).copy(0, 50, 880, 2)
    assert count_near(strip, "#4CC9F0", 60, 436) > 700
    assert count_near(strip, "#4CC9F0", 444, 832) == 0
    assert "50 % rendered" in stage.canvas.overview.accessibleDescription()


# --- the number row ----------------------------------------------------------------------------------------------


def type_into(field: QWidget, text: str) -> None:
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, CTRL)
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_a_box_can_be_selected_with_the_keyboard_alone(stage: Stage) -> None:
    fields = stage.canvas.number_row.fields
    for name, text in (("start", "0:00.250"), ("stop", "1,5"), ("low", "300"), ("high", "8k"), ("feather", "25")):
        type_into(fields[name], text)
    assert stage.state.selection == Selection(11_025, 66_150, 300, 8000)
    assert stage.state.feather_ms == 25
    assert fields["start"].text() == "0:00.250"
    assert fields["high"].text() == "8000"


def test_what_is_no_number_changes_nothing(stage: Stage) -> None:
    stage.state.set_selection(Selection(11_025, 66_150))
    field = stage.canvas.number_row.fields["start"]
    type_into(field, "soon")
    assert stage.state.selection == Selection(11_025, 66_150)
    assert field.text() == "0:00.250"


def test_arrows_step_and_escape_takes_back(stage: Stage) -> None:
    stage.state.set_selection(Selection(11_025, 66_150))
    field = stage.canvas.number_row.fields["stop"]
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_Up)
    assert stage.state.selection == Selection(11_025, 66_150 + 441)
    QTest.keyClick(field, Qt.Key.Key_Down, SHIFT)
    assert stage.state.selection == Selection(11_025, 66_150 - 9 * 441)
    QTest.keyClicks(field, "99")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "0:01.410"


def test_an_end_before_the_start_takes_the_start_along(stage: Stage) -> None:
    stage.state.set_selection(Selection(RATE, FRAMES))
    type_into(stage.canvas.number_row.fields["stop"], "0.5")
    chosen = stage.state.selection
    assert chosen is not None
    assert chosen.start < chosen.stop == RATE // 2


def test_an_emptied_frequency_makes_the_box_a_span(stage: Stage) -> None:
    stage.state.set_selection(Selection(RATE, FRAMES, 300, 8000))
    type_into(stage.canvas.number_row.fields["low"], " ")
    assert stage.state.selection == Selection(RATE, FRAMES)


def test_typing_isnt_overwritten_by_a_running_playhead(stage: Stage) -> None:
    field = stage.canvas.number_row.fields["start"]
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, CTRL)
    QTest.keyClicks(field, "0:0")
    stage.state.set_loop(Span(0, 1000))
    stage.state.set_feather(12)
    assert field.text() == "0:0"
