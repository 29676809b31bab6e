"""The best way through the costs, and how sure it is: forward-backward over all monotone paths in a band.

Cells lie on antidiagonals n = i + j (i a reference frame, j a target frame); one antidiagonal is one vector operation,
and the band follows a line given beforehand. What comes back is the mean of the posterior over paths with
weight exp(-beta * cost), not the best path: it lies between the frames, and its spread says how sure it is. Exchanging
the two recordings exchanges the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.tools.align.costs import Costs
from engine.tools.align.features import Floats
from engine.tools.tool import NO_JOB, Job

Doubles = NDArray[np.float64]
Whole = NDArray[np.int64]

DIAGONALS: Final = 512  # solved between two looks at the job
UNREACHED: Final = np.float32(-1e30)


@dataclass(frozen=True)
class Steps:
    """What a path pays for its steps."""

    beta: float = 5.0  # how strictly the cheapest path is preferred
    diagonal: float = 2.0  # weight of the cost where both go on
    straight: float = 1.45  # where one waits


@dataclass(frozen=True, eq=False)
class Band:
    """Which cells are looked at: `width` of each antidiagonal from `first` on."""

    start: int  # the first antidiagonal
    first: Whole  # (antidiagonals,) lowest reference frame; grows by 0 or 1
    width: int

    @property
    def count(self) -> int:
        return len(self.first)


@dataclass(frozen=True, eq=False)
class Posterior:
    """The mean path, by antidiagonal: its frames (fractions too), spread, cost and how likely a cell there is."""

    rows: Doubles  # (points,) reference frame
    columns: Doubles  # (points,) target frame
    sigma: Doubles  # (points,) standard deviation of the column at a given row, frames
    cost: Doubles  # (points,) expected cost of a cell

    def scaled(self, step_s: float) -> Posterior:
        """Return the same in seconds, `step_s` to a frame."""
        return Posterior(self.rows * step_s, self.columns * step_s, self.sigma * step_s, self.cost)


def band_around(rows: Doubles, columns: Doubles, start: tuple[int, int], stop: tuple[int, int], half: int) -> Band:
    """Return the band of `half` frames of lag to each side around a line through (rows, columns)."""
    diagonals = np.arange(start[0] + start[1], stop[0] + stop[1] + 1)
    middle = np.interp(diagonals, rows + columns, rows)
    width = half + 1  # a step along an antidiagonal changes the lag by two
    first = np.rint(middle).astype(np.int64) - width // 2
    first = np.maximum.accumulate(first)
    steps = np.arange(len(first))
    first = first - steps  # growing by at most 1 is the same as this never growing
    first = np.minimum.accumulate(first) + steps
    return Band(int(diagonals[0]), first, width)


def decode(
    costs: Costs,
    band: Band,
    start: tuple[int, int],
    stop: tuple[int, int],
    steps: Steps = Steps(),
    job: Job = NO_JOB,
) -> Posterior:
    """Return the posterior mean of all paths from cell `start` to cell `stop` within the band."""
    count, width = band.count, band.width
    cells = np.empty((count, width), dtype=np.float32)
    for low in range(0, count, DIAGONALS):
        job.check()
        cells[low : low + DIAGONALS] = _cells(costs, band, low, min(count, low + DIAGONALS), start, stop)
    forward, offsets = _swept(cells, band.first, steps, (start[0] - int(band.first[0])), job)
    return _gathered(cells, forward, offsets, band, steps, stop[0] - int(band.first[-1]), job)


def _cells(costs: Costs, band: Band, low: int, high: int, start: tuple[int, int], stop: tuple[int, int]) -> Floats:
    """Costs of antidiagonals low..high-1, shape (antidiagonals, width); huge outside of the two ends' rectangle."""
    rows = band.first[low:high, None] + np.arange(band.width)
    columns = (band.start + np.arange(low, high))[:, None] - rows
    inside = (rows >= start[0]) & (rows <= stop[0]) & (columns >= start[1]) & (columns <= stop[1])
    i, j = np.clip(rows, start[0], stop[0]), np.clip(columns, start[1], stop[1])
    block = costs.block((int(i.min()), int(i.max()) + 1), (int(j.min()), int(j.max()) + 1))
    return np.where(inside, block[i - i.min(), j - j.min()], -UNREACHED)


def _swept(cells: Floats, first: Whole, steps: Steps, begin: int, job: Job) -> tuple[Floats, Doubles]:
    """Forward log weights (antidiagonals, width), each row's maximum 0, and what was taken off."""
    count, width = cells.shape
    out = np.empty((count, width), dtype=np.float32)
    offsets = np.zeros(count)
    empty = np.full(width + 2, UNREACHED, dtype=np.float32)
    before, last = empty.copy(), empty.copy()  # antidiagonals n - 2 and n - 1, padded by one cell on both sides
    last[begin + 1] = 0.0
    out[0] = last[1:-1]
    taken_before, taken = 0.0, 0.0
    shifts = np.diff(first, prepend=first[0])
    diagonal, straight = np.float32(-steps.beta * steps.diagonal), np.float32(-steps.beta * steps.straight)
    for low in range(1, count, DIAGONALS):
        job.check()
        part = cells[low : low + DIAGONALS]
        both, one = np.maximum(part * diagonal, UNREACHED), np.maximum(part * straight, UNREACHED)
        for n in range(low, low + len(part)):
            now = _forward(before, last, both[n - low], one[n - low], int(shifts[n]), int(shifts[n - 1]),
                           np.float32(taken_before - taken))  # fmt: skip
            top = now.max()
            if top > UNREACHED / 4:
                now -= top
            else:
                top = np.float32(0.0)
            np.maximum(now, UNREACHED, out=now)
            out[n] = now
            before, last = last, before
            last[1:-1] = now
            taken_before, taken = taken, taken + float(top)
            offsets[n] = taken
    return out, offsets


def _forward(
    before: Floats, last: Floats, both: Floats, one: Floats, shift: int, earlier: int, lag: np.float32
) -> Floats:
    width = len(both)
    straight = np.logaddexp(last[shift : shift + width], last[shift + 1 : shift + 1 + width])
    straight += one
    skip = shift + earlier
    diagonal = before[skip : skip + width] + both
    diagonal += lag
    return np.asarray(np.logaddexp(straight, diagonal))


def _gathered(
    cells: Floats, forward: Floats, offsets: Doubles, band: Band, steps: Steps, end: int, job: Job
) -> Posterior:
    """Sweep backward and gather, per antidiagonal, the posterior's mass and its moments of i - j."""
    count, width = cells.shape
    total = float(forward[-1, end]) + offsets[-1]
    shifts = np.append(np.diff(band.first), 0)  # from n to n + 1
    empty = np.full(width + 2, UNREACHED, dtype=np.float32)
    both_after, one_after, both_next = empty.copy(), empty.copy(), empty.copy()
    diagonal, straight = np.float32(-steps.beta * steps.diagonal), np.float32(-steps.beta * steps.straight)
    moments = np.zeros((count, 4))
    taken_after, taken = 0.0, 0.0
    for low in reversed(range(0, count, DIAGONALS)):
        job.check()
        part = cells[low : low + DIAGONALS]
        both, one = np.maximum(part * diagonal, UNREACHED), np.maximum(part * straight, UNREACHED)
        backward = np.empty(part.shape, dtype=np.float32)
        given = np.empty(len(part))
        for n in reversed(range(low, low + len(part))):
            if n == count - 1:
                now = np.full(width, UNREACHED, dtype=np.float32)
                now[end] = 0.0
            else:
                shift, skip = int(shifts[n]), int(shifts[n] + shifts[n + 1])
                now = np.logaddexp(one_after[1 - shift : 1 - shift + width], one_after[2 - shift : 2 - shift + width])
                now = np.logaddexp(now, both_next[2 - skip : 2 - skip + width] + np.float32(taken_after - taken))
            top = now.max()
            if top > UNREACHED / 4:
                now -= top
            else:
                top = np.float32(0.0)
            np.maximum(now, UNREACHED, out=now)
            taken_after, taken = taken, taken + float(top)
            backward[n - low], given[n - low] = now, taken
            both_next, both_after = both_after, both_next
            np.add(now, one[n - low], out=one_after[1:-1])
            np.add(now, both[n - low], out=both_after[1:-1])
        scale = (offsets[low : low + len(part)] + given - total)[:, None]
        mass = np.exp(np.minimum(forward[low : low + len(part)] + backward + scale, 0.0))
        moments[low : low + len(part)] = _moments(mass, part, band, low)
    return _mean_path(moments, band)


def _moments(mass: Doubles, cells: Floats, band: Band, low: int) -> Doubles:
    """Mass, and its sums of i - j, (i - j)^2 (both against the band's middle) and cost; shape (antidiagonals, 4)."""
    place = 2.0 * (np.arange(band.width) - band.width // 2)
    weighted = np.where(mass > 0.0, mass * cells, 0.0)
    return np.stack([mass.sum(axis=1), mass @ place, mass @ place**2, weighted.sum(axis=1)], axis=1)


def _mean_path(moments: Doubles, band: Band, smooth: int = 3) -> Posterior:
    """Turn moments into a path; `smooth` antidiagonals to each side are taken together."""
    diagonals = band.start + np.arange(band.count)
    middle = 2.0 * (band.first + band.width // 2) - diagonals  # i - j where `place` is 0
    mass, first = moments[:, 0], moments[:, 1] + moments[:, 0] * middle
    kernel = np.hanning(2 * smooth + 3)[1:-1]

    def gathered(values: Doubles) -> Doubles:
        return np.convolve(values, kernel, mode="same")

    weight = np.maximum(gathered(mass), 1e-12)
    at = gathered(mass * diagonals) / weight
    lag = gathered(first) / weight
    second = (
        np.divide(moments[:, 2], mass, out=np.zeros_like(mass), where=mass > 1e-9)
        - np.divide(moments[:, 1], mass, out=np.zeros_like(mass), where=mass > 1e-9) ** 2
    )
    sigma = np.sqrt(np.maximum(gathered(mass * second) / weight, 0.0))
    return Posterior((at + lag) / 2.0, (at - lag) / 2.0, sigma, gathered(moments[:, 3]) / weight)
