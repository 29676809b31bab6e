"""The controls that cards, transport and dialogs are made of: switch, slider, number, segments, icon button, chip.

All of them take the keyboard's focus by Tab only, never by a click, so that Space keeps meaning "play".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QValidator,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from gui import icons, theme


def label(text: str, role: str = "label") -> QLabel:
    """Return a label dressed by the style sheet as `role`: title, dock-title, label, second, small, value, ..."""
    made = QLabel(text)
    made.setProperty("role", role)
    made.setTextFormat(Qt.TextFormat.PlainText)
    return made


def rule() -> QFrame:
    """Return a separating line of one pixel."""
    made = QFrame()
    made.setObjectName("Rule")
    made.setFixedHeight(1)
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Dress `widget` as another role, if it is another one."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class ElidedLabel(QLabel):
    """A label that ends in … where its text doesn't fit; the tooltip then has it all."""

    def __init__(self, text: str = "", role: str = "label") -> None:
        super().__init__()
        self.setProperty("role", role)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._full = text
        self.setText(text)

    def setText(self, text: str) -> None:
        self._full = text
        self._fit()

    def full_text(self) -> str:
        """Return the text before it was shortened."""
        return self._full

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._fit()

    def _fit(self) -> None:
        shown = QFontMetrics(self.font()).elidedText(self._full, Qt.TextElideMode.ElideRight, max(0, self.width()))
        super().setText(shown)
        self.setToolTip(self._full if shown != self._full else "")
        self.setAccessibleName(self._full)


class IconButton(QToolButton):
    """A button with an icon of the house, named for those who can't see it."""

    def __init__(
        self,
        name: str,
        says: str,
        colour: Callable[[theme.Tokens], str] | None = None,
        side: int = 28,
        icon_side: int = 16,
    ) -> None:
        super().__init__()
        self.setIcon(icons.icon(name, colour))
        self.setIconSize(QSize(icon_side, icon_side))
        self.setFixedSize(side, side)
        self.setToolTip(says)
        self.setAccessibleName(says)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)


class Switch(QAbstractButton):
    """An on/off switch, 28 × 16 px painted, 28 px high to the mouse."""

    def __init__(self, says: str) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setFixedSize(30, 28)
        self.setAccessibleName(says)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def sizeHint(self) -> QSize:
        return QSize(30, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(1, 6, 28, 16)
        is_on = self.isChecked()
        if self.hasFocus():
            painter.setPen(QPen(theme.color(look.accent), 2))
            painter.drawRoundedRect(body.adjusted(-0.5, -3, 0.5, 3), 10, 10)
        painter.setPen(Qt.PenStyle.NoPen)
        is_usable = self.isEnabled()
        painter.setBrush(theme.color(look.b if is_on and is_usable else look.hover, 1.0 if is_usable else 0.5))
        painter.drawRoundedRect(body, 8, 8)
        painter.setBrush(theme.color(look.card if is_on else look.text3))
        painter.drawEllipse(QPointF(body.right() - 8 if is_on else body.left() + 8, 14), 5.5, 5.5)


class Slider(QSlider):
    """A thin line with a round end. Wheel only when focused; a click goes where it was made; double-click = default."""

    pressed_at = Signal()
    reset_wanted = Signal()

    def __init__(self, says: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setAccessibleName(says)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(28)
        self.setMinimumWidth(60)
        self.is_lit = True
        self.origin = 0.0  # where the filled part begins: a share of the way; in the middle for gains up and down

    def _travel(self) -> tuple[float, float]:
        return 7.0, self.width() - 7.0

    def _share(self) -> float:
        span = self.maximum() - self.minimum()
        return (self.value() - self.minimum()) / span if span else 0.0

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, right = self._travel()
        middle = self.height() / 2
        at = left + self._share() * (right - left)
        is_lit = self.isEnabled() and self.is_lit
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(look.hover))
        painter.drawRoundedRect(QRectF(left - 6, middle - 1.5, right - left + 12, 3), 1.5, 1.5)
        if is_lit:
            painter.setBrush(theme.color(look.b))
            start = left + self.origin * (right - left) if self.origin else left - 6
            painter.drawRoundedRect(QRectF(min(start, at), middle - 1.5, abs(at - start), 3), 1.5, 1.5)
        painter.setBrush(theme.color(look.knob if is_lit else look.text3))
        painter.drawEllipse(QPointF(at, middle), 5.5, 5.5)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color(look.accent), 2))
            painter.drawEllipse(QPointF(at, middle), 8, 8)

    def _go(self, x: float) -> None:
        left, right = self._travel()
        share = min(1.0, max(0.0, (x - left) / max(1.0, right - left)))
        self.setValue(round(self.minimum() + share * (self.maximum() - self.minimum())))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.pressed_at.emit()
            self.setSliderDown(True)
            self._go(event.position().x())
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._go(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset_wanted.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        # A rack is scrolled with the wheel: a knob under the pointer must not change by it.
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class TextField(QLineEdit):
    """A line of text in a card. Enter takes it over, Escape puts the old one back; both hand the keys back.

    Enter and Escape are keys of the whole window too, so the field asks for them first. Without that they'd play and
    cancel while a text is being typed, and the field would hold the keyboard for ever.
    """

    entered = Signal(str)

    def __init__(self, says: str) -> None:
        super().__init__()
        self.setAccessibleName(says)
        self._shown = ""

    def show_value(self, text: str) -> None:
        """Show `text`, unless the user is typing."""
        self._shown = text
        if not (self.hasFocus() and self.isModified()) and text != self.text():
            self.setText(text)

    def _finish(self) -> None:
        """Emit what was typed, then show what the document made of it: refused text is never left standing."""
        if self.isModified():
            self.setModified(False)
            self.entered.emit(self.text())
        self.setText(self._shown)

    def _release(self) -> None:
        self.deselect()
        self.window().setFocus()

    def event(self, event: QEvent) -> bool:
        is_asked = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if is_asked and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):  # type: ignore[attr-defined]
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.setModified(False)
            self.setText(self._shown)
            self._release()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._finish()
            self._release()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:  # its own menu: cut, copy, paste
            self._finish()


class _NumberText(QValidator):
    """Lets through what can become a number with its unit; what the program itself shows (off, ∞) is fine too."""

    def __init__(self, unit: str, field: NumberField) -> None:
        super().__init__(field)
        starts = "|".join(re.escape(unit[:length]) for length in range(len(unit), 0, -1))
        self._pattern = re.compile(rf"\s*[-+−]?\d*[.,]?\d*\s*(?:{starts})?\s*", re.IGNORECASE)
        self._field = field

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        is_fine = self._pattern.fullmatch(text) is not None or text == self._field.shown
        return (QValidator.State.Acceptable if is_fine else QValidator.State.Invalid), text, position


class NumberField(TextField):
    """A number with its unit. A click chooses all of it, so that the next digit replaces it; letters don't get in."""

    def __init__(self, says: str, width: int = 66, unit: str = "") -> None:
        super().__init__(says)
        self.setProperty("role", "bare")
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setFixedWidth(width)
        self.setValidator(_NumberText(unit, self))

    @property
    def shown(self) -> str:
        """The text of the value in force."""
        return self._shown

    def mousePressEvent(self, event: QMouseEvent) -> None:
        is_new = not self.hasSelectedText() and not self.isModified()
        super().mousePressEvent(event)
        if is_new and event.button() == Qt.MouseButton.LeftButton:
            self.selectAll()


class Chooser(QComboBox):
    """A combo box that a wheel over the rack doesn't turn by accident and that emits `picked` for the user only."""

    picked = Signal(str)

    def __init__(self, says: str) -> None:
        super().__init__()
        self.setAccessibleName(says)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.activated.connect(lambda index: self.picked.emit(self.itemData(index) or self.itemText(index)))

    def show_choices(self, choices: Sequence[tuple[str, str]], chosen: str) -> None:
        """Show (value, text) pairs with `chosen` (a value) in front; does nothing if that is shown already."""
        shown = [(self.itemData(i), self.itemText(i)) for i in range(self.count())]
        if shown != list(choices):
            self.clear()
            for value, text in choices:
                self.addItem(text, value)
        index = self.findData(chosen)
        if index != self.currentIndex():
            self.setCurrentIndex(index)

    def let_shrink(self) -> None:
        """Take the room there is, not that of the longest choice."""
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def fit_to_current(self) -> None:
        """Be as wide as what is shown, not as the longest choice."""
        width = QFontMetrics(theme.ui_font(12)).horizontalAdvance(self.currentText())
        self.setFixedWidth(min(theme.px(150), width + 38))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class Segments(QFrame):
    """A few choices side by side, one of them chosen."""

    picked = Signal(str)

    def __init__(self, says: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.setAccessibleName(says)
        self.setFixedHeight(28)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(2)
        self._buttons: dict[str, _Segment] = {}
        for value, text in choices:
            button = _Segment(text)
            button.setAccessibleName(f"{says}: {text}")
            button.clicked.connect(lambda _checked=False, chosen=value: self.picked.emit(chosen))
            row.addWidget(button)
            self._buttons[value] = button

    def show_value(self, chosen: str) -> None:
        """Mark `chosen` as the one in force."""
        for value, button in self._buttons.items():
            button.setChecked(value == chosen)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(theme.tokens().control))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)


class _Segment(QAbstractButton):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.setText(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(24)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(QFontMetrics(theme.ui_font(12, 600)).horizontalAdvance(self.text()) + 18, 24)

    def nextCheckState(self) -> None:
        """The document decides what is chosen; a click only asks."""

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(look.selected))
            painter.drawRoundedRect(body, 5, 5)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color(look.accent), 2))
            painter.drawRoundedRect(body.adjusted(1, 1, -1, -1), 5, 5)
        painter.setPen(theme.color(look.text if self.isChecked() else look.text2))
        painter.setFont(theme.ui_font(12, 600 if self.isChecked() else 400))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
