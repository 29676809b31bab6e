"""The peak meters in the gutter beside the waveform: one bar per channel, a line for the highest of the last second."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from gui import theme
from gui.numbers import signed

LOWEST_DB = -60.0
LABELS_DB = (0, -12, -24, -36, -48)
CAUTION_DB, OVER_DB = -3.0, 0.0


def paint_meters(
    painter: QPainter, area: QRect, peaks_db: tuple[float, ...], holds_db: tuple[float, ...], channels: int
) -> None:
    """Paint the meters of `channels` channels into the gutter `area`; silent channels show an empty bar."""
    look = theme.tokens()
    if channels == 0 or area.height() < 60:
        return
    shown = min(channels, 4)
    width = 7 if shown <= 2 else 3
    top, bottom = area.top() + 8, area.bottom() - 22
    for index in range(shown):
        left = area.left() + 7 + index * (width + 1)
        level = peaks_db[index] if index < len(peaks_db) else LOWEST_DB
        hold = holds_db[index] if index < len(holds_db) else LOWEST_DB
        painter.fillRect(QRect(left, top, width, bottom - top), QColor(look.control))
        y = _height(level, top, bottom)
        painter.fillRect(QRect(left, y, width, bottom - y), QColor(_colour(level, look)))
        if hold > LOWEST_DB:
            painter.fillRect(QRect(left, _height(hold, top, bottom), width, 2), QColor(look.text))
    _paint_labels(painter, area, top, bottom, shown, width)


def _paint_labels(painter: QPainter, area: QRect, top: int, bottom: int, shown: int, width: int) -> None:
    painter.setFont(theme.ui_font(11, 500))
    painter.setPen(QColor(theme.tokens().text3))
    left = area.left() + 8 + shown * (width + 1)
    for level in LABELS_DB:
        y = max(_height(level, top, bottom), top + 5)
        if level in (0, -24, -48) or bottom - top > 100:
            painter.drawText(QRectF(left, y - 8, 30, 16), Qt.AlignmentFlag.AlignVCenter, signed(level, 0))
    names = {1: "M", 2: "LR"}.get(shown, "")
    for index, name in enumerate(names):
        box = QRectF(area.left() + 7 + index * (width + 1) - 2, bottom + 2, width + 4, 16)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)


def _height(level_db: float, top: int, bottom: int) -> int:
    share = min(max(level_db, LOWEST_DB), 0.0) / LOWEST_DB
    return round(top + share * (bottom - top))


def _colour(level_db: float, look: theme.Tokens) -> str:
    if level_db > OVER_DB - 0.01:
        return look.error
    return look.warn if level_db > CAUTION_DB else look.ok
