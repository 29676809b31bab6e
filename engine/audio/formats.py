"""Which sound files Shellac reads and writes: names, sample formats, allowed rates and channels.

Tables only; nothing here opens a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from engine.errors import UnsupportedFormatError, UsageError

SOUNDFILE_SUFFIXES = (
    ".wav", ".wave", ".bwf", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus",
    ".mp3", ".aif", ".aiff", ".aifc", ".caf", ".au", ".snd",
)  # fmt: skip
CODEC_SUFFIXES = (".m4a", ".mp4", ".aac")  # need the extra `codecs`
OPEN_SUFFIXES = SOUNDFILE_SUFFIXES + CODEC_SUFFIXES

# Samples of constant size, so any frame is found by arithmetic. All else is decoded once.
IN_PLACE_SUBTYPES = {
    "PCM_S8": 1, "PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8, "ULAW": 1, "ALAW": 1,
}  # fmt: skip
PCM_BITS = {
    "PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "ALAC_16": 16, "ALAC_20": 20, "ALAC_24": 24,
    "ALAC_32": 32,
}  # fmt: skip
IN_PLACE_CONTAINERS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU")

OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
GIB = 1 << 30


@dataclass(frozen=True)
class FileInfo:
    """What a sound file says about itself, and what was found wrong with it."""

    path: Path
    container: str  # "WAV", "FLAC", "M4A", ...
    subtype: str  # "PCM_24", "VORBIS", "AAC", ...
    rate: int  # Hz
    channels: int
    frames: int
    bytes: int  # size of the file
    tags: Mapping[str, str] = field(default_factory=dict)  # title, artist, album, date, genre, comment, ...
    is_truncated: bool = False
    note: str = ""  # a sentence for the user, empty if all is well

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


@dataclass(frozen=True)
class WriteFormat:
    """A kind of file that can be written."""

    suffix: str
    container: str  # as libsndfile calls it
    label: str
    subtypes: tuple[str, ...]  # the first is the default where the source's own doesn't exist here
    rates: tuple[int, ...] | None = None  # None: any
    max_channels: int = 1024
    limit_bytes: int | None = None  # what the container can address
    holds_empty: bool = True  # can hold zero frames

    @property
    def is_lossless(self) -> bool:
        return self.subtypes[0].startswith(("PCM", "ALAC"))

    def nearest_rate(self, rate: int) -> int:
        """Return the allowed rate that loses least: the lowest one not below `rate`, else the highest."""
        if self.rates is None or rate in self.rates:
            return rate
        above = [allowed for allowed in self.rates if allowed > rate]
        if above:
            return min(above)
        # Halving 88.2 kHz is kinder than going to 48 kHz.
        whole = [allowed for allowed in self.rates if rate % allowed == 0 and 2 * allowed >= self.rates[-1]]
        return max(whole) if whole else self.rates[-1]


_WAV_SUBTYPES = ("PCM_24", "PCM_16", "PCM_32", "FLOAT", "DOUBLE", "PCM_U8", "ULAW", "ALAW")
_AIFF_SUBTYPES = ("PCM_24", "PCM_16", "PCM_32", "FLOAT", "DOUBLE", "PCM_S8", "PCM_U8", "ULAW", "ALAW")
# No ALAC_20, _24, _32: with loud noise libsndfile 1.2.2 doesn't read back what it wrote (measured).
_CAF_SUBTYPES = ("PCM_24", "PCM_16", "PCM_32", "FLOAT", "DOUBLE", "PCM_S8", "ALAC_16", "ULAW", "ALAW")

_WAV = WriteFormat(".wav", "WAV", "WAV", _WAV_SUBTYPES)  # becomes RF64 above 4 GiB
_RF64 = WriteFormat(".rf64", "RF64", "RF64 (long WAV)", _WAV_SUBTYPES)
_FLAC = WriteFormat(".flac", "FLAC", "FLAC", ("PCM_24", "PCM_16", "PCM_S8"), None, 8)
_AIFF = WriteFormat(".aiff", "AIFF", "AIFF", _AIFF_SUBTYPES, limit_bytes=4 * GIB - (1 << 16))
_CAF = WriteFormat(".caf", "CAF", "CAF", _CAF_SUBTYPES)
_OGG = WriteFormat(".ogg", "OGG", "Ogg Vorbis", ("VORBIS",), None, 255)
_OPUS = WriteFormat(".opus", "OGG", "Opus", ("OPUS",), OPUS_RATES, 8, holds_empty=False)
_MP3 = WriteFormat(".mp3", "MP3", "MP3", ("MPEG_LAYER_III",), MP3_RATES, 2, holds_empty=False)

WRITE_FORMATS: Mapping[str, WriteFormat] = MappingProxyType(
    {
        ".wav": _WAV, ".wave": _WAV, ".bwf": _WAV, ".rf64": _RF64, ".flac": _FLAC, ".aiff": _AIFF, ".aif": _AIFF,
        ".aifc": _AIFF, ".caf": _CAF, ".ogg": _OGG, ".oga": _OGG, ".opus": _OPUS, ".mp3": _MP3,
    }
)  # fmt: skip


def spell_bytes(count: float) -> str:
    """Return a size on disk as a person reads it."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def different_formats() -> tuple[WriteFormat, ...]:
    """Return every kind of file once, the usual first."""
    return tuple(dict.fromkeys(WRITE_FORMATS.values()))


def write_format(path: Path, container: str | None) -> WriteFormat:
    """Return the format for `path`: by `container` (WAV, FLAC, OPUS, ...; any case) if given, else by its suffix.

    Raises
    ------
    UsageError
        If there is neither a container nor a suffix.
    UnsupportedFormatError
        If it can't be written.
    """
    if container is not None:
        named = {f.suffix[1:].upper(): f for f in different_formats()}
        found = named.get(container.upper())
        asked = container
    elif path.suffix:
        found = WRITE_FORMATS.get(path.suffix.lower())
        asked = path.suffix
    else:
        raise UsageError(f"{path.name} doesn't say which kind of file it shall be", "give it an ending such as .wav")
    if found is None:
        raise UnsupportedFormatError(f"{asked} can't be written", f"choose {spell(different_formats())}")
    return found


def spell(formats: tuple[WriteFormat, ...]) -> str:
    """Return the names of `formats` for a sentence."""
    return " or ".join(", ".join(f.label for f in formats).rsplit(", ", 1))
