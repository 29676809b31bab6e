"""Measures of a band that was invented: its log-spectral distance, its level, the seam, and what else was touched.

One gain, that of the target, sets both sides to -25 LUFS: an answer that is levelled by itself would pay for a wrong
band with the band it left alone. What lies above the target's own wall (`valid_hz`) is not compared;
where it fades by nature it is, down to the floor of 1e-8.
"""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from engine.audio.resample import ResampledSignal
from engine.audio.stft import Stft, torch_compatible_frames
from engine.measure.differences import LSD_LUFS, LSD_SMALLEST
from training.quality.cases import Material, Samples, columns
from training.quality.contenders import Answer
from training.quality.measures.base import CAP_DB, Measure, NotMeasurableError
from training.quality.measures.waveform import lufs

Floats = NDArray[np.float32]
STFT: Final = Stft()
SEAM_HZ: Final = 300.0  # to either side of the cutoff
BAND_HZ: Final = 500.0  # width of the bands whose levels are compared
ACTIVE_DB: Final = 50.0  # a frame counts in levels if it is so near the loudest
GUARD_HZ: Final = 200.0  # below the cross-fade, for the filter that separates the bands
WIDTH_HZ: Final = 500.0  # of the cross-fade under the cutoff ...
WIDTH_SHARE: Final = 0.15  # ... and no more than so much of the cutoff
_SEPARATING: Final = ("kaiser", 20.0)  # window with side lobes under -150 dB
_LOGS: WeakKeyDictionary[Answer, list[Floats]] = WeakKeyDictionary()  # one answer is judged by several measures


def edge_width_hz(cutoff_hz: float, found_hz: float = 0.0) -> float:
    """Return how far below the cutoff the product starts to cross-fade: at least 500 Hz, at most 15 % of the cutoff."""
    return min(max(WIDTH_HZ, found_hz), WIDTH_SHARE * cutoff_hz)


def base_of(material: Material) -> Samples:
    """Return what was given at the rate of the target, by the house resampler, shape of the target."""

    def make() -> Samples:
        raised = ResampledSignal(material.signal, material.rate)
        return raised.read(0, raised.frames).reshape(material.target.shape)

    return material.once("base", make)


def lsd(material: Material, answer: Answer) -> float:
    """Log-spectral distance up to the wall."""
    return _distance(material, answer, 0, _end(material))


def lsd_hf(material: Material, answer: Answer) -> float:
    """Log-spectral distance from the cutoff to the wall."""
    return _distance(material, answer, _bin(material, _cutoff_hz(material)), _end(material))


def lsd_lf(material: Material, answer: Answer) -> float:
    """Log-spectral distance below the cutoff."""
    return _distance(material, answer, 0, _bin(material, _cutoff_hz(material)))


def seam_db(material: Material, answer: Answer) -> float:
    """Level of the energy around the cutoff, answer less target."""
    return _energy_difference(material, answer, _around(material))


def level_bias_db(material: Material, answer: Answer) -> float:
    """Level of the energy of the generated band, answer less target."""
    bands = _above(material)
    return _energy_difference(material, answer, np.array([bands[0], _valid_hz(material)]))


def frame_seam_db(material: Material, answer: Answer) -> float:
    """Level around the cutoff frame by frame, answer less target."""
    return _level_difference(material, answer, _around(material))


def frame_level_bias_db(material: Material, answer: Answer) -> float:
    """Level of the generated band frame by frame and band by band, answer less target."""
    return _level_difference(material, answer, _above(material))


def kept_band_db(material: Material, answer: Answer) -> float:
    """What differs from the resampled input where nothing should, over what is there."""
    cutoff = float(answer.facts.get("cutoff_hz", _cutoff_hz(material)))
    width = edge_width_hz(cutoff, float(answer.facts.get("edge_width_hz", 0.0)))
    end_hz = cutoff - width - GUARD_HZ
    base = columns(base_of(material)).astype(np.float64)
    kept = _power_below(base, material.rate, end_hz)
    if kept <= 0.0:
        raise NotMeasurableError("there is nothing below the cutoff")
    changed = _power_below(columns(answer.samples) - base, material.rate, end_hz)
    return float(np.clip(10.0 * np.log10(max(changed / kept, 1e-30)), -CAP_DB, CAP_DB))


def delay_frames(material: Material, answer: Answer) -> float:
    """How much later the band below the cutoff comes than in the target."""
    size = scipy.fft.next_fast_len(2 * len(material.target), real=True)
    hertz = np.fft.rfftfreq(size, 1.0 / material.rate)
    inside = (hertz >= 50.0) & (hertz <= 0.7 * _cutoff_hz(material))
    target, other = (
        np.fft.rfft(columns(samples).mean(axis=1, dtype=np.float64), size)
        for samples in (material.target, answer.samples)
    )
    cross = np.where(inside, other * np.conj(target), 0.0)
    if not np.any(cross):
        raise NotMeasurableError("silence has no delay")
    peak = int(np.argmax(np.fft.irfft(cross, size)))
    whole = peak - size if peak > size // 2 else peak
    turns = 2.0 * np.pi * hertz[inside] / material.rate  # radians per sample of delay
    weights = np.abs(cross[inside])
    left = np.angle(cross[inside] * np.exp(1j * turns * whole))
    return float(whole - np.sum(weights * turns * left) / np.sum(weights * turns**2))


def cutoff_error_percent(material: Material, answer: Answer) -> float:
    """Cutoff found less cutoff, of the cutoff."""
    if "cutoff_hz" not in answer.facts:
        raise NotMeasurableError("the contender looks for no cutoff")
    cutoff = _cutoff_hz(material)
    return 100.0 * (float(answer.facts["cutoff_hz"]) - cutoff) / cutoff


def _distance(material: Material, answer: Answer, first: int, end: int) -> float:
    pairs = zip(_target_logs(material), _answer_logs(material, answer), strict=True)
    return float(np.mean([np.sqrt(((y - x)[:, first:end] ** 2).mean(axis=1)).mean() for y, x in pairs]))


def _around(material: Material) -> NDArray[np.float64]:
    at = _cutoff_hz(material)
    return np.array([at - SEAM_HZ, at + SEAM_HZ])


def _above(material: Material) -> NDArray[np.float64]:
    """The edges of the bands from behind the seam to the wall, Hz."""
    low, high = _cutoff_hz(material) + SEAM_HZ, _valid_hz(material)
    count = int((high - low) // BAND_HZ)
    if count < 1:
        raise NotMeasurableError("no band lies between the cutoff and the target's own wall")
    return low + BAND_HZ * np.arange(count + 1, dtype=np.float64)


def _energy_difference(material: Material, answer: Answer, edges_hz: NDArray[np.float64]) -> float:
    """Power of a band summed over the whole clip, answer over target, in dB."""
    bins = _bins(material, edges_hz)
    sums = [
        sum(float(_powers(logs, bins).sum()) for logs in side)
        for side in (_answer_logs(material, answer), _target_logs(material))
    ]
    return float(10.0 * np.log10(sums[0] / sums[1]))


def _bins(material: Material, edges_hz: NDArray[np.float64]) -> NDArray[Any]:
    if edges_hz[-1] > _valid_hz(material):
        raise NotMeasurableError("the target's own wall lies below")
    bins = np.unique(np.ceil(edges_hz / (material.rate / STFT.fft)).astype(int))
    if len(bins) < 2:
        raise NotMeasurableError("the band is narrower than a bin")
    return bins


def _level_difference(material: Material, answer: Answer, edges_hz: NDArray[np.float64]) -> float:
    """Mean over frames that sound, and over bands, of the level of the answer less that of the target, in dB."""
    bins = _bins(material, edges_hz)
    differences = []
    for y, x in zip(_target_logs(material), _answer_logs(material, answer), strict=True):
        whole = 10.0 * np.log10(_powers(y, np.array([0, y.shape[1]]))[:, 0])
        sounds = whole >= whole.max() - ACTIVE_DB
        levels = [10.0 * np.log10(_powers(logs[sounds], bins)) for logs in (y, x)]
        differences.append(np.mean(levels[1] - levels[0]))
    return float(np.mean(differences))


def _powers(logs: Floats, bins: NDArray[Any]) -> NDArray[np.float64]:
    """Sum power over the bands between these bins: (frames, bands)."""
    powers = 10.0 ** logs[:, bins[0] : bins[-1]].astype(np.float64)
    return np.asarray(np.add.reduceat(powers, bins[:-1] - bins[0], axis=1))


def _target_logs(material: Material) -> list[Floats]:
    return material.once("logs of target", lambda: _logs(material, material.target))


def _answer_logs(material: Material, answer: Answer) -> list[Floats]:
    if answer not in _LOGS:
        _LOGS[answer] = _logs(material, answer.samples)
    return _LOGS[answer]


def _logs(material: Material, samples: Samples) -> list[Floats]:
    """log10(max(|S|², 1e-8)) at the level of the target, one array (frames, bins) per channel."""
    gain = material.once("gain of target", lambda: 10.0 ** ((LSD_LUFS - lufs(material.target, material.rate)) / 20.0))
    logs = []
    for channel in columns(samples).T:
        spectra = torch_compatible_frames((channel * np.float32(gain)).astype(np.float32), STFT)
        power = spectra.real**2 + spectra.imag**2
        logs.append(np.log10(np.maximum(power, np.float32(LSD_SMALLEST))))
    return logs


def _power_below(samples: NDArray[np.float64], rate: int, end_hz: float) -> float:
    size = 8192 if rate > 24_000 else 4096  # 170 ms or more
    end = int(end_hz / (rate / size))
    if end < 1:
        raise NotMeasurableError("the cutoff is too low to separate the bands")
    window = scipy.signal.get_window(_SEPARATING, size)
    total = 0.0
    if len(samples) < size:
        raise NotMeasurableError("the clip is too short to separate the bands")
    for channel in samples.T:
        # Frames inside the clip alone: where a recording was cut, every band has a click, and not by the contender.
        frames = np.lib.stride_tricks.sliding_window_view(channel, size)[:: size // 4]
        spectra = scipy.fft.rfft(frames * window, axis=1)[:, :end]
        total += float(np.sum(spectra.real**2 + spectra.imag**2))
    return total


def _cutoff_hz(material: Material) -> float:
    if "cutoff_hz" not in material.facts:
        raise NotMeasurableError("the material names no cutoff")
    return float(material.facts["cutoff_hz"])


def _valid_hz(material: Material) -> float:
    return min(float(material.facts.get("valid_hz", material.rate / 2.0)), material.rate / 2.0)


def _bin(material: Material, hertz: float) -> int:
    first = int(np.ceil(hertz / (material.rate / STFT.fft)))
    if not 0 < first < _end(material):
        raise NotMeasurableError("there is nothing on one side of the cutoff")
    return first


def _end(material: Material) -> int:
    """The first bin that isn't compared."""
    return min(STFT.bins, int(_valid_hz(material) / (material.rate / STFT.fft)) + 1)


_LEVELLED = (
    "Both times the gain that sets the target to -25 LUFS, STFT 2048/512 Hann not normalised, log10(max(|S|^2, 1e-8)), "
    "bins up to the target's own wall"
)
_ORDER = "RMS over frequency, then mean over time"
_ENERGY = (
    f"{_LEVELLED}; max(|S|^2, 1e-8) summed over the bins of the band and all frames of the clip, 10 log10 of answer "
    "over target: decibels of the mean, so loud frames decide, and what has the right energy has 0 dB"
)
_LEVELS = (
    f"{_LEVELLED}; max(|S|^2, 1e-8) summed by band and frame, in dB, answer less target, mean over bands and over the "
    f"frames within {ACTIVE_DB:g} dB of the loudest: a mean of decibels, so quiet frames and the recording's own noise "
    "count as much as loud ones, and what has the right energy but is smoother than the truth reads high"
)


_KEPT = (
    "Power of (answer - input through the house resampler) over power of the latter, both below cutoff - w - "
    f"{GUARD_HZ:g} Hz, w = {WIDTH_HZ:g} Hz or the width found, at most {WIDTH_SHARE:.0%} of the cutoff; the cutoff is "
    "the one the contender found, else the true one; frames (Kaiser, 170 ms or more) inside the clip."
)
_DELAY = (
    "Slope of the phase between answer and target from 50 Hz to 0.7 of the cutoff, weighted by the cross-spectrum, "
    "after the peak of the cross-correlation."
)
MEASURES: Final = (
    Measure("BWE LSD", "", "lower", f"{_LEVELLED}, {_ORDER}. AP-BWE's and NU-Wave 2's, which don't level.", lsd),
    Measure("BWE LSD-HF", "", "lower", f"{_LEVELLED} and at or above the cutoff, {_ORDER}.", lsd_hf),
    Measure("BWE LSD-LF", "", "lower", f"{_LEVELLED} and below the cutoff, {_ORDER}.", lsd_lf),
    Measure("seam", "dB", "zero", f"{_ENERGY}. Band: the cutoff +- {SEAM_HZ:g} Hz.", seam_db),
    Measure(
        "level bias", "dB", "zero", f"{_ENERGY}. Band: from {SEAM_HZ:g} Hz over the cutoff to the wall.", level_bias_db,
    ),
    Measure(
        "seam by frame", "dB", "zero", f"{_LEVELS}. One band, the cutoff +- {SEAM_HZ:g} Hz.", frame_seam_db
    ),
    Measure(
        "level bias by frame", "dB", "zero",
        f"{_LEVELS}. Bands of {BAND_HZ:g} Hz from {SEAM_HZ:g} Hz over the cutoff to the wall.", frame_level_bias_db,
    ),
    Measure("kept band", "dB", "lower", _KEPT, kept_band_db),
    Measure("delay", "samples", "zero", _DELAY, delay_frames),
    Measure("cutoff error", "%", "zero", "Cutoff found less true cutoff (-6 dB), of the latter.", cutoff_error_percent),
)  # fmt: skip
