"""What is drawn on a spectrogram: the box with its handles, the generated band, whose side it is, the crosshair.

The map is data and dark in both themes, so marks are white with a dark halo in both.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from gui import theme
from gui.numbers import signed
from gui.views.axes import spoken_hz, spoken_length
from gui.views.time_canvas import label_width, paint_label
from gui.views.view_state import Selection

HANDLE = 5  # px, the painted part; the mouse may be 5 px off
PLATE = "#0E1116"
INK = "#E8EDF2"
SIDE_WORDS = {"A": ("A", "Original"), "B": ("B", "Result"), "delta": ("Δ", "B − A")}


def paint_box(painter: QPainter, box: QRectF, chosen: Selection, rate: int, row: QRect) -> None:
    """Draw a selected box with eight handles and its size."""
    assert chosen.low_hz is not None
    assert chosen.high_hz is not None
    box = QRectF(round(box.left()) + 0.5, round(box.top()) + 0.5, round(box.width()), round(box.height()))
    painter.fillRect(box, theme.color("#FFFFFF", 0.14))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.color("#000000", 0.6), 1))
    painter.drawRect(box.adjusted(-1, -1, 1, 1))
    painter.setPen(QPen(QColor("#FFFFFF"), 1))
    painter.drawRect(box)
    for x in (box.left(), box.center().x(), box.right()):
        for y in (box.top(), box.center().y(), box.bottom()):
            if QPointF(x, y) != box.center():
                _paint_handle(painter, round(x - 0.5), round(y - 0.5))
    if row.height() < 160:
        return
    seconds = (chosen.stop - chosen.start) / rate
    text = f"{spoken_length(seconds)} × {spoken_hz(chosen.high_hz - chosen.low_hz)}"
    above = box.top() - 15
    left = max(box.left(), row.left() + 4.0)
    paint_label(painter, left, above if above > row.top() + 10 else box.top() + 15, text)


def _paint_handle(painter: QPainter, x: int, y: int) -> None:
    half = HANDLE // 2
    painter.fillRect(QRect(x - half - 1, y - half - 1, HANDLE + 2, HANDLE + 2), theme.color("#000000", 0.75))
    painter.fillRect(QRect(x - half, y - half, HANDLE, HANDLE), QColor("#FFFFFF"))


def paint_generated(painter: QPainter, band: QRect, done: list[tuple[int, int]]) -> None:
    """Tint a generated band in the finished columns (left, right)."""
    for left, right in done:
        painter.fillRect(QRect(left, band.top(), right - left, band.height()), theme.color("#4CC9F0", 0.13))


def paint_generated_label(painter: QPainter, row: QRect, from_hz: str, indent: int = 0) -> None:
    """Say in the upper left corner what the tint means, as much of it as there is room for."""
    for text in (f"Generated above {from_hz}, not recovered", f"Generated above {from_hz}", "Generated"):
        if label_width("      " + text) + indent + 16 <= row.width():
            plate = paint_label(painter, row.left() + 8 + indent, row.top() + theme.px(17), "      " + text)
            _paint_star(painter, QPointF(plate.left() + 13, plate.center().y()))
            return


def paint_edge(painter: QPainter, row: QRect, y: int, words: str, is_held: bool) -> None:
    """Draw the band edge as a dashed line with its words at the right end; a solid line while the mouse has it."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for colour, offset in ((theme.color("#000000", 0.6), 1), (theme.color("#FFFFFF", 1.0 if is_held else 0.9), 0)):
        pen = QPen(colour, 1)
        if not is_held:
            pen.setDashPattern([5, 4])
        painter.setPen(pen)
        painter.drawLine(row.left(), y + offset, row.right(), y + offset)
    width = label_width(words)
    if width + 16 > row.width() or row.height() < 60:
        return
    above, below = y - theme.px(14.0), y + theme.px(15.0)
    middle = below if y + theme.px(28) <= row.bottom() else above
    paint_label(painter, row.right() - width - 7, middle, words)


def paint_nothing_above(painter: QPainter, row: QRect, y: float, words: str) -> None:
    """Leave what lies above height `y` empty: the recording has no such frequencies at all."""
    if y <= row.top():
        return
    empty = QRect(row.left(), row.top(), row.width(), min(round(y), row.bottom() + 1) - row.top())
    painter.fillRect(empty, QColor(PLATE))
    painter.fillRect(QRect(empty.left(), empty.bottom(), empty.width(), 1), theme.color("#FFFFFF", 0.25))
    if empty.height() >= 40 and label_width(words) + 16 <= row.width():
        painter.setFont(theme.ui_font(12, 500))
        painter.setPen(QColor("#AEB9C5"))
        painter.drawText(empty, Qt.AlignmentFlag.AlignCenter, words)


def paint_generated_span(painter: QPainter, part: QRect) -> None:
    """Tint a span in which all sound is generated, and say so if there is room."""
    if part.width() <= 0:
        return
    painter.fillRect(part, theme.color("#4CC9F0", 0.10))
    painter.fillRect(QRect(part.left(), part.top(), part.width(), 2), QColor("#4CC9F0"))
    if part.width() > 110:
        plate = paint_label(painter, part.left() + 8, part.top() + theme.px(17), "      Generated")
        _paint_star(painter, QPointF(plate.left() + 13, plate.center().y()))


def _paint_star(painter: QPainter, at: QPointF) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor("#4CC9F0"), 1.3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    points = [(0, -5), (1.4, -1.4), (5, 0), (1.4, 1.4), (0, 5), (-1.4, 1.4), (-5, 0), (-1.4, -1.4)]
    painter.drawPolygon([at + QPointF(x, y) for x, y in points])


def paint_side(painter: QPainter, plot: QRect, side: str, is_heard: bool) -> None:
    """Say whose spectrogram it is; the one that is heard has a bar in its colour."""
    colours = {"A": "#F2A65A", "B": "#4CC9F0", "delta": "#C792EA"}
    letter, word = SIDE_WORDS[side]
    plate = paint_label(painter, plot.left() + 8, plot.top() + theme.px(17), f"{letter} {word}", alpha=0.85)
    font = theme.ui_font(12, 600)
    painter.setFont(font)
    painter.setPen(QColor(colours[side]))
    painter.drawText(plate.adjusted(7, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, letter)
    if is_heard:
        painter.fillRect(QRect(plot.left() - 3, plot.top(), 3, plot.height()), QColor(colours[side]))


def paint_crosshair(painter: QPainter, plot: QRect, at: QPointF, side: str, level_db: float | None) -> None:
    """Draw a dashed cross, and beside it the level there."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for colour, offset in ((theme.color("#000000", 0.55), 1), (theme.color("#FFFFFF", 0.9), 0)):
        pen = QPen(colour, 1)
        pen.setDashPattern([3, 3])
        painter.setPen(pen)
        x, y = round(at.x()) + offset, round(at.y()) + offset
        if plot.left() <= x <= plot.right():
            painter.drawLine(x, plot.top(), x, plot.bottom())
        if plot.top() <= y <= plot.bottom():
            painter.drawLine(plot.left(), y, plot.right(), y)
    if level_db is None or not plot.contains(at.toPoint()):
        return
    text = f"{SIDE_WORDS[side][0]}  {signed(level_db)} dB"
    width = QFontMetricsF(theme.ui_font(12, 600)).horizontalAdvance(text) + 14
    left = at.x() + 10 if at.x() + 20 + width < plot.right() else at.x() - 10 - width
    middle = at.y() + 16 if at.y() + 30 < plot.bottom() else at.y() - 16
    paint_label(painter, left, middle, text)
