"""How far one recording is from another: SNR, SI-SDR, mean square error, correlation, log-spectral distance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.loudness import integrated_lufs
from engine.audio.signal import ArraySignal, Samples, Signal, read_padded
from engine.audio.stft import Stft

Doubles = NDArray[np.float64]

LSD_LUFS: Final = -25.0
LSD_SMALLEST: Final = 1e-8  # of |S|², before the logarithm
LSD_FRAMES: Final = 512  # in memory at once


def snr_db(truth: NDArray[Any], result: NDArray[Any]) -> float:
    """Return the signal-to-noise ratio 10 log10(Σy² / Σ(y-x)²) of `result` as an estimate of `truth`.

    Both of the same shape. Infinite if they are equal, -infinite if the truth is silent and the result isn't.
    """
    power, error = _power(truth), _power(_double(truth) - _double(result))
    if error == 0.0:
        return np.inf
    return float(10.0 * np.log10(power / error)) if power > 0.0 else -np.inf


def si_sdr_db(truth: NDArray[Any], result: NDArray[Any]) -> float:
    """Return the scale-invariant signal-to-distortion ratio (Le Roux et al., ICASSP 2019): SNR after the best gain.

    Infinite if one is a multiple of the other, -infinite if they have nothing in common.
    """
    y, x = _double(truth), _double(result)
    return si_sdr_of(float(y @ y), float(x @ x), float(x @ y))


def si_sdr_of(yy: float, xx: float, xy: float) -> float:
    """Return the same from the sums of squares and products of truth y and result x."""
    alike = xy * xy / yy if yy > 0.0 else 0.0
    if alike <= 0.0:
        return -np.inf
    unlike = xx - alike  # Pythagoras: what is left is orthogonal to the truth
    return float(10.0 * np.log10(alike / unlike)) if unlike > 1e-14 * xx else np.inf


def mse(truth: NDArray[Any], result: NDArray[Any]) -> float:
    """Return the mean square difference."""
    return _power(_double(truth) - _double(result)) / max(1, np.size(truth))


def correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return Pearson's correlation of all samples, 0 if one of them doesn't move."""
    x, y = _double(a), _double(b)
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / scale) if scale > 0.0 else 0.0


def lsd(truth: Samples, result: Samples, rate: int) -> float:
    """Return the log-spectral distance of two arrays of one shape, (frames,) or (frames, channels), in dB.

    |S| is the 2048/512 Hann STFT, not normalised, of both brought to -25 LUFS; the distance is the RMS over frequency
    of the difference of 10 log10(max(|S|², 1e-8)), its mean over time and over channels. What has no loudness
    (silence, under 0.4 s) keeps its level.
    """
    columns = (np.ascontiguousarray(a, dtype=np.float32).reshape(len(a), -1) for a in (truth, result))
    one, other = (ArraySignal(column.copy(), rate) for column in columns)
    return signal_lsd(one, other)


def signal_lsd(truth: Signal, result: Signal, check: Callable[[], None] | None = None) -> float:
    """Return the same for two Signals of one format, without having them in memory."""
    gains = [_gain_to_lsd_level(signal, check) for signal in (truth, result)]
    total, count, stft = 0.0, 1 + truth.frames // 512, Stft()
    for first in range(0, count, LSD_FRAMES):
        if check is not None:
            check()
        span = stft.sample_range(first, min(first + LSD_FRAMES, count))
        one, other = (read_padded(s, *span) * g for s, g in zip((truth, result), gains, strict=True))
        for a, b in zip(one.T, other.T, strict=True):
            difference = log_power_db(stft, a) - log_power_db(stft, b)
            total += float(np.sum(np.sqrt(np.mean(difference**2, axis=1))))
    return total / count / truth.channels


def log_power_db(stft: Stft, samples: Samples) -> Doubles:
    """Return 10 log10(max(|S|², 1e-8)), what a log-spectral distance compares; shape (frames, bins).

    `samples`, shape (samples,), begin where a frame begins; see `Stft.forward`.
    """
    spectra = stft.forward(np.ascontiguousarray(samples))
    power = spectra.real.astype(np.float64) ** 2 + spectra.imag.astype(np.float64) ** 2
    return np.asarray(10.0 * np.log10(np.maximum(power, LSD_SMALLEST)))


def _gain_to_lsd_level(signal: Signal, check: Callable[[], None] | None) -> np.float32:
    loudness = integrated_lufs(signal, check=check)
    return np.float32(10.0 ** ((LSD_LUFS - loudness) / 20.0) if np.isfinite(loudness) else 1.0)


def _double(samples: NDArray[Any]) -> Doubles:
    return np.asarray(samples, dtype=np.float64).reshape(-1)


def _power(samples: NDArray[Any]) -> float:
    values = _double(samples)
    return float(values @ values)
