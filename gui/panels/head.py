"""The parts of a card's first line that paint themselves: the grip to drag it by, and Δ."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, QRectF, Qt
from PySide6.QtGui import QDrag, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QApplication

from gui import theme
from gui.panels.controls import IconButton

DEVICE_MIME = "application/x-shellac-device"


class Grip(IconButton):
    """The place to take a card by, to drag it to another position."""

    def __init__(self) -> None:
        super().__init__("grip", "Drag to move the device (Alt+Up, Alt+Down)", lambda look: look.text3, 20, 14)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.device_id = ""
        self._from: QPoint | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._from = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._from is None:
            return
        if (event.position().toPoint() - self._from).manhattanLength() < QApplication.startDragDistance():
            return
        self._from = None
        data = QMimeData()
        data.setData(DEVICE_MIME, self.device_id.encode())
        drag = QDrag(self)
        drag.setMimeData(data)
        card = self.parentWidget()
        if card is not None:
            drag.setPixmap(card.grab().scaledToWidth(240, Qt.TransformationMode.SmoothTransformation))
        drag.exec(Qt.DropAction.MoveAction)


class DeltaButton(QAbstractButton):
    """Hear only what this device changes; filled violet while it is heard."""

    def __init__(self) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setFixedSize(28, 28)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip("Hear only what this device changes (Alt+D)")

    def nextCheckState(self) -> None:
        """The document decides what is heard; a click only asks."""

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_on = self.isChecked()
        painter.setPen(QPen(theme.color(look.accent), 2) if self.hasFocus() else Qt.PenStyle.NoPen)
        fill = look.delta if is_on else look.hover if self.underMouse() else look.control
        painter.setBrush(theme.color(fill))
        painter.drawRoundedRect(QRectF(1, 1, 26, 26), 6, 6)
        painter.setFont(theme.ui_font(13, 700))
        usual = look.delta if self.isEnabled() else look.text3
        painter.setPen(theme.color(look.on_side if is_on else usual))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Δ")
