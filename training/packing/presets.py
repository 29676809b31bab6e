"""FluidR3 without FluidSynth: notes of its instruments as FLAC, and a small player for them.

What is packed is recorded from `training.notes.fluidsynth` note by note, over the range of each instrument and at two
velocities; the player takes the nearest one, moves it to pitch, holds it by a loop and lets it go. FluidR3 GM is by
Frank Wen, under the MIT licence.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy.ndimage
import soundfile
from numpy.typing import NDArray

from training.data import Samples
from training.data.resampling import resampled
from training.errors import TrainingError
from training.notes.instruments import BY_PROGRAM
from training.notes.note import Note, NoteList, in_order
from training.packing.choosing import Source, Unit, choose

if TYPE_CHECKING:
    from training.notes.fluidsynth import Vibrato

LISTING: Final = "presets.csv"
COLUMNS: Final = ("path", "program", "pitch", "velocity", "held_seconds", "is_struck", "licence", "source")
LICENCE: Final = "MIT"
FONT: Final = "FluidR3 GM by Frank Wen"
PITCH_STEP: Final = 4  # semitones between two recorded notes: none is moved by more than two
VELOCITIES: Final = (0.45, 0.9)
HELD_SECONDS: Final = 3.0
STRUCK_SECONDS: Final = 5.0  # what decays by itself can't be held by a loop
_TAIL_SECONDS: Final = 0.3
_LOOP_FROM: Final = 0.5  # of the held part; before it, attacks and swells differ
_CROSSFADE_SECONDS: Final = 0.15
_RELEASE_SECONDS: Final = 0.25  # in which a note that is let go falls by 60 dB
_UNKNOWN_RANGE: Final = (36, 84)


def preset_sources(programs: Sequence[int], rate: int, channels: int) -> list[Source]:
    """Every note that could be packed, a set per program.

    Raises
    ------
    TrainingError
        If FluidSynth or the soundfont is missing here.
    """
    from training.notes import fluidsynth

    if programs and not fluidsynth.is_available():
        fluidsynth.soundfont_path()  # raises, if it is the soundfont
        raise TrainingError(f"FluidSynth is missing, which plays the instruments: {fluidsynth.LIBRARY_LINE}")
    sources = []
    for program in programs:
        known = BY_PROGRAM.get(program)
        low, high = (known.low, known.high) if known else _UNKNOWN_RANGE
        is_struck = known is None or known.is_struck
        held = STRUCK_SECONDS if is_struck else HELD_SECONDS
        for velocity in VELOCITIES:
            for pitch in range(low + 1, high + 1, PITCH_STEP):
                facts = {"program": str(program), "pitch": str(pitch), "velocity": str(velocity),
                         "held_seconds": str(held), "is_struck": str(int(is_struck))}  # fmt: skip
                name = f"{program:03d}/{pitch:03d}-{velocity:g}"
                read = partial(_recorded, program, Note(0.0, held, pitch, velocity), rate, channels)
                sources.append(Source(f"{program:03d}", "train", f"{velocity}", name, held, read, facts, is_note=True))
    return sources


def _recorded(program: int, note: Note, rate: int, channels: int) -> Samples:
    from training.notes import fluidsynth

    sound = fluidsynth.render((note,), program, note.seconds + _TAIL_SECONDS, rate)
    if channels == 2:
        return sound
    # The louder side at the level of both: their sum would cancel what stands out of phase, as in stereo pianos.
    power = np.mean(np.square(sound, dtype=np.float64), axis=0)
    side = int(np.argmax(power))
    return sound[:, side : side + 1] * np.float32(np.sqrt(power.mean() / max(power[side], 1e-20)))


def write_presets(folder: Path, sources: Sequence[Source], rate: int, budget: int, seed: int) -> tuple[int, int]:
    """Record what fits into `budget` bytes; how many notes, and their bytes."""
    from training.packing.recordings import flac

    made: dict[str, bytes] = {}

    def size_of(unit: Unit) -> int:
        made[unit.source.name] = flac(unit.source.read(), rate)
        return len(made[unit.source.name]) + 100

    chosen, _ = choose(sources, {}, budget, size_of, seed)
    rows = []
    for unit in chosen:
        path = folder / f"{unit.source.name}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made[unit.source.name])
        rows.append({"path": f"{unit.source.name}.flac", **unit.source.facts, "licence": LICENCE,
                     "source": FONT})  # fmt: skip
    with (folder / LISTING).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: row["path"]))
    return len(rows), sum(len(made[unit.source.name]) for unit in chosen)


@dataclass(frozen=True)
class Preset:
    """One recorded note."""

    file: Path
    pitch: int
    velocity: float
    held_seconds: float
    is_struck: bool


def play(
    folder: Path,
    notes: NoteList,
    program: int,
    seconds: float,
    rate: int,
    *,
    cents: float = 0.0,
    vibrato: Vibrato | None = None,
) -> Samples:
    """Play notes as `fluidsynth.render` does; shape (round(seconds * rate), 2).

    Raises
    ------
    TrainingError
        If the program wasn't packed.
    """
    presets = presets_of(folder, program)
    out = np.zeros((round(seconds * rate), 2), dtype=np.float32)
    for note in in_order(notes):
        start = round(note.onset_s * rate)
        if start >= len(out):
            break
        preset = nearest(presets, note)
        sound = _sounding(preset, note, rate, cents, vibrato)[: len(out) - start]
        # A velocity of MIDI is a gain of its square, in FluidSynth as in SFZ.
        out[start : start + len(sound)] += np.float32((note.velocity / preset.velocity) ** 2) * sound
    return out


@lru_cache(maxsize=32)
def presets_of(folder: Path, program: int) -> tuple[Preset, ...]:
    """The recorded notes of a program.

    Raises
    ------
    TrainingError
        If there are none.
    """
    with (folder / LISTING).open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if int(row["program"]) == program]
    if not rows:
        raise TrainingError(f"program {program} isn't in this pack: name it in the recipe's needs, and pack again")
    return tuple(
        Preset(folder / row["path"], int(row["pitch"]), float(row["velocity"]), float(row["held_seconds"]),
               row["is_struck"] == "1") for row in rows
    )  # fmt: skip


def nearest(presets: Sequence[Preset], note: Note) -> Preset:
    """The recorded note nearest in pitch, and then in velocity."""
    return min(presets, key=lambda p: (abs(p.pitch - note.pitch), abs(p.velocity - note.velocity), p.pitch))


@lru_cache(maxsize=256)
def _held(preset: Preset, rate: int) -> Samples:
    """The recorded note at this rate, shape (frames, 2)."""
    samples, file_rate = soundfile.read(preset.file, dtype="float32", always_2d=True)
    return resampled(np.repeat(samples, 2, axis=1)[:, :2] if samples.shape[1] == 1 else samples, file_rate, rate)


def _sounding(preset: Preset, note: Note, rate: int, cents: float, vibrato: Vibrato | None) -> Samples:
    """A note as long as it is held and a release."""
    frames = round((note.seconds + _RELEASE_SECONDS) * rate)
    steps = _speed(note, preset, frames, rate, cents, vibrato)
    places = np.concatenate([[0.0], np.cumsum(steps[:-1])])
    sound = _held(preset, rate)
    if not preset.is_struck:
        sound = _looped(sound, int(places[-1]) + 3, rate, preset.held_seconds)
    frames = min(frames, int(np.searchsorted(places, len(sound) - 2)))
    places = places[:frames]
    # Cubic splines between samples: notes move by two semitones at most, so nothing folds back that was loud.
    moved = np.stack([scipy.ndimage.map_coordinates(sound[:, side], [places], order=3, mode="nearest")
                      for side in (0, 1)], axis=1)  # fmt: skip
    after = np.arange(max(0, frames - round(note.seconds * rate))) / (_RELEASE_SECONDS * rate)
    moved[frames - len(after) :] *= (10.0 ** (-3.0 * after) * (1.0 - after))[:, None]
    return np.asarray(moved, dtype=np.float32)


def _speed(
    note: Note, preset: Preset, frames: int, rate: int, cents: float, vibrato: Vibrato | None
) -> NDArray[np.float64]:
    """How fast the recorded note is read, for each sample."""
    bent = np.full(frames, 100.0 * (note.pitch - preset.pitch) + cents)
    if vibrato:
        since = np.maximum(0.0, np.arange(frames) / rate - vibrato.delay_s)
        depth = vibrato.depth_cents * np.minimum(1.0, since / 0.2)
        bent += depth * np.sin(2.0 * np.pi * vibrato.rate_hz * since)
    return np.asarray(2.0 ** (bent / 1200.0))


def _looped(sound: Samples, frames: int, rate: int, held_seconds: float) -> Samples:
    """Hold a note by repeating its second half, with a crossfade of equal power where it begins again."""
    held, fade = round(held_seconds * rate), round(_CROSSFADE_SECONDS * rate)
    if frames <= held:
        return sound[:frames]
    first = round(_LOOP_FROM * held)
    turn = np.linspace(0.0, np.pi / 2.0, fade, dtype=np.float32)[:, None]
    seam = sound[held - fade : held] * np.cos(turn) + sound[first - fade : first] * np.sin(turn)
    body = np.concatenate([sound[first : held - fade], seam])
    rounds = -(-(frames - first) // len(body))
    return np.concatenate([sound[:first], *[body] * rounds])[:frames]
