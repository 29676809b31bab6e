"""`python -m training.notes` lets one hear what the composer writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.notes import midi
from training.notes.__main__ import main
from training.notes.composer import KINDS
from training.notes.speed import speeds


@pytest.mark.usefixtures("fluid")
def test_a_chorale_for_four_violins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["render", "--kind", "chorale", "--voices", "4", "--program", "40", "--seed", "1", "--seconds", "6"]
    for name in ("a", "b"):
        assert main([*arguments, "--midi", str(tmp_path / f"{name}.mid"), str(tmp_path / f"{name}.wav")]) == 0
    sound, rate = soundfile.read(tmp_path / "a.wav")
    assert rate == 44_100
    assert sound.shape[1] == 2
    assert 0.01 < np.abs(sound).max() <= 1.0
    assert min(note.pitch for note in midi.read(tmp_path / "a.mid")) >= 55
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert "notes" in capsys.readouterr().out


@pytest.mark.usefixtures("synthetic_notes")
def test_recorded_notes_play_too(tmp_path: Path) -> None:
    out = tmp_path / "a.wav"
    assert main(["render", "--player", "violin", "--kind", "melody", "--voices", "1", "--seconds", "3", str(out)]) == 0
    assert soundfile.info(out).frames > 3 * 44_100


def test_the_list_names_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    assert all(kind in said for kind in KINDS)
    assert "violin" in said


def test_what_is_impossible_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "--voices", "9", str(tmp_path / "a.wav")]) == 3
    said = capsys.readouterr().err
    assert said.startswith("training.notes: ")
    assert said.count("\n") == 1


@pytest.mark.usefixtures("fluid")
def test_every_way_of_making_sound_is_timed(development_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.notes.speed.PIECE_S", 2.0)
    monkeypatch.setattr("training.notes.speed.REPEATS", 1)
    assert len([name for name, factor in speeds() if factor > 0.0]) == 14
