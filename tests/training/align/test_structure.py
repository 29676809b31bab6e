"""Edited targets keep a true account of what was done to them, and boundaries are counted fairly."""

from __future__ import annotations

import numpy as np
import pytest

from training.align.pair import Match, Pair
from training.align.structure import (
    Boundary,
    Found,
    Kept,
    boundaries,
    compared,
    cut,
    found_in,
    joined,
    offset,
    rearranged,
    repeated,
    swapped,
)

RATE = 1000
SECONDS = 60


@pytest.fixture
def pair() -> Pair:
    """Two recordings whose sample values are their times: the target is twice as slow, and 1 s late."""
    reference = (np.arange(SECONDS * RATE) / RATE).astype(np.float32)
    target = (np.arange((2 * SECONDS + 1) * RATE) / RATE).astype(np.float32)
    truth = np.arange(0.25, 60.0, 0.5)
    return Pair("x", "x", reference, target, RATE, truth, 1.0 + 2.0 * truth)


def assert_true(original: Pair, edited: Pair) -> None:
    """Read the old time at each new point of truth: the samples say it."""
    frames = np.round(edited.truth_target_s * RATE).astype(int)
    old = 1.0 + 2.0 * edited.truth_reference_s
    np.testing.assert_allclose(edited.target[frames], old, atol=2.0 / RATE)
    assert set(edited.truth_reference_s) <= set(original.truth_reference_s)


def test_a_cut_leaves_the_points_outside_of_it_where_they_are_heard(pair: Pair) -> None:
    edited = cut(pair, 41.0, 20.0)
    assert edited.target_s == pytest.approx(101.0)
    assert_true(pair, edited)
    assert len(edited.truth_reference_s) == len(pair.truth_reference_s) - 20
    np.testing.assert_allclose(np.array(edited.matches), [[[0.0, 20.0], [0.0, 41.0]], [[30.0, 60.0], [41.0, 101.0]]])


def test_a_repeat_has_no_single_truth_where_it_is_played_twice(pair: Pair) -> None:
    edited = repeated(pair, 61.0, 20.0)
    assert edited.target_s == pytest.approx(141.0)
    assert_true(pair, edited)
    assert not ((edited.truth_reference_s >= 20.0) & (edited.truth_reference_s < 30.0)).any()
    np.testing.assert_allclose(np.array(edited.matches), [[[0.0, 30.0], [0.0, 61.0]], [[20.0, 60.0], [61.0, 141.0]]])


def test_swapped_stretches_are_told_and_not_counted(pair: Pair) -> None:
    edited = swapped(pair, 61.0, 20.0)
    assert edited.target_s == pytest.approx(pair.target_s)
    assert_true(pair, edited)
    assert not ((edited.truth_reference_s >= 20.0) & (edited.truth_reference_s < 40.0)).any()
    starts = [match.reference_s[0] for match in edited.matches]
    np.testing.assert_allclose(starts, [0.0, 30.0, 20.0, 40.0])


def test_what_is_put_before_the_music_makes_all_of_it_later(pair: Pair) -> None:
    edited = rearranged(pair, "talk", (Kept(0.0, pair.target_s),), np.full(5 * RATE, -1.0, np.float32))
    np.testing.assert_allclose(edited.truth_target_s, pair.truth_target_s + 5.0)
    np.testing.assert_allclose(edited.target[10 : 5 * RATE - 10], -1.0)


def test_boundaries_are_where_runs_begin_and_end_but_for_the_ends_of_the_files() -> None:
    runs = [Match((0.0, 20.0), (0.5, 41.0)), Match((30.0, 59.5), (41.0, 101.0))]
    assert boundaries(runs, 60.0, 101.0) == (Boundary(False, 20.0, 41.0), Boundary(True, 30.0, 41.0))
    late = [Match((0.0, 60.0), (20.0, 80.0))]
    assert boundaries(late, 60.0, 80.0) == (Boundary(True, 0.0, 20.0),)


def test_runs_that_go_on_without_a_gap_are_one() -> None:
    runs = [Match((20.0, 60.0), (20.1, 60.0)), Match((0.0, 20.0), (0.0, 20.0))]
    assert joined(runs) == [Match((0.0, 60.0), (0.0, 60.0))]
    apart = [Match((0.0, 20.0), (0.0, 20.0)), Match((25.0, 60.0), (20.0, 55.0))]
    assert joined(apart) == apart


def test_a_boundary_is_found_once_and_within_half_a_second_on_both_sides() -> None:
    true = [Boundary(False, 20.0, 41.0), Boundary(True, 30.0, 41.0)]
    assert compared(true, true) == Found(2, 2, 2)
    assert compared([Boundary(False, 20.4, 41.4), Boundary(True, 30.6, 41.0)], true) == Found(1, 2, 2)
    assert compared([true[0], true[0]], true) == Found(1, 2, 2)
    assert compared([Boundary(True, 20.0, 41.0)], true) == Found(0, 1, 2)
    assert Found(1, 2, 2).f1 == pytest.approx(0.5)
    assert (Found(1, 1, 1) + Found(0, 0, 2)).f1 == pytest.approx(0.5)
    assert Found(0, 0, 0).f1 == 1.0


def test_saying_nothing_of_a_cut_finds_nothing(pair: Pair) -> None:
    edited = cut(pair, 41.0, 20.0)
    assert found_in(edited, [Match((0.0, 60.0), (0.0, 101.0))], 60.0, 101.0) == Found(0, 0, 2)
    assert found_in(edited, edited.matches, 60.0, 101.0).f1 == 1.0


@pytest.mark.parametrize(
    "said",
    [
        [Match((0.0, 30.0), (0.0, 61.0)), Match((20.0, 60.0), (61.0, 141.0))],  # a jump back
        [Match((0.0, 20.0), (0.0, 41.0)), Match((20.0, 60.0), (61.0, 141.0))],  # the first time is extra
        [Match((0.0, 30.0), (0.0, 61.0)), Match((30.0, 60.0), (81.0, 141.0))],  # the second time is
    ],
)
def test_a_repeat_may_be_told_in_three_ways(pair: Pair, said: list[Match]) -> None:
    assert found_in(repeated(pair, 61.0, 20.0), said, 60.0, 141.0).f1 == 1.0


def test_a_copy_that_begins_late_and_ends_early_is_moved_as_a_whole(pair: Pair) -> None:
    moved = offset(pair, 0.8, 21.0)
    assert moved.target_s == pytest.approx(pair.target_s - 20.2)
    np.testing.assert_allclose(moved.truth_target_s, 1.8 + 2.0 * moved.truth_reference_s)
    assert moved.truth_target_s.max() < moved.target_s
    assert not moved.target[:800].any()
