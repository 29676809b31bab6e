"""What a recording is like by itself, on recordings made to be so."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile

from engine.audio.signal import ArraySignal, SilentSignal
from engine.measure import (
    bandwidth_hz,
    channel_correlation,
    clipped_share,
    dc,
    dead_channels,
    noise_floor_db,
    peak_db,
    polarity_reversed,
    rms_db,
    summary,
)

RATE = 44_100


def signal_of(*channels: np.ndarray, rate: int = RATE) -> ArraySignal:
    return ArraySignal(np.stack(channels, axis=1).astype(np.float32), rate)


def sine(seconds: float = 2, hertz: float = 441, level: float = 1.0) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def noise(seconds: float = 4, level: float = 0.1, seed: int = 0) -> np.ndarray:
    return level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def test_the_offset_of_each_channel_is_its_mean() -> None:
    assert dc(signal_of(sine() * 0.5 + 0.1, sine() * 0.2 - 0.03)) == pytest.approx([0.1, -0.03], abs=1e-6)


def test_a_full_sine_has_its_textbook_levels() -> None:
    assert peak_db(signal_of(sine())) == pytest.approx(0, abs=1e-4)
    assert rms_db(signal_of(sine())) == pytest.approx(-3.0103, abs=1e-3)


def test_silence_has_a_finite_name() -> None:
    silent = SilentSignal(RATE, 2, RATE)
    assert peak_db(silent) == rms_db(silent) == noise_floor_db(silent) == -200
    assert bandwidth_hz(silent) == 0


@pytest.mark.parametrize("turned_down", [1.0, 0.3])
def test_cut_off_peaks_are_counted_to_the_sample(turned_down: float) -> None:
    cut = np.clip(1.5 * sine(6, hertz=100.1), -1, 1).astype(np.float32)
    expected = np.mean(np.abs(cut) == 1)
    assert clipped_share(signal_of(turned_down * cut)) == pytest.approx(expected, rel=1e-3)
    assert clipped_share(signal_of(sine(6, hertz=1_000.3, level=0.9))) == 0


def test_a_square_wave_in_the_noise_is_not_clipped() -> None:
    assert clipped_share(signal_of(np.sign(sine()) * 0.05)) == 0


def test_dead_and_reversed_channels_are_named() -> None:
    assert dead_channels(signal_of(sine(), 0 * sine())) == [1]
    assert dead_channels(signal_of(0 * sine(), 0 * sine())) == []
    assert polarity_reversed(signal_of(sine(), -0.7 * sine()))
    assert not polarity_reversed(signal_of(sine(), sine()))
    assert channel_correlation(signal_of(noise(seed=1), noise(seed=2))) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("cutoff_hz", [2_500, 3_500, 8_000, 16_000])
def test_a_low_pass_is_the_bandwidth(cutoff_hz: float) -> None:
    taps = scipy.signal.firwin(801, cutoff_hz, fs=RATE)
    limited = scipy.signal.fftconvolve(noise(), taps, mode="same")
    assert bandwidth_hz(signal_of(limited)) == pytest.approx(cutoff_hz, rel=0.05)


def test_a_wall_in_low_noise_is_seen_before_60_db() -> None:
    taps = scipy.signal.firwin(1001, 10_000, fs=RATE)
    limited = scipy.signal.fftconvolve(noise(), taps, mode="same") + noise(level=0.1 * 10 ** (-50 / 20), seed=7)
    assert bandwidth_hz(signal_of(limited)) == pytest.approx(10_000, rel=0.05)


def test_noise_without_an_end_reaches_half_the_rate() -> None:
    assert bandwidth_hz(signal_of(noise())) > 0.99 * RATE / 2


def test_real_recordings_end_where_their_list_says(development_data: Path) -> None:
    with (development_data / "manifest.csv").open(newline="") as file:
        rows = [
            r for r in csv.DictReader(file) if r["set"] == "music" and r["split"] == "validation" and r["bandwidth_hz"]
        ]
    ratios = []
    for row in rows:
        samples, rate = soundfile.read(development_data / row["path"], dtype="float32", always_2d=True)
        ratios.append(bandwidth_hz(ArraySignal(samples[: 20 * rate].copy(), rate)) / float(row["bandwidth_hz"]))
    # Both are estimates of a gradual end; the list smooths more.
    assert 0.9 < np.median(ratios) < 1.2
    assert np.mean(np.abs(np.log(ratios)) < np.log(1.3)) > 0.8


def test_the_table_names_what_was_put_in() -> None:
    time = np.arange(6 * RATE) / RATE
    hum = sum(0.01 * np.cos(2 * np.pi * 60 * k * time) for k in (1, 2, 3))
    left = 0.05 * sine(6) + hum + noise(6, 1e-3)
    left[50_000:50_020] += 0.3 * (-1.0) ** np.arange(20)
    table = summary(signal_of(left, 0 * left))
    assert table["hum_hz"] == pytest.approx(60, abs=0.01)
    assert table["dead_channels"] == [2]
    assert table["clicks_per_s"] == pytest.approx(1 / 6 / 2)
    assert table["clipped_share"] == 0
    assert not table["polarity_reversed"]
