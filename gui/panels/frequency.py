"""Rows for frequencies of which 0 means "you decide": an edge that was found, a rate that follows from the input."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QHBoxLayout

from engine.tools.tool import Knob, Value
from gui.numbers import kilohertz, knob_value
from gui.panels.controls import Chooser, IconButton
from gui.panels.knobs import KnobRow, SliderRow, is_automatic, width_of

RATES = (8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
STEPS = 1000
LOWEST_HZ = 500.0  # of the slider; less can be typed
AUTOMATIC = "auto"


class FoundRow(SliderRow):
    """A frequency that the tool finds by itself: grey until it is set by hand, and a cross to take that back."""

    def __init__(self, knob: Knob, name: str = "", indent: int = 0) -> None:
        super().__init__(knob, name, indent)
        self._found_hz: float | None = None
        self._top_hz = knob.maximum
        self._value: Value = knob.default
        self._is_showing = True
        self.slider.setRange(0, STEPS)
        self._is_showing = False
        self.forget = IconButton("close", f"{self.title}: back to what was found", side=24, icon_side=12)
        self.forget.clicked.connect(lambda: self.changed.emit(knob.default, ""))
        kept = self.forget.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # or the slider would change its length under the mouse
        self.forget.setSizePolicy(kept)
        self.row.removeWidget(self.field)
        pair = QHBoxLayout()
        pair.setSpacing(0)
        pair.addWidget(self.forget)
        pair.addWidget(self.field)
        self.row.addLayout(pair)

    @property
    def field_width(self) -> int:
        return width_of(f"22050 {self.knob.unit}") + self.forget.width()

    def set_field_width(self, width: int) -> None:
        super().set_field_width(width - self.forget.width())

    def show_automatic(self, found: float | None, input_rate: int | None) -> None:
        """Say what 0 stands for, None while that isn't known, and the rate of what the device is given."""
        self._found_hz = found
        self._top_hz = min(self.knob.maximum, input_rate / 2) if input_rate else self.knob.maximum
        self.show_value(self._value)

    def _place(self, hertz: float) -> int:
        """Return the slider's position of a frequency; its steps are equal intervals."""
        octaves = math.log2(max(self._top_hz, 2 * LOWEST_HZ) / LOWEST_HZ)
        return round(STEPS * min(max(math.log2(max(hertz, 1.0) / LOWEST_HZ) / octaves, 0.0), 1.0))

    def _slid(self, position: int) -> None:
        if not self._is_showing:
            top = max(self._top_hz, 2 * LOWEST_HZ)
            self.tell(float(round(LOWEST_HZ * (top / LOWEST_HZ) ** (position / STEPS))))

    def show_value(self, value: Value) -> None:
        self._value = value
        hertz = float(value) or self._found_hz
        is_set = float(value) > 0
        self._is_showing = True
        self.slider.setValue(self._place(hertz) if hertz else STEPS)
        self._is_showing = False
        text = knob_value(hertz, 1.0, self.knob.unit) if hertz else AUTOMATIC
        self.field.show_value(text)
        self.slider.is_lit = is_set
        self.slider.update()
        self.slider.setAccessibleDescription(text if is_set else f"{text}, found")
        self.forget.setVisible(is_set)


class RateRow(KnobRow):
    """A sample rate: those in use, and the tool's own choice with what it comes to."""

    def __init__(self, knob: Knob, name: str = "", indent: int = 0) -> None:
        super().__init__(knob, name, indent)
        self._automatic: float | None = None
        self._input_rate = 0
        self._value: Value = knob.default
        self.control = Chooser(self.title)
        self.control.let_shrink()
        self.row.addWidget(self.name_label)
        self.row.addWidget(self.control, 1)
        self.control.picked.connect(lambda text: self.changed.emit(int(text), ""))

    def show_automatic(self, rate: float | None, input_rate: int | None) -> None:
        """Say what 0 comes to, None while that isn't known, and the rate of what the device is given."""
        self._automatic, self._input_rate = rate, input_rate or 0
        self.show_value(self._value)

    def show_value(self, value: Value) -> None:
        self._value = value
        now = int(value)
        least = max(self._input_rate, int(self.knob.minimum), 1)
        rates = sorted({rate for rate in RATES if least <= rate <= self.knob.maximum} | ({now} if now else set()))
        automatic = f"Automatic, {kilohertz(self._automatic)}" if self._automatic and not now else "Automatic"
        self.control.show_choices([("0", automatic), *((str(rate), kilohertz(rate)) for rate in rates)], str(now))


def row_of_frequency(knob: Knob, name: str, indent: int) -> KnobRow | None:
    """Return the row of a frequency that a tool chooses where it is 0, None for other knobs."""
    if not is_automatic(knob):
        return None
    return (RateRow if knob.kind == "int" else FoundRow)(knob, name, indent)
