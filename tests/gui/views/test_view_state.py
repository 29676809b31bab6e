"""What the canvas shows and selects, without a pixel."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.signal import Span
from gui.views.view_state import Marker, Selection, ViewState

RATE = 48_000
HOUR = 3600 * RATE


def a_state(frames: int = HOUR, rate: int = RATE) -> ViewState:
    state = ViewState()
    state.set_recording(frames, rate)
    return state


def calls(signal: object) -> list[int]:
    seen: list[int] = []
    signal.connect(lambda *_: seen.append(1))  # type: ignore[attr-defined]
    return seen


@settings(max_examples=60)
@given(st.floats(0.1, 0.9), st.lists(st.floats(1.01, 3), min_size=1, max_size=8))
def test_zooming_in_keeps_the_place_under_the_pointer(share: float, factors: list[float]) -> None:
    state = a_state()
    at = share * HOUR
    for factor in factors:
        state.zoom(factor, at)
        assert (at - state.start) / state.span_frames == pytest.approx(share, abs=1e-6)


def test_zooming_out_ends_at_the_whole_recording_and_in_at_a_few_samples() -> None:
    state = a_state()
    state.zoom(1e-9)
    assert (state.start, state.stop) == (0, HOUR)
    state.zoom(1e12, 1000)
    assert state.span_frames == 32


def test_panning_stops_at_both_ends_and_keeps_the_length() -> None:
    state = a_state()
    state.show(RATE, 3 * RATE)
    state.pan(-10 * RATE)
    assert (state.start, state.stop) == (0, 2 * RATE)
    state.pan(2 * HOUR)
    assert (state.start, state.stop) == (HOUR - 2 * RATE, HOUR)


def test_nothing_is_told_when_nothing_changes() -> None:
    state = a_state()
    seen = calls(state.span_changed)
    state.pan(-5)
    state.fit()
    state.show(0, HOUR)
    assert seen == []


def test_an_empty_recording_shows_nothing_and_breaks_nothing() -> None:
    state = a_state(0)
    state.zoom(2)
    state.pan(100)
    state.fit()
    state.select_all()
    assert state.selection is None
    assert state.span_frames > 0


def test_upsampling_keeps_what_was_seen_and_selected_in_seconds() -> None:
    state = a_state(10 * 22_050, 22_050)
    state.show(2 * 22_050, 4 * 22_050)
    state.set_selection(Selection(22_050, 3 * 22_050, 300, 8000))
    state.set_loop(Span(22_050, 44_100))
    state.set_markers((Marker(11_025, "in"),))
    state.set_playhead(22_050.0)
    state.set_recording(10 * 44_100, 44_100)
    assert (state.start, state.stop) == (2 * 44_100, 4 * 44_100)
    assert state.selection == Selection(44_100, 3 * 44_100, 300, 8000)
    assert state.loop == Span(44_100, 88_200)
    assert state.markers == (Marker(22_050, "in"),)
    assert state.playhead == 44_100
    assert state.high_hz == 22_050  # all frequencies were shown, so all of them are


def test_another_recording_starts_afresh() -> None:
    state = a_state()
    state.set_selection(Selection(10, 20))
    state.set_recording(5 * RATE, RATE)
    assert state.selection is None
    assert (state.start, state.stop) == (0, 5 * RATE)


@given(st.integers(-100, 2000), st.integers(-100, 2000), st.floats(-10, 40_000), st.floats(-10, 40_000))
def test_a_selection_is_in_order_and_inside(first: int, second: int, low: float, high: float) -> None:
    state = a_state(1000)
    state.set_selection(Selection(first, second, low, high))
    chosen = state.selection
    if chosen is not None:
        assert 0 <= chosen.start < chosen.stop <= 1000
        assert chosen.low_hz is not None
        assert chosen.high_hz is not None
        assert 0 <= chosen.low_hz < chosen.high_hz <= RATE / 2


def test_a_span_without_length_selects_nothing() -> None:
    state = a_state(1000)
    state.set_selection(Selection(10, 20))
    state.set_selection(Selection(30, 30))
    assert state.selection is None


def test_double_click_selects_from_marker_to_marker() -> None:
    state = a_state(1000)
    state.select_between_markers(500)
    assert state.selection == Selection(0, 1000)
    state.set_markers((Marker(700, "b"), Marker(200, "a", stop=300)))
    state.select_between_markers(250)
    assert state.selection == Selection(200, 300)
    state.select_between_markers(301)
    assert state.selection == Selection(300, 700)
    state.select_between_markers(999)
    assert state.selection == Selection(700, 1000)
    state.select_between_markers(1000)
    assert state.selection == Selection(700, 1000)


def test_zoom_to_selection_fills_the_view_with_it() -> None:
    state = a_state()
    state.set_selection(Selection(10 * RATE, 12 * RATE, 500, 2000))
    state.zoom_to_selection()
    assert state.start < 10 * RATE < 12 * RATE < state.stop
    assert state.span_frames < 2.2 * RATE
    assert state.low_hz < 500 < 2000 < state.high_hz < 2500


def test_shift_and_arrows_drag_the_nearer_end_of_the_selection() -> None:
    state = a_state(100_000)
    state.set_cursor(1000)
    state.move_cursor(500, extend=True)
    assert state.selection == Selection(1000, 1500)
    state.move_cursor(-200, extend=True)
    assert state.selection == Selection(1000, 1300)
    state.move_cursor(-800, extend=True)
    assert state.selection == Selection(500, 1000)


def test_the_view_comes_along_when_the_cursor_leaves_it() -> None:
    state = a_state()
    state.show(0, RATE)
    state.set_cursor(RATE - 10)
    state.move_cursor(RATE)
    assert state.start <= state.cursor <= state.stop
    assert state.span_frames == RATE


def test_following_turns_the_page_only_while_playing_and_not_while_dragging() -> None:
    state = a_state()
    state.show(0, RATE)
    state.set_playhead(2.0 * RATE)
    assert state.start == 0
    state.set_playing(True)
    state.is_held = True
    state.set_playhead(2.1 * RATE)
    assert state.start == 0
    state.is_held = False
    state.set_playhead(2.2 * RATE)
    assert state.start < 2.2 * RATE < state.stop
    state.set_follow(False)
    state.set_playhead(9.0 * RATE)
    assert state.stop < 9 * RATE


def test_the_frequency_axis_zooms_around_the_pointer() -> None:
    from gui.views.axes import position_of_hz

    state = a_state()
    for scale in ("linear", "log", "mel", "bark"):
        state.set_scale(scale)  # type: ignore[arg-type]
        state.fit()
        before = float(position_of_hz(2000, state.scale, state.low_hz, state.high_hz))
        state.zoom_frequency(1.5, 2000)
        assert float(position_of_hz(2000, state.scale, state.low_hz, state.high_hz)) == pytest.approx(before, abs=1e-6)
        for _ in range(20):
            state.zoom_frequency(0.5, 2000)
        assert state.high_hz == RATE / 2
        assert state.low_hz <= 20.0


def test_changing_the_axis_keeps_a_full_view_full() -> None:
    state = a_state()
    assert state.low_hz == 60
    state.set_scale("linear")
    assert (state.low_hz, state.high_hz) == (0, RATE / 2)
    state.set_scale("log")
    assert (state.low_hz, state.high_hz) == (60, RATE / 2)


def test_the_level_range_stays_at_least_ten_decibels_wide() -> None:
    state = a_state()
    state.set_db_range(-20, -60)
    assert state.ceiling_db - state.floor_db >= 10
    state.set_db_range(-500, 50)
    assert (state.floor_db, state.ceiling_db) == (-120, 0)


def test_the_loop_is_in_order_cut_and_never_empty() -> None:
    state = a_state(1000)
    state.set_loop(Span(900, 100))
    assert state.loop == Span(100, 900)
    state.set_loop(Span(990, 5000))
    assert state.loop == Span(990, 1000)
    state.set_loop(Span(5, 5))
    assert state.loop is None


@pytest.mark.parametrize(
    ("name", "value"), [("tool", "brush"), ("layout", "3d"), ("channels", "quad"), ("fft_size", 1000)]
)
def test_unknown_modes_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=str(value)):
        getattr(a_state(), f"set_{name}")(value)
