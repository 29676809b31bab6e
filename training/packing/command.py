"""`python -m training pack RECIPE` and `python -m training unpack FILES`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from training.data import runs_folder
from training.packing.pack import MIB, Wish, pack
from training.packing.unpack import unpack
from training.recipe import TrainingError
from training.recipes import find_recipe
from training.state import run_folder

BUDGET_MIB: Final = 60.0
RESERVED_MIB: Final = 20.0  # for the run so far, where it is taken along


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    words = argparse.ArgumentParser(prog="python -m training", description="Train on another machine.")
    commands = words.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="write a folder that trains a recipe on a machine with a GPU")
    packing.add_argument("recipe")
    packing.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="of the pack (runs/pack/RECIPE)")
    packing.add_argument("--data", choices=("clean", "all"), default="clean", help="licences to train on")
    packing.add_argument("--budget-mib", type=float, default=BUDGET_MIB, help=f"of the whole folder ({BUDGET_MIB:g})")
    packing.add_argument("--reserve-mib", type=float, help="of it kept free for what a job brings back (0)")
    packing.add_argument("--folder", type=Path, help="own recordings: FOLDER/noise and FOLDER/music")
    packing.add_argument("--seed", type=int, default=0, help="of training and of the choice of recordings")
    length = packing.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=20.0, help="of training, over all jobs (20)")
    length.add_argument("--steps", type=int, help="the whole run in steps, instead of minutes")
    packing.add_argument("--resume", action="store_true", help="take the run in runs/ along, to go on from it")
    packing.add_argument("--no-bf16", action="store_true", help="compute in float32 on the GPU too")
    packing.add_argument("--no-packages", action="store_true", help="where the other machine has soundfile")
    back = commands.add_parser("unpack", help="turn what a job brought back into runs/RECIPE/checkpoint.pt")
    back.add_argument("places", type=Path, nargs="+", metavar="FOLDER_OR_PARTS")
    back.add_argument("--recipe", help="refuse parts of any other")
    return words


def wish_of(arguments: argparse.Namespace) -> Wish:
    """Turn the command line into a wish.

    Raises
    ------
    TrainingError
        If a number makes no sense, or the folder isn't there.
    """
    for name in ("minutes", "steps", "budget_mib"):
        value = getattr(arguments, name)
        if value is not None and value <= 0:
            raise TrainingError(f"--{name.replace('_', '-')} is {value:g}: give a number over 0")
    if arguments.folder is not None and not arguments.folder.is_dir():
        raise TrainingError(f"there is no folder {arguments.folder}: give the one that holds noise/ or music/")
    recipe = find_recipe(arguments.recipe)
    reserved = RESERVED_MIB if arguments.resume else 0.0
    reserved = reserved if arguments.reserve_mib is None else arguments.reserve_mib
    name = run_folder(recipe.name, arguments.data, arguments.folder).name
    return Wish(
        recipe=recipe,
        folder=arguments.output or runs_folder() / "pack" / name,
        licences=arguments.data,
        budget=round(arguments.budget_mib * MIB),
        reserve=round(reserved * MIB),
        own=arguments.folder,
        seed=arguments.seed,
        minutes=arguments.minutes,
        steps=arguments.steps,
        bf16=not arguments.no_bf16,
        has_packages=not arguments.no_packages,
        resumes=arguments.resume,
    )


def main(words: Sequence[str]) -> int:
    """Run the command line; what a person can mend is one sentence and exit status 1."""
    try:
        arguments = parser().parse_args(words)
        if arguments.command == "unpack":
            print(unpack(arguments.places, arguments.recipe))
            return 0
        began, wish = time.monotonic(), wish_of(arguments)
        print(pack(wish))
        print(f"{wish.folder}: packed in {time.monotonic() - began:.0f} s; sh {wish.folder}/run.sh trains")
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
