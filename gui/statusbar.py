"""The last line of the window: what is heard, what is under the pointer, the running job, threads, sound."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QStatusBar, QToolButton, QWidget

from gui import icons, theme
from gui.docks.jobs import Pill
from gui.panels.controls import ElidedLabel, label
from gui.transport import side_colour

HEARD = {"A": "A Original", "B": "B Result", "delta": "Δ Difference"}


class HeardNote(QWidget):
    """A dot and the words for what is heard, in the colour of the side."""

    def __init__(self) -> None:
        super().__init__()
        self._monitor = ""
        self._words = ""
        self.setFixedHeight(22)

    def show_monitor(self, monitor: str, words: str = "") -> None:
        """Show a side; `words` replace the usual ones, as for a single device's Δ."""
        self._monitor, self._words = monitor, words or HEARD.get(monitor, "Ready")
        self.setAccessibleName(f"Heard: {self._words}" if monitor else self._words)
        metrics_width = len(self._words) * 8 + 24
        self.setFixedWidth(theme.px(metrics_width))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = theme.color(side_colour(look, self._monitor) if self._monitor else look.text2)
        left = 0.0
        if self._monitor:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(4.5, 11), 4, 4)
            left = 16
        painter.setPen(colour)
        painter.setFont(theme.ui_font(12, 600 if self._monitor else 400))
        painter.drawText(QRectF(left, 0, self.width(), 22), Qt.AlignmentFlag.AlignVCenter, self._words)


class Upright(QWidget):
    """A short separating line."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(9, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(4, 5, 1, 12, theme.color(theme.tokens().border))


class StatusBar(QStatusBar):
    """24 pixels. Everything in it is told; it asks nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("StatusBar")
        self.setSizeGripEnabled(False)
        self.setFixedHeight(theme.px(25))
        inside = QWidget()
        row = QHBoxLayout(inside)
        row.setContentsMargins(10, 0, 12, 0)
        row.setSpacing(4)
        self.heard = HeardNote()
        row.addWidget(self.heard)
        self._fields = [label("", "label") for _field in range(4)]
        self._lines = [Upright() for _field in range(4)]
        for line, field in zip(self._lines, self._fields, strict=True):
            row.addWidget(line)
            row.addWidget(field)
        self.note = ElidedLabel("", "label")
        row.addWidget(self.note, 1)
        self.pill = Pill()
        self.threads = label("", "second")
        self.sound = QToolButton()
        self.sound.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.sound.setIcon(icons.icon("warning", lambda look: look.warn))
        self.sound.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.sound.setAccessibleName("No sound card: playing without sound")
        self.sound.setVisible(False)
        self.sound_line = Upright()
        self.sound_line.setVisible(False)
        for widget in (self.pill, Upright(), self.threads, self.sound_line, self.sound):
            row.addWidget(widget)
        inside.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(inside, 1)
        self.heard.show_monitor("")
        self.show_pointer(())
        theme.CHANGES.changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        look = theme.tokens()
        self.setStyleSheet("QStatusBar::item { border: 0; }")
        self.sound.setStyleSheet(
            f"QToolButton {{ color: {look.warn}; font-weight: 600; min-height: 18px; border: 0; padding: 0 2px; }}"
            f"QToolButton:focus {{ border: 2px solid {look.accent}; }}"
        )

    def show_pointer(self, parts: tuple[str, ...]) -> None:
        """Show time, frequency, note and level under the pointer."""
        for index, (line, field) in enumerate(zip(self._lines, self._fields, strict=True)):
            text = parts[index] if index < len(parts) else ""
            line.setVisible(bool(text))
            field.setVisible(bool(text))
            field.setText(text)

    def show_sound(self, problem: str) -> None:
        """Show why nothing can be heard, or nothing where all is well."""
        self.sound.setText(problem)
        self.sound.setVisible(bool(problem))
        self.sound_line.setVisible(bool(problem))
