"""Where a recording was cut off: the wall of a lossy encoder, of a steep filter, or of a lower rate it once had.

Nothing can be compared above a wall. A slope with which instruments fade by nature is no wall: it is part of the truth,
however quiet it ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from engine.audio.stft import Stft
from training.data.decoded import Samples

Levels = NDArray[np.float64]  # dB by bin

STFT: Final = Stft(2048, 512)
SOUNDING_DB: Final = 50.0  # a frame counts if it is so near the loudest
# Of 91 recordings of validation at 44.1 and 48 kHz, at 12 dB five voices and a trumpet had a wall where nothing cut
# them off; at 15 dB one encoder's was missed.
FALL_DB: Final = 14.0  # of a wall ...
BAND_HZ: Final = 400.0  # ... between the levels of two bands of this width, ...
UNDER_HZ: Final = 300.0  # ... the middle of one so far under the wall
OVER_HZ: Final = 350.0  # ... and of the other over it: 250 Hz lie between them
# Natural slopes are so many dB per octave, not per Hz: under this the same fall is asked for per octave, 120 dB.
STEADY_HZ: Final = 8000.0
LOWEST_HZ: Final = 1000.0
UNHEARD_DB: Final = -84.0  # over the mean bin: there the log-spectral distance at -25 dBFS has its floor
SMOOTH_HZ: Final = 200.0
STEEP_DB: Final = 3.0  # per SMOOTH_HZ, on the slope of a wall
SLOPE_HZ: Final = 1500.0  # such a slope is no longer
PASSED: Final = 0.95  # of a rate's Nyquist frequency, before the slope of its anti-aliasing filter
_SILENT: Final = 1e-12  # of the mean bin's power
_MOST_FRAMES: Final = 1000  # that are looked at, spread evenly


@dataclass(frozen=True)
class Wall:
    """What ends a recording's band before half its rate does."""

    begins_hz: float  # where the level begins to fall: what lies above can't be compared
    middle_hz: float
    frames: Literal["all", "most"]  # a filter takes its share from all frames, a lossy encoder from most


def find_wall(samples: Samples, rate: int) -> Wall | None:
    """Return the lowest wall of a recording, None if there is none.

    Parameters
    ----------
    samples
        Mono, shape (samples,), at any level.

    Notes
    -----
    The mean level of the frames that sound shows what a filter cut; a lossy encoder leaves the top out of most frames
    and not of all, which their median level shows. Either has to fall by 14 dB within 250 Hz at 8 kHz or more, by as
    much per octave below that, and for good. The last 5 % of the band belong to the rate, whose own filter ends there.
    """
    if len(samples) < STFT.fft:
        return None
    mean, median = spectra_db(samples)
    in_all, in_most = _steepest(mean, rate, "all"), _steepest(median, rate, "most")
    if in_all is None or in_most is None:
        return in_all or in_most
    lower = min(in_all, in_most, key=lambda wall: wall.begins_hz)
    return replace(lower, frames="all") if abs(in_all.middle_hz - in_most.middle_hz) < SLOPE_HZ else lower


def spectra_db(samples: Samples) -> tuple[Levels, Levels]:
    """Return mean and median power of each bin over the frames that sound, in dB over the mean bin; shape (bins,)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, STFT.fft)[:: STFT.hop]  # all of them inside
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), _MOST_FRAMES)).astype(int))
    spectra = np.fft.rfft(frames[chosen] * STFT.window, axis=1)
    power = spectra.real**2 + spectra.imag**2
    whole = power.sum(axis=1)
    sounding = power[whole >= whole.max() * 10.0 ** (-SOUNDING_DB / 10.0)]
    mean, median = sounding.mean(axis=0), np.median(sounding, axis=0)
    one = float(mean.mean()) or 1.0
    lowest = 10.0 ** (UNHEARD_DB / 10.0)
    return 10.0 * np.log10(mean / one + _SILENT), 10.0 * np.log10(np.maximum(median / one, lowest))


def _steepest(levels: Levels, rate: int, frames: Literal["all", "most"]) -> Wall | None:
    """Return the steepest fall if it is one of a wall."""
    step, last = rate / STFT.fft, round(PASSED * STFT.fft / 2)
    under, over, width = (round(hertz / step) for hertz in (UNDER_HZ, OVER_HZ, BAND_HZ))
    at = np.arange(max(under, round(LOWEST_HZ / step)), last - over + width // 4)
    if not len(at):
        return None
    fall = _falls(levels[:last], at - under, np.minimum(at + over, last - 1), width)
    fall *= np.minimum(1.0, at * step / STEADY_HZ)
    if fall.max() < FALL_DB:
        return None
    # The fall is nearly the same wherever the wall lies between both bands.
    middle = int(at[fall > fall.max() - 3.0].mean())
    return Wall(_beginning(levels, middle, step) * step, middle * step, frames)


def _falls(levels: Levels, under: NDArray[np.int_], over: NDArray[np.int_], width: int) -> Levels:
    """Return by how much levels fall for good between two bins, each the middle of a band of `width` bins."""
    mean = scipy.ndimage.uniform_filter1d(levels, width, mode="nearest")
    median = scipy.ndimage.median_filter(levels, width | 1, mode="nearest")
    # Between two formants a voice falls as far, and comes back.
    highest_from = np.maximum.accumulate(mean[::-1])[::-1]
    # The last partial of an instrument moves the mean of a band alone, a gap between two of them its median.
    return np.asarray(np.minimum(mean[under] - highest_from[over], median[under] - median[over]))


def _beginning(levels: Levels, middle: int, step: float) -> int:
    """Return the bin at which the slope of a wall begins."""
    width = max(1, round(SMOOTH_HZ / step))
    smooth = np.convolve(np.pad(levels, width // 2, mode="edge"), np.ones(width) / width, mode="valid")
    at, lowest = middle, max(2 * width, middle - round(SLOPE_HZ / step))
    # Two steps at once: an encoder's slope has terraces.
    while at > lowest and max(smooth[at - width] - smooth[at], (smooth[at - 2 * width] - smooth[at]) / 2) > STEEP_DB:
        at -= width
    return at
