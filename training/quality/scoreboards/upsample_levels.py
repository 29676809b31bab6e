"""What is the cutoff finder's and what the network's: levels at the edge and above it, blind and with the edge given.

Of every row the mean, the median and the worst clip: means hide a clip that is 30 dB off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from training.quality.report import NAME_WIDTH
from training.quality.scoreboards.upsample_contenders import EDGE_GIVEN, FOUND_SHARE
from training.quality.table import Report

MEASURES: Final = ("seam", "level bias")
NETWORKS: Final = ("bwe16", "bwe48")
_WIDTH: Final = 24  # of three numbers


@dataclass(frozen=True)
class Row:
    """One measure of one contender, over the clips of a row."""

    mean: float
    median: float
    worst: float
    worst_clip: str
    count: int


def row_of(report: Report, kind: str, measure: str, name: str) -> Row | None:
    """Return a row, None if nothing was measured."""
    cell = report.cell(kind, measure, name)
    if cell is None:
        return None
    values, _ = report.in_common(kind, measure, name, name)
    return Row(cell.mean, float(np.median(values)), cell.worst, cell.worst_clip, cell.count)


def levels(report: Report) -> str:
    """Return the table: by row and network the finder's error, then seam and level bias, blind and edge given."""
    asked = [f"{measure}, {how}" for measure in MEASURES for how in ("blind", "edge given")]
    lines = [
        "level of the energy at the edge (seam) and above it (level bias), answer over target in dB: mean, median and "
        "worst over the clips;",
        f"edge given: the cutoff set to the true -6 dB edge, where the one found is off by {FOUND_SHARE:.1%} or more",
        f"{'':{NAME_WIDTH}}{'n':>4}{'edge off by':>13}" + "".join(f"{title:>{_WIDTH}}" for title in asked),
    ]
    lines += [
        _line(report, kind, name)
        for kind in report.kinds
        for name in NETWORKS
        if any(report.cell(kind, measure, name) for measure in MEASURES)
    ]
    return "\n".join(lines)


def _line(report: Report, kind: str, name: str) -> str:
    rows = [row_of(report, kind, measure, name + told) for measure in MEASURES for told in ("", EDGE_GIVEN)]
    count = max((row.count for row in rows if row), default=0)
    errors, _ = report.in_common(kind, "cutoff error", name, name)
    off = f"{np.mean(np.abs(errors)):.1f} %" if errors else "-"
    numbers = "".join(f"{_shown(row):>{_WIDTH}}" for row in rows)
    return f"{kind:{NAME_WIDTH}}{count:>4}{off:>13}{numbers}"


def _shown(row: Row | None) -> str:
    return f"{row.mean:+.1f} {row.median:+6.1f} {row.worst:+6.1f}" if row else "-"
