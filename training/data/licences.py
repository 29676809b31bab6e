"""What a licence allows, and under which licence weights stand that were trained on several.

"clean" holds what may go into weights that are sold; "all" adds what may not. A licence that isn't in the table is
refused: nobody may guess what it allows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from training.errors import TrainingError

if TYPE_CHECKING:
    from training.data.manifest import Recording

LICENCE_CHOICES: Final = ("clean", "all")
OWN: Final = "own"  # recordings out of a user's folder: what may be done with the weights is for him to say


@dataclass(frozen=True)
class LicenceClass:
    """What all licences that begin alike have in common."""

    beginning: str
    strictness: int  # the strictest of several decides
    is_clean: bool
    must_name_authors: bool


# The first beginning that fits counts.
LICENCES: Final = (
    LicenceClass(OWN, 0, is_clean=True, must_name_authors=False),
    LicenceClass("public domain", 0, is_clean=True, must_name_authors=False),
    LicenceClass("CC0", 1, is_clean=True, must_name_authors=False),
    LicenceClass("MIT", 2, is_clean=True, must_name_authors=False),
    LicenceClass("Apache-2.0", 3, is_clean=True, must_name_authors=False),
    LicenceClass("CC BY-NC-SA", 6, is_clean=False, must_name_authors=True),
    LicenceClass("CC BY-NC", 5, is_clean=False, must_name_authors=True),
    LicenceClass("CC BY ", 4, is_clean=True, must_name_authors=True),
)
CLEAN_LICENCES: Final = tuple(kind.beginning for kind in LICENCES if kind.is_clean)


@dataclass(frozen=True)
class Source:
    """What weights learn from beside recordings, such as the sound font that plays their notes."""

    name: str
    licence: str
    author: str
    must_be_named: bool = True  # the licence wants its notice kept, as MIT does


@dataclass(frozen=True)
class Terms:
    """Under which licence weights stand."""

    licence: str
    attribution: str  # whether the sources of the training data must be named, and which


def licence_class(licence: str, where: str = "") -> LicenceClass:
    """Return what is known of a licence; `where` names the recording in the message.

    Raises
    ------
    TrainingError
        If it is unknown.
    """
    for known in LICENCES:
        if licence == known.beginning or (known.beginning != OWN and licence.startswith(known.beginning)):
            return known
    raise TrainingError(
        f"nothing is known of the licence {licence!r}{f' of {where}' if where else ''}: add it to "
        "training/data/licences.py, or don't train on it"
    )


def is_known(licence: str) -> bool:
    """Whether the table has this licence."""
    try:
        licence_class(licence)
    except TrainingError:
        return False
    return True


def strictness(licence: str) -> int:
    """Return how strict a licence is, 0 to 6.

    Raises
    ------
    TrainingError
        If it is unknown.
    """
    return licence_class(licence).strictness


def check_choice(licences: str) -> None:
    """Refuse anything but "clean" and "all".

    Raises
    ------
    TrainingError
        If it is neither.
    """
    if licences not in LICENCE_CHOICES:
        raise TrainingError(f'licences must be "clean" or "all", got {licences!r}')


def terms_of(rows: Iterable[Recording], named: Iterable[str] = ()) -> Terms:
    """Return the strictest licence among the recordings, of two equally strict ones the later version.

    A user's own recordings are named beside it and never hide it; `named` must be named whatever their licence.

    Raises
    ------
    TrainingError
        If there are no recordings, or one's licence is unknown.
    """
    listed = list(rows)
    if not listed:
        raise TrainingError("weights without recordings have no licence: say what they were trained on")
    others = [row.licence for row in listed if row.licence != OWN]
    licence = max(others, key=lambda name: (strictness(name), name), default="")
    if len(others) < len(listed):
        licence = f"{licence} and the user's own recordings" if licence else "the user's own recordings"
    authors = {row.source for row in listed if licence_class(row.licence, row.path).must_name_authors}
    sources = sorted(authors | set(named))
    return Terms(licence, f"required: name {', '.join(sources)}" if sources else "not required")


def data_table(rows: Iterable[Recording]) -> list[dict[str, Any]]:
    """The recordings by set and licence, as a card lists them."""
    groups: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for row in rows:
        groups[row.set, row.licence].append(row)
    return [
        {
            "name": name,
            "licence": licence,
            "recordings": len(group),
            "seconds": round(sum(row.seconds for row in group), 1),
            "sources": sorted({row.source for row in group if row.source}),
        }
        for (name, licence), group in sorted(groups.items())
    ]


def source_table(sources: Iterable[Source], licences: str) -> list[dict[str, Any]]:
    """Further sources as a card lists them beside the recordings.

    Raises
    ------
    TrainingError
        If the licence of one is unknown, or keeps weights from being sold that may be.
    """
    for source in sources:
        if not licence_class(source.licence, source.name).is_clean and licences == "clean":
            raise TrainingError(
                f"{source.name} stands under {source.licence}, which keeps weights from being sold: take --data all, "
                "or do without it"
            )
    return [
        {"name": source.name, "licence": source.licence, "sources": [source.author]}
        | ({"notice": "required"} if source.must_be_named else {})
        for source in sources
    ]


def joined_tables(*tables: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one table of all that was seen; of a group in several tables the larger count, and every source."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in (row for table in tables for row in table):
        same = found.setdefault((row["name"], row["licence"]), row)
        counts: dict[str, Any] = {
            key: max(same.get(key, 0), row[key]) for key in ("recordings", "seconds") if key in row
        }
        sources = sorted({*same["sources"], *row["sources"]})
        found[row["name"], row["licence"]] = {**row, **same, **counts, "sources": sources}
    return [found[key] for key in sorted(found)]
