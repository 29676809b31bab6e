"""Turns recordings, recorded notes and a person's own folder into FLAC at the rate that training reads.

So nothing has to be resampled on the other side. Every file has its line in a manifest.csv of the usual columns, with
its licence, its split and where it was cut from.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import Final

import numpy as np
import soundfile

from training.data import Recording, Samples, cached, usable_recordings
from training.data.own import Stretch, own_folder
from training.data.splits import SPLITS
from training.notes.player import pitch_of
from training.packing.choosing import Source, Unit, choose, cut, stretches
from training.packing.needs import Needs

VALIDATION_SHARE: Final = 0.12  # of the bytes for recordings, at most; the rest is for training
NOTE_SECONDS: Final = 5.0  # of a recorded note, at most
NOTE_FLOOR: Final = 1e-3  # of its peak: 60 dB down a note is over
_FADE_SECONDS: Final = 0.1
_NOTE_SETS: Final = ("piano_samples", "violin_samples")
COLUMNS: Final = (
    "path", "set", "split", "sample_rate", "channels", "seconds", "licence", "source_repository", "bandwidth_hz",
    "note", "piece", "speaker",
)  # fmt: skip


@dataclass(frozen=True)
class Taken:
    """What was written of one set and split, for the table."""

    set: str
    split: str
    files: int
    seconds: float
    bytes: int


def development_sources(needs: Needs, licences: str) -> list[Source]:
    """Everything of the development data that a recipe could use, as far as the licences allow.

    Raises
    ------
    NoRecordingsError
        If a split is empty.
    """
    if needs.sets == ():
        return []
    return [
        _source(row, needs) for split in SPLITS for row in usable_recordings(split, _allowed(split, licences))
        if needs.sets is None or row.set in needs.sets
    ]  # fmt: skip


def _allowed(split: str, licences: str) -> str:
    """Validation recordings are the same whatever is trained on: the clean ones."""
    return licences if split == "train" else "clean"


def _source(row: Recording, needs: Needs) -> Source:
    is_note = row.set in _NOTE_SETS
    # Dynamics and instruments take turns; without this a small budget might hold loud notes only.
    layer = PurePath(row.path).stem.split(" ")[0] if is_note and " " in row.path else ""
    pitch = pitch_of(row) if is_note else None
    facts = {
        "licence": row.licence,
        "source_repository": row.source,
        "bandwidth_hz": f"{min(row.bandwidth_hz, needs.rate / 2.0):g}",
        "note": row.note,
        "piece": row.path,
        # Sorted by it: notes from low to high, so that a part of them covers the keyboard.
        "order": f"{pitch:03d}" if pitch is not None else row.path,
    }
    name = str(PurePath(row.path).with_suffix(""))
    channels = min(needs.channels, row.channels)
    group = f"{PurePath(row.path).parent} {layer.upper()}"
    read = partial(_decoded, row, needs.rate, channels, is_note=is_note)
    return Source(row.set, row.split, group, name, row.seconds, read, facts, is_note)


def _decoded(row: Recording, rate: int, channels: int, *, is_note: bool) -> Samples:
    samples = np.asarray(cached(row, rate, channels))
    return trimmed(samples, rate) if is_note else samples


def trimmed(samples: Samples, rate: int) -> Samples:
    """A recorded note up to where it is over, at most 5 s, with a short fade; shape (frames, channels)."""
    loud = np.abs(samples).max(axis=1)
    over = int(np.flatnonzero(loud > NOTE_FLOOR * loud.max(initial=1e-9)).max(initial=0)) + 1
    note = np.array(samples[: min(over + round(_FADE_SECONDS * rate), round(NOTE_SECONDS * rate))])
    count = min(len(note), round(_FADE_SECONDS * rate))
    note[len(note) - count :] *= np.linspace(1.0, 0.0, count, dtype=np.float32)[:, None]
    return note


def own_sources(folder: Path, rate: int, licences: str = "clean") -> list[Source]:
    """The noise and the music of a person's own folder, as `training.data.own` divides them and the licences allow.

    Raises
    ------
    NoRecordingsError
        If nothing in it can be used.
    """
    own = own_folder(folder, licences)
    sources = []
    for kind, sides in (("noise", own.noise), ("music", own.music)):
        # Noise too short to be divided stands on both sides; the other machine will find the same.
        for split, side in zip(SPLITS, sides if sides[0] != sides[1] else sides[:1], strict=False):
            sources += [_own_source(kind, split, number, stretch, rate) for number, stretch in enumerate(side)]
    return sources


def _own_source(kind: str, split: str, number: int, stretch: Stretch, rate: int) -> Source:
    name = f"{kind}/{split}-{number:03d} {PurePath(stretch.recording.path).stem}"
    row = stretch.recording
    facts = {"licence": row.licence, "source_repository": row.source, "bandwidth_hz": f"{rate / 2.0:g}",
             "note": row.note, "piece": f"{split} {number}", "order": name}  # fmt: skip
    seconds = stretch.frames / 44_100
    return Source(kind, split, kind, name, seconds, partial(_own_samples, stretch, rate), facts)


def _own_samples(stretch: Stretch, rate: int) -> Samples:
    from training.data.resampling import resampled

    return resampled(stretch.samples(), 44_100, rate)[:, None]


def flac(samples: Samples, rate: int) -> bytes:
    """Encode (frames, channels) as 16-bit FLAC; what exceeds full scale brings the whole down under it."""
    peak = float(np.abs(samples).max(initial=0.0))
    buffer = io.BytesIO()
    soundfile.write(buffer, samples / max(1.0, peak * 1.0001), rate, "PCM_16", format="FLAC", compression_level=1.0)
    return buffer.getvalue()


class Encoder:
    """Encodes units and remembers the recording it decoded last."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._sizes: dict[tuple[int, int], int] = {}

    def size_of(self, unit: Unit) -> int:
        """How many bytes a unit takes, its line in the manifest included."""
        key = id(unit.source), unit.number
        if key not in self._sizes:
            samples = cut(unit.source, unit.source.read(), unit.number, unit.number + 1)
            self._sizes[key] = len(flac(samples, self._rate)) + 300
        return self._sizes[key]


def write_recordings(
    folder: Path, sources: Sequence[Source], needs: Needs, budget: int, seed: int, weights: dict[str, float]
) -> list[Taken]:
    """Fill a folder with what fits into `budget` bytes, validation first; returns what went in."""
    encoder, units = Encoder(needs.rate), list[Unit]()
    validation = [source for source in sources if source.split == "validation"]
    training = sorted((s for s in sources if s.split == "train"), key=lambda s: (s.set, s.group, s.facts["order"]))
    share = budget if not training else round(VALIDATION_SHARE * budget)
    chosen, used = choose(validation, weights, share, encoder.size_of, seed)
    units += chosen
    chosen, _ = choose(training, weights, budget - used, encoder.size_of, seed)
    units += chosen
    rows = [_write(folder, *stretch, needs.rate) for stretch in stretches(units)]
    if rows:
        write_manifest(folder, rows)
    return _counted(folder, rows)


def _write(folder: Path, source: Source, first: int, after: int, rate: int) -> dict[str, str]:
    whole = source.read()
    samples = cut(source, whole, first, after)
    start = 0 if first == 0 else len(cut(source, whole, 0, first))
    is_whole = after - first == source.units
    name = source.name if is_whole else f"{source.name} from {start / rate:05.1f} s".replace(".", "-")
    path = folder / f"{name}.flac"
    if path.exists():  # "a.ogg" beside "a.mp3"
        path = folder / f"{name} ({len(samples)}).flac"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(flac(samples, rate))
    origin = "" if is_whole else f"from {start / rate:.1f} s of {source.facts['piece']}"
    return {
        "path": path.relative_to(folder).as_posix(),
        "set": source.set,
        "split": source.split,
        "sample_rate": str(rate),
        "channels": str(samples.shape[1]),
        "seconds": f"{len(samples) / rate:.4f}",
        **{name: value for name, value in source.facts.items() if name != "order"},
        "note": "; ".join(part for part in (source.facts["note"], origin) if part),
        "speaker": "",
    }


def write_manifest(folder: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write manifest.csv in the columns of the development data, and two of its own."""
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _counted(folder: Path, rows: Sequence[dict[str, str]]) -> list[Taken]:
    kinds = dict.fromkeys((row["set"], row["split"]) for row in rows)
    taken = []
    for kind in kinds:
        listed = [row for row in rows if (row["set"], row["split"]) == kind]
        size = sum((folder / row["path"]).stat().st_size for row in listed)
        taken.append(Taken(*kind, len(listed), sum(float(row["seconds"]) for row in listed), size))
    return taken
