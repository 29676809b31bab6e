"""Says which recordings weights were trained on, and under which licence the weights therefore stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from training.data import Recording, recordings

TRAINED_SETS: Final = (
    "music", "violin", "speech_single", "speech_multi", "singing", "piano_samples", "violin_samples", "surface_noise",
)  # fmt: skip
# From free to strict; the first beginning that fits counts.
STRICTNESS: Final = (
    ("public domain", 0),
    ("CC0", 1),
    ("MIT", 2),
    ("Apache-2.0", 3),
    ("CC BY-NC-SA", 6),
    ("CC BY-NC", 5),
    ("CC BY ", 4),
)
_ATTRIBUTION: Final = 4  # from here on the authors must be named


@dataclass(frozen=True)
class Terms:
    """Under which licence weights stand."""

    licence: str
    attribution: str  # whether the sources of the training data must be named, and which


def strictness(licence: str) -> int:
    """Return how strict a licence is, 0 to 6.

    Raises
    ------
    ValueError
        If it is unknown: nobody may guess what it allows.
    """
    for beginning, rank in STRICTNESS:
        if licence.startswith(beginning):
            return rank
    raise ValueError(f"nothing is known of the licence {licence!r}: add it to export/licences.py, or don't train on it")


def training_rows(licences: str) -> list[Recording]:
    """Return what may have been trained on; `licences` is "clean" or "all"."""
    return [row for row in recordings("train", licences) if row.set in TRAINED_SETS]


def terms_of(rows: Iterable[Recording]) -> Terms:
    """Return the strictest licence among the recordings, of two equally strict ones the later version.

    Raises
    ------
    ValueError
        If there are no recordings, or one's licence is unknown.
    """
    listed = list(rows)
    licence = max((row.licence for row in listed), key=lambda name: (strictness(name), name))
    sources = sorted({row.source for row in listed if strictness(row.licence) >= _ATTRIBUTION})
    return Terms(licence, f"required: name {', '.join(sources)}" if sources else "not required")


def data_table(rows: Iterable[Recording]) -> list[dict[str, Any]]:
    """The recordings by set and licence, as the card lists them."""
    groups: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for row in rows:
        groups[row.set, row.licence].append(row)
    return [
        {
            "name": name,
            "licence": licence,
            "recordings": len(group),
            "seconds": round(sum(row.seconds for row in group), 1),
            "sources": sorted({row.source for row in group}),
        }
        for (name, licence), group in sorted(groups.items())
    ]
