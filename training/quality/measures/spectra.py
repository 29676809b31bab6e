"""Measures that compare spectra: both families of log-spectral distance, and multi-resolution STFT.

Two families of LSD are in print and differ by a factor of about 2.3 and the order of the means; every name here says
which it is.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from engine.audio.stft import Stft
from training.quality.cases import Material, Samples, columns
from training.quality.contenders import Answer
from training.quality.measures.base import Measure, NotMeasurableError
from training.validation import log_spectral_distance, log_spectrum

STFT: Final = Stft()
MR_STFT_RATE: Final = 22_050  # Hz
MR_STFT_SIZES: Final = (2048, 1024, 512, 256, 128)
MR_STFT_FLOOR: Final = 3e-4  # of a full-scale sine's amplitude: -70 dB


def lsd_db(material: Material, answer: Answer) -> float:
    """RMS over frequency, then mean over time (and channels), of the difference of two log spectra in dB."""
    return _lsd_db(material, answer, slice(None))


def lsd(material: Material, answer: Answer) -> float:
    """The same in powers of ten, as bandwidth extension publishes it."""
    return _lsd_db(material, answer, slice(None)) / 10.0


def lsd_hf(material: Material, answer: Answer) -> float:
    """LSD (log10) of the bins at and above the cutoff."""
    return _lsd_db(material, answer, slice(_first_bin_above(material), None)) / 10.0


def lsd_lf(material: Material, answer: Answer) -> float:
    """LSD (log10) of the bins below the cutoff."""
    return _lsd_db(material, answer, slice(0, _first_bin_above(material))) / 10.0


def k_lsd(material: Material, answer: Answer) -> float:
    """The LSD of V. Kuleshov et al., "Audio super resolution using neural networks", 2017, and of AFiLM."""
    distances = []
    for y, x in zip(columns(material.target).T, columns(answer.samples).T, strict=True):
        squares = (_natural_log_power(y) - _natural_log_power(x)) ** 2
        distances.append(np.sqrt(squares.mean(axis=0) + 1e-8).mean())
    return min(10.0, float(np.mean(distances)))  # the published code stops at 10 too


def mr_stft(material: Material, answer: Answer) -> float:
    """Spectral convergence plus log L1, mean over five resolutions."""
    target = material.once("mr-stft of target", lambda: _amplitudes(material.target, material.rate))
    return float(
        np.mean([_distance(y, x) for y, x in zip(target, _amplitudes(answer.samples, answer.rate), strict=True)])
    )


def _lsd_db(material: Material, answer: Answer, bins: slice) -> float:
    target = material.once("log spectrum of target", lambda: _log_spectra(material.target, material.rate))
    answered = _log_spectra(answer.samples, answer.rate)
    return float(
        np.mean([log_spectral_distance(y[:, bins], x[:, bins]) for y, x in zip(target, answered, strict=True)])
    )


def _log_spectra(samples: Samples, rate: int) -> list[NDArray[np.float32]]:
    if len(samples) < round(0.4 * rate):
        raise NotMeasurableError("under 0.4 s there is no loudness to level by")
    return [log_spectrum(np.ascontiguousarray(column), rate) for column in columns(samples).T]


def _first_bin_above(material: Material) -> int:
    if "cutoff_hz" not in material.facts:
        raise NotMeasurableError("the material names no cutoff")
    first = int(np.ceil(float(material.facts["cutoff_hz"]) / (material.rate / STFT.fft)))
    if not 0 < first < STFT.bins:
        raise NotMeasurableError("there is nothing on one side of the cutoff")
    return first


def _natural_log_power(samples: Samples) -> NDArray[np.float64]:
    """ln(|S|² + 1e-8), 2048/512 Hann, centred, zeros beyond both ends; shape (frames, bins)."""
    spectra = _spectra(np.asarray(samples, dtype=np.float64), STFT.fft)
    return np.asarray(np.log(spectra.real**2 + spectra.imag**2 + 1e-8))


def _amplitudes(samples: Samples, rate: int) -> list[NDArray[np.float64]]:
    """Magnitudes at 22.05 kHz, a full-scale sine reading 1; one array (channels, frames, bins) per resolution."""
    import soxr

    wide = columns(samples).astype(np.float64)
    low = wide if rate == MR_STFT_RATE else soxr.resample(wide, rate, MR_STFT_RATE, quality="VHQ")
    return [np.stack([np.abs(_spectra(c, size)) * (4.0 / size) for c in low.T]) for size in MR_STFT_SIZES]


def _distance(target: NDArray[np.float64], answer: NDArray[np.float64]) -> float:
    size = float(np.linalg.norm(target))
    if size == 0.0:
        raise NotMeasurableError("the target is silent")
    convergence = float(np.linalg.norm(target - answer)) / size
    logs = np.log(np.maximum(target, MR_STFT_FLOOR)) - np.log(np.maximum(answer, MR_STFT_FLOOR))
    return convergence + float(np.mean(np.abs(logs)))


def _spectra(samples: NDArray[np.float64], size: int) -> NDArray[Any]:
    """Centred frames every size/4 samples, periodic Hann, zeros beyond both ends; shape (frames, bins)."""
    hop = size // 4
    padded = np.zeros(len(samples) // hop * hop + size)
    inside = min(len(samples), len(padded) - size // 2)
    padded[size // 2 : size // 2 + inside] = samples[:inside]
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)
    return np.asarray(scipy.fft.rfft(frames * window, axis=1))


_LEVELLED = (
    "Both at -25 LUFS (each channel), STFT 2048/512 Hann not normalised, log10(max(|S|^2, 1e-8)), "
    "RMS over frequency, then mean over time"
)
MEASURES: Final = (
    Measure("LSD", "dB", "lower", f"{_LEVELLED}; times 10.", lsd_db),
    Measure("LSD log10", "", "lower", f"{_LEVELLED}. The LSD of AP-BWE and NU-Wave.", lsd),
    Measure("LSD-HF log10", "", "lower", f"{_LEVELLED}; bins at and above the cutoff.", lsd_hf),
    Measure("LSD-LF log10", "", "lower", f"{_LEVELLED}; bins below the cutoff.", lsd_lf),
    Measure(
        "K-LSD natural log", "", "lower",
        "No levelling, STFT 2048/512 Hann not normalised, ln(|S|^2 + 1e-8), RMS over time (1e-8 under the root) first, "
        "then mean over frequency, at most 10. The LSD of Kuleshov et al. and AFiLM.", k_lsd,
    ),
    Measure(
        "MR-STFT", "", "lower",
        f"At {MR_STFT_RATE} Hz (soxr VHQ); FFT {', '.join(map(str, MR_STFT_SIZES))}, hop a quarter, periodic Hann, "
        "centred, zeros beyond the ends; magnitudes scaled so that a full-scale sine reads 1; "
        "||Y - X||_F / ||Y||_F + mean |ln max(Y, f) - ln max(X, f)| with f = "
        f"{MR_STFT_FLOOR:g}; mean over the resolutions. No levelling.", mr_stft,
    ),
)  # fmt: skip
