"""Turns what a job brought back into an ordinary checkpoint, and never overwrites the one that is there."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any, Final

import torch

from training.data import runs_folder
from training.journal import LOG, csv_of, set_aside
from training.packing.halves import LEVELS, unpack_checkpoint
from training.packing.parts import Header, find_parts, join
from training.recipe import CheckpointError, TrainingError
from training.recipes import find_recipe
from training.state import FILE, checkpoint, fingerprint
from training.writing import write_whole

_ADVICE: Final = "make room, then unpack again"


def unpack(places: Sequence[Path], recipe: str | None = None) -> Path:
    """Join parts and write runs/RUN/checkpoint.pt and its log; return the checkpoint's path.

    A checkpoint that is there already is kept beside it under another name.

    Raises
    ------
    TrainingError
        If parts are missing, damaged or mixed, or hold another recipe or network than they say.
    """
    header, payload = join(find_parts(places))
    if recipe is not None and header.recipe != recipe:
        raise TrainingError(f"these are parts of {header.recipe}, not of {recipe}: unpack them without --recipe")
    if PurePath(header.run).name != header.run or header.run.startswith("."):
        raise TrainingError(
            f"the run of these parts is called {header.run!r}, which is no folder's name: fetch them again"
        )
    content = unpack_checkpoint(payload)
    refuse_foreign(header, content)
    folder = runs_folder() / header.run
    folder.mkdir(parents=True, exist_ok=True)
    keep_aside(folder, content)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_whole(folder / FILE, buffer.getbuffer(), _ADVICE)
    write_whole(folder / LOG, csv_of(json.loads(content["rows"])), _ADVICE)
    meaning = next((level.meaning for level in LEVELS if level.name == header.level), header.level)
    planned = content["steps"] or "a number not yet known"
    print(f"{folder / FILE}: step {content['step']} of {planned}; with --resume {meaning}")
    return folder / FILE


def refuse_foreign(header: Header, content: dict[str, Any]) -> None:
    """Refuse a checkpoint that isn't what its parts say, or that the network here can't take.

    Raises
    ------
    CheckpointError
        With one sentence.
    """
    if (content["recipe"], content["step"]) != (header.recipe, header.step):
        raise CheckpointError(
            f"these parts say {header.recipe}, step {header.step}, and hold {content['recipe']}, step "
            f"{content['step']}: fetch them again"
        )
    if content["fingerprint"] != fingerprint(content["average"]):
        raise CheckpointError("the weights in these parts aren't those they were cut from: fetch them again")
    if content["fingerprint"] != fingerprint(find_recipe(header.recipe).build().state_dict()):
        raise CheckpointError(
            f"these parts hold another network than {header.recipe} builds now: unpack them with the code they were "
            "packed with"
        )


def keep_aside(folder: Path, content: dict[str, Any]) -> None:
    """Give the checkpoint and log that are there another name, and say so."""
    if kept := set_aside(folder):
        print(f"the checkpoint that was there ({_described(kept, content)}) is kept as {kept}")


def _described(path: Path, content: dict[str, Any]) -> str:
    try:
        before = checkpoint(path)
    except CheckpointError:
        return "unreadable"
    steps = int(before.get("step", 0))
    more = ", further on than this one" if steps > content["step"] else ""
    return f"step {steps}{more}"
