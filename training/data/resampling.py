"""Changes the rate of sound: with soxr, or with scipy's polyphase filter on machines that have no soxr.

Both keep what lies under 91 % of the lower Nyquist frequency; a run says once which of them it uses.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
from fractions import Fraction
from functools import lru_cache
from typing import Final

import numpy as np
import scipy.signal
from numpy.typing import NDArray

Samples = NDArray[np.float32]
_LARGEST: Final = 2000  # numerator or denominator of a ratio; a pitch is then off by 0.002 cents at most
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
    ratio = Fraction(wanted_rate / given_rate).limit_denominator(_LARGEST)
    response = _low_pass(ratio.numerator, ratio.denominator, quality)
    changed = scipy.signal.resample_poly(samples, ratio.numerator, ratio.denominator, axis=0, window=response)
    return np.ascontiguousarray(changed, dtype=np.float32)


@lru_cache(maxsize=64)
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
