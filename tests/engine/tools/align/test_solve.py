"""The hand-made aligner finds what is known in closed form, and says so when there is nothing to find."""

from __future__ import annotations

import time
from functools import lru_cache

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, SilentSignal
from engine.errors import Cancelled
from engine.tools.align.result import Alignment
from engine.tools.align.solve import UNRELATED_P, align
from engine.tools.tool import Job
from tests.engine.tools.align.played import RATE, played, tune, warped

SECONDS = 20.0
NOTES = 48


@lru_cache
def _first() -> ArraySignal:
    return played(*tune(1, NOTES), SECONDS)


@lru_cache
def _second(semitones: int = 0) -> ArraySignal:
    onsets, pitches = tune(1, NOTES)
    return played(warped(onsets), [p * 2.0 ** (semitones / 12) for p in pitches], 25.0, (1.0, 0.2, 0.6, 0.3))


@lru_cache
def _aligned() -> Alignment:
    return align(_first(), _second())


def _errors_ms(found: Alignment, true_s: list[float] | None = None) -> np.ndarray:
    onsets, _ = tune(1, NOTES)
    mapped = np.interp(onsets, found.knots_reference_s, found.knots_target_s)
    return np.abs(mapped - (warped(onsets) if true_s is None else true_s)) * 1e3


def test_two_players_of_one_tune_meet_at_every_note() -> None:
    # Notes begin at exact times: 10 ms is half a frame.
    errors = _errors_ms(_aligned())
    assert np.median(errors) < 5.0
    assert np.quantile(errors, 0.95) < 20.0


def test_the_map_is_one_match_with_knots_at_most_50_ms_apart() -> None:
    found = _aligned()
    assert [s.kind for s in found.segments] == ["match"]
    assert np.diff(found.knots_reference_s).max() <= 0.05
    assert "same piece" in found.verdict


def test_two_semitones_up_are_heard_and_change_nothing_else() -> None:
    found = align(_first(), _second(2))
    assert found.cents == pytest.approx(200.0, abs=5.0)
    assert np.median(_errors_ms(found)) < 6.0


def test_a_recording_aligned_with_itself_is_the_identity() -> None:
    found = align(_first(), _first())
    assert np.abs(found.knots_target_s - found.knots_reference_s).max() <= 1e-6
    assert found.cents == pytest.approx(0.0, abs=1.0)


def test_exchanged_recordings_give_the_inverse() -> None:
    back = align(_second(), _first())
    onsets, _ = tune(1, NOTES)
    there = np.interp(onsets, _aligned().knots_reference_s, _aligned().knots_target_s)
    again = np.interp(there, back.knots_reference_s, back.knots_target_s)
    assert np.median(np.abs(again - onsets)) < 0.010


def test_the_same_input_gives_the_same_bytes() -> None:
    assert align(_first(), _second()).dumps() == _aligned().dumps()


@pytest.mark.parametrize("change", ["gain", "polarity", "offset", "stereo"])
def test_what_nobody_hears_changes_the_map_by_less_than_a_millisecond(change: str) -> None:
    sound = _second().samples
    other = {"gain": 0.1 * sound, "polarity": -sound, "offset": sound + np.float32(0.05),
             "stereo": np.repeat(sound, 2, axis=1)}[change]  # fmt: skip
    found = align(_first(), ArraySignal(np.ascontiguousarray(other, dtype=np.float32), RATE))
    assert np.abs(found.knots_target_s - _aligned().knots_target_s).max() < 1e-3


def test_an_unrelated_tune_is_not_the_same_piece() -> None:
    found = align(_first(), played(*tune(77, NOTES), SECONDS))
    assert found.p_unrelated > UNRELATED_P
    assert "not the same piece" in found.verdict
    assert _aligned().p_unrelated < UNRELATED_P


def test_noise_and_silence_are_not_the_same_piece_and_never_nan() -> None:
    noise = np.random.default_rng(3).standard_normal((20 * RATE, 1)).astype(np.float32)
    for other in (ArraySignal(0.1 * noise, RATE), SilentSignal(44_100, 2, 20 * 44_100)):
        found = align(_first(), other)
        assert found.p_unrelated > UNRELATED_P
        assert np.isfinite(found.knots_target_s).all()


def test_the_map_goes_through_an_anchor_and_is_untouched_beyond_its_neighbours() -> None:
    onsets, _ = tune(1, NOTES)
    marks = [(onsets[k], warped(onsets)[k]) for k in (12, 24, 36)]
    before = align(_first(), _second(), anchors=marks)
    moved = [marks[0], (marks[1][0], marks[1][1] + 0.12), marks[2]]
    after = align(_first(), _second(), anchors=moved)
    at = int(np.argmin(np.abs(after.knots_reference_s - moved[1][0])))
    assert (after.knots_reference_s[at], after.knots_target_s[at]) == pytest.approx(moved[1], abs=2e-6)
    for side in (before.knots_reference_s < marks[0][0], before.knots_reference_s > marks[2][0]):
        kept = before.knots_target_s[side]
        again = np.interp(before.knots_reference_s[side], after.knots_reference_s, after.knots_target_s)
        assert np.array_equal(kept, again)


def test_a_warp_limit_keeps_the_map_near_the_straight_line() -> None:
    found = align(_first(), _second(), warp_limit_ms=30.0)
    (r0, r1), (t0, t1) = found.segments[0].reference_s, found.segments[0].target_s
    line = t0 + (found.knots_reference_s - r0) * (t1 - t0) / (r1 - r0)
    assert np.abs(found.knots_target_s - line).max() <= 0.0301


def test_a_cancelled_job_ends_within_half_a_second() -> None:
    job = Job()
    job.cancel()
    begun = time.perf_counter()
    with pytest.raises(Cancelled):
        align(_first(), _second(), job=job)
    assert time.perf_counter() - begun < 0.5
