"""The bar under the menu: play, position, A/B/Δ, level match, meters, format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

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

TIMES_PX, TIMES_NARROW_PX = 272, 236  # at 100 % type; the narrow one leaves no air before the position
WORDS_PX, LETTERS_PX = 88, 36  # a side with its word, and with its letter alone
MARGIN_PX, SPACING_PX, METERS_SPACING_PX = 14, 6, 10


class Fit(NamedTuple):
    """What the bar shows at a width."""

    readings: bool
    bars: bool
    is_wide: bool  # times
    words: bool  # beside the letters of the sides
    format: bool


# From all to little: the first that there is room for is taken. What says least about the recording goes first.
FITS = (
    Fit(True, True, True, True, True),
    Fit(False, True, True, True, True),
    Fit(False, False, True, True, True),
    Fit(False, False, False, True, True),
    Fit(False, False, False, False, True),
    Fit(False, False, False, False, False),
)


def side_colour(look: theme.Tokens, monitor: str) -> str:
    """Return the colour that stands for a side."""
    return {"A": look.a, "B": look.b}.get(monitor, look.delta)


class SideButton(QAbstractButton):
    """A, B or Δ: letter and word; the one that is heard is filled."""

    def __init__(self, monitor: Monitor, letter: str, word: str) -> None:
        super().__init__()
        self._monitor, self._letter, self._word = monitor, letter, word
        self._is_stale = False
        self._has_word = True
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"Hear {letter}, {word.lower()}")
        self.setToolTip(
            {"A": "Hear the original", "B": "Hear the result (B switches)", "delta": "Hear B − A (D)"}[monitor]
        )

    def show_word(self, has_word: bool) -> None:
        """Show the word beside the letter or leave it out, in the size of type that is chosen now."""
        self._has_word = has_word
        self.setFixedSize(theme.px(WORDS_PX if has_word else LETTERS_PX), theme.px(32))

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
        left = (body.width() - letter_width - (7 + word_width if self._has_word else 0)) / 2
        painter.setPen(theme.color(look.on_side if is_on else colour))
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(QRectF(left, 0, letter_width + 2, body.height()), middle, self._letter)
        if not self._has_word:
            return
        painter.setFont(word_font)
        painter.setPen(theme.color(look.on_side if is_on else look.text2))
        painter.drawText(QRectF(left + letter_width + 7, 0, word_width + 4, body.height()), middle, self._word)


def width_of_sides(has_words: bool) -> int:
    """Return the width of the three sides in their frame, px."""
    return 3 * theme.px(WORDS_PX if has_words else LETTERS_PX) + 4


class Sides(QFrame):
    """The three sides in one frame."""

    picked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        self.buttons: dict[str, SideButton] = {}
        for monitor, letter, word in SIDES:
            button = SideButton(monitor, letter, word)
            button.clicked.connect(lambda _checked=False, chosen=monitor: self.picked.emit(chosen))
            row.addWidget(button)
            self.buttons[monitor] = button
        self.show_words(True)

    def show_words(self, has_words: bool) -> None:
        """Show the words beside the letters or leave them out, in the size of type that is chosen now."""
        for button in self.buttons.values():
            button.show_word(has_words)
        self.setFixedSize(width_of_sides(has_words), theme.px(32) + 4)

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
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._value = ""
        self.dress()

    def dress(self) -> None:
        """Take the size that the chosen size of type needs."""
        self.setFixedSize(theme.px(126), theme.px(34))

    def lines(self) -> tuple[QRectF, QRectF]:
        """Return where the caption stands, and where the gain does: one under the other, px."""
        left, half = 30.0, (self.height() - 4) / 2
        width = self.width() - left - 4
        return QRectF(left, 2, width, half), QRectF(left, 2 + half, width, half)

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
            icons.paint(painter, "check", QRectF(9, self.height() / 2 - 7, 14, 14), look.ok)
        above, below = self.lines()
        painter.setFont(theme.ui_font(11, 400))
        painter.setPen(theme.color(look.text2))
        painter.drawText(above, Qt.AlignmentFlag.AlignVCenter, "Level match")
        painter.setFont(theme.ui_font(12, 600))
        painter.setPen(theme.color(look.text if self.isChecked() else look.text2))
        value = painter.fontMetrics().elidedText(self._value, Qt.TextElideMode.ElideRight, int(below.width()))
        painter.drawText(below, Qt.AlignmentFlag.AlignVCenter, value)


class LevelBars(QWidget):
    """Two thin bars with peak marks from −60 to 0 dBFS."""

    def __init__(self) -> None:
        super().__init__()
        self._peaks_db: tuple[float, ...] = ()
        self._holds_db: tuple[float, ...] = ()
        self.setAccessibleName("Level meter")
        self.dress()

    def dress(self) -> None:
        """Take the size that the chosen size of type needs."""
        self.setFixedSize(theme.px(130), theme.px(36))

    def show_levels(self, peaks_db: tuple[float, ...], holds_db: tuple[float, ...]) -> None:
        """Show the peaks of the last block and the held ones, dBFS per channel."""
        if (peaks_db, holds_db) != (self._peaks_db, self._holds_db):
            self._peaks_db, self._holds_db = peaks_db, holds_db
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        left, right = theme.px(10), self.width() - theme.px(6)
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
            box = QRectF(at - theme.px(20), theme.px(20), theme.px(40), theme.px(14))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _share(level_db: float) -> float:
    return min(1.0, max(0.0, (level_db + 60.0) / 60.0))


class Reading(QWidget):
    """A small caption over a number with its unit."""

    def __init__(self, caption: str, unit: str, width: int) -> None:
        super().__init__()
        self._caption, self._unit, self._value = caption, unit, "–"
        self._width = width
        self.dress()

    def dress(self) -> None:
        """Take the size that the chosen size of type needs."""
        self.setFixedSize(theme.px(self._width), theme.px(36))

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
        caption = QRectF(0, 1, self.width(), theme.px(15))
        painter.drawText(caption, Qt.AlignmentFlag.AlignVCenter, self._caption)
        painter.setFont(theme.mono_font(14, 500))
        painter.setPen(theme.color(look.text))
        box = QRectF(0, theme.px(17), self.width(), theme.px(18))
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
        self.actions_by_name = actions
        self._is_open = False
        self._length_s = 0.0
        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN_PX, 0, MARGIN_PX, 0)
        row.setSpacing(SPACING_PX)
        self.start_button = self._button("to_start", 28, 28)
        self.play_button = self._button("play", 44, 36, boxed=True)
        self.stop_button = self._button("stop", 28, 28)
        self.loop_button = self._button("loop", 32, 32)
        for button in (self.start_button, self.play_button, self.stop_button, self.loop_button):
            row.addWidget(button)
        self.times = QWidget()
        inner = QHBoxLayout(self.times)
        inner.setContentsMargins(0, 0, 0, 0)
        self.position = label("", "value")
        self.position.setAlignment(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        self.length = label("", "second")
        inner.addWidget(self.position, 1)
        inner.addSpacing(12)
        inner.addWidget(self.length)
        row.addWidget(self.times)
        self.sides = Sides()
        self.sides.picked.connect(self.monitor_picked)
        row.addWidget(self.sides)
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
        inner.setSpacing(METERS_SPACING_PX)
        self.bars = LevelBars()
        self.momentary = Reading("Momentary", "LUFS", 92)
        self.true_peak = Reading("True peak", "dBTP", 86)
        for widget in (_upright(), self.bars, self.momentary, self.true_peak, _upright()):
            inner.addWidget(widget)
        row.addWidget(self.meters)
        self.corner = corner = QWidget()
        column = QVBoxLayout(corner)
        column.setContentsMargins(4, 0, 0, 0)
        column.setSpacing(2)
        column.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        self.rates = label("", "strong")
        self.kind = label("", "small")
        column.addWidget(self.rates)
        column.addWidget(self.kind)
        corner.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        row.addWidget(corner)

    def _dress(self) -> None:
        """Take the size of type that is chosen now."""
        self.setFixedHeight(theme.px(56))
        for part in (self.match, self.bars, self.momentary, self.true_peak):
            part.dress()
        self.corner.setMinimumWidth(theme.px(118))
        self.length.setFixedWidth(theme.px(110 if self._length_s >= 3600 else 92))
        self.position.setFont(theme.mono_font(20, 600))
        self.position.setStyleSheet(f"font-family: 'JetBrains Mono'; font-size: {theme.px(20)}px; font-weight: 600;")
        self.length.setStyleSheet(f"font-family: 'JetBrains Mono'; font-size: {theme.px(13)}px;")
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Leave out what matters least where the window is narrow or the type is large."""
        chosen = next((fit for fit in FITS if self._width_of(fit) <= self.width()), FITS[-1])
        self.match.setVisible(self._is_open)
        self.meters.setVisible(self._is_open and chosen.bars)
        self.momentary.setVisible(chosen.readings)
        self.true_peak.setVisible(chosen.readings)
        self.corner.setVisible(chosen.format)
        self.times.setFixedWidth(theme.px(TIMES_PX if chosen.is_wide else TIMES_NARROW_PX))
        self.sides.show_words(chosen.words)

    def _width_of(self, fit: Fit) -> int:
        """Return how wide the bar has to be for `fit`, px. What only an open recording shows counts before, too."""
        meters = [1, self.bars.width(), 1] if fit.bars else []
        meters += [self.momentary.width(), self.true_peak.width()] if fit.readings else []
        parts = [
            *(button.width() for button in (self.start_button, self.play_button, self.stop_button, self.loop_button)),
            theme.px(TIMES_PX if fit.is_wide else TIMES_NARROW_PX),
            width_of_sides(fit.words),
            self.match.width(),
            0,  # the stretch
            *([sum(meters) + METERS_SPACING_PX * (len(meters) - 1)] if meters else []),
            *([max(self.corner.sizeHint().width(), self.corner.minimumWidth())] if fit.format else []),
        ]
        return sum(parts) + SPACING_PX * (len(parts) - 1) + 2 * MARGIN_PX

    def show_empty(self) -> None:
        """Show that no file is open."""
        self.position.setText("–:––.–––")
        self.length.setText("/ –:––")
        self._is_open = False
        self.rates.setVisible(False)
        self.kind.setText("No file open")
        self._fit()
        self.sides.setEnabled(False)
        self.sides.show_monitor("")

    def show_open(self, length_s: float, note: FormatNote) -> None:
        """Show the length and format of what is open."""
        self.length.setText(f"/ {clock(length_s)}")
        self._length_s = length_s
        self.length.setFixedWidth(theme.px(110 if length_s >= 3600 else 92))
        self._is_open = True
        self.rates.setVisible(True)
        same = note.rate_in == note.rate_out
        pair = f"{note.rate_in / 1000:g} → {kilohertz(note.rate_out)}"
        self.rates.setText(kilohertz(note.rate_in) if same else pair)
        self.kind.setText(" · ".join(part for part in (note.depth, channels(note.channels)) if part))
        self._fit()
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
