"""Changes the rate of sound: with soxr, or with scipy's polyphase filter on machines that have no soxr.

Both keep what lies under 91 % of the lower Nyquist frequency; a run says once which of them it uses.
"""

from __future__ import annotations

import importlib.util
import math
import multiprocessing
from fractions import Fraction
from functools import lru_cache
from typing import Final

import numpy as np
import scipy.signal
from numpy.typing import NDArray

Samples = NDArray[np.float32]
_CENTS: Final = 0.002  # by which a pitch may be off before a larger ratio is tried
_SIZES: Final = (3000, 6000, 12_000, 24_000)  # of its larger number; the filter grows with it
_HALF_WIDTH: Final = {"HQ": 48, "MQ": 24}  # of the filter, in samples at the lower rate
_STOP_BETA: Final = 10.0  # of the Kaiser window: 100 dB
_PASSED: Final = 0.955  # of the lower Nyquist frequency lies in the middle of the slope


def resampled(samples: Samples, given_rate: float, wanted_rate: float, quality: str = "HQ") -> Samples:
    """Return samples at another rate.

    Parameters
    ----------
    samples
        Shape (frames,) or (frames, channels).
    given_rate, wanted_rate
        In Hz; any ratio.
    quality
        "HQ" or "MQ", soxr's names.

    Returns
    -------
    Samples
        Contiguous float32, of about frames * wanted_rate / given_rate frames.
    """
    if given_rate == wanted_rate:
        return np.ascontiguousarray(samples, dtype=np.float32)
    if has_soxr():
        import soxr

        return np.ascontiguousarray(soxr.resample(samples, given_rate, wanted_rate, quality=quality), dtype=np.float32)
    return polyphase(samples, given_rate, wanted_rate, quality)


def polyphase(samples: Samples, given_rate: float, wanted_rate: float, quality: str = "HQ") -> Samples:
    """What `resampled` does without soxr: a windowed sinc (Kaiser), applied phase by phase."""
    up, down = whole_ratio(given_rate, wanted_rate)
    changed = scipy.signal.resample_poly(samples, up, down, axis=0, window=_low_pass(up, down, quality))
    return np.ascontiguousarray(changed, dtype=np.float32)


def whole_ratio(given_rate: float, wanted_rate: float) -> tuple[int, int]:
    """Return wanted_rate / given_rate as two whole numbers, up to 3000 where that is near enough, else up to 24,000.

    The usual rates are met exactly, any other ratio to 0.002 cents; only right beside a simple ratio, where no fraction
    of this size lies, is a pitch off by up to 0.04 cents (1.00002 becomes 1).
    """
    low, high = sorted((given_rate, wanted_rate))
    for size in _SIZES:
        ratio = Fraction(low / high).limit_denominator(size)
        if ratio and abs(1200.0 * math.log2(ratio * high / low)) <= _CENTS:
            break
    return (ratio.denominator, ratio.numerator) if wanted_rate > given_rate else (ratio.numerator, ratio.denominator)


def resampler_name() -> str:
    """What resamples on this machine; a copy made by another isn't the same."""
    return "soxr" if has_soxr() else "polyphase 2"


@lru_cache(maxsize=16)
def _low_pass(up: int, down: int, quality: str) -> NDArray[np.float32]:
    factor = max(up, down)
    taps = 2 * _HALF_WIDTH[quality] * factor + 1
    response: NDArray[np.float32] = scipy.signal.firwin(taps, _PASSED / factor, window=("kaiser", _STOP_BETA))
    return response.astype(np.float32)


@lru_cache(maxsize=1)
def has_soxr() -> bool:
    """Whether soxr is here; where it isn't, the first process says so."""
    is_here = importlib.util.find_spec("soxr") is not None
    if not is_here and multiprocessing.parent_process() is None:
        print("soxr isn't installed: scipy resamples instead (polyphase, 100 dB)", flush=True)
    return is_here
