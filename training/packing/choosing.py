"""Decides what goes into a pack when not everything fits: a little of everything before more of anything.

Recordings are cut into units of about 20 s. Sets take turns by their weights, within a set groups take turns (folders,
dynamics of an instrument), then files, then places within a file; so wherever the budget ends, what is in the pack is
spread over all of them. The order follows from the seed alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from training.data import Samples

T = TypeVar("T")
UNIT_SECONDS: Final = 20.0
_LEAST_BYTES: Final = 8192  # with less than this left nothing more is tried
_MOST_REFUSED: Final = 3  # units of a set that didn't fit, before it is given up


@dataclass(frozen=True)
class Source:
    """Something that can be packed, whole or in units; `group` is what takes turns within a set."""

    set: str
    split: str
    group: str
    name: str  # of the file to be, without suffix: its place below the folder
    seconds: float
    read: Callable[[], Samples]  # (frames, channels) at the pack's rate
    facts: Mapping[str, str]  # further columns of the manifest
    is_note: bool = False  # a recorded note is trimmed, never cut into units

    @property
    def units(self) -> int:
        """Into how many units it is cut."""
        return 1 if self.is_note else max(1, round(self.seconds / UNIT_SECONDS))


@dataclass(frozen=True)
class Unit:
    """One of `source.units` equal pieces of a source."""

    source: Source
    number: int


def in_turns(sources: Sequence[Source], seed: int) -> Iterator[Unit]:
    """Yield every unit of a set's sources, so that any first part of them is spread evenly."""
    groups: dict[str, list[Source]] = {}
    for source in sources:
        groups.setdefault(source.group, []).append(source)
    queues = [_spread(group, seed, name) for name, group in sorted(groups.items())]
    order = [
        source for turn in range(max(map(len, queues), default=0)) for q in queues for source in q[turn : turn + 1]
    ]
    places = {id(source): _spread(range(source.units), seed, source.name) for source in order}
    for turn in range(max((source.units for source in order), default=0)):
        for source in order:
            if turn < source.units:
                yield Unit(source, places[id(source)][turn])


def _spread(values: Sequence[T], seed: int, name: str) -> list[T]:
    """Order values so that any first part is spread over all of them (van der Corput, 1935), from a seeded start."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    start = int.from_bytes(digest[:4], "big") % max(1, len(values))
    bits = max(1, (len(values) - 1).bit_length())
    reversed_bits = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(2**bits))
    return [values[(start + place) % len(values)] for place in reversed_bits if place < len(values)]


def choose(
    sources: Iterable[Source], weights: Mapping[str, float], budget: int, size_of: Callable[[Unit], int], seed: int
) -> tuple[list[Unit], int]:
    """Take units until the budget is used.

    Parameters
    ----------
    sources
        Of one split.
    weights
        Of the sets; a set that isn't named has weight 1.
    budget
        In bytes.
    size_of
        What a unit takes, in bytes.
    seed
        Decides which.

    Returns
    -------
    tuple
        The units, and how many bytes they take.
    """
    by_set: dict[str, list[Source]] = {}
    for source in sources:
        by_set.setdefault(source.set, []).append(source)
    waiting = {name: in_turns(of_set, seed) for name, of_set in sorted(by_set.items())}
    used, refused = dict.fromkeys(waiting, 0), dict.fromkeys(waiting, 0)
    taken: list[Unit] = []
    while waiting and budget - sum(used.values()) >= _LEAST_BYTES:
        name = min(waiting, key=lambda name: (used[name] / weights.get(name, 1.0), name))
        unit = next(waiting[name], None)
        if unit is None or refused[name] >= _MOST_REFUSED:
            del waiting[name]
            continue
        size = size_of(unit)
        if sum(used.values()) + size > budget:
            refused[name] += 1
            continue
        used[name] += size
        taken.append(unit)
    return taken, sum(used.values())


def stretches(units: Iterable[Unit]) -> list[tuple[Source, int, int]]:
    """Join units that follow each other: (source, first unit, unit after the last), in order of names."""
    chosen: dict[int, tuple[Source, list[int]]] = {}
    for unit in units:
        chosen.setdefault(id(unit.source), (unit.source, []))[1].append(unit.number)
    joined = []
    for source, numbers in sorted(chosen.values(), key=lambda pair: (pair[0].set, pair[0].split, pair[0].name)):
        ordered = np.array(sorted(numbers))
        for run in np.split(ordered, np.flatnonzero(np.diff(ordered) != 1) + 1):
            joined.append((source, int(run[0]), int(run[-1]) + 1))
    return joined


def cut(source: Source, samples: Samples, first: int, after: int) -> Samples:
    """The samples of units `first` to `after` - 1."""
    edges = np.linspace(0, len(samples), source.units + 1).round().astype(int)
    return samples[edges[first] : edges[after]]
