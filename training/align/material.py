"""Notes to play and instruments to play them with: pianists of ASAP and Vienna, pieces of our own, FluidR3 and samples.

What is rendered lies in the cache of `training.notes`, which git ignores. ASAP is non-commercial and Vienna states no
licence: both are measured with here and never learnt from.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from training.align.pair import Samples, Seconds
from training.data import RATE, data_folder
from training.errors import TrainingError
from training.notes import Note, NoteList, cached, cached_fluidsynth, layered_player, midi
from training.notes.fluidsynth import BLOCK
from training.notes.note import delay, excerpt, fingerprint

TAIL_S: Final = 2.0  # after the last onset of an excerpt
LEAD_S: Final = 0.5  # before its first
LOUDNESS: Final = 0.1  # RMS of everything that is rendered


@dataclass(frozen=True)
class Voice:
    """Something that plays notes: a program of FluidR3, or one of our sets of recorded notes."""

    program: int = 0
    recorded: str = ""  # "piano", "vsco_piano" or "violin": instead of the program
    cents: float = 0.0  # its tuning

    def onset_s(self, seconds: Seconds) -> Seconds:
        """Return when a note that is asked for really starts: FluidSynth can only at every 64th sample."""
        grid = 1 if self.recorded else BLOCK
        return np.asarray(np.round(np.asarray(seconds) * RATE / grid) * grid / RATE)


def sounded(notes: NoteList, voice: Voice, seconds: float) -> Samples:
    """Play notes; mono, RMS `LOUDNESS`, shape (round(seconds * RATE),)."""
    if voice.recorded:
        content = json.dumps(["align", 1, voice.recorded, voice.cents, fingerprint(notes), seconds])
        sound = cached(
            content, lambda: layered_player(voice.recorded).play(notes, seconds, cents=voice.cents), RATE
        )  # fmt: skip
    else:
        sound = cached_fluidsynth(notes, voice.program, seconds, RATE, cents=voice.cents).mean(axis=1)
    return levelled(sound)


def levelled(sound: Samples) -> Samples:
    """Bring a sound to the RMS of `LOUDNESS`; silence stays silence."""
    level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if sound.size else 0.0
    return sound if level == 0.0 else (sound * np.float32(LOUDNESS / level)).astype(np.float32)


def opening(notes: NoteList, seconds: float, start_s: float = 0.0) -> NoteList:
    """Cut an excerpt that begins with its first note `LEAD_S` after the start."""
    first = min(note.onset_s for note in notes if note.onset_s >= start_s)
    kept = excerpt(notes, first, first + seconds - LEAD_S - TAIL_S)
    return delay(kept, LEAD_S)


def bent(notes: NoteList, onsets_s: Seconds, ends_s: Seconds) -> NoteList:
    """Give every note another onset and end."""
    return tuple(
        replace(note, onset_s=float(onset), seconds=max(0.02, float(end - onset)))
        for note, onset, end in zip(notes, onsets_s, ends_s, strict=True)
    )


@lru_cache(maxsize=32)
def asap_performance(archive: str, number: int = 0) -> NoteList:
    """Return the notes of one performance of ASAP, held as its pedal holds them.

    Raises
    ------
    TrainingError
        If the archive isn't there or has no such performance.
    """
    path = data_folder() / "performances" / "asap" / archive
    try:
        with zipfile.ZipFile(path) as opened:
            names = sorted(n for n in opened.namelist() if n.endswith(".mid") and not n.startswith("midi_score"))
            content = opened.read(names[number])
    except (OSError, zipfile.BadZipFile, IndexError) as error:
        raise TrainingError(f"{path} holds no performance {number} ({error}): fetch the data again") from error
    return midi.read(io.BytesIO(content), with_pedal=True)


@lru_cache(maxsize=8)
def vienna_performance(piece: str, pianist: int) -> tuple[midi.PlayedNote, ...]:
    """Return one performance of Vienna 4x22, note by note with its place in the score."""
    return midi.read_vienna(_vienna(f"{piece}_p{pianist:02d}.csv"))


def _vienna(name: str) -> Path:
    return data_folder() / "performances" / "vienna" / name


def played_notes(performance: tuple[midi.PlayedNote, ...]) -> tuple[Note, ...]:
    """Return what was really played."""
    return tuple(row.note for row in performance if row.note is not None)
