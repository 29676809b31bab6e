"""The list of what is in a pack with its SHA-256, so that a copy that went wrong is found before hours are spent on it.

Lines are those of `sha256sum`, which checks them as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from training.packing.plan import EARLIER, HASHES
from training.recipe import TrainingError

_SHOWN: Final = 3


def files_of(pack: Path) -> Iterator[Path]:
    """Every file of a pack but the list itself and what earlier jobs brought back."""
    for path in sorted(pack.rglob("*")):
        inside = path.relative_to(pack)
        if path.is_file() and inside.parts[0] not in (HASHES, EARLIER, "out") and "__pycache__" not in inside.parts:
            yield path


def write_hashes(pack: Path) -> None:
    """Write the list."""
    lines = [f"{_sha256(path)}  {path.relative_to(pack).as_posix()}\n" for path in files_of(pack)]
    (pack / HASHES).write_text("".join(lines), encoding="utf-8")


def check_hashes(pack: Path) -> None:
    """Compare a pack with its list.

    Raises
    ------
    TrainingError
        If a file is missing or another than it was.
    """
    try:
        lines = (pack / HASHES).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise TrainingError(f"{pack / HASHES} is missing: copy the pack again") from error
    odd = [name for sha256, name in (line.split("  ", 1) for line in lines) if not _is_as_listed(pack / name, sha256)]
    if odd:
        named = ", ".join(odd[:_SHOWN]) + (" and more" if len(odd) > _SHOWN else "")
        raise TrainingError(
            f"{len(odd)} of {len(lines)} files of the pack are missing or damaged ({named}): copy it again"
        )


def _is_as_listed(path: Path, sha256: str) -> bool:
    return path.is_file() and _sha256(path) == sha256


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
