"""Measures that compare samples: signal-to-noise ratios, what was touched, level and peak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from engine.audio.signal import ArraySignal
from engine.audio.true_peak import true_peak_dbtp
from engine.measure.differences import si_sdr_db
from training.quality.cases import Material, Samples, columns
from training.quality.contenders import Answer
from training.quality.measures.base import CAP_DB, Measure, NotMeasurableError
from training.validation import snr_db


def snr(material: Material, answer: Answer) -> float:
    """10 log10(sum y^2 / sum (y - x)^2), y the target, x the answer."""
    _require_sound(material.target)
    return snr_db(material.target, answer.samples)


def snr_gain(material: Material, answer: Answer) -> float:
    """SNR of the answer less the SNR of what was given."""
    before = material.once("snr of given", lambda: snr_db(material.target, comparable_given(material)))
    return snr(material, answer) - before


def si_sdr(material: Material, answer: Answer) -> float:
    """SNR after the best gain on the target, after Le Roux et al., ICASSP 2019; no means are removed."""
    _require_sound(material.target)
    return float(np.clip(si_sdr_db(material.target, answer.samples), -CAP_DB, CAP_DB))


def touched_percent(material: Material, answer: Answer) -> float:
    """How many samples differ from those given, by whatever little."""
    return 100.0 * float(np.mean(answer.samples != comparable_given(material)))


def loudness_deviation(material: Material, answer: Answer) -> float:
    """Integrated loudness (BS.1770) of the answer less that of the target."""
    target = material.once("lufs of target", lambda: lufs(material.target, material.rate))
    return lufs(answer.samples, answer.rate) - target


def true_peak_deviation(material: Material, answer: Answer) -> float:
    """True peak (BS.1770, annex 2) of the answer less that of the target."""
    target = material.once("peak of target", lambda: _true_peak(material.target, material.rate))
    return _true_peak(answer.samples, answer.rate) - target


def comparable_given(material: Material) -> Samples:
    """Return what was given, if it has the target's rate and shape."""
    if material.given_rate not in (0, material.rate) or material.given.shape != material.target.shape:
        raise NotMeasurableError("what was given has another rate or length than the target")
    return material.given


def lufs(samples: Samples, rate: int) -> float:
    """Return the integrated loudness."""
    import pyloudnorm

    if len(samples) < round(0.4 * rate):
        raise NotMeasurableError("under 0.4 s there is no integrated loudness")
    loudness = float(pyloudnorm.Meter(rate).integrated_loudness(columns(samples).astype(np.float64)))
    return _finite(loudness, "silence has no loudness")


def _true_peak(samples: Samples, rate: int) -> float:
    return _finite(true_peak_dbtp(ArraySignal(columns(samples).copy(), rate)), "silence has no peak")


def _require_sound(target: Samples) -> None:
    if not np.any(target):
        raise NotMeasurableError("the target is silent")


def _finite(value: float, reason: str) -> float:
    if not np.isfinite(value):
        raise NotMeasurableError(reason)
    return value


def _text(function: Callable[[Material, Answer], float]) -> str:
    return (function.__doc__ or "").strip()


MEASURES: Final = (
    Measure("SNR", "dB", "higher", _text(snr) + f" Equality counts as {CAP_DB:g} dB.", snr),
    Measure("SNR gain", "dB", "higher", _text(snr_gain), snr_gain),
    Measure("SI-SDR", "dB", "higher", _text(si_sdr), si_sdr),
    Measure("touched", "%", "lower", _text(touched_percent), touched_percent),
    Measure("loudness deviation", "LU", "zero", _text(loudness_deviation), loudness_deviation),
    Measure("true peak deviation", "dB", "zero", _text(true_peak_deviation), true_peak_deviation),
)
