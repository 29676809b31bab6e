"""Speed that never stands still, in closed form: the truth of every pair that is bent in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Seconds = NDArray[np.float64]

SLOWEST_PERIOD_S, FASTEST_PERIOD_S = 60.0, 7.0  # of a performer's tempo
WOW_HZ: Final = 1.3  # once per turn at 78 rpm
NEWTON_STEPS: Final = 60


@dataclass(frozen=True)
class Swing:
    """One periodic deviation of the slope."""

    depth: float  # peak
    hertz: float
    phase: float  # radians at time 0


@dataclass(frozen=True)
class SpeedCurve:
    """A strictly increasing map of seconds whose slope is a constant and some sines; 0 goes to `offset_s`.

    `engine.audio.warp` reads through it as it does through a TimeMap.

    Raises
    ------
    ValueError
        If the slope could fall to 0.
    """

    slope: float
    swings: tuple[Swing, ...] = ()
    offset_s: float = 0.0

    def __post_init__(self) -> None:
        if self.slope <= sum(abs(swing.depth) for swing in self.swings):
            raise ValueError(f"a slope of {self.slope} is no more than its swings: time would run backwards")

    def target_at(self, seconds: ArrayLike) -> Seconds:
        """Map forwards, same shape."""
        moments = np.asarray(seconds, dtype=np.float64)
        mapped = self.offset_s + self.slope * moments
        for swing in self.swings:
            turn = 2.0 * np.pi * swing.hertz
            mapped = mapped + swing.depth / turn * (np.cos(swing.phase) - np.cos(turn * moments + swing.phase))
        return np.asarray(mapped)

    def speed_at(self, seconds: ArrayLike) -> Seconds:
        """Return the slope, same shape."""
        moments = np.asarray(seconds, dtype=np.float64)
        slope = np.full(moments.shape, self.slope)
        for swing in self.swings:
            slope = slope + swing.depth * np.sin(2.0 * np.pi * swing.hertz * moments + swing.phase)
        return slope

    def source_at(self, seconds: ArrayLike) -> Seconds:
        """Map backwards, to 1e-12 s, same shape."""
        wanted = np.asarray(seconds, dtype=np.float64)
        at = (wanted - self.offset_s) / self.slope
        reach = sum(swing.depth / (np.pi * swing.hertz) for swing in self.swings) / self.slope
        low, high = at - reach, at + reach
        for _ in range(NEWTON_STEPS):
            miss = self.target_at(at) - wanted
            if np.abs(miss).max(initial=0.0) < 1e-12:
                break
            low, high = np.where(miss < 0.0, at, low), np.where(miss > 0.0, at, high)
            step = at - miss / self.speed_at(at)
            # Newton's step may leave the bracket where the slope changes fast.
            at = np.where((step > low) & (step < high), step, (low + high) / 2.0)
        return np.asarray(at)


def drawn_tempo(rng: np.random.Generator, slowest: float = 0.75, fastest: float = 1.35) -> SpeedCurve:
    """Draw a slope that wanders between two bounds with periods from 7 to 60 s, never constant for a moment."""
    middle, reach = (slowest + fastest) / 2.0, (fastest - slowest) / 2.0
    periods = np.exp(rng.uniform(np.log(FASTEST_PERIOD_S), np.log(SLOWEST_PERIOD_S), 4))
    shares = rng.uniform(0.4, 1.0, 4)
    depths = reach * shares / shares.sum()
    phases = rng.uniform(0.0, 2.0 * np.pi, 4)
    swings = zip(depths, 1.0 / periods, phases, strict=True)
    return SpeedCurve(middle, tuple(Swing(float(d), float(h), float(p)) for d, h, p in swings))


def disc_speed(rng: np.random.Generator, percent_fast: float, wow_percent: float, wow_hz: float = WOW_HZ) -> SpeedCurve:
    """A disc that turns too fast and is off its centre: seconds of the copy to seconds of the original."""
    slope = 1.0 + percent_fast / 100.0
    return SpeedCurve(slope, (Swing(slope * wow_percent / 100.0, wow_hz, float(rng.uniform(0.0, 2.0 * np.pi))),))
