"""Reading through a map by grains: the pitch stays, the moments are the map's, any span has the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from engine.audio.grains import MOMENT_S, GrainSignal, hop_frames, plan_grains
from engine.audio.signal import ArraySignal, Samples, Span
from engine.audio.timemap import TimeMap

RATE = 16_000


def tone(hertz: float, seconds: float) -> Samples:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)[:, None]


def grains(samples: Samples, map_: TimeMap, frames: int) -> GrainSignal:
    signal = ArraySignal(samples, RATE)
    return GrainSignal(signal, plan_grains(signal, map_, Span(0, frames)), frames)


@pytest.mark.parametrize("speed", [0.6, 0.9, 1.15, 1.7])
@pytest.mark.parametrize("hertz", [110.0, 997.0])
def test_a_tone_keeps_its_pitch_at_any_speed(speed: float, hertz: float) -> None:
    frames = 3 * RATE
    out = grains(tone(hertz, 3 * speed + 0.2), TimeMap([0, 3], [0, 3 * speed]), frames).read(0, frames)[:, 0]
    inside = out[RATE // 4 : -RATE // 4]
    spectrum = np.abs(np.fft.rfft(inside * np.hanning(len(inside))))
    # Grains begin on whole frames, so that each may be half a frame late: 2.7 cents here, 1 cent at 44.1 kHz.
    off = hertz * 0.5 / hop_frames(RATE) + RATE / len(inside)
    assert np.argmax(spectrum) * RATE / len(inside) == pytest.approx(hertz, abs=off)
    # Joined at the right phase a steady tone stays steady: 0.3 / sqrt(2), and never a hole.
    level = np.sqrt(np.convolve(inside**2, np.full(RATE // 20, 20 / RATE), "valid"))
    assert level.min() > 0.9 * 0.3 / np.sqrt(2)
    assert level.max() < 1.1 * 0.3 / np.sqrt(2)


@pytest.mark.parametrize("speed", [0.7, 1.4])
def test_every_beat_comes_at_its_mapped_moment(speed: float) -> None:
    """Short strokes over a hum; the truth is where each was put."""
    chance = np.random.default_rng(2)
    moments = np.cumsum(chance.uniform(0.15, 0.5, 20)) + 0.2
    samples = 0.02 * tone(150, moments[-1] + 1)
    for moment in moments:
        start = round(moment * RATE)
        samples[start : start + 800, 0] += np.exp(-np.arange(800) / 150) * np.sin(np.arange(800) * 0.9) * 0.5
    frames = round((moments[-1] / speed + 0.3) * RATE)
    out = np.abs(grains(samples, TimeMap([0, 100], [0, 100 * speed]), frames).read(0, frames)[:, 0])
    errors = []
    for moment in moments / speed:
        around = round(moment * RATE) - 400
        errors.append((int(np.argmax(out[around : around + 800] > 0.15)) - 400) / RATE)
    # A beginning is known to half a moment, by which the map's speed and the grain's differ; a frame of rounding, too.
    assert np.max(np.abs(errors)) < MOMENT_S / 2 * abs(1 / speed - 1) + 2 / RATE


def test_where_the_map_is_straight_the_bits_are_copied() -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, (RATE, 2)).astype(np.float32)
    late = round(0.1 * RATE)
    signal = grains(samples, TimeMap([0], [late / RATE]), RATE - late)
    assert np.array_equal(signal.read(0, RATE - late), samples[late:])


def test_any_span_has_the_bits_of_the_whole() -> None:
    chance = np.random.default_rng(3)
    samples = (tone(300, 4) + chance.normal(0, 0.02, (4 * RATE, 2))).astype(np.float32)
    moments = np.linspace(0, 3, 61)
    signal = grains(samples, TimeMap(moments, 1.2 * moments + 0.01 * np.sin(5 * moments)), 3 * RATE)
    whole = signal.read(0, 3 * RATE)
    for start, stop in [(0, 1), (319, 321), (1, 30_001), (40_000, 48_000), (7, 7)]:
        assert np.array_equal(signal.read(start, stop), whole[start:stop])


def test_left_and_right_that_are_equal_stay_equal() -> None:
    samples = np.repeat(np.random.default_rng(4).normal(0, 0.1, (2 * RATE, 1)), 2, axis=1).astype(np.float32)
    out = grains(samples, TimeMap([0, 2], [0, 1.5]), 2 * RATE).read(0, 2 * RATE)
    assert np.array_equal(out[:, 0], out[:, 1])


def test_silence_and_what_lies_outside_of_the_recording_stay_silent() -> None:
    signal = grains(np.zeros((RATE, 1), dtype=np.float32), TimeMap([0, 2], [-1, 2]), 2 * RATE)
    assert not signal.read(0, 2 * RATE).any()
    loud = grains(tone(500, 1), TimeMap([0], [-1]), 3 * RATE)
    assert not loud.read(0, RATE - hop_frames(RATE)).any()
    assert not loud.read(2 * RATE + hop_frames(RATE), 3 * RATE).any()
