"""Measures of uneven speed: what is left of wow and flutter, in cents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.quality.cases import Material, Samples
from training.quality.contenders import Answer
from training.quality.measures.base import Measure, NotMeasurableError

GRID_HZ: Final = 100.0
Doubles = NDArray[np.float64]


class SpeedCurve:
    """A deviation of pitch over time, linear between its points."""

    def __init__(self, seconds: ArrayLike, cents: ArrayLike) -> None:
        self.seconds = np.asarray(seconds, dtype=np.float64)
        self.cents = np.asarray(cents, dtype=np.float64)
        if self.seconds.shape != self.cents.shape or self.seconds.ndim != 1 or len(self.seconds) < 2:
            raise ValueError(
                f"a curve needs two columns of 2 points or more, got {self.seconds.shape}, {self.cents.shape}"
            )
        if np.any(np.diff(self.seconds) <= 0.0):
            raise ValueError("the moments of a curve must rise")

    def at(self, seconds: Doubles) -> Doubles:
        """Return the cents at these moments."""
        return np.asarray(np.interp(seconds, self.seconds, self.cents))


def residual_cents_rms(truth: SpeedCurve, found: SpeedCurve) -> float:
    """Return the RMS of `found` less `truth` in cents, without its mean, at 100 Hz over the time both cover.

    The mean is left out: a constant speed is no wow.

    Raises
    ------
    ValueError
        If they share less than a tenth of a second.
    """
    start, stop = max(truth.seconds[0], found.seconds[0]), min(truth.seconds[-1], found.seconds[-1])
    if stop - start < 0.1:
        raise ValueError(f"the curves share {max(0.0, stop - start):.3f} s, too little to compare")
    moments = np.arange(start, stop, 1.0 / GRID_HZ)
    return float(np.std(found.at(moments) - truth.at(moments)))


def cents_of_tone(samples: Samples, rate: int, hertz: float, smooth_s: float = 0.01) -> SpeedCurve:
    """Follow the pitch of one steady tone: the slope of the phase of its analytic signal.

    Parameters
    ----------
    samples
        One channel, shape (frames,): a tone of nearly constant level, other sound at least 40 dB below it.
    hertz
        Its nominal frequency.
    smooth_s
        The slope is a mean over this time.

    Notes
    -----
    0.2 s at either end are left out, where the analytic signal of a cut tone rings.
    """
    import scipy.signal

    phase = np.unwrap(np.angle(scipy.signal.hilbert(np.asarray(samples, dtype=np.float64))))
    step = max(1, round(smooth_s * rate))
    found = (phase[step:] - phase[:-step]) / (2.0 * np.pi * step / rate)
    moments = (np.arange(len(found)) + step / 2.0) / rate
    inside = (moments > 0.2) & (moments < len(samples) / rate - 0.2)
    if np.count_nonzero(inside) < 2:
        raise ValueError(f"{len(samples) / rate:.2f} s of a tone are too short to follow")
    return SpeedCurve(moments[inside], 1200.0 * np.log2(np.maximum(found[inside], 1e-3) / hertz))


def wow_left(material: Material, answer: Answer) -> float:
    """RMS in cents, at 100 Hz and without its mean, of the found speed curve less the true one."""
    return residual_cents_rms(
        _curve(material.facts, "the material states no speed curve"),
        _curve(answer.facts, "the contender finds no speed curve"),
    )


def _curve(facts: Mapping[str, Any], reason: str) -> SpeedCurve:
    curve = facts.get("speed_cents")
    if not isinstance(curve, SpeedCurve):
        raise NotMeasurableError(reason)
    return curve


MEASURES: Final = (Measure("wow left", "cents RMS", "lower", str(wow_left.__doc__), wow_left),)
