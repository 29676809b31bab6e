"""Tracks and history: two lists with rows painted as the house does, keyboard and screen reader as Qt does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from gui import theme

ROW = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class TrackRow:
    """One recording of the project."""

    name: str
    facts: str  # 2:23 · 22.05 kHz · 24-bit
    picture: tuple[int, ...]  # heights 0..100
    is_current: bool
    is_missing: bool = False


@dataclass(frozen=True)
class HistoryRow:
    """One entry of the history."""

    name: str
    time: str
    is_current: bool
    is_undone: bool
    is_first: bool
    is_last: bool


def draw_bars(painter: QPainter, box: QRectF, heights: Sequence[int], colour: str, pitch: float, width: float) -> None:
    """Draw a recording as upright bars: `heights` 0 to 100, from left to right, `pitch` pixels apart."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color(colour))
    count = max(1, int(box.width() / pitch))
    for bar in range(count):
        if not heights:
            break
        first = bar * len(heights) // count
        last = max(first + 1, (bar + 1) * len(heights) // count)
        height = max(1.5, max(heights[first:last]) / 100 * box.height())
        painter.drawRect(QRectF(box.left() + bar * pitch, box.center().y() - height / 2, width, height))


class RowPainter(QStyledItemDelegate):
    """Paints one kind of row; the list stays a plain list."""

    height = 28

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, theme.px(self.height))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = theme.tokens()
        box = QRectF(option.rect)
        state = option.state
        row = index.data(ROW)
        if row.is_current or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(look.control, 1.0 if row.is_current else 0.5))
            painter.drawRoundedRect(box, 6, 6)
        if state & QStyle.StateFlag.State_HasFocus and option.widget.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color(look.accent), 2))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 6, 6)
        self.draw(painter, box, row, look)
        painter.restore()

    def draw(self, painter: QPainter, box: QRectF, row: object, look: theme.Tokens) -> None:
        """Paint the content of `row` into `box`."""
        raise NotImplementedError


class TrackPainter(RowPainter):
    """A small picture of the recording, its name, its facts."""

    height = 50

    def draw(self, painter: QPainter, box: QRectF, row: object, look: theme.Tokens) -> None:
        if not isinstance(row, TrackRow):
            return
        if row.is_current:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(look.b))
            painter.drawRect(QRectF(box.left(), box.top() + 10, 3, box.height() - 20))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        picture = QRectF(box.left() + 12, box.center().y() - 16, 36, 32)
        painter.setOpacity(1.0 if row.is_current else 0.6)
        draw_bars(painter, picture, row.picture, look.b if row.is_current else look.a, 1.5, 1.5)
        painter.setOpacity(1.0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left = box.left() + 58
        words = QRectF(left, box.top() + 8, box.right() - left - 6, 18)
        _words(
            painter,
            words,
            row.name,
            theme.ui_font(13, 600 if row.is_current else 500),
            look.text if row.is_current else look.text2,
        )
        facts = QRectF(left, box.top() + 26, box.right() - left - 6, 16)
        colour = look.warn if row.is_missing else look.text2 if row.is_current else look.text3
        _words(painter, facts, "source is missing" if row.is_missing else row.facts, theme.ui_font(11), colour)


class HistoryPainter(RowPainter):
    """A dot on a line, what was done, when."""

    def draw(self, painter: QPainter, box: QRectF, row: object, look: theme.Tokens) -> None:
        if not isinstance(row, HistoryRow):
            return
        middle = QPointF(box.left() + 12.5, box.center().y())
        painter.setPen(QPen(theme.color(look.border), 1))
        if not row.is_first:
            painter.drawLine(QPointF(middle.x(), box.top()), middle - QPointF(0, 4))
        if not row.is_last:
            painter.drawLine(middle + QPointF(0, 4), QPointF(middle.x(), box.bottom() + 1))
        strong = look.text if row.is_current else look.text3 if row.is_undone else look.text2
        if row.is_current:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(look.text))
            painter.drawEllipse(middle, 3.5, 3.5)
        else:
            painter.setPen(QPen(theme.color(strong), 1.3))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(middle, 2.8, 2.8)
        painter.setFont(theme.ui_font(12))
        side = painter.fontMetrics().horizontalAdvance(row.time) + 10
        time_box = QRectF(box.right() - side, box.top(), side - 8, box.height())
        painter.setPen(theme.color(look.text2 if row.is_current else look.text3))
        painter.drawText(time_box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, row.time)
        words = QRectF(box.left() + 28, box.top(), box.width() - 28 - side - 4, box.height())
        _words(painter, words, row.name, theme.ui_font(12, 600 if row.is_current else 400), strong)


def _words(painter: QPainter, box: QRectF, text: str, font: QFont, colour: str) -> None:
    painter.setFont(font)
    painter.setPen(theme.color(colour))
    fitted = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(box.width()))
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, fitted)


class RowList(QListWidget):
    """A list of painted rows; `chosen` is a click or Enter on one."""

    chosen = Signal(int)

    def __init__(self, says: str, painter: RowPainter) -> None:
        super().__init__()
        self.setItemDelegate(painter)
        self._painter = painter
        self.setAccessibleName(says)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.itemClicked.connect(lambda item: self.chosen.emit(self.row(item)))
        self.itemActivated.connect(lambda item: self.chosen.emit(self.row(item)))
        theme.CHANGES.changed.connect(self._retype)

    def _retype(self) -> None:
        self.viewport().update()

    def show_rows(self, rows: Sequence[TrackRow | HistoryRow], words: Sequence[str]) -> None:
        """Show `rows`; `words` is what a screen reader says for each."""
        while self.count() > len(rows):
            self.takeItem(self.count() - 1)
        for index, (row, spoken) in enumerate(zip(rows, words, strict=True)):
            if index >= self.count():
                self.addItem(QListWidgetItem())
            item = self.item(index)
            item.setData(ROW, row)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, spoken)
            item.setToolTip(spoken)
            if row.is_current:
                self.setCurrentRow(index)
                self.scrollToItem(item)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(200, max(1, self.count()) * theme.px(self._painter.height) + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(100, theme.px(self._painter.height) + 4)


def history_rows(entries: Sequence[tuple[str, datetime]], current: int) -> list[HistoryRow]:
    """Return the rows of a history: (name, time) pairs, `current` the one in force."""
    last = len(entries) - 1
    return [
        HistoryRow(name, f"{time:%H:%M}", index == current, index > current, index == 0, index == last)
        for index, (name, time) in enumerate(entries)
    ]
