"""Dynamic time warping over all cells, a row at a time, and the map that a path of cells stands for.

Sakoe and Chiba, *Dynamic programming algorithm optimization for spoken word recognition* (1978). The recursion within
a row is turned into a running minimum, so that numpy can do it: with S the sum of a row's costs so far,
D[j] = S[j] + min over k <= j of (own[k] - S[k]).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.align.pair import Answer

Features = NDArray[np.float32]  # (frames, bins)
Cost = Callable[[Features, Features], NDArray[np.float32]]
DIAGONAL, UP, LEFT = 0, 1, 2
ROWS: Final = 256  # whose costs are computed together


def cosine_cost(some: Features, all_: Features) -> NDArray[np.float32]:
    """1 - cosine, shape (len(some), len(all_)); a silent frame is at distance 1 from all."""
    return np.asarray(1.0 - _unit(some) @ _unit(all_).T)


def euclidean_cost(some: Features, all_: Features) -> NDArray[np.float32]:
    """The distance, shape (len(some), len(all_))."""
    squares = np.square(some).sum(axis=1)[:, None] + np.square(all_).sum(axis=1)[None, :] - 2.0 * (some @ all_.T)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))


def _unit(frames: Features) -> Features:
    length = np.sqrt(np.square(frames).sum(axis=1, keepdims=True))
    return np.asarray(frames / np.maximum(length, 1e-9), dtype=np.float32)


def warping_path(reference: Features, target: Features, cost: Cost) -> NDArray[np.int64]:
    """Return the cells of the cheapest path from the first to the last, shape (cells, 2), steps weighted alike."""
    steps = np.empty((len(reference), len(target)), dtype=np.uint8)
    row = np.zeros(len(target))
    for first in range(0, len(reference), ROWS):
        costs = cost(reference[first : first + ROWS], target).astype(np.float64)
        for number, each in enumerate(costs, start=first):
            row, steps[number] = (
                _next_row(row, each) if number else (np.cumsum(each), np.full(len(each), LEFT, np.uint8))
            )
    return _followed(steps)


def _next_row(above: NDArray[np.float64], cost: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    diagonal = np.concatenate([[np.inf], above[:-1]])
    own = np.minimum(above, diagonal) + cost
    total = np.cumsum(cost)
    reached = own - total
    best = np.minimum.accumulate(reached)
    step = np.where(best < reached, LEFT, np.where(diagonal <= above, DIAGONAL, UP)).astype(np.uint8)
    return best + total, step


def _followed(steps: NDArray[np.uint8]) -> NDArray[np.int64]:
    row, column = steps.shape[0] - 1, steps.shape[1] - 1
    cells = [(row, column)]
    while row or column:
        step = steps[row, column] if row else LEFT
        row, column = row - (step != LEFT), column - (step != UP)
        cells.append((row, column))
    return np.array(cells[::-1], dtype=np.int64)


def path_answer(path: NDArray[np.int64], reference_hop_s: float, target_hop_s: float) -> Answer:
    """Read a path as a map: each frame of the reference goes to the mean of its cells; frame i stands at i hops."""
    frames, places, counts = np.unique(path[:, 0], return_index=True, return_counts=True)
    sums = np.add.reduceat(path[:, 1].astype(np.float64), places)
    mean = np.asarray(sums / counts, dtype=np.float64)
    return Answer(frames.astype(np.float64) * reference_hop_s, mean * target_hop_s)
