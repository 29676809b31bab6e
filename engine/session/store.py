"""Rendered chunks on disk, named after everything they depend on: a cache that is always safe to delete.

A *shelf* is the folder of one device in one state; its files are the parts of chunks rendered so far. Files are
written beside their name and renamed, so several processes may share the folder; a damaged file counts as missing.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import struct
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np

from engine.audio.signal import Samples, Span
from engine.errors import OutputError

_MAGIC: Final = b"SHLCHNK1"
_HEAD: Final = struct.Struct("<8sIII")  # magic, CRC-32 of the rest, bytes of JSON, channels
_SUFFIX: Final = ".chunk"
_ANALYSIS: Final = "analysis.npz"
_ROOM: Final = 0.9  # of the limit: making room for each chunk anew would look at the whole folder each time
_MEMORY_BYTES: Final = 16 << 20  # 45 s of stereo: the player and a device above read again what has just been rendered
_UNSURE_NS: Final = 50_000_000  # a folder changed so recently may change again within the same time stamp
_SHELVES_AT_MOST: Final = 128
_ATTEMPTS: Final = 5
_TOUCH_S: Final = 60.0


@dataclass(frozen=True)
class Chunk:
    """One rendered part: its samples and what was noticed while rendering it."""

    samples: Samples  # (frames, channels)
    notes: Mapping[str, Any]  # JSON values


class Shelf:
    """The parts of one device in one state."""

    def __init__(self, store: ChunkStore, key: str) -> None:
        self._store = store
        self.key = key
        self.folder = store.folder / key[:2] / key
        self._lock = threading.Lock()
        self._listed: set[Span] = set()
        self._listed_ns = -1
        self._notes: dict[Span, Mapping[str, Any]] = {}

    def present(self) -> frozenset[Span]:
        """Return the parts that are here. Cheap enough to ask twenty times a second."""
        with self._lock:
            try:
                changed_ns = self.folder.stat().st_mtime_ns
            except OSError:
                self._listed, self._listed_ns = set(), -1
                return frozenset()
            if changed_ns != self._listed_ns:
                self._listed = {span for span in map(_span_of, _names(self.folder)) if span is not None}
                settled = time.time_ns() - changed_ns > _UNSURE_NS
                self._listed_ns = changed_ns if settled else -1
            return frozenset(self._listed)

    def get(self, span: Span) -> Chunk | None:
        """Return a part, or None if it isn't here or is damaged; a damaged one is thrown away."""
        chunk = self._store.read(self.folder / _name_of(span))
        if chunk is None:
            with self._lock:
                self._listed.discard(span)
        return chunk

    def put(self, span: Span, chunk: Chunk) -> None:
        """Keep a part. Raises OutputError if the disk is full or the folder can't be written."""
        self._store.write(self.folder / _name_of(span), chunk)
        with self._lock:
            self._notes[span] = chunk.notes
            self._listed.add(span)

    def notes(self, span: Span) -> Mapping[str, Any]:
        """Return what was noticed while rendering a part, nothing if it isn't here."""
        if span not in self._notes:
            found = _load_notes(self.folder / _name_of(span))
            if found is None:
                return {}
            self._notes[span] = found
        return self._notes[span]

    def get_analysis(self) -> bytes | None:
        """Return what `put_analysis` kept."""
        try:
            return (self.folder / _ANALYSIS).read_bytes()
        except OSError:
            return None

    def put_analysis(self, data: bytes) -> None:
        """Keep an analysis. Raises OutputError."""
        self._store.write_bytes(self.folder / _ANALYSIS, [data])


class ChunkStore:
    """A folder of shelves with a byte limit; what was used longest ago goes first. Safe for threads and processes."""

    def __init__(self, folder: Path, limit_bytes: int, memory_bytes: int = _MEMORY_BYTES) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._memory_limit = memory_bytes
        self._lock = threading.Lock()
        self._memory: OrderedDict[Path, Chunk] = OrderedDict()
        self._memory_bytes = 0
        self._shelves: OrderedDict[str, Shelf] = OrderedDict()
        self._touched: dict[Path, float] = {}
        self._written_since_count = 0
        self._counted: int | None = None

    def shelf(self, key: str) -> Shelf:
        """Return the shelf of a key (hexadecimal)."""
        with self._lock:
            shelf = self._shelves.setdefault(key, Shelf(self, key))
            self._shelves.move_to_end(key)
            while len(self._shelves) > _SHELVES_AT_MOST:
                self._shelves.popitem(last=False)
            return shelf

    def read(self, path: Path) -> Chunk | None:
        """Return the chunk in a file, or None if there is none or it is damaged."""
        with self._lock:
            held = self._memory.get(path)
            if held is not None:
                self._memory.move_to_end(path)
        if held is None:
            held = _load(path)
            if held is not None:
                self._hold(path, held)
        if held is not None:
            self._touch(path)
        return held

    def write(self, path: Path, chunk: Chunk) -> None:
        """Keep a chunk. Raises OutputError."""
        samples = np.ascontiguousarray(chunk.samples, dtype=np.float32)
        notes = json.dumps(dict(chunk.notes)).encode()
        notes += b" " * (-(_HEAD.size + len(notes)) % 16)  # samples begin aligned
        body = memoryview(samples.tobytes())
        head = _HEAD.pack(_MAGIC, zlib.crc32(body, zlib.crc32(notes)), len(notes), samples.shape[1])
        self.write_bytes(path, [head, notes, body])
        samples.flags.writeable = False
        self._hold(path, Chunk(samples, chunk.notes))

    def write_bytes(self, path: Path, parts: list[bytes | memoryview]) -> None:
        """Write a file of the store and make room if it is over its limit. Raises OutputError."""
        beside = path.with_name(f".{uuid4().hex}.part")
        try:
            _write(path, beside, parts)
        except OSError as error:
            _unlink(beside)
            raise OutputError(
                f"the cache {self.folder} can't be written ({error.strerror or error})",
                "free some space or choose another cache folder",
                "finished parts are kept",
            ) from error
        self._count(sum(len(part) for part in parts))

    def size_bytes(self) -> int:
        """Return how much the folder holds now."""
        return sum(size for _, size, _ in self._files())

    @property
    def room_bytes(self) -> int:
        """How much is sure to stay until something else is written."""
        return int(self.limit_bytes * _ROOM)

    def free_bytes(self) -> int:
        """Return how much the disk still takes."""
        place = next((p for p in (self.folder, *self.folder.parents) if p.is_dir()), Path("/"))
        return shutil.disk_usage(place).free

    def clear(self) -> None:
        """Delete everything."""
        for _, _, path in self._files():
            _remove(path)
        with self._lock:
            self._memory.clear()
            self._memory_bytes, self._counted = 0, 0

    def _hold(self, path: Path, chunk: Chunk) -> None:
        with self._lock:
            old = self._memory.pop(path, None)
            self._memory_bytes -= old.samples.nbytes if old else 0
            self._memory[path] = chunk
            self._memory_bytes += chunk.samples.nbytes
            while self._memory_bytes > self._memory_limit and len(self._memory) > 1:
                _, gone = self._memory.popitem(last=False)
                self._memory_bytes -= gone.samples.nbytes

    def _forget(self, path: Path) -> None:
        with self._lock:
            gone = self._memory.pop(path, None)
            self._memory_bytes -= gone.samples.nbytes if gone else 0

    def _touch(self, path: Path) -> None:
        """Note that a file was used, at most once a minute."""
        now = time.monotonic()
        if now - self._touched.get(path, -_TOUCH_S) >= _TOUCH_S:
            self._touched[path] = now
            try:
                os.utime(path)
            except OSError:
                self._touched.pop(path, None)

    def _count(self, written: int) -> None:
        """Add to the known size; look at the folder again now and then, because other processes write too."""
        with self._lock:
            self._written_since_count += written
            if self._counted is not None:
                self._counted += written
            due = self._counted is None or self._written_since_count > self.limit_bytes // 20
            if not due and (self._counted or 0) <= self.limit_bytes:
                return
            self._written_since_count = 0
        self._make_room()

    def _make_room(self) -> None:
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        if total > self.limit_bytes:
            for _, size, path in files:
                if total <= self.room_bytes:
                    break
                _remove(path)
                self._forget(path)
                self._touched.pop(path, None)
                total -= size
        with self._lock:
            self._counted = total

    def _files(self) -> list[tuple[int, int, Path]]:
        """Return (time of last use in ns, bytes, path) of every file."""
        out = []
        for folder, _, names in os.walk(self.folder):  # unlike a glob it doesn't mind folders that vanish meanwhile
            for path in (Path(folder) / name for name in names):
                try:
                    state = path.stat()
                except OSError:
                    continue  # another process made room
                out.append((state.st_mtime_ns, state.st_size, path))
        return out


def _write(path: Path, beside: Path, parts: list[bytes | memoryview]) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as stream:
                for part in parts:
                    stream.write(part)
            beside.replace(path)
            return
        except FileNotFoundError:  # another process has just tidied the empty folder away
            if attempt == _ATTEMPTS - 1:
                raise


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _load(path: Path) -> Chunk | None:
    """Read a chunk; one that is damaged is thrown away, so that it counts as missing from now on."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    try:
        return _parse(data)
    except (struct.error, ValueError):
        _unlink(path)
        return None


def _parse(data: bytes) -> Chunk:
    magic, checksum, notes_bytes, channels = _HEAD.unpack_from(data)
    rest = memoryview(data)[_HEAD.size :]
    if magic != _MAGIC or zlib.crc32(rest) != checksum:
        raise ValueError("damaged")
    samples = np.frombuffer(rest[notes_bytes:], dtype=np.float32).reshape(-1, channels)
    return Chunk(samples, json.loads(bytes(rest[:notes_bytes])))


def _load_notes(path: Path) -> Mapping[str, Any] | None:
    """Read only what stands before the samples."""
    try:
        with path.open("rb") as stream:
            magic, _, notes_bytes, _ = _HEAD.unpack(stream.read(_HEAD.size))
            notes = json.loads(stream.read(min(notes_bytes, 1 << 20)))
    except (OSError, struct.error, ValueError):
        return None
    return notes if magic == _MAGIC and isinstance(notes, dict) else None


def _remove(path: Path) -> None:
    _unlink(path)
    with contextlib.suppress(OSError):  # other parts are still on this shelf
        path.parent.rmdir()


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _name_of(span: Span) -> str:
    return f"{span.start}-{span.stop}{_SUFFIX}"


def _span_of(name: str) -> Span | None:
    stem, dot, _ = name.partition(_SUFFIX)
    start, dash, stop = stem.partition("-")
    if not (dot and dash and start.isdigit() and stop.isdigit()):
        return None
    return Span(int(start), int(stop))
