"""Time maps: both ways, through each other, to paper and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.timemap import TimeMap
from engine.errors import InputError, MissingFileError, OutputError, OutputExistsError, UnreadableFileError


def random_map(seed: int, knots: int = 40) -> TimeMap:
    chance = np.random.default_rng(seed)
    source, target = np.cumsum(chance.uniform(0.01, 1.0, (2, knots)), axis=1)
    return TimeMap(source, target, chance.uniform(0, 1, knots))


def test_it_is_linear_between_knots_and_runs_on_at_speed_one_outside() -> None:
    map_ = TimeMap([1.0, 2.0, 4.0], [10.0, 12.0, 13.0], [1.0, 0.5, 0.8])
    assert map_.target_at([0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]).tolist() == [9.0, 10.0, 11.0, 12.0, 12.5, 13.0, 15.0]
    assert map_.source_at([9.0, 11.0, 12.5, 15.0]).tolist() == [0.0, 1.5, 3.0, 6.0]
    assert map_.speed_at([0.0, 1.5, 3.0, 5.0]).tolist() == [1.0, 2.0, 0.5, 1.0]
    assert map_.confidence_at([0.5, 1.0, 1.5, 3.0, 4.0, 5.0]).tolist() == [0.0, 1.0, 0.5, 0.5, 0.8, 0.0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_there_and_back_is_where_one_was(seed: int) -> None:
    map_, moments = random_map(seed), np.linspace(-5, 50, 500)
    assert np.allclose(map_.source_at(map_.target_at(moments)), moments, atol=1e-9)
    assert np.allclose(map_.invert().target_at(moments), map_.source_at(moments), atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_composed_map_is_one_map_after_the_other(first: int, second: int) -> None:
    inner, outer, moments = random_map(first), random_map(second + 20_000), np.linspace(-5, 50, 500)
    assert np.allclose(outer.compose(inner).target_at(moments), outer.target_at(inner.target_at(moments)), atol=1e-8)


def test_a_map_composed_with_its_inverse_is_the_identity() -> None:
    map_ = random_map(3)
    moments = np.linspace(-5, 50, 200)
    assert np.allclose(map_.invert().compose(map_).target_at(moments), moments, atol=1e-9)
    assert TimeMap.identity().target_at(moments).tolist() == moments.tolist()


def test_confidences_of_composed_maps_are_multiplied() -> None:
    first, second = TimeMap([0, 10], [0, 10], [0.5, 0.5]), TimeMap([0, 10], [0, 10], [0.4, 0.4])
    assert second.compose(first).confidence.tolist() == pytest.approx([0.2, 0.2])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_csv_keeps_nine_decimals(seed: int) -> None:
    map_ = random_map(seed)
    again = TimeMap.from_csv(map_.to_csv())
    assert np.abs(again.source_s - map_.source_s).max() <= 0.51e-9
    assert np.abs(again.target_s - map_.target_s).max() <= 0.51e-9
    assert np.allclose(again.confidence, map_.confidence, rtol=1e-5)
    assert again.to_csv() == TimeMap.from_csv(again.to_csv()).to_csv()


def test_columns_are_found_by_name_and_more_may_follow() -> None:
    text = "\ufeffconfidence,target_s,reference_s,remark\r\n1,2.5,1,start\r\n0.5,3.5,2,\r\n\r\n"
    map_ = TimeMap.from_csv(text)
    assert (map_.source_s.tolist(), map_.target_s.tolist(), map_.confidence.tolist()) == ([1, 2], [2.5, 3.5], [1, 0.5])


HEADER = "reference_s,target_s,confidence\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lacks the column reference_s"),
        ("time,target_s,confidence\n1,2,1\n", "lacks the column reference_s"),
        (HEADER, "empty"),
        (HEADER + "1,2,1\n2,x,1\n", "row 3"),
        (HEADER + "1,2\n", "row 2"),
        (HEADER + "1,nan,1\n", "row 2"),
        (HEADER + "1,2,1.5\n", "row 2"),
        (HEADER + "1,2,1\n1,3,1\n", "reference_s of map.csv doesn't increase"),
        (HEADER + "1,2,1\n2,2.0000001,1\n", "target_s of map.csv doesn't increase"),
        (HEADER + "2,2,1\n1,3,1\n", "1.000000000 follows 2.000000000"),
    ],
)
def test_a_bad_table_is_refused_with_the_place_and_the_remedy(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "map.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableFileError, match=said) as caught:
        TimeMap.load(path)
    assert caught.value.todo
    assert caught.value.exit_status == 3


def test_what_is_no_text_or_isn_t_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)))
    with pytest.raises(UnreadableFileError, match="isn't text"):
        TimeMap.load(tmp_path / "noise.csv")
    with pytest.raises(MissingFileError, match="no time map"):
        TimeMap.load(tmp_path / "nothing.csv")


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="0123456789.,-e\n rfctgx\"'", max_size=200), st.booleans())
def test_no_text_makes_it_stumble(text: str, with_header: bool) -> None:
    try:
        map_ = TimeMap.from_csv(HEADER + text if with_header else text)
    except InputError:
        return
    assert (np.diff(map_.source_s) > 0).all()


def test_writing_is_complete_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    random_map(1).write(path)
    before = path.read_text(encoding="utf-8")
    with pytest.raises(OutputExistsError):
        random_map(2).write(path)
    assert path.read_text(encoding="utf-8") == before
    random_map(2).write(path, force=True)
    assert path.read_text(encoding="utf-8") == random_map(2).to_csv()
    with pytest.raises(OutputError):
        random_map(2).write(tmp_path / "no such folder" / "map.csv")
    assert [file.name for file in tmp_path.iterdir()] == ["map.csv"]


@pytest.mark.parametrize(
    ("source", "target", "sure"),
    [
        ([], [], []),
        ([1, 1], [1, 2], [1, 1]),
        ([1, 2], [2, 1], [1, 1]),
        ([1, np.inf], [1, 2], [1, 1]),
        ([1, 2], [1, 2], [1]),
        ([1, 2], [1, 2], [1, 2]),
    ],
)
def test_a_map_that_is_none_can_t_be_made(source: list[float], target: list[float], sure: list[float]) -> None:
    with pytest.raises(ValueError):
        TimeMap(source, target, sure)


def test_columns_are_read_only_and_apart_from_what_was_given() -> None:
    given_s = np.array([1.0, 2.0])
    map_ = TimeMap(given_s, given_s)
    given_s[0] = 5.0
    assert map_.source_s[0] == 1.0
    with pytest.raises(ValueError):
        map_.source_s[0] = 3.0
