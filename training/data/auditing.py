"""Finds recordings that are missing, damaged or not what their list says, before training stumbles over them.

Every file is decoded once; what was found is remembered with its size and time, so that the next look takes
milliseconds.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from training.data.decoded import UnreadableError, read_samples
from training.data.manifest import NoRecordingsError, Recording, recordings
from training.data.places import data_folder, runs_folder

_TOLERANCE_SECONDS: Final = 0.1  # encoders pad, and the manifest rounds
_SHOWN: Final = 5
_told: set[tuple[str, ...]] = set()


@dataclass(frozen=True)
class Audit:
    """What can be used, and what can't, with the reason."""

    good: tuple[Recording, ...]
    bad: tuple[tuple[Recording, str], ...]

    def sentence(self) -> str:
        """What a person should know; empty if all is well."""
        if not self.bad:
            return ""
        total = len(self.good) + len(self.bad)
        lines = [f"  {reason}" for _, reason in self.bad[:_SHOWN]]
        if len(self.bad) > _SHOWN:
            lines.append(f"  and {len(self.bad) - _SHOWN} more")
        return "\n".join([f"{len(self.bad)} of {total} recordings are left out:", *lines])


def audit(rows: Iterable[Recording]) -> Audit:
    """Decode every recording once and say which can be used; nothing is raised for a bad one."""
    listed = list(rows)
    known = _read_memory()
    fresh = [row for row in listed if _facts(row) not in known]
    if fresh:
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            found = dict(zip(map(_facts, fresh), pool.map(_look, fresh), strict=True))
        known |= found
        _write_memory(known)
    looks = [(row, _reason(row, known[_facts(row)])) for row in listed]
    return Audit(
        tuple(row for row, reason in looks if not reason), tuple((row, reason) for row, reason in looks if reason)
    )


def usable_recordings(
    split: str, licences: str = "clean", folder: Path | None = None, sets: Iterable[str] | None = None
) -> tuple[Recording, ...]:
    """Return the recordings of a split that can be decoded; what is left out is printed with a count.

    Raises
    ------
    NoRecordingsError
        If none is left.
    TrainingError
        If a licence or the choice of licences is unknown.
    """
    wanted = None if sets is None else frozenset(sets)
    rows = [row for row in recordings(split, licences, folder) if wanted is None or row.set in wanted]
    result = audit(rows)
    report(result)
    if not result.good:
        what = f"the {split} split" + (f" of {', '.join(sorted(wanted))}" if wanted else "")
        why = f"all {len(rows)} recordings are unusable" if rows else "no recording is listed"
        hint = "add recordings to it" if licences == "all" else 'add recordings to it, or take --data "all" licences'
        raise NoRecordingsError(f"{what} in {folder or data_folder()} is empty ({licences} licences), {why}: {hint}")
    return result.good


def report(result: Audit) -> None:
    """Print what is left out, once; the processes that a process starts stay silent."""
    reasons = tuple(reason for _, reason in result.bad)
    if reasons and reasons not in _told and multiprocessing.parent_process() is None:
        _told.add(reasons)
        print(result.sentence(), file=sys.stderr, flush=True)


def _look(row: Recording) -> tuple[str, int, int, int]:
    """Why it can't be read (empty if it can), then rate, channels and frames."""
    try:
        samples, rate = read_samples(row.file)
    except UnreadableError as error:
        return str(error), 0, 0, 0
    return "", rate, samples.shape[1], len(samples)


def _reason(row: Recording, found: tuple[str, int, int, int]) -> str:
    problem, rate, channels, frames = found
    if problem:
        return problem
    if rate != row.rate:
        return f"{row.path} has a rate of {rate} Hz, its list says {row.rate}: correct the list, or replace the file"
    if channels != row.channels:
        return (
            f"{row.path} has {channels} channels, its list says {row.channels}: correct the list, or replace the file"
        )
    if abs(frames / rate - row.seconds) > _TOLERANCE_SECONDS:
        return f"{row.path} lasts {frames / rate:.2f} s, its list says {row.seconds:.2f}: replace the file"
    return ""


def _facts(row: Recording) -> str:
    """What a finding holds for: the file as it is now."""
    file = row.file.resolve()
    try:
        found = file.stat()
    except OSError:
        return f"{file} missing"
    return f"{file} {found.st_size} {found.st_mtime_ns}"


def _memory() -> Path:
    return runs_folder() / "cache" / "audit.json"


def _read_memory() -> dict[str, tuple[str, int, int, int]]:
    try:
        content = json.loads(_memory().read_text(encoding="utf-8"))
        return {str(key): (str(v[0]), int(v[1]), int(v[2]), int(v[3])) for key, v in content.items()}
    except (OSError, ValueError, AttributeError, IndexError, TypeError):
        return {}  # a memory, nothing more: without it everything is looked at again


def _write_memory(known: dict[str, tuple[str, int, int, int]]) -> None:
    path = _memory()
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    lasting = {key: value for key, value in known.items() if not key.endswith(" missing")}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(lasting), encoding="utf-8")
        unfinished.replace(path)
    except OSError:  # a full disk: the next look takes longer, nothing else
        with suppress(OSError):
            unfinished.unlink()
