"""`python -m training.upsample.train`: AFiLM and TFiLM from archives of patches; the bandwidth networks, too.

    python -m training.upsample.train --model afilm --r 4 --train TRAIN.h5 --val VAL.h5 --epochs 50 --save-path OUT
    python -m training.upsample.train --model bwe48 --minutes 50

A thin front of `python -m training`: the loop is the same. Without archives, the recipe's own are cut from the
development data, and what comes out can be exported.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import h5py

from training.__main__ import carry_out, check_device, count, plain_endings, positive, seed
from training.__main__ import main as train_by_recipe
from training.errors import TrainingError
from training.recipe import Recipe, Settings
from training.recipes import find_recipe
from training.upsample.films import BATCH, TRAINED_SET, Film, archive_of, recipe_of
from training.upsample.pairs import FACTORS, content
from training.upsample.prepare import CORPORA, open_pairs

FILMS: Final = ("afilm", "tfilm")
FRAMES: Final = ("bwe16", "bwe48")
_MULTIPLE: Final = 256  # samples: the least that the networks halve to one block
_FILMS_ONLY: Final = ("train", "val", "epochs", "batch_size", "lr", "r", "save_path", "full")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    words = argparse.ArgumentParser(prog="python -m training.upsample.train", description="Train one upsampler.")
    words.add_argument("--model", choices=(*FILMS, *FRAMES), required=True)
    words.add_argument("--r", type=int, choices=FACTORS, help="afilm, tfilm: from 16000 / R Hz to 16000 Hz (2)")
    words.add_argument("--train", type=Path, metavar="H5", help="archive with data and label (the recipe's own)")
    words.add_argument("--val", type=Path, metavar="H5", help="archive to validate on (unseen files)")
    length = words.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=count, help="passes over the archive")
    length.add_argument("--minutes", type=positive, help="of training, over all resumptions (20)")
    length.add_argument("--steps", type=count, help="the whole run in steps")
    words.add_argument("--batch-size", type=count, help=f"patches in a step ({BATCH})")
    words.add_argument("--lr", type=positive, help="learning rate at its peak (as the recipe says)")
    words.add_argument("--full", action="store_true", help="the published size instead of the slim one")
    words.add_argument(
        "--save-path", type=Path, metavar="FOLDER",
        help="of checkpoint, log and curves (in runs/; an archive of unknown origin needs one)",
    )  # fmt: skip
    words.add_argument("--device", default="cpu")
    words.add_argument("--resume", action="store_true", help="go on from the last checkpoint, if there is one")
    words.add_argument("--threads", type=count, help="of this process (all cores)")
    words.add_argument("--seed", type=seed, default=0, help="of everything that is drawn: 0 or more (0)")
    return words


def film_recipe(asked: argparse.Namespace) -> Recipe:
    """Return the recipe that a command line asks for.

    Raises
    ------
    TrainingError
        If an archive is missing, isn't of pairs, or holds what the other one holds, or if the run would take the
        place of one that a room can be filled from.
    """
    factor = asked.r or FACTORS[0]
    base = find_recipe(f"{asked.model}_{'full_' if asked.full else ''}x{factor}")
    recipe = base
    if asked.train or asked.val or asked.batch_size:
        for path in (asked.train, asked.val):
            if path is not None:
                check_pairs(path, factor)
        if asked.train and asked.val:
            check_apart(asked.train, asked.val)
        # An archive of one's own begins with fresh weights: nobody knows what the others have seen of it.
        start = "" if asked.train else next(iter(base.needs.networks), "")
        heard = set_heard(asked.train)
        is_tellable = heard is not None and has_own_pairs(asked.train, factor)
        if not is_tellable and asked.save_path is None:
            what = "the training split of a set" if heard is None else content(factor)
            raise TrainingError(
                f"{asked.train} doesn't say that it holds {what}: give --save-path, so that its weights don't take the "
                f"place of those of {base.name} in runs/"
            )
        film = Film(
            asked.model, factor, base.build, start, asked.train, asked.val, asked.batch_size or BATCH,
            heard or TRAINED_SET,
        )  # fmt: skip
        if base.room is not None and not is_tellable:
            print(f"no card may speak of what {asked.train} teaches: these weights can't be exported", flush=True)
        made = recipe_of(film, has_room=base.room is not None and is_tellable)
        recipe = replace(made, name=base.name)
    return replace(recipe, peak_rate=asked.lr) if asked.lr else recipe


def settings_of(asked: argparse.Namespace, recipe: Recipe) -> Settings:
    """Turn the command line into settings; epochs become steps.

    Raises
    ------
    TrainingError
        If the device isn't there.
    """
    check_device(asked.device)
    settings = Settings(
        device=asked.device, resume=asked.resume, seed=asked.seed, steps=asked.steps, save_to=asked.save_path,
        minutes=asked.minutes or Settings.minutes, licences=licences_of(asked.train),
    )  # fmt: skip
    if recipe.make_items:
        recipe.make_items(settings, 1)
    patches = len(open_pairs(asked.train or own_archive(asked.model, asked.r or FACTORS[0], settings)))
    epoch = patches // (asked.batch_size or BATCH)
    if asked.epochs is None:
        return settings
    if not epoch:
        raise TrainingError(f"{patches} patches don't fill a batch of {asked.batch_size or BATCH}: make it smaller")
    return replace(settings, steps=asked.epochs * epoch, epoch_steps=epoch, log_steps=min(settings.log_steps, epoch))


def own_archive(model: str, factor: int, settings: Settings) -> Path:
    """Where the archive lies that the recipe cuts for itself."""
    return archive_of(Film(model, factor, find_recipe(f"{model}_x{factor}").build), settings)


def check_pairs(path: Path, factor: int) -> None:
    """Refuse an archive that a network for this factor can't learn from.

    Raises
    ------
    TrainingError
        With the reason.
    """
    archive = open_pairs(path, factor)
    missing = [name for name in ("data", "label") if name not in archive.shapes]
    if missing:
        raise TrainingError(f"{path} has no dataset {missing[0]!r}: cut it with python -m training.upsample.prepare")
    length = archive.shapes["label"][1]
    if archive.shapes["data"][1] != length or length % _MULTIPLE:
        raise TrainingError(
            f"{path} holds patches of {archive.shapes['data'][1]} and {length} samples: both must be as long as each "
            f"other and a multiple of {_MULTIPLE}"
        )
    found = str(archive.attributes.get("content", ""))
    wanted = [content(factor, low_pass=low_pass) for low_pass in (True, False)]
    if archive.is_ours and found not in wanted:
        raise TrainingError(
            f"{path} holds {found}, not {wanted[0]}: cut it anew with python -m training.upsample.prepare, or give "
            "another --r"
        )


def check_apart(train: Path, validation: Path) -> None:
    """Refuse two archives of ours that were cut from one recording.

    Raises
    ------
    TrainingError
        With how many they share.
    """
    if train.resolve() == validation.resolve() or (shared := sources_of(train) & sources_of(validation)):
        what = "the same archive" if train.resolve() == validation.resolve() else f"{len(shared)} recordings in both"
        raise TrainingError(
            f"{train} and {validation}: {what}; a validation on what was trained on says nothing: cut one with "
            "--split train and one with --split validation"
        )


def sources_of(path: Path) -> frozenset[str]:
    """What an archive of ours was cut from, one line each; nothing of another."""
    with h5py.File(path, "r") as file:
        return frozenset(file["sources"].asstr()[:]) if "sources" in file else frozenset()


def set_heard(path: Path | None) -> str | None:
    """Return the set that weights have heard which learn from this: that of an archive of ours, or the default.

    None where nobody can tell, so that no card may speak of such weights.
    """
    if path is None:
        return TRAINED_SET
    attributes = open_pairs(path).attributes
    heard = str(attributes.get("sets", ""))
    is_whole_set = heard in {corpus.name for corpus in CORPORA.values()}
    told = open_pairs(path).is_ours and attributes.get("split") == "train" and not attributes.get("folder")
    return heard if told and is_whole_set else None


def has_own_pairs(path: Path | None, factor: int) -> bool:
    """Return whether an archive holds the pairs that the recipe would cut, which its card names."""
    return path is None or open_pairs(path, factor).attributes.get("content") == content(factor)


def licences_of(path: Path | None) -> str:
    """Return what weights that learn from this have heard: "clean" recordings only, or "all".

    An archive whose origin nobody can tell counts as "all": nothing may be sold on a guess.
    """
    if path is None:
        return "clean"
    return "all" if set_heard(path) is None else str(open_pairs(path).attributes.get("licences", "all"))


def words_of_frames(asked: argparse.Namespace) -> list[str]:
    """The same wishes in the words of `python -m training`.

    Raises
    ------
    TrainingError
        If one makes no sense for a network of frames.
    """
    for name in _FILMS_ONLY:
        if getattr(asked, name):
            raise TrainingError(f"--{name.replace('_', '-')} is for {' and '.join(FILMS)}: leave it out")
    words = [asked.model, "--device", asked.device, "--seed", str(asked.seed)]
    words += [f"--{name}={value}" for name in ("minutes", "steps", "threads") if (value := getattr(asked, name))]
    return [*words, *(["--resume"] if asked.resume else [])]


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line; what a person can mend is one sentence and exit status 1."""
    asked = parser().parse_args(sys.argv[1:] if words is None else words)
    with plain_endings():
        if asked.model in FRAMES:
            train_by_recipe(words_of_frames(asked))
            return
        recipe = film_recipe(asked)
        carry_out(recipe, settings_of(asked, recipe), asked.threads)


if __name__ == "__main__":
    main()
