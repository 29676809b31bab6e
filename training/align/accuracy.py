"""How far an answer lies from the truth, and how sure one may be of that figure.

The error at a point of truth is |map(r) - t|: the map is what is delivered, its knots joined by straight lines, looked
up at the true moment r of the reference. Never a mean over the cells of a path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.align.pair import Answer, Pair, Seconds

SHARES_MS: Final = (10, 25, 50, 100)
LOST_S, LOST_FOR_S = 1.0, 5.0  # a failure: further off than the one for longer than the other
DRAWS: Final = 2000
SURE: Final = (2.5, 97.5)  # percentiles of the bootstrap


@dataclass(frozen=True, eq=False)
class Errors:
    """The signed errors of one answer."""

    piece: str
    at_s: Seconds  # (points,) of the reference
    error_s: Seconds  # (points,) map less truth

    @property
    def failures(self) -> int:
        """How often the map is lost: more than 1 s off at points that stretch over more than 5 s."""
        return lost_stretches(self.at_s, np.abs(self.error_s))


@dataclass(frozen=True)
class Figures:
    """What a table shows of all pairs of a row, each pair with the same weight; milliseconds."""

    mean: float
    median: float
    p95: float
    largest: float
    bias: float  # mean of the signed errors
    within: Mapping[int, float]  # percent of the points no further off than these milliseconds
    failures: int
    interval: tuple[float, float]  # of the mean, 95 %, by drawing pieces; nan with fewer than three pieces
    pairs: int
    points: int


def errors_of(pair: Pair, answer: Answer, start_s: float = 0.0, stop_s: float = float("inf")) -> Errors:
    """Return the errors at the points of truth within a stretch of the reference."""
    inside = (pair.truth_reference_s >= start_s) & (pair.truth_reference_s < stop_s)
    at = pair.truth_reference_s[inside]
    return Errors(pair.piece, at, answer.at(at) - pair.truth_target_s[inside])


def lost_stretches(at_s: Seconds, distance_s: Seconds) -> int:
    """Count the runs of points more than 1 s off whose first and last lie more than 5 s apart."""
    lost = np.concatenate([[0], (distance_s > LOST_S).astype(np.int8), [0]])
    starts, stops = np.flatnonzero(np.diff(lost) == 1), np.flatnonzero(np.diff(lost) == -1) - 1
    return int(np.count_nonzero(at_s[stops] - at_s[starts] > LOST_FOR_S))


def figures(errors: Sequence[Errors], seed: int = 0) -> Figures:
    """Sum up the pairs of a row.

    Raises
    ------
    ValueError
        If no pair has a point of truth.
    """
    used = [each for each in errors if len(each.error_s)]
    if not used:
        raise ValueError("nothing can be summed up: no pair has a point of truth")
    distance = np.concatenate([np.abs(each.error_s) for each in used]) * 1e3
    weight = np.concatenate([np.full(len(each.error_s), 1.0 / len(each.error_s)) for each in used]) / len(used)
    return Figures(
        mean=float(distance @ weight),
        median=weighted_quantile(distance, weight, 0.5),
        p95=weighted_quantile(distance, weight, 0.95),
        largest=float(distance.max()),
        bias=float(np.mean([1e3 * each.error_s.mean() for each in used])),
        within={limit: float(100.0 * weight[distance <= limit].sum()) for limit in SHARES_MS},
        failures=sum(each.failures for each in used),
        interval=mean_interval(used, seed),
        pairs=len(used),
        points=len(distance),
    )


def weighted_quantile(values: NDArray[np.float64], weight: NDArray[np.float64], share: float) -> float:
    """Return the smallest value up to which at least `share` of the weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][min(int(np.searchsorted(reached, share - 1e-12)), len(values) - 1)])


def mean_interval(errors: Sequence[Errors], seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the mean error in ms, drawing pieces with replacement (percentile bootstrap)."""
    by_piece: dict[str, list[float]] = {}
    for each in errors:
        by_piece.setdefault(each.piece, []).append(float(1e3 * np.abs(each.error_s).mean()))
    if len(by_piece) < 3:
        return float("nan"), float("nan")
    sums = np.array([[sum(means), len(means)] for means in by_piece.values()])
    drawn = sums[np.random.default_rng(seed).integers(0, len(sums), (DRAWS, len(sums)))].sum(axis=1)
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], SURE)
    return float(low), float(high)
