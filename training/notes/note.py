"""What music is before it sounds: a tuple of notes, and the plain changes one may make to it.

A note list is a score as well as a performance; which of the two depends only on how its seconds were found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

LOWEST_PITCH, HIGHEST_PITCH = 0, 127  # MIDI numbers


@dataclass(frozen=True)
class Note:
    """One note; the instrument decides how loud a velocity of 1 is and how long the sound rings on.

    Raises
    ------
    ValueError
        If a value lies outside the range named beside it.
    """

    onset_s: float  # 0 or later
    seconds: float  # from onset to release, more than 0
    pitch: int  # MIDI number, 60 = middle C
    velocity: float = 0.7  # 0 to 1
    voice: int = 0  # 0 is the highest part of a composition

    def __post_init__(self) -> None:
        if not (0.0 <= self.onset_s < float("inf") and 0.0 < self.seconds < float("inf")):
            raise ValueError(f"a note needs an onset from 0 and a length above 0, got {self.onset_s}, {self.seconds}")
        if not LOWEST_PITCH <= self.pitch <= HIGHEST_PITCH:
            raise ValueError(f"a pitch is a MIDI number from 0 to 127, got {self.pitch}")
        if not 0.0 <= self.velocity <= 1.0:
            raise ValueError(f"a velocity lies between 0 and 1, got {self.velocity}")

    @property
    def end_s(self) -> float:
        """When the note is released."""
        return self.onset_s + self.seconds


NoteList = tuple[Note, ...]


def in_order(notes: Iterable[Note]) -> NoteList:
    """Sort by onset, then by pitch from below."""
    return tuple(sorted(notes, key=lambda note: (note.onset_s, note.pitch, note.voice, note.seconds)))


def end_s(notes: NoteList) -> float:
    """When the last note is released; 0 without notes."""
    return max((note.end_s for note in notes), default=0.0)


def transpose(notes: NoteList, semitones: int) -> NoteList:
    """Move every pitch.

    Raises
    ------
    ValueError
        If a pitch would leave MIDI's range.
    """
    return tuple(replace(note, pitch=note.pitch + semitones) for note in notes)


def stretch(notes: NoteList, factor: float) -> NoteList:
    """Make everything `factor` times as long.

    Raises
    ------
    ValueError
        If the factor isn't positive.
    """
    if factor <= 0.0:
        raise ValueError(f"notes can be stretched by a factor above 0, got {factor}")
    return tuple(replace(note, onset_s=note.onset_s * factor, seconds=note.seconds * factor) for note in notes)


def delay(notes: NoteList, seconds: float) -> NoteList:
    """Move everything later (or earlier, with a negative number)."""
    return tuple(replace(note, onset_s=note.onset_s + seconds) for note in notes)


def excerpt(notes: NoteList, start_s: float, stop_s: float) -> NoteList:
    """Keep what begins in [start_s, stop_s), cut at its end and counted from its start."""
    kept = (note for note in notes if start_s <= note.onset_s < stop_s)
    return tuple(
        replace(note, onset_s=note.onset_s - start_s, seconds=min(note.seconds, stop_s - note.onset_s)) for note in kept
    )


def within_range(notes: NoteList, low: int, high: int) -> NoteList:
    """Bring every note into [low, high] by octaves, so that the harmony stays.

    Raises
    ------
    ValueError
        If the range is narrower than an octave.
    """
    if high - low < 11:
        raise ValueError(f"a range needs twelve semitones to hold every note by octaves, got {low} to {high}")
    return tuple(replace(note, pitch=_folded(note.pitch, low, high)) for note in notes)


def _folded(pitch: int, low: int, high: int) -> int:
    if pitch < low:
        return pitch + 12 * -((pitch - low) // 12)
    return pitch - 12 * -((high - pitch) // 12) if pitch > high else pitch


def pedalled(notes: NoteList, lifts_s: Iterable[float]) -> NoteList:
    """Hold every note until the pedal is next lifted (or to its own end, where it outlasts the last lift).

    A note that is struck again sounds only until then, as a string does.
    """
    lifts = np.sort(np.asarray(tuple(lifts_s), dtype=np.float64))
    struck = {pitch: sorted(n.onset_s for n in notes if n.pitch == pitch) for pitch in {n.pitch for n in notes}}
    held = []
    for note in notes:
        after = lifts[np.searchsorted(lifts, note.end_s) :]
        until = max(note.end_s, float(after[0])) if len(after) else note.end_s
        again = [onset for onset in struck[note.pitch] if onset > note.onset_s]
        until = min(until, again[0]) if again else until
        held.append(replace(note, seconds=until - note.onset_s))
    return tuple(held)


def polyphony(notes: NoteList) -> int:
    """The largest number of notes held at once; a note that ends where another begins isn't counted with it."""
    changes = sorted([(note.onset_s, 1) for note in notes] + [(note.end_s, -1) for note in notes])
    return int(max(np.cumsum([change for _, change in changes]), default=0))


def fingerprint(notes: NoteList) -> str:
    """Return a hash of the whole content, 64 hexadecimal digits; equal on every machine."""
    numbers = [(note.onset_s, note.seconds, note.pitch, note.velocity, note.voice) for note in notes]
    return hashlib.sha256(np.asarray(numbers, dtype="<f8").tobytes()).hexdigest()
