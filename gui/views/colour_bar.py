"""The bar beside the spectrogram: which level has which colour, and a grip for both ends of the range."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.numbers import signed
from gui.views.axes import nice_step
from gui.views.colour_maps import DELTA_DB, table
from gui.views.pointed_canvas import NOTCH, WHEEL_ZOOM, PointedCanvas
from gui.views.view_state import ViewState

WIDTH = 8
LABEL_PX = 50  # between two levels at least
DEFAULT_DB = (-100.0, -10.0)


class ColourBar:
    """Paints into the right gutter of a spectrogram and takes drags there: upper third, lower third, or both ends."""

    def __init__(self, state: ViewState) -> None:
        self._state = state
        self.is_delta = False

    def bar(self, gutter: QRect) -> QRect:
        """Return the coloured part of the gutter."""
        return QRect(gutter.left() + 8, gutter.top() + 8, WIDTH, max(1, gutter.height() - 16))

    @property
    def _range_db(self) -> tuple[float, float]:
        return (-DELTA_DB, DELTA_DB) if self.is_delta else (self._state.floor_db, self._state.ceiling_db)

    def paint(self, painter: QPainter, gutter: QRect) -> None:
        """Paint bar and levels; a tick before a level would read as a second minus sign."""
        bar, look = self.bar(gutter), theme.tokens()
        colours = table("Diverging" if self.is_delta else self._state.map_name)[::-1]
        pixels = np.full((256, 1), 0xFF000000, dtype=np.uint32)
        pixels[:, 0] |= (colours.astype(np.uint32) << np.array([16, 8, 0], dtype=np.uint32)).sum(
            axis=1, dtype=np.uint32
        )
        image = QImage(pixels.data, 1, 256, 4, QImage.Format.Format_RGB32)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(bar), image, QRectF(0, 0, 1, 256))
        low, high = self._range_db
        step = 18.0 if self.is_delta else nice_step((high - low) / bar.height() * LABEL_PX)
        painter.setFont(theme.ui_font(11, 500))
        for number in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1):
            y = bar.top() + (high - number * step) / (high - low) * (bar.height() - 1)
            y = min(max(y, bar.top() + 4), bar.bottom() - 4)
            painter.setPen(QColor(look.text3))
            box = QRectF(bar.right() + 4, y - 8, gutter.right() - bar.right() - 3, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, signed(number * step, 0))

    def take(self, gutter: QRect, y: float) -> Callable[[float], None] | None:
        """Return what a drag that starts at height `y` does, None for the Δ bar, whose range is fixed."""
        if self.is_delta:
            return None
        bar, state = self.bar(gutter), self._state
        floor, ceiling = state.floor_db, state.ceiling_db
        place = (y - bar.top()) / bar.height()
        per_px = (ceiling - floor) / bar.height()

        def drag(now: float) -> None:
            change = (now - y) * per_px
            new_floor = floor - change if place > 1 / 3 else floor
            new_ceiling = ceiling - change if place < 2 / 3 else ceiling
            state.set_db_range(min(new_floor, state.ceiling_db - 10 if place > 2 / 3 else new_floor), new_ceiling)

        return drag


class BarredCanvas(PointedCanvas):
    """A canvas over frequencies with a colour bar in its right gutter; over the left one the wheel zooms them."""

    def __init__(self, state: ViewState, name: str, parent: QWidget | None = None) -> None:
        super().__init__(state, name, parent)
        self.bar = ColourBar(state)
        self._bar_drag: Callable[[float], None] | None = None

    @property
    def right_gutter(self) -> QRect:
        return QRect(self.plot.right() + 1, 0, self.gutter, self.height())

    def _is_on_bar(self, event: QMouseEvent) -> bool:
        return self.right_gutter.contains(event.position().toPoint())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._is_on_bar(event):
            self._bar_drag = self.bar.take(self.right_gutter, event.position().y())
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._bar_drag is not None:
            self._bar_drag(event.position().y())
            return
        super().mouseMoveEvent(event)
        if self._is_on_bar(event) and not self.bar.is_delta and not event.buttons():
            self.setCursor(Qt.CursorShape.SizeVerCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._bar_drag is not None:
            self._bar_drag = None
        else:
            super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._is_on_bar(event):
            self.state.set_db_range(*DEFAULT_DB)
        else:
            super().mouseDoubleClickEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.position().x() < self.gutter and not event.modifiers():
            self.zoom_vertically(WHEEL_ZOOM ** (event.angleDelta().y() / NOTCH), event.position().y())
            event.accept()
        else:
            super().wheelEvent(event)
