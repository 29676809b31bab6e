"""When not everything fits, a pack holds a little of everything."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("torch")

from training.data import Samples
from training.packing.choosing import Source, Unit, choose, cut, in_turns, stretches


def source(kind: str, name: str, seconds: float = 5.0, group: str = "") -> Source:
    def read() -> Samples:
        return np.arange(round(seconds * 100), dtype=np.float32)[:, None]

    return Source(kind, "train", group, name, seconds, read, {})


def size_of(unit: Unit) -> int:
    return round(1000 * unit.source.seconds / unit.source.units)


def test_the_budget_is_kept_and_used() -> None:
    sources = [source("music", f"{n:02d}", 30.0) for n in range(40)]
    for budget in (50_000, 333_333, 10**9):
        units, used = choose(sources, {}, budget, size_of, 0)
        assert used == sum(map(size_of, units)) <= budget
        assert used > min(budget, 1_200_000) - 30_000
    assert len(units) == sum(one.units for one in sources)


def test_sets_share_by_weight_and_what_one_cannot_use_goes_to_the_others() -> None:
    sources = [source("music", f"m{n}") for n in range(400)] + [source("speech", f"s{n}") for n in range(400)]
    sources += [source("noise", "n")]
    units, _ = choose(sources, {"music": 3.0}, 1_000_000, size_of, 0)
    counted = Counter(unit.source.set for unit in units)
    assert counted["noise"] == 1
    assert counted["music"] == pytest.approx(3 * counted["speech"], abs=4)


def test_groups_take_turns_and_files_are_taken_from_all_over() -> None:
    sources = [source("piano", f"{layer}{n:03d}", group=layer) for layer in ("FF", "PP") for n in range(64)]
    units = list(in_turns(sources, seed=3))[:16]
    assert Counter(unit.source.group for unit in units) == {"FF": 8, "PP": 8}
    numbers = sorted(int(unit.source.name[2:]) for unit in units if unit.source.group == "FF")
    gaps = np.diff([*numbers, numbers[0] + 64])
    assert set(gaps) == {8}  # evenly over the keyboard


def test_every_long_file_is_heard_in_several_places_before_one_is_whole() -> None:
    sources = [source("music", f"long {n}", 200.0) for n in range(4)]
    units = list(in_turns(sources, seed=0))
    assert Counter(unit.source.name for unit in units[:4]).most_common(1)[0][1] == 1
    places = sorted(unit.number for unit in units[:16] if unit.source.name == "long 0")
    assert len(places) == 4
    assert max(places) - min(places) >= 5
    assert len({(unit.source.name, unit.number) for unit in units}) == 40


def test_the_seed_alone_decides() -> None:
    sources = [source("music", f"{n}", 60.0) for n in range(30)]

    def names(seed: int) -> list[tuple[str, int]]:
        return [(u.source.name, u.number) for u in choose(sources, {}, 300_000, size_of, seed)[0]]

    assert names(1) == names(1) != names(2)


def test_neighbouring_units_become_one_stretch_and_nothing_is_lost() -> None:
    whole = source("music", "m", 101.0)
    assert [run[1:] for run in stretches(Unit(whole, n) for n in (4, 0, 1, 3))] == [(0, 2), (3, 5)]
    samples = whole.read()
    joined = np.concatenate([cut(whole, samples, n, n + 1) for n in range(whole.units)])
    np.testing.assert_array_equal(joined, samples)
    np.testing.assert_array_equal(cut(whole, samples, 0, whole.units), samples)
