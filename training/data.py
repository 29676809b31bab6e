"""Which recordings may be used for what, and the one decoded copy of them that training reads.

The manifest decides: its splits are never mixed, and its licences separate what may go into weights that are sold
("clean") from what may only be measured or go into a second checkpoint ("all").
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE: Final = 44_100  # the rate at which everything is cached
REPOSITORY: Final = Path(__file__).resolve().parent.parent
CLEAN_LICENCES: Final = ("CC0", "CC BY 3.0", "CC BY 4.0", "Apache-2.0", "public domain")


@dataclass(frozen=True)
class Recording:
    """One row of the manifest that is audio."""

    path: str  # relative to the data folder
    set: str  # speech_single, music, violin, piano_samples, ...
    split: str  # train or validation
    rate: int  # Hz, of the file
    seconds: float
    licence: str
    source: str  # where it is published, owner/name
    bandwidth_hz: float  # above it the file holds nothing
    note: str

    @property
    def is_clean(self) -> bool:
        """Whether weights trained on it may be sold."""
        return self.licence.startswith(CLEAN_LICENCES) and "NON-COMMERCIAL" not in self.note


def data_folder() -> Path:
    """Return the folder of the development data: SHELLAC_DATA, else ../shared/data beside the repository."""
    named = os.environ.get("SHELLAC_DATA")
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


def runs_folder() -> Path:
    """Return the folder for checkpoints, logs and caches, which git ignores."""
    folder = Path(os.environ.get("SHELLAC_RUNS", REPOSITORY / "runs"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def read_manifest(folder: Path | None = None) -> tuple[Recording, ...]:
    """Return the audio rows of the manifest."""
    with (folder or data_folder()).joinpath("manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["sample_rate"]]
    return tuple(
        Recording(
            path=row["path"],
            set=row["set"],
            split=row["split"],
            rate=int(row["sample_rate"]),
            seconds=float(row["seconds"]),
            licence=row["licence"],
            source=row["source_repository"],
            bandwidth_hz=float(row["bandwidth_hz"] or row["sample_rate"]),
            note=row["note"],
        )
        for row in rows
    )


def recordings(split: str, licences: str = "clean") -> tuple[Recording, ...]:
    """Return the recordings of one split; `licences` is "clean" or "all".

    Raises
    ------
    ValueError
        If `licences` is neither.
    """
    if licences not in ("clean", "all"):
        raise ValueError(f'licences must be "clean" or "all", got {licences!r}')
    return tuple(row for row in read_manifest() if row.split == split and (licences == "all" or row.is_clean))


def read_mono(recording: Recording, rate: int = RATE) -> Samples:
    """Decode one recording to mono at `rate`; shape (samples,)."""
    samples, file_rate = soundfile.read(data_folder() / recording.path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    return mono if file_rate == rate else np.asarray(soxr.resample(mono, file_rate, rate), dtype=np.float32)


def cached_mono(recording: Recording) -> Samples:
    """Return one recording at 44.1 kHz, memory-mapped from a cache that is filled on first use."""
    path = runs_folder() / "cache" / "decoded" / (recording.path.replace("/", "__") + ".npy")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        with unfinished.open("wb") as file:
            np.save(file, read_mono(recording))
        unfinished.replace(path)
    samples: Samples = np.load(path, mmap_mode="r")
    return samples
