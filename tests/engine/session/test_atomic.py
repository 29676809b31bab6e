"""A small file is replaced whole, stays the file it was, and a failure is a sentence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from engine.errors import OutputError
from engine.session.atomic import write_atomically


def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "real.shellac"
    real.parent.mkdir()
    real.write_bytes(b"old")
    (tmp_path / "link.shellac").symlink_to(real)
    write_atomically(tmp_path / "link.shellac", b"new")
    assert (tmp_path / "link.shellac").is_symlink()
    assert real.read_bytes() == b"new"
    assert [path.name for path in real.parent.iterdir()] == ["real.shellac"]


def test_who_may_read_a_file_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "project.shellac"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_atomically(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_longest_name_a_disk_takes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * (255 - len(".shellac")) + ".shellac")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_the_content_before_is_kept_beside(tmp_path: Path) -> None:
    path, before = tmp_path / "now.json", tmp_path / "before.json"
    write_atomically(path, b"1", before)
    assert not before.exists()
    write_atomically(path, b"2", before)
    write_atomically(path, b"3", before)
    assert (path.read_bytes(), before.read_bytes()) == (b"3", b"2")


def test_a_disk_that_is_full_leaves_both_as_they_were(tmp_path: Path, monkeypatch: Any) -> None:
    path, before = tmp_path / "now.json", tmp_path / "before.json"
    write_atomically(path, b"1", before)
    write_atomically(path, b"2", before)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_atomically(path, b"3", before)
    assert (path.read_bytes(), before.read_bytes()) == (b"2", b"1")
    assert len(list(tmp_path.iterdir())) == 2
