"""Anchors as the user writes them; those that contradict each other are named, both."""

from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.tools.align.anchors import check_inside, parse_anchors, spell_all


def test_seconds_and_minutes_in_any_order_separated_by_blanks_or_commas() -> None:
    assert parse_anchors("1:20=1:22.25, 12.5=13.1\n1:00:01=3602") == ((12.5, 13.1), (80.0, 82.25), (3601.0, 3602.0))
    assert parse_anchors("  ") == ()


def test_what_is_spelled_is_read_again() -> None:
    anchors = ((0.123456789, 7.0), (3599.000001, 3600.5))
    assert parse_anchors(spell_all(anchors)) == anchors


@pytest.mark.parametrize("text", ["12", "a=b", "1=2=3", "=", "-1=2", "1e3=2", "nan=1", "1:x=2", "1.2.3=4"])
def test_nonsense_is_quoted_with_the_right_way(text: str) -> None:
    with pytest.raises(UsageError, match="is no anchor") as caught:
        parse_anchors(text)
    assert "REFERENCE=TARGET" in caught.value.todo
    assert text in caught.value.what


def test_crossing_anchors_are_refused_and_both_named() -> None:
    with pytest.raises(UsageError, match=r"the anchors 10=12 and 11=11\.5 cross") as caught:
        parse_anchors("5=5 11=11.5 10=12")
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("text", ["10=12 10=13", "10=12 11=12", "10=12 10.0005=14"])
def test_two_anchors_for_one_moment_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"10=12 and .* stand on the same moment"):
        parse_anchors(text)


def test_an_anchor_beyond_an_end_is_refused_with_the_side() -> None:
    check_inside(((10.0, 12.0),), 10.0, 12.0)
    with pytest.raises(UsageError, match=r"10=12 lies beyond the end of the target \(11\.900 s\)"):
        check_inside(((10.0, 12.0),), 10.0, 11.9)
