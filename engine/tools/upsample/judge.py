"""Which judge of band edges Upsample listens with: its numbers were taught, and what it learns depends on each of them.

They are read here and not through `engine.measure`, because the window asks and shouldn't wait for SciPy.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

import engine

NUMBERS: Final = Path(engine.__file__).parent / "measure" / "band_edge.json"


@lru_cache(maxsize=1)
def judge_sha256() -> str:
    """Return the SHA-256 of the judge's numbers, in hexadecimal."""
    return hashlib.sha256(NUMBERS.read_bytes()).hexdigest()
