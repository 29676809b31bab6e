"""A canvas with two seconds of known sound on it, closed with all its threads after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from engine.audio.signal import ArraySignal, Span
from gui import theme
from gui.views.canvas import CanvasArea
from gui.views.lane import Lane
from gui.views.view_state import ViewState

RATE = 44_100
FRAMES = 2 * RATE


@dataclass
class Stage:
    """The canvas under test."""

    canvas: CanvasArea
    state: ViewState
    a: Lane
    b: Lane

    def settle(self) -> None:
        """Let everything that was asked for arrive and be painted."""
        for _ in range(6):
            QApplication.processEvents()
            assert self.canvas.wait_idle()
        QApplication.processEvents()

    def picture(self, widget: QWidget) -> QImage:
        self.settle()
        return widget.grab().toImage()


def sound() -> np.ndarray:  # type: ignore[type-arg]
    at = np.arange(FRAMES) / RATE
    return np.stack([0.25 * np.sin(2 * np.pi * 1000 * at)] * 2, axis=1).astype(np.float32)


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    """Two sides of two seconds at 44.1 kHz: A a tone with a click, B the tone, its first second finished."""
    theme.apply("dark")
    damaged = sound()
    damaged[RATE // 2] = 0.9
    state = ViewState()
    canvas = CanvasArea(state)
    qtbot.addWidget(canvas)
    canvas.resize(880, 780)
    a = Lane(ArraySignal(damaged, RATE), "Original", "A", parent=canvas)
    b = Lane(ArraySignal(sound(), RATE), "Result", "B", parent=canvas)
    state.set_recording(FRAMES, RATE)
    canvas.set_lanes(a, b)
    canvas.show()
    qtbot.waitExposed(canvas)
    a.load()
    b.set_finished([Span(0, RATE)])
    b.refresh(Span(0, RATE))
    made = Stage(canvas, state, a, b)
    made.settle()
    yield made
    assert canvas.close_workers()


@pytest.fixture
def turn_wheel() -> Callable[..., None]:
    """Return a function that turns the wheel by notches at a point of a widget."""

    def turn(widget: QWidget, x: float, y: float, notches: float, keys: Qt.KeyboardModifier | None = None) -> None:
        at = QPointF(x, y)
        event = QWheelEvent(
            at, widget.mapToGlobal(at), QPoint(), QPoint(0, round(120 * notches)), Qt.MouseButton.NoButton,
            keys or Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)

    return turn


@pytest.fixture
def count_near() -> Callable[..., int]:
    """Return a function that counts the pixels of about one colour between two columns."""

    def count(image: QImage, code: str, left: int = 0, right: int | None = None, off: int = 24) -> int:
        wanted = QColor(code)
        plain = image.convertToFormat(QImage.Format.Format_RGB32)
        pixels = np.frombuffer(plain.constBits(), dtype=np.uint8).reshape(plain.height(), -1, 4)
        part = pixels[:, left : right or plain.width(), :3].astype(int)
        return int((np.abs(part - [wanted.blue(), wanted.green(), wanted.red()]).max(axis=2) <= off).sum())

    return count
