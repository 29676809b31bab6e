"""The time ruler: ticks as far apart as they can be read, the loop brace, marker flags and the playhead's handle."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPainterPath, QPen, QWheelEvent
from PySide6.QtWidgets import QToolTip, QWidget

from engine.audio.signal import Span
from gui import theme
from gui.numbers import clock
from gui.views.axes import time_step
from gui.views.time_canvas import TimeCanvas, spoken_selection
from gui.views.view_state import Mark, ViewState

HEIGHT = 28  # 24 painted as in the pictures would be too low to hit; the brace takes the rest
BRACE_PX = 4
GRIP_PX = 6


class RulerView(TimeCanvas):
    """Time over the views. Click plays from there, drag loops, right-drag zooms, the handle scrubs."""

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(state, "Time ruler", parent)
        self.setFixedHeight(HEIGHT)
        self._drag: Callable[[float], None] | None = None
        self._pressed_x = 0.0
        self._zoom_to: float | None = None
        self._flags: list[tuple[QRectF, int]] = []
        self._marks: tuple[Mark, ...] = ()
        self.setToolTip("Click to play from here, drag to loop, right-drag to zoom to a range")

    def set_marks(self, marks: tuple[Mark, ...]) -> None:
        """Show where the rendered sound is in doubt; the reason is the tooltip."""
        self._marks = marks
        self.renew()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            reasons = self.reasons_at(event.pos().x())
            if reasons:
                QToolTip.showText(event.globalPos(), "\n".join(reasons), self)
                return True
        return bool(super().event(event))

    def reasons_at(self, x: float) -> list[str]:
        """Return why the sound at a pixel is in doubt."""
        return [mark.reason for mark in self._marks if self.x_of(mark.start) - 5 <= x <= self.x_of(mark.stop) + 5]

    # --- painting ------------------------------------------------------------------------------------------------

    def paint_still(self, painter: QPainter) -> None:
        look, plot = theme.tokens(), self.plot
        painter.fillRect(self.rect(), QColor(look.window))
        painter.fillRect(QRect(0, self.height() - 1, self.width(), 1), QColor(look.line))
        self._flags = []
        if not self.state.frames:
            return
        painter.save()
        painter.setClipRect(QRect(plot.left() - 1, 0, plot.width() + 2, self.height()))
        self._place_flags()
        self._paint_ticks(painter, look)
        if self.state.loop is not None:
            self._paint_brace(painter, QColor(look.accent), self.state.loop)
        self._paint_markers(painter, look)
        for mark in self._marks:
            first, last = round(self.x_of(mark.start)), round(self.x_of(mark.stop))
            painter.fillRect(QRect(first, self.height() - 4, max(3, last - first), 3), QColor(look.error))
        if self._zoom_to is not None:
            left, right = sorted((self._pressed_x, self._zoom_to))
            painter.fillRect(QRectF(left, 0, right - left, self.height()), theme.color(look.accent, 0.3))
        painter.restore()

    def _paint_ticks(self, painter: QPainter, look: theme.Tokens) -> None:
        rate, bottom = self.state.rate, self.height() - 1
        painter.setFont(theme.ui_font(11, 500))
        step, parts, decimals = self.label_step()
        small = step / parts
        for number in range(math.floor(self.state.start / rate / small), math.ceil(self.state.stop / rate / small) + 1):
            x = self.x_of(number * small * rate)
            is_big = number % parts == 0
            painter.fillRect(QRect(round(x), bottom - (6 if is_big else 3), 1, 6 if is_big else 3), QColor(look.text3))
            if is_big:
                self._label_tick(painter, round(x) + 5, clock(number // parts * step, decimals))

    def label_step(self) -> tuple[float, int, int]:
        """Return the seconds between labels, the small ticks in them, and the decimals that labels need.

        The closer the ticks, the longer their labels, so the step grows until a label fits between two ticks.
        """
        metrics = QFontMetricsF(theme.ui_font(11, 500))
        room_px = 64.0
        while True:
            step, parts = time_step(self.seconds_per_px, room_px)
            decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
            needed_px = metrics.horizontalAdvance(clock(self.state.stop / self.state.rate, decimals)) + 12
            if step / self.seconds_per_px >= needed_px or room_px > 10_000:
                return step, parts, decimals
            room_px = max(needed_px, room_px * 1.5)

    def _label_tick(self, painter: QPainter, x: int, text: str) -> None:
        width = painter.fontMetrics().horizontalAdvance(text)
        if any(flag.left() < x + width + 3 and x - 3 < flag.right() for flag, _ in self._flags):
            return
        painter.setPen(QColor(theme.tokens().text3))
        painter.drawText(QPointF(x, self.height() - 8), text)

    def _paint_brace(self, painter: QPainter, colour: QColor, loop: Span) -> None:
        left, right = round(self.x_of(loop.start)), round(self.x_of(loop.stop))
        painter.fillRect(QRect(left, 2, max(2, right - left), BRACE_PX), colour)
        for x in (left, right - 2):
            painter.fillRect(QRect(x, 2, 2, 9), colour)

    def _place_flags(self) -> None:
        """Find where marker names have room: a name never covers the one before it."""
        metrics = QFontMetricsF(theme.ui_font(11, 600))
        free_from = -math.inf
        for index, marker in enumerate(self.state.markers):
            x, width = round(self.x_of(marker.frame)), math.ceil(metrics.horizontalAdvance(marker.name)) + 9
            if x >= free_from and x <= self.plot.right() and x + width >= self.plot.left():
                self._flags.append((QRectF(x, 8, width, 15), index))
                free_from = x + width

    def _paint_markers(self, painter: QPainter, look: theme.Tokens) -> None:
        for marker in self.state.markers:
            x, colour = round(self.x_of(marker.frame)), QColor(look.error if marker.kind == "warning" else look.warn)
            painter.fillRect(QRect(x, 8, 1, self.height() - 8), colour)
            if marker.stop is not None:
                painter.fillRect(QRect(x, self.height() - 3, round(self.x_of(marker.stop)) - x, 2), colour)
        painter.setFont(theme.ui_font(11, 600))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for flag, index in self._flags:
            marker = self.state.markers[index]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(look.error if marker.kind == "warning" else look.warn))
            painter.drawRoundedRect(flag, 3, 3)
            painter.setPen(QColor(look.canvas))
            painter.drawText(flag, Qt.AlignmentFlag.AlignCenter, marker.name)

    def paint_playhead(self, painter: QPainter) -> None:
        self.paint_cursor(painter)
        x = self._playhead_x = self.x_of(self.state.playhead)
        plot = self.plot
        if not self.state.frames or not plot.left() - 1 <= x <= plot.right() + 1:
            return
        line, halo = self.playhead_colours(theme.tokens())
        at, bottom = round(x) + 0.5, float(self.height())
        shape = QPainterPath(QPointF(at - 6, bottom - 14))
        for dx, up in ((6, 14), (6, 7), (0, 0), (-6, 7)):
            shape.lineTo(at + dx, bottom - up)
        shape.closeSubpath()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(halo, 1))
        painter.setBrush(line)
        painter.drawPath(shape)

    def describe(self) -> None:
        loop, rate = self.state.loop, self.state.rate
        text = f"Loop {loop.start / rate:.2f}–{loop.stop / rate:.2f} s" if loop else "No loop"
        self.setAccessibleDescription(f"{text}. {spoken_selection(self.state)}")

    # --- mouse ---------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.state.frames:
            return
        x = self._pressed_x = event.position().x()
        self.state.is_held = True
        if event.button() == Qt.MouseButton.RightButton:
            self._drag = self._mark_range
        elif event.button() == Qt.MouseButton.MiddleButton:
            grabbed = self.frame_at(x)
            self._drag = lambda now: self.state.pan(grabbed - self.frame_at(now))
        elif event.button() == Qt.MouseButton.LeftButton:
            self._press(x, event)

    def _press(self, x: float, event: QMouseEvent) -> None:
        flag = next((index for box, index in self._flags if box.contains(event.position())), None)
        on_handle = abs(x - self.x_of(self.state.playhead)) <= 8 and event.position().y() > self.height() - 16
        if on_handle:
            self._drag = self._seek
        elif flag is not None:
            self._drag = None
            self.state.is_held = False
            self.state.marker_activated.emit(flag)
        else:
            self._drag = self._resize_loop(x) or self._loop_from(x)

    def _seek(self, x: float) -> None:
        frame = min(max(self.frame_at(x), 0.0), float(self.state.frames))
        self.state.set_cursor(frame)
        self.state.seek_requested.emit(frame)

    def _loop_edge(self, x: float) -> str | None:
        loop = self.state.loop
        if loop is None:
            return None
        near = [(abs(x - self.x_of(frame)), name) for frame, name in ((loop.start, "start"), (loop.stop, "stop"))]
        return min(near)[1] if min(near)[0] <= GRIP_PX else None

    def _resize_loop(self, x: float) -> Callable[[float], None] | None:
        loop, edge = self.state.loop, self._loop_edge(x)
        if loop is None or edge is None:
            return None
        fixed = loop.stop if edge == "start" else loop.start
        return lambda now: self.state.set_loop(Span(fixed, round(self.frame_at(now))))

    def _loop_from(self, x: float) -> Callable[[float], None]:
        anchor = round(self.frame_at(x))
        return lambda now: self.state.set_loop(Span(anchor, round(self.frame_at(now))))

    def _mark_range(self, x: float) -> None:
        self._zoom_to = x
        self.renew()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._drag is None:
            shape = Qt.CursorShape.SizeHorCursor if self._loop_edge(x) else Qt.CursorShape.ArrowCursor
            self.setCursor(shape)
        elif abs(x - self._pressed_x) >= 3 or self._zoom_to is not None:
            self._drag(x)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        moved = abs(x - self._pressed_x) >= 3
        if self._zoom_to is not None and moved:
            left, right = sorted((self._pressed_x, x))
            self.state.show(self.frame_at(left), self.frame_at(right))
        elif self._drag is not None and not moved and event.button() == Qt.MouseButton.LeftButton:
            self._seek(x)
        self._drag = self._zoom_to = None
        self.state.is_held = False
        self.renew()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.state.select_between_markers(self.frame_at(event.position().x()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.state.pan_fraction(-notches * 0.12)
        elif notches:
            self.state.zoom(1.25**notches, self.frame_at(event.position().x()))
        event.accept()
