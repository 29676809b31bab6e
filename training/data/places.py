"""Where training keeps things: the development data, and the folder for everything that a run leaves behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]


def data_folder() -> Path:
    """Return the folder of the development data: SHELLAC_DATA, else ../shared/data beside the repository."""
    named = os.environ.get("SHELLAC_DATA")
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


def has_development_data() -> bool:
    """Whether that folder is there; someone with his own recordings can do without it."""
    return (data_folder() / "manifest.csv").is_file()


def runs_folder() -> Path:
    """Return the folder for checkpoints, logs and caches, which git ignores."""
    folder = Path(os.environ.get("SHELLAC_RUNS", REPOSITORY / "runs"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
