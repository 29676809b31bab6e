"""The canvas as a whole: layouts, names for those who don't see it, sizes to hit, and an end without threads."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QSlider, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from engine.audio.signal import ArraySignal, Span
from gui import theme
from gui.views.canvas import CanvasArea
from gui.views.time_canvas import TimeCanvas
from gui.views.view_state import Selection

if TYPE_CHECKING:
    from conftest import Stage

RATE, FRAMES = 44_100, 88_200  # of the stage


@pytest.mark.parametrize(
    ("layout", "visible"),
    [("split", "waveform spectrogram"), ("waveform", "waveform"), ("spectrogram", "spectrogram"),
     ("overlay", "spectrogram"), ("compare", "A B delta")],
)  # fmt: skip
def test_each_layout_shows_its_views(stage: Stage, layout: str, visible: str) -> None:
    stage.state.set_layout(layout)  # type: ignore[arg-type]
    canvas = stage.canvas
    named = {"waveform": canvas.waveform, "spectrogram": canvas.spectrogram}
    named |= dict(zip(("A", "B", "delta"), canvas.compared, strict=True))  # type: ignore[arg-type]
    assert {name for name, view in named.items() if view.isVisible()} == set(visible.split())
    assert not stage.picture(canvas).isNull()


def test_the_waveform_takes_three_tenths(stage: Stage) -> None:
    wave, spectrum = stage.canvas.splitter.sizes()[:2]
    assert wave / (wave + spectrum) == pytest.approx(0.3, abs=0.03)


def test_everything_that_takes_the_keyboard_has_a_name(stage: Stage) -> None:
    nameless = [
        type(child).__name__
        for child in stage.canvas.findChildren(QWidget)
        if child.focusPolicy() != Qt.FocusPolicy.NoFocus and child.isVisible() and not child.accessibleName()
        and isinstance(child, QToolButton | QComboBox | QLineEdit | QSlider | TimeCanvas)
    ]  # fmt: skip
    assert nameless == []


def test_everything_that_is_clicked_is_28_pixels_high(stage: Stage) -> None:
    small = [
        (child.accessibleName(), child.height())
        for kind in (QToolButton, QComboBox, TimeCanvas)
        for child in stage.canvas.findChildren(kind)
        if child.isVisible() and child.height() < 28
    ]
    assert small == []


def test_buttons_are_reached_by_tab_and_not_by_clicks(stage: Stage) -> None:
    for kind in (QToolButton, QComboBox):
        for child in stage.canvas.findChildren(kind):
            # In a group of which one is down, Tab reaches that one and the arrows the others (Qt's own rule).
            assert child.focusPolicy() in (Qt.FocusPolicy.TabFocus, Qt.FocusPolicy.NoFocus), child.accessibleName()


def test_the_selection_is_spoken_as_it_changes(stage: Stage) -> None:
    stage.state.set_selection(Selection(22_050, 66_150, 300, 8000))
    for view in (stage.canvas.waveform, stage.canvas.spectrogram):
        assert view.accessibleDescription().startswith("Selection 0.50–1.50 s, 300–8000 Hz")
    stage.state.set_selection(None)
    assert stage.canvas.waveform.accessibleDescription().startswith("No selection")
    stage.state.set_loop(Span(22_050, 44_100))
    assert "Loop 0.50–1.00 s" in stage.canvas.ruler.accessibleDescription()


def test_the_focused_canvas_wears_a_ring(stage: Stage, count_near: Callable[..., int]) -> None:
    view = stage.canvas.waveform
    stage.canvas.activateWindow()
    view.setFocus()
    stage.settle()
    assert view.hasFocus()
    edge = stage.picture(view).copy(0, 0, 880, 2)
    assert count_near(edge, theme.tokens().accent, off=4) > 1500


def test_the_bar_above_does_what_it_says(stage: Stage, qtbot: QtBot) -> None:
    bar, state = stage.canvas.view_bar, stage.state
    buttons = {button.accessibleName(): button for button in bar.findChildren(QToolButton)}
    for name, attribute, value in (
        ("Select a box of time and frequency (R)", "tool", "box"),
        ("Waveform alone", "layout", "waveform"),
    ):
        qtbot.mouseClick(buttons[name], Qt.MouseButton.LeftButton)
        assert getattr(state, attribute) == value
        assert buttons[name].isChecked()
    state.set_tool("hand")
    assert buttons["Move the view (H)"].isChecked()
    bar.maps.setCurrentIndex(bar.maps.findData("Viridis"))
    bar.maps.activated.emit(bar.maps.currentIndex())
    assert state.map_name == "Viridis"
    qtbot.mouseClick(buttons["Zoom in"], Qt.MouseButton.LeftButton)
    assert state.span_frames == pytest.approx(FRAMES / 1.5)
    qtbot.mouseClick(buttons["Show everything (Ctrl+0)"], Qt.MouseButton.LeftButton)
    assert state.span_frames == FRAMES


def test_a_banner_stands_between_bar_and_overview_and_goes(stage: Stage) -> None:
    canvas = stage.canvas
    canvas.set_banner(QLabel("Generated sound: notes may change"))
    stage.settle()
    banner = next(label for label in canvas.findChildren(QLabel) if label.text().startswith("Generated"))
    assert canvas.view_bar.y() < banner.y() < canvas.overview.y()
    canvas.set_banner(None)
    stage.settle()
    assert canvas.overview.y() == canvas.view_bar.height()


def test_a_and_b_may_have_different_rates(stage: Stage, count_near: Callable[..., int]) -> None:
    half = stage.a.signal.read(0, FRAMES)[::2].copy()
    stage.a.reset(ArraySignal(half, RATE // 2))
    stage.a.load()
    stage.canvas.set_monitor("delta")  # reads A at B's rate
    assert not stage.picture(stage.canvas).isNull()
    stage.canvas.set_monitor("B")
    image = stage.picture(stage.canvas.waveform)
    assert count_near(image, theme.tokens().a, 460, 832) > 5000
    assert stage.canvas.spectrogram.hover is not None


def test_no_thread_outlives_a_closed_canvas(stage: Stage) -> None:
    stage.settle()
    stage.state.show(0, 20_000)
    assert stage.canvas.close_workers()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(thread.name == "canvas" for thread in threading.enumerate()):
        time.sleep(0.01)
    assert not any(thread.name == "canvas" for thread in threading.enumerate())


def test_a_file_that_vanishes_is_reported_and_not_raised(stage: Stage, qtbot: QtBot) -> None:
    from engine.errors import MissingFileError

    class Gone(ArraySignal):
        def read(self, start: int, stop: int) -> object:  # type: ignore[override]
            raise MissingFileError("side-1.wav is gone", "put it back or choose Relink")

    canvas: CanvasArea = stage.canvas
    with qtbot.waitSignal(canvas.failed, timeout=5000) as failed:
        stage.b.reset(Gone(stage.a.signal.read(0, FRAMES), RATE), [Span(0, FRAMES)])
        stage.settle()
    assert failed.args == ["side-1.wav is gone: put it back or choose Relink"]


@pytest.mark.parametrize("width", [500, 540, 640, 700, 880, 1200])
def test_in_a_narrow_window_nothing_overlaps(stage: Stage, width: int) -> None:
    stage.canvas.resize(width, 520)
    stage.settle()
    assert stage.canvas.width() == width
    for bar in (stage.canvas.view_bar, stage.canvas.number_row):
        parts = [child for child in bar.children() if isinstance(child, QWidget) and child.isVisible()]
        parts.sort(key=lambda part: part.x())
        for left, right in itertools.pairwise(parts):
            assert left.geometry().right() < right.x(), (left.accessibleName(), right.accessibleName())
        assert parts[-1].geometry().right() < width
