"""The noise under a recording is measured between the notes, and between their partials."""

from __future__ import annotations

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, SilentSignal
from engine.audio.stft import Stft
from engine.measure import noise_floor_db
from engine.measure.noise_floor import quantile_profile

RATE = 44_100
# Mean |X|² of white noise of variance 1: the sum of the squared window, 3/8 of its length.
WHITE = 0.375 * 2048


def white(seconds: float, level: float = 1.0, channels: int = 1) -> np.ndarray:
    chance = np.random.default_rng(0)
    return (level * chance.standard_normal((round(seconds * RATE), channels))).astype(np.float32)


def spectra_of(samples: np.ndarray) -> np.ndarray:
    count = (len(samples) - 2048) // 512 + 1
    return Stft().forward(np.ascontiguousarray(samples[: (count - 1) * 512 + 2048, 0]))


@pytest.mark.parametrize(("quantile", "frames"), [(0.05, 5), (0.10, 1)])
def test_a_low_quantile_of_white_noise_is_corrected_to_its_power(quantile: float, frames: int) -> None:
    profile = quantile_profile(spectra_of(white(20)), quantile, frames)
    assert profile is not None
    decibels = 10 / np.log(10) * (profile[2:-2] - np.log(WHITE))
    assert abs(decibels.mean()) < 0.3
    assert np.std(decibels) < 1.5


def test_too_little_sound_tells_nothing() -> None:
    assert quantile_profile(spectra_of(white(0.3))) is None
    assert quantile_profile(np.zeros((100, 1025), dtype=np.complex64)) is None


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_white_noise_has_its_rms(rate: int) -> None:
    assert noise_floor_db(ArraySignal(white(10, 0.001, 2), rate)) == pytest.approx(-60, abs=0.3)


def test_noise_is_measured_between_notes() -> None:
    time = np.arange(8 * RATE) / RATE
    notes = 0.3 * np.sin(2 * np.pi * 441 * time) * np.maximum(np.sin(2 * np.pi * time), 0)
    found = noise_floor_db(ArraySignal(notes[:, None].astype(np.float32) + white(8, 0.001), RATE))
    assert found == pytest.approx(-60, abs=0.5)


def test_noise_is_measured_between_the_partials_of_music_without_pause() -> None:
    time = np.arange(12 * RATE) / RATE
    # Vibrato and changing notes: no partial stays in one place.
    pitch = 300 * (1 + 0.2 * np.floor(time * 2 % 3)) + 8 * np.sin(2 * np.pi * 5.5 * time)
    turns = np.cumsum(pitch) / RATE
    music = sum(0.2 / k * np.sin(2 * np.pi * k * turns) for k in range(1, 9))
    found = noise_floor_db(ArraySignal(music[:, None].astype(np.float32) + white(12, 0.001), RATE))
    # The quietest moment is at -17 dB; some bins never rest from a partial.
    assert -60 < found < -45


def test_digital_silence_is_no_noise_floor() -> None:
    assert noise_floor_db(SilentSignal(RATE, 2, 3 * RATE)) == -200
    assert noise_floor_db(SilentSignal(RATE, 1, 10)) == -200
    half = np.concatenate([np.zeros((5 * RATE, 1), np.float32), white(5, 0.001)])
    assert noise_floor_db(ArraySignal(half, RATE)) == pytest.approx(-60, abs=0.5)
