"""The selection in numbers: every selection can be typed exactly, so none needs a mouse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QWidget

from gui import theme
from gui.numbers import clock
from gui.views.axes import parse_clock, parse_hz
from gui.views.view_state import Selection, ViewState

HEIGHT = 36
EMPTY = "–"
NOTE_SELECTION = "A new device takes this as its scope"
NOTE_WHOLE = "A new device takes the whole track"


@dataclass(frozen=True)
class Field:
    """What one field is called, how wide it is and what its arrow keys add."""

    label: str
    unit: str
    width: int
    step: float  # s, Hz or ms; Shift makes it ten times as large
    hint: str


FIELDS = {
    "start": Field("Start", "", 78, 0.01, "Start of the selection, h:mm:ss.sss"),
    "stop": Field("End", "", 78, 0.01, "End of the selection, h:mm:ss.sss"),
    "low": Field("Low", "Hz", 52, 10.0, "Lowest frequency of the box; empty: all frequencies"),
    "high": Field("High", "Hz", 52, 10.0, "Highest frequency of the box; empty: all frequencies"),
    "feather": Field("Feather", "ms", 44, 1.0, "Fade inside the edges of a new device's scope"),
}


class NumberField(QLineEdit):
    """A number that is taken over on Enter or when left; Escape puts the old one back, arrows step.

    Enter and Escape also give the keys back to the window, so that Space plays.
    """

    def __init__(self, field: Field, apply: Callable[[str], None], step: Callable[[float], None]) -> None:
        super().__init__()
        self._apply = apply
        self._step = step
        self._field = field
        self.setProperty("role", "number")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        theme.CHANGES.changed.connect(self._resize_type)
        self._resize_type()
        self.setAccessibleName(field.label + (f" in {field.unit}" if field.unit else ""))
        self.setAccessibleDescription(field.hint)
        self.setToolTip(field.hint)
        self.editingFinished.connect(self._finish)

    def _resize_type(self) -> None:
        self.setFixedWidth(theme.px(self._field.width))
        self.setFont(theme.mono_font(12))

    def show_text(self, text: str) -> None:
        """Show a value unless the user is typing one."""
        if not (self.hasFocus() and self.isModified()) and text != self.text():
            self.setText(text)
            self.setCursorPosition(0)

    def _finish(self) -> None:
        if self.isModified():
            self.setModified(False)
            self._apply(self.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._finish()
            tenfold = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            self._step((1 if key == Qt.Key.Key_Up else -1) * self._field.step * tenfold)
        elif key == Qt.Key.Key_Escape:
            if self.isModified():
                self.setModified(False)
                self._apply("")
            self.clearFocus()
        else:
            super().keyPressEvent(event)
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.clearFocus()  # Space plays again


class NumberRow(QWidget):
    """Start, end, low, high and feather of the selection, and a note about what it is for."""

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("Selection in numbers")
        self.fields: dict[str, NumberField] = {}
        self._feather: list[QWidget] = []  # its label and field
        self._trimmings: list[QWidget] = []  # units and rules, left out in a narrow window
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(6)
        for name, field in FIELDS.items():
            if name in ("low", "feather"):
                self._add_rule(row)
            self._add_field(row, name, field)
        self._has_own_note = False
        self.note = QLabel()
        self.note.setProperty("role", "second")
        self.note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.note, 1)
        for signal in (state.selection_changed, state.recording_changed):
            signal.connect(self.renew)
        theme.CHANGES.changed.connect(self.update)
        self.renew()

    def minimumSizeHint(self) -> QSize:
        return QSize(420, HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out the note, then units and rules, then the feather, where they don't fit."""
        super().resizeEvent(event)
        self.note.setVisible(self.width() >= theme.px(850))
        for part in self._trimmings:
            part.setVisible(self.width() >= theme.px(660))
        for part in self._feather:
            part.setVisible(self.width() >= theme.px(540))

    def set_note(self, text: str) -> None:
        """Say something at the right instead of what the selection is used for; "" takes it back."""
        self._has_own_note = bool(text)
        self.note.setText(text)
        self.renew()

    def _add_rule(self, row: QHBoxLayout) -> None:
        rule = QFrame()
        rule.setObjectName("Rule")
        rule.setFixedSize(1, 16)
        row.addWidget(rule)
        self._trimmings.append(rule)

    def _add_field(self, row: QHBoxLayout, name: str, field: Field) -> None:
        label = QLabel(field.label)
        label.setProperty("role", "second")
        edit = NumberField(field, lambda text: self._apply(name, text), lambda by: self._nudge(name, by))
        label.setBuddy(edit)
        self.fields[name] = edit
        row.addWidget(label)
        row.addWidget(edit)
        if name == "feather":
            self._feather = [label, edit]
        if field.unit:
            unit = QLabel(field.unit)
            unit.setProperty("role", "second")
            row.addWidget(unit)
            self._trimmings.append(unit)
        row.addSpacing(4)

    # --- values --------------------------------------------------------------------------------------------------

    def renew(self) -> None:
        """Show the selection as it is now."""
        for name, edit in self.fields.items():
            edit.show_text(self._text(name))
            edit.setEnabled(self._state.frames > 0)
        if not self._has_own_note:
            self.note.setText(NOTE_WHOLE if self._state.selection is None else NOTE_SELECTION)

    def _text(self, name: str) -> str:
        state, chosen = self._state, self._state.selection
        if name == "feather":
            return f"{state.feather_ms:g}"
        if chosen is None:
            return EMPTY
        if name in ("start", "stop"):
            frame = chosen.start if name == "start" else chosen.stop
            return clock(round(frame / state.rate, 3), 3)
        hz = chosen.low_hz if name == "low" else chosen.high_hz
        return EMPTY if hz is None else f"{hz:.0f}"

    def _apply(self, name: str, text: str) -> None:
        value = parse_clock(text) if name in ("start", "stop") else parse_hz(text)
        if name == "feather":
            if value is not None:
                self._state.set_feather(value)
        elif name in ("start", "stop"):
            if value is not None:
                self._set_time(name, round(value * self._state.rate))
        elif value is not None:
            self._set_hz(name, value)
        elif text.strip(f" {EMPTY}") == "" and (chosen := self._state.selection) is not None and text != "":
            self._state.set_selection(Selection(chosen.start, chosen.stop))
        self.renew()

    def _set_time(self, name: str, frame: int) -> None:
        state = self._state
        frame = min(max(frame, 0), state.frames)
        chosen = state.selection or Selection(round(state.cursor), round(state.cursor))
        start, stop = (frame, chosen.stop) if name == "start" else (chosen.start, frame)
        if start >= stop:  # the other end follows by a second
            start, stop = (frame, frame + state.rate) if name == "start" else (frame - state.rate, frame)
        state.set_selection(Selection(start, stop, chosen.low_hz, chosen.high_hz))

    def _set_hz(self, name: str, hz: float) -> None:
        state = self._state
        chosen = state.selection or Selection(0, state.frames)
        low = hz if name == "low" else chosen.low_hz if chosen.low_hz is not None else 0.0
        high = hz if name == "high" else chosen.high_hz if chosen.high_hz is not None else state.rate / 2
        state.set_selection(Selection(chosen.start, chosen.stop, low, high))

    def _nudge(self, name: str, by: float) -> None:
        state, chosen = self._state, self._state.selection
        if name == "feather":
            state.set_feather(state.feather_ms + by)
        elif chosen is not None and name in ("start", "stop"):
            frame = (chosen.start if name == "start" else chosen.stop) + round(by * state.rate)
            self._set_time(name, frame)
        elif chosen is not None:
            hz = chosen.low_hz if name == "low" else chosen.high_hz
            if hz is not None:
                self._set_hz(name, max(0.0, hz + by))
        self.renew()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(look.window))
        painter.fillRect(0, 0, self.width(), 1, QColor(look.line))
        painter.end()
