"""The rack: the devices of the track in order, one card each; without a file, what Shellac can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QEvent, QMimeData, QObject, QRectF, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QFrame, QScrollArea, QVBoxLayout, QWidget

from engine.session.recipe import Step
from engine.tools.tool import Tool
from gui import icons, theme
from gui.actions import DEVICE_ICONS, DEVICE_KEYS
from gui.panels.card import Card, CardView
from gui.panels.controls import label
from gui.panels.head import DEVICE_MIME


class ToolTile(QAbstractButton):
    """What one tool does, with its key; a click puts it into the rack once a file is open."""

    def __init__(self, tool: Tool) -> None:
        super().__init__()
        self.tool = tool
        self.setFixedHeight(theme.px(80))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"{tool.label}: {tool.summary}")

    def enterEvent(self, event: QEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        has_focus = self.hasFocus()
        painter.setPen(QPen(theme.color(look.accent if has_focus else look.border), 2 if has_focus else 1))
        is_hot = self.underMouse() and self.isEnabled()
        painter.setBrush(theme.color(look.control if is_hot else look.card))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(look.control if not is_hot else look.hover))
        painter.drawRoundedRect(QRectF(14, 14, 32, 32), 6, 6)
        icons.paint(painter, DEVICE_ICONS.get(self.tool.name, "device"), QRectF(22, 22, 16, 16), look.text2)
        painter.setPen(theme.color(look.text))
        painter.setFont(theme.ui_font(13, 600))
        painter.drawText(QRectF(58, 11, self.width() - 110, 18), Qt.AlignmentFlag.AlignVCenter, self.tool.label)
        painter.setFont(theme.ui_font(12))
        painter.setPen(theme.color(look.text2))
        words = QRectF(58, 31, self.width() - 74, self.height() - 36)
        painter.drawText(words, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop, self.tool.summary)
        self._draw_key(painter, look)

    def _draw_key(self, painter: QPainter, look: theme.Tokens) -> None:
        key = DEVICE_KEYS.get(self.tool.name)
        if key is None:
            return
        painter.setPen(QPen(theme.color(look.border), 1))
        painter.setBrush(theme.color(look.control))
        box = QRectF(self.width() - 38, 11, 24, 18)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(theme.color(look.text2))
        painter.setFont(theme.ui_font(11, 600))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, key)


class DropColumn(QWidget):
    """The column of cards; shows a line where a dragged card would land."""

    moved = Signal(str, int)  # device id, new place

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(12, 4, 12, 12)
        self.column.setSpacing(8)
        self.column.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.cards: list[Card] = []
        self._place: int | None = None

    def _place_at(self, y: float) -> int:
        return sum(1 for card in self.cards if card.geometry().center().y() < y)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _device_of(event.mimeData()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if _device_of(event.mimeData()):
            self._place = self._place_at(event.position().y())
            event.acceptProposedAction()
            self.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._place = None
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        device, self._place = _device_of(event.mimeData()), None
        if device:
            event.acceptProposedAction()
            self.drop_device(device, event.position().y())
        self.update()

    def drop_device(self, device: str, y: float) -> None:
        """Ask for `device` to move to where a drop at height `y` puts it."""
        place = self._place_at(y)
        before = next((i for i, card in enumerate(self.cards) if card.device_id == device), None)
        if before is not None:
            self.moved.emit(device, place - 1 if place > before else place)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._place is None or not self.cards:
            return
        last = self._place >= len(self.cards)
        y = self.cards[-1].geometry().bottom() + 4 if last else self.cards[self._place].geometry().top() - 4
        painter = QPainter(self)
        painter.fillRect(12, y - 1, self.width() - 24, 2, theme.color(theme.tokens().accent))


def _device_of(data: QMimeData) -> str:
    return bytes(data.data(DEVICE_MIME).data()).decode() if data.hasFormat(DEVICE_MIME) else ""


class Rack(QScrollArea):
    """The cards in a scrolling column. Cards are kept while their device stays; so a drag on a knob isn't cut off."""

    moved = Signal(str, int)
    tool_chosen = Signal(str)

    def __init__(
        self, tools: Sequence[Tool], connect: Callable[[Card], None], known: Mapping[str, Tool] | None = None
    ) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # it is never narrower than a card
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Rack")
        self._tools = known or {tool.name: tool for tool in tools}
        self._connect = connect
        self._size = theme.px(100)
        theme.CHANGES.changed.connect(self._forget_cards)
        self.inside = DropColumn()
        self.inside.moved.connect(self.moved)
        self.setWidget(self.inside)
        self.tiles = [ToolTile(tool) for tool in tools]
        for tile in self.tiles:
            tile.clicked.connect(lambda _checked=False, name=tile.tool.name: self.tool_chosen.emit(name))
            self.inside.column.addWidget(tile)
        self.hint = label(
            "A device in the rack is heard at once, from the play\ncursor outwards. There is no Apply button.", "second"
        )
        self.inside.column.addWidget(self.hint)

    def _forget_cards(self) -> None:
        """Build the cards anew at the next occasion if type has another size: they are measured for one."""
        if theme.px(100) != self._size:
            self._size = theme.px(100)
            self._arrange([])

    @property
    def cards(self) -> list[Card]:
        """The cards in the order of the rack."""
        return self.inside.cards

    def show_steps(self, steps: Sequence[Step], view_of: Callable[[int, Step], CardView], has_file: bool) -> None:
        """Show the devices of a recipe."""
        kept = {card.device_id: card for card in self.cards}
        wanted: list[Card] = []
        for step in steps:
            card = kept.get(step.id)
            if card is None or card.step.tool != step.tool:
                card = Card(step, self._tools.get(step.tool))
                self._connect(card)
            wanted.append(card)
        if [id(card) for card in wanted] != [id(card) for card in self.cards]:
            self._arrange(wanted)
        for index, (card, step) in enumerate(zip(wanted, steps, strict=True)):
            card.show_step(step, view_of(index, step))
        for tile in self.tiles:
            tile.setVisible(not steps)
        self.hint.setVisible(not steps)
        self.setAccessibleDescription(f"{len(steps)} devices" if has_file else "no file open")

    def _arrange(self, wanted: list[Card]) -> None:
        for card in self.cards:
            self.inside.column.removeWidget(card)
            if card not in wanted:
                card.hide()
                card.deleteLater()
        for index, card in enumerate(wanted):
            self.inside.column.insertWidget(index, card)
            card.show()
        self.inside.cards = wanted

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.inside and event.type() == QEvent.Type.LayoutRequest:
            self._keep_wide()
        return bool(super().eventFilter(watched, event))

    def _keep_wide(self) -> None:
        """Ask for the room that the widest card needs, so that a window made small doesn't cut cards off."""
        width = self.inside.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
        if width != self.minimumWidth():
            self.setMinimumWidth(width)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.ignore()
