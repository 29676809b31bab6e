"""From peaks or samples to pixel columns: what a waveform's columns hold, and their picture as indexed bytes.

Columns lie on a grid that is fixed to the recording, so that panning moves a waveform and never makes it shimmer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audio.peaks import PeakPyramid
from engine.audio.signal import Samples

Columns = NDArray[np.float32]  # (columns, rows)
Picture = NDArray[np.uint8]  # (height, width)


@dataclass(frozen=True)
class ColumnGrid:
    """`count` columns of `frames` frames each, the first of which starts at `first * frames`."""

    first: int
    frames: float
    count: int

    @classmethod
    def over(cls, start: float, stop: float, count: int) -> ColumnGrid:
        """Return the grid of `count` columns nearest to a span."""
        frames = max((stop - start) / count, 1e-9)
        return cls(math.floor(start / frames + 1e-6), frames, count)

    @property
    def edges(self) -> NDArray[np.int64]:
        """The frames between which the columns lie, shape (count + 1,)."""
        return np.round((self.first + np.arange(self.count + 1)) * self.frames).astype(np.int64)


@dataclass(frozen=True)
class Envelope:
    """Least, greatest and RMS sample of each column, NaN where nothing is known; rows are channels or their mixture."""

    minimum: Columns
    maximum: Columns
    rms: Columns

    @property
    def rows(self) -> int:
        return int(self.minimum.shape[1])

    def mixed(self) -> Envelope:
        """Return one row that hides nothing: the extremes of all channels and their common RMS."""
        if self.rows == 1:
            return self
        return Envelope(
            self.minimum.min(axis=1, keepdims=True),
            self.maximum.max(axis=1, keepdims=True),
            np.sqrt(np.mean(np.square(self.rms), axis=1, keepdims=True)),
        )

    def where(self, known: NDArray[np.bool_]) -> Envelope:
        """Return the envelope with NaN in the columns that aren't `known`, shape (columns,)."""
        keep = known[:, None]
        return Envelope(*(np.where(keep, part, np.float32(np.nan)) for part in (self.minimum, self.maximum, self.rms)))


def empty_envelope(columns: int, rows: int) -> Envelope:
    nothing = np.full((columns, rows), np.nan, dtype=np.float32)
    return Envelope(nothing, nothing, nothing)


def envelope_of_peaks(pyramid: PeakPyramid, grid: ColumnGrid) -> Envelope:
    """Return the envelope of a grid from a pyramid."""
    start = grid.first * grid.frames
    peaks = pyramid.read(start, start + grid.count * grid.frames, grid.count)
    return Envelope(peaks.minimum, peaks.maximum, peaks.rms)


def envelope_of_samples(samples: Samples, offset: int, grid: ColumnGrid) -> Envelope:
    """Return the envelope of a grid from the samples that start at frame `offset`."""
    out = empty_envelope(grid.count, samples.shape[1])
    edges = grid.edges - offset
    starts = np.clip(edges[:-1], 0, max(0, len(samples) - 1))
    known = (edges[:-1] >= 0) & (edges[:-1] < len(samples))
    if not known.any():
        return out
    first, last = int(np.argmax(known)), len(known) - int(np.argmax(known[::-1]))
    cut = samples[: max(1, min(len(samples), int(edges[last])))]
    where = np.minimum(starts[first:last], len(cut) - 1)
    counts = np.diff(np.append(where, len(cut)))[:, None]
    square = np.add.reduceat(np.square(cut, dtype=np.float64), where, axis=0) / np.maximum(counts, 1)
    parts = [part.copy() for part in (out.minimum, out.maximum, out.rms)]
    parts[0][first:last] = np.minimum.reduceat(cut, where, axis=0)
    parts[1][first:last] = np.maximum.reduceat(cut, where, axis=0)
    parts[2][first:last] = np.sqrt(square)
    return Envelope(*parts)


def mark_columns(
    edges: Picture, low: NDArray[np.float32], high: NDArray[np.float32], gain: float, bit: int, middle: float
) -> None:
    """Note where the area between two curves begins and ends, at least one pixel high, nothing where they are NaN.

    Parameters
    ----------
    edges
        Zeros of shape (height + 1, width), changed in place; `filled` turns it into a picture.
    low, high
        One sample value per column, nominal ±1.
    gain
        Pixels per unit of amplitude.
    bit
        Value that the area adds to its pixels: a power of two, so that several areas can be told apart.
    middle
        Height of amplitude zero, px from the top.
    """
    height = edges.shape[0] - 1
    columns = np.flatnonzero(~np.isnan(low))
    top = np.clip(np.floor(middle - high[columns] * gain), 0, height)
    bottom = np.clip(np.maximum(np.ceil(middle - low[columns] * gain), top + 1), 0, height)
    edges[top.astype(np.int64), columns] += np.uint8(bit)
    edges[bottom.astype(np.int64), columns] -= np.uint8(bit)


def filled(edges: Picture) -> Picture:
    """Return the picture, shape (height, width): each pixel is the sum of the bits of the areas that it lies in."""
    # Sums wrap around at 256, so that what an area added at its beginning is gone after its end.
    np.add.accumulate(edges, axis=0, out=edges, dtype=np.uint8)
    return edges[:-1]
