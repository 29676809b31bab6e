"""The folder of decoded copies keeps to its limit, whatever was left in it by a program that was killed."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.audio.decode_cache import DecodeCache
from engine.audio.signal import Samples
from engine.errors import OutputError

LONG_AGO = time.time() - 3600


def sound(frames: int, value: float = 0.5) -> Samples:
    return np.full((frames, 1), value, dtype=np.float32)


def keep(cache: DecodeCache, key: str, frames: int) -> None:
    cache.get(key, 1, frames, lambda facts: iter([sound(frames)]))


def left(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def test_what_a_killed_program_was_writing_is_removed(tmp_path: Path) -> None:
    abandoned = left(tmp_path / "aa.12345678.part", 1 << 20)
    keep(DecodeCache(tmp_path, 1 << 30), "key", 1000)
    assert not abandoned.exists()


def test_what_another_program_is_writing_stays_even_if_it_is_slow(tmp_path: Path) -> None:
    written = left(tmp_path / "aa.12345678.part", 1000)
    fresh = tmp_path / "bb.12345678.part"
    with written.open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        os.utime(written, (LONG_AGO, LONG_AGO))
        fresh.write_bytes(b"")  # begun this moment, not locked yet
        keep(DecodeCache(tmp_path, 1 << 30), "key", 1000)
        assert written.exists()
        assert fresh.exists()


def test_a_copy_being_written_is_locked_against_others(tmp_path: Path) -> None:
    """Two caches stand for two programs; the second makes room while the first is decoding, which takes an hour."""
    cache, seen = DecodeCache(tmp_path, 1 << 30), []

    def decode(facts: dict[str, object]) -> Iterator[Samples]:
        yield sound(1000)
        for path in tmp_path.glob("*.part"):
            os.utime(path, (LONG_AGO, LONG_AGO))
            seen.append(path)
        keep(DecodeCache(tmp_path, 1 << 30), "other", 1000)
        yield sound(1000)

    assert cache.get("key", 1, None, decode).raw.frames == 2000
    assert len(seen) == 1


def test_samples_whose_facts_were_never_written_count_and_make_room(tmp_path: Path) -> None:
    samples = left(tmp_path / "lost.f32", 90_000)
    keep(DecodeCache(tmp_path, 100_000), "key", 5000)
    assert not samples.exists()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 100_000


def test_entries_that_vanish_meanwhile_are_no_failure(tmp_path: Path) -> None:
    """A link to nothing can be listed but not looked at, as a file that another program deletes in between."""
    (tmp_path / "gone.json").symlink_to(tmp_path / "nothing")
    keep(DecodeCache(tmp_path, 1 << 30), "key", 1000)


def test_a_disk_too_small_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="free some space"):
        keep(DecodeCache(tmp_path, 1 << 62), "key", 1 << 50)
