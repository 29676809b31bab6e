"""A fingerprint names content: sound that was made from other content is never taken for this file's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from engine.audio import opening
from engine.audio.files import fingerprint, is_same_content, open_signal
from engine.errors import MissingFileError


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "side.wav"
    path.write_bytes(bytes(range(256)) * (1 << 13))  # 2 MiB: longer than the places that are looked at
    return path


def with_one_byte_changed(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 1]))


@pytest.mark.parametrize("place", [0, 70_000, 1_000_001, (2 << 20) - 1])
def test_one_changed_byte_anywhere_changes_the_fingerprint(recording: Path, place: int) -> None:
    before = fingerprint(recording)
    with_one_byte_changed(recording, place)
    assert fingerprint(recording) != before


@pytest.mark.parametrize("place", [70_000, 1_000_001])
def test_a_large_file_changed_anywhere_is_another_one(
    recording: Path, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "WHOLE_BYTES", 1 << 20)
    before, time_ns = fingerprint(recording), recording.stat().st_mtime_ns
    with_one_byte_changed(recording, place)
    os.utime(recording, ns=(time_ns + 1_000_000, time_ns + 1_000_000))  # an editor's save, a millisecond later
    assert fingerprint(recording) != before


@pytest.mark.parametrize("whole_bytes", [64 << 20, 1 << 20])
def test_a_copy_has_the_same_content(recording: Path, whole_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "WHOLE_BYTES", whole_bytes)
    copy = recording.with_name("copy.wav")
    shutil.copyfile(recording, copy)
    assert is_same_content(fingerprint(recording), fingerprint(copy))


@pytest.mark.timeout(20)  # it would wait for ever
def test_a_pipe_is_refused_without_waiting_for_its_other_end(tmp_path: Path) -> None:
    pipe = tmp_path / "side.wav"
    os.mkfifo(pipe)
    with pytest.raises(MissingFileError, match="no ordinary file"):
        open_signal(pipe)
