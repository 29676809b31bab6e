"""M4A and AAC through PyAV, which comes with the extra `codecs`. Nothing else needs it.

AAC begins with an encoder delay and ends in padding; both are cut off by what the container says, so that a length is
exact and an impulse stays where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.audio.signal import Samples
from engine.errors import UnreadableFileError, UnsupportedFormatError

TAGS = ("title", "artist", "album", "date", "genre", "comment", "copyright")


@dataclass(frozen=True)
class Heard:
    """What PyAV says about a file."""

    codec: str
    rate: int
    channels: int
    frames: int | None  # as the container says
    tags: dict[str, str]


def load_av(path: Path) -> Any:
    """Import PyAV.

    Raises
    ------
    UnsupportedFormatError
        If it isn't installed.
    """
    try:
        import av
    except ImportError as error:
        raise UnsupportedFormatError(
            f"{path.name} holds AAC, which needs the extra `codecs`", "install it with: pip install 'shellac[codecs]'"
        ) from error
    return av


def describe(path: Path) -> Heard:
    """Return what the container says. Raises UnreadableFileError if there is no sound in it."""
    av = load_av(path)
    with _opened(av, path) as container:
        stream = container.streams.audio[0]
        try:
            frames = _frames(container, stream)
        except (av.FFmpegError, ValueError, OSError):  # the table of packets is damaged: the decoder will show how far
            frames = None
        tags = {name: container.metadata[name] for name in TAGS if container.metadata.get(name)}
        return Heard(stream.codec_context.name, int(stream.rate), int(stream.channels), frames, tags)


def _opened(av: Any, path: Path) -> Any:
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, ValueError, OSError) as error:
        raise UnreadableFileError(f"{path.name} can't be understood as M4A or AAC", "it may be damaged") from error
    # A stream whose codec nobody knows has no rate at all.
    if not container.streams.audio or not getattr(container.streams.audio[0], "rate", None):
        container.close()
        raise UnreadableFileError(f"{path.name} holds no sound", "choose an audio file")
    return container


def _frames(container: Any, stream: Any) -> int | None:
    if stream.duration is None or container.format.name == "aac":  # a bare AAC stream only guesses
        return None
    # The edit list may be rounded to milliseconds, the last packet may hold padding: the shorter one is right.
    ends = [p.pts + p.duration for p in container.demux(stream) if p.pts is not None and p.duration is not None]
    return max(0, round(float(min([stream.duration, *ends[-1:]]) * stream.time_base * stream.rate)))


def decode(path: Path, heard: Heard) -> Iterator[Samples]:
    """Yield the whole sound in order, shape (frames, channels); stops where a damaged file stops making sense."""
    av = load_av(path)
    with _opened(av, path) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout=stream.layout, rate=heard.rate)
        left = heard.frames
        try:
            for frame in container.decode(stream):
                skip = max(0, -round((frame.pts or 0) * frame.time_base * heard.rate)) if frame.pts else 0
                for piece in resampler.resample(frame):
                    block = piece.to_ndarray().reshape(-1, heard.channels)[skip:].astype(np.float32, copy=False)
                    if left is not None:
                        block = block[:left]
                        left -= len(block)
                    if len(block):
                        yield block
                    skip = 0
        except (av.FFmpegError, ValueError, OSError):
            return
