"""What came out: figures, what is missing and why, and their summary per row, contender and measure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from training.quality.contenders import ROLES, Contender
from training.quality.measures import Measure


@dataclass(frozen=True)
class Figure:
    """One number: what one measure says of one contender's answer to one case."""

    kind: str
    clip: str
    contender: str
    measure: str
    value: float


@dataclass(frozen=True)
class Miss:
    """A number that isn't there."""

    kind: str
    clip: str
    contender: str  # empty: no contender could be asked
    measure: str  # empty: no measure could be taken
    reason: str
    is_failure: bool  # else the measure means nothing here

    def __str__(self) -> str:
        where = ", ".join(filter(None, (self.kind, self.clip, self.contender, self.measure)))
        return f"{'FAILED' if self.is_failure else 'left out'}: {where}: {self.reason}"


@dataclass(frozen=True)
class Summary:
    """One cell of a table, over the clips of its row."""

    mean: float
    worst: float
    worst_clip: str
    median_clip: str  # the clip in the middle (the lower of two)
    count: int


@dataclass(frozen=True)
class Report:
    """Everything one run measured."""

    figures: tuple[Figure, ...]
    misses: tuple[Miss, ...]
    contenders: tuple[Contender, ...]
    measures: tuple[Measure, ...]
    cases: int
    seconds: float

    @property
    def failures(self) -> tuple[Miss, ...]:
        """What should have been measured and wasn't."""
        return tuple(miss for miss in self.misses if miss.is_failure)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The rows of the table, in the order in which they were measured."""
        return tuple(dict.fromkeys([f.kind for f in self.figures] + [m.kind for m in self.misses]))

    @cached_property
    def _entries(self) -> dict[tuple[str, str, str], list[tuple[str, float]]]:
        """Clip and value of every figure, by row, measure and contender."""
        entries: dict[tuple[str, str, str], list[tuple[str, float]]] = defaultdict(list)
        for figure in self.figures:
            entries[figure.kind, figure.measure, figure.contender].append((figure.clip, figure.value))
        return dict(entries)

    @cached_property
    def _cells(self) -> dict[tuple[str, str, str], Summary]:
        measures = {measure.name: measure for measure in self.measures}
        return {key: summarised(entries, measures[key[1]]) for key, entries in self._entries.items()}

    def cell(self, kind: str, measure: str, contender: str) -> Summary | None:
        """Return one cell, or None where nothing was measured."""
        return self._cells.get((kind, measure, contender))

    def in_common(self, kind: str, measure: str, one: str, other: str) -> tuple[list[float], list[float]]:
        """Return the values of two contenders on the clips that both answered, clip by clip."""
        first, second = (dict(self._entries.get((kind, measure, name), ())) for name in (one, other))
        common = [clip for clip in first if clip in second]
        return [first[clip] for clip in common], [second[clip] for clip in common]

    def in_order(self) -> list[Contender]:
        """Return the contenders from floor to ceiling."""
        return sorted(self.contenders, key=lambda contender: ROLES.index(contender.role))

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values: definitions, cells, single figures, and what is missing."""
        cells: dict[str, Any] = {}
        for (kind, measure, contender), cell in self._cells.items():
            cells.setdefault(kind, {}).setdefault(measure, {})[contender] = asdict(cell)
        return {
            "contenders": {contender.name: contender.role for contender in self.in_order()},
            "measures": {
                m.name: {"unit": m.unit, "better": m.better, "definition": m.definition} for m in self.measures
            },
            "cells": cells,
            "figures": [asdict(figure) for figure in self.figures],
            "misses": [asdict(miss) for miss in self.misses],
            "failures": len(self.failures),
            "cases": self.cases,
            "seconds": round(self.seconds, 1),
        }


def summarised(entries: Sequence[tuple[str, float]], measure: Measure) -> Summary:
    """Return mean, worst and count of (clip, value) pairs; at least one."""
    values = [value for _, value in entries]
    worst = measure.worst(values)
    middle = int(np.argsort(values, kind="stable")[(len(values) - 1) // 2])
    return Summary(float(np.mean(values)), values[worst], entries[worst][0], entries[middle][0], len(values))
