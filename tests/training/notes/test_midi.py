"""Note lists survive a MIDI file, and the pianists' files read as their tables say."""

from __future__ import annotations

import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest

from training.notes import midi
from training.notes.composer import compose
from training.notes.note import Note
from training.notes.performance import perform
from training.recipe import TrainingError


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    notes = perform(np.random.default_rng(1), compose(np.random.default_rng(1), "chords", 20.0, 4)).notes
    midi.write(notes, tmp_path / "a.mid", program=40)
    back = midi.read(tmp_path / "a.mid")
    assert sorted(note.pitch for note in back) == sorted(note.pitch for note in notes)
    by_pitch = [sorted(each, key=lambda note: (note.pitch, note.onset_s)) for each in (notes, back)]
    for before, after in zip(*by_pitch, strict=True):
        # A tick is half a millisecond; a velocity one of 127.
        assert after.onset_s == pytest.approx(before.onset_s, abs=0.00026)
        assert after.end_s == pytest.approx(before.end_s, abs=0.0006)
        assert after.velocity == pytest.approx(before.velocity, abs=0.5 / 127 + 1e-9)
    assert [m.program for m in mido.MidiFile(tmp_path / "a.mid") if m.type == "program_change"] == [40]


def messages(path: Path, *events: mido.Message) -> Path:
    mido.MidiFile(ticks_per_beat=500, tracks=[mido.MidiTrack(events)]).save(path)  # 1 ms a tick at 120 bpm
    return path


def test_the_pedal_holds_notes_only_where_asked(tmp_path: Path) -> None:
    path = messages(
        tmp_path / "a.mid",
        mido.Message("control_change", control=64, value=127, time=0),
        mido.Message("note_on", note=60, velocity=64, time=100),
        mido.Message("note_on", note=60, velocity=0, time=200),
        mido.Message("control_change", control=64, value=0, time=700),
    )
    assert [(round(n.onset_s, 6), round(n.end_s, 6)) for n in midi.read(path)] == [(0.1, 0.3)]
    assert [(round(n.onset_s, 6), round(n.end_s, 6)) for n in midi.read(path, with_pedal=True)] == [(0.1, 1.0)]


def test_a_key_never_released_sounds_to_the_end_and_drums_are_left_out(tmp_path: Path) -> None:
    path = messages(
        tmp_path / "a.mid",
        mido.Message("note_on", note=60, velocity=64, time=0),
        mido.Message("note_on", note=36, velocity=64, channel=9, time=500),
        mido.Message("note_off", note=36, channel=9, time=500),
    )
    assert midi.read(path) == (Note(0.0, 1.0, 60, 64 / 127),)


@pytest.mark.parametrize(
    "content", [b"", b"MThd", b"RIFF no midi at all", b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\x20\0"]
)
def test_a_file_that_is_no_midi_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.mid"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"bad\.mid"):
        midi.read(path)


def test_a_table_or_an_archive_of_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"bad\.csv"):
        midi.read_vienna(tmp_path / "bad.csv")
    (tmp_path / "bad.zip").write_bytes(b"PK nothing")
    with pytest.raises(TrainingError, match=r"bad\.zip"):
        midi.read_asap(tmp_path / "bad.zip")


def test_an_archive_gives_performances_with_their_beats(tmp_path: Path) -> None:
    midi.write((Note(0.5, 0.5, 60),), tmp_path / "a.mid")
    with zipfile.ZipFile(tmp_path / "piece.zip", "w") as archive:
        for name in ("zoe", "midi_score"):
            archive.write(tmp_path / "a.mid", f"{name}.mid")
            archive.writestr(f"{name}_annotations.txt", "0.5\t0.5\tdb,4/4,0\n1.0\t1.0\tb\n")
    score, zoe = midi.read_asap(tmp_path / "piece.zip")
    assert (score.performer, zoe.performer) == ("midi_score", "zoe")
    assert zoe.beats_s == (0.5, 1.0)
    assert zoe.downbeats == (True, False)
    assert zoe.notes[0].onset_s == pytest.approx(0.5, abs=1e-3)


def test_vienna_tables_agree_with_their_midi_files(development_data: Path) -> None:
    """Two independent accounts of the same performances: every onset within the files' own tick."""
    folder = development_data / "performances" / "vienna"
    for name in ("Schubert_D783_no15_p01", "Mozart_K331_1st-mov_p07"):
        rows = midi.read_vienna(folder / f"{name}.csv")
        played = sorted((row.note.onset_s, row.note.pitch) for row in rows if row.note)
        heard = sorted((note.onset_s, note.pitch) for note in midi.read(folder / f"{name}.mid"))
        assert len(played) == len(heard) > 100
        np.testing.assert_allclose([onset for onset, _ in played], [onset for onset, _ in heard], atol=2e-3)
        assert sorted(pitch for _, pitch in played) == sorted(pitch for _, pitch in heard)
        beats = [row.onset_beat for row in rows if row.onset_beat is not None]
        assert max(beats) > 40


def test_beats_of_asap_performances_correspond(development_data: Path) -> None:
    path = development_data / "performances" / "asap" / "Haydn__Keyboard_Sonatas__31-1.zip"
    score, *performances = midi.read_asap(path)
    assert score.performer == "midi_score"
    assert len(performances) == 4
    for one in performances:
        assert len(one.notes) > 1000
        assert (np.diff(one.beats_s) > 0.0).all()
        assert len(one.downbeats) == len(one.beats_s)
