"""A Signal at a whole multiple of its rate, through its samples by a cubic spline.

It is where the AFiLM and TFiLM networks start from, in training as in use. The spline through endlessly many knots is
a sum of shifted kernels that fall by 3.7 from knot to knot, so a sample follows from its neighbourhood alone: any
span has the same bits.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Samples, Signal, check_span

_ROOT: Final = math.sqrt(3.0)
_POLE: Final = _ROOT - 2.0  # of the B-spline prefilter: -0.268
_REACH: Final = 32  # knots after which it has fallen to 5e-19, under the last bit of a float64
_MARGIN: Final = _REACH + 2  # and the four B-splines that a sample lies under
_BLOCK: Final = 1 << 14  # source frames at a time, so that long spans cost no more memory than their result


class SplineSignal:
    """`signal` with `factor` times as many frames, each source frame kept as it is.

    Frame k * factor of the result is frame k of the source. After the last source frame the curve runs on towards
    its mirror image.

    Raises
    ------
    ValueError
        If `factor` isn't positive.

    Notes
    -----
    The interpolating cubic spline by its B-spline prefilter (Unser, Aldroubi and Eden, 1993). Beyond either end the
    knots are mirrored without an end, because a cubic extrapolates wildly where there are none; the not-a-knot spline
    (`scipy.interpolate.CubicSpline`) through the recording and 64 mirrored knots at either end is the same to 1e-6.
    """

    def __init__(self, signal: Signal, factor: int) -> None:
        if factor < 1:
            raise ValueError(f"factor must be positive, got {factor}")
        self._signal, self._factor = signal, factor
        self.rate = signal.rate * factor
        self.channels = signal.channels
        self.frames = signal.frames * factor

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        if self._factor == 1:
            return self._signal.read(start, stop)
        out = np.empty((stop - start, self.channels), dtype=np.float32)
        first, last = start // self._factor, -(-stop // self._factor)
        for knot in range(first, last, _BLOCK):
            part = self._between(knot, min(knot + _BLOCK, last))
            at = knot * self._factor - start  # negative where the span begins between two knots
            out[max(0, at) : at + len(part)] = part[max(0, -at) : len(out) - at]
        return out

    def _between(self, first: int, last: int) -> Samples:
        """From source frame `first` up to `last`, shape ((last - first) * factor, channels)."""
        given = _mirrored(self._signal, first - _MARGIN, last + _MARGIN).astype(np.float64)
        heights = _prefiltered(given)  # (last - first + 4, channels), from knot first - 2 on
        frames = last - first
        out = np.empty((frames, self._factor, self.channels), dtype=np.float32)
        out[:, 0] = given[_MARGIN : _MARGIN + frames]
        for phase in range(1, self._factor):
            weights = _b_splines(phase / self._factor)
            value = weights[0] * heights[1 : 1 + frames]
            for shift in (1, 2, 3):
                value += weights[shift] * heights[1 + shift : 1 + shift + frames]
            out[:, phase] = value
        return out.reshape(-1, self.channels)


def _mirrored(signal: Signal, start: int, stop: int) -> Samples:
    """Read a span that may reach beyond the ends, where the signal runs back from its last frame."""
    if start >= 0 and stop <= signal.frames:
        return signal.read(start, stop)
    period = max(1, 2 * (signal.frames - 1))
    place = np.abs((np.arange(start, stop) + period // 2) % period - period // 2)
    place = np.minimum(place, signal.frames - 1)
    low, high = int(place.min()), int(place.max()) + 1
    return np.asarray(signal.read(low, high)[place - low], dtype=np.float32)


def _prefiltered(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights of the B-splines whose sum goes through the samples; `_REACH` shorter at either end."""
    frames = len(samples) - 2 * _REACH
    heights = _ROOT * samples[_REACH : _REACH + frames]
    # Sample by sample and in one order, so that a span's position can't change its last bit.
    for reach in range(1, _REACH + 1):
        pair = samples[_REACH - reach : _REACH - reach + frames] + samples[_REACH + reach : _REACH + reach + frames]
        heights += _ROOT * _POLE**reach * pair
    return heights


def _b_splines(t: float) -> tuple[float, float, float, float]:
    """The four cubic B-splines at `t`, 0 to 1, between the second and the third knot of four."""
    return (
        (1.0 - t) ** 3 / 6.0,
        (3.0 * t**3 - 6.0 * t**2 + 4.0) / 6.0,
        (-3.0 * t**3 + 3.0 * t**2 + 3.0 * t + 1.0) / 6.0,
        t**3 / 6.0,
    )
