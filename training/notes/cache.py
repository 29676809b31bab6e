"""Keeps renders on disk by their content, so that the same notes with the same instrument are rendered once.

A render is stored as 16-bit FLAC at full scale beside its gain (relative noise -90 dB, half the size of float16), and
what a first call returns is what was stored: a hit equals a miss to the bit. The folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from training.data import Samples, runs_folder
from training.data.resampling import resampler_name
from training.notes.fluidsynth import GAIN, Vibrato, library_version, packed_presets, render, soundfont_path
from training.notes.note import NoteList, fingerprint

LIMIT_BYTES: Final = 8 * 2**30
VERSION: Final = 1  # of everything that decides the sound; a change makes all renders anew
_FULL: Final = 32_767.0
_used_bytes: dict[Path, int] = {}  # what this process believes each folder holds


def render_cache() -> Path:
    """Return the folder of the renders."""
    return runs_folder() / "cache" / "renders"


def cached(
    content: str,
    make: Callable[[], Samples],
    rate: int,
    *,
    folder: Path | None = None,
    limit_bytes: int = LIMIT_BYTES,
) -> Samples:
    """Return the sound that belongs to `content`, made by `make` where it isn't stored yet.

    Parameters
    ----------
    content
        Names everything that decides the sound: notes, instrument, seed, length.
    make
        Renders it; shape (frames,) or (frames, channels), 1 to 8 channels.
    rate
        Hz, for whoever opens the file.
    folder
        Default: `render_cache()`.
    limit_bytes
        The renders unused for longest go when the folder grows beyond it.

    Returns
    -------
    Samples
        Float32 of the shape that `make` gave; 16-bit numbers times a gain, the same for a hit and a miss.

    Raises
    ------
    TrainingError
        If the disk refuses.
    """
    folder = folder or render_cache()
    path = folder / f"{hashlib.sha256(content.encode()).hexdigest()[:40]}.flac"
    kept = _read(path)
    if kept is not None:
        return kept
    sound = make()
    if not sound.size:
        return sound.astype(np.float32)
    gain = _power_of_two(float(np.abs(sound).max()))
    pcm = np.clip(np.round(sound / gain * _FULL), -_FULL, _FULL).astype(np.int16)
    try:
        size = _write(path, pcm, gain, rate)
        _make_room(folder, size, limit_bytes)
    except (OSError, soundfile.LibsndfileError) as error:
        from training.recipe import TrainingError

        raise TrainingError(f"a render can't be kept in {folder} ({error}): free some space, or move runs/") from error
    return _sound(pcm, gain)


def cached_fluidsynth(
    notes: NoteList,
    program: int,
    seconds: float,
    rate: int = 44_100,
    soundfont: Path | None = None,
    *,
    cents: float = 0.0,
    vibrato: Vibrato | None = None,
    limit_bytes: int = LIMIT_BYTES,
) -> Samples:
    """`fluidsynth.render` through the cache; shape (frames, 2)."""
    swing = (vibrato.rate_hz, vibrato.depth_cents, vibrato.delay_s) if vibrato else None
    player = _player(soundfont)
    content = json.dumps([VERSION, GAIN, *player, fingerprint(notes), program, seconds, rate, cents, swing])
    return cached(
        content,
        lambda: render(notes, program, seconds, rate, soundfont, cents=cents, vibrato=vibrato),
        rate,
        limit_bytes=limit_bytes,
    )


def _player(soundfont: Path | None) -> tuple[str, str, str]:
    """What plays the notes: FluidSynth of a version with a soundfont, or the notes that were packed for it."""
    path = soundfont_path(soundfont)
    is_packed = not soundfont and packed_presets() is not None
    state = path.stat()
    digest = _digest(path, is_packed, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
    return ("presets", resampler_name(), digest) if is_packed else ("fluidsynth", library_version(), digest)


@lru_cache(maxsize=8)
def _digest(path: Path, is_packed: bool, *_state: int) -> str:
    """The SHA-256 of a soundfont, or of all packed notes; once per state, as FluidR3's 148 MB take a second."""
    digest = hashlib.sha256()
    for each in (path, *(sorted(path.parent.rglob("*.flac")) if is_packed else ())):
        with each.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _power_of_two(peak: float) -> float:
    """The power of two just above a peak: a gain that costs no rounding."""
    return 2.0 ** math.ceil(math.log2(peak)) if peak > 0.0 else 1.0


def _sound(pcm: np.ndarray[tuple[int, ...], np.dtype[np.int16]], gain: float) -> Samples:
    sound: Samples = pcm.astype(np.float32) * np.float32(gain / _FULL)
    return sound


def _read(path: Path) -> Samples | None:
    try:
        with soundfile.SoundFile(path) as file:
            shape = json.loads(file.comment)
            pcm = file.read(dtype="int16", always_2d=True)
        os.utime(path)
    except (soundfile.LibsndfileError, OSError, ValueError):
        return None  # not there, or damaged: it's made again
    if len(pcm) != shape["frames"]:
        return None
    return _sound(pcm[:, 0] if shape["is_mono"] else pcm, float(shape["gain"]))


def _write(path: Path, pcm: np.ndarray[tuple[int, ...], np.dtype[np.int16]], gain: float, rate: int) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    channels = 1 if pcm.ndim == 1 else pcm.shape[1]
    try:
        with soundfile.SoundFile(unfinished, "w", rate, channels, "PCM_16", format="FLAC") as file:
            file.comment = json.dumps({"gain": gain, "frames": len(pcm), "is_mono": pcm.ndim == 1})
            file.write(pcm)
        size = unfinished.stat().st_size
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return size


def _make_room(folder: Path, added: int, limit_bytes: int) -> None:
    """Count what was added; over the limit, delete the renders unused for longest until a tenth is free."""
    if folder in _used_bytes:
        _used_bytes[folder] += added
    else:
        _used_bytes[folder] = sum(status.st_size for _, status in _renders(folder))
    if _used_bytes[folder] <= limit_bytes:
        return
    files = [(status.st_mtime, status.st_size, path) for path, status in _renders(folder)]
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files, key=lambda file: file[0])[:-1]:
        if total <= 0.9 * limit_bytes:
            break
        path.unlink(missing_ok=True)
        total -= size
    _used_bytes[folder] = total


def _renders(folder: Path) -> list[tuple[Path, os.stat_result]]:
    found = []
    for path in folder.glob("*.flac"):
        try:
            found.append((path, path.stat()))
        except FileNotFoundError:
            continue  # another process made room at the same time
    return found
