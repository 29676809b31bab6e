"""Single melodic lines: rhythm from motifs that return, chord tones on strong beats, steps between them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

import numpy as np

from training.notes.plan import Phrase, Plan
from training.notes.theory import Chord

LEAP: Final = 9  # semitones that a line leaps at most
VALUES: Final = (0.5, 0.5, 1.0, 1.0, 1.5, 2.0)  # note lengths in beats
FAST_VALUES: Final = (0.25, 0.25, 0.5, 0.5, 1.0)


@dataclass(frozen=True)
class Tone:
    """A note in a phrase, before it has seconds."""

    beat: float  # from the start of the phrase
    beats: float
    pitch: int


def bar_rhythm(rng: np.random.Generator, metre: int, values: tuple[float, ...] = VALUES) -> list[float]:
    """Note lengths that fill one bar, in beats."""
    lengths: list[float] = []
    while (left := metre - sum(lengths)) > 1e-9:
        fitting = [value for value in values if value <= left] or [left]
        value = float(rng.choice(fitting))
        # A quaver comes in pairs, or the rest of the bar is syncopated.
        pair = value < 1.0 and 2 * value <= left and sum(lengths) % 1.0 == 0.0
        lengths += [value, value] if pair else [value]
    return lengths


def phrase_rhythm(rng: np.random.Generator, phrase: Phrase, metre: int, *, is_fast: bool) -> list[float]:
    """Rhythm of a phrase: a motif, the same again, something else, and a long last note."""
    values = FAST_VALUES if is_fast else VALUES
    motif, contrast = bar_rhythm(rng, metre, values), bar_rhythm(rng, metre, values)
    bars = phrase.beats // metre
    lengths: list[float] = []
    for bar in range(bars - 1):
        lengths += contrast if bar % 4 == 2 else motif
    return [*lengths, *([1.0] * (metre - 2)), 2.0]


def line(rng: np.random.Generator, plan: Plan, phrase: Phrase, low: int, high: int, *, is_fast: bool) -> list[Tone]:
    """Write a melody over the phrase's chords, every pitch in [low, high] and in the key."""
    top = min(high, low + 22)
    low, high = (low, top) if rng.random() < 0.5 or high - 22 <= low else (high - 22, high)
    pitch, direction, beat = int(rng.integers(low, high + 1)), int(rng.choice((-1, 1))), 0.0
    tones: list[Tone] = []
    lengths = phrase_rhythm(rng, phrase, plan.metre, is_fast=is_fast)
    for place, beats in enumerate(lengths):
        chord = phrase.chord_at(beat)
        is_strong = beat % plan.metre == 0.0 or beats >= 1.5 or place == len(lengths) - 1
        if is_strong or not tones:
            pitch = _chord_tone(rng, chord, pitch, direction, low, high)
        else:
            pitch, direction = _step(rng, chord, pitch, direction, low, high)
        if rng.random() < 0.2:
            direction = -direction
        tones.append(Tone(beat, beats, pitch))
        beat += beats
    return tones


def _chord_tone(rng: np.random.Generator, chord: Chord, pitch: int, direction: int, low: int, high: int) -> int:
    """A chord tone near by, rather in the direction of the line than against it."""
    tones = [p for p in range(low, high + 1) if p % 12 in chord.pitch_classes]
    near = [p for p in tones if abs(p - pitch) <= LEAP] or [min(tones, key=lambda p: abs(p - pitch))]
    liking = np.array([np.exp(-abs(p - pitch) / 3.0) * (2.0 if (p - pitch) * direction > 0 else 1.0) for p in near])
    return int(near[int(rng.choice(len(near), p=liking / liking.sum()))])


def _step(rng: np.random.Generator, chord: Chord, pitch: int, direction: int, low: int, high: int) -> tuple[int, int]:
    """One step along the scale (now and then two); turns at the edges."""
    lattice = chord.key.lattice(low, high, raised=chord.is_dominant)
    here = min(bisect_left(lattice, pitch), len(lattice) - 1)
    size = 2 if rng.random() < 0.15 else 1
    if not 0 <= here + direction * size < len(lattice):
        direction = -direction
    return lattice[min(max(here + direction * size, 0), len(lattice) - 1)], direction
