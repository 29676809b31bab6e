"""Compressed files are decoded once, forward, into raw float32 on disk: seeking in MP3 or Opus isn't exact.

The folder `decoded` of the cache holds one pair `KEY.f32` (frames x channels, this machine's byte order) and
`KEY.json` per recording. The least recently opened ones make room when the limit is reached; everything in it may be
deleted at any time. `KEY.*.part` is being written, under a lock that goes with the process, however it ends.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from engine.audio.formats import spell_bytes
from engine.audio.signal import Samples
from engine.errors import OutputError
from engine.settings import Settings

_PART = ".part"
_UNSURE_S = 60.0  # a part so young may not be locked yet
VERSION = 1  # raised when the same file would be decoded differently
_LOCKS: dict[str, threading.Lock] = {}
_LOCKS_GUARD = threading.Lock()


class RawFile:
    """Raw float32 frames on disk, read by position: any thread, no lock.

    A memory map would count every page ever read as this process's memory; positioned reads don't.
    """

    def __init__(self, path: Path, channels: int, frames: int) -> None:
        self.channels = channels
        self.frames = frames
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._seek_lock = threading.Lock()
        # A recording is a value that views and tools pass around: nobody is left to close it, so the collector does.
        self.close = weakref.finalize(self, os.close, self._descriptor)

    def read(self, start: int, stop: int) -> Samples:
        """Return frames, shape (stop - start, channels)."""
        out: NDArray[np.float32] = np.empty((stop - start, self.channels), dtype=np.float32)
        view = out.reshape(-1).view(np.uint8).data
        offset = start * self.channels * 4
        while view:
            got = self._read_at(view, offset)
            if got == 0:
                raise OSError(errno.EIO, "the decoded copy is shorter than it was")
            view = view[got:]
            offset += got
        return out

    def _read_at(self, view: memoryview, offset: int) -> int:
        if not self.close.alive:
            raise OSError(errno.EBADF, "closed")
        if hasattr(os, "preadv"):
            return os.preadv(self._descriptor, [view], offset)
        with self._seek_lock:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            data = os.read(self._descriptor, len(view))
        view[: len(data)] = data
        return len(data)


@dataclass(frozen=True)
class Decoded:
    """One recording of the cache."""

    raw: RawFile
    facts: dict[str, object]  # what the decoder found out on the way, such as where the file breaks off


@dataclass(frozen=True)
class DecodeCache:
    """The folder of decoded recordings."""

    folder: Path
    limit_bytes: int

    @staticmethod
    def of(settings: Settings) -> DecodeCache:
        return DecodeCache(settings.cache_folder / "decoded", settings.decoded_limit_bytes)

    def get(
        self,
        key: str,
        channels: int,
        expected_frames: int | None,
        decode: Callable[[dict[str, object]], Iterator[Samples]],
    ) -> Decoded:
        """Return the recording `key`, decoding it now if it isn't there.

        Parameters
        ----------
        key
            Names the content of the source file.
        expected_frames
            About how long it will be, to check the space on disk first; None if nobody knows.
        decode
            Yields blocks of shape (frames, channels) in order and may leave facts (JSON values) in its argument.

        Raises
        ------
        OutputError
            If the disk is too full or the folder can't be written.
        """
        with _lock(key):
            found = self._find(key, channels)
            if found is not None:
                return found
            with _spoken(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                if expected_frames is not None:
                    self.make_room(expected_frames * channels * 4)
                self._fill(key, channels, decode)
                self.make_room(0, keep=key)
            found = self._find(key, channels)
            if found is None:
                raise OutputError(f"the decoded copy in {self.folder} vanished", "try again")
            return found

    def _find(self, key: str, channels: int) -> Decoded | None:
        raw, facts = self.folder / f"{key}.f32", self.folder / f"{key}.json"
        try:
            known = json.loads(facts.read_text("utf-8"))
            frames = int(known["frames"])
            if known["version"] != VERSION or known["byteorder"] != sys.byteorder:
                return None
            if raw.stat().st_size != frames * channels * 4:
                return None
            with contextlib.suppress(OSError):  # a read-only cache still serves
                os.utime(facts)
            return Decoded(RawFile(raw, channels, frames), known["facts"])
        except (OSError, ValueError, KeyError, TypeError):  # not there, or damaged: decode again
            return None

    def _fill(self, key: str, channels: int, decode: Callable[[dict[str, object]], Iterator[Samples]]) -> None:
        part = self.folder / f"{key}.{uuid.uuid4().hex[:8]}{_PART}"
        facts: dict[str, object] = {}
        frames = 0
        try:
            with part.open("wb") as file:
                _hold(file)
                for block in decode(facts):
                    file.write(np.ascontiguousarray(block, dtype=np.float32).data)
                    frames += len(block)
            known = {"version": VERSION, "byteorder": sys.byteorder, "frames": frames, "facts": facts}
            part.replace(self.folder / f"{key}.f32")
            part.write_text(json.dumps(known), "utf-8")
            part.replace(self.folder / f"{key}.json")
        finally:
            part.unlink(missing_ok=True)

    def make_room(self, needed_bytes: int, keep: str = "") -> None:
        """Delete the least recently opened recordings until `needed_bytes` more fit under the limit.

        A recording that is open stays readable: on POSIX its bytes live until it is closed, elsewhere it can't be
        deleted.

        Raises
        ------
        OutputError
            If the disk itself hasn't that much room.
        """
        entries = sorted(self._entries(), key=lambda entry: entry.used)
        total = sum(entry.size for entry in entries)
        for entry in entries:
            if total + needed_bytes <= self.limit_bytes:
                break
            if entry.key != keep and not entry.is_being_written:
                entry.delete()
                total -= entry.size
        free = shutil.disk_usage(self.folder).free
        if needed_bytes > free:
            raise OutputError(
                f"decoding needs {spell_bytes(needed_bytes)} in {self.folder}, {spell_bytes(free)} are free",
                "free some space, or choose another cache folder in the preferences (SHELLAC_CACHE)",
            )

    def _entries(self) -> list[_Entry]:
        """Return what the folder holds, having deleted what nobody writes any more."""
        files: dict[str, list[tuple[Path, os.stat_result]]] = {}
        for path in list(self.folder.iterdir()):
            try:
                state = path.stat()
                if path.suffix == _PART and _is_abandoned(path, state):
                    path.unlink()
                    continue
            except OSError:
                continue  # another program made room
            files.setdefault(path.stem, []).append((path, state))
        return [
            _Entry(
                key, tuple(path for path, _ in both),
                sum(state.st_size for _, state in both), max(state.st_mtime for _, state in both),
            )
            for key, both in files.items()
        ]  # fmt: skip


@dataclass(frozen=True)
class _Entry:
    """The files of one key, complete or not."""

    key: str
    paths: tuple[Path, ...]
    size: int  # bytes
    used: float  # seconds since 1970

    @property
    def is_being_written(self) -> bool:
        return any(path.suffix == _PART for path in self.paths)

    def delete(self) -> None:
        for path in self.paths:
            with contextlib.suppress(OSError):
                path.unlink()


def _hold(file: BinaryIO) -> None:
    """Tell other programs that this file is being written."""
    with contextlib.suppress(OSError):  # a file system without locks: its time of change has to do
        fcntl.flock(file, fcntl.LOCK_EX)


def _is_abandoned(path: Path, state: os.stat_result) -> bool:
    """Return True if the program that wrote a part is gone."""
    if time.time() - state.st_mtime < _UNSURE_S:
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
    return True


def _lock(key: str) -> threading.Lock:
    with _LOCKS_GUARD:
        return _LOCKS.setdefault(key, threading.Lock())


@contextlib.contextmanager
def _spoken(folder: Path) -> Iterator[None]:
    """Turn the system's errors about the cache folder into sentences."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"the decoded copy can't be kept in {folder} ({error.strerror or error})",
            "free some space, or choose another cache folder in the preferences (SHELLAC_CACHE)",
        ) from error
