"""Prints a report as tables, floor | peers | ours | ceiling side by side, and judges its floors and targets."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from training.quality.contenders import ROLES, Contender
from training.quality.measures import Measure
from training.quality.table import Report, Summary

HEADINGS = {"floor": "floor", "peer": "peers", "ours": "ours", "ceiling": "ceiling"}
NAME_WIDTH = 24
DEFINITION_WIDTH = 118


@dataclass(frozen=True)
class Verdict:
    """Whether a figure reaches what was promised. A missed floor fails a run, and so does what wasn't measured."""

    text: str
    value: float | None  # None: not measured
    bound: float
    unit: str = "dB"
    kind: Literal["floor", "target"] = "floor"
    better: Literal["higher", "lower"] = "higher"

    @property
    def is_met(self) -> bool:
        if self.value is None:
            return False
        return self.value >= self.bound if self.better == "higher" else self.value <= self.bound

    @property
    def fails(self) -> bool:
        """Whether the run fails by it."""
        return self.value is None or (self.kind == "floor" and not self.is_met)

    def __str__(self) -> str:
        if self.value is None:
            return f"MISSED {self.text}: not measured"
        missed = "MISSED" if self.kind == "floor" else "short "
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"{'met   ' if self.is_met else missed} {self.text}: {self.value:.2f}{unit}, "
            f"{self.kind} {self.bound:g}{unit}"
        )


def printed(report: Report, measures: Iterable[str] | None = None) -> str:
    """Return the tables as text, one per measure under its definition, then what is missing."""
    wanted = [m for m in report.measures if measures is None or m.name in set(measures)]
    parts = [table for measure in wanted if (table := _table(report, measure))]
    if report.misses:
        parts.append(missing(report))
    return "\n\n".join(parts)


def missing(report: Report) -> str:
    """Return failures one by one, and what was left out grouped by reason."""
    lines = [str(miss) for miss in report.failures]
    groups: dict[tuple[str, str], int] = {}
    for miss in report.misses:
        if not miss.is_failure:
            groups[miss.measure, miss.reason] = groups.get((miss.measure, miss.reason), 0) + 1
    lines += [f"left out: {measure}, {count} times: {reason}" for (measure, reason), count in groups.items()]
    return "\n".join(lines)


def absence(left_out: Mapping[str, str]) -> str:
    """Say how many recordings of validation could not take part, and which."""
    if not left_out:
        return "0 recordings of validation are left out"
    return "\n".join([f"{len(left_out)} recordings of validation are left out:", *(f"  {path}" for path in left_out)])


def _table(report: Report, measure: Measure) -> str:
    rows = [kind for kind in report.kinds if _of_row(report, kind, measure)]
    if not rows:
        return ""
    shown = [c for c in report.in_order() if any(report.cell(kind, measure.name, c.name) for kind in rows)]
    widths = [max(8, len(contender.name)) + 2 for contender in shown]
    lines = [measure.heading, *textwrap.wrap(measure.definition, DEFINITION_WIDTH), _role_line(shown, widths)]
    names = "".join(f"{c.name:>{width}}" for c, width in zip(shown, widths, strict=True))
    lines.append(f"{'':{NAME_WIDTH}}{names}{'n':>5}  worst of ours")
    for kind in rows:
        cells = [report.cell(kind, measure.name, contender.name) for contender in shown]
        values = "".join(f"{_number(cell):>{width}}" for cell, width in zip(cells, widths, strict=True))
        counts = {cell.count for cell in cells if cell}
        count = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)}-{max(counts)}"
        lines.append(f"{kind:{NAME_WIDTH}}{values}{count:>5}  {_worst(report, kind, measure, shown)}".rstrip())
    return "\n".join(lines)


def _role_line(shown: list[Contender], widths: list[int]) -> str:
    line = " " * NAME_WIDTH
    for role in ROLES:
        width = sum(w for contender, w in zip(shown, widths, strict=True) if contender.role == role)
        if width:
            line += f"{'| ' + HEADINGS[role]:<{width}}" if width > 2 else " " * width
    return line.rstrip()


def _of_row(report: Report, kind: str, measure: Measure) -> list[Summary]:
    cells = (report.cell(kind, measure.name, contender.name) for contender in report.contenders)
    return [cell for cell in cells if cell]


def _worst(report: Report, kind: str, measure: Measure, shown: list[Contender]) -> str:
    parts = []
    for contender in shown:
        cell = report.cell(kind, measure.name, contender.name)
        if contender.role == "ours" and cell:
            parts.append(f"{_number(cell, 'worst')} ({Path(cell.worst_clip).name})")
    return "; ".join(parts)


def _number(cell: Summary | None, which: str = "mean") -> str:
    return f"{getattr(cell, which):.2f}" if cell else "-"


def write_json(values: Mapping[str, Any], path: Path) -> None:
    """Write a report beside its place and rename it, so that an interrupted run leaves the last good one."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(values, indent=1, allow_nan=False), encoding="utf-8")
    unfinished.replace(path)
