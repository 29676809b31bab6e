"""What a command may write: never a recording that it reads, and nothing that is there unless that was allowed."""

from __future__ import annotations

from collections.abc import Iterable, Set
from pathlib import Path

from engine.errors import OutputExistsError, UsageError
from engine.session.recipe import Recipe

_REPORT_SUFFIXES = (".json", ".html", ".htm")


def check_target(path: Path, force: bool, protected: Set[object] = frozenset()) -> None:
    """Refuse a name before any work is done for it.

    Parameters
    ----------
    protected
        The `identities` of files that are never replaced, whatever `force` says.

    Raises
    ------
    OutputExistsError
        If `path` is a folder, exists and `force` is off, or is a protected file under any name.
    """
    if protected & identities([path]):
        raise OutputExistsError(
            f"{path} is a file that is read here, which is never overwritten", "choose another name"
        )
    if path.is_dir():
        raise OutputExistsError(f"{path} is a folder", "give a file name in it, such as result.wav")
    if path.exists() and not force:
        raise OutputExistsError(f"{path} exists already", "choose another name, or allow replacing it (--force)")


def check_report_target(path: Path, force: bool, protected: Set[object] = frozenset()) -> None:
    """Refuse the name of a report as `check_target` does, and if its ending says neither JSON nor a page.

    Raises
    ------
    UsageError
        If the name has another ending.
    OutputExistsError
        As `check_target`.
    """
    if path.suffix.lower() not in _REPORT_SUFFIXES:
        raise UsageError(f"a report can't be called {path.name!r}", "end its name in .json or .html")
    check_target(path, force, protected)


def identities(paths: Iterable[Path]) -> set[object]:
    """Return what tells these files from all others: where each lies, links followed, and its number on the disk."""
    found: set[object] = set()
    for path in paths:
        try:
            found.add(path.resolve())
            state = path.stat()
            found.add((state.st_dev, state.st_ino))
        except (OSError, RuntimeError):  # it doesn't exist yet, or its links turn in a circle
            found.add(path.absolute())
    return found


def read_by(recipe: Recipe) -> tuple[Path, ...]:
    """Return the other recordings that the steps of a recipe read."""
    return tuple(Path(path) for step in recipe.steps for path in step.inputs.values())
