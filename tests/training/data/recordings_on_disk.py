"""Small recordings for the tests of data: written with their truth known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.float64]
HEADER = "path,set,split,sample_rate,channels,seconds,licence,source_repository,bandwidth_hz,note"


def tone(seconds: float, hertz: float = 440.0, rate: int = 44_100) -> Samples:
    """A sine of amplitude 0.5."""
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def write(path: Path, samples: Samples, rate: int = 44_100) -> Path:
    """Write a recording and the folders it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)
    return path


def write_manifest(folder: Path, *rows: str, header: str = HEADER) -> Path:
    """Write manifest.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "manifest.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path
