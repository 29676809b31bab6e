"""Puts a file and the card that names it into a room together, or leaves the room as it was.

Both are written beside the old ones first. Two files can't be renamed at once: should the computer stop in between, the
old file still lies there under another name, and the next export puts it back.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from export.card import CARD
from export.errors import ExportError


def beside(path: Path) -> Path:
    """Where the next version of a file waits until it is known to be good."""
    return path.with_name(f".{path.name}.new")


def before(path: Path) -> Path:
    """Where the last version of a file waits until its card is in place."""
    return path.with_name(f".{path.name}.old")


@contextmanager
def waiting(folder: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """Yield where a file and its card can wait; whatever still waits at the end is removed.

    Raises
    ------
    ExportError
        If the disk doesn't take them.
    """
    places = (beside(folder / name), beside(folder / CARD))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        put_back(folder, name)
        yield places
    except OSError as error:
        raise ExportError(
            f"{folder} can't be written ({error.strerror or error}): the room is left as it was; make room, then "
            "export again"
        ) from error
    finally:
        for place in places:
            place.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file to the disk itself, so that a rename can't come before its content."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def swap(folder: Path, name: str) -> None:
    """Put what waits in its place: the file, if there is a new one, and the card.

    Whatever stops it in between, Ctrl-C too, leaves the room as it was; or complete, where both were in place already.

    Raises
    ------
    OSError
        If the disk refuses; the room is as it was.
    """
    weights, card, old = folder / name, folder / CARD, before(folder / name)
    if not beside(weights).exists():
        beside(card).replace(card)
        _settle(folder)
        return
    had = weights.exists()
    if had:
        _link(weights, old)
        _settle(folder)  # the old file has its second name before it loses the first
    try:
        beside(weights).replace(weights)
        _settle(folder)
        beside(card).replace(card)
    except BaseException:
        if beside(card).exists():  # so its card isn't in place, and the file mustn't stay
            _take_back(weights, old, had)
        old.unlink(missing_ok=True)  # not reached where taking back fails: the next export tries again
        raise
    _settle(folder)
    old.unlink(missing_ok=True)


def _take_back(weights: Path, old: Path, had: bool) -> None:
    if had:
        old.replace(weights)  # does nothing where both are still names of one file
    else:
        weights.unlink(missing_ok=True)


def put_back(folder: Path, name: str) -> None:
    """Undo a swap that was interrupted between the file and its card."""
    weights, old = folder / name, before(folder / name)
    if not old.exists():
        return
    named = _sha256_on_card(folder / CARD, name)
    if named == _sha256(old) and not (weights.exists() and _sha256(weights) == named):
        old.replace(weights)
    old.unlink(missing_ok=True)


def _link(path: Path, other: Path) -> None:
    """Give a file a second name; where the file system knows none, copy it to the disk itself."""
    try:
        other.hardlink_to(path)
    except OSError:
        shutil.copy2(path, other)
        with other.open("rb+") as file:
            os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Have the names in a folder written to the disk itself, where the system can."""
    if os.name == "nt":  # which opens no folders
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _sha256_on_card(path: Path, name: str) -> str:
    try:
        card: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, tomllib.TOMLDecodeError):
        return ""
    return str(card.get("files", {}).get(name, {}).get("sha256", ""))
