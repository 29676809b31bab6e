"""Aligning two recordings, from the sound to the map: listen, find the key, find the way, follow it closely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from engine.audio.signal import Signal
from engine.tools.align.chain import AWAY, Way, best_way, coarse, likeness
from engine.tools.align.costs import Costs
from engine.tools.align.decode import Doubles, Posterior, Steps, band_around, decode
from engine.tools.align.features import EVERY, HOP, RATE, Features, features_of
from engine.tools.align.result import Alignment
from engine.tools.align.transposition import CENTS_PER_BIN, find_bins
from engine.tools.tool import NO_JOB, Job

FRAME_S: Final = HOP / RATE
COARSE_ROWS: Final = 4500  # of the coarse picture at most, about
LEVELS: Final = ((8, 5.0), (2, 1.2))  # (frames of 10 ms per step, lag to each side in seconds), coarse to fine
KNOT_S: Final = 0.02
UNRELATED_P: Final = 0.01  # a larger p-value says: not the same piece


def align(
    reference: Signal,
    target: Signal,
    *,
    mode: str = "auto",
    warp_limit_ms: float = 0.0,
    anchors: Sequence[tuple[float, float]] = (),
    job: Job = NO_JOB,
    engine: str = "handmade",
) -> Alignment:
    """Find which moment of `target` belongs to which moment of `reference`."""
    ours = features_of(reference, job.part(0.0, 0.3))
    theirs = features_of(target, job.part(0.3, 0.6))
    return solve(ours, theirs, job.part(0.6, 1.0))


def solve(ours: Features, theirs: Features, job: Job = NO_JOB) -> Alignment:
    bins = find_bins(ours, theirs, job)
    way, hop_s = rough_way(ours, theirs, bins, job)
    rows = (np.flatnonzero(way.columns != AWAY) + 0.5) * hop_s
    line = np.stack([rows, (way.columns[way.columns != AWAY] + 0.5) * hop_s])
    fine = follow(ours, theirs, bins, line, job)
    reference_s, target_s = knots(fine, EVERY * FRAME_S, ours.seconds, theirs.seconds)
    return Alignment.from_knots(reference_s, target_s, cents=bins * CENTS_PER_BIN)


def rough_way(ours: Features, theirs: Features, bins: float, job: Job) -> tuple[Way, float]:
    frames = max(len(ours.spectrum), len(theirs.spectrum))
    every = max(10, -(-frames // COARSE_ROWS))
    a, b = coarse(ours, every), coarse(theirs, every, bins)
    return best_way(likeness(a, b), a.hop_s, job=job), a.hop_s


def follow(ours: Features, theirs: Features, bins: float, line: Doubles, job: Job) -> Posterior:
    """Follow a rough line (2, points) of seconds, closer and closer."""
    found = None
    for every, half_s in LEVELS:
        costs = Costs(ours, theirs, bins, every)
        step_s = every * FRAME_S
        stop = (costs.rows - 1, costs.columns - 1)
        rows, columns = _monotone(line / step_s, stop)
        band = band_around(rows, columns, (0, 0), stop, round(half_s / step_s))
        found = decode(costs, band, (0, 0), stop, Steps(), job)
        line = np.stack([found.rows, found.columns]) * step_s
    assert found is not None
    return found


def _monotone(line: Doubles, stop: tuple[int, int]) -> Doubles:
    inside = (line[0] > 0) & (line[1] > 0) & (line[0] < stop[0]) & (line[1] < stop[1])
    line = np.maximum.accumulate(line[:, inside], axis=1)
    return np.concatenate([np.zeros((2, 1)), line, np.array(stop, dtype=np.float64)[:, None]], axis=1)


def knots(path: Posterior, step_s: float, reference_s: float, target_s: float) -> tuple[Doubles, Doubles]:
    """Return the mean path as knots every 20 ms of the reference, strictly increasing on both sides."""
    rows, columns = path.rows * step_s, path.columns * step_s
    order = np.argsort(rows, kind="stable")
    rows, columns = rows[order], np.maximum.accumulate(columns[order])
    times = np.arange(0.0, min(reference_s, rows[-1]), KNOT_S)
    targets = np.interp(times, rows, columns)
    gain = np.arange(len(times)) * 1e-6
    targets = np.maximum.accumulate(targets - gain) + gain
    return times, targets
