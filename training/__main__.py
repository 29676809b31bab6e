"""`python -m training RECIPE`: trains one network and leaves a checkpoint in `runs/`.

More than one process: `torchrun --nproc-per-node 2 -m training RECIPE`. On a machine that has a GPU and little else:
`python -m training pack RECIPE`, and `python -m training unpack FILES` for what it brings back.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch

from training.distributed import joined
from training.loop import run
from training.recipe import Recipe, Settings, TrainingError
from training.recipes import find_recipe

N = TypeVar("N", int, float)


def minutes(word: str) -> float:
    """A finite number from 0 on."""
    value = _number(word, float)
    if not (math.isfinite(value) and value >= 0.0):
        raise argparse.ArgumentTypeError(f"{word} minutes make no sense: give 0 or more")
    return value


def positive(word: str) -> float:
    """A finite number over 0."""
    value = _number(word, float)
    if not (math.isfinite(value) and value > 0.0):
        raise argparse.ArgumentTypeError(f"{word} makes no sense: give a number over 0")
    return value


def share(word: str) -> float:
    """A number over 0 and up to 1."""
    value = _number(word, float)
    if not 0.0 < value <= 1.0:
        raise argparse.ArgumentTypeError(f"{word} makes no sense: give a number over 0 and up to 1")
    return value


def count(word: str) -> int:
    """A whole number over 0."""
    value = _number(word, int)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{word} makes no sense: give a whole number over 0")
    return value


def seed(word: str) -> int:
    """A whole number from 0 on that torch takes."""
    value = _number(word, int)
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError(f"{word} is no seed: give a whole number from 0 on")
    return value


def _number(word: str, kind: type[N]) -> N:
    try:
        return kind(word)
    except ValueError as error:
        name = "whole number" if kind is int else "number"
        raise argparse.ArgumentTypeError(f"{word!r} is no {name}") from error


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    words = argparse.ArgumentParser(prog="python -m training", description="Train one network; leaves it in runs/.")
    words.add_argument("recipe", help="a file in training/recipes or its like; a wrong name lists them all")
    length = words.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=positive, default=20.0, help="of training, over all resumptions (20)")
    length.add_argument("--steps", type=count, help="the whole run in steps, instead of minutes")
    words.add_argument(
        "--stop-after", type=positive, metavar="MINUTES", help="stop this process then; --resume goes on"
    )
    words.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    words.add_argument("--resume", action="store_true", help="go on from the last checkpoint, if there is one")
    words.add_argument("--from-room", action="store_true", help="begin with the weights that are shipped")
    words.add_argument(
        "--rate-share",
        type=share,
        default=0.1,
        help="with --from-room: of the recipe's learning rate; more for what those weights have never heard (0.1)",
    )
    words.add_argument("--data", choices=("clean", "all"), default="clean", help="licences to train on")
    words.add_argument("--folder", type=Path, help="own recordings: FOLDER/noise and FOLDER/music")
    words.add_argument("--seed", type=seed, default=0, help="of everything that is drawn: 0 or more (0)")
    words.add_argument("--threads", type=count, help="of this process (all cores, shared by the processes)")
    words.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=None, help="(as the recipe says)")
    words.add_argument("--checkpoint-minutes", type=minutes, default=5.0, help="between two checkpoints (5)")
    words.add_argument("--log-steps", type=count, default=20, help="between two lines of the log (20)")
    return words


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Turn the command line into settings.

    Raises
    ------
    TrainingError
        If the device or the folder isn't there.
    """
    if arguments.folder is not None and not arguments.folder.is_dir():
        raise TrainingError(f"there is no folder {arguments.folder}: give the one that holds noise/ or music/")
    check_device(arguments.device)
    return Settings(
        minutes=arguments.minutes,
        steps=arguments.steps,
        stop_after_minutes=arguments.stop_after,
        device=arguments.device,
        licences=arguments.data,
        folder=arguments.folder,
        resume=arguments.resume,
        from_room=arguments.from_room,
        rate_share=arguments.rate_share,
        seed=arguments.seed,
        bf16=arguments.bf16,
        checkpoint_minutes=arguments.checkpoint_minutes,
        log_steps=arguments.log_steps,
    )


def check_device(device: str) -> None:
    """Refuse what torch doesn't know or this machine hasn't got.

    Raises
    ------
    TrainingError
        Then.
    """
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise TrainingError(f"there is no device {device!r}: take cpu or cuda") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise TrainingError("torch finds no CUDA GPU here: take --device cpu")


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line; what a person can mend is one sentence and exit status 1, a wrong word 2."""
    words = sys.argv[1:] if words is None else words
    if words[:1] in (["pack"], ["unpack"]):
        from training.packing.command import main as take_along

        sys.exit(take_along(words))
    with plain_endings():
        arguments = parser().parse_args(words)
        carry_out(find_recipe(arguments.recipe), settings_of(arguments), arguments.threads)


def carry_out(recipe: Recipe, asked: Settings, threads: int | None = None) -> None:
    """Train, alone or with the processes that torchrun started, and print where the checkpoint lies."""
    with joined(asked) as settings:
        threads = threads or max(1, (os.cpu_count() or 1) // settings.processes)
        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)
        path = run(recipe, settings, workers=threads)
        if settings.rank == 0:
            print(path)


@contextmanager
def plain_endings() -> Iterator[None]:
    """Let what a person can mend end the program with one sentence and exit status 1."""
    try:
        yield
    except TrainingError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("stopped; what was saved before is kept, and --resume goes on from there")
    except OSError as error:
        if error.filename is None and error.strerror is None:
            raise
        sys.exit(
            f"{error.filename or 'a file'}: {error.strerror}; what was saved before is kept: mend it, then --resume"
        )


if __name__ == "__main__":
    main()
