"""Which stretches of the two recordings belong together: cuts, insertions, repeats, jumps, and what is at the ends.

The coarse way gives runs. Between two runs that don't join, the moment of the change is sought again on a grid of
80 ms, on the side that tells it: what the target lacks is dated on the target, what it adds on the reference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.tools.align.chain import AWAY, LEVEL, Coarse, Way, best_way, coarse, likeness, onward_way
from engine.tools.align.costs import Costs
from engine.tools.align.features import HOP, RATE, Features, Floats
from engine.tools.align.relation import Relation
from engine.tools.tool import NO_JOB, Job

ROWS: Final = 4500  # of the coarse picture at most, about
FEWEST_FRAMES: Final = 10  # of 20 ms in a coarse vector: 5 Hz
LEVEL_SHARE: Final = 0.3  # between chance and this piece's own score: from here on a moment counts as the same
EDGE_EVERY: Final = 8  # frames of 10 ms: the grid on which changes are dated
EDGE_HOP_S: Final = EDGE_EVERY * HOP / RATE
AROUND_S: Final = 6.0  # looked at before and after a change
LANE_S: Final = 1.5  # a way must begin and end within this of where the coarse one did
JOINED_S: Final = 3.0  # what is shorter belongs to the music: a breath, a fermata, a fluff
ALIKE: Final = 1.6  # two gaps of the same length up to this factor are one uncertain passage, not two separate ones
LONGEST_JOIN_S: Final = 8.0
SHORTEST_S: Final = 0.5  # of a run on either side
QUIET_DB: Final = -45.0  # against the recording's level: nothing is played
BEST_LIKENESS: Final = 4.0  # minus the cost: always positive
RETURN_S: Final = 7.0  # a way that goes back must gain so many seconds of a good match more: a jump
PURE_S: Final = 6.0  # a change where one side has more than this alone, and so has the other, isn't one cut
DEAREST_S: Final = 1.0  # a change costs what so many seconds of a bad match cost, where it is only dated


@dataclass(frozen=True, eq=False)
class Pictures:
    """Two recordings and their coarse pictures in the same key."""

    ours: Features
    theirs: Features
    reference: Coarse
    target: Coarse

    @staticmethod
    def of(ours: Features, theirs: Features, bins: float) -> Pictures:
        """Draw the coarse pictures; `bins` is by how much the target is higher."""
        frames = max(len(ours.spectrum), len(theirs.spectrum))
        every = max(FEWEST_FRAMES, -(-frames // ROWS))
        return Pictures(ours, theirs, coarse(ours, every), coarse(theirs, every, bins))

    @property
    def hop_s(self) -> float:
        """Seconds from one coarse vector to the next."""
        return self.reference.hop_s

    def is_quiet(self, reference_s: tuple[float, float], target_s: tuple[float, float]) -> bool:
        """Whether nearly nothing sounds in a stretch of the reference nor in one of the target."""
        return is_quiet(self.ours, *reference_s) and is_quiet(self.theirs, *target_s)


@dataclass(frozen=True)
class Run:
    """A stretch of both recordings that go on together, in seconds, with its rough way."""

    reference_s: tuple[float, float]
    target_s: tuple[float, float]
    rows_s: tuple[float, ...]  # of the rough way within
    columns_s: tuple[float, ...]
    weight: float  # what it gains

    @property
    def line(self) -> NDArray[np.float64]:
        """The rough way, shape (2, points), seconds."""
        return np.array([self.rows_s, self.columns_s], dtype=np.float64)


@dataclass(frozen=True)
class Field:
    """The part of both recordings in which is sought: between two anchors, or everything."""

    reference_s: tuple[float, float]
    target_s: tuple[float, float]


def find_runs(pair: Pictures, relation: Relation, field: Field, job: Job = NO_JOB) -> list[Run]:
    """Return the runs within a field in order of reference time; they may lie anywhere in its target."""
    rows, columns = (_within(side, pair.hop_s) for side in (field.reference_s, field.target_s))
    like = likeness(Coarse(pair.reference.vectors[rows], pair.hop_s), Coarse(pair.target.vectors[columns], pair.hop_s))
    if not like.size:
        return [_straight(field)]
    way = _right_way(like, relation, pair.hop_s, job)
    runs = _runs(way, pair.hop_s, rows.start, columns.start)
    return _with_ends(_joined(runs, pair), pair, relation.bins, field, job)


def _right_way(like: NDArray[np.float16], relation: Relation, hop_s: float, job: Job) -> Way:
    """Return the way that never goes back, or one that does where it tells clearly more.

    Music repeats itself: a free way would rather play a passage of the target twice than say that something is missing.
    So what it plays of the target for the second time doesn't count.
    """
    score = relation.score
    way, level, good = onward_way(like, hop_s, job=job), LEVEL, 1.0
    for _ in range(2):  # the first way covers what isn't there, too: with the level right, the score is that of matches
        level = LEVEL + relation.chance + LEVEL_SHARE * (score - relation.chance)
        good = max((1.0 - LEVEL_SHARE) * (score - relation.chance), 0.05)
        way = onward_way(like, hop_s, level, good, job)
        on = way.columns != AWAY
        if not on.any():
            break
        score = max(score, float(way.gains[on].mean()) + level - LEVEL)
    free = best_way(like, hop_s, level, good, job)
    if _gain_once(free) > float(way.gains.sum()) + RETURN_S * good / hop_s:
        return free
    return way


def _gain_once(way: Way) -> float:
    """What a way gains if every column counts once, with the best of its rows."""
    on = way.columns != AWAY
    best: NDArray[np.float64] = np.zeros(int(way.columns.max()) + 2)
    count = np.bincount(way.columns[on], minlength=len(best))
    rows = np.flatnonzero(on)
    # Rows in a run of one column (the target waits) belong to one visit and all count.
    visits = np.concatenate([[True], np.abs(np.diff(way.columns[rows])) > 0]) if len(rows) else np.zeros(0, dtype=bool)
    gains = np.add.reduceat(way.gains[rows], np.flatnonzero(visits)) if len(rows) else np.zeros(0)
    np.maximum.at(best, way.columns[rows[visits]], gains)
    return float(best[: len(count)].sum() + np.minimum(gains, 0.0).sum())


def _straight(field: Field) -> Run:
    (r0, r1), (t0, t1) = field.reference_s, field.target_s
    return Run((r0, r1), (t0, t1), (r0, r1), (t0, t1), r1 - r0)


def _within(side: tuple[float, float], hop_s: float) -> slice:
    """The coarse vectors that lie wholly within a stretch."""
    return slice(math.ceil(side[0] / hop_s - 1e-6), max(0, math.floor(side[1] / hop_s + 1e-6)))


def _runs(way: Way, hop_s: float, row: int, column: int) -> list[Run]:
    rows = np.flatnonzero(way.columns != AWAY)
    if not len(rows):
        return []
    columns = way.columns[rows]
    breaks = np.flatnonzero((np.diff(rows) > 1) | (np.diff(columns) < 0) | (np.diff(columns) > 3)) + 1
    runs = []
    for part in np.split(np.arange(len(rows)), breaks):
        i, j = (rows[part] + row + 0.5) * hop_s, (columns[part] + column + 0.5) * hop_s
        weight = float(np.maximum(way.gains[rows[part]], 0.0).sum()) * hop_s
        runs.append(
            Run((float(i[0]), float(i[-1])), (float(j[0]), float(j[-1])), tuple(i.tolist()), tuple(j.tolist()), weight)
        )
    return runs


def _joined(runs: Sequence[Run], pair: Pictures) -> list[Run]:
    """Make one of runs between which nothing is missing on either side."""
    out: list[Run] = []
    for run in runs:
        if out and _belongs(out[-1], run, pair):
            last = out.pop()
            run = Run(
                (last.reference_s[0], run.reference_s[1]), (last.target_s[0], run.target_s[1]),
                last.rows_s + run.rows_s, last.columns_s + run.columns_s, last.weight + run.weight,
            )  # fmt: skip
        out.append(run)
    return out


def _belongs(before: Run, after: Run, pair: Pictures) -> bool:
    gap = (after.reference_s[0] - before.reference_s[1], after.target_s[0] - before.target_s[1])
    if gap[1] < 0.0:
        return False
    if max(gap) < JOINED_S:
        return True
    if max(gap) < LONGEST_JOIN_S and max(gap) < ALIKE * min(gap):
        return True
    return pair.is_quiet((before.reference_s[1], after.reference_s[0]), (before.target_s[1], after.target_s[0]))


def is_quiet(features: Features, start_s: float, stop_s: float) -> bool:
    """Whether nearly nothing sounds in a stretch; an empty one is quiet."""
    loudness = features.loudness_db[round(start_s * RATE / HOP) : round(stop_s * RATE / HOP)]
    return len(loudness) < 3 or float(np.quantile(loudness.astype(np.float32), 0.8)) < QUIET_DB


def _with_ends(runs: Sequence[Run], pair: Pictures, bins: float, field: Field, job: Job) -> list[Run]:
    """Date every change, and lead the first and the last run to the ends where nothing stands in between."""
    costs = Costs(pair.ours, pair.theirs, bins, EDGE_EVERY)
    out = list(runs)
    for place in range(len(out) - 1):
        out[place], out[place + 1] = _dated(costs, out[place], out[place + 1], job)
    if not out:
        return out
    out[0] = _with_head(costs, out[0], pair, field, job)
    out[-1] = _with_tail(costs, out[-1], pair, field, job)
    return [run for run in out if _shorter_side(run) > SHORTEST_S]


def _shorter_side(run: Run) -> float:
    return min(run.reference_s[1] - run.reference_s[0], run.target_s[1] - run.target_s[0])


def _dated(costs: Costs, before: Run, after: Run, job: Job) -> tuple[Run, Run]:
    """Return two runs with the change between them dated on a grid of 80 ms."""
    gap = (after.reference_s[0] - before.reference_s[1], after.target_s[0] - before.target_s[1])
    is_missing = abs(gap[1]) < gap[0]
    if min(gap) > PURE_S:  # both have something of their own: each end for itself
        return before, after
    found = _switch(costs, before, after, is_missing, job)
    if found is None:
        return before, after
    (r1, t1), (r2, t2) = found
    return _ending(before, r1, t1), _beginning(after, r2, t2)


def _switch(
    costs: Costs, before: Run, after: Run, is_missing: bool, job: Job
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Find where a way that visits every row leaves one run for the other; rows are the target's if `is_missing`."""
    first, second = (before.line, after.line) if not is_missing else (before.line[::-1], after.line[::-1])
    limits = (costs.rows, costs.columns) if not is_missing else (costs.columns, costs.rows)
    start, stop = max(first[0, 0], first[0, -1] - AROUND_S), min(second[0, -1], second[0, 0] + AROUND_S)
    rows = _frames(start, stop, limits[0])
    lanes = []
    for line, low, high in ((first, start, first[0, -1] + AROUND_S), (second, second[0, 0] - AROUND_S, stop)):
        inside = (line[0] >= low - 1.0) & (line[0] <= high + 1.0)
        reach = line[1][inside] if inside.any() else line[1]
        lanes.append(_frames(reach.min() - AROUND_S, reach.max() + AROUND_S, limits[1]))
    low, high = min(lane[0] for lane in lanes), max(lane[1] for lane in lanes)
    if rows[1] - rows[0] < 4:
        return None
    columns = np.concatenate([np.arange(*lane) for lane in sorted(lanes)])
    columns = np.unique(columns)
    like = _likeness_of(costs, rows, columns, is_missing)
    for row, line in ((0, first), (len(like) - 1, second)):
        at = np.interp((rows[0] + row) * EDGE_HOP_S, line[0], line[1]) / EDGE_HOP_S
        like[row, np.abs(columns - at) > LANE_S / EDGE_HOP_S] = -100.0
    way = best_way(like.astype(np.float16), EDGE_HOP_S, 0.0, DEAREST_S / 7.0, job)
    on = np.flatnonzero(way.columns != AWAY)
    if len(on) < 2:
        return None
    steps = np.diff(columns[way.columns[on]])
    place = int(np.argmax(np.where((steps < 0) | (steps > 3), np.abs(steps), 0)))
    if 0 <= steps[place] <= 3:
        return None
    ends = [((rows[0] + on[k]) * EDGE_HOP_S, columns[way.columns[on[k]]] * EDGE_HOP_S) for k in (place, place + 1)]
    (row, before_s), (next_row, after_s) = ends
    when, half = float(row + next_row) / 2.0, 0.5 * EDGE_HOP_S  # the change lies between two frames
    first_end, second_start = (when, float(before_s) + half), (when, float(after_s) - half)
    return (first_end[::-1], second_start[::-1]) if is_missing else (first_end, second_start)


def _likeness_of(costs: Costs, rows: tuple[int, int], columns: NDArray[np.int64], is_swapped: bool) -> Floats:
    """Likeness of rows against any columns; by contiguous pieces of them."""
    parts = []
    for piece in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
        span = (int(piece[0]), int(piece[-1]) + 1)
        parts.append(costs.block(span, rows).T if is_swapped else costs.block(rows, span))
    return np.asarray(BEST_LIKENESS - np.concatenate(parts, axis=1))


def _frames(start_s: float, stop_s: float, limit: int) -> tuple[int, int]:
    return max(0, round(start_s / EDGE_HOP_S)), min(limit, round(stop_s / EDGE_HOP_S) + 1)


def _with_head(costs: Costs, run: Run, pair: Pictures, field: Field, job: Job) -> Run:
    """Lead a run to the beginning of both recordings, or date where it begins."""
    r0, t0 = field.reference_s[0], field.target_s[0]
    r, t = run.reference_s[0], run.target_s[0]
    if max(r - r0, t - t0) > JOINED_S:
        r, t = _first_alike(costs, run.line, job)
        r, t = max(r, r0), max(t, t0)
    is_open = max(r - r0, t - t0) > JOINED_S and not pair.is_quiet((r0, r), (t0, t))
    return _beginning(run, r, t) if is_open else _beginning(run, r0, t0)


def _with_tail(costs: Costs, run: Run, pair: Pictures, field: Field, job: Job) -> Run:
    """Lead a run to the end of both recordings, or date where it ends."""
    r1, t1 = field.reference_s[1], field.target_s[1]
    r, t = run.reference_s[1], run.target_s[1]
    if max(r1 - r, t1 - t) > JOINED_S:
        r, t = _last_alike(costs, run.line, job)
        r, t = min(r, r1), min(t, t1)
    is_open = max(r1 - r, t1 - t) > JOINED_S and not pair.is_quiet((r, r1), (t, t1))
    return _ending(run, r, t) if is_open else _ending(run, r1, t1)


def _first_alike(costs: Costs, line: NDArray[np.float64], job: Job) -> tuple[float, float]:
    """The first moments that are more alike than chance, near the beginning of a line."""
    rows = _frames(line[0, 0] - AROUND_S, min(line[0, -1], line[0, 0] + AROUND_S), costs.rows)
    columns = _frames(line[1, 0] - AROUND_S, line[1, 0] + 2.5 * AROUND_S, costs.columns)
    found = _alike(costs.block(rows, columns), job)
    if found is None:
        return float(line[0, 0]), float(line[1, 0])
    return float((rows[0] + found[0][0]) * EDGE_HOP_S), float((columns[0] + found[1][0]) * EDGE_HOP_S)


def _last_alike(costs: Costs, line: NDArray[np.float64], job: Job) -> tuple[float, float]:
    rows = _frames(max(line[0, 0], line[0, -1] - AROUND_S), line[0, -1] + AROUND_S, costs.rows)
    columns = _frames(line[1, -1] - 2.5 * AROUND_S, line[1, -1] + AROUND_S, costs.columns)
    found = _alike(costs.block(rows, columns), job)
    if found is None:
        return float(line[0, -1]), float(line[1, -1])
    return float((rows[0] + found[0][-1]) * EDGE_HOP_S), float((columns[0] + found[1][-1]) * EDGE_HOP_S)


def _alike(block: Floats, job: Job) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Rows and columns of the best way through a block that may be away at both ends."""
    through = best_way((BEST_LIKENESS - block).astype(np.float16), EDGE_HOP_S, 0.0, 1.0, job)
    matched = np.flatnonzero(through.columns != AWAY)
    if not len(matched):
        return None
    best = float(np.median(block[matched, through.columns[matched]]))
    level = BEST_LIKENESS - 0.5 * (best + float(block.mean()))
    way = best_way((BEST_LIKENESS - block).astype(np.float16), EDGE_HOP_S, level, 0.05, job)
    rows = np.flatnonzero(way.columns != AWAY)
    return (rows, way.columns[rows]) if len(rows) else None


def _beginning(run: Run, r: float, t: float) -> Run:
    return replace(run, reference_s=(r, run.reference_s[1]), target_s=(t, run.target_s[1]))


def _ending(run: Run, r: float, t: float) -> Run:
    return replace(run, reference_s=(run.reference_s[0], r), target_s=(run.target_s[0], t))


def monotone_chain(runs: Sequence[Run]) -> list[bool]:
    """Return which runs are on the heaviest chain that never goes back in the target."""
    best: list[tuple[float, int]] = []
    for place, run in enumerate(runs):
        options = [(best[k][0], k) for k in range(place) if runs[k].target_s[1] <= run.target_s[0] + 0.2]
        weight, parent = max(options, default=(0.0, -1), key=lambda option: option[0])
        best.append((weight + run.weight, parent if weight > 0.0 else -1))
    chosen = [False] * len(runs)
    place = int(np.argmax([weight for weight, _ in best])) if best else -1
    while place >= 0:
        chosen[place] = True
        place = best[place][1]
    return chosen
