"""Tags of an MP3 as ID3v2.4 in UTF-8, because libsndfile writes them in a way that garbles every accent.

Source: ID3 tag version 2.4.0, main structure and native frames (id3.org, 2000).
"""

from __future__ import annotations

from collections.abc import Mapping

_FRAMES = {
    "title": b"TIT2", "artist": b"TPE1", "album": b"TALB", "date": b"TDRC", "genre": b"TCON", "tracknumber": b"TRCK",
    "copyright": b"TCOP",
}  # fmt: skip
_UTF8 = b"\x03"


def tag(tags: Mapping[str, str]) -> bytes:
    """Return the tag that stands before the sound, empty if there is nothing to say."""
    frames = b"".join(_frame(_FRAMES[n], _UTF8 + t.encode()) for n, t in tags.items() if n in _FRAMES and t)
    if tags.get("comment"):
        frames += _frame(b"COMM", _UTF8 + b"eng\0" + tags["comment"].encode())
    return b"ID3\x04\x00\x00" + _synchsafe(len(frames)) + frames if frames else b""


def _frame(name: bytes, body: bytes) -> bytes:
    return name + _synchsafe(len(body)) + b"\0\0" + body


def _synchsafe(size: int) -> bytes:
    """Return four bytes of seven bits each, so that no byte looks like the start of an MPEG frame."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
