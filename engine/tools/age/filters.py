"""What a horn, a disc and an amplifier let through: band limits and resonances, without delay.

Filters are linear-phase, so that an aged recording can be compared with its source sample by sample. Only the band
limits also come in a causal form, as real electronics have them; it exists to repeat published protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from engine.audio.fir import Fir

Hertz = NDArray[np.float64]
Magnitude = Callable[[Hertz], NDArray[np.float64]]

BAND_ORDER = 4  # of both Butterworth edges: 24 dB per octave
LONGEST_S = 0.5  # on each side of time zero
OPEN_EDGE = 0.98  # of Nyquist: a low-pass above it is left out


class Peak(NamedTuple):
    """One resonance."""

    hertz: float
    gain_db: float
    q: float


def linear_phase(magnitude: Magnitude, rate: int, half_s: float) -> Fir:
    """Design a filter without delay by frequency sampling.

    Parameters
    ----------
    magnitude
        Gain at each frequency in Hz, which should be smooth on the scale of 1 / `half_s` Hz.
    half_s
        Length on each side of time zero. The last fifth of it is faded out.
    """
    half = max(8, round(half_s * rate))
    grid = int(scipy.fft.next_fast_len(max(8 * half, 4096), real=True))
    gain = magnitude(np.arange(grid // 2 + 1, dtype=np.float64) * (rate / grid))
    impulse = scipy.fft.irfft(gain, n=grid)
    taps = np.concatenate([impulse[-half:], impulse[: half + 1]]) * _taper(half)
    return Fir(taps, half)


def _taper(half: int) -> NDArray[np.float64]:
    """Return 1 with a raised-cosine fade over the outer fifth of each side, shape (2 half + 1,)."""
    distance = np.abs(np.arange(-half, half + 1)) / half
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.clip(5.0 * distance - 4.0, 0.0, 1.0)))


def butterworth_magnitude(hertz: Hertz, low_pass_hz: float | None, high_pass_hz: float | None) -> NDArray[np.float64]:
    """Return |H| of a Butterworth low-pass and high-pass of order 4; None leaves an edge out."""
    gain = np.ones_like(hertz)
    if low_pass_hz is not None:
        gain = gain / np.sqrt(1.0 + (hertz / low_pass_hz) ** (2 * BAND_ORDER))
    if high_pass_hz is not None:
        ratio = (hertz / high_pass_hz) ** (2 * BAND_ORDER)
        gain = gain * np.sqrt(ratio / (1.0 + ratio))
    return np.asarray(gain)


@lru_cache(maxsize=16)
def band_limits(rate: int, low_pass_hz: float | None, high_pass_hz: float | None) -> Fir:
    """Return the band limits without delay; -3 dB at each edge, 24 dB per octave beyond."""
    low_pass_hz = _below_nyquist(low_pass_hz, rate)
    return linear_phase(
        lambda hertz: butterworth_magnitude(hertz, low_pass_hz, high_pass_hz), rate, _decay_s(low_pass_hz, high_pass_hz)
    )


@lru_cache(maxsize=16)
def causal_band_limits(rate: int, low_pass_hz: float | None, high_pass_hz: float | None) -> Fir:
    """Return the band limits as electronics have them: a digital Butterworth filter's impulse response, cut at -100 dB.

    The delay depends on the frequency; see `band_delay_s`.
    """
    import scipy.signal  # costs a second: only who asks for it pays

    impulse = np.zeros(2 * max(8, round(_decay_s(low_pass_hz, high_pass_hz) * rate)))
    impulse[0] = 1.0
    for sections in _sections(rate, low_pass_hz, high_pass_hz):
        impulse = np.asarray(scipy.signal.sosfilt(sections, impulse))
    return Fir(impulse, 0)


def band_delay_s(rate: int, low_pass_hz: float | None, high_pass_hz: float | None) -> float:
    """Return the group delay of the causal band limits in the (geometric) middle of the band."""
    import scipy.signal

    low, high = high_pass_hz or 20.0, _below_nyquist(low_pass_hz, rate) or rate / 2
    middle = np.sqrt(low * high) * np.array([0.999, 1.001])
    phase = np.zeros(2)
    for sections in _sections(rate, low_pass_hz, high_pass_hz):
        phase = phase + np.unwrap(np.angle(scipy.signal.sosfreqz(sections, middle, fs=rate)[1]))
    return float(-(phase[1] - phase[0]) / (2 * np.pi * (middle[1] - middle[0])))


def horn(hertz: float, gain_db: float, q: float) -> tuple[Peak, ...]:
    """Return the resonances of a horn whose first one is given: the next two are weaker, about an octave apart."""
    return (
        Peak(hertz, gain_db, q),
        Peak(hertz * 2.1, gain_db * 0.6, q * 1.3),
        Peak(hertz * 3.4, gain_db * 0.4, q * 1.6),
    )


@lru_cache(maxsize=16)
def resonances(rate: int, peaks: tuple[Peak, ...]) -> Fir:
    """Return peaks of gain (each a bell of width `hertz / q`) without delay. Peaks above Nyquist are left out."""
    audible = [peak for peak in peaks if peak.hertz < rate / 2]
    # A resonance rings for q / (pi f): ten times that is 87 dB.
    ring_s = max((10.0 * peak.q / (np.pi * peak.hertz) for peak in audible), default=0.01)
    return linear_phase(lambda hertz: _bells(hertz, audible), rate, min(LONGEST_S, max(0.01, ring_s)))


def _bells(hertz: Hertz, peaks: Sequence[Peak]) -> NDArray[np.float64]:
    """Return the product of analogue peaking equalisers, |(s² + sA/Q + 1) / (s² + s/(AQ) + 1)| each."""
    gain = np.ones_like(hertz)
    for peak in peaks:
        ratio = hertz / peak.hertz
        a = 10.0 ** (peak.gain_db / 40.0)
        real = (1.0 - ratio**2) ** 2
        gain = gain * np.sqrt((real + (ratio * a / peak.q) ** 2) / (real + (ratio / (a * peak.q)) ** 2))
    return np.asarray(gain)


def _below_nyquist(low_pass_hz: float | None, rate: int) -> float | None:
    return None if low_pass_hz is None or low_pass_hz >= OPEN_EDGE * rate / 2 else low_pass_hz


def _decay_s(low_pass_hz: float | None, high_pass_hz: float | None) -> float:
    # The slowest pole of order 4 decays by 100 dB in 4.8 / f seconds.
    slowest = min(edge for edge in (low_pass_hz, high_pass_hz, 2000.0) if edge is not None)
    return min(LONGEST_S, 5.0 / slowest)


def _sections(rate: int, low_pass_hz: float | None, high_pass_hz: float | None) -> list[NDArray[np.float64]]:
    import scipy.signal

    edges = (("lowpass", _below_nyquist(low_pass_hz, rate)), ("highpass", high_pass_hz))
    return [
        scipy.signal.butter(BAND_ORDER, edge, kind, fs=rate, output="sos") for kind, edge in edges if edge is not None
    ]
