"""Plays note lists with recorded notes: the nearest one, resampled to pitch, cut or faded at the release.

`SamplePlayer` is the plain one that made the denoiser's cached items, kept to the bit. `LayeredPlayer` follows an SFZ
map: a sample of its own for each dynamic, attacks on time, tuning, releases that ring on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePath
from typing import Final

import numpy as np

from training.data import RATE, Recording, Samples, cached_mono, recordings
from training.data.resampling import resampled
from training.notes.note import Note
from training.notes.sfz import Region, read_regions

_STEPS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
LONGEST_S: Final = 8.0  # of a note's sound
KEPT_SOUNDS: Final = 96  # pitched samples a player remembers, about 1.4 MB each
ATTACK_SHARE: Final = 0.05  # a sample begins where it reaches this share of its peak...
PRE_ATTACK_S: Final = 0.001  # ...less this
RELEASE_S: Final = 0.7  # the SFZ map's own default: 2 s times its release knob at 0.35
DECAY: Final = np.log(1000.0)  # a release falls by 60 dB


def pitch_of(recording: Recording) -> int | None:
    """MIDI number from a file name such as "FF A#2" (AKAI octaves: C3 = 60) or "C4" (C4 = 60)."""
    found = re.fullmatch(r"(?:(?:FF|MF|Mf|MP|Mp|PP) )?([A-G])(#?)(-?\d)", PurePath(recording.path).stem)
    if not found:
        return None
    octave = int(found[3]) + (2 if recording.set == "piano_samples" else 1)
    return 12 * octave + _STEPS[found[1]] + (1 if found[2] else 0)


def _resampled(sound: Samples, ratio: float, quality: str) -> Samples:
    """A sound `ratio` times as high and as short."""
    return resampled(sound, RATE * ratio, RATE, quality)


class SamplePlayer:
    """Plays notes with the recorded samples of one instrument and dynamic; a note's velocity is its gain."""

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
                sound = _resampled(sound, ratio, "MQ")
            self._pitched[pitch] = sound[: 8 * RATE]
        return self._pitched[pitch]

    def play(self, notes: Iterable[Note], seconds: float, release: float) -> Samples:
        """Add up notes; shape (seconds * RATE,), peak 0.5."""
        out = np.zeros(round(seconds * RATE), dtype=np.float32)
        fade = max(32, round(release * RATE))
        for note in notes:
            start = round(note.onset_s * RATE)
            sound = self.note(note.pitch)[: round(note.seconds * RATE) + fade].copy()
            count = min(fade, len(sound))
            sound[len(sound) - count :] *= np.linspace(1.0, 0.0, count, dtype=np.float32) ** 2
            sound = sound[: max(0, len(out) - start)]
            out[start : start + len(sound)] += note.velocity * sound
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
        pitched = {pitch: row for row in group if (pitch := pitch_of(row)) is not None}
        if pitched:
            players.append(SamplePlayer(pitched))
    return players


@dataclass(frozen=True)
class _Sounding:
    """One region with its recording."""

    region: Region
    recording: Recording


class LayeredPlayer:
    """Plays notes by regions of key and velocity; a gain of velocity squared, as SFZ has it by default.

    Not safe for two threads at once.
    """

    def __init__(self, regions: Sequence[tuple[Region, Recording]]) -> None:
        if not regions:
            raise ValueError("a player needs at least one recorded note")
        self._regions = [_Sounding(region, recording) for region, recording in regions]
        self._sound = lru_cache(maxsize=KEPT_SOUNDS)(self._make_sound)

    def play(self, notes: Iterable[Note], seconds: float, *, cents: float = 0.0) -> Samples:
        """Add up notes.

        Parameters
        ----------
        notes
            In any order; what begins after `seconds` is left out.
        seconds
            Length of the result; a release that rings on longer is cut.
        cents
            Tuning of the whole instrument, to the nearest cent.

        Returns
        -------
        Samples
            Shape (round(seconds * RATE),), not normalised: a loud note peaks near 0.5 to 1.
        """
        out = np.zeros(round(seconds * RATE), dtype=np.float32)
        for note in notes:
            start = round(note.onset_s * RATE)
            if start >= len(out):
                continue
            place = self._place(note)
            sound = _released(self._sound(place, note.pitch, round(cents)), note.seconds, self._release_s(place))
            sound = sound[: len(out) - start]
            out[start : start + len(sound)] += np.float32(note.velocity**2) * sound
        return out

    def _place(self, note: Note) -> int:
        """Index of the region for a note; beyond the outermost keys the nearest one."""

        def distance(place: int) -> tuple[int, int]:
            region = self._regions[place].region
            velocity = max(1, round(127 * note.velocity))
            layer = max(region.low_velocity - velocity, velocity - region.high_velocity, 0)
            return max(region.low - note.pitch, note.pitch - region.high, 0), layer

        return min(range(len(self._regions)), key=distance)

    def _release_s(self, place: int) -> float:
        return RELEASE_S + self._regions[place].region.release_s

    def _make_sound(self, place: int, pitch: int, cents: int) -> Samples:
        region, recording = self._regions[place].region, self._regions[place].recording
        sound = np.asarray(cached_mono(recording)[region.offset : 10 * RATE + region.offset], dtype=np.float32)
        sound = sound[_attack(sound) :] * np.float32(10.0 ** (region.volume_db / 20.0))
        ratio = 2.0 ** ((pitch - region.root + (cents + region.tune_cents) / 100.0) / 12.0)
        if ratio != 1.0:
            sound = _resampled(sound, ratio, "HQ")
        return sound[: round(LONGEST_S * RATE)]


def _attack(sound: Samples) -> int:
    """Where a recorded note begins: recordings have 0 to 30 ms of nothing in front."""
    loud = np.abs(sound[: RATE // 2])
    first = int(np.argmax(loud > ATTACK_SHARE * loud.max(initial=1e-9)))
    return max(0, first - round(PRE_ATTACK_S * RATE))


def _released(sound: Samples, seconds: float, release_s: float) -> Samples:
    """A held note and its exponential release (60 dB in `release_s`), fading to exactly 0."""
    held, tail = round(seconds * RATE), round(release_s * RATE)
    sound = sound[: held + tail].copy()
    after = np.arange(max(0, len(sound) - held), dtype=np.float32) / np.float32(tail)
    sound[len(sound) - len(after) :] *= np.exp(-np.float32(DECAY) * after) * (1.0 - after)
    return sound


def layered_player(instrument: str) -> LayeredPlayer:
    """Return the Steinway "piano" by its SFZ map, or "vsco_piano" or "violin" with a region around each note.

    Raises
    ------
    ValueError
        If the instrument is another or its recordings aren't there.
    """
    rows = {row.path: row for row in recordings("train")}
    if instrument == "piano":
        regions = [(region, rows[region.sample]) for region in read_regions() if region.sample in rows]
        return LayeredPlayer(regions)
    folders = {"vsco_piano": "violin_samples/piano/", "violin": "violin_samples/violin/"}
    if instrument not in folders:
        raise ValueError(f'recorded notes exist of "piano", "vsco_piano" and "violin", not of {instrument!r}')
    found = {path: pitch_of(row) for path, row in rows.items() if path.startswith(folders[instrument])}
    pitched = sorted((pitch, path) for path, pitch in found.items() if pitch is not None)
    pitches = [pitch for pitch, _ in pitched]
    lows = [0, *((a + b) // 2 + 1 for a, b in pairwise(pitches))]
    highs = [*(low - 1 for low in lows[1:]), 127]
    release_s = 0.0 if instrument == "vsco_piano" else 0.2 - RELEASE_S
    return LayeredPlayer(
        [
            (Region(path, low, high, pitch, release_s=release_s), rows[path])
            for (pitch, path), low, high in zip(pitched, lows, highs, strict=True)
        ]
    )
