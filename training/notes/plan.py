"""The plan of a piece before any note: key, metre, tempo, phrases that return, and the harmony under each.

Phrases with the same letter get the same chords and, by way of `Phrase.material`, the same notes: repeats are what
makes aligning music hard, so every piece has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from training.notes.theory import Cadence, Chord, Key, progression, random_key

FORMS: Final = ("AABA", "ABAC", "AABB", "ABAB", "AABC", "ABCA")
METRES: Final = (2, 3, 4, 4)  # beats in a bar
DYNAMICS: Final = (0.3, 0.42, 0.55, 0.68, 0.8)  # p, mp, mf, f, ff: the velocity at the height of a phrase
PHRASE_BARS: Final = 4


@dataclass(frozen=True)
class Phrase:
    """A stretch of whole bars that ends in a cadence."""

    letter: str
    start_beat: int
    beats: int
    chords: tuple[Chord, ...]  # of equal length, `chord_beats` each
    chord_beats: int
    dynamic: float  # velocity at its height
    seed: int  # equal for equal letters

    def material(self) -> np.random.Generator:
        """Return the generator from which this phrase's notes are drawn; begins anew at every call."""
        return np.random.default_rng(self.seed)

    def chord_at(self, beat: float) -> Chord:
        """The harmony `beat` beats after the phrase's start."""
        return self.chords[min(int(beat / self.chord_beats), len(self.chords) - 1)]

    def swell(self, beat: float) -> float:
        """Velocity at a beat of the phrase: an arch that is highest past the middle."""
        place = min(max(beat / self.beats, 0.0), 1.0)
        return float(self.dynamic * (0.78 + 0.22 * np.sin(np.pi * place**1.3)))


@dataclass(frozen=True)
class Plan:
    """Everything the parts of a piece have in common."""

    key: Key
    metre: int  # beats in a bar
    beat_s: float
    phrases: tuple[Phrase, ...]

    @property
    def phrase_starts_s(self) -> tuple[float, ...]:
        """Where the phrases begin."""
        return tuple(phrase.start_beat * self.beat_s for phrase in self.phrases)

    @property
    def harmony_starts_s(self) -> tuple[float, ...]:
        """Where one chord gives way to another."""
        beats = [
            phrase.start_beat + place * phrase.chord_beats
            for phrase in self.phrases
            for place in range(len(phrase.chords))
        ]
        return tuple(beat * self.beat_s for beat in beats)


def draw_plan(rng: np.random.Generator, seconds: float, *, chord_beats: int | None = None) -> Plan:
    """Draw a plan whose phrases fill exactly `seconds`.

    Parameters
    ----------
    rng
        Decides everything.
    seconds
        Length of the piece.
    chord_beats
        How long a chord lasts: 1 for a chorale; None: a whole bar.
    """
    key, metre = random_key(rng), int(rng.choice(METRES))
    wanted_beat_s = float(np.exp(rng.uniform(np.log(0.32), np.log(0.9))))
    bars = max(1, round(seconds / (metre * wanted_beat_s)))
    beat_s = seconds / (bars * metre)
    lengths = [PHRASE_BARS] * (bars // PHRASE_BARS) + ([bars % PHRASE_BARS] if bars % PHRASE_BARS else [])
    form = FORMS[int(rng.integers(len(FORMS)))]
    seeds = {letter: int(rng.integers(2**31)) for letter in "ABC"}
    phrases, bar = [], 0
    for number, length in enumerate(lengths):
        letter = form[number % len(form)]
        is_last = number == len(lengths) - 1
        phrases.append(_phrase(rng, key, metre, letter, seeds[letter], bar, length, chord_beats or metre, is_last))
        bar += length
    return Plan(key, metre, beat_s, tuple(phrases))


def _phrase(
    rng: np.random.Generator, key: Key, metre: int, letter: str, seed: int, bar: int, bars: int, chord_beats: int,
    is_last: bool,
) -> Phrase:  # fmt: skip
    material = np.random.default_rng((seed, 1))
    cadence: Cadence = ("authentic", "half", "half", "deceptive")[int(material.integers(4))]
    chords = progression(material, key, bars * metre // chord_beats, "authentic" if is_last else cadence)
    dynamic = float(rng.choice(DYNAMICS))
    return Phrase(letter, bar * metre, bars * metre, chords, chord_beats, dynamic, seed)
