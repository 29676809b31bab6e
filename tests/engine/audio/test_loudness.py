"""Loudness as the standards' own test cases and an independent library read it."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray
from scipy.signal import resample

from engine.audio.loudness import (
    Meter,
    gated_rms_db,
    integrated_lufs,
    k_weighting,
    loudness_range,
    measure_loudness,
    true_peak_dbtp,
)
from engine.audio.signal import ArraySignal, SilentSignal, Span, blocks

RATE = 48000


def sine(parts: list[tuple[float, float]], channels: int = 2, hz: float = 1000.0, rate: int = RATE) -> ArraySignal:
    """Return a sine whose level in dBFS (peak) and length in s are given part by part, as EBU Tech 3341 does."""
    levels = np.concatenate([np.full(round(seconds * rate), 10 ** (db / 20)) for db, seconds in parts])
    wave = levels * np.sin(2 * np.pi * hz * np.arange(len(levels)) / rate)
    return ArraySignal(np.repeat(wave[:, None], channels, axis=1).astype(np.float32), rate)


def test_the_filters_at_48_khz_are_those_printed_in_bs_1770() -> None:
    shelf, high_pass = k_weighting(48000)
    assert np.allclose(
        shelf,
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585],
        atol=1e-9,
    )
    assert np.allclose(high_pass, [1, -2, 1, 1, -1.99004745483398, 0.99007225036621], atol=1e-9)


# EBU Tech 3341, table 1. The standard allows ±0.1 LU.
TECH_3341 = {
    1: ([(-23, 20)], -23.0),
    2: ([(-33, 20)], -33.0),
    3: ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
    4: ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
    5: ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
}


@pytest.mark.parametrize("case", TECH_3341)
def test_integrated_loudness_of_ebu_tech_3341(case: int) -> None:
    parts, expected = TECH_3341[case]
    assert abs(integrated_lufs(sine(parts)) - expected) <= 0.1


def test_case_6_of_ebu_tech_3341_surround() -> None:
    """5.0: -28 dBFS left and right, -24 centre, -30 surrounds read -23 LUFS; the LFE of 5.1 doesn't count."""
    base = sine([(0, 20)], 1).samples
    gains = 10 ** (np.array([-28, -28, -24, -30, -30]) / 20)
    five = (base * gains).astype(np.float32)
    assert abs(integrated_lufs(ArraySignal(five, RATE)) + 23.0) <= 0.1
    six = np.insert(five, 3, base[:, 0], axis=1)
    assert abs(integrated_lufs(ArraySignal(six, RATE)) + 23.0) <= 0.1


def test_case_9_short_term_loudness_is_steady() -> None:
    """-20 dBFS for 1.34 s and -30 dBFS for 1.66 s in turn: short-term reads -23 LUFS once 3 s have passed."""
    signal = sine([(-20, 1.34), (-30, 1.66)] * 5)
    meter = Meter(RATE, 2)
    readings = [meter.add(signal.read(*span)).short_term_lufs for span in blocks(signal.frames, RATE // 10)]
    assert np.abs(np.array(readings[30:]) + 23.0).max() <= 0.1


def test_case_12_momentary_loudness_is_steady() -> None:
    """-20 dBFS for 0.18 s and -30 dBFS for 0.22 s in turn: momentary reads -23 LUFS once 1 s has passed."""
    signal = sine([(-20, 0.18), (-30, 0.22)] * 25)
    meter = Meter(RATE, 2)
    readings = [meter.add(signal.read(*span)).momentary_lufs for span in blocks(signal.frames, RATE // 10)]
    assert np.abs(np.array(readings[10:]) + 23.0).max() <= 0.1


# EBU Tech 3342, table 1: two levels of 20 s each; the range is their difference, ±1 LU.
@pytest.mark.parametrize(
    ("levels", "expected"), [((-20, -30), 10), ((-20, -15), 5), ((-40, -20), 20), ((-50, -35, -20, -35, -50), 15)]
)
def test_loudness_range_of_ebu_tech_3342(levels: tuple[float, ...], expected: float) -> None:
    assert abs(loudness_range(sine([(db, 20) for db in levels])) - expected) <= 1.0


# EBU Tech 3341, table 1, cases 15 to 19: sines at a quarter, a sixth, an eighth of the rate; +0.2 / -0.4 dB allowed.
@pytest.mark.parametrize(
    ("divisor", "phase_degrees", "amplitude", "expected_db"),
    [(4, 0, 0.5, -6.0), (4, 45, 0.5, -6.0), (6, 60, 0.5, -6.0), (8, 67.5, 0.5, -6.0), (4, 45, 1.41, 3.0)],
)
def test_true_peak_of_ebu_tech_3341(divisor: int, phase_degrees: float, amplitude: float, expected_db: float) -> None:
    frames = np.arange(RATE)
    fade = np.minimum(1, np.minimum(frames, frames[::-1]) / 2000)  # a sine switched on hard really has a higher peak
    wave = fade * amplitude * np.sin(2 * np.pi * frames / divisor + np.radians(phase_degrees))
    found = true_peak_dbtp(ArraySignal(wave[:, None].astype(np.float32), RATE))
    assert expected_db - 0.4 <= found <= expected_db + 0.2


@pytest.mark.parametrize("offset", [0.25, 0.5, 0.75])
def test_true_peak_finds_a_peak_between_samples(offset: float) -> None:
    """A band-limited pulse of height 0.9 between two samples, high up in the band where a short filter would miss."""
    at = np.arange(4000) - 2000 - offset
    pulse = 0.9 * np.sinc(0.9 * at) * np.exp(-((at / 400) ** 2))
    for lead in (0, 1, 31, 32, 1000):  # also across the joins of blocks and of rows
        samples = np.concatenate([np.zeros(63_500 + lead), pulse]).astype(np.float32)[:, None]
        assert abs(true_peak_dbtp(ArraySignal(samples, RATE)) - 20 * math.log10(0.9)) < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_true_peak_is_that_of_ideal_four_times_oversampling(seed: int) -> None:
    """For noise that fills 0.9 of the band; scipy's resampling of the whole by FFT is ideal."""
    noise = np.concatenate([np.zeros(500), np.random.default_rng(seed).standard_normal(20_000) * 0.1, np.zeros(500)])
    spectrum = np.fft.rfft(noise)
    spectrum[int(0.9 * len(spectrum)) :] = 0
    noise = np.fft.irfft(spectrum)
    truth_db = 20 * math.log10(np.abs(resample(noise, 4 * 21_000)).max())
    assert abs(true_peak_dbtp(ArraySignal(noise.astype(np.float32)[:, None], RATE)) - truth_db) < 0.05


@pytest.mark.parametrize("rate", [8000, 22050, 32000, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_integrated_loudness_agrees_with_pyloudnorm(rate: int, channels: int) -> None:
    random = np.random.default_rng(rate)
    samples = random.standard_normal((12 * rate, channels)) * np.repeat([0.1, 0.001, 0.03], 4 * rate)[:, None]
    expected = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(samples)
    assert abs(integrated_lufs(ArraySignal(samples.astype(np.float32), rate)) - expected) < 0.05


def test_silence_and_snippets_are_minus_infinity() -> None:
    assert integrated_lufs(SilentSignal(RATE, 2, 5 * RATE)) == -math.inf
    assert integrated_lufs(sine([(-20, 0.39)])) == -math.inf
    assert math.isfinite(integrated_lufs(sine([(-20, 0.4)])))
    assert true_peak_dbtp(SilentSignal(RATE, 1, 100)) == -math.inf
    assert true_peak_dbtp(SilentSignal(RATE, 1, 0)) == -math.inf
    assert gated_rms_db(SilentSignal(RATE, 1, 100)) == -math.inf
    assert loudness_range(sine([(-20, 2)])) == 0.0


def test_a_span_is_measured_like_the_same_sound_alone() -> None:
    signal = sine([(-40, 3), (-20, 4), (-30, 3)])
    part = Span(3 * RATE, 7 * RATE)
    alone = ArraySignal(signal.read(*part).copy(), RATE)
    assert integrated_lufs(signal, part) == integrated_lufs(alone)
    assert true_peak_dbtp(signal, part) == true_peak_dbtp(alone)
    assert gated_rms_db(signal, part) == gated_rms_db(alone)


def test_gated_rms_ignores_pauses() -> None:
    signal = sine([(-20, 0.1), (-90, 0.2), (-20, 0.1)], 1)
    assert abs(gated_rms_db(signal) - (-20 - 3.01)) < 0.1


@pytest.mark.parametrize("size", [37, 480, 44100, 100_000])
def test_the_meter_reads_the_same_whatever_the_block_size(size: int) -> None:
    signal = sine([(-26, 2), (-20, 3), (-35, 1)])
    meter = Meter(RATE, 2)
    peak = -math.inf
    for span in blocks(signal.frames, size):
        reading = meter.add(signal.read(*span))
        peak = max(peak, *reading.true_peak_db)
    whole = measure_loudness(signal)
    assert abs(meter.reading.integrated_lufs - whole.integrated_lufs) < 0.05, "bins of 0.1 LU at the gate"
    assert abs(peak - whole.true_peak_dbtp) < 0.01
    meter.reset()
    assert meter.reading.momentary_lufs == -math.inf


def test_one_pass_agrees_with_each_measurement() -> None:
    signal = sine([(-26, 5), (-20, 5)])
    whole = measure_loudness(signal)
    assert whole.integrated_lufs == integrated_lufs(signal)
    assert whole.range_lu == loudness_range(signal)
    assert whole.true_peak_dbtp == true_peak_dbtp(signal)
    assert abs(whole.momentary_max_lufs + 20.0) < 0.1
    assert abs(whole.short_term_max_lufs + 20.0) < 0.1


def test_level_is_read_in_full_by_each_channel() -> None:
    left: NDArray[np.float32] = sine([(-20, 1)], 2).samples.copy()
    left[:, 1] *= 0.5
    meter = Meter(RATE, 2)
    reading = meter.add(left[: RATE // 2])
    assert abs(reading.true_peak_db[0] + 20) < 0.1
    assert abs(reading.true_peak_db[1] + 26.02) < 0.1
    assert abs(reading.rms_db[0] + 23.01) < 0.1
