"""What a waveform view draws: lowest, highest and RMS value of every 256 samples, and of every 4 of those, and so on.

A pyramid may be filled in any order while it is being drawn: what isn't there yet reads as NaN, and takes no memory.
Values are kept as float16, which is finer than a pixel at any zoom (11 bits at every level of loudness).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Samples, Signal, Span, blocks

CELL = 256  # samples in a cell of the finest level
RATIO = 4  # cells in a cell of the next level
BUILD_BLOCK = 1 << 17  # frames read at once
LARGEST = 65504.0  # float16

Plane = NDArray[np.float16]
Known = NDArray[np.bool_]


@dataclass(frozen=True)
class Peaks:
    """One value per pixel and channel, float32, shape (pixels, channels); NaN where nothing is known yet."""

    minimum: NDArray[np.float32]
    maximum: NDArray[np.float32]
    rms: NDArray[np.float32]


class PeakPyramid:
    """Peaks of a recording of known shape, empty at first. One writer, any number of readers."""

    def __init__(self, frames: int, channels: int, rate: int) -> None:
        if frames < 0 or channels < 1:
            raise ValueError(f"need frames >= 0 and channels >= 1, got {frames} and {channels}")
        self.frames = frames
        self.channels = channels
        self.rate = rate
        self.filled = 0  # frames from the start that are known without a gap, as far as `put` came in order
        self._levels: list[Plane] = []  # each (3, cells, channels): minimum, maximum, RMS
        self._known: list[Known] = []  # of each level, (cells,)
        cells = math.ceil(frames / CELL)
        while True:
            # Not NaN, which would have to be written: the system hands out pages of zeros when they are first written.
            self._levels.append(np.zeros((3, cells, channels), dtype=np.float16))
            self._known.append(np.zeros(cells, dtype=np.bool_))
            if cells <= RATIO:
                break
            cells = math.ceil(cells / RATIO)

    @classmethod
    def build(
        cls,
        signal: Signal,
        check: Callable[[], None] | None = None,
        progress: Callable[[float, str], None] | None = None,
        on_block: Callable[[PeakPyramid, Span], None] | None = None,
    ) -> PeakPyramid:
        """Read all of `signal` and return its peaks.

        Parameters
        ----------
        check
            Called often; may raise Cancelled.
        progress
            Called with a fraction and a text.
        on_block
            Called with the growing pyramid and the span just added, from the calling thread.
        """
        pyramid = cls(signal.frames, signal.channels, signal.rate)
        pyramid.fill(signal, check, progress, on_block)
        return pyramid

    def fill(
        self,
        signal: Signal,
        check: Callable[[], None] | None = None,
        progress: Callable[[float, str], None] | None = None,
        on_block: Callable[[PeakPyramid, Span], None] | None = None,
    ) -> None:
        """Read all of `signal` into this pyramid, which may be on show already. As `build`."""
        for span in blocks(signal.frames, BUILD_BLOCK):
            if check is not None:
                check()
            self.put(span.start, signal.read(*span))
            if progress is not None:
                progress(span.stop / signal.frames, "drawing the waveform")
            if on_block is not None:
                on_block(self, span)

    def snap(self, span: Span) -> Span:
        """Return the smallest span of whole cells around `span`, as `put` wants it."""
        return Span(span.start // CELL * CELL, min(self.frames, math.ceil(span.stop / CELL) * CELL))

    def put(self, start: int, samples: Samples) -> None:
        """Set the cells of the frames from `start`, shape (frames, channels), and those above them.

        Raises
        ------
        ValueError
            Unless the frames are whole cells (see `snap`): `start` a multiple of 256, and the end too or the very end.
        """
        stop = start + len(samples)
        if start % CELL or (stop % CELL and stop != self.frames) or not 0 <= start <= stop <= self.frames:
            raise ValueError(f"{start}..{stop} isn't whole cells of a pyramid of {self.frames} frames")
        if start == stop:
            return
        first, last = start // CELL, math.ceil(stop / CELL)
        self._levels[0][:, first:last] = _cells(samples)
        self._known[0][first:last] = True  # after the values: somebody may be reading
        self._renew_above(first, last)
        if start <= self.filled:
            self.filled = max(self.filled, stop)

    def forget(self, span: Span) -> None:
        """Make the cells that touch `span` unknown again."""
        span = self.snap(span)
        first, last = span.start // CELL, math.ceil(span.stop / CELL)
        self._known[0][first:last] = False
        self._renew_above(first, last)
        self.filled = min(self.filled, span.start)

    def _renew_above(self, first: int, last: int) -> None:
        """Make every level agree with the cells first..last of the finest one."""
        for level in range(1, len(self._levels)):
            below = slice(first // RATIO * RATIO, math.ceil(last / RATIO) * RATIO)
            first, last = first // RATIO, math.ceil(last / RATIO)
            values, known = _merge(self._levels[level - 1][:, below], self._known[level - 1][below])
            self._levels[level][:, first:last] = values
            self._known[level][first:last] = known

    def read(self, start: float, stop: float, pixels: int) -> Peaks:
        """Return the peaks of `pixels` equal parts of the frames start..stop, which may reach beyond both ends.

        A pixel narrower than 256 samples shows the whole cell that it lies in: read the samples themselves then.
        """
        out = np.full((3, max(0, pixels), self.channels), np.nan, dtype=np.float32)
        if pixels > 0 and stop > start:
            self._read_into(out, start, stop)
        return Peaks(out[0], out[1], out[2])

    def _read_into(self, out: NDArray[np.float32], start: float, stop: float) -> None:
        pixels = out.shape[1]
        level, size = self._level_for((stop - start) / pixels)
        plane = self._levels[level]
        edges = (start + (stop - start) * np.arange(pixels + 1) / pixels) / size
        first = np.floor(edges[:-1]).astype(np.int64)
        last = np.maximum(np.ceil(edges[1:]).astype(np.int64), first + 1)
        inside = (last > 0) & (edges[:-1] * size < self.frames)
        if not inside.any():
            return
        first, last = np.maximum(first[inside], 0), np.minimum(last[inside], plane.shape[1])
        low, high = int(first[0]), int(last[-1])
        part = plane[:, low:high].astype(np.float32)
        part[:, ~self._known[level][low:high]] = np.nan
        part = np.concatenate([part, part[:, -1:]], axis=1)  # so that an end index is always valid for reduceat
        pairs = np.stack([first - low, last - low], axis=1).ravel()
        out[0, inside] = np.fmin.reduceat(part[0], pairs, axis=0)[::2]
        out[1, inside] = np.fmax.reduceat(part[1], pairs, axis=0)[::2]
        known = ~np.isnan(part[2])
        count = np.add.reduceat(known.astype(np.float32), pairs, axis=0)[::2]
        power = np.add.reduceat(np.where(known, part[2] ** 2, 0.0), pairs, axis=0)[::2]
        with np.errstate(divide="ignore", invalid="ignore"):
            out[2, inside] = np.sqrt(power / count)

    def _level_for(self, frames_per_pixel: float) -> tuple[int, int]:
        """Return the coarsest level with cells no wider than half a pixel, and the width of its cells."""
        level, size = 0, CELL
        while level + 1 < len(self._levels) and size * RATIO * 2 <= frames_per_pixel:
            level, size = level + 1, size * RATIO
        return level, size


def _cells(samples: Samples) -> Plane:
    """Return minimum, maximum and RMS of every 256 frames, shape (3, cells, channels)."""
    whole = len(samples) // CELL
    count = math.ceil(len(samples) / CELL)
    out = np.empty((3, count, samples.shape[1]), dtype=np.float32)
    for channel in range(samples.shape[1]):
        line = np.ascontiguousarray(samples[:, channel])  # reducing along contiguous cells is five times faster
        grid = line[: whole * CELL].reshape(whole, CELL)
        out[0, :whole, channel] = grid.min(axis=1)
        out[1, :whole, channel] = grid.max(axis=1)
        out[2, :whole, channel] = np.sqrt(np.einsum("ij,ij->i", grid, grid) / CELL)
        rest = line[whole * CELL :]
        if len(rest):
            out[:, whole, channel] = rest.min(), rest.max(), np.sqrt(np.mean(rest * rest))
    return np.clip(out, -LARGEST, LARGEST).astype(np.float16)


def _merge(cells: Plane, known: Known) -> tuple[Plane, Known]:
    """Return every 4 cells as one, and whether any of the 4 is known."""
    starts = np.arange(0, cells.shape[1], RATIO)
    wide = cells.astype(np.float32)
    if not known.all():
        wide[:, ~known] = np.array([np.inf, -np.inf, 0.0], dtype=np.float32)[:, None, None]
    count = np.add.reduceat(known, starts, dtype=np.float32)
    out = np.empty((3, len(starts), cells.shape[2]), dtype=np.float32)
    out[0] = np.minimum.reduceat(wide[0], starts, axis=0)
    out[1] = np.maximum.reduceat(wide[1], starts, axis=0)
    power = np.add.reduceat(wide[2] * wide[2], starts, axis=0)
    out[2] = np.minimum(np.sqrt(power / np.maximum(count, 1.0)[:, None]), LARGEST)
    out[:, count == 0.0] = 0.0
    return out.astype(np.float16), count > 0.0
