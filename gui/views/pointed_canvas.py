"""What the mouse does on a picture over time: wheel, drag, edges, pinch. One behaviour for waveform and spectrogram."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QNativeGestureEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QGestureEvent, QPinchGesture, QWidget

from gui import theme
from gui.views.time_canvas import TimeCanvas
from gui.views.view_state import Hover, Selection, ViewState

GRIP_PX = 5  # how near an edge has to be to be taken
CLICK_PX = 4  # a drag shorter than this is a click
NOTCH = 120  # angle of one step of a wheel
WHEEL_ZOOM = 1.25
WHEEL_PAN = 0.12
MODIFIER = Qt.KeyboardModifier
Drag = Callable[[QPointF], None]


class PointedCanvas(TimeCanvas):
    """A canvas on which spans and boxes are drawn with the mouse."""

    hovered = Signal(object)  # Hover | None

    def __init__(self, state: ViewState, name: str, parent: QWidget | None = None) -> None:
        super().__init__(state, name, parent)
        self._drag: Drag | None = None
        self._drop: Drag | None = None
        self._pressed_at = QPointF()
        self._rubber: QRectF | None = None
        self.grabGesture(Qt.GestureType.PinchGesture)
        state.tool_changed.connect(self._show_shape)
        self._show_shape()

    # --- what subclasses know ------------------------------------------------------------------------------------

    def hz_at(self, y: float) -> float | None:
        """Return the frequency at a height, None where heights aren't frequencies."""
        return None

    def y_of(self, hz: float) -> float:
        """Return the height of a frequency; only asked where `hz_at` answers."""
        return 0.0

    def zoom_vertically(self, factor: float, y: float) -> None:
        """Zoom what the height stands for."""
        raise NotImplementedError

    def hover(self, point: QPointF) -> Hover:
        """Return what lies under the pointer."""
        frame = self.frame_at(point.x())
        return Hover(frame, frame / self.state.rate)

    # --- wheel and pinch -----------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        angle = event.angleDelta()
        at, keys = event.position(), event.modifiers()
        # Alt turns the wheel into a sideways one on some systems.
        notches = (angle.y() or (angle.x() if keys & MODIFIER.AltModifier else 0)) / NOTCH
        if keys & MODIFIER.ControlModifier:
            self.zoom_vertically(WHEEL_ZOOM**notches, at.y())
        elif keys & MODIFIER.ShiftModifier:
            self.state.pan_fraction(-(notches or angle.x() / NOTCH) * WHEEL_PAN)
        elif notches:
            self.state.zoom(WHEEL_ZOOM**notches, self._anchor(at.x()))
        if angle.x() and not keys:
            self.state.pan_fraction(-angle.x() / NOTCH * WHEEL_PAN)
        event.accept()

    def _anchor(self, x: float) -> float:
        return self.frame_at(min(max(x, self.plot.left()), self.plot.right()))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.state.zoom(1.0 + event.value(), self._anchor(event.position().x()))
                return True
        elif isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                middle = self.mapFromGlobal(pinch.centerPoint())
                self.state.zoom(pinch.scaleFactor() or 1.0, self._anchor(middle.x()))
                return True
        return bool(super().event(event))

    # --- drags ---------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        self._pressed_at = point
        if event.button() == Qt.MouseButton.MiddleButton:
            self._begin(self._pan_from(point), None)
        elif event.button() == Qt.MouseButton.LeftButton and self.state.frames:
            self._press(point, event.modifiers())
        else:
            super().mousePressEvent(event)

    def _press(self, point: QPointF, keys: Qt.KeyboardModifier) -> None:
        tool = self.state.tool
        if tool == "hand":
            self._begin(self._pan_from(point), self._click_to_seek)
        elif tool == "zoom":
            self._begin(self._rubber_from(point), self._zoom_to_rubber)
        elif keys & MODIFIER.ShiftModifier:
            self._extend_to(point)
        elif edges := self.edges_at(point):
            self._begin(self._resize(edges), None)
        else:
            wants_box = tool == "box" or bool(keys & MODIFIER.AltModifier)
            self._begin(self._select_from(point, wants_box), self._go_to_selection)

    def _begin(self, drag: Drag, drop: Drag | None) -> None:
        self._drag, self._drop = drag, drop
        self.state.is_held = True

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._drag is None:
            self._show_shape(point)
        elif self._is_drag(point):
            self._scroll_along(point.x())
            self._drag(point)
        self.hovered.emit(self.hover(point) if self.plot.contains(point.toPoint()) else None)

    def _is_drag(self, point: QPointF) -> bool:
        return (point - self._pressed_at).manhattanLength() >= CLICK_PX or self._drop is None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drop, point = self._drop, event.position()
        self._drag = self._drop = None
        self.state.is_held = False
        if drop is not None:
            drop(point)
        self._rubber = None
        self._show_shape(point)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.plot.contains(event.position().toPoint()):
            self.state.select_between_markers(self.frame_at(event.position().x()))

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None)
        super().leaveEvent(event)

    def _scroll_along(self, x: float) -> None:
        beyond = min(0.0, x - self.plot.left()) + max(0.0, x - self.plot.right())
        if beyond and self.state.tool != "hand":
            self.state.pan(beyond * self.state.span_frames / self.plot.width() * 0.5)

    def _click_to_seek(self, point: QPointF) -> None:
        if (point - self._pressed_at).manhattanLength() < CLICK_PX:
            frame = min(max(self.frame_at(point.x()), 0.0), float(self.state.frames))
            self.state.set_selection(None)
            self.state.set_cursor(frame)
            self.state.seek_requested.emit(frame)

    def _go_to_selection(self, point: QPointF) -> None:
        """After a drag playing starts where the selection does; what plays already plays on."""
        chosen = self.state.selection
        if (point - self._pressed_at).manhattanLength() < CLICK_PX or chosen is None:
            self._click_to_seek(point)
            return
        self.state.set_cursor(float(chosen.start))
        if not self.state.is_playing:
            self.state.seek_requested.emit(float(chosen.start))

    def _pan_from(self, point: QPointF) -> Drag:
        grabbed = self.frame_at(point.x())

        def drag(now: QPointF) -> None:
            self.state.pan(grabbed - self.frame_at(now.x()))

        return drag

    def _select_from(self, point: QPointF, wants_box: bool) -> Drag:
        anchor = self.frame_at(point.x())
        hz = self.hz_at(point.y()) if wants_box else None

        def drag(now: QPointF) -> None:
            low_high = (hz, self.hz_at(now.y())) if hz is not None else (None, None)
            self.state.set_selection(Selection(round(anchor), round(self.frame_at(now.x())), *low_high))

        return drag

    def _extend_to(self, point: QPointF) -> None:
        chosen, frame = self.state.selection, round(self.frame_at(point.x()))
        if chosen is None:
            self.state.set_selection(Selection(round(self.state.cursor), frame))
            return
        nearer = "start" if abs(frame - chosen.start) < abs(frame - chosen.stop) else "stop"
        self.state.set_selection(replace(chosen, **{nearer: frame}))

    def _rubber_from(self, point: QPointF) -> Drag:
        def drag(now: QPointF) -> None:
            self._rubber = QRectF(point, now).normalized()
            self.update()

        return drag

    def _zoom_to_rubber(self, point: QPointF) -> None:
        box = self._rubber
        if box is None or (point - self._pressed_at).manhattanLength() < CLICK_PX:
            self.state.zoom(2.0, self._anchor(point.x()))
            return
        self.state.show(self.frame_at(box.left()), self.frame_at(box.right()))
        low, high = self.hz_at(box.bottom()), self.hz_at(box.top())
        if low is not None and high is not None and box.height() > 3 * CLICK_PX:
            self.state.set_frequency(low, high)

    # --- edges of the selection ----------------------------------------------------------------------------------

    def edges_at(self, point: QPointF) -> frozenset[str]:
        """Return which edges of the selection a press here would take: start, stop, low_hz, high_hz."""
        chosen = self.state.selection
        if chosen is None:
            return frozenset()
        found = set()
        left, right = self.x_of(chosen.start), self.x_of(chosen.stop)
        top, bottom = float(self.plot.top()), float(self.plot.bottom())
        has_band = chosen.low_hz is not None and chosen.high_hz is not None and self.hz_at(0) is not None
        if has_band:
            assert chosen.low_hz is not None
            assert chosen.high_hz is not None
            top, bottom = self.y_of(chosen.high_hz), self.y_of(chosen.low_hz)
        if top - GRIP_PX <= point.y() <= bottom + GRIP_PX:
            near = [(abs(point.x() - x), name) for x, name in ((left, "start"), (right, "stop"))]
            if min(near)[0] <= GRIP_PX:
                found.add(min(near)[1])
        if has_band and left - GRIP_PX <= point.x() <= right + GRIP_PX:
            near = [(abs(point.y() - y), name) for y, name in ((bottom, "low_hz"), (top, "high_hz"))]
            if min(near)[0] <= GRIP_PX:
                found.add(min(near)[1])
        return frozenset(found)

    def _resize(self, edges: frozenset[str]) -> Drag:
        original = self.state.selection
        assert original is not None

        def drag(now: QPointF) -> None:
            moved: dict[str, float | int] = {}
            for edge in edges & {"start", "stop"}:
                moved[edge] = round(self.frame_at(now.x()))
            hz = self.hz_at(now.y())
            for edge in edges & {"low_hz", "high_hz"}:
                if hz is not None:
                    moved[edge] = hz
            self.state.set_selection(replace(original, **moved))  # type: ignore[arg-type]

        return drag

    # --- shape and rubber band -----------------------------------------------------------------------------------

    def _show_shape(self, point: QPointF | None = None) -> None:
        shapes = {"time": Qt.CursorShape.IBeamCursor, "box": Qt.CursorShape.CrossCursor,
                  "hand": Qt.CursorShape.OpenHandCursor, "zoom": Qt.CursorShape.CrossCursor}  # fmt: skip
        shape = shapes[self.state.tool]
        if point is not None:
            if not self.plot.contains(point.toPoint()):
                shape = Qt.CursorShape.ArrowCursor
            elif self.state.tool in ("time", "box") and (edges := self.edges_at(point)):
                shape = _edge_shape(edges)
        self.setCursor(shape)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._rubber is not None:
            painter = QPainter(self)
            colour = QColor(theme.tokens().accent)
            painter.setPen(QPen(colour, 1))
            colour.setAlphaF(0.15)
            painter.setBrush(colour)
            box = self._rubber
            if self.hz_at(0) is None:
                box = QRectF(box.left(), self.plot.top(), box.width(), self.plot.height() - 1)
            painter.drawRect(QRect(round(box.x()), round(box.y()), round(box.width()), round(box.height())))
            painter.end()


def _edge_shape(edges: frozenset[str]) -> Qt.CursorShape:
    across = bool(edges & {"start", "stop"})
    along = bool(edges & {"low_hz", "high_hz"})
    if across and along:
        falling = edges in (frozenset({"start", "high_hz"}), frozenset({"stop", "low_hz"}))
        return Qt.CursorShape.SizeFDiagCursor if falling else Qt.CursorShape.SizeBDiagCursor
    return Qt.CursorShape.SizeHorCursor if across else Qt.CursorShape.SizeVerCursor
