"""The statistics that describe a recording to the noise-profile network."""

from __future__ import annotations

import numpy as np
import pytest

from engine.audio.stft import Stft, torch_compatible_frames
from engine.inference.profile_features import BASE, LOG_POWER_STATISTICS, STATISTICS, profile_features

RATE = 44_100
FLAT_TIME, LAG, PHASE = 26, 28, 30  # rows: flatness over time, correlation one FFT length apart, phase steadiness


def describe(samples: np.ndarray, rate: int = RATE) -> tuple[np.ndarray, float]:
    return profile_features(torch_compatible_frames(samples.astype(np.float32), Stft()), rate)


def white(seconds: float = 8.0) -> np.ndarray:
    return 0.1 * np.random.default_rng(2).standard_normal(round(seconds * RATE))


def test_white_noise_has_the_statistics_of_an_exponential_distribution() -> None:
    features, level = describe(white())
    assert features.shape == (STATISTICS, 1025)
    inner = features[:, 10:-10]
    # Power of a bin: variance x sum of squared window. 1 %: 700 frames x 1025 bins.
    assert level == pytest.approx(0.01 * 0.375 * 2048, rel=0.02)
    assert inner[FLAT_TIME].mean() == pytest.approx(-np.euler_gamma, abs=0.02)
    assert abs(inner[LAG].mean()) < 0.02
    assert abs(inner[PHASE].mean()) < 0.02


def test_a_held_tone_has_a_steady_phase() -> None:
    time = np.arange(8 * RATE) / RATE
    features, _ = describe(np.sin(2 * np.pi * 2000.0 * time) + 1e-3 * white())
    assert features[PHASE, round(2000 * 2048 / RATE)] > 0.99


def test_level_and_silence_at_the_ends_change_nothing() -> None:
    noise = white()
    features, level = describe(noise)
    quiet, quiet_level = describe(noise * 0.01)
    np.testing.assert_allclose(quiet, features, atol=2e-3)
    assert quiet_level == pytest.approx(level * 1e-4, rel=1e-3)
    padded, padded_level = describe(np.concatenate([np.zeros(RATE), noise, np.zeros(RATE)]))
    # Up to eight frames at the seams are half silent.
    assert padded_level == pytest.approx(level, rel=0.02)
    assert np.abs(padded[BASE] - features[BASE]).mean() < 0.1  # quantiles of 700 frames move by as much


def test_log_powers_are_counted_from_the_level() -> None:
    features, _ = describe(white())
    burst = np.where(np.arange(8 * RATE) < 0.15 * RATE, 30.0, 1.0)  # the level rises, the noise doesn't
    moved = (describe(white() * burst)[0] - features).mean(axis=1)
    assert STATISTICS == 36
    # Every log power but the last, the mean itself; the loud 2 % of the frames reach no quantile up to 0.95.
    assert (moved[: LOG_POWER_STATISTICS - 1] < -2.0).all()
    assert abs(moved[LOG_POWER_STATISTICS - 1]) < 0.2


def test_silence_is_refused() -> None:
    with pytest.raises(ValueError, match="32 sounding frames"):
        describe(np.zeros(RATE))
