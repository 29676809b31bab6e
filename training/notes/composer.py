"""Composes note lists from a seed: in a key, in phrases that return, within an instrument's range.

What is written here is the score, at one constant tempo; `training.notes.performance` plays it as people do. Only
"phrase" has rubato of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from training.notes import parts, textures
from training.notes.note import Note, NoteList, in_order, within_range
from training.notes.performance import Style, draw_curve, follow
from training.notes.plan import Plan, draw_plan

Part = Callable[[np.random.Generator, Plan, int, int, int], Iterable[Note]]

PARTS: Final[dict[str, Part]] = {
    "scale": parts.scale,
    "arpeggio": parts.arpeggio,
    "chorale": parts.chorale,
    "counterpoint": parts.counterpoint,
    "chords": parts.chords,
    "melody": parts.melody,
    "phrase": parts.cantilena,
}
TEXTURES: Final = {"stride": textures.stride, "ensemble": textures.ensemble}
KINDS: Final = (*PARTS, *TEXTURES)
LED: Final = ("chorale", "counterpoint")  # a chord to a beat
SHORTEST_S: Final = 0.03  # what is left of a note at the end of a piece, at least
RUBATO: Final = Style(walk=0.1, arch=0.15, steps=0.0, fermatas=0.0)


@dataclass(frozen=True)
class Score:
    """A composed piece and what it was composed on."""

    kind: str
    notes: NoteList  # by onset, then pitch; seconds at constant tempo
    plan: Plan | None  # None for the textures, which have none

    @property
    def phrase_starts_s(self) -> tuple[float, ...]:
        """Where the phrases begin, for a performer; empty for the textures."""
        return self.plan.phrase_starts_s if self.plan else ()

    @property
    def harmony_starts_s(self) -> tuple[float, ...]:
        """Where the harmony changes, for a pianist's foot; empty for the textures."""
        return self.plan.harmony_starts_s if self.plan else ()


def compose(
    rng: np.random.Generator, kind: str, seconds: float, voices: int = 1, low: int = 48, high: int = 84
) -> NoteList:
    """Compose one piece; see `compose_score`."""
    return compose_score(rng, kind, seconds, voices, low, high).notes


def compose_score(
    rng: np.random.Generator, kind: str, seconds: float, voices: int = 1, low: int = 48, high: int = 84
) -> Score:
    """Compose one piece with its plan.

    Parameters
    ----------
    rng
        Decides everything: the same state gives the same piece.
    kind
        One of `KINDS`.
    seconds
        Length; nothing sounds later.
    voices
        1 to 6: at most so many notes at once. A led kind ("chorale", "counterpoint") has exactly so many, without
        crossings or parallel fifths and octaves. The textures "stride" and "ensemble" are as dense as they like.
    low, high
        The range, MIDI numbers: at least an octave, and 6 semitones a voice.

    Returns
    -------
    Score
        Every pitch in [low, high] and, but for the textures, in `plan.key`.

    Raises
    ------
    ValueError
        If the kind is unknown, there are not 1 to 6 voices, the range too narrow or the length not positive.
    """
    if kind not in KINDS:
        raise ValueError(f"no kind of piece is called {kind!r}: choose one of {', '.join(KINDS)}")
    if not 1 <= voices <= 6:
        raise ValueError(f"a piece has one to six voices, got {voices}")
    if not (low >= 0 and high <= 127 and high - low >= max(24 if kind == "melody" and voices > 1 else 12, 6 * voices)):
        raise ValueError(f"{kind} in {voices} voices needs a wider range of MIDI numbers than {low} to {high}")
    if not 0.1 <= seconds < float("inf"):
        raise ValueError(f"a piece lasts at least 0.1 s, got {seconds}")
    if kind in TEXTURES:
        notes = within_range(tuple(TEXTURES[kind](rng, seconds)), low, high)
        return Score(kind, _cut(notes, seconds), None)
    plan = draw_plan(rng, seconds, chord_beats=1 if kind in LED else None)
    notes = tuple(PARTS[kind](rng, plan, voices, low, high))
    if kind == "phrase":
        curve = draw_curve(rng, seconds, RUBATO, plan.phrase_starts_s)
        notes = follow(notes, curve.scaled(seconds / float(curve.at(seconds))))
    return Score(kind, _cut(notes, seconds), plan)


def _cut(notes: Iterable[Note], seconds: float) -> NoteList:
    """Sort, drop what begins at the very end, and end what sounds on."""
    kept = [note for note in notes if note.onset_s < seconds - SHORTEST_S]
    return in_order(replace(note, seconds=min(note.seconds, seconds - note.onset_s)) for note in kept)
