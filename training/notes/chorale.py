"""Four-part writing for one to six voices: each chord's voicing is chosen so that the parts lead well.

A shortest-path search over voicings: every chord complete, no crossing, no leading tone doubled; between two chords no
parallel unisons, fifths or octaves; the rest is a price (distance moved, leaps, hidden octaves, an unresolved leading
tone).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.notes.theory import Chord

Voicing = tuple[int, ...]  # MIDI numbers from the bass up
CANDIDATES: Final = 96  # voicings of a chord that the search looks at
UPPER_SPACING, BASS_SPACING = 12, 19  # widest intervals between neighbours
PARALLEL: Final = (0, 7)  # unison and octave, fifth: intervals modulo 12 that may not follow themselves


@dataclass(frozen=True)
class Compass:
    """What each voice may sing, from the bass up."""

    lows: tuple[int, ...]
    highs: tuple[int, ...]


def compass(voices: int, low: int, high: int) -> Compass:
    """Share the range out among the voices; neighbours overlap, as soprano and alto do.

    Raises
    ------
    ValueError
        If there are not one to six voices, or the range is too narrow for so many.
    """
    if not 1 <= voices <= 6:
        raise ValueError(f"one to six voices can be led, got {voices}")
    if high - low < max(12, 6 * voices):
        raise ValueError(f"{voices} voices need a range of {max(12, 6 * voices)} semitones, got {low} to {high}")
    width = min(high - low, max(14, (high - low) // 2))
    lows = [low + round((high - low - width) * voice / max(1, voices - 1)) for voice in range(voices)]
    return Compass(tuple(lows), tuple(bottom + width for bottom in lows))


def parallels(before: Voicing, after: Voicing) -> int:
    """Count the pairs of voices that move in parallel unisons, octaves or fifths."""
    moves = _parallel_moves(np.asarray([before]), np.asarray([after]))
    return int(moves[0, 0])


def lead(
    rng: np.random.Generator, chords: tuple[Chord, ...], ranges: Compass, before: Voicing | None = None
) -> list[Voicing]:
    """Voice a progression; `before` is the voicing that sounds just before it.

    Where no voicing of a chord can follow without parallels the previous chord is held instead.
    """
    layers = [_candidates(rng, chord, ranges) for chord in chords]
    costs = [_first_cost(layers[0], ranges, before)]
    origins: list[NDArray[np.intp]] = []
    chosen = [chords[0]]
    if not np.isfinite(costs[0]).any() and before is not None:
        layers[0], costs[0] = np.asarray([before]), np.zeros(1)
    for place in range(1, len(chords)):
        steps = costs[-1][:, None] + _step_cost(layers[place - 1], layers[place], chosen[-1])
        if not np.isfinite(steps.min()):
            layers[place], steps = layers[place - 1], _hold(costs[-1])
            chosen.append(chosen[-1])
        else:
            chosen.append(chords[place])
        origins.append(steps.argmin(axis=0))
        costs.append(steps.min(axis=0) + _own_cost(layers[place], ranges))
    path = [int(costs[-1].argmin())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return [tuple(int(pitch) for pitch in layer[index]) for layer, index in zip(layers, reversed(path), strict=True)]


def _hold(cost: NDArray[np.float64]) -> NDArray[np.float64]:
    steps = np.full((len(cost), len(cost)), np.inf)
    np.fill_diagonal(steps, cost)
    return steps


@lru_cache(maxsize=512)
def _all_voicings(chord: Chord, ranges: Compass) -> NDArray[np.int64]:
    """Every allowed voicing; shape (voicings, voices). The bass has the root, or else the third."""
    voices, classes = len(ranges.lows), chord.pitch_classes
    needed = {classes[0], classes[1]} if voices < len(classes) else set(classes)
    needed = {classes[0]} if voices == 1 else needed
    leading = classes[1] if chord.degree == 4 else classes[0] if chord.degree == 6 else -1
    found: list[Voicing] = []

    def grow(voicing: Voicing) -> None:
        place = len(voicing)
        if place == voices:
            names = [pitch % 12 for pitch in voicing]
            if needed <= set(names) and names.count(leading) <= 1:
                found.append(voicing)
            return
        floor, ceiling = ranges.lows[place], ranges.highs[place]
        if place:
            floor = max(floor, voicing[-1] + 1)
            ceiling = min(ceiling, voicing[-1] + (BASS_SPACING if place == 1 else UPPER_SPACING))
        allowed = classes[:2] if place == 0 and voices > 1 else classes
        for pitch in range(floor, ceiling + 1):
            if pitch % 12 in allowed and len(found) < 20_000:
                grow((*voicing, pitch))

    grow(())
    return np.asarray(found, dtype=np.int64).reshape(-1, voices)


def _candidates(rng: np.random.Generator, chord: Chord, ranges: Compass) -> NDArray[np.int64]:
    voicings = _all_voicings(chord, ranges)
    if not len(voicings):
        raise ValueError(f"no voicing of degree {chord.degree} fits the ranges {ranges.lows} to {ranges.highs}")
    if len(voicings) <= CANDIDATES:
        return voicings
    return voicings[rng.choice(len(voicings), CANDIDATES, replace=False)]


def _parallel_moves(before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count forbidden pairs for every pair of voicings; shape (before, after)."""
    total = np.zeros((len(before), len(after)), dtype=np.int64)
    for low in range(before.shape[1]):
        for high in range(low + 1, before.shape[1]):
            was, now = (before[:, high] - before[:, low]) % 12, (after[:, high] - after[:, low]) % 12
            is_perfect = (was[:, None] == now[None, :]) & np.isin(was, PARALLEL)[:, None]
            has_moved = before[:, low][:, None] != after[:, low][None, :]
            total += is_perfect & has_moved
    return total


def _step_cost(before: NDArray[np.int64], after: NDArray[np.int64], chord: Chord) -> NDArray[np.float64]:
    """The price of every move; infinite for parallels. `chord` is the one that is left."""
    moves = after[None, :, :] - before[:, None, :]  # (before, after, voices)
    distance = np.abs(moves)
    weights = np.where(np.arange(before.shape[1]) == 0, 0.4, 1.0)  # a bass may leap
    cost: NDArray[np.float64] = (weights * (distance + 2.0 * np.maximum(distance - 4, 0))).sum(axis=2)
    cost += 1.5 * (distance.sum(axis=2) == 0)
    is_similar = (np.sign(moves[:, :, 0]) == np.sign(moves[:, :, -1])) & (distance[:, :, 0] > 0)
    arrives = np.isin((after[:, -1] - after[:, 0]) % 12, PARALLEL)[None, :]
    if before.shape[1] > 1:
        cost += 3.0 * (is_similar & arrives & (distance[:, :, -1] > 2))
    if chord.is_dominant:
        is_leading = before % 12 == chord.key.leading_tone
        cost += 6.0 * (is_leading[:, None, :] & ~np.isin(moves, (0, 1))).sum(axis=2)
    return np.where(_parallel_moves(before, after) > 0, np.inf, cost)


def _own_cost(voicings: NDArray[np.int64], ranges: Compass) -> NDArray[np.float64]:
    """A small price for the edges of a voice's compass."""
    centres = (np.asarray(ranges.lows) + np.asarray(ranges.highs)) / 2.0
    cost: NDArray[np.float64] = (0.15 * np.abs(voicings - centres)).sum(axis=1)
    return cost


def _first_cost(voicings: NDArray[np.int64], ranges: Compass, before: Voicing | None) -> NDArray[np.float64]:
    cost = _own_cost(voicings, ranges)
    if before is None:
        return cost
    blocked = _parallel_moves(np.asarray([before]), voicings)[0] > 0
    distance = np.abs(voicings - np.asarray(before)).sum(axis=1)
    return np.where(blocked, np.inf, cost + distance)
