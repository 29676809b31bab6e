"""What a pack was made for: written into it as pack.json, read by the job that runs it."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from training.recipe import TrainingError

FILE: Final = "pack.json"
CODE: Final = "code"
SITE: Final = "site"  # packages that may be missing there
DATA: Final = "data"
OWN: Final = "own"
PRESETS: Final = "presets"
RECIPES: Final = "recipes"
EARLIER: Final = "earlier"  # what an earlier job brought back, to go on from
HASHES: Final = "hashes.txt"
PYTHON: Final = "3.12"


@dataclass(frozen=True)
class Plan:
    """What the job shall do."""

    recipe: str
    run: str  # name of the run's folder
    licences: str
    seed: int
    minutes: float  # of training over all jobs
    steps: int | None
    folder: str  # name of the person's own folder; "": none
    folder_facts: str  # what a checkpoint says of that folder here, where it was not yet packed
    bf16: bool  # on a GPU
    id: str  # follows from recipe and recordings: what a job left behind belongs to it

    def write(self, pack: Path) -> None:
        """Put it into a pack."""
        (pack / FILE).write_text(json.dumps(asdict(self) | {"made_with": platform.python_version()}, indent=1) + "\n")


def read_plan(pack: Path) -> Plan:
    """Read what a pack is for.

    Raises
    ------
    TrainingError
        If this is no pack.
    """
    try:
        values = json.loads((pack / FILE).read_text(encoding="utf-8"))
        return Plan(**{field.name: values[field.name] for field in fields(Plan)})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{pack} is no pack of a training run ({FILE} is missing or damaged): pack it again"
        ) from error
