"""Says which recordings a run learns from, in the rows that its checkpoint keeps and the card of its room will list.

It is decided while the run goes on, on the machine where it does; an export only reads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from training.data import NoRecordingsError, Recording, audit, has_development_data, training_rows
from training.data.auditing import report
from training.data.licences import data_table, joined_tables, source_table
from training.data.own import own_folder
from training.recipe import Recipe, Settings
from training.recipes import find_recipe
from training.room import Room
from training.rooms import room_data
from training.state import FILE, checkpoint, run_folder

Row = dict[str, Any]


def data_facts(recipe: Recipe, settings: Settings) -> str:
    """What a checkpoint says of the recordings that a run learns from, as JSON; "" where nobody can tell.

    Raises
    ------
    TrainingError
        If there are none where its room names some, or their licences don't allow it.
    """
    if recipe.room is None:
        return ""
    room = recipe.room()
    now = json.dumps(rows_seen(room, settings.licences, settings.folder))
    if settings.resume:
        return now
    if settings.from_room:
        return joined(_words(room_data(room.name, room.file)), now)
    # What a run goes through and what it begins with are both needed; only the latter is put into its weights.
    for name in recipe.needs.networks if recipe.prepare else ():
        now = joined(network_data(name, settings.licences), now)
    return now


def network_data(name: str, licences: str, folder: Path | None = None) -> str:
    """What the weights of a recipe have seen, of its last run, else in its room; as JSON, "" where nobody can tell.

    Raises
    ------
    CheckpointError
        If the checkpoint of its run can't be read.
    """
    for run in (run_folder(name, licences, folder) / FILE, run_folder(name, licences) / FILE):
        if run.exists():
            return str(checkpoint(run).get("data", ""))
    recipe = find_recipe(name)
    if recipe.room is None:
        return ""
    room = recipe.room()
    try:
        return _words(room_data(room.name, room.file))
    except FileNotFoundError:  # no card: whoever loads the weights says so
        return ""


def joined(before: str, now: str) -> str:
    """Return what weights have seen that went on with other recordings; "" where one of both isn't known."""
    return json.dumps(joined_tables(json.loads(before), json.loads(now))) if before and now else ""


def rows_seen(room: Room, licences: str, folder: Path | None) -> list[Row]:
    """What a run learns from here and now: only what can be decoded, and of a person's folder what trains.

    Raises
    ------
    TrainingError
        As `training.data.training_rows` and `training.data.own.own_folder` do.
    """
    own = own_folder(folder, licences).rows_in("train") if folder else ()
    # Somebody with recordings of his own may have no others; where others lie, training uses them beside his.
    uses_sets = bool(room.trained_sets) and (not folder or has_development_data())
    sets = _usable(training_rows(licences, room.trained_sets)) if uses_sets else []
    if uses_sets and not sets:
        raise NoRecordingsError(f"all recordings of {', '.join(room.trained_sets)} are unusable: put them back")
    return joined_tables(data_table([*sets, *own]), source_table(room.further_sources, licences))


def _words(rows: list[Row] | None) -> str:
    return "" if rows is None else json.dumps(rows)


def _usable(rows: Iterable[Recording]) -> list[Recording]:
    listed = list(rows)
    heard = audit(row for row in listed if row.is_audio)
    report(heard)
    return [*heard.good, *(row for row in listed if not row.is_audio and row.file.is_file())]
