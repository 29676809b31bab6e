"""The last line of a device card: what the device is doing, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui import icons, theme
from gui.numbers import clock, signed
from gui.panels.controls import ElidedLabel, label, set_role

Phase = Literal["off", "waiting", "stale", "analysing", "rendering", "done", "stopped", "failed", "missing"]


@dataclass(frozen=True)
class Doing:
    """What a device is doing, for the foot of its card."""

    phase: Phase = "waiting"
    fraction: float = 0.0
    speed: float | None = None  # seconds of sound per second
    left_s: float | None = None
    removed_db: float | None = None  # energy taken away, against the device's input
    level_lu: float | None = None  # change of loudness
    is_unchanged_outside: bool | None = None  # samples outside of the scope, compared; None for the whole track
    generated: str = ""  # how loud the sound is that was made up
    kept: str = ""  # what became of the sound that was there, measured
    learnt: tuple[str, ...] = ()  # what the analysis found, in sentences
    warnings: tuple[str, ...] = ()  # its doubts
    note: str = ""  # a sentence, where something is wrong or worth knowing


class Progress(QWidget):
    """A thin bar, 96 px wide."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.setFixedSize(width, 12)
        self._fraction = 0.0

    def show_fraction(self, fraction: float) -> None:
        """Show how much is done, 0 to 1."""
        self._fraction = min(1.0, max(0.0, fraction))
        self.setAccessibleName(f"{self._fraction:.0%} done")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(look.hover))
        painter.drawRoundedRect(QRectF(0, 3.5, self.width(), 5), 2.5, 2.5)
        if self._fraction > 0:
            painter.setBrush(theme.color(look.b))
            painter.drawRoundedRect(QRectF(0, 3.5, max(5.0, self.width() * self._fraction), 5), 2.5, 2.5)


class StateIcon(QWidget):
    """A small icon that can change: done, waiting, failed."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(16, 16)
        self._name, self._colour = "", ""

    def show_icon(self, name: str, colour: str) -> None:
        """Show the icon `name` in `colour`; an empty name shows nothing."""
        self._name, self._colour = name, colour
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._name:
            icons.paint(QPainter(self), self._name, QRectF(1, 1, 14, 14), self._colour)


class Sentences(QLabel):
    """Wrapped lines that get the height they need: a card in a scrolling column would squeeze its rows for them."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.setProperty("role", role)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setContentsMargins(14, 6, 14, 0)
        self.setWordWrap(True)
        self.setVisible(False)

    def show_sentences(self, sentences: Sequence[str]) -> None:
        """Show one sentence a line, or nothing at all."""
        text = "\n".join(sentences)
        if text != self.text():
            self.setText(text)
            self._make_room()
        self.setVisible(bool(sentences))

    def _make_room(self) -> None:
        self.setMinimumHeight(self.heightForWidth(self.width()) if self.text() else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._make_room()


class Foot(QWidget):
    """The last line of a card: state at the left, what it did at the right; over it, whose residue is heard."""

    def __init__(self) -> None:
        super().__init__()
        lines = QVBoxLayout(self)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        self.learnt, self.warned, self.heard = Sentences("second"), Sentences("warn"), Sentences("warn")
        for widget in (self.learnt, self.warned, self.heard):
            lines.addWidget(widget)
        line = QWidget()
        line.setFixedHeight(theme.px(32))
        lines.addWidget(line)
        row = QHBoxLayout(line)
        row.setContentsMargins(14, 0, 14, 0)
        row.setSpacing(7)
        self.mark = StateIcon()
        self.bar = Progress()
        self.state = label("", "label")
        self.did = ElidedLabel("", "second")
        self.did.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.mark)
        row.addWidget(self.bar)
        row.addWidget(self.state)
        row.addWidget(self.did, 1)
        self.go_on = QPushButton("Go on")
        self.go_on.setProperty("kind", "flat")
        self.go_on.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row.addWidget(self.go_on)

    def show_heard(self, what: str) -> None:
        """Warn that the result of this device is `what` alone; "" for its true result."""
        self.heard.show_sentences((f"B plays {what}",) if what else ())

    def show_doing(self, doing: Doing) -> None:
        """Show a state. Words, icon and colour say the same thing."""
        look = theme.tokens()
        words, name, role = {
            "off": ("Off", "", "second"), "waiting": ("Waiting", "", "second"), "stale": ("Changed", "", "second"),
            "analysing": ("Analysing", "", "strong"), "rendering": (f"{100 * doing.fraction:.0f} %", "", "strong"),
            "done": ("Done", "check", "ok"), "stopped": ("Stopped", "", "second"),
            "failed": ("Failed", "warning", "error"), "missing": ("Not installed", "warning", "warn"),
        }[doing.phase]  # fmt: skip
        self.mark.show_icon(name, {"ok": look.ok, "error": look.error, "warn": look.warn}.get(role, look.text3))
        self.mark.setVisible(bool(name))
        self.bar.setVisible(doing.phase in ("analysing", "rendering"))
        self.bar.show_fraction(doing.fraction)
        self.state.setText(words)
        set_role(self.state, role)
        self.did.setText(_did(doing))
        self.learnt.show_sentences((*doing.learnt, doing.kept) if doing.kept else doing.learnt)
        self.warned.show_sentences(doing.warnings)
        self.go_on.setVisible(doing.phase in ("stopped", "failed"))
        self.go_on.setText("Go on" if doing.phase == "stopped" else "Try again")


def _did(doing: Doing) -> str:
    if doing.note:
        return doing.note
    parts = []
    if doing.phase == "rendering":
        if doing.speed is not None:
            parts.append(f"×{doing.speed:.1f} real time" if doing.left_s is None else f"×{doing.speed:.1f}")
        if doing.left_s is not None:
            parts.append(f"{clock(doing.left_s, 0)} left")
    elif doing.phase in ("done", "stopped"):
        if doing.generated:
            parts.append(doing.generated)
        if doing.removed_db is not None:
            parts.append(f"removed {signed(doing.removed_db)} dB")
        if doing.is_unchanged_outside is not None:
            parts.append("unchanged outside" if doing.is_unchanged_outside else "CHANGED OUTSIDE")
        elif doing.level_lu is not None:
            parts.append(f"Δ level {signed(doing.level_lu, 2)} LU")
    return "  ·  ".join(parts)
