"""How the upper band is taken away for the scoreboard of Upsample: by which filter, down to which rate.

Training draws Butterworth, Chebyshev I, elliptic and Bessel filters, ideal ones, bell-windowed sincs and `decimate`;
Chebyshev II and a Kaiser-windowed FIR are kept for measuring. Nothing here delays: target and given stay aligned.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import scipy.signal

from engine.audio.resample import ResampledSignal
from engine.audio.signal import ArraySignal
from training.quality.cases import Material, Samples
from training.quality.scoreboards.upsample_clips import valid_hz
from training.validation import Clip

SEEN: Final = ("cheby1", "butter", "ellip")
UNSEEN: Final = ("cheby2", "kaiser", "gentle cheby2")
_PROBE_FRAMES: Final = 1 << 17
_PROBE_FFT: Final = 4096


def lowered(clip: Clip, seed: int, rate: int, filtered: str) -> Material:
    """Give a clip at a lower rate.

    Parameters
    ----------
    rate
        In Hz; divides the clip's.
    filtered
        "decimate" (`scipy.signal.decimate`, Chebyshev I of 8th order, forward and backward), "sharp" (soxr, 0.95 of
        the new Nyquist at -6 dB) or "aliased" (every so many samples and no filter, as AFiLM's and TFiLM's authors
        prepared their pairs: what lies above the new Nyquist is folded down onto what lies below).
    """
    step = clip.rate // rate
    target = clip.samples[: len(clip.samples) // step * step]
    facts = {"cutoff_hz": lowered_edge_hz(clip.rate, rate, filtered), "valid_hz": valid_hz(clip)}
    return Material(_lower(target, clip.rate, rate, filtered), target, clip.rate, given_rate=rate, facts=facts)


def limited(clip: Clip, seed: int, cutoff_hz: float, filtered: str) -> Material:
    """Give a clip at its own rate without what lies above a cutoff; `filtered` is a filter of `low_pass`."""
    facts = {"cutoff_hz": cutoff_hz, "valid_hz": valid_hz(clip)}
    given = low_pass(clip.samples, clip.rate, cutoff_hz, filtered)
    return Material(given, clip.samples, clip.rate, given_rate=clip.rate, facts=facts)


def low_pass(samples: Samples, rate: int, cutoff_hz: float, filtered: str) -> Samples:
    """Filter without delay; -6 dB at the cutoff whatever the filter.

    Raises
    ------
    ValueError
        If there is no filter of that name.
    """
    if filtered == "kaiser":
        taps, beta = scipy.signal.kaiserord(80.0, 0.08 * cutoff_hz / (rate / 2))
        response = scipy.signal.firwin(taps | 1, cutoff_hz, window=("kaiser", beta), fs=rate)  # -6 dB by design
        return np.asarray(scipy.signal.oaconvolve(samples, response, mode="same"), dtype=np.float32)
    sections = _sections(filtered, rate, cutoff_hz)
    return np.asarray(scipy.signal.sosfiltfilt(sections, samples.astype(np.float64)), dtype=np.float32)


@lru_cache(maxsize=64)
def _sections(filtered: str, rate: int, cutoff_hz: float) -> np.ndarray:
    """Return the filter that lets half of the power through at the cutoff: forward and backward that is -6 dB."""
    designed = 1.0  # of the cutoff
    for _ in range(12):
        sections = _design(filtered, designed * cutoff_hz, rate)
        hertz, response = scipy.signal.sosfreqz(sections, worN=1 << 15, fs=rate)
        passed = np.flatnonzero(np.abs(response) ** 2 > 0.5)
        designed *= cutoff_hz / float(hertz[passed[-1]])
    return sections


def _design(filtered: str, hertz: float, rate: int) -> np.ndarray:
    if filtered == "cheby1":
        return np.asarray(scipy.signal.cheby1(8, 0.05, hertz, fs=rate, output="sos"))
    if filtered == "butter":
        return np.asarray(scipy.signal.butter(6, hertz, fs=rate, output="sos"))
    if filtered == "ellip":
        return np.asarray(scipy.signal.ellip(6, 0.1, 50.0, hertz, fs=rate, output="sos"))
    if filtered.endswith("cheby2"):
        order, stopped_db = (4, 30.0) if filtered.startswith("gentle") else (8, 50.0)
        return np.asarray(scipy.signal.cheby2(order, stopped_db, min(1.2 * hertz, 0.499 * rate), fs=rate, output="sos"))
    raise ValueError(f"there is no filter {filtered!r}: choose from {', '.join((*SEEN, *UNSEEN))}")


def _lower(samples: Samples, given_rate: int, rate: int, filtered: str) -> Samples:
    if filtered == "decimate":
        lower = scipy.signal.decimate(samples.astype(np.float64), given_rate // rate, zero_phase=True)
        return np.asarray(lower, dtype=np.float32)
    if filtered == "sharp":
        return _resampled(samples, given_rate, rate)
    if filtered == "aliased":
        return samples[:: given_rate // rate]
    raise ValueError(f"there is no way {filtered!r} to a lower rate: choose from aliased, decimate, sharp")


def _resampled(samples: Samples, given_rate: int, rate: int) -> Samples:
    signal = ResampledSignal(ArraySignal(np.ascontiguousarray(samples)[:, None], given_rate), rate)
    return signal.read(0, signal.frames)[:, 0]


@lru_cache(maxsize=64)
def lowered_edge_hz(given_rate: int, rate: int, filtered: str) -> float:
    """Return where a recording that was lowered and raised again (house resampler) is 6 dB down, by white noise."""
    noise = np.random.default_rng(0).standard_normal(_PROBE_FRAMES).astype(np.float32)
    back = _resampled(_lower(noise, given_rate, rate, filtered), rate, given_rate)
    # What aliasing folds back is uncorrelated with the noise, and falls out.
    hertz, cross = scipy.signal.csd(noise, back, fs=given_rate, nperseg=_PROBE_FFT)
    _, power = scipy.signal.welch(noise, fs=given_rate, nperseg=_PROBE_FFT)
    return float(hertz[np.flatnonzero(np.abs(cross) / power > 0.5)[-1]])
