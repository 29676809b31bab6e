"""`python -m training RECIPE`: trains one network and leaves a checkpoint in `runs/`."""

from __future__ import annotations

import argparse
import os

import torch

from training.loop import run
from training.recipe import Settings, TrainingError
from training.recipes import find_recipe


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--minutes", type=float, default=20.0, help="of training, over all resumptions")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--from-room", action="store_true", help="begin with the weights that are shipped")
    parser.add_argument("--data", choices=("clean", "all"), default="clean", help="licences to train on")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=None)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    settings = Settings(
        minutes=arguments.minutes,
        device=arguments.device,
        licences=arguments.data,
        resume=arguments.resume,
        from_room=arguments.from_room,
        bf16=arguments.bf16,
    )
    try:
        recipe = find_recipe(arguments.recipe)
        if recipe.make_items:
            recipe.make_items(settings, max(1, arguments.threads))
        print(run(recipe, settings))
    except TrainingError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
