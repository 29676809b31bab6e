"""What is measured on: the demo, repeated to the length that is asked for, written once into the cache."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile

from engine.audio.signal import Samples
from engine.demo import paths
from engine.settings import default_cache_folder

RATE = 44_100


def material_folder() -> Path:
    """Return where the recordings are kept: each row has an empty cache of its own, and these would be in it."""
    kept = os.environ.get("SHELLAC_BENCH_MATERIAL")
    return Path(kept) if kept else default_cache_folder() / "bench"


def _loop(channels: int, wanted: int) -> Samples:
    """Return the demo at that rate with `channels` channels that differ from each other, shape (frames, channels)."""
    samples, rate = soundfile.read(paths().aged, dtype="float32", always_2d=True)
    if rate != wanted:
        import soxr

        samples = soxr.resample(samples, rate, wanted)
    mono = np.ascontiguousarray(samples[:, 0], dtype=np.float32)
    # Shifted copies: equal channels would let a cache or a stereo trick halve the work.
    return np.stack([np.roll(mono, index * wanted) for index in range(channels)], axis=1)


def recording(seconds: float, channels: int = 2, start_s: float = 0.0, rate: int = RATE) -> Path:
    """Return a 16-bit WAV file of that length and rate, written if it isn't there yet.

    Parameters
    ----------
    start_s
        Where in the demo it begins, so that two files differ.
    """
    folder = material_folder()
    path = folder / f"demo-{seconds:g}s-{channels}ch-{start_s:g}-{rate}.wav"
    frames = round(seconds * rate)
    if path.is_file() and soundfile.info(path).frames == frames:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    loop = np.roll(_loop(channels, rate), -round(start_s * rate), axis=0)
    part = path.with_suffix(".part")
    with soundfile.SoundFile(part, "w", rate, channels, "PCM_16", format="WAV") as file:
        for start in range(0, frames, len(loop)):
            file.write(loop[: frames - start])
    part.replace(path)
    return path


def read_through(path: Path) -> None:
    """Have the system read the file, so that what is measured is the program and not the disk."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
