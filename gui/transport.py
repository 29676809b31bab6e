"""The bar under the menu: play, position, A/B/Δ, level match, meters, format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gui import icons, theme
from gui.numbers import channels, clock, kilohertz, signed
from gui.panels.controls import label

Monitor = Literal["A", "B", "delta"]
SIDES: tuple[tuple[Monitor, str, str], ...] = (
    ("A", "A", "Original"),
    ("B", "B", "Result"),
    ("delta", "Δ", "Difference"),
)

# How wide the bar has to be for its less important parts, in pixels at 100 % type.
NEEDED = {"format": 1040, "bars": 1220, "readings": 1400}


def side_colour(look: theme.Tokens, monitor: str) -> str:
    """Return the colour that stands for a side."""
    return {"A": look.a, "B": look.b}.get(monitor, look.delta)


class SideButton(QAbstractButton):
    """A, B or Δ: letter and word; the one that is heard is filled."""

    def __init__(self, monitor: Monitor, letter: str, word: str) -> None:
        super().__init__()
        self._monitor, self._letter, self._word = monitor, letter, word
        self._is_stale = False
        self.setCheckable(True)
        self.setFixedSize(theme.px(88), 32)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"Hear {letter}, {word.lower()}")
        self.setToolTip(
            {"A": "Hear the original", "B": "Hear the result (B switches)", "delta": "Hear B − A (D)"}[monitor]
        )

    def set_stale(self, is_stale: bool) -> None:
        """Say with a dashed edge that a knob has changed and the new sound isn't there yet."""
        if is_stale != self._is_stale:
            self._is_stale = is_stale
            self.update()

    def nextCheckState(self) -> None:
        """The player decides what is heard; a click only asks."""

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_on = self.isChecked() and self.isEnabled()
        colour = side_colour(look, self._monitor)
        body = QRectF(self.rect())
        if is_on or (self.underMouse() and self.isEnabled()):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(colour if is_on else look.control))
            painter.drawRoundedRect(body, 6, 6)
        if self._is_stale:
            pen = QPen(theme.color(look.on_side if is_on else colour), 1.2)
            pen.setDashPattern([3, 2.5])
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(body.adjusted(2.5, 2.5, -2.5, -2.5), 4, 4)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color(look.accent if not is_on else look.text), 2))
            painter.drawRoundedRect(body.adjusted(1, 1, -1, -1), 6, 6)
        painter.setOpacity(1.0 if self.isEnabled() else 0.45)
        letter_font, word_font = theme.ui_font(15, 700), theme.ui_font(12, 500)
        painter.setFont(word_font)
        word_width = painter.fontMetrics().horizontalAdvance(self._word)
        painter.setFont(letter_font)
        letter_width = painter.fontMetrics().horizontalAdvance(self._letter)
        left = (body.width() - letter_width - 7 - word_width) / 2
        painter.setPen(theme.color(look.on_side if is_on else colour))
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(QRectF(left, 0, letter_width + 2, body.height()), middle, self._letter)
        painter.setFont(word_font)
        painter.setPen(theme.color(look.on_side if is_on else look.text2))
        painter.drawText(QRectF(left + letter_width + 7, 0, word_width + 4, body.height()), middle, self._word)


class Sides(QFrame):
    """The three sides in one frame."""

    picked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        self.setFixedSize(3 * theme.px(88) + 4, 36)
        self.buttons: dict[str, SideButton] = {}
        for monitor, letter, word in SIDES:
            button = SideButton(monitor, letter, word)
            button.clicked.connect(lambda _checked=False, chosen=monitor: self.picked.emit(chosen))
            row.addWidget(button)
            self.buttons[monitor] = button

    def show_monitor(self, monitor: str) -> None:
        """Fill the side that is heard."""
        for name, button in self.buttons.items():
            button.setChecked(name == monitor)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color(look.border), 1))
        painter.setBrush(theme.color(look.canvas if look.name == "dark" else look.control))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)


class MatchChip(QAbstractButton):
    """Level match on or off, and by how much which side is turned down."""

    def __init__(self) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setFixedSize(theme.px(138), 32)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._value = ""

    def nextCheckState(self) -> None:
        """The player decides; a click only asks."""

    def show_match(self, is_on: bool, value: str) -> None:
        """Show whether sides are matched, and the gain in words such as `B −2.3 dB`."""
        self.setChecked(is_on)
        self._value = value if is_on else "off"
        self.setAccessibleName(f"Level match {self._value}")
        self.setToolTip("Turns the louder side down, so that you compare sound and not level (G)")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color(look.accent if self.hasFocus() else look.border), 2 if self.hasFocus() else 1))
        painter.setBrush(theme.color(look.hover if self.underMouse() else look.control))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        if self.isChecked():
            icons.paint(painter, "check", QRectF(9, 9, 14, 14), look.ok)
        painter.setFont(theme.ui_font(11, 400))
        painter.setPen(theme.color(look.text2))
        painter.drawText(QRectF(30, 3, self.width() - 34, 14), Qt.AlignmentFlag.AlignVCenter, "Level match")
        painter.setFont(theme.ui_font(12, 600))
        painter.setPen(theme.color(look.text if self.isChecked() else look.text2))
        painter.drawText(QRectF(30, 16, self.width() - 34, 14), Qt.AlignmentFlag.AlignVCenter, self._value)


class LevelBars(QWidget):
    """Two thin bars with peak marks from −60 to 0 dBFS."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(130, 36)
        self._peaks_db: tuple[float, ...] = ()
        self._holds_db: tuple[float, ...] = ()
        self.setAccessibleName("Level meter")

    def show_levels(self, peaks_db: tuple[float, ...], holds_db: tuple[float, ...]) -> None:
        """Show the peaks of the last block and the held ones, dBFS per channel."""
        if (peaks_db, holds_db) != (self._peaks_db, self._holds_db):
            self._peaks_db, self._holds_db = peaks_db, holds_db
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        left, right = 10.0, self.width() - 6.0
        painter.setPen(Qt.PenStyle.NoPen)
        for row in range(2):
            top = 6.0 + row * 6
            painter.setBrush(theme.color(look.control))
            painter.drawRect(QRectF(left, top, right - left, 4))
            if self._peaks_db:
                level = self._peaks_db[min(row, len(self._peaks_db) - 1)]
                hold = self._holds_db[min(row, len(self._holds_db) - 1)] if self._holds_db else -120.0
                share = _share(level)
                painter.setBrush(theme.color(look.ok if level < -1 else look.error))
                painter.drawRect(QRectF(left, top, share * (right - left), 4))
                if hold > -60:
                    painter.setBrush(theme.color(look.text if hold < -0.1 else look.error))
                    painter.drawRect(QRectF(left + _share(hold) * (right - left) - 1, top, 2, 4))
        painter.setPen(theme.color(look.text3))
        painter.setFont(theme.ui_font(10))
        for mark in (-60, -40, -20, 0):
            at = left + _share(mark) * (right - left)
            text = signed(mark, 0)
            painter.drawText(QRectF(at - 20, 20, 40, 14), Qt.AlignmentFlag.AlignCenter, text)


def _share(level_db: float) -> float:
    return min(1.0, max(0.0, (level_db + 60.0) / 60.0))


class Reading(QWidget):
    """A small caption over a number with its unit."""

    def __init__(self, caption: str, unit: str, width: int) -> None:
        super().__init__()
        self._caption, self._unit, self._value = caption, unit, "–"
        self.setFixedSize(theme.px(width), 36)

    def show_value(self, text: str) -> None:
        """Show a number."""
        if text != self._value:
            self._value = text
            self.setAccessibleName(f"{self._caption} {text} {self._unit}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setFont(theme.ui_font(11))
        painter.setPen(theme.color(look.text2))
        painter.drawText(QRectF(0, 1, self.width(), 15), Qt.AlignmentFlag.AlignVCenter, self._caption)
        painter.setFont(theme.mono_font(14, 500))
        painter.setPen(theme.color(look.text))
        box = QRectF(0, 17, self.width(), 18)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, self._value)
        advance = painter.fontMetrics().horizontalAdvance(self._value)
        painter.setFont(theme.ui_font(11))
        painter.setPen(theme.color(look.text3))
        painter.drawText(box.adjusted(advance + 6, 1, 0, 1), Qt.AlignmentFlag.AlignVCenter, self._unit)


@dataclass(frozen=True)
class FormatNote:
    """What the format corner says."""

    rate_in: int
    rate_out: int
    channels: int
    depth: str


class Transport(QFrame):
    """The whole bar. It shows what it is told and asks by signal; buttons are the window's actions."""

    monitor_picked = Signal(str)
    match_clicked = Signal()

    def __init__(self, actions: dict[str, QAction]) -> None:
        super().__init__()
        self.setObjectName("Transport")
        self.setFixedHeight(56)
        self.actions_by_name = actions
        self._is_open = False
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 14, 0)
        row.setSpacing(6)
        self.start_button = self._button("to_start", 28, 28)
        self.play_button = self._button("play", 44, 36, boxed=True)
        self.stop_button = self._button("stop", 28, 28)
        self.loop_button = self._button("loop", 32, 32)
        for button in (self.start_button, self.play_button, self.stop_button, self.loop_button):
            row.addWidget(button)
        self.times = QWidget()
        self.times.setFixedWidth(theme.px(272))
        inner = QHBoxLayout(self.times)
        inner.setContentsMargins(0, 0, 0, 0)
        self.position = label("", "value")
        self.position.setAlignment(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        self.length = label("", "second")
        self.length.setFixedWidth(theme.px(92))
        inner.addWidget(self.position, 1)
        inner.addSpacing(12)
        inner.addWidget(self.length)
        row.addWidget(self.times)
        self.sides = Sides()
        self.sides.picked.connect(self.monitor_picked)
        row.addWidget(self.sides)
        row.addSpacing(2)
        self.match = MatchChip()
        self.match.clicked.connect(self.match_clicked)
        row.addWidget(self.match)
        row.addStretch(1)
        self._add_meters(row)
        self.show_empty()
        theme.CHANGES.changed.connect(self._dress)
        self._dress()

    def _button(self, name: str, width: int, height: int, boxed: bool = False) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(self.actions_by_name[name])
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setIconSize(QSize(18, 18))
        button.setFixedSize(width, height)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(self.actions_by_name[name].text().replace("&", ""))
        if boxed:
            button.setProperty("kind", "boxed")
        return button

    def _add_meters(self, row: QHBoxLayout) -> None:
        self.meters = QWidget()
        inner = QHBoxLayout(self.meters)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(10)
        self.bars = LevelBars()
        self.momentary = Reading("Momentary", "LUFS", 92)
        self.true_peak = Reading("True peak", "dBTP", 86)
        for widget in (_upright(), self.bars, self.momentary, self.true_peak, _upright()):
            inner.addWidget(widget)
        row.addWidget(self.meters)
        self.corner = corner = QWidget()
        column = QVBoxLayout(corner)
        column.setContentsMargins(4, 9, 0, 9)
        column.setSpacing(2)
        self.rates = label("", "strong")
        self.kind = label("", "small")
        column.addWidget(self.rates)
        column.addWidget(self.kind)
        corner.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        corner.setMinimumWidth(theme.px(118))
        row.addWidget(corner)

    def _dress(self) -> None:
        self.position.setFont(theme.mono_font(20, 600))
        self.position.setStyleSheet(f"font-family: 'JetBrains Mono'; font-size: {theme.px(20)}px; font-weight: 600;")
        self.length.setStyleSheet(f"font-family: 'JetBrains Mono'; font-size: {theme.px(13)}px;")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Leave out what matters least where the window is narrow or the type is large."""
        width = self.width()
        readings = width >= theme.px(NEEDED["readings"])
        self.match.setVisible(self._is_open)
        self.meters.setVisible(self._is_open and width >= theme.px(NEEDED["bars"]))
        self.momentary.setVisible(readings)
        self.true_peak.setVisible(readings)
        self.corner.setVisible(width >= theme.px(NEEDED["format"]))
        self.times.setFixedWidth(theme.px(272 if width >= theme.px(NEEDED["format"]) else 236))

    def show_empty(self) -> None:
        """Show that no file is open."""
        self.position.setText("–:––.–––")
        self.length.setText("/ –:––")
        self._is_open = False
        self._fit()
        self.rates.setVisible(False)
        self.kind.setText("No file open")
        self.sides.setEnabled(False)
        self.sides.show_monitor("")

    def show_open(self, length_s: float, note: FormatNote) -> None:
        """Show the length and format of what is open."""
        self.length.setText(f"/ {clock(length_s)}")
        self.length.setFixedWidth(theme.px(110 if length_s >= 3600 else 92))
        self._is_open = True
        self._fit()
        self.rates.setVisible(True)
        same = note.rate_in == note.rate_out
        pair = f"{note.rate_in / 1000:g} → {kilohertz(note.rate_out)}"
        self.rates.setText(kilohertz(note.rate_in) if same else pair)
        self.kind.setText(" · ".join(part for part in (note.depth, channels(note.channels)) if part))
        self.sides.setEnabled(True)

    def show_position(self, seconds: float) -> None:
        """Show the play position."""
        text = clock(seconds)
        if text != self.position.text():
            self.position.setText(text)

    def show_playing(self, is_playing: bool) -> None:
        """Show the pause sign while playing."""
        action = self.actions_by_name["play"]
        action.setIcon(icons.icon("pause" if is_playing else "play", lambda look: look.text))
        self.play_button.setAccessibleName("Pause" if is_playing else "Play")


def _upright() -> QFrame:
    made = QFrame()
    made.setObjectName("Rule")
    made.setFixedSize(1, 28)
    return made
