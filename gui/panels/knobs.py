"""One row per knob of a tool: what it is called, a control that fits its kind, its number."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from engine.errors import UsageError
from engine.tools.tool import Knob, Value
from gui import theme
from gui.numbers import clock, knob_value
from gui.panels.controls import Chooser, ElidedLabel, IconButton, NumberField, Segments, Slider, Switch, TextField

LABEL_WIDTH = 66
MOST_SLIDER_STEPS = 100_000
_gestures = itertools.count(1)


class KnobRow(QWidget):
    """One knob. `changed` carries the new value and the gesture (a drag) it belongs to."""

    changed = Signal(object, str)
    problem = Signal(str)  # what was typed can't be used

    def __init__(self, knob: Knob, name: str = "", indent: int = 0) -> None:
        super().__init__()
        self.knob = knob
        self.title = name or knob.label
        self.setToolTip(knob.hint)
        self.setFixedHeight(theme.px(34 if knob.kind in ("choice", "span", "text", "track") else 29))
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(indent, 0, 0, 0)
        self.row.setSpacing(8)
        self._gesture = ""
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(800)
        self._rest.timeout.connect(self.end_gesture)
        self.name_label = ElidedLabel(self.title, "label")
        self.name_label.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.name_label.setFixedWidth(theme.px(LABEL_WIDTH))

    def show_value(self, value: Value) -> None:
        """Show the value that the document holds."""
        raise NotImplementedError

    def set_lit(self, is_lit: bool) -> None:
        """Grey the row where its group is switched off; it stays usable."""
        self.setEnabled(is_lit)

    def show_idle(self, reason: str) -> None:
        """Grey the row and say in its tooltip why it does nothing as the device is set; "": it has an effect."""
        self.setToolTip(reason or self.knob.hint)
        self.setAccessibleDescription(reason)
        if reason:
            self.setEnabled(False)

    def begin_gesture(self) -> None:
        """Start a drag: all changes until it ends are one entry of the history."""
        self._gesture = f"{self.knob.name}#{next(_gestures)}"

    def end_gesture(self) -> None:
        self._gesture = ""

    def tell(self, value: Value) -> None:
        """Emit a change as part of the running gesture, or of a new one for keys and wheel."""
        if not self._gesture:
            self.begin_gesture()
        self._rest.start()
        self.changed.emit(value, self._gesture)

    def take(self, text: str) -> None:
        """Take what was typed, with or without the unit."""
        bare = text.replace("−", "-").replace(",", ".").strip()
        if self.knob.unit:
            bare = re.sub(rf"{re.escape(self.knob.unit)}$", "", bare, flags=re.IGNORECASE).strip()
        try:
            value = self.knob.parse(str(round(float(bare))) if self.knob.kind == "int" and _is_number(bare) else bare)
        except UsageError as error:
            self.problem.emit(self.title + str(error).removeprefix(self.knob.name))
            return
        self.end_gesture()
        self.changed.emit(value, "")


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?\d+(\.\d*)?", text) is not None


def width_of(number: str) -> int:
    """Return the width of a field that a number fits into, px."""
    return QFontMetrics(theme.mono_font(12)).horizontalAdvance(number) + 10  # border, padding and Qt's own margin


class SliderRow(KnobRow):
    """A number: slider and field. Fields are right-aligned, so that numbers stand under each other."""

    def __init__(self, knob: Knob, name: str = "", indent: int = 0) -> None:
        super().__init__(knob, name, indent)
        self._steps = max(1, round((knob.maximum - knob.minimum) / knob.step)) if knob.step > 0 else 100
        self.slider = Slider(self.title)
        self.slider.setRange(0, min(self._steps, 1000))
        if knob.minimum < 0 < knob.maximum:
            self.slider.origin = -knob.minimum / (knob.maximum - knob.minimum)
        self.slider.setPageStep(max(1, self.slider.maximum() // 10))
        self.field = NumberField(f"{self.title}, number", theme.px(66), knob.unit)
        self.row.addWidget(self.name_label)
        self.row.addWidget(self.slider, 1)
        self.row.addWidget(self.field)
        self._is_showing = False
        self.slider.pressed_at.connect(self.begin_gesture)
        self.slider.valueChanged.connect(self._slid)
        self.slider.sliderReleased.connect(self.end_gesture)
        self.slider.reset_wanted.connect(lambda: self.changed.emit(knob.default, ""))
        self.field.entered.connect(self.take)

    def _slid(self, position: int) -> None:
        if self._is_showing:
            return
        raw = self.knob.minimum + position / self.slider.maximum() * (self.knob.maximum - self.knob.minimum)
        snapped = self.knob.minimum + round((raw - self.knob.minimum) / self.knob.step) * self.knob.step
        value = min(self.knob.maximum, max(self.knob.minimum, round(snapped, 6)))
        self.tell(int(value) if self.knob.kind == "int" else value)

    def show_value(self, value: Value) -> None:
        number = float(value)
        share = (number - self.knob.minimum) / ((self.knob.maximum - self.knob.minimum) or 1.0)
        self._is_showing = True
        self.slider.setValue(round(share * self.slider.maximum()))
        self._is_showing = False
        text = knob_value(number, self.knob.step if self.knob.kind == "float" else 1.0, self.knob.unit)
        self.field.show_value(text)
        self.slider.setAccessibleDescription(text)

    @property
    def field_width(self) -> int:
        """The width that the longest of its numbers needs, px."""
        step = self.knob.step if self.knob.kind == "float" else 1.0
        return max(width_of(knob_value(end, step, self.knob.unit)) for end in (self.knob.minimum, self.knob.maximum))

    def set_field_width(self, width: int) -> None:
        """Give the number so much room, so that sliders under each other end under each other."""
        self.field.setFixedWidth(width)

    def set_lit(self, is_lit: bool) -> None:
        super().set_lit(is_lit)
        self.slider.update()


class SeedRow(KnobRow):
    """A whole number with no order to it, such as a seed: a field, and dice that draw another one."""

    def __init__(self, knob: Knob, name: str = "", indent: int = 0) -> None:
        super().__init__(knob, name, indent)
        self.field = NumberField(f"{self.title}, number", theme.px(110))
        self.dice = IconButton("dice", f"Draw another {self.title.lower()}", side=26, icon_side=15)
        self.row.addWidget(self.name_label)
        self.row.addStretch(1)
        self.row.addWidget(self.field)
        self.row.addWidget(self.dice)
        self.field.entered.connect(self.take)
        self.dice.clicked.connect(self._draw)

    def _draw(self) -> None:
        top = min(int(self.knob.maximum), 9999)
        self.changed.emit(random.randint(int(self.knob.minimum), top), "")

    def show_value(self, value: Value) -> None:
        self.field.show_value(str(value))


class SwitchRow(KnobRow):
    """A knob that is on or off."""

    def __init__(self, knob: Knob, name: str = "", indent: int = 0) -> None:
        super().__init__(knob, name, indent)
        self.switch = Switch(self.title)
        self.switch.clicked.connect(lambda on: self.changed.emit(bool(on), ""))
        self.row.addWidget(self.name_label)
        self.row.addWidget(self.switch)
        self.row.addStretch(1)

    def show_value(self, value: Value) -> None:
        self.switch.setChecked(bool(value))


class ChoiceRow(KnobRow):
    """One of several names: side by side where they are few and short, else a list."""

    def __init__(self, knob: Knob, name: str = "", indent: int = 0) -> None:
        super().__init__(knob, name, indent)
        pairs = list(zip(knob.choices, knob.labels or map(_spoken, knob.choices), strict=True))
        is_short = len(pairs) <= 4 and sum(len(text) + 3 for _value, text in pairs) <= 34
        self.control: Segments | Chooser
        self.row.addWidget(self.name_label)
        if is_short:
            self.control = Segments(self.title, pairs)
            self.row.addWidget(self.control, 1)
        else:
            self.control = Chooser(self.title)
            self.control.let_shrink()
            self.control.show_choices(pairs, str(knob.default))
            self.row.addWidget(self.control, 1)
        self.control.picked.connect(lambda value: self.changed.emit(value, ""))
        self._pairs = pairs

    def show_value(self, value: Value) -> None:
        if isinstance(self.control, Segments):
            self.control.show_value(str(value))
        else:
            self.control.show_choices(self._pairs, str(value))


def _spoken(choice: str) -> str:
    """Return a choice's name as shown: `rumble_and_hum` is Rumble and hum, `50` stays."""
    text = choice.replace("_", " ")
    return text[:1].upper() + text[1:]


class SpanRow(KnobRow):
    """A stretch of time to learn from: a button that takes the selection."""

    learn_wanted = Signal()

    def __init__(self, knob: Knob, name: str = "", indent: int = 0) -> None:
        super().__init__(knob, name, indent)
        self.button = QPushButton("Learn noise from selection" if "noise" in knob.name else "Learn from selection")
        self.button.setAccessibleName(f"{self.title}: {self.button.text()}")
        self.forget = IconButton("close", f"{self.title}: forget the learnt span", side=24, icon_side=12)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.row.addWidget(self.button, 1)
        self.row.addWidget(self.forget)
        self.button.clicked.connect(self.learn_wanted)
        self.forget.clicked.connect(lambda: self.changed.emit("", ""))

    def show_value(self, value: Value) -> None:
        text = str(value)
        self.forget.setVisible(bool(text))
        if text:
            start, _dash, stop = text.partition("-")
            self.button.setText(f"From {clock(float(start), 1)} to {clock(float(stop), 1)}")
        else:
            self.button.setText("Learn noise from selection" if "noise" in self.knob.name else "Learn from selection")


class TextRow(KnobRow):
    """Free text, or the path of another recording."""

    def __init__(self, knob: Knob, name: str = "", indent: int = 0) -> None:
        super().__init__(knob, name, indent)
        self.edit = TextField(self.title)
        self.row.addWidget(self.name_label)
        self.row.addWidget(self.edit, 1)
        self.edit.entered.connect(lambda text: self.changed.emit(text, ""))

    def show_value(self, value: Value) -> None:
        self.edit.show_value(str(value))


def is_automatic(knob: Knob) -> bool:
    """Return whether 0 stands for the tool's own choice: there is no frequency of 0 Hz."""
    return knob.unit == "Hz" and knob.kind in ("float", "int") and knob.default == 0 and knob.minimum <= 0


def row_for(knob: Knob, name: str = "", indent: int = 0) -> KnobRow:
    """Return the row that fits the knob's kind; see `frequency` for those of which 0 is the tool's choice."""
    kinds: dict[str, type[KnobRow]] = {
        "float": SliderRow, "int": SliderRow, "bool": SwitchRow, "choice": ChoiceRow, "span": SpanRow,
    }  # fmt: skip
    if knob.kind == "int" and knob.maximum - knob.minimum > MOST_SLIDER_STEPS:
        return SeedRow(knob, name, indent)
    return kinds.get(knob.kind, TextRow)(knob, name, indent)


def widen_labels(labels: Sequence[ElidedLabel], most_px: float) -> None:
    """Give labels that stand under each other one width that none is cut off at, up to `most_px` at 100 % type."""
    metrics = QFontMetrics(theme.ui_font(12))
    widest = max((metrics.horizontalAdvance(one.full_text()) + 2 for one in labels), default=0)
    for one in labels:
        one.setFixedWidth(min(theme.px(most_px), max(theme.px(LABEL_WIDTH), widest)))


class StageRow(QWidget):
    """A stage of a tool: its switch, its strength, and a headphone to hear what it takes away."""

    changed = Signal(str, object, str)  # knob, value, gesture
    listen_wanted = Signal(str)
    problem = Signal(str)

    def __init__(self, switch: Knob, main: Knob | None, can_listen: bool) -> None:
        super().__init__()
        self.stage = switch.name
        self.setFixedHeight(theme.px(29))
        self.setToolTip(switch.hint)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.switch = Switch(switch.label)
        self.switch.clicked.connect(lambda on: self.changed.emit(switch.name, bool(on), ""))
        row.addWidget(self.switch)
        self.knob: SliderRow | None = None
        if main is not None and main.kind in ("float", "int"):
            self.knob = SliderRow(main, switch.label)
            self.knob.field.setFixedWidth(theme.px(58))
            self.knob.changed.connect(lambda value, gesture: self.changed.emit(main.name, value, gesture))
            self.knob.problem.connect(self.problem)
            row.addWidget(self.knob, 1)
            self.name_label = self.knob.name_label
        else:
            self.name_label = ElidedLabel(switch.label, "label")
            row.addWidget(self.name_label, 1)
        self.listen = IconButton("headphones", f"Hear what {switch.label} takes away", lambda look: look.text2, 28, 15)
        self.listen.setCheckable(True)
        self.listen.clicked.connect(lambda: self.listen_wanted.emit(self.stage))
        self.listen.setVisible(can_listen)
        row.addWidget(self.listen)

    def show_values(self, values: dict[str, Value], heard: str) -> None:
        """Show what the document holds: the switch, the strength, whose residual is heard."""
        is_on = bool(values[self.stage])
        self.switch.setChecked(is_on)
        if self.knob is not None:
            self.knob.show_value(values[self.knob.knob.name])
            self.knob.set_lit(is_on)
            if not is_on:
                self.knob.field.show_value("off")
        self.name_label.setEnabled(is_on)
        self.listen.setEnabled(is_on)
        self.listen.setChecked(heard == self.stage)
