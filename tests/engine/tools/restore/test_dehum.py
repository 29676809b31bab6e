"""Dehum subtracts the mains, cuts rumble when asked, and otherwise touches nothing."""

from __future__ import annotations

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Samples, Span
from engine.measure import snr_db
from engine.tools.restore import RESTORE
from engine.tools.restore.dehum import digital_silence, rumble_filter
from engine.tools.tool import Value, complete

RATE = 44_100
ALONE: dict[str, Value] = {"declick": False, "denoise": False}


def result_of(samples: Samples, **values: Value) -> Samples:
    params = complete(RESTORE, {**ALONE, **values})
    signal = ArraySignal(samples.copy(), RATE)
    return RESTORE.render(signal, params, RESTORE.analyse(signal, params, {}), {}, Span(0, len(samples)))


def music(seconds: float) -> Samples:
    time, chance = np.arange(round(seconds * RATE)) / RATE, np.random.default_rng(1)
    out = 1e-4 * chance.standard_normal(len(time))
    for onset in np.arange(0, seconds, 0.4):
        since = np.maximum(time - onset, 0)
        out += 0.1 * np.exp(-4 * since) * np.sin(2 * np.pi * 110 * 2 ** (chance.integers(0, 30) / 12) * since)
    return out.astype(np.float32)[:, None]


def mains(seconds: float) -> Samples:
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(0.02 / k * np.cos(2 * np.pi * 50.08 * k * time + k) for k in range(1, 11))
    return tones.astype(np.float32)[:, None]


def test_a_recording_without_hum_keeps_its_bits() -> None:
    clean = music(8)
    np.testing.assert_array_equal(result_of(clean), clean)


def test_hum_goes_and_music_stays() -> None:
    clean, hum = music(15), mains(15)
    result = result_of(clean + hum)
    left = float(np.sum((result - clean) ** 2) / np.sum(hum**2))
    assert 10 * np.log10(left) < -20  # the floor of the specification; what was harmed counts as left
    assert snr_db(clean, result) > 30


def test_fewer_harmonics_may_be_taken() -> None:
    taken = (music(10) + mains(10)) - result_of(music(10) + mains(10), hum_harmonics=3)
    spectrum = np.abs(np.fft.rfft(taken[:, 0] * np.hanning(len(taken))))
    at = [spectrum[round(50.08 * k * 10)] for k in range(1, 8)]
    assert min(at[:3]) > 100 * max(at[3:])


def test_the_wrong_mains_frequency_finds_nothing() -> None:
    damaged = music(8) + mains(8)
    np.testing.assert_array_equal(result_of(damaged, hum_base="60 Hz"), damaged)
    assert not np.array_equal(result_of(damaged, hum_base="50 Hz"), damaged)


@pytest.mark.parametrize("cutoff_hz", [20.0, 40.0, 80.0])
def test_the_rumble_filter_cuts_below_and_leaves_what_lies_above(cutoff_hz: float) -> None:
    low_pass = rumble_filter(RATE, cutoff_hz)
    hertz = np.array([cutoff_hz / 3, cutoff_hz, 2 * cutoff_hz, 1_000.0])
    remaining = np.abs(1 - low_pass.response(hertz, RATE))
    assert 20 * np.log10(remaining[0]) < -30
    assert remaining[1] == pytest.approx(0.5, abs=0.01)  # -6 dB at the frequency on the knob
    np.testing.assert_allclose(remaining[2:], 1, atol=0.02)
    np.testing.assert_allclose(low_pass.taps, low_pass.taps[::-1], atol=1e-12)  # linear phase


def test_rumble_is_cut_even_where_there_is_no_hum() -> None:
    time = np.arange(6 * RATE) / RATE
    clean = music(6)
    rumbling = clean + (0.1 * np.sin(2 * np.pi * 11 * time)).astype(np.float32)[:, None]
    result = result_of(rumbling, rumble=True, rumble_hz=40.0)
    middle = slice(RATE, 5 * RATE)
    assert snr_db(clean[middle], result[middle]) > snr_db(clean[middle], rumbling[middle]) + 25


def test_the_rumble_filter_does_not_take_the_mains_away_twice() -> None:
    damaged = music(10) + mains(10)
    window = np.hanning(len(damaged))

    def line(samples: Samples) -> float:
        return float(np.abs(np.exp(-2j * np.pi * 50.08 * np.arange(len(samples)) / RATE) @ (window * samples[:, 0])))

    result = result_of(damaged, rumble=True, rumble_hz=80.0)
    assert 20 * np.log10(line(result) / line(damaged)) < -30


@pytest.mark.parametrize("rumble", [False, True])
def test_no_hum_is_written_into_digital_silence(rumble: bool) -> None:
    damaged = music(20) + mains(20)
    damaged[: RATE // 2] = 0.0
    result = result_of(damaged, rumble=rumble)
    assert not result[: RATE // 2].any()
    assert not np.array_equal(result, damaged)


def test_silence_is_found_by_its_own_length_however_it_is_asked_for() -> None:
    samples = np.ones((400, 2), dtype=np.float32)
    samples[100:163, 0] = 0.0  # one short of a run
    samples[200:264, 0] = 0.0
    samples[300:380, 1] = 0.0
    truth = np.zeros((400, 2), dtype=bool)
    truth[200:264, 0] = truth[300:380, 1] = True
    signal = ArraySignal(samples, RATE)
    np.testing.assert_array_equal(digital_silence(signal, Span(0, 400)), truth)
    for start in range(0, 400, 37):
        part = Span(start, min(400, start + 37))
        np.testing.assert_array_equal(digital_silence(signal, part), truth[start : part.stop])
