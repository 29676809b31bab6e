"""Uneven speed: wow (once per turn), flutter (faster) and drift (slow and irregular), as one curve in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.audio.signal import ArraySignal, Samples
from engine.audio.timemap import TimeMap
from engine.audio.warp import warp
from engine.tools.age.draws import Generator

Seconds = NDArray[np.float64]

DRIFT_SWINGS = 6
DRIFT_HZ = (0.05, 0.5)
MAP_ERROR_S = 1e-8  # of a time map with linear pieces against the curve: 0.0005 samples at 44.1 kHz
MOST_KNOTS_PER_S = 2000


class Swing(NamedTuple):
    """One periodic deviation of the speed."""

    depth: float  # peak, as a fraction of the speed: 0.003 is 0.3 %
    hertz: float
    phase: float  # radians at the start of the recording


@dataclass(frozen=True)
class Wobble:
    """Where the aged recording reads its source: it keeps start, end and length, and wanders in between.

    The wandering is the integral of the swings, less the straight line that would remain at the end.
    """

    swings: tuple[Swing, ...]
    seconds: float  # length of the recording
    delay_s: float = 0.0  # of everything before it in the chain, constant

    @staticmethod
    def drawn(
        generator: Generator,
        seconds: float,
        wow_percent: float = 0.3,
        wow_hz: float = 1.30,
        flutter_percent: float = 0.1,
        flutter_hz: float = 8.0,
        drift_percent: float = 0.0,
    ) -> Wobble:
        """Draw phases (and the drift's frequencies). Wow and flutter are peak values, drift is RMS."""
        phases = generator.uniform(0.0, 2.0 * np.pi, 2 + DRIFT_SWINGS)
        slow = generator.uniform(*DRIFT_HZ, DRIFT_SWINGS)
        each = drift_percent / 100.0 * np.sqrt(2.0 / DRIFT_SWINGS)
        swings = [Swing(wow_percent / 100.0, wow_hz, phases[0]), Swing(flutter_percent / 100.0, flutter_hz, phases[1])]
        swings += [Swing(each, hertz, phase) for hertz, phase in zip(slow, phases[2:], strict=True)]
        plain = (Swing(*(float(value) for value in swing)) for swing in swings)
        return Wobble(tuple(swing for swing in plain if swing.depth), seconds)

    def displacement_at(self, seconds: ArrayLike) -> Seconds:
        """Return by how much the source's time runs ahead of the result's, in seconds; 0 at both ends."""
        moments = np.asarray(seconds, dtype=np.float64)
        return self._integral(moments) - self._slope() * moments

    def speed_at(self, seconds: ArrayLike) -> Seconds:
        """Return seconds of source per second of result."""
        moments = np.asarray(seconds, dtype=np.float64)
        speed = np.ones_like(moments) - self._slope()
        for swing in self.swings:
            speed += swing.depth * np.sin(2.0 * np.pi * swing.hertz * moments + swing.phase)
        return np.asarray(speed)

    def target_at(self, seconds: ArrayLike) -> Seconds:
        """Return the moments of the source that sound at these moments of the result."""
        return np.asarray(seconds, dtype=np.float64) + self.displacement_at(seconds) - self.delay_s

    def cents_at(self, seconds: ArrayLike) -> Seconds:
        """Return the deviation of the pitch."""
        return np.asarray(1200.0 * np.log2(self.speed_at(seconds)))

    def time_map(self) -> TimeMap:
        """Return the curve as a table: `source_s` in the aged recording, `target_s` in its source.

        Linear between knots that stand so close that it is right to 10 ns (or 2000 knots a second).
        """
        bend = sum(swing.depth * 2.0 * np.pi * swing.hertz for swing in self.swings)
        per_s = min(MOST_KNOTS_PER_S, np.sqrt(bend / (8.0 * MAP_ERROR_S)))
        moments = np.linspace(0.0, self.seconds, 2 + int(per_s * self.seconds)) if self.seconds > 0 else np.zeros(1)
        return TimeMap(moments, self.target_at(moments))

    def _slope(self) -> float:
        """Return the mean deviation of the swings over the recording, which is taken out."""
        return (
            float(self._integral(np.array([self.seconds], dtype=np.float64))[0]) / self.seconds if self.seconds else 0.0
        )

    def _integral(self, moments: Seconds) -> Seconds:
        total = np.zeros_like(moments)
        for swing in self.swings:
            turn = 2.0 * np.pi * swing.hertz
            total += swing.depth / turn * (np.cos(swing.phase) - np.cos(turn * moments + swing.phase))
        return total


def wobble(samples: Samples, rate: int, curve: Wobble) -> Samples:
    """Play a whole array, shape (frames,) or (frames, channels), at uneven speed; the length stays."""
    columns = samples if samples.ndim == 2 else samples[:, None]
    # A view of its own: the Signal makes its array read-only, and this one belongs to the caller.
    return warp(ArraySignal(columns.view(), rate), curve).read(0, len(columns)).reshape(samples.shape)
