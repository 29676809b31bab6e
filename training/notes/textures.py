"""Dense textures drawn at random: material for denoising, where notes only have to sound, not to make sense.

Ragtime strides, overlapping chords, running arpeggios, string sections. The draws are part of every cached training
item: a change here makes other items.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from training.notes.note import Note

_CHORDS: Final = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 3, 7, 10), (0, 4, 7, 11), (0, 3, 6, 9))
_MAJOR: Final = (0, 2, 4, 5, 7, 9, 11)


def stride(rng: np.random.Generator, seconds: float) -> list[Note]:
    """Ragtime-like: bass and chord in the left hand, syncopated broken chords in the right."""
    beat, root = rng.uniform(0.22, 0.5), int(rng.integers(36, 46))
    notes, time = [], 0.0
    while time < seconds:
        chord = _CHORDS[rng.integers(len(_CHORDS))]
        key = root + int(rng.choice((0, 5, 7, 2, 9)))
        for half in range(4):
            at = time + half * beat
            if half % 2 == 0:
                notes += [Note(at, beat * 0.9, key - (0 if half else 12) % 24, 0.9), Note(at, beat * 0.9, key, 0.7)]
            else:
                notes += [Note(at, beat * 0.6, key + 12 + step, 0.5) for step in chord]
        at = time
        while at < time + 4 * beat:
            length = beat * rng.choice((0.5, 0.5, 0.5, 1.0, 1.5))
            pitch = key + 24 + int(rng.choice(chord)) + 12 * int(rng.integers(0, 2))
            notes.append(Note(at, length * 0.95, pitch, rng.uniform(0.6, 1.0)))
            if rng.random() < 0.4:
                notes.append(Note(at, length * 0.95, pitch + 12, rng.uniform(0.4, 0.8)))
            at += length
        time += 4 * beat
    return notes


def chords(rng: np.random.Generator, seconds: float) -> list[Note]:
    """Slow held chords that overlap, as with the pedal down."""
    notes, time = [], 0.0
    while time < seconds:
        key, length = int(rng.integers(36, 60)), rng.uniform(0.6, 3.0)
        steps = (*_CHORDS[rng.integers(len(_CHORDS))], 12, 16)
        roll = rng.uniform(0.0, 0.05)
        notes += [
            Note(time + i * roll, length * rng.uniform(1.0, 2.5), key + s, rng.uniform(0.4, 1.0))
            for i, s in enumerate(steps)
        ]
        time += length
    return notes


def arpeggios(rng: np.random.Generator, seconds: float) -> list[Note]:
    """Running broken chords, each note held for several steps."""
    notes, time, step_seconds = [], 0.0, rng.uniform(0.08, 0.25)
    held = rng.uniform(1.0, 8.0)
    while time < seconds:
        key = int(rng.integers(40, 62))
        steps = list(_CHORDS[rng.integers(len(_CHORDS))])
        for step in (steps + [s + 12 for s in steps] + [s + 24 for s in steps])[:: int(rng.choice((1, -1)))]:
            notes.append(Note(time, step_seconds * held, key + step, rng.uniform(0.5, 1.0)))
            time += step_seconds
    return notes


def melody(rng: np.random.Generator, seconds: float, low: int = 57, high: int = 88) -> list[Note]:
    """A scale walk with rests, and now and then a double stop."""
    notes, time, degree = [], 0.0, int(rng.integers(0, 10))
    key = int(rng.integers(low, low + 8))
    while time < seconds:
        degree = int(np.clip(degree + rng.integers(-3, 4), 0, 15))
        pitch = min(high, key + 12 * (degree // 7) + _MAJOR[degree % 7])
        length = float(rng.choice((0.12, 0.2, 0.3, 0.5, 0.9, 1.6)))
        if rng.random() > 0.08:
            notes.append(Note(time, length, pitch, rng.uniform(0.5, 1.0)))
            if rng.random() < 0.15:
                notes.append(Note(time, length, max(low, pitch - int(rng.choice((3, 4, 7, 9)))), 0.6))
        time += length
    return notes


def ensemble(rng: np.random.Generator, seconds: float) -> list[Note]:
    """Strings in sections: full chords over five octaves, every note played by several with their own timing."""
    notes, time = [], 0.0
    while time < seconds:
        key, length = int(rng.integers(36, 48)), float(rng.choice((0.25, 0.5, 0.5, 1.0, 2.5)))
        steps = _CHORDS[rng.integers(len(_CHORDS))]
        pitches = [key + 12 * octave + step for octave in range(5) for step in steps if rng.random() < 0.6]
        for pitch in pitches:
            notes += [
                Note(time + abs(rng.normal(0.0, 0.03)), length * rng.uniform(0.9, 1.3), pitch, rng.uniform(0.3, 1.0))
                for _ in range(int(rng.integers(1, 5)))
            ]
        time += length
    return notes
