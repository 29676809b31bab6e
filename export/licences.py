"""Reads which recordings weights were trained on, and says under which licence the weights therefore stand.

The classes of licences lie in `training.data.licences`; they are at hand here too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from export.errors import ExportError
from training.data import Recording
from training.data.licences import Terms as Terms
from training.data.licences import strictness as strictness
from training.data.licences import terms_of as terms_of

FILES: Final = "files"  # of a room that saw these recordings
NO_RECORDINGS: Final = Terms("Apache-2.0", "not required")  # weights of our own making alone: as the program

Row = dict[str, Any]


def rows_seen(content: Mapping[str, Any], room: str) -> list[Row]:
    """What a checkpoint says that its weights have seen: it was written down where they were trained.

    Raises
    ------
    ExportError
        If it doesn't say: nobody can guess it from the recordings that lie here now.
    """
    try:
        rows: list[Row] = json.loads(content.get("data") or "")
    except ValueError as error:
        raise ExportError(
            f"the checkpoint for the room {room} doesn't say which recordings its weights have seen, so nobody knows "
            "their licence: train anew"
        ) from error
    return rows


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
    listed = list(table)
    rows = [
        Recording(row["name"], row["name"], "train", 0, 0.0, row["licence"], source, 0.0, "")
        for row in listed
        for source in row["sources"] or [""]
    ]
    named = [f"{source} ({row['name']})" for row in listed if row.get("notice") for source in row["sources"]]
    return terms_of(rows, named) if rows else NO_RECORDINGS
