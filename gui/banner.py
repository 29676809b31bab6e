"""One inline banner: what happened, what was kept, what to do. Never a traceback; details can be copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from engine.errors import ShellacError
from gui import icons, theme
from gui.jobs import Fault
from gui.panels.controls import IconButton

Level = Literal["error", "warn", "info", "ok"]
PASSING_S = 10.0  # good news goes by itself after that
LASTING = ("generated", "recovery")  # topics that stay until their cause has gone or they are answered
BEYOND_FILE = (*LASTING, "sound")  # topics that aren't about the file that is open


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
    """A line across the canvas. It goes when its cross is clicked or its cause has gone; good news goes by itself."""

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
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self.words.setWordWrap(True)
        self.words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._write()
        theme.CHANGES.changed.connect(self._write)
        row.addWidget(self.words, 1)
        for text, act in message.actions:
            self._button(row, text, partial(_close_then, close, act))
        if message.copyable:
            self._button(row, "Copy details", lambda: QGuiApplication.clipboard().setText(message.copyable))
        cross = IconButton("close", "Close this message", side=28, icon_side=13)
        cross.clicked.connect(close)
        row.addWidget(cross)
        self._start_clock(close)

    def _start_clock(self, close: Callable[[], None]) -> None:
        """Have good news close by itself, but not while the pointer or the keyboard is in it."""
        self.clock = QTimer(self)
        self.clock.setInterval(round(1000 * PASSING_S))
        self.clock.timeout.connect(lambda: None if self._is_in_use() else close())
        if self.message.level in ("info", "ok") and self.message.topic not in LASTING:
            self.clock.start()

    def _is_in_use(self) -> bool:
        focus = QApplication.focusWidget()
        return self.underMouse() or (focus is not None and self.isAncestorOf(focus))

    def _write(self) -> None:
        """Write the words in the colours of the theme in force."""
        quiet, detail = theme.tokens().text2, _escaped(self.message.detail)
        second = f'&nbsp;&nbsp; <span style="color:{quiet}">{detail}</span>' if detail else ""
        self.words.setText(f"<b>{_escaped(self.message.text)}</b>{second}")

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
