"""One inline banner: what happened, what was kept, what to do. Never a traceback; details can be copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from engine.errors import ShellacError
from gui import icons, theme
from gui.jobs import Fault
from gui.panels.controls import IconButton

Level = Literal["error", "warn", "info", "ok"]


@dataclass(frozen=True)
class Message:
    """What a banner says. `actions` are (text, what it does) pairs."""

    text: str
    detail: str = ""  # the quieter second part
    level: Level = "error"
    copyable: str = ""
    actions: tuple[tuple[str, Callable[[], None]], ...] = ()
    topic: str = ""  # a new message replaces an older one of its topic


def message_of(error: ShellacError | Fault, actions: tuple[tuple[str, Callable[[], None]], ...] = ()) -> Message:
    """Return an error as a banner says it."""
    if isinstance(error, Fault):
        what, _colon, rest = error.sentence.partition(": ")
        return Message(_sentence(what), _sentence(rest), "error", f"{error.sentence}\n\n{error.details}", actions)
    detail = "; ".join(part for part in (error.kept, error.todo) if part)
    cause = f"\ncaused by {error.__cause__!r}" if error.__cause__ is not None else ""
    return Message(
        _sentence(error.what), _sentence(detail), "error", f"{type(error).__name__}: {error}{cause}", actions
    )


def _sentence(text: str) -> str:
    """Return `text` with a capital, unless it begins with the name of a file."""
    first = text.split(" ", 1)[0]
    return text if any(letter in first for letter in "./\\_'\"") else text[:1].upper() + text[1:]


class _Mark(QWidget):
    def __init__(self, level: Level) -> None:
        super().__init__()
        self._level = level
        self.setFixedSize(20, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        name = {"error": "warning", "warn": "warning", "info": "info", "ok": "check"}[self._level]
        colour = {"error": look.error, "warn": look.warn, "info": look.accent, "ok": look.ok}[self._level]
        icons.paint(QPainter(self), name, QRectF(2, 2, 16, 16), colour)


class Banner(QFrame):
    """A line across the canvas. It goes when its cross is clicked, or when its cause has gone."""

    def __init__(self, message: Message, close: Callable[[], None]) -> None:
        super().__init__()
        self.message = message
        self.setObjectName("Banner")
        self.setProperty("level", message.level)
        self.setAccessibleName(f"{message.text}. {message.detail}")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 5, 8, 5)
        row.setSpacing(10)
        row.addWidget(_Mark(message.level), 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._words(message), 1)
        for text, act in message.actions:
            self._button(row, text, partial(_close_then, close, act))
        if message.copyable:
            self._button(row, "Copy details", lambda: QGuiApplication.clipboard().setText(message.copyable))
        cross = IconButton("close", "Close this message", side=28, icon_side=13)
        cross.clicked.connect(close)
        row.addWidget(cross)

    def _words(self, message: Message) -> QLabel:
        look = theme.tokens()
        words = QLabel()
        words.setTextFormat(Qt.TextFormat.RichText)
        words.setWordWrap(True)
        words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        detail = (
            f'&nbsp;&nbsp; <span style="color:{look.text2}">{_escaped(message.detail)}</span>' if message.detail else ""
        )
        words.setText(f"<b>{_escaped(message.text)}</b>{detail}")
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return words

    def _button(self, row: QHBoxLayout, text: str, act: Callable[..., object]) -> None:
        button = QPushButton(text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(act)
        row.addWidget(button)


def _close_then(close: Callable[[], None], act: Callable[[], None], _checked: bool = False) -> None:
    close()
    act()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
