"""Piano and violin music made from single notes, because recorded music with a clean licence is scarce.

A simple sample player: nearest recorded note, resampled to pitch, cut with a short release. The notes are drawn at
random from a few textures (stride, chords, arpeggios, melody, ensemble), so no composition is involved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import numpy as np
import soxr

from training.data import RATE, Recording, Samples, cached_mono, recordings

_STEPS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_CHORDS: Final = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 3, 7, 10), (0, 4, 7, 11), (0, 3, 6, 9))
_MAJOR: Final = (0, 2, 4, 5, 7, 9, 11)


@dataclass(frozen=True)
class Note:
    """One note of a rendered piece."""

    onset: float  # seconds
    seconds: float
    pitch: int  # MIDI number
    gain: float


def _pitch_of(recording: Recording) -> int | None:
    """MIDI number from a file name such as "FF A#2" (AKAI octaves: C3 = 60) or "C4" (C4 = 60)."""
    found = re.fullmatch(r"(?:(?:FF|MF|Mf|MP|Mp|PP) )?([A-G])(#?)(-?\d)", PurePath(recording.path).stem)
    if not found:
        return None
    octave = int(found[3]) + (2 if recording.set == "piano_samples" else 1)
    return 12 * octave + _STEPS[found[1]] + (1 if found[2] else 0)


class SamplePlayer:
    """Plays notes with the recorded samples of one instrument and dynamic."""

    def __init__(self, samples: dict[int, Recording]) -> None:
        self._samples = samples
        self._pitched: dict[int, Samples] = {}

    def note(self, pitch: int) -> Samples:
        """Return the whole sound of a note, up to 8 s, shape (samples,)."""
        if pitch not in self._pitched:
            nearest = min(self._samples, key=lambda have: abs(have - pitch))
            sound = np.asarray(cached_mono(self._samples[nearest])[: 10 * RATE], dtype=np.float32)
            ratio = 2.0 ** ((pitch - nearest) / 12.0)
            if ratio != 1.0:
                sound = np.asarray(soxr.resample(sound, RATE * ratio, RATE, quality="MQ"), dtype=np.float32)
            self._pitched[pitch] = sound[: 8 * RATE]
        return self._pitched[pitch]

    def play(self, notes: list[Note], seconds: float, release: float) -> Samples:
        """Add up notes; shape (seconds * RATE,), peak 0.5."""
        out = np.zeros(round(seconds * RATE), dtype=np.float32)
        fade = max(32, round(release * RATE))
        for note in notes:
            start = round(note.onset * RATE)
            sound = self.note(note.pitch)[: round(note.seconds * RATE) + fade].copy()
            count = min(fade, len(sound))
            sound[len(sound) - count :] *= np.linspace(1.0, 0.0, count, dtype=np.float32) ** 2
            sound = sound[: max(0, len(out) - start)]
            out[start : start + len(sound)] += note.gain * sound
        peak = float(np.abs(out).max(initial=0.0))
        return out if peak == 0.0 else out * np.float32(0.5 / peak)


def sample_players(instrument: str) -> list[SamplePlayer]:
    """Return the players of "piano" (one per dynamic, and the VSCO piano) or "violin"."""
    rows = recordings("train")
    if instrument == "violin":
        groups = [[row for row in rows if row.path.startswith("violin_samples/violin/")]]
    else:
        groups = [
            [r for r in rows if f"Samples/{d} " in r.path.replace(f"Samples/{d.title()} ", f"Samples/{d} ")]
            for d in ("FF", "MF", "MP", "PP")
        ]
        groups.append([row for row in rows if row.path.startswith("violin_samples/piano/")])
    players = []
    for group in groups:
        pitched = {pitch: row for row in group if (pitch := _pitch_of(row)) is not None}
        if pitched:
            players.append(SamplePlayer(pitched))
    return players


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


def render_piece(
    rng: np.random.Generator, piano: list[SamplePlayer], violin: list[SamplePlayer], seconds: float
) -> Samples:
    """Render one random piece: piano, violin (at times accompanied) or a string ensemble. Peak 0.5 or less."""
    player = piano[rng.integers(len(piano))]
    if rng.random() < 0.2:
        return violin[0].play(ensemble(rng, seconds), seconds, 0.15)
    if rng.random() < 0.67:
        texture = (stride, stride, chords, arpeggios, melody)[rng.integers(5)]
        return player.play(texture(rng, seconds), seconds, rng.uniform(0.05, 0.4))
    solo = violin[0].play(melody(rng, seconds, 57, 96), seconds, 0.12)
    if rng.random() < 0.5:
        solo = solo + np.float32(rng.uniform(0.3, 1.0)) * player.play(chords(rng, seconds), seconds, 0.3)
    return solo * np.float32(0.6)
