"""Reading a recording through a time map: each moment of the result is looked up with a windowed sinc."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Samples, Signal, check_span, read_padded

Seconds = NDArray[np.float64]

TAPS = 64
PHASES = 1024  # between them the table is interpolated linearly: error below -115 dB
KAISER_BETA = 9.0
GRID = 4096  # result frames whose positions are computed together, always the same ones
WIDEST_READ = 1 << 19  # source frames; a map that leaps is read in smaller pieces
SNAP_FRAMES = 1e-6  # -116 dB at the Nyquist frequency; an hour's worth of seconds is exact to 2e-8 frames
CUTOFF_STEPS = 20  # faster reading needs a narrower band: one kernel for each 5 % of speed


class Mapping(Protocol):
    """Anything that says where to read: a TimeMap, or a curve in closed form."""

    def target_at(self, seconds: Seconds) -> Seconds:
        """Return the moments to read for these moments of the result."""
        ...

    def speed_at(self, seconds: Seconds) -> Seconds:
        """Return seconds of target per second of result."""
        ...


@lru_cache(maxsize=32)
def _kernel(level: int) -> tuple[Samples, Samples]:
    """Return the windowed sinc for reading at up to 1 + level / CUTOFF_STEPS times the speed, and its differences.

    Shapes (PHASES + 1, TAPS) and (PHASES, TAPS).
    """
    cutoff = 1.0 / (1.0 + level / CUTOFF_STEPS)
    distance = (np.arange(TAPS) - (TAPS // 2 - 1))[None, :] - np.linspace(0.0, 1.0, PHASES + 1)[:, None]
    inside = np.clip(1.0 - (distance / (TAPS / 2)) ** 2, 0.0, None)
    table = cutoff * np.sinc(cutoff * distance) * np.i0(KAISER_BETA * np.sqrt(inside)) / np.i0(KAISER_BETA)
    table[np.abs(table) < 1e-12] = 0.0  # sinc at whole numbers: reading exactly on a sample returns that sample
    table /= table.sum(axis=1, keepdims=True)
    return table.astype(np.float32), np.diff(table, axis=0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class WarpedSignal:
    """A Signal read through a map with a windowed sinc: random access, the same bits for any span.

    Passes up to 0.9 of the Nyquist frequency; where the map reads faster than 1.02 times, the band is narrowed so that
    nothing folds back. Outside of the recording it reads zeros.
    """

    signal: Signal
    map: Mapping
    frames: int  # of the result
    rate: int  # of the result, Hz

    @property
    def channels(self) -> int:
        return self.signal.channels

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        out = np.empty((stop - start, self.channels), dtype=np.float32)
        for first in range(start - start % GRID, stop if stop > start else 0, GRID):
            # Positions of a whole block, wherever the request begins: vector code may round its tail differently.
            seconds = np.arange(first, first + GRID) / self.rate
            positions = _snapped(self.map.target_at(seconds) * self.signal.rate)
            speeds = self.map.speed_at(seconds) * (self.signal.rate / self.rate)
            a, b = max(start, first), min(stop, first + GRID)
            part = slice(a - first, b - first)
            out[a - start : b - start] = self._at(positions[part], speeds[part])
        return out

    def _at(self, positions: Seconds, speeds: Seconds) -> Samples:
        """Return the sound at increasing positions (source frames), shape (positions, channels)."""
        first, last = int(np.floor(positions[0])), int(np.floor(positions[-1]))
        if last - first > WIDEST_READ and len(positions) > 1:
            half = len(positions) // 2
            parts = (self._at(positions[:half], speeds[:half]), self._at(positions[half:], speeds[half:]))
            return np.concatenate(parts)
        before = TAPS // 2 - 1
        source = read_padded(self.signal, first - before, last + TAPS // 2 + 1)
        levels = np.maximum(0, np.ceil((speeds - 1.02) * CUTOFF_STEPS)).astype(np.int64)
        out = np.empty((len(positions), self.channels), dtype=np.float32)
        for level in np.unique(levels).tolist():
            chosen = levels == level
            out[chosen] = _interpolated(source, positions[chosen], first, _kernel(level))
        return out


def _snapped(positions: Seconds) -> Seconds:
    """Undo the rounding of frames to seconds and back, so that reading exactly on a frame returns its bits."""
    whole = np.rint(positions)
    return np.where(np.abs(positions - whole) < SNAP_FRAMES, whole, positions)


def _interpolated(source: Samples, positions: Seconds, first: int, kernel: tuple[Samples, Samples]) -> Samples:
    table, steps = kernel
    whole = np.floor(positions).astype(np.int64)
    phase = (positions - whole) * PHASES
    row = np.minimum(phase.astype(np.int64), PHASES - 1)
    weights = steps[row]
    weights *= (phase - row).astype(np.float32)[:, None]
    weights += table[row]
    out = np.empty((len(positions), source.shape[1]), dtype=np.float32)
    for channel in range(source.shape[1]):
        column = np.ascontiguousarray(source[:, channel])
        windows = np.lib.stride_tricks.sliding_window_view(column, TAPS)[whole - first]
        windows *= weights
        out[:, channel] = windows.sum(axis=1)
    return out


def warp(signal: Signal, map_: Mapping, frames: int | None = None, rate: int | None = None) -> WarpedSignal:
    """Read `signal` through `map_`; length and rate are those of the signal unless given."""
    return WarpedSignal(
        signal, map_, signal.frames if frames is None else frames, signal.rate if rate is None else rate
    )
