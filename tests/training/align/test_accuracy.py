"""Errors are measured where the truth is, and summed up as the table says: hand-made maps with known errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.align.accuracy import Errors, errors_of, figures, lost_stretches, mean_interval, weighted_quantile
from training.align.baselines.straight import pinned_line, straight_line
from training.align.pair import Answer, Pair

SILENCE = np.zeros(100, dtype=np.float32)


def pair_of(reference_s: list[float], target_s: list[float]) -> Pair:
    return Pair("x", "x", SILENCE, SILENCE, 10, np.array(reference_s), np.array(target_s))


def errors(piece: str, *milliseconds: float) -> Errors:
    return Errors(piece, np.arange(len(milliseconds), dtype=np.float64), np.array(milliseconds) / 1e3)


def test_a_map_is_read_along_straight_lines_and_runs_on_at_speed_1() -> None:
    answer = Answer(np.array([1.0, 3.0]), np.array([10.0, 14.0]))
    np.testing.assert_allclose(answer.at([0.0, 1.0, 2.0, 3.0, 5.0]), [9.0, 10.0, 12.0, 14.0, 16.0])


def test_the_error_is_the_map_less_the_truth_at_the_points_of_truth() -> None:
    answer = Answer(np.array([0.0, 10.0]), np.array([0.0, 10.0]))
    found = errors_of(pair_of([1.0, 2.0, 3.0], [1.010, 1.980, 3.0]), answer)
    np.testing.assert_allclose(found.error_s, [-0.010, 0.020, 0.0], atol=1e-12)
    part = errors_of(pair_of([1.0, 2.0, 3.0], [1.010, 1.980, 3.0]), answer, 2.0, 3.0)
    np.testing.assert_allclose(part.error_s, [0.020], atol=1e-12)


def test_the_straight_line_is_right_where_the_rate_is_constant() -> None:
    target = np.zeros(125, dtype=np.float32)
    truth = np.linspace(0.0, 10.0, 11)
    pair = Pair("x", "x", SILENCE, target, 10, truth, 1.25 * truth)
    found = errors_of(pair, straight_line(SILENCE, target, 10))
    np.testing.assert_allclose(found.error_s, 0.0, atol=1e-12)


def test_the_pinned_line_joins_the_first_and_last_sounds() -> None:
    reference, target = np.zeros(100, dtype=np.float32), np.zeros(200, dtype=np.float32)
    reference[[10, 50, 90]] = 1.0
    target[[40, 100, 160]] = -1.0
    line = pinned_line(reference, target, 10)
    np.testing.assert_allclose(line.at([1.0, 5.0, 9.0]), [4.0, 10.0, 16.0])
    assert pinned_line(SILENCE, target, 10).at([10.0]) == pytest.approx(20.0)


def test_mean_median_p95_shares_and_bias_are_those_of_the_numbers() -> None:
    found = figures([errors("a", *[5.0] * 10, *[-20.0] * 9, 200.0)])
    assert found.mean == pytest.approx((50.0 + 180.0 + 200.0) / 20.0)
    assert found.median == pytest.approx(5.0)
    assert found.p95 == pytest.approx(20.0)
    assert found.largest == pytest.approx(200.0)
    assert found.bias == pytest.approx((50.0 - 180.0 + 200.0) / 20.0)
    assert found.within == pytest.approx({10: 50.0, 25: 95.0, 50: 95.0, 100: 95.0})


def test_every_pair_has_the_same_weight_however_many_points_it_has() -> None:
    found = figures([errors("a", *[10.0] * 100), errors("b", 30.0)])
    assert found.mean == pytest.approx(20.0)
    assert found.p95 == pytest.approx(30.0)
    assert (found.pairs, found.points) == (2, 101)


def test_weighted_quantiles_with_equal_weights_are_order_statistics() -> None:
    values = np.random.default_rng(0).permutation(np.arange(1.0, 101.0))
    weight = np.full(100, 0.01)
    assert weighted_quantile(values, weight, 0.5) == 50.0
    assert weighted_quantile(values, weight, 0.95) == 95.0
    assert weighted_quantile(values, weight, 1.0) == 100.0


def test_a_map_is_lost_where_it_is_a_second_off_for_more_than_five() -> None:
    at = np.arange(0.0, 40.0, 0.5)
    off = np.zeros(80)
    off[10:20] = 1.5  # 4.5 s between the first and the last point
    assert lost_stretches(at, off) == 0
    off[10:22] = 1.5  # 5.5 s
    off[60:] = 3.0
    assert lost_stretches(at, off) == 2
    assert lost_stretches(at, np.full(80, 0.99)) == 0


def test_the_interval_draws_pieces_not_pairs() -> None:
    pieces = [errors(name, level) for name, level in (("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 10.0))]
    low, high = mean_interval(pieces)
    assert 1.0 < low < 4.0 < high < 10.0
    # A hundred pairs of one piece are no more evidence than one of them.
    assert mean_interval([*pieces[:3], *[pieces[3]] * 100])[0] < 4.0
    assert all(math.isnan(edge) for edge in mean_interval(pieces[:2]))


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(ValueError, match="no pair"):
        figures([errors("a")])
