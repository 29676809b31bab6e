"""Noise that never stops: the hiss of a surface or a tape, and the rumble of a motor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.audio.fir import FilteredSignal, Fir
from engine.audio.signal import Samples, Signal, check_span
from engine.tools.age.draws import Draws, Effect, Generator
from engine.tools.age.filters import butterworth_magnitude, linear_phase

GRID = 32_768  # samples drawn together, always the same ones
COLOUR_HALF_S = 0.03
COLOUR_LOWEST_HZ = 40.0  # below it a slope runs flat, or red noise would be all rumble
RUMBLE_HZ = (10.0, 40.0)
RUMBLE_HALF_S = 0.2


@dataclass(frozen=True, eq=False)
class WhiteNoise:
    """Gaussian noise of standard deviation 1, every channel its own, as a Signal."""

    rate: int
    channels: int
    frames: int
    draws: Draws
    effect: Effect

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        out = np.empty((stop - start, self.channels), dtype=np.float32)
        for index in range(start // GRID, -(-stop // GRID) if stop > start else 0):
            first = index * GRID
            a, b = max(start, first), min(stop, first + GRID)
            for channel in range(self.channels):
                generator = self.draws.generator(self.effect, index, channel)
                noise = generator.standard_normal(GRID, dtype=np.float32)
                out[a - start : b - start, channel] = noise[a - first : b - first]
        return out


@dataclass(frozen=True, eq=False)
class Shifted:
    """A Signal without its first frames."""

    signal: Signal
    by: int

    @property
    def rate(self) -> int:
        return self.signal.rate

    @property
    def channels(self) -> int:
        return self.signal.channels

    @property
    def frames(self) -> int:
        return max(0, self.signal.frames - self.by)

    def read(self, start: int, stop: int) -> Samples:
        return self.signal.read(start + self.by, stop + self.by)


@lru_cache(maxsize=16)
def hiss_filter(rate: int, colour_db: float) -> Fir:
    """Return a filter that tilts white noise by `colour_db` per octave and keeps its level (-3 is pink)."""

    def tilt(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        octaves = np.log2(np.maximum(hertz, COLOUR_LOWEST_HZ) / 1000.0)
        return np.asarray(10.0 ** (colour_db * octaves / 20.0))

    return _level_keeping(linear_phase(tilt, rate, COLOUR_HALF_S))


@lru_cache(maxsize=4)
def rumble_filter(rate: int) -> Fir:
    """Return a filter that leaves 10 to 40 Hz of white noise and keeps its level."""
    low, high = RUMBLE_HZ
    return _level_keeping(linear_phase(lambda hertz: butterworth_magnitude(hertz, high, low), rate, RUMBLE_HALF_S))


def hiss_signal(rate: int, channels: int, frames: int, draws: Draws, colour_db: float) -> Signal:
    """Return endless-looking hiss of standard deviation 1 as a Signal."""
    if colour_db == 0.0:
        return WhiteNoise(rate, channels, frames, draws, Effect.HISS)
    return _filtered(hiss_filter(rate, colour_db), channels, frames, rate, draws, Effect.HISS)


def rumble_signal(rate: int, frames: int, draws: Draws) -> Signal:
    """Return rumble of standard deviation 1 as a Signal of one channel: a motor shakes all alike."""
    return _filtered(rumble_filter(rate), 1, frames, rate, draws, Effect.RUMBLE)


def hiss(frames: int, channels: int, rate: int, level: float, colour_db: float, generator: Generator) -> Samples:
    """Return hiss of standard deviation `level` (of full scale) as an array, shape (frames, channels).

    `colour_db` tilts it, in dB per octave.
    """
    white = generator.standard_normal((frames, channels), dtype=np.float32)
    noise = white if colour_db == 0.0 else hiss_filter(rate, colour_db).convolve(white)
    return noise * np.float32(level)


def rumble(frames: int, channels: int, rate: int, level: float, generator: Generator) -> Samples:
    """Return rumble of standard deviation `level` (of full scale) as an array, shape (frames, channels)."""
    white = generator.standard_normal((frames, channels), dtype=np.float32)
    return rumble_filter(rate).convolve(white) * np.float32(level)


def _level_keeping(fir: Fir) -> Fir:
    return Fir(fir.taps / np.sqrt(np.sum(fir.taps**2)), fir.before)


def _filtered(fir: Fir, channels: int, frames: int, rate: int, draws: Draws, effect: Effect) -> Signal:
    # The noise begins before the recording and ends after it, so that its level holds at both ends.
    margin = len(fir.taps)
    white = WhiteNoise(rate, channels, frames + 2 * margin, draws, effect)
    return Shifted(FilteredSignal(white, fir), margin)
