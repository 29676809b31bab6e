"""A pair is a recording and what a spline makes of its low copy: without delay, at one level, in one length."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from training.upsample import pairs
from training.upsample.pairs import FACTORS, LEVEL_DBFS, RATE, decimated, level_gain, pair, pairing, raised

EACH_FACTOR = pytest.mark.parametrize("factor", FACTORS)
Floats = NDArray[np.float32]


def tone(hertz: float, frames: int = 16_000, level: float = 0.1) -> Floats:
    return (level * np.sin(2 * np.pi * hertz * np.arange(frames) / RATE)).astype(np.float32)


@EACH_FACTOR
@pytest.mark.parametrize("frames", [1, 2, 31, 4095, 8193, 10_003])
def test_lengths_are_exact(factor: int, frames: int) -> None:
    samples = np.random.default_rng(1).standard_normal(frames).astype(np.float32)
    assert decimated(samples, factor).shape == (-(-frames // factor),)
    both = pair(samples, factor)
    assert both["data"].shape == both["label"].shape == (frames,)
    assert both["data"].dtype == both["label"].dtype == np.float32


@EACH_FACTOR
def test_the_low_copy_is_scipys_zero_phase_decimation(factor: int) -> None:
    samples = np.random.default_rng(2).standard_normal(5000).astype(np.float32)
    wanted = scipy.signal.decimate(samples.astype(np.float64), factor, n=8, ftype="iir", zero_phase=True)
    np.testing.assert_allclose(decimated(samples, factor), wanted, atol=1e-6, rtol=0)


@EACH_FACTOR
def test_without_a_low_pass_every_rth_sample_is_taken_as_it_is(factor: int) -> None:
    samples = np.random.default_rng(3).standard_normal(5001).astype(np.float32)
    np.testing.assert_array_equal(decimated(samples, factor, low_pass=False), samples[::factor])


@EACH_FACTOR
def test_a_low_tone_comes_back_without_delay_and_a_high_one_not_at_all(factor: int) -> None:
    inner = slice(1000, -1000)
    low = tone(0.15 * RATE / (2 * factor))
    both = pair(low, factor)
    # A tone at 0.15 of the low band: the filter's ripple is 0.05 dB each way, 1.2 %, and the spline loses less.
    np.testing.assert_allclose(both["data"][inner], both["label"][inner], atol=0.013 * np.abs(both["label"]).max())
    high = tone(0.75 * RATE / 2 if factor == 2 else 1.6 * RATE / (2 * factor))
    assert float(np.abs(raised(decimated(high, factor), factor)[inner]).max()) < 1e-3 * 0.1


@EACH_FACTOR
def test_the_spline_is_the_products_own(factor: int) -> None:
    low = np.random.default_rng(4).standard_normal(300).astype(np.float32)
    padded = np.pad(low.astype(np.float64), 64, mode="reflect")
    wanted = CubicSpline(np.arange(len(padded)) - 64, padded)(np.arange(300 * factor) / factor)
    # Levels are up to 4, and float32 has 2.4e-7 of that.
    np.testing.assert_allclose(raised(low, factor), wanted, atol=1e-6, rtol=0)


@pytest.mark.parametrize("level", [0.02, 0.1, 0.7])
def test_one_gain_sets_a_recording_to_the_level_of_the_host(level: float) -> None:
    samples = np.concatenate([tone(440.0, level=level), np.zeros(16_384, dtype=np.float32)])  # pauses don't count
    label = pair(samples, 2)["label"]
    loud_db = 10.0 * np.log10(np.mean(label[:14_000].astype(np.float64) ** 2))
    assert loud_db == pytest.approx(LEVEL_DBFS, abs=0.5)  # the last active stretch is partly pause
    np.testing.assert_allclose(label / np.float32(level_gain(samples)), samples, atol=1e-6)


def test_silence_stays_silent_and_gains_stay_in_bounds() -> None:
    assert level_gain(np.zeros(0, dtype=np.float32)) == 1.0
    assert not any(array.any() for array in pair(np.zeros(9000, dtype=np.float32), 4).values())
    assert level_gain(tone(440.0, level=1e-6)) == pytest.approx(100.0)  # +40 dB
    assert level_gain(np.full(9000, 30.0, dtype=np.float32)) == pytest.approx(0.1)  # -20 dB


def test_archives_get_a_last_axis_and_no_other_rate() -> None:
    derive = pairing(2)
    arrays = derive(tone(300.0, 5000), RATE)
    assert {name: array.shape for name, array in arrays.items()} == {"data": (5000, 1), "label": (5000, 1)}
    with pytest.raises(ValueError, match="16000 Hz, got 8000"):
        derive(tone(300.0, 5000), 8000)


def test_pairs_that_change_get_another_version() -> None:
    # Archives are told apart by it. If these numbers have to change, so has `pairs.VERSION`.
    time = np.arange(2000)
    sound = 0.2 * np.sin(0.3 * time) + 0.1 * np.sin(1.1 * time + 0.5) + 0.05 * np.sin(2.3 * time)
    both = pairs.pair(sound.astype(np.float32), 4)
    picks = [0, 1, 502, 1003, 1999]
    assert pairs.VERSION == 1
    np.testing.assert_allclose(both["data"][picks], [0.016895, 0.021816, -0.013363, -0.043755, 0.055023], atol=2e-5)
    np.testing.assert_allclose(both["label"][picks], [0.016644, 0.068164, -0.038461, -0.060978, 0.015841], atol=2e-5)
