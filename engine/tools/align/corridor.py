"""The picture of the band around the map: how alike the moments in it are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from engine.tools.align.costs import Costs
from engine.tools.align.decode import Doubles
from engine.tools.align.features import HOP, RATE
from engine.tools.align.result import Corridor
from engine.tools.align.structure import Pictures
from engine.tools.tool import NO_JOB, Job

EVERY: Final = 2  # frames of 10 ms between columns
ROW_EVERY: Final = 4  # columns' steps between rows: 80 ms
HALF: Final = 75  # columns to each side: 1.5 s
ROWS: Final = 256  # drawn between two looks at the job
WHITE, BLACK = 0.5, 3.0  # costs drawn as 255 and as 0


def corridor_of(
    pair: Pictures, bins: float, matches: Sequence[tuple[Doubles, Doubles]], job: Job = NO_JOB
) -> Corridor | None:
    """Draw the costs within 1.5 s of each match's map, a row every 80 ms of the reference; None without matches."""
    if not matches:
        return None
    costs = Costs(pair.ours, pair.theirs, bins, EVERY)
    step_s = EVERY * HOP / RATE
    rows = np.arange(0, costs.rows, ROW_EVERY)
    times = step_s * rows.astype(np.float64)
    inside = np.zeros(len(rows), dtype=bool)
    centres = np.zeros(len(rows))
    for reference_s, target_s in matches:
        here = (times >= reference_s[0]) & (times <= reference_s[-1])
        inside |= here
        centres[here] = np.interp(times[here], reference_s, target_s)
    rows, times, centres = rows[inside], times[inside], centres[inside]
    middle = np.rint(centres / step_s).astype(np.int64)
    lags = np.arange(-HALF, HALF + 1)
    picture = np.zeros((len(rows), len(lags)), dtype=np.uint8)
    for low in range(0, len(rows), ROWS):
        job.check()
        part = slice(low, low + ROWS)
        columns = middle[part, None] + lags
        is_there = (columns >= 0) & (columns < costs.columns)
        columns = np.clip(columns, 0, costs.columns - 1)
        first, span = int(rows[part][0]), (int(columns.min()), int(columns.max()) + 1)
        block = costs.block((first, int(rows[part][-1]) + 1), span)
        seen = block[rows[part, None] - first, columns - span[0]]
        shade = np.clip((BLACK - seen) / (BLACK - WHITE), 0.0, 1.0) * is_there
        picture[part] = np.rint(255.0 * shade)
    return Corridor(
        np.asarray(times, dtype=np.float64),
        step_s * middle.astype(np.float64),
        step_s * lags.astype(np.float64),
        picture,
    )
