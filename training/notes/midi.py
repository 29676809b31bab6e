"""Note lists as MIDI files and back, and the performances of real pianists that the development data hold.

Reading them is for measuring. Learning from them is for `training.data.performances` to allow: never from Vienna 4x22,
which states no licence, and from ASAP, which is non-commercial, only where "all" licences are asked for.
"""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import mido

from training.notes.note import Note, NoteList, in_order, pedalled

TICKS: Final = 480  # to a quarter note
TEMPO: Final = 240_000  # microseconds a quarter: a tick is half a millisecond
SUSTAIN: Final = 64  # controller of the pedal
PEDAL_DOWN: Final = 64  # values from here on hold the notes
SHORTEST_S: Final = 1e-3


def write(notes: NoteList, path: Path, program: int = 0) -> None:
    """Write a MIDI file with one track; times are rounded to half a millisecond, velocities to 127ths."""
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=TEMPO, time=0)])
    track.append(mido.Message("program_change", program=program, time=0))
    events = []
    for note in notes:
        velocity = min(127, max(1, round(127 * note.velocity)))
        start, stop = _tick(note.onset_s), max(_tick(note.onset_s) + 1, _tick(note.end_s))
        events += [(stop, 0, note.pitch, 0), (start, 1, note.pitch, velocity)]
    now = 0
    for tick, is_on, pitch, velocity in sorted(events):
        kind = "note_on" if is_on else "note_off"
        track.append(mido.Message(kind, note=pitch, velocity=velocity, time=tick - now))
        now = tick
    mido.MidiFile(ticks_per_beat=TICKS, tracks=[track]).save(str(path))


def _tick(seconds: float) -> int:
    return round(seconds * 1e6 / TEMPO * TICKS)


def read(path: Path | io.BytesIO, *, with_pedal: bool = False) -> NoteList:
    """Read every note of a MIDI file, by onset; all tracks and channels but percussion together.

    Parameters
    ----------
    path
        A file or its content.
    with_pedal
        Hold notes while the sustaining pedal is down.

    Raises
    ------
    TrainingError
        If it isn't a MIDI file.
    """
    try:
        file = mido.MidiFile(file=path) if isinstance(path, io.BytesIO) else mido.MidiFile(str(path))
        messages = list(file)
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        from training.recipe import TrainingError

        raise TrainingError(f"{path} can't be read as MIDI ({error}): export it again from its editor") from error
    now, notes, lifts, is_down = 0.0, [], [], False
    struck: dict[tuple[int, int], list[tuple[float, int]]] = {}
    for message in messages:
        now += message.time
        if message.is_meta or getattr(message, "channel", 0) == 9:
            continue
        if message.type == "control_change" and message.control == SUSTAIN:
            if is_down and message.value < PEDAL_DOWN:
                lifts.append(now)
            is_down = message.value >= PEDAL_DOWN
        elif message.type == "note_on" and message.velocity > 0:
            struck.setdefault((message.channel, message.note), []).append((now, message.velocity))
        elif message.type in ("note_on", "note_off") and struck.get((message.channel, message.note)):
            onset, velocity = struck[message.channel, message.note].pop(0)
            notes.append(Note(onset, max(SHORTEST_S, now - onset), message.note, velocity / 127.0))
    # A key that is never released sounds to the end.
    for (_, pitch), keys in struck.items():
        notes += [Note(onset, max(SHORTEST_S, now - onset), pitch, velocity / 127.0) for onset, velocity in keys]
    ordered = in_order(notes)
    return _held(ordered, lifts) if with_pedal else ordered


def _held(notes: NoteList, lifts: list[float]) -> NoteList:
    return in_order(pedalled(notes, lifts))


@dataclass(frozen=True)
class PlayedNote:
    """A note of a performance with its place in the score; one of the two may be missing."""

    note: Note | None  # None: in the score, but not played
    score_id: str | None  # None: played, but not in the score
    onset_beat: float | None


def read_vienna(path: Path) -> tuple[PlayedNote, ...]:
    """Read a table of the Vienna 4x22 corpus, row by row.

    Raises
    ------
    TrainingError
        If a column is missing.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        return tuple(_vienna_note(row) for row in rows)
    except (KeyError, ValueError) as error:
        from training.recipe import TrainingError

        raise TrainingError(
            f"{path.name} isn't a table of the Vienna corpus ({error}): fetch the data again"
        ) from error


def _vienna_note(row: dict[str, str]) -> PlayedNote:
    note = None
    if row["onset_s"]:
        onset = float(row["onset_s"])
        length = max(SHORTEST_S, float(row["offset_s"]) - onset)
        note = Note(onset, length, int(row["midi_pitch"]), float(row["velocity"]) / 127.0)
    beat = float(row["score_onset_beat"]) if row["score_onset_beat"] else None
    return PlayedNote(note, row["score_note_id"] or None, beat)


@dataclass(frozen=True)
class AnnotatedPerformance:
    """One pianist's performance of an ASAP piece."""

    performer: str
    notes: NoteList
    beats_s: tuple[float, ...]  # beat n of one performance is beat n of another of the same piece
    downbeats: tuple[bool, ...]


def read_asap(path: Path, *, with_pedal: bool = False) -> tuple[AnnotatedPerformance, ...]:
    """Read the performances of one ASAP archive, by performer's name; the score comes first, as "midi_score".

    Raises
    ------
    TrainingError
        If the archive can't be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name[:-4] for name in archive.namelist() if name.endswith(".mid"))
            names.sort(key=lambda name: name != "midi_score")
            return tuple(
                AnnotatedPerformance(
                    name,
                    read(io.BytesIO(archive.read(f"{name}.mid")), with_pedal=with_pedal),
                    *_beats(archive.read(f"{name}_annotations.txt").decode()),
                )
                for name in names
            )
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        from training.recipe import TrainingError

        raise TrainingError(f"{path.name} isn't an archive of ASAP ({error}): fetch the data again") from error


def _beats(table: str) -> tuple[tuple[float, ...], tuple[bool, ...]]:
    rows = [line.split("\t") for line in table.splitlines() if line.strip()]
    return tuple(float(row[0]) for row in rows), tuple(row[2].startswith("db") for row in rows)
