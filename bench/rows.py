"""The rows of the table: what is measured, and what it should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Conditions:
    """How a row is to be measured."""

    is_quick: bool = False  # shorter recordings, fewer repetitions: for trying things out, not for the record


@dataclass(frozen=True)
class Figure:
    """What was measured."""

    value: float
    note: str = ""  # what exactly was measured: lengths, counts, the single times


@dataclass(frozen=True)
class Row:
    """One line of the table. `measure` runs in a fresh process."""

    name: str  # as on the command line
    what: str
    target: float
    floor: float  # what a user would still accept
    unit: str
    measure: Callable[[Conditions], Figure] = field(repr=False)
    better: Literal["less", "more"] = "less"
    rss_limit_mb: float = 0.0  # 0: peak memory is shown, not judged

    def verdict(self, value: float) -> str:
        """Return `target`, `floor` or `below` for what was reached."""
        for word, limit in (("target", self.target), ("floor", self.floor)):
            if (value <= limit) if self.better == "less" else (value >= limit):
                return word
        return "below"


def all_rows() -> tuple[Row, ...]:
    """Return every row, in the order of the table."""
    from bench import engine_rows, listening_rows, upsample_rows, window_rows

    return (*window_rows.ROWS, *engine_rows.ROWS, *upsample_rows.ROWS, *listening_rows.ROWS)
