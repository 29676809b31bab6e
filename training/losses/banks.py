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
import numpy.typing as npt
import torch
from torch import Tensor

WINDOWS: Final = ("hann_window", "bartlett_window", "blackman_window", "hamming_window", "kaiser_window")
Array = npt.NDArray[np.float64]
MEL_HZ: Final = 200.0 / 3.0  # a mel, up to 1 kHz
MEL_LINEAR_TO_HZ: Final = 1000.0
MEL_LOG_STEP: Final = math.log(6.4) / 27.0  # from there on 27 mel are a factor of 6.4
CHROMA_FROM_HZ: Final = 27.5  # the A that octaves are counted from
CHROMA_CENTRE_OCTAVE: Final = 5.0
CHROMA_OCTAVES: Final = 2.0  # to each side, where the weight has fallen to exp(-1/2)
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
    """Return a "mel" (Slaney) or "chroma" bank without its empty bands, shape (bands left, fft // 2 + 1).

    Raises
    ------
    ValueError
        On another scale, or more bands than `fft`.

    Notes
    -----
    Equal to librosa's, which a machine that only trains needn't have.

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
    full = _mel(rate, fft, bands) if scale == "mel" else _chroma(rate, fft, bands)
    used = full.any(axis=1)
    if not used.any():
        raise ValueError(f"no {scale} band of {bands} catches a bin of an FFT of {fft} at {rate} Hz: take fewer bands")
    return torch.from_numpy(np.ascontiguousarray(full[used], dtype=np.float32))


def _mel(rate: float, fft: int, bands: int) -> Array:
    """Triangles of equal area between points equally far apart in mel (Slaney, Auditory Toolbox, 1998)."""
    edges = _hz(np.linspace(0.0, _mel_of(rate / 2.0), bands + 2))
    bins = np.linspace(0.0, rate / 2.0, fft // 2 + 1) if fft % 2 == 0 else np.arange(fft // 2 + 1) * rate / fft
    low, middle, high = (edges[first : first + bands, None] for first in range(3))
    triangles = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)).clip(min=0.0)
    found: Array = triangles * (2.0 / (high - low))
    return found


def _mel_of(hz: float) -> float:
    linear = hz / MEL_HZ
    if hz < MEL_LINEAR_TO_HZ:
        return linear
    return MEL_LINEAR_TO_HZ / MEL_HZ + math.log(hz / MEL_LINEAR_TO_HZ) / MEL_LOG_STEP


def _hz(mel: Array) -> Array:
    beyond = mel - MEL_LINEAR_TO_HZ / MEL_HZ
    found: Array = np.where(
        beyond < 0.0, MEL_HZ * mel, MEL_LINEAR_TO_HZ * np.exp(MEL_LOG_STEP * np.maximum(beyond, 0.0))
    )
    return found


def _chroma(rate: float, fft: int, tones: int) -> Array:
    """Gaussian bumps around each tone of the octave, C first, weighted towards the middle octaves (Ellis 2007)."""
    above_zero = tones * np.log2(np.arange(1, fft) * rate / fft / CHROMA_FROM_HZ)
    place = np.concatenate([[above_zero[0] - 1.5 * tones], above_zero])  # in tones; 0 Hz has none of its own
    width = np.concatenate([np.diff(place).clip(min=1.0), [1.0]])
    half = np.round(tones / 2.0)
    away = np.remainder(place - np.arange(tones)[:, None] + half + 10 * tones, tones) - half
    bumps = np.exp(-0.5 * (2.0 * away / width) ** 2)
    bumps /= np.sqrt((bumps**2).sum(axis=0))
    bumps *= np.exp(-0.5 * ((place / tones - CHROMA_CENTRE_OCTAVE) / CHROMA_OCTAVES) ** 2)
    found: Array = np.roll(bumps, -3 * (tones // 12), axis=0)[:, : fft // 2 + 1]
    return found


@lru_cache(maxsize=16)
def _a_weighting(rate: float, taps: int) -> Tensor:
    from scipy import signal

    low, second, third, high = (2.0 * math.pi * hz for hz in A_WEIGHTING_POLES_HZ)
    gain = high**2 * 10.0 ** (A_WEIGHTING_AT_1_KHZ_DB / 20.0)
    # Multiplied out in this order, not kept as poles: parity mode's taps are auraloss's to the last bit.
    poles = np.polymul([1.0, 2.0 * high, high**2], [1.0, 2.0 * low, low**2])
    poles = np.polymul(np.polymul(poles, [1.0, third]), [1.0, second])
    numerator, denominator = signal.bilinear([gain, 0.0, 0.0, 0.0, 0.0], poles, fs=rate)
    frequencies, response = signal.freqz(numerator, denominator, worN=A_WEIGHTING_FREQUENCIES, fs=rate)
    return torch.from_numpy(signal.firls(taps, frequencies, np.abs(response), fs=rate).astype(np.float32))


def a_weighting(rate: float, taps: int = 101) -> Tensor:
    """Return a linear-phase A-weighting filter, shape (taps,), an odd number, for a rate in Hz.

    The bilinear transform of the curve of IEC 61672-1, fitted by least squares: between the low poles, which so few
    taps can't tell apart, it is coarse, and above a quarter of the rate it inherits the bilinear transform's droop.
    """
    return _a_weighting(float(rate), taps).clone()
