"""Recordings that can't be used are listed and left out with a count, never silently."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from tests.training.data.recordings_on_disk import tone, write, write_manifest
from training.data import UnreadableError, audit, read_manifest, usable_recordings
from training.data import auditing as module
from training.errors import TrainingError


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    module._told.clear()


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    """Three good recordings, and one of every fault."""
    folder = tmp_path / "spoilt"
    for name in "abc":
        write(folder / f"{name}.wav", tone(1.0))
    noisy = tone(2.0) + 0.1 * np.random.default_rng(0).standard_normal(2 * 44_100)
    whole = write(folder / "cut.flac", noisy)
    whole.write_bytes(whole.read_bytes()[:-20_000])
    (folder / "text.wav").write_text("no audio")
    write(folder / "rate.wav", tone(1.0, rate=22_050), 22_050)
    write(folder / "long.wav", tone(1.5))
    write(folder / "wide.wav", np.zeros((44_100, 2)))
    names = ("a.wav", "b.wav", "c.wav", "cut.flac", "text.wav", "rate.wav", "long.wav", "wide.wav", "gone.wav")
    rows = [f"{name},train,44100,1,{2.0 if name == 'cut.flac' else 1.0},CC0" for name in names]
    write_manifest(folder, *rows, header="path,split,sample_rate,channels,seconds,licence")
    return folder


def test_every_fault_is_found_and_named(spoilt: Path) -> None:
    result = audit(read_manifest(spoilt))
    assert [row.path for row in result.good] == ["a.wav", "b.wav", "c.wav"]
    reasons = {row.path: reason for row, reason in result.bad}
    assert len(reasons) == 6
    assert "is missing" in reasons["gone.wav"]
    assert "can't be read as audio" in reasons["text.wav"]
    assert "cut.flac" in reasons["cut.flac"]
    assert "has a rate of 22050 Hz, its list says 44100" in reasons["rate.wav"]
    assert "lasts 1.50 s, its list says 1.00" in reasons["long.wav"]
    assert "has 2 channels, its list says 1" in reasons["wide.wav"]


def test_what_is_left_out_is_printed_once_with_a_count(spoilt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(usable_recordings("train", folder=spoilt)) == 3
    assert "6 of 9 recordings are left out:" in capsys.readouterr().err
    usable_recordings("train", folder=spoilt)
    assert capsys.readouterr().err == ""


def test_a_second_look_decodes_nothing_until_a_file_changes(
    spoilt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = audit(read_manifest(spoilt))
    looked: list[Path] = []

    def look(path: Path) -> None:
        looked.append(path)
        raise UnreadableError(f"{path.name} was looked at")

    monkeypatch.setattr(module, "read_samples", look)
    assert audit(read_manifest(spoilt)).good == before.good
    assert {path.name for path in looked} == {"gone.wav"}  # it may have come back
    os.utime(spoilt / "b.wav", ns=(1, 1))
    assert [row.path for row in audit(read_manifest(spoilt)).good] == ["a.wav", "c.wav"]


def test_a_damaged_memory_of_the_audit_is_no_obstacle(spoilt: Path, tmp_path: Path) -> None:
    memory = tmp_path / "runs" / "cache" / "audit.json"
    memory.parent.mkdir(parents=True)
    memory.write_text('{"half": [')
    assert len(audit(read_manifest(spoilt)).good) == 3


def test_a_full_disk_costs_the_memory_of_the_audit_and_nothing_else(
    spoilt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text = Path.write_text

    def full(path: Path, content: str, **options: str) -> NoReturn:
        write_text(path, content[:10], **options)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert len(audit(read_manifest(spoilt)).good) == 3
    assert not list((tmp_path / "runs" / "cache").iterdir())


def test_an_empty_split_is_one_sentence(spoilt: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"the validation split in .* is empty .*no recording is listed"):
        usable_recordings("validation", folder=spoilt)
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("x.wav", "y.wav"):
        (broken / name).write_text("no audio")
    with pytest.raises(TrainingError, match="all 1 recordings are unusable"):
        usable_recordings("train", folder=broken)
    with pytest.raises(TrainingError, match=r"the train split of speech_multi .* is empty"):
        usable_recordings("train", folder=spoilt, sets=("speech_multi",))
