"""The time ruler: its labels never run into each other, however far in one has zoomed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QApplication

from gui import theme
from gui.numbers import clock
from gui.program import application
from gui.views.axes import time_step
from gui.views.ruler import RulerView
from gui.views.view_state import ViewState


@pytest.fixture
def app() -> QApplication:
    return application()


@pytest.mark.parametrize(
    ("rate", "frames"), [(44100, 1), (192000, 1), (44100, 40), (8000, 96_000), (48000, 500_000_000)]
)
def test_a_label_ends_before_the_next_one_begins(app: QApplication, tmp_path: Path, rate: int, frames: int) -> None:
    state = ViewState()
    state.set_recording(frames, rate)
    ruler = RulerView(state)
    ruler.resize(900, 28)
    step, parts, decimals = ruler.label_step()
    widest = QFontMetricsF(theme.ui_font(11, 500)).horizontalAdvance(clock(frames / rate, decimals))
    assert step / ruler.seconds_per_px > 5 + widest
    assert parts >= 2
    assert step >= time_step(ruler.seconds_per_px)[0]  # never closer than the lines of the canvas
