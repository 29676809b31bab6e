"""Targets that don't follow the reference: cut, repeated, swapped, with talk before them; and finding the seams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from training.align.material import levelled
from training.align.pair import Match, Pair, Samples
from training.data import read_manifest
from training.data.decoded import cached_mono

FADE_S: Final = 0.005  # at each seam, so that it doesn't click
NEAR_S: Final = 0.5  # a boundary is found if both its moments are no further off
JOINED_S: Final = 0.3  # two runs that go on where the other ended are one
EDGE_S: Final = 1.0  # of a file: where everything begins and ends anyway
TALK: Final = ("music/librosa/198-209-0000.hq.ogg", "music/librosa/5703-47212-0000.hq.ogg")


class Kept(NamedTuple):
    """A stretch of the target that is played."""

    start_s: float
    stop_s: float
    is_counted: bool = True  # whether its points of truth are: of two swapped stretches no chain can hold both


def rearranged(pair: Pair, name: str, kept: Sequence[Kept], before: Samples | None = None) -> Pair:
    """Play these stretches of a pair's target one after another, after a sound that the reference doesn't have.

    Points of truth in no stretch have no counterpart any more, and those in two have no single one: both are left out.
    """
    fade = round(FADE_S * pair.rate)
    parts = [] if before is None else [_faded(before, fade)]
    at = sum(len(part) for part in parts) / pair.rate
    matches, sources, moved, is_counted = [], [], [], []
    for stretch in kept:
        first, last = round(stretch.start_s * pair.rate), min(round(stretch.stop_s * pair.rate), len(pair.target))
        parts.append(_faded(pair.target[first:last], fade))
        inside = (pair.truth_target_s >= first / pair.rate) & (pair.truth_target_s < last / pair.rate)
        sources.append(np.flatnonzero(inside))
        moved.append(pair.truth_target_s[inside] - first / pair.rate + at)
        is_counted.append(np.full(int(inside.sum()), stretch.is_counted))
        ends = (at, at + (last - first) / pair.rate)
        matches.append(Match((_reference_at(pair, first / pair.rate), _reference_at(pair, last / pair.rate)), ends))
        at = ends[1]
    every, new = np.concatenate(sources), np.concatenate(moved)
    once = np.isin(every, np.flatnonzero(np.bincount(every, minlength=1) == 1)) & np.concatenate(is_counted)
    order = np.argsort(every[once])
    truth = (pair.truth_reference_s[every[once][order]], new[once][order])
    return replace(
        pair, name=f"{pair.name} {name}", target=np.concatenate(parts), truth_reference_s=truth[0],
        truth_target_s=truth[1], matches=tuple(matches),
    )  # fmt: skip


def cut(pair: Pair, at_s: float, seconds: float) -> Pair:
    """Leave out a stretch of the target."""
    return rearranged(pair, "cut", (Kept(0.0, at_s), Kept(at_s + seconds, pair.target_s)))


def repeated(pair: Pair, at_s: float, seconds: float) -> Pair:
    """Play the stretch that ends at `at_s` twice."""
    return rearranged(pair, "repeat", (Kept(0.0, at_s), Kept(at_s - seconds, pair.target_s)))


def swapped(pair: Pair, at_s: float, seconds: float) -> Pair:
    """Swap the two stretches before and after `at_s`."""
    early, late = Kept(at_s - seconds, at_s, False), Kept(at_s, at_s + seconds, False)
    return rearranged(
        pair, "swap", (Kept(0.0, early.start_s), late, early, Kept(late.stop_s, pair.target_s))
    )  # fmt: skip


def talked_before(pair: Pair, seconds: float) -> Pair:
    """Let somebody talk before the music."""
    return rearranged(pair, "talk", (Kept(0.0, pair.target_s),), talk(pair.rate, seconds))


def talk(rate: int, seconds: float) -> Samples:
    """Return two readers, one after the other and over again."""
    rows = {row.path: row for row in read_manifest()}
    spoken = np.concatenate([cached_mono(rows[path], rate) for path in TALK])
    return levelled(np.resize(spoken, round(seconds * rate)))


def offset(pair: Pair, late_s: float, short_s: float) -> Pair:
    """Let a target begin later, with silence, and end earlier."""
    silence, kept = round(late_s * pair.rate), len(pair.target) - round(short_s * pair.rate)
    there = pair.truth_target_s < kept / pair.rate
    return replace(
        pair,
        target=np.concatenate([np.zeros(silence, dtype=np.float32), pair.target[:kept]]),
        truth_reference_s=pair.truth_reference_s[there],
        truth_target_s=pair.truth_target_s[there] + silence / pair.rate,
    )


def _faded(sound: Samples, fade: int) -> Samples:
    ramp = np.minimum(1.0, np.minimum(np.arange(len(sound)), np.arange(len(sound))[::-1]) / fade)
    return (sound * ramp).astype(np.float32)


def _reference_at(pair: Pair, target_s: float) -> float:
    """Which moment of the reference belongs to one of the target, by the truth."""
    there, here = pair.truth_target_s, pair.truth_reference_s
    beyond = min(0.0, target_s - there[0]) + max(0.0, target_s - there[-1])
    return float(np.clip(np.interp(target_s, there, here) + beyond, 0.0, pair.reference_s))


class Boundary(NamedTuple):
    """Where a run of both recordings begins or ends."""

    is_start: bool
    reference_s: float
    target_s: float

    def is_near(self, other: Boundary) -> bool:
        """Whether the two are the same boundary, give or take half a second on either side."""
        return (
            self.is_start == other.is_start
            and abs(self.reference_s - other.reference_s) <= NEAR_S
            and abs(self.target_s - other.target_s) <= NEAR_S
        )


@dataclass(frozen=True)
class Found:
    """How many boundaries were right."""

    hits: int
    said: int
    true: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1 where there is nothing to find and nothing said."""
        return 2.0 * self.hits / (self.said + self.true) if self.said + self.true else 1.0

    def __add__(self, other: Found) -> Found:
        return Found(self.hits + other.hits, self.said + other.said, self.true + other.true)


def boundaries(matches: Sequence[Match], reference_s: float, target_s: float) -> tuple[Boundary, ...]:
    """Return where runs begin and end, but for the beginning and the end of both files."""
    return tuple(
        each for run in joined(matches) for each in _ends(run) if not _is_edge(each, reference_s, target_s)
    )  # fmt: skip


def joined(matches: Sequence[Match]) -> list[Match]:
    """Make one of the runs that go on where the one before ended, in the target's order."""
    runs: list[Match] = []
    for match in sorted(matches, key=lambda run: run.target_s):
        last = runs[-1] if runs else None
        if last and all(
            abs(new[0] - old[1]) < JOINED_S
            for new, old in ((match.reference_s, last.reference_s), (match.target_s, last.target_s))
        ):
            runs[-1] = Match((last.reference_s[0], match.reference_s[1]), (last.target_s[0], match.target_s[1]))
        else:
            runs.append(match)
    return runs


def _ends(run: Match) -> Iterator[Boundary]:
    yield Boundary(True, run.reference_s[0], run.target_s[0])
    yield Boundary(False, run.reference_s[1], run.target_s[1])


def _is_edge(each: Boundary, reference_s: float, target_s: float) -> bool:
    if each.is_start:
        return each.reference_s < EDGE_S and each.target_s < EDGE_S
    return each.reference_s > reference_s - EDGE_S and each.target_s > target_s - EDGE_S


def compared(said: Sequence[Boundary], true: Sequence[Boundary]) -> Found:
    """Count the boundaries that were found, each once."""
    left, hits = list(said), 0
    for boundary in true:
        near = [each for each in left if each.is_near(boundary)]
        if near:
            left.remove(min(near, key=lambda e: abs(e.reference_s - boundary.reference_s)))
            hits += 1
    return Found(hits, len(said), len(true))


def found_in(pair: Pair, said: Sequence[Match], reference_s: float, target_s: float) -> Found:
    """Compare an answer's runs with the true ones, in the reading of a repeat that suits the answer best.

    What is played twice may be listed as a jump back, or one of the two as a stretch that the target has alone.
    """
    theirs = boundaries(said, reference_s, target_s)
    readings = [compared(theirs, boundaries(runs, reference_s, target_s)) for runs in _readings(pair.matches)]
    return max(readings, key=lambda found: found.f1)


def _readings(matches: Sequence[Match]) -> Iterator[tuple[Match, ...]]:
    yield tuple(matches)
    if len(matches) == 2 and matches[1].reference_s[0] < matches[0].reference_s[1]:
        (early, first), (late, second) = matches
        twice = early[1] - late[0]
        length = first[1] - _target_of(matches[0], late[0])
        yield Match((early[0], late[0]), (first[0], first[1] - length)), matches[1]
        yield matches[0], Match((late[0] + twice, late[1]), (second[0] + length, second[1]))


def _target_of(run: Match, reference_s: float) -> float:
    return float(np.interp(reference_s, run.reference_s, run.target_s))
