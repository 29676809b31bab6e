"""Cuts what a job brings back into files small enough to travel, and joins them again.

Each part says in its first lines which run, step and whole it belongs to, and the SHA-256 of itself and of the whole;
so parts that are missing, damaged or of different checkpoints are told apart before anything is opened.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from training.recipe import TrainingError

MAGIC: Final = b"SHELLAC PART 1\n"
SUFFIX: Final = ".shellac"
PART_BYTES: Final = 16 * 2**20 - 2**16  # of content; with its first lines a part stays under 16 MiB
MOST_PARTS: Final = 7
_LONGEST_HEADER: Final = 2**15


@dataclass(frozen=True)
class Header:
    """What a part says of itself."""

    run: str  # the run's folder name
    recipe: str
    pack: str  # which pack it was trained from
    step: int
    level: str  # how much of the checkpoint it is, see training.packing.halves
    sha256: str  # of the whole
    part: int  # from 1
    parts: int
    part_sha256: str

    @property
    def place(self) -> str:
        """For a person."""
        return f"part {self.part} of {self.parts} of {self.run}, step {self.step}"


@dataclass(frozen=True)
class Part:
    """One file with its header; the content is read when parts are joined."""

    path: Path
    header: Header


def write_parts(folder: Path, payload: bytes, facts: Mapping[str, str | int]) -> list[Path]:
    """Write the parts of a checkpoint in place of those of an earlier one; return their paths.

    `facts` are `run`, `recipe`, `pack`, `step` and `level`.

    Raises
    ------
    TrainingError
        If there would be more than seven, or the disk is full.
    """
    pieces = [payload[at : at + PART_BYTES] for at in range(0, len(payload), PART_BYTES)]
    if len(pieces) > MOST_PARTS:
        raise TrainingError(f"{len(payload) / 2**20:.1f} MiB don't fit into {MOST_PARTS} parts: pack less")
    common = {**facts, "sha256": hashlib.sha256(payload).hexdigest(), "parts": len(pieces)}
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", str(facts["run"]))
    paths = [folder / f"{stem}.{n}of{len(pieces)}{SUFFIX}" for n in range(1, len(pieces) + 1)]
    unfinished = [path.with_suffix(".tmp") for path in paths]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, (path, piece) in enumerate(zip(unfinished, pieces, strict=True), 1):
            header = {**common, "part": number, "part_sha256": hashlib.sha256(piece).hexdigest()}
            path.write_bytes(MAGIC + json.dumps(header).encode() + b"\n" + piece)
        for path, final in zip(unfinished, paths, strict=True):  # only now, and quickly: none of the two is left half
            path.replace(final)
    except OSError as error:
        for path in unfinished:
            path.unlink(missing_ok=True)
        raise TrainingError(
            f"{folder} doesn't take {len(payload) / 2**20:.1f} MiB ({error.strerror}): make room"
        ) from error
    for other in folder.glob(f"{stem}.*of*{SUFFIX}"):
        if other not in paths:
            other.unlink()
    return paths


def find_parts(places: Iterable[Path]) -> list[Part]:
    """Return the parts among files and in folders (and in folders right within them).

    Raises
    ------
    TrainingError
        If a named file isn't there or isn't a part.
    """
    found: list[Part] = []
    for place in places:
        if place.is_dir():
            files = sorted([*place.glob(f"*{SUFFIX}"), *place.glob(f"*/*{SUFFIX}")])
        elif place.is_file():
            files = [place]
        else:
            raise TrainingError(f"there is no {place}: name the folder that the job's files came back to")
        found += [Part(path, read_header(path)) for path in files]
    return found


def read_header(path: Path) -> Header:
    """Read what a part says of itself.

    Raises
    ------
    TrainingError
        If it is no part.
    """
    with path.open("rb") as file:
        beginning = file.read(len(MAGIC) + _LONGEST_HEADER)
    line, newline, _ = beginning.removeprefix(MAGIC).partition(b"\n")
    try:
        values: Any = json.loads(line) if beginning.startswith(MAGIC) and newline else None
        header = Header(*(_typed(values[field.name], str(field.type)) for field in fields(Header)))
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path} isn't a part of a checkpoint, or is damaged: fetch it again") from error
    if not 1 <= header.part <= header.parts <= MOST_PARTS:
        raise TrainingError(f"{path} says it is {header.place}, which can't be: fetch it again")
    return header


def _typed(value: object, kind: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, {"int": int, "str": str}[kind]):
        raise TypeError(f"{value!r} is no {kind}")
    return value


def join(parts: Sequence[Part]) -> tuple[Header, bytes]:
    """Put the parts of one checkpoint together; return what they say and the whole.

    Raises
    ------
    TrainingError
        If parts are missing, damaged or of different checkpoints.
    """
    if not parts:
        raise TrainingError("there is no part of a checkpoint here: name the folder that the job's files came back to")
    wholes = sorted({(part.header.step, part.header.sha256) for part in parts})
    if len(wholes) > 1:
        said = "; ".join(
            f"step {step}: " + ", ".join(sorted(p.path.name for p in parts if p.header.sha256 == sha256))
            for step, sha256 in wholes
        )
        raise TrainingError(f"these are parts of {len(wholes)} different checkpoints ({said}): give those of one only")
    by_number = {part.header.part: part for part in parts}
    count = parts[0].header.parts
    missing = [str(number) for number in range(1, count + 1) if number not in by_number]
    if missing:
        raise TrainingError(
            f"of the {count} parts of {parts[0].header.run}, step {parts[0].header.step}, these are missing: "
            f"{', '.join(missing)}; fetch them too"
        )
    payload = b"".join(_content(by_number[number]) for number in range(1, count + 1))
    if hashlib.sha256(payload).hexdigest() != parts[0].header.sha256:
        raise TrainingError(
            f"the parts of {parts[0].header.run} don't make the whole they were cut from: fetch them again"
        )
    return parts[0].header, payload


def _content(part: Part) -> bytes:
    content = part.path.read_bytes().removeprefix(MAGIC).partition(b"\n")[2]
    if hashlib.sha256(content).hexdigest() != part.header.part_sha256:
        raise TrainingError(f"{part.path} is damaged: it isn't what was written; fetch it again")
    return content
