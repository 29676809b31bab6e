"""Who gets a key: the text field being typed in, the control the Tab key went to, or the window.

Also watches for keys that are held down (X, the other side), which no shortcut can do.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QKeySequenceEdit,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

Key = Qt.Key
ARROWS = {Key.Key_Left, Key.Key_Right, Key.Key_Up, Key.Key_Down, Key.Key_Home, Key.Key_End}
OWN_KEYS: tuple[tuple[type[QWidget], set[Qt.Key]], ...] = (
    (QAbstractButton, {Key.Key_Space}),
    (QLineEdit, {Key.Key_Return, Key.Key_Enter, Key.Key_Escape}),
    (QAbstractSlider, ARROWS | {Key.Key_PageUp, Key.Key_PageDown}),
    (QComboBox, {Key.Key_Space, Key.Key_Up, Key.Key_Down}),
    (QAbstractItemView, {Key.Key_Up, Key.Key_Down, Key.Key_Home, Key.Key_End, Key.Key_Return, Key.Key_Enter}),
)
PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)


def is_typing(widget: QWidget | None) -> bool:
    """True if keys are letters for `widget`."""
    if isinstance(widget, (QLineEdit, QPlainTextEdit, QTextEdit)):
        return not widget.isReadOnly()
    return isinstance(widget, (QAbstractSpinBox, QKeySequenceEdit))


class FocusKeys(QObject):
    """An event filter on the application."""

    held = Signal(bool)  # X went down or up

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._is_down = False
        app = QApplication.instance()
        if app is not None:
            app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(watched, QWidget):
            self._end_typing(watched)
        if not isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ApplicationDeactivate:
                self._release()
            return False
        focus = QApplication.focusWidget()
        if event.type() == QEvent.Type.ShortcutOverride:
            if self._belongs_to(focus, event):
                event.accept()
            return False
        if event.key() == Key.Key_X and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            return self._hold(event, focus)
        return False

    def _end_typing(self, pressed: QWidget) -> None:
        """A click beside a field of the window ends the typing: keys are the window's again."""
        focus = QApplication.focusWidget()
        if focus is None or focus is pressed or focus.isAncestorOf(pressed) or not is_typing(focus):
            return
        if focus.window() is self._window and pressed.window() is self._window:
            focus.clearFocus()

    def _belongs_to(self, focus: QWidget | None, event: QKeyEvent) -> bool:
        if focus is None or event.modifiers() not in PLAIN:
            return False
        return any(isinstance(focus, kind) and event.key() in keys for kind, keys in OWN_KEYS)

    def _hold(self, event: QKeyEvent, focus: QWidget | None) -> bool:
        if is_typing(focus) or (focus is not None and focus.window() is not self._window):
            return False
        if event.isAutoRepeat():
            return True
        if event.type() == QEvent.Type.KeyPress and not self._is_down:
            self._is_down = True
            self.held.emit(True)
        elif event.type() == QEvent.Type.KeyRelease:
            self._release()
        return False

    def _release(self) -> None:
        if self._is_down:
            self._is_down = False
            self.held.emit(False)
