"""What the mouse does to the band edge on a spectrogram: drag, Escape, double-click, a menu."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QWidget

from gui.views.colour_bar import BarredCanvas
from gui.views.edge_line import edge_hz
from gui.views.pointed_canvas import CLICK_PX, GRIP_PX
from gui.views.view_state import ViewState


class EdgedCanvas(BarredCanvas):
    """A canvas over frequencies whose band edge can be taken with the mouse."""

    def __init__(self, state: ViewState, name: str, parent: QWidget | None = None) -> None:
        super().__init__(state, name, parent)
        self._takes_edge = False  # the mouse went down on the line
        self._has_begun = False  # and has moved since
        self.is_edge_hovered = False
        state.edge.changed.connect(self._follow_edge)

    def edge_heights(self) -> list[float]:
        """Return the height of the line in every row that shows it, px."""
        raise NotImplementedError

    def is_on_edge(self, point: QPointF) -> bool:
        """Return whether a press here takes the line."""
        if self.state.tool not in ("time", "box") or not self.plot.contains(point.toPoint()):
            return False
        return any(abs(point.y() - y) <= GRIP_PX for y in self.edge_heights()) and not self.edges_at(point)

    # --- drag ----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._takes_edge = event.button() == Qt.MouseButton.LeftButton and self.is_on_edge(event.position())
        if self._takes_edge:
            self._pressed_at, self._has_begun = event.position(), False
            self.state.is_held = True
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if not self._takes_edge:
            super().mouseMoveEvent(event)
            self._hover_edge(not event.buttons() and self.is_on_edge(point))
            return
        hz = self.hz_at(point.y())
        if hz is not None and (self._has_begun or (point - self._pressed_at).manhattanLength() >= CLICK_PX):
            self._has_begun = True
            self.state.edge.drag(hz)
        self.hovered.emit(self.hover(point) if self.plot.contains(point.toPoint()) else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not self._takes_edge:
            super().mouseReleaseEvent(event)
            return
        self._takes_edge = self.state.is_held = False
        self.state.edge.drop()
        self._hover_edge(self.is_on_edge(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.is_on_edge(event.position()):
            self.state.edge.reset()
        else:
            super().mouseDoubleClickEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover_edge(False)

    def _follow_edge(self) -> None:
        """Let go of the line if its drag was called off: what the mouse does until it is up means nothing."""
        if self._takes_edge and self._has_begun and not self.state.edge.is_dragged:
            self._takes_edge = self.state.is_held = False
        self.renew()
        self.describe()

    def _hover_edge(self, is_hovered: bool) -> None:
        if is_hovered:
            self.setCursor(Qt.CursorShape.SizeVerCursor)
        if is_hovered != self.is_edge_hovered:
            self.is_edge_hovered = is_hovered
            self.renew()

    # --- menu ----------------------------------------------------------------------------------------------------

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.edge_menu(QPointF(event.pos()))
        if menu is None:
            super().contextMenuEvent(event)
            return
        menu.exec(event.globalPos())
        menu.deleteLater()

    def edge_menu(self, point: QPointF) -> QMenu | None:
        """Return what can be done to the edge from a point, None where there is no edge."""
        line, hz = self.state.edge, self.hz_at(point.y())
        if line.shown is None or hz is None or not self.plot.contains(point.toPoint()):
            return None
        menu = QMenu(self)
        if not self.is_on_edge(point) and line.shown.lowest_hz <= hz <= line.shown.highest_hz:
            here = menu.addAction(f"Put the band edge here, {edge_hz(hz)}")
            here.triggered.connect(lambda: line.wanted.emit(float(round(hz))))
        back = menu.addAction(f"Use the found edge, {edge_hz(line.shown.found_hz)}")
        back.setEnabled(line.shown.is_set)
        back.triggered.connect(line.reset)
        return menu
