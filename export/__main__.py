"""`python -m export RECIPE_OR_ROOM`: a checkpoint becomes a verified ONNX file and a card in its room.

A room of several files (x2.onnx, x4.onnx) is filled by several recipes; its name exports them all.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from export.errors import ExportError
from export.furnishing import Furnished, furnish, recipes_for, renew_card
from training.errors import TrainingError
from training.recipe import Recipe
from training.rooms import models_folder
from training.state import run_folder


def arguments_of(command: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    parser.add_argument("name", metavar="RECIPE_OR_ROOM")
    parser.add_argument("--checkpoint", type=Path, help="default: runs/RECIPE/checkpoint.pt")
    parser.add_argument("--card-only", action="store_true", help="keep the weights, measure them and write the card")
    parser.add_argument("--into", type=Path, help="folder of rooms to fill instead of models/")
    return parser.parse_args(command)


def export(arguments: argparse.Namespace) -> list[Furnished]:
    """Do what the command line asks for, recipe by recipe.

    Raises
    ------
    TrainingError
        With one sentence; what was exported before stays exported.
    """
    recipes = recipes_for(arguments.name)
    if arguments.checkpoint and len(recipes) > 1:
        names = ", ".join(recipe.name for recipe in recipes)
        raise ExportError(f"the room {arguments.name} is filled by {names}: say which of them the checkpoint is of")
    models: Path = arguments.into or models_folder()
    return [_one(recipe, arguments, models) for recipe in recipes]


def _one(recipe: Recipe, arguments: argparse.Namespace, models: Path) -> Furnished:
    run: Path = arguments.checkpoint or run_folder(recipe.name, "clean") / "checkpoint.pt"
    done = renew_card(recipe, run, models) if arguments.card_only else furnish(recipe, run, models)
    print(f"{done.path}: {done.megabytes:.2f} MB, ONNX and torch differ by {done.difference:.1e} at most")
    if done.missing_figures:
        print(f"the card of {recipe.name} carries no figures: {done.missing_figures}")
    return done


def main() -> int:
    """Run the command line; 1 if a room could not be filled."""
    try:
        export(arguments_of())
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
