"""The whole recording in one strip: where the view is, what B has finished, where the doubts are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.numbers import clock
from gui.views.byte_picture import byte_picture
from gui.views.curves import blend, colours_of_bits
from gui.views.envelope import ColumnGrid, Envelope, envelope_of_peaks, filled, mark_columns
from gui.views.lane import Lane
from gui.views.time_canvas import TimeCanvas
from gui.views.view_state import Mark, ViewState

HEIGHT = 56
STRIP_PX = 4
GRIP_PX = 6
BIT_A, BIT_B = 1, 2


class OverviewView(TimeCanvas):
    """All of the recording, the visible part framed. Drag the frame, its edges, or draw a new one."""

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        self.a: Lane | None = None
        self.b: Lane | None = None
        self.marks: tuple[Mark, ...] = ()
        self._waves: tuple[object, tuple[QImage, QImage]] | None = None
        super().__init__(state, "Overview", parent)
        self.setFixedHeight(HEIGHT)
        self._drag: Callable[[float], None] | None = None
        self.setToolTip("Drag the frame to move the view, its edges to resize it")

    def set_lanes(self, a: Lane | None, b: Lane | None) -> None:
        """Show two sides, either of which may be missing."""
        for lane in {self.a, self.b} - {None}:
            assert lane is not None
            lane.peaks_changed.disconnect(self._renew_waves)
            lane.finished_changed.disconnect(self._renew_waves)
        self.a, self.b = a, b
        for lane in {a, b} - {None}:
            assert lane is not None
            lane.peaks_changed.connect(self._renew_waves)
            lane.finished_changed.connect(self._renew_waves)
        self._renew_waves()

    def _renew_waves(self) -> None:
        self._waves = None
        self.describe()
        self.renew()

    def set_marks(self, marks: tuple[Mark, ...]) -> None:
        """Show where the rendered sound is in doubt."""
        self.marks = marks
        self.renew()

    def set_blind(self, is_blind: bool) -> None:
        """Show nothing that tells the sides apart."""
        self.is_blind = is_blind
        self.renew()

    # --- geometry: the whole recording, not the visible span -----------------------------------------------------

    def x_of(self, frame: float) -> float:
        return self.plot.left() + frame / max(1, self.state.frames) * self.plot.width()

    def frame_at(self, x: float) -> float:
        return (x - self.plot.left()) / self.plot.width() * max(1, self.state.frames)

    @property
    def _box(self) -> QRectF:
        left, right = self.x_of(self.state.start), self.x_of(self.state.stop)
        if right - left < 6:
            middle = (left + right) / 2
            left, right = middle - 3, middle + 3
        return QRectF(left, 2, right - left, HEIGHT - 12)

    # --- painting ------------------------------------------------------------------------------------------------

    def paint_still(self, painter: QPainter) -> None:
        look, plot = theme.tokens(), self.plot
        painter.fillRect(self.rect(), QColor(look.canvas))
        painter.fillRect(QRect(0, HEIGHT - 1, self.width(), 1), QColor(look.line))
        if not self.state.frames:
            return
        self._paint_waves(painter, look)
        self._paint_strip(painter, look)
        painter.setFont(theme.ui_font(11, 500))
        painter.setPen(QColor(look.text3))
        middle = QRectF(0, 0, plot.left() - 8, HEIGHT - 8)
        painter.drawText(middle, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, clock(0, 0))
        total = clock(self.state.frames / self.state.rate, 0)
        painter.drawText(QRectF(plot.right() + 9, 0, self.gutter, HEIGHT - 8), Qt.AlignmentFlag.AlignVCenter, total)
        for marker in self.state.markers:
            warning = marker.kind == "warning"
            box = QRectF(round(self.x_of(marker.frame)) - 2.5, 3, 5, 5)
            painter.fillRect(box, QColor(look.error if warning else look.warn))
        for mark in self.marks:
            left = round(self.x_of(mark.start))
            painter.fillRect(
                QRect(left, HEIGHT - 14, max(2, round(self.x_of(mark.stop)) - left), 3), QColor(look.error)
            )
        self._paint_box(painter, look)

    def _paint_box(self, painter: QPainter, look: theme.Tokens) -> None:
        edge = QColor("#FFFFFF") if look.name == "dark" else QColor(look.text)
        box = self._box
        box = QRectF(round(box.left()) + 0.5, box.top() + 0.5, round(box.width()) - 1, box.height() - 1)
        painter.fillRect(box, theme.color(look.text, 0.05))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(edge, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, 4, 4)

    def _paint_strip(self, painter: QPainter, look: theme.Tokens) -> None:
        top = HEIGHT - STRIP_PX - 3
        painter.fillRect(QRect(self.plot.left(), top, self.plot.width(), STRIP_PX), QColor(look.control))
        if self.b is None or self.is_blind:
            return
        factor = self.state.rate / self.b.rate
        for span in self.b.finished:
            left, right = round(self.x_of(span.start * factor)), round(self.x_of(span.stop * factor))
            painter.fillRect(QRect(left, top, max(1, right - left), STRIP_PX), QColor(look.b))

    def _paint_waves(self, painter: QPainter, look: theme.Tokens) -> None:
        plot, box = self.plot, self._box
        key = (self.devicePixelRatioF(), plot.width(), look.name, self.is_blind)
        if self._waves is None or self._waves[0] != key:
            self._waves = (key, self._wave_images(look))
        pale, full = self._waves[1]
        painter.drawImage(QPointF(plot.left(), 0), pale)
        painter.save()
        painter.setClipRect(box)
        painter.fillRect(box, QColor(look.canvas))
        painter.drawImage(QPointF(plot.left(), 0), full)
        painter.restore()

    def _wave_images(self, look: theme.Tokens) -> tuple[QImage, QImage]:
        """Return the waves as they look outside and inside the frame."""
        ratio = self.devicePixelRatioF()
        width, height = round(self.plot.width() * ratio), round((HEIGHT - 8) * ratio)
        edges = np.zeros((height + 1, width), dtype=np.uint8)
        hidden = np.zeros(width, dtype=np.bool_)
        # B first: what it has finished hides A.
        for lane, bit in ((None if self.is_blind else self.b, BIT_B), (self.a, BIT_A)):
            if lane is not None:
                envelope = self._envelope(lane, width).where(~hidden)
                low, high = envelope.minimum[:, 0], envelope.maximum[:, 0]
                mark_columns(edges, low, high, height / 2 - 2 * ratio, bit, height / 2)
                hidden |= ~np.isnan(low)
        picture = filled(edges)
        canvas, a, b = (QColor(code) for code in (look.canvas, look.text2 if self.is_blind else look.a, look.b))
        pale = 0.34 if self.b is not None else 0.52
        outside = colours_of_bits([blend(a, canvas, pale), blend(b, canvas, 0.52)])
        inside = colours_of_bits([blend(a, canvas, 0.7), b])
        return byte_picture(picture, outside, ratio), byte_picture(picture, inside, ratio)

    def _envelope(self, lane: Lane, width: int) -> Envelope:
        grid = ColumnGrid.over(0, lane.frames, width)
        envelope = envelope_of_peaks(lane.peaks(), grid).mixed()
        if lane.side == "A":
            return envelope
        known = np.zeros(width, dtype=np.bool_)
        for span in lane.finished:
            known[int(span.start / grid.frames) : int(np.ceil(span.stop / grid.frames))] = True
        return envelope.where(known)

    def paint_playhead(self, painter: QPainter) -> None:
        x = self._playhead_x = self.x_of(self.state.playhead)
        if self.state.frames:
            line, _ = self.playhead_colours(theme.tokens())
            painter.fillRect(QRect(round(x), 3, 1, HEIGHT - 13), line)

    def describe(self) -> None:
        state = self.state
        text = f"Shows {clock(state.start / state.rate, 1)} to {clock(state.stop / state.rate, 1)}"
        if self.b is not None and self.b.frames:
            text += f". {100 * sum(span.frames for span in self.b.finished) / self.b.frames:.0f} % rendered"
        self.setAccessibleDescription(f"{text}. Arrow keys move the view")

    # --- mouse and keys ------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self.state.frames:
            return
        x, box, state = event.position().x(), self._box, self.state
        start, stop = state.start, state.stop
        state.is_held = True
        if abs(x - box.left()) <= GRIP_PX and box.width() > 3 * GRIP_PX:
            self._drag = lambda now: state.show(min(self.frame_at(now), stop - 1), stop)
        elif abs(x - box.right()) <= GRIP_PX and box.width() > 3 * GRIP_PX:
            self._drag = lambda now: state.show(start, max(self.frame_at(now), start + 1))
        else:
            length = stop - start
            grabbed = self.frame_at(x) - start if box.left() <= x <= box.right() else length / 2
            self._drag = lambda now: state.show(*self._kept_inside(self.frame_at(now) - grabbed, length))
            self._drag(x)

    def _kept_inside(self, start: float, length: float) -> tuple[float, float]:
        start = min(max(start, 0.0), self.state.frames - length)
        return start, start + length

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x, box = event.position().x(), self._box
        if self._drag is not None:
            self._drag(x)
        else:
            near = min(abs(x - box.left()), abs(x - box.right())) <= GRIP_PX and box.width() > 3 * GRIP_PX
            inside = box.left() < x < box.right()
            shape = Qt.CursorShape.OpenHandCursor if inside else Qt.CursorShape.ArrowCursor
            self.setCursor(Qt.CursorShape.SizeHorCursor if near else shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self.state.is_held = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.state.show(0.0, float(self.state.frames))

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.state.zoom(1.25 ** (event.angleDelta().y() / 120), self.frame_at(event.position().x()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Left: -0.25, Qt.Key.Key_Right: 0.25, Qt.Key.Key_PageUp: -1.0, Qt.Key.Key_PageDown: 1.0}
        key = Qt.Key(event.key())
        if key in moves and not event.modifiers():
            self.state.pan_fraction(moves[key])
        else:
            super().keyPressEvent(event)
