"""Curves of speed are what they say: invertible to rounding, within their bounds, never constant."""

from __future__ import annotations

import numpy as np
import pytest

from training.align.curves import SpeedCurve, Swing, disc_speed, drawn_tempo

CURVES = [
    SpeedCurve(1.3, offset_s=2.0),
    drawn_tempo(np.random.default_rng(1)),
    drawn_tempo(np.random.default_rng(2), 0.4, 2.5),
    disc_speed(np.random.default_rng(3), 4.0, 0.3),
    SpeedCurve(1.0, (Swing(0.999, 0.2, 1.0),)),
]


@pytest.mark.parametrize("curve", CURVES)
def test_backwards_undoes_forwards(curve: SpeedCurve) -> None:
    moments = np.linspace(0.0, 300.0, 3001)
    np.testing.assert_allclose(curve.source_at(curve.target_at(moments)), moments, atol=1e-9, rtol=0)


@pytest.mark.parametrize("curve", CURVES)
def test_the_speed_is_the_slope(curve: SpeedCurve) -> None:
    moments, step = np.linspace(1.0, 100.0, 500), 1e-4
    slope = (curve.target_at(moments + step) - curve.target_at(moments - step)) / (2.0 * step)
    # A central difference errs by step squared times the third derivative.
    np.testing.assert_allclose(curve.speed_at(moments), slope, atol=1e-6, rtol=0)


def test_a_drawn_tempo_stays_within_its_bounds_and_stands_still_nowhere() -> None:
    for seed in range(20):
        speed = drawn_tempo(np.random.default_rng(seed)).speed_at(np.linspace(0.0, 300.0, 30_001))
        assert speed.min() >= 0.75
        assert speed.max() <= 1.35
        assert np.ptp(speed) > 0.2
        seconds = speed[:30_000].reshape(-1, 100)
        assert np.ptp(seconds, axis=1).min() > 1e-5


def test_a_disc_turns_as_fast_and_swings_as_far_as_it_is_told() -> None:
    speed = disc_speed(np.random.default_rng(0), 1.0, 0.3, wow_hz=1.25).speed_at(np.arange(0.0, 8.0, 1e-3))
    assert speed.mean() == pytest.approx(1.01, abs=1e-9)
    assert speed.max() / 1.01 - 1.0 == pytest.approx(0.003, rel=1e-3)


def test_time_cannot_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        SpeedCurve(0.5, (Swing(0.5, 1.0, 0.0),))
