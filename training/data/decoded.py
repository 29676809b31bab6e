"""The one decoded copy of every recording that training reads: mono or stereo, at any rate, mapped into memory.

A copy is named after what it was made from: place, size, time and both ends of the file, the resampler, rate and
channels. A file that changed is decoded again; only one that was given its old size and time back, and differs nowhere
in its first and last 64 KB, would pass for the old one.
"""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from training.data.places import runs_folder
from training.data.resampling import resampled, resampler_name
from training.errors import TrainingError

if TYPE_CHECKING:
    from training.data.manifest import Recording

Samples = NDArray[np.float32]

RATE: Final = 44_100  # Hz; the rate of the restoring networks
_VERSION: Final = 2  # of the decoding: another number makes every copy anew
_END_BYTES: Final = 65_536


class UnreadableError(TrainingError):
    """A recording that is missing, damaged or empty; the message says which and why."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself."""

    rate: int  # Hz
    channels: int
    frames: int

    @property
    def seconds(self) -> float:
        """The length."""
        return self.frames / self.rate


def read_header(path: Path) -> Header:
    """Read what a file says of itself.

    Raises
    ------
    UnreadableError
        If it is missing or no recording.
    """
    if not path.is_file():
        raise UnreadableError(f"{path} is missing: put it back, or take it out of the list")
    try:
        facts = soundfile.info(str(path))
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        raise UnreadableError(
            f"{path} can't be read as audio ({_reason(error)}): replace it, or convert it to WAV"
        ) from error
    return Header(int(facts.samplerate), int(facts.channels), int(facts.frames))


def read_samples(path: Path) -> tuple[Samples, int]:
    """Decode a whole file at its own rate; samples of shape (frames, channels), and the rate in Hz.

    Raises
    ------
    UnreadableError
        If it is missing, damaged, cut off, empty, or holds numbers that aren't finite.
    """
    header = read_header(path)
    try:
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        raise UnreadableError(f"{path} is damaged ({_reason(error)}): replace it") from error
    if not len(samples):
        raise UnreadableError(f"{path} is empty: replace it, or take it out of the list")
    if len(samples) < header.frames:
        raise UnreadableError(
            f"{path} is cut off: {len(samples) / rate:.1f} s of {header.seconds:.1f} s can be read; replace it"
        )
    if not np.isfinite(samples).all():
        raise UnreadableError(f"{path} holds values that are no numbers: export it again")
    return samples, int(rate)


def read_mono(recording: Recording, rate: int = RATE) -> Samples:
    """Decode one recording to mono at `rate` (Hz); shape (samples,).

    Raises
    ------
    UnreadableError
        If it can't be decoded.
    """
    return read_stereo(recording, rate, channels=1)[:, 0]


def read_stereo(recording: Recording, rate: int = RATE, channels: int = 2) -> Samples:
    """Decode one recording to `channels` (1 or 2) at `rate` (Hz); shape (samples, channels).

    A mono file comes twice, of more than two channels the first two.

    Raises
    ------
    UnreadableError
        If it can't be decoded.
    """
    samples, file_rate = read_samples(recording.file)
    if channels == 1:
        samples = samples.mean(axis=1, keepdims=True)
    else:
        samples = np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples[:, :2]
    return resampled(samples, file_rate, rate)


def cached_mono(recording: Recording, rate: int = RATE) -> Samples:
    """Return one recording in mono at `rate`, read-only and mapped from the cache; shape (samples,).

    Raises
    ------
    UnreadableError
        If it can't be decoded.
    TrainingError
        If the disk is full.
    """
    return cached(recording, rate, 1)[:, 0]


def cached(recording: Recording, rate: int = RATE, channels: int = 1) -> Samples:
    """Return one recording at `rate`, read-only and mapped from the cache; shape (samples, channels).

    Raises
    ------
    UnreadableError
        If it can't be decoded.
    TrainingError
        If the disk is full.
    """
    path = cache_path(recording, rate, channels)
    if not path.exists():
        write_array(read_stereo(recording, rate, channels), path)
        _drop_older(path)
    samples: Samples = np.load(path, mmap_mode="r")
    return samples


def cache_path(recording: Recording, rate: int, channels: int) -> Path:
    """Where the decoded copy of this file, as it is now, belongs.

    Raises
    ------
    UnreadableError
        If the file is missing.
    """
    file = recording.file.resolve()
    place = hashlib.sha256(str(file).encode()).hexdigest()[:10]
    version = hashlib.sha256(content_of(recording).encode()).hexdigest()[:10]
    name = file.stem[:60].replace(".", "_")
    return runs_folder() / "cache" / "decoded" / f"{name}-{place}-{rate}-{channels}.{version}.npy"


def content_of(recording: Recording) -> str:
    """What the samples of a recording follow from: its file as it is now, the decoding and the resampler.

    Raises
    ------
    UnreadableError
        If the file is missing or may not be read.
    """
    file = recording.file.resolve()
    try:
        facts = file.stat()
        # The time of change, which nobody can set, says here when to read the ends again; a copy of a file has another.
        ends = _ends(file, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)
    except FileNotFoundError as error:
        raise UnreadableError(f"{file} is missing: put it back, or take it out of the list") from error
    except OSError as error:
        raise UnreadableError(
            f"{file} can't be read ({error.strerror or error}): allow it, or take it out of the list"
        ) from error
    return f"{_VERSION} {resampler_name()} {facts.st_size} {facts.st_mtime_ns} {ends}"


@lru_cache(maxsize=8192)
def _ends(file: Path, size: int, *_state: int) -> str:
    """The digest of a file's first and last 64 KB, read once per state of the file."""
    with file.open("rb") as opened:
        digest = hashlib.sha256(opened.read(_END_BYTES))
        opened.seek(max(0, size - _END_BYTES))
        digest.update(opened.read(_END_BYTES))
    return digest.hexdigest()


def write_array(array: NDArray[np.generic], path: Path) -> None:
    """Write an array; a half-written file never carries the final name.

    Raises
    ------
    TrainingError
        If the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as file:
            np.save(file, array)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise full_disk(error, path) from error


def full_disk(error: OSError, path: Path) -> OSError | TrainingError:
    """Return the sentence for a full disk, or the error itself if it is another."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    return TrainingError(
        f"the disk of {path.parent} is full: what was finished is kept; make room, or set SHELLAC_RUNS to a folder on "
        "another disk, and begin again with the same command"
    )


def _drop_older(path: Path) -> None:
    """Remove the copies of earlier states of the same file."""
    beginning = path.name.split(".")[0]
    for other in path.parent.glob(f"{glob_safe(beginning)}.*.npy"):
        if other != path:
            other.unlink(missing_ok=True)


def glob_safe(name: str) -> str:
    """Return a name in which brackets and stars mean themselves."""
    return "".join(f"[{letter}]" if letter in "[]*?" else letter for letter in name)


def _reason(error: Exception) -> str:
    return str(error).rsplit(": ", 1)[-1].rstrip(". ") or type(error).__name__
