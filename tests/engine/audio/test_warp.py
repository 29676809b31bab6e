"""Reading through a map: the sound of the right moment, the same bits for any span."""

from __future__ import annotations

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Samples
from engine.audio.timemap import TimeMap
from engine.audio.warp import TAPS, WarpedSignal, warp

RATE = 44_100


def tone(hertz: float, seconds: float, rate: int = RATE) -> Samples:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate).astype(np.float32)[:, None]


def noise(frames: int, channels: int = 1) -> Samples:
    return np.random.default_rng(4).standard_normal((frames, channels)).astype(np.float32)


def middle(samples: Samples) -> Samples:
    return samples[2000:-2000, 0]


def error_db(got: Samples, expected: Samples) -> float:
    return float(10 * np.log10(np.mean((got - expected) ** 2) / np.mean(expected**2)))


@pytest.mark.parametrize("hertz", [50, 1000, 8000, 15_000, 19_000])
def test_a_fractional_delay_of_a_tone_is_the_tone_computed_later(hertz: float) -> None:
    shift_s = 0.3721 / RATE
    warped = warp(ArraySignal(tone(hertz, 1), RATE), TimeMap([0], [shift_s]), frames=RATE).read(0, RATE)
    expected = np.sin(2 * np.pi * hertz * (np.arange(RATE) / RATE + shift_s)).astype(np.float32)
    # 64 taps pass up to 0.9 of Nyquist within a thousandth of a decibel.
    assert error_db(middle(warped), expected[2000:-2000]) < -80


def test_through_the_identity_every_bit_stays() -> None:
    samples = noise(20_000, 3)
    assert np.array_equal(warp(ArraySignal(samples, RATE), TimeMap.identity()).read(0, 20_000), samples)


def test_whole_frames_of_delay_are_exact() -> None:
    samples = noise(20_000)
    late = warp(ArraySignal(samples, RATE), TimeMap([0], [-100 / RATE])).read(0, 20_000)
    assert np.array_equal(late[100:], samples[:-100])
    assert not late[:100].any()


def wandering() -> TimeMap:
    moments = np.linspace(0, 3, 400)
    return TimeMap(moments, moments * 1.01 + 0.003 * np.sin(9 * moments) + 0.2)


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (1, 4097), (4095, 12_345), (99_999, 100_000), (50, 50)])
def test_any_span_has_the_bits_of_the_whole(start: int, stop: int) -> None:
    signal = ArraySignal(noise(120_000, 2), RATE)
    whole = warp(signal, wandering(), frames=100_000).read(0, 100_000)
    assert np.array_equal(warp(signal, wandering(), frames=100_000).read(start, stop), whole[start:stop])


def test_a_tone_through_a_curve_is_the_tone_at_the_mapped_moments() -> None:
    map_ = wandering()
    warped = warp(ArraySignal(tone(3000, 4), RATE), map_, frames=2 * RATE).read(0, 2 * RATE)
    expected = np.sin(2 * np.pi * 3000 * map_.target_at(np.arange(2 * RATE) / RATE)).astype(np.float32)
    assert error_db(middle(warped), expected[2000:-2000]) < -80


def test_there_and_back_the_music_is_what_it_was() -> None:
    map_ = TimeMap(np.linspace(0, 2, 50), np.linspace(0, 2, 50) + 0.002 * np.sin(np.linspace(0, 2 * np.pi, 50)))
    source = tone(440, 2) + tone(5000, 2)
    there = warp(ArraySignal(source, RATE), map_)
    back = warp(there, map_.invert()).read(0, len(source))
    assert error_db(middle(back), middle(source)) < -75


def test_outside_of_the_recording_there_is_silence() -> None:
    warped = warp(ArraySignal(np.ones((1000, 1), dtype=np.float32), RATE), TimeMap([0], [-0.5]), frames=RATE)
    assert not warped.read(0, RATE // 2 - TAPS).any()
    assert not warped.read(RATE // 2 + 1000 + TAPS, RATE).any()


def test_reading_faster_doesn_t_fold_the_highs_back() -> None:
    fast = TimeMap([0, 1], [0, 1.5])
    warped = warp(ArraySignal(tone(18_000, 1.5), RATE), fast, frames=RATE).read(0, RATE)
    # 18 kHz read 1.5 times as fast would be 27 kHz: it must vanish, not return as 17.1 kHz.
    assert np.sqrt(np.mean(middle(warped) ** 2)) < 1e-3
    kept = warp(ArraySignal(tone(8000, 1.5), RATE), fast, frames=RATE).read(0, RATE)
    expected = np.sin(2 * np.pi * 12_000 * np.arange(RATE) / RATE).astype(np.float32)
    assert error_db(middle(kept), expected[2000:-2000]) < -55


def test_another_rate_is_reached_on_the_way() -> None:
    warped = warp(ArraySignal(tone(1000, 1, 48_000), 48_000), TimeMap.identity(), frames=RATE, rate=RATE)
    assert error_db(middle(warped.read(0, RATE)), middle(tone(1000, 1))) < -80


class Spy:
    """A long Signal that remembers the longest read."""

    rate, channels, frames = 8000, 1, 8000 * 3600 * 10

    def __init__(self) -> None:
        self.longest = 0

    def read(self, start: int, stop: int) -> Samples:
        self.longest = max(self.longest, stop - start)
        return np.zeros((stop - start, 1), dtype=np.float32)


def test_a_map_that_leaps_over_hours_is_read_in_small_pieces() -> None:
    spy = Spy()
    WarpedSignal(spy, TimeMap([0, 1, 1.001, 2], [0, 1, 30_000, 30_001]), 16_000, 8000).read(0, 16_000)
    assert spy.longest < 60 * 8000 * 2
