"""Wow and flutter: start, end and length stay; cents and map say exactly what was done."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.signal import ArraySignal
from engine.audio.warp import warp
from engine.tools.age.speed import Swing, Wobble, wobble

RATE = 44_100


def drawn(seed: int, seconds: float, **values: float) -> Wobble:
    return Wobble.drawn(np.random.default_rng(seed), seconds, **values)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9999), st.floats(0.0, 600), st.floats(0, 5), st.floats(0.1, 5), st.floats(0, 2), st.floats(0, 2))
def test_it_starts_and_ends_at_zero_and_never_runs_backwards(
    seed: int, seconds: float, wow: float, hertz: float, flutter: float, drift: float
) -> None:
    curve = drawn(seed, seconds, wow_percent=wow, wow_hz=hertz, flutter_percent=flutter, drift_percent=drift)
    assert np.abs(curve.displacement_at([0.0, seconds])).max() < 1e-12
    assert (curve.speed_at(np.linspace(0, seconds, 2000)) > 0.6).all()


def test_speed_is_the_derivative_of_the_position() -> None:
    curve, time = drawn(1, 30, drift_percent=0.2), np.linspace(0, 30, 300_001)
    assert np.gradient(curve.target_at(time), time)[1:-1] == pytest.approx(curve.speed_at(time)[1:-1], abs=1e-6)


def test_wow_of_03_percent_is_3_7_cents_rms() -> None:
    curve = Wobble((Swing(0.003, 1.3, 0.5),), 600.0)
    assert np.sqrt(np.mean(curve.cents_at(np.linspace(0, 600, 100_001)) ** 2)) == pytest.approx(3.67, abs=0.02)


def test_drift_is_rms() -> None:
    curves = [drawn(seed, 600, wow_percent=0, flutter_percent=0, drift_percent=0.5) for seed in range(20)]
    rms = [np.std(curve.speed_at(np.linspace(0, 600, 5000))) for curve in curves]
    assert np.mean(rms) == pytest.approx(0.005, rel=0.05)


def test_the_table_is_right_to_ten_nanoseconds() -> None:
    curve, time = drawn(3, 20), np.linspace(0, 20, 777_777)
    table = curve.time_map()
    assert np.abs(table.target_at(time) - curve.target_at(time)).max() < 1.1e-8
    assert table.target_s[0] == 0
    assert table.target_s[-1] == pytest.approx(20, abs=1e-12)
    assert drawn(3, 0.0).time_map().target_at([0.5]).tolist() == [0.5]


def test_a_tone_swings_by_the_cents_that_the_curve_tells() -> None:
    curve = Wobble((Swing(0.005, 1.3, 1.0),), 6.0)
    source = np.sin(2 * np.pi * 2000 * np.arange(6 * RATE) / RATE).astype(np.float32)
    phase = np.unwrap(np.angle(scipy.signal.hilbert(wobble(source, RATE, curve).astype(np.float64))))
    hertz = np.diff(phase) * RATE / (2 * np.pi)
    part = slice(RATE, 5 * RATE)
    expected = 2000 * curve.speed_at((np.arange(6 * RATE - 1) + 0.5) / RATE)
    assert np.abs(hertz[part] - expected[part]).max() < 0.1


def test_the_inverse_table_brings_the_music_back() -> None:
    curve = drawn(5, 4.0, wow_percent=0.5)
    time = np.arange(4 * RATE) / RATE
    source = (np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 5000 * time)).astype(np.float32)
    aged = ArraySignal(wobble(source, RATE, curve)[:, None], RATE)
    back = warp(aged, curve.time_map().invert()).read(0, len(source))[2000:-2000, 0]
    error = back - source[2000:-2000]
    assert 10 * np.log10(np.mean(error**2) / np.mean(source**2)) < -70


def test_the_source_stays_writable() -> None:
    source = np.zeros((1000, 2), dtype=np.float32)
    wobble(source, RATE, drawn(1, 1000 / RATE))
    source[0] = 1.0
