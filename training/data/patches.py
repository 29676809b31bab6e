"""Archives of equally long patches in HDF5, cut from recordings once and read at random ever after.

    python -m training.data.patches OUT.h5 --split train --rate 16000 --length 8192 --stride 4096 --set speech_single

An archive carries the final name only when it is whole. Until then the work lies in `OUT.h5.parts`, one file per 32
recordings, so that an interrupted command goes on where it stopped. Attributes say what it was cut from: rate, length,
stride, split, licences; `sources` has one line of JSON per recording, `source` and `start` the origin of each patch.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from training.data.alone import alone
from training.data.archive import FORMAT, PatchArchive
from training.data.auditing import usable_recordings
from training.data.decoded import Samples, cached_mono, content_of, full_disk, glob_safe
from training.data.licences import LICENCE_CHOICES, terms_of
from training.data.manifest import NoRecordingsError, Recording
from training.data.splits import SPLITS
from training.errors import TrainingError

Derive = Callable[[Samples, int], Mapping[str, Samples]]
_SEGMENT: Final = 32  # recordings in one part
_ORIGIN: Final = ("source", "start", "valid")  # of a patch: line of `sources`, first sample there, samples not padded


@dataclass(frozen=True)
class PatchPlan:
    """What an archive is cut from, and how."""

    split: str = "train"
    rate: int = 16_000  # Hz
    length: int = 8192  # samples
    stride: int = 4096  # samples from one patch to the next
    licences: str = "clean"
    sets: tuple[str, ...] = ()  # empty: all
    folder: str = ""  # a person's own recordings instead of the development data
    share: float = 1.0  # of the patches that is kept, drawn by `seed`
    seed: int = 0
    content: str = "as decoded"  # what `derive` makes of a recording: another content, another archive

    def check(self) -> None:
        """Refuse what can't be cut.

        Raises
        ------
        TrainingError
            If a number is out of its range.
        """
        if min(self.rate, self.length, self.stride) < 1 or not 0.0 < self.share <= 1.0:
            raise TrainingError(
                f"rate {self.rate}, length {self.length} and stride {self.stride} must be 1 or more, and share "
                f"{self.share} above 0 and at most 1"
            )

    def rows(self) -> tuple[Recording, ...]:
        """The recordings, as far as they can be used."""
        folder = Path(self.folder) if self.folder else None
        return usable_recordings(self.split, self.licences, folder, self.sets or None)


def as_decoded(samples: Samples, rate: int) -> Mapping[str, Samples]:
    """The recording itself, as the array "data"."""
    return {"data": samples}


def starts_of(frames: int, length: int, stride: int) -> NDArray[np.int64]:
    """Where patches begin so that every sample is in one: the last is moved back to end with the recording."""
    last = max(0, frames - length)
    return np.unique(np.append(np.arange(0, last + 1, stride), last))


def cut(samples: Samples, starts: NDArray[np.int64], length: int) -> Samples:
    """Return patches of shape (starts, length), or (starts, length, channels); a short recording ends in silence."""
    padded = np.pad(samples, [(0, max(0, length - len(samples))), *[(0, 0)] * (samples.ndim - 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, length, axis=0)[starts]
    return np.ascontiguousarray(np.moveaxis(windows, -1, 1), dtype=np.float32)


def write_archive(path: Path, plan: PatchPlan, derive: Derive = as_decoded) -> int:
    """Cut an archive, or finish one that was interrupted; the number of its patches.

    Parameters
    ----------
    path
        Where it goes; an archive that is there already and was cut from the same is left as it is.
    plan
        What to cut.
    derive
        Makes of a mono recording (samples,) at `plan.rate` the arrays to cut, (samples,) or (samples, channels), all as
        long as each other.

    Raises
    ------
    TrainingError
        If the plan is impossible, its split is empty, the disk is full, or another command is cutting this archive.
    """
    plan.check()
    rows = plan.rows()
    digest = _digest(plan, rows)
    if _is_made(path, digest):
        return len(PatchArchive.open(path))
    try:
        with alone(path):
            if not _is_made(path, digest):
                _make(path, plan, rows, digest, derive)
    except OSError as error:
        raise full_disk(error, path) from error
    return len(PatchArchive.open(path))


def _make(path: Path, plan: PatchPlan, rows: Sequence[Recording], digest: str, derive: Derive) -> None:
    parts = path.with_name(path.name + ".parts")
    _begin(parts, digest)
    segments = [_segment(parts, number, rows, plan, derive) for number in range(-(-len(rows) // _SEGMENT))]
    _assemble(path, segments, plan, rows, digest)
    shutil.rmtree(parts)


def _digest(plan: PatchPlan, rows: Sequence[Recording]) -> str:
    """What an archive follows from: another plan, listing, file, decoding or resampler, another digest."""
    digest = hashlib.sha256(json.dumps(asdict(plan), sort_keys=True).encode())
    for row in rows:
        digest.update(f"{_line(row)} {row.split} {content_of(row)}\n".encode())
    return digest.hexdigest()


def _is_made(path: Path, digest: str) -> bool:
    try:
        return PatchArchive.open(path).attributes.get("plan_sha256") == digest
    except TrainingError:
        return False  # not there, or damaged: it is made again


def _begin(parts: Path, digest: str) -> None:
    """Keep the parts of the same plan, remove those of another."""
    note = parts / "plan.txt"
    if note.is_file() and note.read_text(encoding="utf-8") == digest:
        return
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir(parents=True)
    note.write_text(digest, encoding="utf-8")


def _segment(parts: Path, number: int, rows: Sequence[Recording], plan: PatchPlan, derive: Derive) -> Path:
    path = parts / f"{number:05d}.npz"
    if path.exists():
        return path
    collected: dict[str, list[NDArray[Any]]] = {}
    for at in range(number * _SEGMENT, min(len(rows), (number + 1) * _SEGMENT)):
        for name, array in _patches_of(rows[at], at, plan, derive).items():
            collected.setdefault(name, []).append(array)
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **{name: np.concatenate(arrays) for name, arrays in collected.items()})
    unfinished.replace(path)
    return path


def _patches_of(row: Recording, at: int, plan: PatchPlan, derive: Derive) -> dict[str, NDArray[Any]]:
    signals = derive(np.asarray(cached_mono(row, plan.rate)), plan.rate)
    lengths = {len(signal) for signal in signals.values()}
    if len(lengths) != 1 or signals.keys() & set(_ORIGIN):
        raise ValueError(f"derive must make arrays of one length that aren't named {_ORIGIN}, got {dict(signals)}")
    frames = lengths.pop()
    starts = starts_of(frames, plan.length, plan.stride)
    if plan.share < 1.0:
        name = hashlib.sha256(row.path.encode()).digest()
        rng = np.random.default_rng((plan.seed, int.from_bytes(name[:8], "big")))
        starts = starts[rng.random(len(starts)) < plan.share]
    return {
        **{name: cut(signal, starts, plan.length) for name, signal in signals.items()},
        "source": np.full(len(starts), at, dtype=np.int32),
        "start": starts,
        "valid": np.minimum(plan.length, frames - starts).astype(np.int32),
    }


def _assemble(path: Path, segments: Sequence[Path], plan: PatchPlan, rows: Sequence[Recording], digest: str) -> None:
    """Write the archive beside its final name, then give it that name."""
    counts = [_count(segment) for segment in segments]
    if not sum(counts):
        raise NoRecordingsError(f"no patch of {path} is left: raise --share, or add recordings")
    for left in path.parent.glob(f".{glob_safe(path.name)}.*.tmp"):  # by a command that was killed here
        left.unlink(missing_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with h5py.File(unfinished, "w") as archive:
            _fill(archive, segments, counts)
            archive.create_dataset("sources", data=[_line(row) for row in rows], dtype=h5py.string_dtype())
            archive.attrs.update(_attributes(plan, rows, digest))
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _fill(archive: h5py.File, segments: Sequence[Path], counts: Sequence[int]) -> None:
    """Copy the parts, one in memory at a time, into contiguous datasets: a patch is then one read from the disk."""
    digests: dict[str, Any] = {}
    for first, segment in zip(np.cumsum([0, *counts[:-1]]), segments, strict=True):
        with np.load(segment, allow_pickle=False) as file:
            for name in file.files:
                content = file[name]
                if name not in archive:
                    archive.create_dataset(name, shape=(sum(counts), *content.shape[1:]), dtype=content.dtype)
                archive[name][first : first + len(content)] = content
                digests.setdefault(name, hashlib.sha256()).update(np.ascontiguousarray(content).tobytes())
    for name, digest in digests.items():
        archive[name].attrs["sha256"] = digest.hexdigest()


def _count(segment: Path) -> int:
    with np.load(segment, allow_pickle=False) as file:
        return len(file["start"])


def _line(row: Recording) -> str:
    return json.dumps(
        {"path": row.path, "set": row.set, "licence": row.licence, "source": row.source, "seconds": row.seconds}
    )


def _attributes(plan: PatchPlan, rows: Sequence[Recording], digest: str) -> dict[str, Any]:
    terms = terms_of(rows)
    described = asdict(plan) | {"sets": ", ".join(plan.sets), "folder": Path(plan.folder).name}
    return {
        "format": FORMAT,
        **described,
        "licence": terms.licence,
        "attribution": terms.attribution,
        "plan_sha256": digest,
    }


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.data.patches", description="Cut an archive of patches.")
    parser.add_argument("archive", type=Path, metavar="OUT.h5")
    parser.add_argument("--check", action="store_true", help="verify an archive instead of cutting one")
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--rate", type=int, default=16_000, help="in Hz")
    parser.add_argument("--length", type=int, default=8192, help="of a patch, in samples")
    parser.add_argument("--stride", type=int, default=4096, help="from one patch to the next, in samples")
    parser.add_argument("--set", dest="sets", action="append", default=[], help="of the manifest; may be repeated")
    parser.add_argument("--data", choices=LICENCE_CHOICES, default="clean", help="licences to cut from")
    parser.add_argument("--folder", type=Path, help="your own recordings instead of the development data")
    parser.add_argument("--share", type=float, default=1.0, help="of the patches to keep, above 0 and at most 1")
    parser.add_argument("--seed", type=int, default=0, help="by which those are drawn")
    arguments = parser.parse_args()
    plan = PatchPlan(
        split=arguments.split,
        rate=arguments.rate,
        length=arguments.length,
        stride=arguments.stride,
        licences=arguments.data,
        sets=tuple(arguments.sets),
        folder=str(arguments.folder.resolve()) if arguments.folder else "",
        share=arguments.share,
        seed=arguments.seed,
    )
    try:
        if arguments.check:
            PatchArchive.open(arguments.archive).verify()
        else:
            write_archive(arguments.archive, plan)
        print(PatchArchive.open(arguments.archive).describe())
    except TrainingError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
