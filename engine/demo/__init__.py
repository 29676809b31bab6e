"""Two short recordings that come with the product: a clean one, and the same one aged. They show what Restore does.

`make.py` made both; ATTRIBUTION.md says from what.
"""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import NamedTuple


class DemoFiles(NamedTuple):
    """Where the demo lies on this machine."""

    clean: Path
    aged: Path
    attribution: Path


def paths() -> DemoFiles:
    """Return the demo's files."""
    folder = Path(str(importlib.resources.files(__name__)))
    return DemoFiles(folder / "clean.flac", folder / "aged.flac", folder / "ATTRIBUTION.md")
