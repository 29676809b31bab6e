"""A first look at a file's bytes: what it is whatever its name says, and whether it is all there.

libsndfile reads the sound; this module only knows enough of each container to tell a damaged file from a healthy one
and to say so in words.

Sources: RIFF/WAVE (Microsoft, 1991), EBU Tech 3306 (RF64), AIFF 1.3 (Apple, 1989), Core Audio Format 1.0 (Apple),
RFC 3533 (Ogg), FLAC (RFC 9639).
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from engine.audio.formats import OPEN_SUFFIXES

MAX_CHUNKS = 10_000  # a real file has dozens; a damaged one may chain empty ones for ever

_FAMILIES = {
    "WAV": (".wav", ".wave", ".bwf", ".rf64"),
    "RF64": (".wav", ".wave", ".bwf", ".rf64"),
    "W64": (".w64",),
    "AIFF": (".aif", ".aiff", ".aifc"),
    "FLAC": (".flac",),
    "OGG": (".ogg", ".oga", ".opus"),
    "CAF": (".caf",),
    "AU": (".au", ".snd"),
    "MP3": (".mp3",),
    "M4A": (".m4a", ".mp4"),
    "AAC": (".aac",),
}


def sniff(head: bytes) -> str | None:
    """Return the container that the first bytes of a file announce (at least 16 needed), or None."""
    if head[:4] in (b"RIFF", b"RIFX") and head[8:12] == b"WAVE":
        return "WAV"
    if head[:4] in (b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return "RF64"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF"
    if head[:4] == b"riff" and head[4:8] == b"\x2e\x91\xcf\x11":
        return "W64"
    if head[4:8] == b"ftyp":
        return "M4A"
    simple = {b"fLaC": "FLAC", b"OggS": "OGG", b"caff": "CAF", b".snd": "AU"}
    if head[:4] in simple:
        return simple[head[:4]]
    if head[:3] == b"ID3":
        return "MP3"
    return _sniff_mpeg(head)


def _sniff_mpeg(head: bytes) -> str | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:  # reserved in MPEG audio; ADTS has its AAC there
        return "AAC" if head[1] & 0xF0 == 0xF0 else None
    if version == 1 or head[2] >> 4 == 15 or head[2] >> 2 & 3 == 3:
        return None
    return "MP3"


def is_misnamed(container: str, suffix: str) -> bool:
    """Return whether a known ending promises something else than `container`."""
    return suffix.lower() in OPEN_SUFFIXES and suffix.lower() not in _FAMILIES.get(container, ())


@dataclass(frozen=True)
class Layout:
    """Where the samples lie, as far as the container says it in plain bytes."""

    channels: int | None = None
    promised_bytes: int | None = None  # of sound, as the header says
    present_bytes: int | None = None  # of sound, as the file holds
    patches: Mapping[int, bytes] = field(default_factory=dict)  # offset -> bytes that would make the header true

    @property
    def is_short(self) -> bool:
        if self.promised_bytes is None or self.present_bytes is None:
            return False
        return self.present_bytes < self.promised_bytes


def look(file: BinaryIO, container: str, size: int) -> Layout:
    """Return what the header of a WAV, RF64, AIFF or CAF says; nothing for other containers."""
    try:
        if container in ("WAV", "RF64"):
            return _look_riff(file, size)
        if container == "AIFF":
            return _look_aiff(file, size)
        if container == "CAF":
            return _look_caf(file, size)
        if container == "W64":
            return _look_w64(file, size)
        if container == "AU":
            return _look_au(file, size)
    except struct.error:  # the header itself breaks off; libsndfile decides
        pass
    return Layout()


def _chunks(file: BinaryIO, start: int, size: int, form: str, padded: bool) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, offset of the body, promised length) of each chunk."""
    head = struct.calcsize(form)
    for _ in range(MAX_CHUNKS):
        file.seek(start)
        raw = file.read(head)
        if len(raw) < head:
            return
        name, length = struct.unpack(form, raw)
        yield name, start + head, length
        if length < 0:
            return
        start += head + length + (length & 1 if padded else 0)
        if start >= size:
            return


def _look_riff(file: BinaryIO, size: int) -> Layout:
    file.seek(0)
    order = ">" if file.read(4) == b"RIFX" else "<"
    channels: int | None = None
    long_data: int | None = None
    for name, body, length in _chunks(file, 12, size, f"{order}4sI", padded=True):
        file.seek(body)
        if name == b"fmt ":
            channels = struct.unpack(f"{order}2xH", file.read(4))[0]
        elif name == b"ds64":
            long_data = struct.unpack("<8xQ", file.read(16))[0]
        elif name == b"data":
            if length == 0xFFFFFFFF:  # RF64, or a stream whose length nobody knew
                return Layout(channels, long_data, size - body)
            if length == 0 and size > body and not _is_chunk_name(file.read(4)):
                # A recorder that died never came back to write the length.
                present = min(size - body, 0xFFFFFFFE)
                riff = struct.pack(f"{order}I", min(size - 8, 0xFFFFFFFF))
                return Layout(channels, None, present, {4: riff, body - 4: struct.pack(f"{order}I", present)})
            return Layout(channels, length, size - body)
    return Layout(channels)


def _is_chunk_name(raw: bytes) -> bool:
    return len(raw) == 4 and all(32 <= byte < 127 for byte in raw)


def _look_aiff(file: BinaryIO, size: int) -> Layout:
    channels: int | None = None
    for name, body, length in _chunks(file, 12, size, ">4sI", padded=True):
        file.seek(body)
        if name == b"COMM":
            channels = struct.unpack(">H", file.read(2))[0]
        elif name == b"SSND":
            return Layout(channels, length - 8, size - body - 8)
    return Layout(channels)


def _look_caf(file: BinaryIO, size: int) -> Layout:
    channels: int | None = None
    for name, body, length in _chunks(file, 8, size, ">4sq", padded=False):
        file.seek(body)
        if name == b"desc":
            channels = struct.unpack(">24xI", file.read(28))[0]
        elif name == b"data":
            present = size - body
            if 0 <= length <= present or length == -1:
                return Layout(channels, None if length < 0 else length - 4, present - 4)
            # libsndfile refuses a CAF that breaks off; with the true length it reads what is there.
            return Layout(channels, length - 4, present - 4, {body - 8: struct.pack(">q", present)})
    return Layout(channels)


def _look_w64(file: BinaryIO, size: int) -> Layout:
    start = 40
    for _ in range(MAX_CHUNKS):
        file.seek(start)
        name, length = struct.unpack("<4s12xQ", file.read(24))
        if name == b"data":
            return Layout(None, length - 24, size - start - 24)
        start += max(24, length + 7 & ~7)
        if start >= size:
            break
    return Layout()


def _look_au(file: BinaryIO, size: int) -> Layout:
    file.seek(4)
    body, length = struct.unpack(">II", file.read(8))
    return Layout(None, None if length == 0xFFFFFFFF else length, size - body)


def ogg_breaks_off(file: BinaryIO, size: int) -> bool:
    """Return whether the last page of an Ogg file lacks the end-of-stream flag."""
    file.seek(max(0, size - (1 << 17)))  # a page is at most 65,307 bytes
    tail = file.read(1 << 17)
    last = tail.rfind(b"OggS")
    return last < 0 or len(tail) < last + 6 or not tail[last + 5] & 4


def has_mp3_length(file: BinaryIO) -> bool:
    """Return whether an MP3 states its length in a Xing, Info or VBRI frame; otherwise a length is a guess."""
    file.seek(0)
    head = file.read(10)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:
        start = 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])
    file.seek(start)
    first = file.read(256)
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))


class PatchedFile(io.RawIOBase):
    """A file read as if some of its bytes were others. Nothing is written."""

    def __init__(self, file: BinaryIO, patches: Mapping[int, bytes]) -> None:
        self._file = file
        self._patches = dict(patches)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        start = self._file.tell()
        data = bytearray(self._file.read(len(buffer)))
        for offset, patch in self._patches.items():
            for i, byte in enumerate(patch, offset - start):
                if 0 <= i < len(data):
                    data[i] = byte
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
