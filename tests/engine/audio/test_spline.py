"""Raising the rate by a spline is what scipy's does over the whole file, whichever part is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from engine.audio.signal import ArraySignal, Samples, Signal
from engine.audio.spline import SplineSignal

MIRRORED = 64  # knots beyond either end that the truth is made with

LENGTHS = [1, 2, 31, 4095, 8193, 40_001]


def noise(frames: int, channels: int = 1) -> ArraySignal:
    samples = np.random.default_rng(5).uniform(-1.0, 1.0, (frames, channels)).astype(np.float32)
    return ArraySignal(samples, 8000)


def whole_file_spline(samples: Samples, factor: int) -> np.ndarray:
    """scipy's not-a-knot spline through the file and the knots that are mirrored at its ends."""
    padded = np.pad(samples.astype(np.float64), ((MIRRORED, MIRRORED), (0, 0)), mode="reflect")
    curve = CubicSpline(np.arange(len(padded)) - MIRRORED, padded)
    return np.asarray(curve(np.arange(len(samples) * factor) / factor))


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
@pytest.mark.parametrize("frames", LENGTHS)
def test_it_is_the_spline_through_the_whole_file(frames: int, factor: int) -> None:
    source = noise(frames, channels=2)
    raised = SplineSignal(source, factor)
    assert isinstance(raised, Signal)
    assert (raised.rate, raised.channels, raised.frames) == (8000 * factor, 2, frames * factor)
    # Full scale is 1, and float32 has 6e-8 of it.
    np.testing.assert_allclose(
        raised.read(0, raised.frames), whole_file_spline(source.samples, factor), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("factor", [1, 2, 8])
def test_source_frames_are_kept_as_they_are(factor: int) -> None:
    source = noise(20_000)
    raised = SplineSignal(source, factor).read(0, 20_000 * factor)
    np.testing.assert_array_equal(raised[::factor], source.samples)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_any_span_in_any_order_gives_the_same_bits(factor: int) -> None:
    raised = SplineSignal(noise(40_001, channels=2), factor)
    whole = raised.read(0, raised.frames)
    random = np.random.default_rng(2)
    for start in [*random.integers(0, raised.frames, 20).tolist(), 0, raised.frames - 1, raised.frames]:
        stop = min(raised.frames, start + int(random.integers(0, 90_000)))
        np.testing.assert_array_equal(raised.read(start, stop), whole[start:stop])


def test_a_cubic_in_the_middle_comes_back_exactly() -> None:
    t = np.arange(-300, 300) / 300.0
    source = ArraySignal((t**3 - 0.5 * t)[:, None].astype(np.float32), 8000)
    fine = np.arange(-300 * 8, 300 * 8) / (300.0 * 8)
    raised = SplineSignal(source, 8).read(0, 4800)[:, 0]
    inner = slice(8 * MIRRORED, -8 * MIRRORED)  # the mirrored ends have corners
    np.testing.assert_allclose(raised[inner], (fine**3 - 0.5 * fine)[inner], atol=2e-7, rtol=0)


def test_a_constant_stays_one_to_the_last_sample_and_silence_is_silence() -> None:
    for level in (0.0, 0.5):
        raised = SplineSignal(ArraySignal(np.full((77, 1), level, dtype=np.float32), 2000), 8)
        np.testing.assert_allclose(raised.read(0, 77 * 8), level, atol=1e-7 * level, rtol=0)


def test_a_loud_end_does_not_run_away_after_the_last_sample() -> None:
    ramp = ArraySignal(np.linspace(0.0, 1.0, 200, dtype=np.float32)[:, None], 2000)
    raised = SplineSignal(ramp, 8).read(0, 1600)
    assert float(np.abs(raised[-8:]).max()) < 1.01  # a plain extrapolation of a louder end leaves all bounds


def test_no_frames_give_none_and_a_factor_of_nothing_is_refused() -> None:
    empty = SplineSignal(ArraySignal(np.zeros((0, 1), dtype=np.float32), 8000), 2)
    assert empty.read(0, 0).shape == (0, 1)
    with pytest.raises(ValueError, match="positive"):
        SplineSignal(noise(4), 0)
    with pytest.raises(ValueError, match="outside"):
        SplineSignal(noise(4), 2).read(0, 9)
