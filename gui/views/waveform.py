"""The waveform: A amber behind, B cyan in front, decibels at the left, peak meters at the right."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.numbers import signed
from gui.views.crew import Crew
from gui.views.curves import Curves
from gui.views.lane import Lane
from gui.views.meters import paint_meters
from gui.views.pointed_canvas import PointedCanvas
from gui.views.time_canvas import paint_unrendered_label
from gui.views.view_state import Hover, ViewState

LEVELS_DB = (0, -3, -6, -9, -12, -18, -24, -30, -36, -48, -60, -72, -84, -96)


class WaveformView(PointedCanvas):
    """Amplitude over time of both sides."""

    def __init__(self, state: ViewState, crew: Crew | None = None, parent: QWidget | None = None) -> None:
        super().__init__(state, "Waveform", parent)
        self.curves = Curves(state, crew or Crew(1, self), self)
        self.curves.changed.connect(self.renew)
        self._peaks_db: tuple[float, ...] = ()
        self._holds_db: tuple[float, ...] = ()
        self.setMinimumHeight(80)

    def set_lanes(self, a: Lane | None, b: Lane | None, monitor: str = "B") -> None:
        """Show two sides, of which `monitor` ("A", "B" or "delta") is heard."""
        self.curves.monitor = monitor
        self.curves.set_lanes(a, b)

    def set_monitor(self, monitor: str) -> None:
        """Say which side is heard."""
        if monitor != self.curves.monitor:
            self.curves.monitor = monitor
            self.renew()

    def set_blind(self, is_blind: bool) -> None:
        """Show nothing that tells the sides apart."""
        self.is_blind = self.curves.is_blind = is_blind
        self.renew()

    def set_meters(self, peaks_db: tuple[float, ...], holds_db: tuple[float, ...]) -> None:
        """Show the peaks of the block that plays, one per channel, dBFS, and the highest of the last second."""
        if (peaks_db, holds_db) != (self._peaks_db, self._holds_db):
            self._peaks_db, self._holds_db = peaks_db, holds_db
            self.update(QRect(self.width() - self.gutter, 0, self.gutter, self.height()))

    # --- gestures ------------------------------------------------------------------------------------------------

    def zoom_vertically(self, factor: float, y: float) -> None:
        self.state.set_amplitude_zoom(self.state.amplitude_zoom * factor)

    def hover(self, point: QPointF) -> Hover:
        frame = self.frame_at(point.x())
        row = min(max(int(point.y() / self.height() * self.curves.rows), 0), self.curves.rows - 1)
        middle, half = self.curves.row(row, self.plot)
        level = abs(middle - point.y()) / half / self.state.amplitude_zoom
        return Hover(frame, frame / self.state.rate, db=20 * math.log10(level) if level > 1e-6 else -math.inf)

    # --- painting ------------------------------------------------------------------------------------------------

    def paint_still(self, painter: QPainter) -> None:
        look, plot = theme.tokens(), self.plot
        painter.fillRect(self.rect(), QColor(look.canvas))
        self._paint_levels(painter, look)
        if self.state.frames and self.curves.lanes:
            lane = None if self.is_blind else self.curves.b
            hatched = self.paint_hatch(painter, lane, theme.color(look.text, 0.13))
            painter.save()
            painter.setClipRect(plot)
            self.curves.paint(painter, plot, self.devicePixelRatioF(), self.unfinished_px(lane))
            painter.restore()
            if hatched and self.state.layout == "waveform":
                paint_unrendered_label(painter, hatched[-1])
        self.paint_selection(painter, self.state.selection)
        if not self.is_blind and self.height() >= 110:
            self._paint_legend(painter, look)

    def paint_playhead(self, painter: QPainter) -> None:
        super().paint_playhead(painter)
        if not self.is_blind:
            channels = max((lane.channels for lane in self.curves.lanes), default=0)
            area = QRect(self.plot.right() + 1, 0, self.gutter, self.height())
            paint_meters(painter, area, self._peaks_db, self._holds_db, channels)

    def _paint_levels(self, painter: QPainter, look: theme.Tokens) -> None:
        for row in range(self.curves.rows):
            if row:
                top = round(row * self.height() / self.curves.rows)
                painter.fillRect(QRect(0, top, self.width(), 1), QColor(look.line))
            self._paint_row_levels(painter, look, row)
        painter.setPen(QColor(look.text3))
        painter.drawText(QRectF(10, 4, self.gutter, 16), Qt.AlignmentFlag.AlignVCenter, "dB")

    def _paint_row_levels(self, painter: QPainter, look: theme.Tokens, row: int) -> None:
        plot = self.plot
        middle, half = self.curves.row(row, plot)
        labelled = [middle]
        self._label_level(painter, look, middle, -math.inf)
        for level in LEVELS_DB:
            away = 10 ** (level / 20) * half * self.state.amplitude_zoom
            # Only levels that stand clear of the edge and of the label above.
            if not 12 <= away <= half - 4 or min(abs(middle - away - y) for y in labelled) < 18:
                continue
            for y in (middle - away, middle + away):
                painter.fillRect(QRect(plot.left(), round(y), plot.width(), 1), QColor(look.grid))
            if row or middle - away > 24:
                self._label_level(painter, look, middle - away, level)
            labelled.append(middle - away)

    def _label_level(self, painter: QPainter, look: theme.Tokens, y: float, level_db: float) -> None:
        painter.setFont(theme.ui_font(11, 500))
        painter.setPen(QColor(look.text3))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, y - 8, self.gutter - 8, 16), right, signed(level_db, 0))

    def _paint_legend(self, painter: QPainter, look: theme.Tokens) -> None:
        x, y = self.plot.left() + 11.0, self.plot.bottom() - 12.0
        strong, plain = theme.ui_font(12, 700), theme.ui_font(12, 500)
        sides = [("A", self.curves.a, look.a), ("B", self.curves.b, look.b)]
        if self.curves.delta is not None:
            sides = [("Δ", self.curves.delta, look.delta)]
        for letter, lane, colour in sides:
            if lane is None:
                continue
            for text, font, ink, gap in ((letter, strong, colour, 6), (lane.name, plain, look.text2, 14)):
                painter.setFont(font)
                painter.setPen(QColor(ink))
                painter.drawText(QPointF(x, y), text)
                x += QFontMetricsF(font).horizontalAdvance(text) + gap
