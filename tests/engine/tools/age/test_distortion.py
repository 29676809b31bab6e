"""Soft clipping: the curve, its quiet part, and no folded overtones."""

from __future__ import annotations

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Samples
from engine.tools.age.distortion import DistortedSignal, distort

RATE = 44_100


def tone(hertz: float, level: float = 0.8) -> Samples:
    return (level * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)).astype(np.float32)


def level_db(samples: Samples, hertz: float) -> float:
    """Level of one frequency (a whole number of Hz), dB of full scale."""
    spectrum = np.fft.rfft(samples.astype(np.float64)) / (len(samples) / 2)
    return float(20 * np.log10(abs(spectrum[round(hertz)]) + 1e-12))


@pytest.mark.parametrize("asymmetry", [0.0, 0.7])
def test_slow_sound_follows_the_curve(asymmetry: float) -> None:
    source = tone(100)
    x = source.astype(np.float64)
    curve = (np.tanh(2 * x + asymmetry) - np.tanh(asymmetry)) / (2 * (1 - np.tanh(asymmetry) ** 2))
    assert np.abs(distort(source, 2.0, asymmetry) - curve)[100:-100].max() < 1e-4


def test_quiet_sound_keeps_its_level() -> None:
    source = tone(1000, 0.001)
    assert np.abs(distort(source, 2.0) / 0.001 - source / 0.001)[100:-100].max() < 2e-3


def test_asymmetry_makes_even_overtones_and_symmetry_does_not() -> None:
    assert level_db(distort(tone(1000), 2.0), 2000) < -100
    assert level_db(distort(tone(1000), 2.0, 0.5), 2000) > -40


def test_overtones_beyond_nyquist_don_t_fold_back() -> None:
    # The third overtone of 15 kHz, 45 kHz, would fold to 900 Hz.
    folded = np.tanh(2 * tone(15_000)) / 2
    assert level_db(folded.astype(np.float32), 900) > -40
    assert level_db(distort(tone(15_000), 2.0), 900) < -80


def test_a_signal_and_an_array_are_bent_alike() -> None:
    source = np.random.default_rng(1).uniform(-1, 1, (40_000, 2)).astype(np.float32)
    signal = DistortedSignal(ArraySignal(source.copy(), RATE), 3.0, 0.2)
    assert np.array_equal(signal.read(0, 40_000), distort(source, 3.0, 0.2))
    assert np.array_equal(signal.read(32_000, 33_000), distort(source, 3.0, 0.2)[32_000:33_000])
