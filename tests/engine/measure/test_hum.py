"""Hum is found with its frequency, followed when it wanders, and not imagined."""

from __future__ import annotations

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, SilentSignal
from engine.measure import track_hum
from engine.tools.restore.dehum import hum_wave

RATE = 22_050


def mains(seconds: float, hertz: float, wander_hz: float = 0.0, harmonics: int = 10, rate: int = RATE) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    turns = hertz * time + wander_hz * 30 / (2 * np.pi) * (1 - np.cos(2 * np.pi * time / 30))
    return sum(0.01 / k * np.cos(2 * np.pi * k * turns + k * k) for k in range(1, harmonics + 1))


def melody(seconds: float, rate: int = RATE) -> np.ndarray:
    """Notes from 98 Hz up that come and go, over a little hiss."""
    time, chance = np.arange(round(seconds * rate)) / rate, np.random.default_rng(3)
    out = 1e-4 * chance.standard_normal(len(time))
    for onset in np.arange(0, seconds, 0.3):
        since = time - onset
        note = 98 * 2 ** (chance.integers(0, 36) / 12)
        out += np.where(since >= 0, 0.1 * np.exp(-5 * np.maximum(since, 0)) * np.sin(2 * np.pi * note * since), 0)
    return out


def signal_of(samples: np.ndarray, rate: int = RATE) -> ArraySignal:
    columns = samples[:, None] if samples.ndim == 1 else samples
    return ArraySignal(columns.astype(np.float32), rate)


def reduction_db(hum: np.ndarray, track_of: np.ndarray) -> float:
    track = track_hum(signal_of(track_of))
    left = hum - hum_wave(track, np.arange(len(hum)) / RATE)[:, 0]
    return float(10 * np.log10(np.sum(hum**2) / np.sum(left**2)))


@pytest.mark.parametrize("hertz", [49.3, 50.0, 50.87, 59.2, 60.0, 60.95])
def test_the_frequency_is_found_to_a_hundredth_of_a_hertz(hertz: float) -> None:
    track = track_hum(signal_of(mains(12, hertz) + melody(12)))
    assert track.is_present
    assert np.abs(track.hertz[2:-2] - hertz).max() < 0.01


def test_hum_alone_is_followed_to_its_last_percent() -> None:
    hum = mains(20, 50.1)
    assert reduction_db(hum, hum) > 40


def test_hum_under_music_loses_20_db() -> None:
    hum = mains(20, 50.1)
    assert reduction_db(hum, hum + melody(20)) > 20  # the floor of the specification of Restore


def test_hum_that_wanders_is_followed() -> None:
    hum = mains(30, 50.0, wander_hz=0.05)
    assert reduction_db(hum, hum + melody(30)) > 15


def test_channels_have_amplitudes_of_their_own() -> None:
    hum = mains(10, 60.0)
    track = track_hum(signal_of(np.stack([hum, -0.3 * hum, 0 * hum], axis=1) + 1e-5))
    fundamental = np.abs(track.amplitudes[10, :, 0])
    np.testing.assert_allclose(fundamental, [0.01, 0.003, 0.0], atol=1e-4)


def test_music_and_noise_hold_no_hum() -> None:
    assert not track_hum(signal_of(melody(20))).is_present
    assert not track_hum(signal_of(0.1 * np.random.default_rng(2).standard_normal(10 * RATE))).is_present
    assert not track_hum(SilentSignal(RATE, 2, 5 * RATE)).is_present


def test_one_steady_tone_is_a_note_and_no_hum() -> None:
    time = np.arange(10 * RATE) / RATE
    assert not track_hum(signal_of(0.1 * np.sin(2 * np.pi * 100 * time))).is_present


def test_harmonics_that_are_missing_are_not_subtracted() -> None:
    time = np.arange(15 * RATE) / RATE
    odd = sum(0.01 * np.cos(2 * np.pi * 50 * k * time) for k in (1, 3, 5))
    track = track_hum(signal_of(odd + 1e-4 * np.random.default_rng(0).standard_normal(len(time))))
    assert track.found == [1, 3, 5]


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_any_rate_is_searched(rate: int) -> None:
    track = track_hum(signal_of(mains(4, 50.0, rate=rate), rate))
    assert np.abs(np.median(track.hertz) - 50.0) < 0.01


def test_less_than_a_second_tells_nothing() -> None:
    assert not track_hum(signal_of(mains(0.9, 50.0))).is_present
