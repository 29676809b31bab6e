"""Recordings made for tests: noise, written to disk, with a wall or without, and the pools that hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from engine.audio.stft import Stft
from training.data import Recording
from training.upsample.bwe_data import Sizes
from training.upsample.bwe_sources import Source

SMALL = Sizes(Stft(256, 64), 40, ((48_000, 1.0),), (6000.0, 12_000.0), 1500.0, (("speech", 0.5), ("music", 0.5)))


def noise(seconds: float, rate: int, wall_hz: float | None = None, seed: int = 1) -> NDArray[np.float32]:
    """White noise at -20 dBFS, without anything above a wall."""
    frames = round(seconds * rate)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(frames))
    if wall_hz is not None:
        spectrum[np.fft.rfftfreq(frames, 1.0 / rate) > wall_hz] = 0.0
    samples = np.fft.irfft(spectrum, frames)
    return (0.1 * samples / samples.std()).astype(np.float32)


def source_of(
    folder: Path, name: str, samples: NDArray[np.float32], rate: int, kind: str = "music", split: str = "train"
) -> Source:
    """Write a recording and return it as a source."""
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / f"{name}.wav", samples, rate, subtype="FLOAT")
    row = Recording(
        f"{name}.wav", kind, split, rate, len(samples) / rate, "CC0", "nobody/nothing", rate / 2.0, "", folder=folder
    )
    return Source(kind, row)


def pools_in(folder: Path) -> dict[str, tuple[Source, ...]]:
    """One source of speech with a wall at 15 kHz, and one of full-band music."""
    speech = source_of(folder, "speech", noise(3.0, 32_000, 15_000.0), 32_000, "speech")
    return {"speech": (speech,), "music": (source_of(folder, "music", noise(3.0, 48_000), 48_000),)}
