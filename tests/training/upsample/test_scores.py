"""Scores have the definitions that stand beside them, and known answers."""

from __future__ import annotations

import math

import librosa
import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray

from training.upsample.scores import k_lsd, lsd, scores, snr_db

RATE = 16_000


def speechlike(seed: int = 1) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).standard_normal(3 * RATE)
    return (0.1 * noise * (1.0 + np.sin(np.arange(3 * RATE) / 2000.0))).astype(np.float32)


def test_an_error_a_tenth_as_large_is_20_db_down() -> None:
    target = speechlike()
    assert snr_db(target, 1.1 * target) == pytest.approx(20.0, abs=1e-4)
    assert snr_db(target, target) == math.inf
    silence = np.zeros(100, dtype=np.float32)
    assert snr_db(silence, target[:100]) == -math.inf
    assert math.isnan(snr_db(silence, silence))


def test_lsd_is_that_of_another_library_at_minus_25_lufs() -> None:
    target, estimate = speechlike(), 0.5 * speechlike() + 0.3 * speechlike(2)
    gain = 10.0 ** ((-25.0 - pyloudnorm.Meter(RATE).integrated_loudness(target.astype(np.float64))) / 20.0)
    logs = [
        np.log10(np.maximum(np.abs(librosa.stft(gain * x, n_fft=2048, hop_length=512, pad_mode="constant")) ** 2, 1e-8))
        for x in (target, estimate)
    ]
    wanted = np.sqrt(((logs[0] - logs[1]) ** 2).mean(axis=0)).mean()
    # Two meters of loudness agree within 0.01 LU, and noise lies far over the floor.
    assert lsd(target, estimate, RATE) == pytest.approx(wanted, abs=1e-3)


def test_half_the_level_is_as_far_off_in_every_measure_as_its_formula_says() -> None:
    target = speechlike()
    assert lsd(target, 0.5 * target, RATE) == pytest.approx(math.log10(4.0), abs=2e-3)
    assert k_lsd(target, 0.5 * target) == pytest.approx(math.log(4.0), abs=2e-3)


def test_the_level_of_a_recording_doesnt_change_its_lsd() -> None:
    target, estimate = speechlike(), speechlike() + 0.2 * speechlike(2)
    here, there = (lsd(gain * target, gain * estimate, RATE) for gain in (1.0, 0.05))
    assert here == pytest.approx(there, abs=1e-3)


def test_what_is_too_short_to_have_a_loudness_is_scored_as_it_is() -> None:
    found = scores(speechlike()[:3000], speechlike(2)[:3000], RATE)
    assert set(found) == {"snr_db", "lsd", "k_lsd"}
    assert all(math.isfinite(value) for value in found.values())
