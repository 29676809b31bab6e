"""Hum from the mains: a fundamental near 50 or 60 Hz that wanders a little, and its harmonics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.audio.signal import Samples
from engine.tools.age.draws import Generator

GRID = 16_384  # samples computed together, always the same ones
WANDER_HZ = 0.05  # how far the fundamental strays, once in
WANDER_PERIOD_S = (20.0, 60.0)
SPREAD_DB = 4.0  # of the harmonics around 1/k


@dataclass(frozen=True)
class Hum:
    """A harmonic tone, the same on every channel."""

    hertz: float
    amplitudes: tuple[float, ...]  # of harmonics 1, 2, ...
    phases: tuple[float, ...]  # radians
    wander_hz: float
    wander_period_s: float

    @staticmethod
    def drawn(generator: Generator, hertz: float, rms_db: float, harmonics: int) -> Hum:
        """Draw harmonics around 1/k. `rms_db` is the level of them all, in dB below an RMS of full scale."""
        numbers = np.arange(1, harmonics + 1)
        spread = generator.normal(0.0, SPREAD_DB, harmonics)
        phases = generator.uniform(0.0, 2.0 * np.pi, harmonics)
        period = float(generator.uniform(*WANDER_PERIOD_S))
        weights = 10.0 ** (spread / 20.0) / numbers
        amplitudes = weights / np.sqrt(np.sum(weights**2) / 2.0) * 10.0 ** (rms_db / 20.0)
        return Hum(hertz, tuple(amplitudes.tolist()), tuple(phases.tolist()), WANDER_HZ, period)

    def frequency_at(self, seconds: float) -> float:
        """Return the fundamental at a moment, Hz."""
        return self.hertz + self.wander_hz * float(np.cos(2.0 * np.pi * seconds / self.wander_period_s))

    def wave(self, rate: int, start: int, stop: int) -> Samples:
        """Return frames `start` to `stop` (0 or more), shape (stop - start, 1)."""
        out = np.empty((stop - start, 1), dtype=np.float32)
        for first in range(start - start % GRID, stop if stop > start else 0, GRID):
            a, b = max(start, first), min(stop, first + GRID)
            out[a - start : b - start, 0] = self._block(rate, first)[a - first : b - first]
        return out

    def _block(self, rate: int, first: int) -> Samples:
        seconds = np.arange(first, first + GRID) / rate
        turns = self.hertz * seconds
        turns += (
            self.wander_hz * self.wander_period_s / (2 * np.pi) * np.sin(2 * np.pi / self.wander_period_s * seconds)
        )
        angle = ((turns - np.floor(turns)) * (2.0 * np.pi)).astype(np.float32)
        tone = np.cos(angle) + np.complex64(1j) * np.sin(angle)
        power, out = np.ones_like(tone), np.zeros(GRID, dtype=np.float32)
        for number, (amplitude, phase) in enumerate(zip(self.amplitudes, self.phases, strict=True), start=1):
            power = power * tone
            if number * (self.hertz + self.wander_hz) < rate / 2:
                out += (power * np.complex64(amplitude * np.exp(1j * phase))).real
        return out
