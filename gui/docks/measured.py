"""Two small tables: what was measured in A and B and how it changed, and the facts of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from gui import theme
from gui.numbers import signed
from gui.panels.controls import ElidedLabel, label, rule, set_role


@dataclass(frozen=True)
class Measurement:
    """One row of the table. NaN where it can't be measured."""

    name: str
    a: float
    b: float
    unit: str
    decimals: int = 1
    limit: float | None = None  # above it the number is red


NOTHING = float("nan")
EMPTY: tuple[Measurement, ...] = (
    Measurement("Noise floor", NOTHING, NOTHING, "dB"),
    Measurement("Bandwidth", NOTHING, NOTHING, "kHz"),
    Measurement("Clicks", NOTHING, NOTHING, "/s"),
    Measurement("Loudness", NOTHING, NOTHING, "LUFS"),
    Measurement("True peak", NOTHING, NOTHING, "dBTP", limit=0.0),
)


class MeasuredTable(QWidget):
    """Original, result and change, number under number."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Measured")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(5, 0, 4, 8)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(0)
        for column, stretch in enumerate((5, 3, 3, 3, 0)):
            self._grid.setColumnStretch(column, stretch)
        self._grid.setColumnMinimumWidth(4, theme.px(34))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        self._letters = (label("A", "strong"), label("B", "strong"), label("change", "second"))
        for column, widget in enumerate(self._letters, 1):
            self._grid.addWidget(widget, 0, column, 1, 2 if column == 3 else 1, right)
        self._labels = [[label("", "value") for _column in range(3)] for _row in EMPTY]
        self._names = [label(row.name, "label") for row in EMPTY]
        self._units = [label(row.unit, "small") for row in EMPTY]
        for index in range(len(EMPTY)):
            self._grid.addWidget(rule(), 1 + 2 * index, 0, 1, 5)
            line = 2 + 2 * index
            self._grid.setRowMinimumHeight(line, theme.px(25))
            self._grid.addWidget(self._names[index], line, 0)
            for column, cell in enumerate(self._labels[index], 1):
                self._grid.addWidget(cell, line, column, right)
            self._grid.addWidget(self._units[index], line, 4, right)
        self.show_rows(EMPTY)
        theme.CHANGES.changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        look = theme.tokens()
        for widget, colour in zip(self._letters, (look.a, look.b, look.text3), strict=True):
            widget.setStyleSheet(f"color: {colour}")

    def show_rows(self, rows: Sequence[Measurement]) -> None:
        """Show one measurement per row, in the order of `EMPTY`."""
        for index, row in enumerate(rows):
            for cell, value, plus in zip(
                self._labels[index], (row.a, row.b, row.b - row.a), (False, False, True), strict=True
            ):
                cell.setText(signed(value, row.decimals, plus))
                is_over = row.limit is not None and not plus and value > row.limit
                cell.setStyleSheet(f"color: {theme.tokens().error}" if is_over else "")
            said = f"{row.name}: A {signed(row.a, row.decimals)}, B {signed(row.b, row.decimals)} {row.unit}"
            self._names[index].setAccessibleName(said)

    def spoken(self) -> list[str]:
        """Return what a screen reader says of each row."""
        return [name.accessibleName() for name in self._names]


class Facts(QWidget):
    """Name and value pairs, such as the facts of a file."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(4, 0, 4, 4)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        self._values: dict[str, ElidedLabel] = {}
        self._names: dict[str, QWidget] = {}
        for index, name in enumerate(names):
            value = ElidedLabel("–", "label")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._names[name] = label(name, "second")
            grid.addWidget(self._names[name], index, 0)
            grid.addWidget(value, index, 1)
            self._values[name] = value

    def show_facts(self, facts: dict[str, str]) -> None:
        """Show values by name; an empty one hides its row, a missing one is a dash."""
        for name, widget in self._values.items():
            for part in (self._names[name], widget):
                part.setVisible(facts.get(name) != "")
            widget.setText(facts.get(name, "–"))
            widget.setAccessibleName(f"{name}: {facts.get(name, '–')}")


class Loudness(Facts):
    """Momentary, short-term and integrated loudness and the true peak of what is heard."""

    def __init__(self) -> None:
        super().__init__(("Momentary", "Short-term", "Integrated", "True peak", "Correlation"))


def mark_note(widget: ElidedLabel, text: str, role: str = "second") -> None:
    """Show a note beside a dock's title, dressed as `role`."""
    widget.setText(text)
    set_role(widget, role)
