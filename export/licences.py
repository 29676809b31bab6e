"""Says which recordings weights were trained on, and under which licence the weights therefore stand.

The classes of licences lie in `training.data.licences`; they are at hand here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from training.data import Recording, has_development_data, training_rows
from training.data.licences import OWN, data_table
from training.data.licences import Terms as Terms
from training.data.licences import strictness as strictness
from training.data.licences import terms_of as terms_of
from training.room import Room

FILES: Final = "files"  # of a room that saw these recordings
NO_RECORDINGS: Final = Terms("Apache-2.0", "not required")  # weights of our own making alone: as the program

Row = dict[str, Any]


def rows_seen(room: Room, licences: str, own: Mapping[str, Any]) -> list[Row]:
    """What weights were trained on: the sets of their room, and a person's own recordings beside them.

    `own` says how many of those there were and how long; empty: none.
    """
    # Somebody with recordings of his own may have no others; where others lie, training uses them beside his.
    alone = bool(own) and not has_development_data()
    sets = training_rows(licences, room.trained_sets) if room.trained_sets and not alone else ()
    table = data_table(sets)
    if own:
        facts = {"recordings": own.get("recordings", 0), "seconds": round(float(own.get("seconds", 0.0)), 1)}
        table.append({"name": "own", "licence": OWN, **facts, "sources": []})
    return table


def with_file(before: Iterable[Row], file: str, rows: Iterable[Row], kept: Iterable[str]) -> list[Row]:
    """Return the data of all files of a room once `file` has seen `rows`; of the others, `kept` still exist."""
    others = set(kept) - {file}
    found: list[Row] = []
    for row, names in (*((row, others & set(row.get(FILES, ()))) for row in before), *((row, {file}) for row in rows)):
        plain = {key: value for key, value in row.items() if key != FILES}
        same = next((r for r in found if {k: v for k, v in r.items() if k != FILES} == plain), None)
        if same is not None:
            same[FILES] = sorted({*same[FILES], *names})
        elif names:
            found.append({**plain, FILES: sorted(names)})
    return sorted(found, key=lambda row: (row["name"], row["licence"]))


def rows_of(before: Iterable[Row], file: str) -> list[Row]:
    """Return what a card says that one file has seen."""
    return [{key: value for key, value in row.items() if key != FILES} for row in before if file in row.get(FILES, ())]


def terms_of_table(table: Iterable[Row]) -> Terms:
    """Return the terms of weights that saw what a card's data table lists."""
    rows = [
        Recording(row["name"], row["name"], "train", 0, 0.0, row["licence"], source, 0.0, "")
        for row in table
        for source in row["sources"] or [""]
    ]
    return terms_of(rows) if rows else NO_RECORDINGS
