"""What is measured of one tool: its cases, who takes part, and what was promised. One module each, named like it.

A scoreboard has `SUMMARY` (a line for --help) and `run(options) -> int`, the exit status.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    out: Path  # folder of report and pictures; exists
    json: Path | None = None  # where the report goes; None: beside the pictures
    quick: bool = False  # a few clips only
    jobs: int = 1  # processes
    visqol: bool = False  # on every clip it can judge, not on a few
    progress: bool = True


class Scoreboard(Protocol):
    """A module of this package."""

    SUMMARY: str

    def run(self, options: Options) -> int: ...


def names() -> tuple[str, ...]:
    """Return the scoreboards there are, by name."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(__path__) if "_" not in found.name))


def find(name: str) -> Scoreboard:
    """Return a scoreboard by its name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in names():
        raise ValueError(f"there is no scoreboard {name!r}: choose from {', '.join(names())}")
    return cast(Scoreboard, importlib.import_module(f"{__name__}.{name}"))
