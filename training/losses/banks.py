"""Windows, mel and chroma banks, and the A-weighting filter: the constants that spectral losses multiply with.

Each is built once per settings and process, on the CPU; a loss holds its own copy as a buffer that follows it to its
device and stays out of checkpoints.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from torch import Tensor

WINDOWS: Final = ("hann_window", "bartlett_window", "blackman_window", "hamming_window", "kaiser_window")
A_WEIGHTING_POLES_HZ: Final = (20.598997, 107.65265, 737.86223, 12194.217)  # IEC 61672-1, f1 to f4
A_WEIGHTING_AT_1_KHZ_DB: Final = 1.9997  # what the poles alone lack there
A_WEIGHTING_FREQUENCIES: Final = 512  # of the curve that the taps are fitted to


def window(name: str, samples: int) -> Tensor:
    """Return a periodic window, shape (samples,), by torch's name for it.

    Raises
    ------
    ValueError
        If torch has no window of that name.
    """
    if not name.endswith("_window") or not hasattr(torch, name):
        raise ValueError(f"no window {name!r}: take one of {', '.join(WINDOWS)}")
    found: Tensor = getattr(torch, name)(samples)
    return found


def bank(scale: str, rate: float, fft: int, bands: int, warn: bool = True) -> Tensor:
    """Return librosa's "mel" (Slaney) or "chroma" bank without its empty bands, shape (bands left, fft // 2 + 1).

    Raises
    ------
    ValueError
        On another scale, or more bands than `fft`.

    Notes
    -----
    A mel band narrower than the spacing of the bins catches none of them; its logarithm would be minus infinity on
    both sides, and their difference no number. Such bands are left out, with a warning unless `warn` is off.
    """
    if scale not in ("mel", "chroma"):
        raise ValueError(f"scale must be 'mel' or 'chroma'; it is {scale!r}")
    if not 0 < bands <= fft:
        raise ValueError(f"{scale} needs between 1 and {fft} bands with an FFT of {fft}; got {bands}")
    found = _bank(scale, rate, fft, bands)
    if warn and len(found) < bands:
        warnings.warn(
            f"{bands - len(found)} of {bands} {scale} bands catch no bin of an FFT of {fft} at {rate:g} Hz "
            "and are left out",
            stacklevel=4,
        )
    return found.clone()


@lru_cache(maxsize=64)
def _bank(scale: str, rate: float, fft: int, bands: int) -> Tensor:
    import librosa.filters  # a second's work, and only banks want it

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Empty filters")
        if scale == "mel":
            full = librosa.filters.mel(sr=rate, n_fft=fft, n_mels=bands)
        else:
            full = librosa.filters.chroma(sr=rate, n_fft=fft, n_chroma=bands)
    used = full.any(axis=1)
    if not used.any():
        raise ValueError(f"no {scale} band of {bands} catches a bin of an FFT of {fft} at {rate} Hz: take fewer bands")
    return torch.from_numpy(np.ascontiguousarray(full[used], dtype=np.float32))


@lru_cache(maxsize=16)
def _a_weighting(rate: float, taps: int) -> Tensor:
    from scipy import signal

    low, second, third, high = (2.0 * math.pi * hz for hz in A_WEIGHTING_POLES_HZ)
    gain = high**2 * 10.0 ** (A_WEIGHTING_AT_1_KHZ_DB / 20.0)
    digital = signal.bilinear_zpk([0.0] * 4, [-low, -low, -second, -third, -high, -high], gain, rate)
    frequencies, response = signal.freqz_zpk(*digital, worN=A_WEIGHTING_FREQUENCIES, fs=rate)
    return torch.from_numpy(signal.firls(taps, frequencies, np.abs(response), fs=rate).astype(np.float32))


def a_weighting(rate: float, taps: int = 101) -> Tensor:
    """Return a linear-phase A-weighting filter, shape (taps,), an odd number, for a rate in Hz.

    The bilinear transform of the curve of IEC 61672-1, fitted by least squares: between the low poles, which so few
    taps can't tell apart, it is coarse, and above a quarter of the rate it inherits the bilinear transform's droop.
    """
    return _a_weighting(float(rate), taps).clone()
