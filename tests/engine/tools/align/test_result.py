"""The type in which decoder, benchmark and warp meet: what it says on paper is what was found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.audio.timemap import TimeMap
from engine.errors import UnreadableFileError
from engine.tools.align.result import Alignment, Doubt, Segment


def with_holes() -> Alignment:
    """A target that plays 1.25 times as fast, lacks the reference's 10..14 s and has 3 s of its own at 20 s."""
    reference = np.concatenate(
        [np.arange(0, 10.01, 0.05), np.arange(14.05, 20.01, 0.05), np.arange(20.02, 30.01, 0.05)]
    )
    target = 1.25 * np.where(reference < 12, reference, reference - 4) + np.where(reference > 20.01, 3.0, 0.0)
    return Alignment(
        reference, target, np.full(len(reference), 0.9), np.full(len(reference), 0.004),
        (
            Segment("match", (0.0, 10.0), (0.0, 12.5), 0.9),
            Segment("missing", (10.0, 14.0), (12.5, 12.5), 0.0),
            Segment("match", (14.0, 20.0), (12.5, 20.0), 0.9),
            Segment("extra", (20.0, 20.0), (20.0, 23.0), 0.0),
            Segment("match", (20.0, 30.0), (23.0, 35.5), 0.9),
        ),
        cents=-12.0, p_unrelated=0.001, verdict="another performance",
        reasons=(Doubt((10.0, 14.0), "not in target"), Doubt((3.0, 4.0), "noise")),
    )  # fmt: skip


def test_the_map_goes_through_the_matches_and_has_two_rows_of_no_confidence_at_every_hole() -> None:
    map_ = with_holes().time_map()
    moments = np.array([2.0, 9.5, 14.5, 19.0, 20.5, 29.0])
    assert np.allclose(map_.target_at(moments), [2.5, 11.875, 13.125, 18.75, 23.625, 34.25], atol=2e-6)
    assert map_.confidence_at([2.0, 12.0, 20.0000005, 25.0]).tolist() == [0.9, 0.0, 0.0, 0.9]
    assert map_.target_at(12.0) == pytest.approx(12.5, abs=2e-6)
    assert map_.target_at(20.000001) == pytest.approx(23.0, abs=2e-6), "an extra stretch takes one microsecond"


def test_the_csv_has_nine_decimals_and_steps_of_a_microsecond_at_least() -> None:
    text = with_holes().time_map().to_csv()
    rows = [line.split(",") for line in text.splitlines()[1:]]
    assert all(len(cell.split(".")[1]) == 9 for row in rows for cell in row[:2])
    columns = np.array([[int(cell.replace(".", "")) for cell in row[:2]] for row in rows])
    assert (np.diff(columns, axis=0) >= 1000).all()
    assert TimeMap.from_csv(text).to_csv() == text


def test_knots_nearer_than_a_nanosecond_still_make_a_table() -> None:
    crowded = np.array([0.0, 0.5, 0.5 + 1e-10, 0.5 + 1e-9, 1.0])
    map_ = Alignment.from_knots(crowded, crowded + 2.0).time_map()
    assert np.diff(map_.source_s).min() > 0.999e-6
    assert np.abs(map_.source_s - crowded).max() < 3e-6


def test_there_and_back_the_alignment_is_what_it_was() -> None:
    there, back = with_holes(), with_holes().inverse()
    assert [s.kind for s in back.segments] == ["match", "extra", "match", "missing", "match"]
    assert back.cents == 12.0
    assert back.sigma_s[5] == pytest.approx(0.004 / 1.25)
    assert Doubt((20.0, 23.0), "not in target") in back.reasons
    noise = next(doubt for doubt in back.reasons if doubt.reason == "noise")
    assert noise.reference_s == pytest.approx((3.75, 5.0))
    moments = np.array([1.0, 9.0, 15.0, 25.0])
    assert np.allclose(back.time_map().target_at(there.time_map().target_at(moments)), moments, atol=1e-5)
    again = back.inverse()
    assert again.segments == there.segments
    assert np.array_equal(again.knots_target_s, there.knots_target_s)


def test_json_keeps_everything_to_the_nanosecond() -> None:
    jump = Segment("match", (30.0, 35.0), (5.0, 10.0), 0.7, ((30.0, 5.0), (32.5, 7.25), (35.0, 10.0)))
    full = Alignment(*(getattr(with_holes(), name) for name in ("knots_reference_s", "knots_target_s", "confidence",
                     "sigma_s")), (*with_holes().segments, jump), -12.0, 0.001, "so", with_holes().reasons)  # fmt: skip
    again = Alignment.loads(full.dumps())
    assert again.segments == full.segments
    assert again.reasons == full.reasons
    assert (again.cents, again.p_unrelated, again.verdict) == (-12.0, 0.001, "so")
    assert np.abs(again.knots_target_s - full.knots_target_s).max() <= 0.51e-9
    assert again.to_json()["csv_complete"] is False
    assert with_holes().to_json()["csv_complete"] is True
    assert again.dumps() == full.dumps()


def changed(**changes: Any) -> dict[str, Any]:
    return with_holes().to_json() | changes


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("{", "no alignment"),
        ([], "no alignment"),
        ({}, "lacks 'align_format'"),
        (changed(align_format=2), "newer"),
        (changed(knots={"reference_s": [0, 1]}), "lacks 'target_s'"),
        (changed(segments=[{"kind": "gap"}]), "isn't one of match, missing, extra, jump"),
        (changed(segments=[{"kind": "match", "reference_s": [1]}]), "no alignment"),
        (changed(reasons=[{"reference_s": [1, 2], "reason": "boredom"}]), "isn't one of silence"),
        (changed(cents="high"), "no time"),
    ],
)
def test_what_is_no_alignment_is_refused_in_a_sentence(data: Any, said: str) -> None:
    with pytest.raises(UnreadableFileError, match=said):
        Alignment.loads(data) if isinstance(data, str) else Alignment.from_json(data)


@pytest.mark.parametrize(
    ("reference", "target", "sure"),
    [([0, 0], [0, 1], [1, 1]), ([0, 1], [1, 0], [1, 1]), ([0, np.nan], [0, 1], [1, 1]), ([0, 1], [0, 1], [1, 2])],
)
def test_knots_that_are_no_map_can_t_be_made(reference: Any, target: Any, sure: Any) -> None:
    with pytest.raises(ValueError):
        Alignment(reference, target, sure, [0.0, 0.0])
