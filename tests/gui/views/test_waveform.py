"""The waveform on screen: whose sound is where, what isn't rendered, and what a moving playhead costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPointF
from PySide6.QtGui import QColor, QPaintEvent

from engine.audio.signal import Span
from gui import theme

if TYPE_CHECKING:
    from conftest import Stage

RATE, FRAMES = 44_100, 88_200  # of the stage

PLOT = (48, 832)  # the columns between the gutters at a width of 880
MIDDLE = 440  # where B's finished half ends


def test_cyan_ends_where_b_ends_and_amber_goes_on(stage: Stage, count_near: Callable[..., int]) -> None:
    image = stage.picture(stage.canvas.waveform)
    look = theme.tokens()
    assert count_near(image, look.b, 60, MIDDLE - 4) > 5000
    assert count_near(image, look.b, MIDDLE + 4, PLOT[1]) == 0
    assert count_near(image, look.a, MIDDLE + 4, PLOT[1]) > 5000


def test_a_click_that_b_removed_sticks_out_in_amber(stage: Stage) -> None:
    image = stage.picture(stage.canvas.waveform)
    x = round(stage.canvas.waveform.x_of(RATE / 2))
    middle, half = stage.canvas.waveform.curves.row(0, stage.canvas.waveform.plot)
    pixel = QColor(image.pixel(x, round(middle - 0.65 * half)))
    assert pixel.red() > pixel.blue() + 40  # amber: pale here, for it stands behind
    beside = QColor(image.pixel(x + 20, round(middle - 0.65 * half)))
    assert beside == QColor(theme.tokens().canvas)


def test_a_tone_of_a_quarter_is_as_high_as_its_label_says(stage: Stage) -> None:
    view = stage.canvas.waveform
    image = stage.picture(view)
    middle, half = view.curves.row(0, view.plot)
    column = [QColor(image.pixel(200, y)) for y in range(image.height())]
    inked = [y for y, c in enumerate(column) if c.blue() > 120 and c.blue() > c.red() + 40]
    assert min(inked) == pytest.approx(middle - 0.25 * half, abs=1.5)
    assert max(inked) == pytest.approx(middle + 0.25 * half, abs=1.5)


def test_a_chunk_that_lands_turns_cyan(stage: Stage, count_near: Callable[..., int]) -> None:
    stage.b.set_finished([Span(0, FRAMES)])
    stage.b.refresh(Span(RATE, FRAMES))
    image = stage.picture(stage.canvas.waveform)
    assert count_near(image, theme.tokens().b, MIDDLE + 4, PLOT[1]) > 5000


def test_hearing_a_puts_a_in_front_unless_the_view_stays(stage: Stage, count_near: Callable[..., int]) -> None:
    stage.canvas.set_monitor("A")
    look = theme.tokens()
    above_the_legend = stage.picture(stage.canvas.waveform).copy(0, 0, 880, 150)
    assert count_near(above_the_legend, look.b, *PLOT) == 0
    stage.state.set_view_follows_monitor(False)
    assert count_near(stage.picture(stage.canvas.waveform), look.b, *PLOT) > 5000


def test_hearing_the_difference_shows_only_what_was_taken_away(stage: Stage, count_near: Callable[..., int]) -> None:
    stage.canvas.set_monitor("delta")
    view = stage.canvas.waveform
    image = stage.picture(view)
    look = theme.tokens()
    assert count_near(image, look.a, *PLOT) == count_near(image, look.b, *PLOT) == 0
    x = round(view.x_of(RATE / 2))
    middle, half = view.curves.row(0, view.plot)
    # B − A at the click: 0.9 is missing.
    assert QColor(image.pixel(x, round(middle + 0.7 * half))).blue() > 100
    assert QColor(image.pixel(x, round(middle - 0.3 * half))) == QColor(look.canvas)


def test_a_blind_test_shows_neither_colour_nor_letter(stage: Stage, count_near: Callable[..., int]) -> None:
    stage.canvas.set_blind(True)
    look = theme.tokens()
    for widget in (stage.canvas.waveform, stage.canvas.overview):
        image = stage.picture(widget)
        assert count_near(image, look.a) == count_near(image, look.b) == 0
    assert count_near(stage.picture(stage.canvas.waveform), look.text2, *PLOT) > 5000


def test_close_up_the_samples_are_dots_on_a_line(stage: Stage) -> None:
    stage.state.show(1000, 1000 + 60)
    view = stage.canvas.waveform
    image = stage.picture(view)
    middle, half = view.curves.row(0, view.plot)
    for frame in (1010, 1030, 1050):
        y = middle - 0.25 * math.sin(2 * math.pi * 1000 * frame / RATE) * half
        around = [QColor(image.pixel(round(view.x_of(frame)), round(y) + dy)) for dy in (-1, 0, 1)]
        assert max(colour.blue() for colour in around) > 200


def test_each_channel_gets_a_row_of_its_own(stage: Stage, count_near: Callable[..., int]) -> None:
    stage.state.set_channels("each")
    view = stage.canvas.waveform
    assert view.curves.rows == 2
    image = stage.picture(view)
    for row in range(2):
        middle, _ = view.curves.row(row, view.plot)
        assert count_near(image.copy(0, round(middle) - 6, 880, 12), theme.tokens().b, 60, 430) > 500


def test_the_side_of_a_mono_sound_is_silent(stage: Stage, count_near: Callable[..., int]) -> None:
    stage.state.set_channels("mid_side")
    view = stage.canvas.waveform
    image = stage.picture(view)
    middle, half = view.curves.row(1, view.plot)
    assert count_near(image.copy(0, round(middle - half * 0.5), 880, round(half * 0.4)), theme.tokens().b, *PLOT) == 0


class PaintedWidths(QObject):
    """Notes how wide a part of a widget is painted."""

    def __init__(self) -> None:
        super().__init__()
        self.widths: list[int] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.widths.append(event.region().boundingRect().width())
        return False


def test_a_moving_playhead_repaints_a_strip_and_draws_nothing_anew(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = stage.canvas.waveform
    stage.state.set_playhead(5000.0)
    stage.settle()
    painted = PaintedWidths()
    view.installEventFilter(painted)
    monkeypatch.setattr(view.curves, "paint", lambda *_: pytest.fail("the curves were drawn anew"))
    stage.state.set_playhead(5000.0 + 3 * stage.state.span_frames / view.plot.width())
    stage.settle()
    view.removeEventFilter(painted)
    assert painted.widths
    assert max(painted.widths) < 40


def test_the_meter_shows_its_level_in_green_and_overs_in_red(stage: Stage, count_near: Callable[..., int]) -> None:
    look = theme.tokens()
    stage.canvas.set_meters((-30.0, -30.0), (-20.0, -20.0))
    half_full = count_near(stage.picture(stage.canvas.waveform), look.ok, PLOT[1])
    stage.canvas.set_meters((-15.0, -15.0), (-10.0, -10.0))
    assert count_near(stage.picture(stage.canvas.waveform), look.ok, PLOT[1]) == pytest.approx(
        1.5 * half_full, rel=0.05
    )
    stage.canvas.set_meters((0.0, 0.0), (0.0, 0.0))
    image = stage.picture(stage.canvas.waveform)
    assert count_near(image, look.ok, PLOT[1]) == 0
    assert count_near(image, look.error, PLOT[1]) > 500


def test_the_readout_names_time_and_level_under_the_pointer(stage: Stage) -> None:
    view = stage.canvas.waveform
    middle, half = view.curves.row(0, view.plot)
    place = view.hover(QPointF(440, middle - half / 2))
    assert place.seconds == pytest.approx(1.0, abs=2e-3)
    assert place.db == pytest.approx(-6.02, abs=0.01)


def test_it_stays_crisp_on_a_light_background(stage: Stage, count_near: Callable[..., int]) -> None:
    theme.apply("light")
    try:
        image = stage.picture(stage.canvas.waveform)
        assert QColor(image.pixel(300, 4)) == QColor(theme.LIGHT.canvas)
        assert count_near(image, theme.LIGHT.b, 60, 430) > 5000
    finally:
        theme.apply("dark")


def test_nothing_to_show_is_no_error(stage: Stage) -> None:
    stage.canvas.set_lanes(None, None)
    stage.state.set_recording(0, RATE)
    image = stage.picture(stage.canvas)
    assert not image.isNull()
    stage.canvas.set_lanes(stage.a, stage.b)
    assert np.isfinite(stage.state.span_frames)


def test_the_cursor_is_a_dotted_line_where_the_playhead_isnt(stage: Stage, count_near: Callable[..., int]) -> None:
    view, state = stage.canvas.waveform, stage.state
    state.set_playhead(10_000.0)
    state.set_cursor(60_000)
    x = round(view.x_of(60_000))
    white = count_near(stage.picture(view), "#FFFFFF", x, x + 1)
    assert 0.3 * view.height() < white < 0.6 * view.height()
    state.set_cursor(10_000)
    assert count_near(stage.picture(view), "#FFFFFF", x, x + 1) == 0


def test_larger_type_gets_wider_gutters(stage: Stage) -> None:
    assert stage.canvas.waveform.plot.left() == 48
    theme.apply("dark", 150)
    try:
        assert stage.canvas.waveform.plot.left() == stage.canvas.ruler.plot.left() == 72
        assert not stage.picture(stage.canvas).isNull()
    finally:
        theme.apply("dark")
