"""The exact map of time from a score to a performance, or from one performance to another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Times = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TimeCurve:
    """A strictly increasing, piecewise linear map of seconds; beyond its ends it goes on with the last slope."""

    source_s: Times
    target_s: Times

    def __post_init__(self) -> None:
        for times in (self.source_s, self.target_s):
            if len(times) < 2 or len(times) != len(self.source_s) or not (np.diff(times) > 0.0).all():
                raise ValueError("a time curve needs two or more knots that increase strictly on both sides")
            times.flags.writeable = False

    def at(self, seconds: ArrayLike) -> Times:
        """Map source to target."""
        return _interpolate(np.asarray(seconds, dtype=np.float64), self.source_s, self.target_s)

    def inverse(self) -> TimeCurve:
        """The map from target to source."""
        return TimeCurve(self.target_s, self.source_s)

    def scaled(self, factor: float) -> TimeCurve:
        """The same with target seconds `factor` times as long."""
        return TimeCurve(self.source_s, self.target_s * factor)

    def then(self, other: TimeCurve) -> TimeCurve:
        """This map and `other` after it, exact at every knot of both."""
        knots = np.unique(np.concatenate([self.source_s, self.inverse().at(other.source_s)]))
        target = other.at(self.at(knots))
        # Knots of the two that fall together up to rounding can't both be kept.
        kept = np.concatenate([[True], (np.diff(knots) > 1e-9) & (np.diff(target) > 1e-9)])
        return TimeCurve(knots[kept], target[kept])


def _interpolate(at: Times, source: Times, target: Times) -> Times:
    place = np.clip(np.searchsorted(source, at, side="right") - 1, 0, len(source) - 2)
    slope = (target[place + 1] - target[place]) / (source[place + 1] - source[place])
    mapped: Times = target[place] + (at - source[place]) * slope
    return mapped
