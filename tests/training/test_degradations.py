"""Random damage has the size, colour and repeatability that it claims."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch

from training import degradations
from training.degradations import Shape

RATE = 44_100


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_hiss_has_rms_1_and_the_colour_it_was_given() -> None:
    shape = Shape(np.array([20.0, 1000.0, 20_000.0]), np.array([-20.0, 0.0, -12.0]))
    noise = degradations.hiss(generator(), 20 * RATE, RATE, shape)
    assert noise.std() == pytest.approx(1.0, rel=1e-3)
    hertz, power = welch(noise, RATE, nperseg=8192)
    level = {at: 10 * np.log10(power[np.abs(hertz - at) < 0.05 * at].mean()) for at in (141.0, 1000.0, 4472.0)}
    # Half way on a logarithmic axis: half of the decibels. Welch over 20 s: 0.3 dB.
    assert level[141.0] - level[1000.0] == pytest.approx(-10.0, abs=0.7)
    assert level[4472.0] - level[1000.0] == pytest.approx(-6.0, abs=0.7)


def test_the_same_seed_gives_the_same_damage() -> None:
    for make in (
        lambda g: degradations.crackle(g, RATE, RATE, 40.0),
        lambda g: degradations.hiss(g, RATE, RATE, degradations.random_hiss_shape(g)),
        lambda g: degradations.noise_percussion(g, RATE, RATE),
        lambda g: degradations.reverberant(g, np.ones(RATE, dtype=np.float32), RATE),
    ):
        np.testing.assert_array_equal(make(generator(7)), make(generator(7)))


def test_drift_spans_the_range_it_was_given() -> None:
    gain = degradations.drift(generator(1), RATE, 6.0)
    assert 20 * np.log10(gain.max() / gain.min()) == pytest.approx(6.0, abs=0.01)


def test_band_limits_cut_where_they_say() -> None:
    tone = np.sin(2 * np.pi * 1000.0 * np.arange(RATE) / RATE).astype(np.float32)
    kept = degradations.filtered(tone, degradations.band_limits(100.0, 3000.0, 24.0), RATE)
    cut = degradations.filtered(tone, degradations.band_limits(100.0, 500.0, 24.0), RATE)
    assert kept.std() == pytest.approx(tone.std(), rel=1e-3)
    assert 20 * np.log10(cut.std() / tone.std()) == pytest.approx(-24.0, abs=0.5)  # one octave above the corner


def test_half_a_second_of_noise_is_enough_for_a_loop_of_any_length() -> None:
    source = generator(4).standard_normal(RATE // 2).astype(np.float32)
    for frames in (1, 1000, 3 * RATE):
        assert degradations.looped(generator(5), source, frames).shape == (frames,)
    noise = degradations.looped(generator(5), source, 3 * RATE)
    assert noise.std() == pytest.approx(1.0, rel=1e-3)
    assert np.isfinite(noise).all()


def test_a_loop_of_a_recording_keeps_its_level_across_the_seams() -> None:
    source = generator(2).standard_normal(8 * RATE).astype(np.float32)
    noise = degradations.looped(generator(3), source, 10 * RATE)
    blocks = noise[: 10 * RATE // 4096 * 4096].reshape(-1, 4096).std(axis=1)
    assert noise.shape == (10 * RATE,)
    # 4096 samples of white noise: 1.1 % standard deviation; five of them.
    assert np.abs(blocks - 1.0).max() < 0.07
