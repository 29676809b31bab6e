"""Dropping files on the window: the left half adds a track, the right half opens."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gui import theme


def files_of(data: QMimeData) -> list[Path]:
    """Return the local files that are dragged."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()] if data.hasUrls() else []


class DropOverlay(QWidget):
    """Lies over the window while files are dragged over it and says what each half does."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.has_halves = False
        self.is_left = False
        self.hide()

    def show_over(self, x: float, has_halves: bool) -> None:
        """Show the overlay for a pointer at `x`."""
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.has_halves, self.is_left = has_halves, has_halves and x < self.width() / 2
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme.color(look.canvas, 0.78))
        whole = QRectF(self.rect()).adjusted(24, 24, -24, -24)
        if not self.has_halves:
            self._draw_half(painter, whole, "Open", "in the place of what is open" if self.has_halves else "", True)
            return
        left = QRectF(whole.left(), whole.top(), whole.width() / 2 - 8, whole.height())
        right = QRectF(whole.center().x() + 8, whole.top(), whole.width() / 2 - 8, whole.height())
        self._draw_half(painter, left, "Add as track", "beside what is open", self.is_left)
        self._draw_half(painter, right, "Open", "in the place of what is open", not self.is_left)

    def _draw_half(self, painter: QPainter, box: QRectF, title: str, second: str, is_hot: bool) -> None:
        look = theme.tokens()
        pen = QPen(theme.color(look.b if is_hot else look.text3), 2)
        pen.setDashPattern([6, 4])
        painter.setPen(pen)
        painter.setBrush(theme.color(look.b, 0.10 if is_hot else 0.0))
        painter.drawRoundedRect(box, 12, 12)
        painter.setPen(theme.color(look.text))
        painter.setFont(theme.ui_font(20, 600))
        painter.drawText(box.adjusted(0, -16, 0, -16), Qt.AlignmentFlag.AlignCenter, title)
        painter.setFont(theme.ui_font(13))
        painter.setPen(theme.color(look.text2))
        painter.drawText(box.adjusted(0, 16, 0, 16), Qt.AlignmentFlag.AlignCenter, second)
