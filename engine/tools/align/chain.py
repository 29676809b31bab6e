"""Where the two recordings tell the same, roughly: the best chain through a coarse picture of who resembles whom.

Every row is a moment of the reference, every column one of the target. A path goes on at 0 to 3 columns a row, may jump
anywhere for a price (what was cut out, put in or repeated), and may leave the target altogether for a while. The same
search over a target whose blocks were shuffled says what a score is worth (the null of the p-value).

Source: jumps inside of the alignment, Fremerey, Mueller, Clausen, *Handling repeats and jumps in score-performance
synchronization* (ISMIR 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.tools.align.features import EVERY, HOP, RATE, Features, Floats, pitch_vectors
from engine.tools.tool import NO_JOB, Job

Whole = NDArray[np.int64]

SPREAD: Final = 0.25  # cosine of moments picked at random, standard deviation
LEVEL: Final = 0.55  # likeness, in spreads, that a moment must have to count as the same
JUMP_S: Final = 7.0  # a jump costs as much as this many seconds of a good match gain
GOOD: Final = 1.0  # gain of a row of a good match
SLOW: Final = np.array([0.25, 0.0, 0.12, 0.4], dtype=np.float32)  # price of going on by 0, 1, 2, 3 columns
FRAMES: Final = 8192  # of the spectrum, averaged together
SHORT_S: Final = 3.0  # what stands alone at an end for no longer is free: a lead-in
SHIFTED, STAYED, LEFT = 0, 1, 2  # how one came to be away before a column: further left, longer, or from the way
AWAY: Final = -1  # of a row without a counterpart


@dataclass(frozen=True, eq=False)
class Coarse:
    """Unit vectors of one recording, `hop_s` apart; vector k covers the time around (k + 0.5) * hop_s."""

    vectors: Floats  # (count, BINS)
    hop_s: float


@dataclass(frozen=True, eq=False)
class Way:
    """The best way through the coarse picture."""

    columns: Whole  # (rows,) of the target, AWAY where there is none
    gains: Floats  # (rows,) likeness over the level, 0 where there is none
    score: float  # what the path gains per row


def coarse(features: Features, every: int, bins: float = 0.0) -> Coarse:
    """Average the spectrum over `every` frames of 20 ms; what is left over at the end is dropped."""
    count = max(1, len(features.spectrum) // every)
    rows = []
    size = max(1, FRAMES // every)
    for low in range(0, count, size):
        high = min(count, low + size)
        part = pitch_vectors(features, low * every, high * every, bins)
        part = (
            part[: (high - low) * every]
            if len(part) >= (high - low) * every
            else np.resize(part, (every, part.shape[1]))
        )
        rows.append(part.reshape(high - low, every, -1).mean(axis=1))
    vectors = np.concatenate(rows)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + np.float32(1e-3)
    return Coarse(vectors, every * EVERY * HOP / RATE)


def likeness(reference: Coarse, target: Coarse) -> NDArray[np.float16]:
    """Return how like every pair of moments is, in `SPREAD`s, shape (rows, columns)."""
    out = np.empty((len(reference.vectors), len(target.vectors)), dtype=np.float16)
    for low in range(0, len(out), 512):
        out[low : low + 512] = reference.vectors[low : low + 512] @ target.vectors.T / np.float32(SPREAD)
    return out


def best_way(
    like: NDArray[np.float16], hop_s: float, level: float = LEVEL, good: float = GOOD, job: Job = NO_JOB
) -> Way:
    """Return the way that gains most.

    Parameters
    ----------
    like
        Shape (rows, columns), spreads of chance.
    hop_s
        Seconds a row.
    level
        What a row must exceed to gain anything.
    good
        What a row of a good match gains: the measure of a jump's price.
    """
    rows, columns = like.shape
    price = np.float32(JUMP_S * good / hop_s / 2.0)
    came = np.empty((rows, columns), dtype=np.uint8)  # 0..3 columns further, 4 back from away
    left = np.zeros(rows, dtype=np.int64)  # best column of every row: where one leaves it
    stays = np.zeros(rows, dtype=bool)  # away here, and in the row before too
    score = np.full(columns, -np.inf, dtype=np.float32)
    away = np.float32(0.0)
    options = np.empty((5, columns), dtype=np.float32)
    for row in range(rows):
        if row % 256 == 0:
            job.check()
        for step, cost in enumerate(SLOW):
            options[step, :step] = -np.inf
            options[step, step:] = score[: columns - step] - cost
        options[4] = away - (price if row else 0.0)
        came[row] = options.argmax(axis=0)
        score = options.max(axis=0) + (like[row].astype(np.float32) - np.float32(level))
        left[row] = score.argmax()
        leaving = score[left[row]] - price
        # Whoever is away at this row came from being away, or leaves after the row before.
        stays[row] = away >= leaving
        away = max(away, leaving)
    return _traced(like, came, left, stays, score, away, price, level)


def onward_way(
    like: NDArray[np.float16], hop_s: float, level: float = LEVEL, good: float = GOOD, job: Job = NO_JOB
) -> Way:
    """Return the way that gains most and never goes back in the target; see `best_way`.

    What stands alone at either end costs as much as a jump, unless it is short: music begins at the beginning.
    """
    rows, columns = like.shape
    price = np.float32(JUMP_S * good / hop_s / 2.0)
    short = round(SHORT_S / hop_s)
    came = np.empty((rows, columns), dtype=np.uint8)
    away_came = np.empty((rows, columns), dtype=np.uint8)
    score = np.full(columns, -np.inf, dtype=np.float32)
    away = np.where(np.arange(columns) <= short, np.float32(0.0), -2.0 * price)
    options = np.full((5, columns), -np.inf, dtype=np.float32)
    for row in range(rows):
        if row % 256 == 0:
            job.check()
        for step, cost in enumerate(SLOW):
            options[step, step:] = score[: columns - step] - cost
        options[4] = away - (price if row > short else np.float32(0.0))
        came[row] = options.argmax(axis=0)
        score = options.max(axis=0) + (like[row].astype(np.float32) - np.float32(level))
        leaving = score - price
        stays = away >= leaving
        here = np.where(stays, away, leaving)
        away = np.maximum.accumulate(here)
        away_came[row] = np.where(here < away, SHIFTED, np.where(stays, STAYED, LEFT))
        if row in (short, rows - 1 - short):  # away since the beginning, or until the end
            away = away - price
    late = np.arange(columns) < columns - 1 - short
    ends = (score - np.where(late, 2.0 * price, np.float32(0.0)), away)
    return _traced_onward(like, came, away_came, ends, level)


def _traced_onward(
    like: NDArray[np.float16], came: NDArray[np.uint8], away_came: NDArray[np.uint8],
    ends: tuple[Floats, Floats], level: float,
) -> Way:  # fmt: skip
    rows = len(came)
    path = np.full(rows, AWAY, dtype=np.int64)
    is_away = float(ends[1].max()) > float(ends[0].max())
    column, row = int(ends[is_away].argmax()), rows - 1
    while row >= 0:
        if is_away:
            code = int(away_came[row, column])
            if code == SHIFTED:
                column -= 1
            elif code == STAYED:
                row -= 1
            else:
                is_away = False
            continue
        path[row] = column
        step = int(came[row, column])
        is_away = step == 4
        column -= 0 if is_away else step
        row -= 1
    return _way(like, path, float(max(ends[0].max(), ends[1].max())), level)


def _way(like: NDArray[np.float16], path: Whole, total: float, level: float) -> Way:
    on = path != AWAY
    gains = np.zeros(len(path), dtype=np.float32)
    gains[on] = like[np.flatnonzero(on), path[on]].astype(np.float32) - np.float32(level)
    return Way(path, gains, total / len(path))


def _traced(
    like: NDArray[np.float16], came: NDArray[np.uint8], left: Whole, stays: NDArray[np.bool_],
    score: Floats, away: np.float32, price: np.float32, level: float,
) -> Way:  # fmt: skip
    rows = len(came)
    path = np.full(rows, AWAY, dtype=np.int64)
    column = int(score.argmax())
    total = float(score[column])
    is_away = float(away) > total
    row = rows - 1
    while row >= 0:
        if is_away:
            if not stays[row]:  # left right after this row
                is_away, column = False, int(left[row])
                continue
            row -= 1
            continue
        path[row] = column
        step = int(came[row, column])
        if step == 4:
            is_away = True
        else:
            column -= step
        row -= 1
        if is_away and row >= 0:
            # Away is known as of the end of a row: leaving after this row costs no row of absence.
            continue
    return _way(like, path, max(total, float(away)), level)
