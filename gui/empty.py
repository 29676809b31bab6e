"""The page without a file: a place to drop a recording, the demo, the recordings opened last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gui import icons, theme
from gui.docks.lists import draw_bars
from gui.numbers import clock, kilohertz, when
from gui.panels.controls import label
from gui.recent import Recent

COLUMNS = 3
SHOWN = 6
HEADING = "Drop a recording here"
SECOND = "Drop another one later to add it as a track"


class Emblem(QWidget):
    """A waveform that turns from A's colour into B's: what the program does, in one picture."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(400, 76)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        for bar in range(100):
            swell = 0.42 + 0.36 * math.sin(math.pi * bar / 99) ** 2
            ripple = 0.22 * math.sin(bar * 0.9) * math.sin(bar * 0.23 + 1) + 0.12 * math.sin(bar * 2.7)
            spike = 0.3 if bar in (23, 34, 41, 47) else 0.0  # clicks, only in the half that isn't restored
            height = max(0.2, min(1.0, swell + ripple + spike)) * 74
            away = abs(bar - 49.5) / 49.5
            painter.setBrush(theme.color(look.a if bar < 50 else look.b, 1.0 - 0.4 * away))
            painter.drawRect(QRectF(bar * 4, 38 - height / 2, 2, height))


class DropZone(QFrame):
    """560 × 320 pixels that say what to do; less wide where the window is small."""

    def __init__(self, open_button: QPushButton, demo_button: QPushButton) -> None:
        super().__init__()
        self.fit(theme.px(560))
        self.is_hot = False
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 38, 20, 20)
        column.setSpacing(0)
        middle = Qt.AlignmentFlag.AlignHCenter
        column.addWidget(Emblem(), 0, middle)
        column.addStretch(1)
        self.heading = label(HEADING, "title")
        self.heading.setStyleSheet(f"font-size: {theme.px(20)}px")
        column.addWidget(self.heading, 0, middle)
        column.addSpacing(6)
        self.second = label(SECOND, "label")
        column.addWidget(self.second, 0, middle)
        column.addSpacing(18)
        buttons = QHBoxLayout()
        buttons.setSpacing(16)
        buttons.addStretch(1)
        buttons.addWidget(open_button)
        buttons.addWidget(demo_button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addSpacing(20)
        column.addWidget(label("WAV   AIFF   FLAC   OGG   Opus   MP3   CAF   RF64", "small"), 0, middle)
        column.addSpacing(4)
        column.addWidget(label("Originals are never changed", "small"), 0, middle)

    def fit(self, room_px: int) -> None:
        """Take at most `room_px` pixels of width, and not less than the words need."""
        self.setFixedSize(max(theme.px(440), min(theme.px(560), room_px)), theme.px(320))

    def show_opening(self, name: str, fraction: float = 0.0) -> None:
        """Say what is being opened and how far it is; no name says what can be dropped."""
        self.heading.setText(f"Opening {name}…" if name else HEADING)
        share = f"{100 * fraction:.0f} % read, Esc cancels" if fraction else "Esc cancels"
        self.second.setText(share if name else SECOND)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(theme.color(look.b if self.is_hot else look.text3), 1.5)
        pen.setDashPattern([8, 4])
        painter.setPen(pen)
        painter.setBrush(theme.color(look.window if look.name == "dark" else look.panel))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)


class RecentCard(QAbstractButton):
    """A recording opened before: its picture, name, facts."""

    def __init__(self, item: Recent, now: datetime) -> None:
        super().__init__()
        self.item = item
        self._now = now
        self.setFixedSize(theme.px(250), theme.px(128))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"Open {item.name}, {self.facts()}")
        self.setToolTip(item.path)

    def facts(self) -> str:
        """Return length, rate and day in one line."""
        return f"{clock(self.item.seconds, 0)} · {kilohertz(self.item.rate)} · {when(self.item.time, self._now)}"

    def enterEvent(self, event: QEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        is_hot = self.underMouse()
        edge = look.accent if self.hasFocus() else look.text3 if is_hot else look.border
        painter.setPen(QPen(theme.color(edge), 2 if self.hasFocus() else 1))
        painter.setBrush(theme.color(look.control if is_hot else look.panel))
        painter.drawRoundedRect(body, 8, 8)
        split = theme.px(56)
        painter.fillRect(QRectF(1, split, self.width() - 2, 1), theme.color(look.border))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        colour = look.b if self.item.devices else look.a
        draw_bars(painter, QRectF(12, 8, self.width() - 24, split - 16), self.item.picture, colour, 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_words(painter, look, split)

    def _draw_words(self, painter: QPainter, look: theme.Tokens, top: int) -> None:
        left, width = 12, self.width() - 24
        rows = (
            (self.item.name, theme.ui_font(13, 600), look.text, 9, 18),
            (self.facts(), theme.ui_font(11), look.text2, 29, 16),
            (self.item.devices or "no devices yet", theme.ui_font(11), look.text2, 47, 16),
        )
        for text, font, colour, offset, height in rows:
            painter.setFont(font)
            painter.setPen(theme.color(colour))
            fitted = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)
            painter.drawText(QRectF(left, top + offset, width, height), Qt.AlignmentFlag.AlignVCenter, fitted)


class EmptyPage(QScrollArea):
    """What the centre shows while no file is open."""

    open_wanted = Signal()
    demo_wanted = Signal()
    file_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        inside.setObjectName("Centre")
        inside.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWidget(inside)
        self._items: list[Recent] = []
        self._shows_all = False
        column = QVBoxLayout(inside)
        column.setContentsMargins(24, 52, 24, 24)
        column.setSpacing(0)
        self.zone = DropZone(self._open_button(), self._demo_button())
        column.addWidget(self.zone, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(26)
        column.addWidget(self._recents(), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)

    def _open_button(self) -> QPushButton:
        button = QPushButton(icons.icon("folder", lambda look: look.on_primary), "  Open…")
        button.setProperty("kind", "primary")
        button.setFixedSize(theme.px(140), 36)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(self.open_wanted)
        self.open_button = button
        return button

    def _demo_button(self) -> QPushButton:
        button = QPushButton(icons.icon("play", lambda look: look.text), "  Try the demo")
        button.setFixedSize(theme.px(140), 36)
        button.setIconSize(QSize(13, 13))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(self.demo_wanted)
        self.demo_button = button
        return button

    def _recents(self) -> QWidget:
        self.recents = QWidget()
        self.recents.setFixedWidth(theme.px(250) * COLUMNS + 16 * (COLUMNS - 1))
        column = QVBoxLayout(self.recents)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        head = QHBoxLayout()
        head.addWidget(label("Recent", "title"))
        head.addStretch(1)
        self.all_button = QPushButton("Show all")
        self.all_button.setProperty("kind", "flat")
        self.all_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.all_button.clicked.connect(self._show_all)
        head.addWidget(self.all_button)
        column.addLayout(head)
        self._grid = QGridLayout()
        self._grid.setSpacing(16)
        column.addLayout(self._grid)
        return self.recents

    def _show_all(self) -> None:
        self._shows_all = not self._shows_all
        self.all_button.setText("Show fewer" if self._shows_all else "Show all")
        self._fill()

    def show_recent(self, items: Sequence[Recent]) -> None:
        """Show the cards."""
        self._items = list(items)
        self._fill()

    def _columns(self) -> int:
        return max(1, min(COLUMNS, (self.width() - 48 + 16) // (theme.px(250) + 16)))

    def _fit_recents(self) -> int:
        """Make the cards' place as wide as there is room for, and return how many stand side by side."""
        columns = self._columns()
        self.recents.setFixedWidth(theme.px(250) * columns + 16 * (columns - 1))
        return columns

    def _fill(self) -> None:
        while (old := self._grid.takeAt(0)) is not None:
            widget = old.widget()
            if widget is not None:
                widget.deleteLater()
        columns = self._fit_recents()
        now = datetime.now()
        shown = self._items if self._shows_all else self._items[:SHOWN]
        for index, item in enumerate(shown):
            card = RecentCard(item, now)
            card.clicked.connect(lambda _checked=False, path=item.path: self.file_wanted.emit(path))
            self._grid.addWidget(card, index // columns, index % columns, Qt.AlignmentFlag.AlignLeft)
        self.recents.setVisible(bool(self._items))
        self.all_button.setVisible(len(self._items) > SHOWN)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.zone.fit(self.width() - 48)
        if not self._items:
            self._fit_recents()
        if self.recents.isVisible() and self._columns() * 266 - 16 != self.recents.width() and self._items:
            self._fill()
