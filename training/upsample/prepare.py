"""Cuts archives of pairs for AFiLM and TFiLM out of the development data or a folder of one's own.

    python -m training.upsample.prepare TRAIN.h5 --r 4 --set single --split train
    python -m training.upsample.prepare VAL.h5 --r 4 --set single --split validation

One speaker gives all patches at a stride of 4096; many speakers give a quarter of the patches at a stride of 8192.
Splits never share a file, nor an actor where several speak. `data` and `label` are float32 of shape (patches, 8192, 1).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from training.data.archive import PatchArchive
from training.data.licences import LICENCE_CHOICES
from training.data.patches import PatchPlan, write_archive
from training.data.splits import SPLITS
from training.errors import TrainingError
from training.upsample.pairs import FACTORS, LENGTH, RATE, content, pairing


@dataclass(frozen=True)
class Corpus:
    """A set of speakers and how it is cut."""

    name: str  # in the manifest
    stride: int  # samples from one patch to the next
    share: float  # of the patches that is kept


CORPORA: Final = {
    "single": Corpus("speech_single", stride=4096, share=1.0),
    "multi": Corpus("speech_multi", stride=8192, share=0.25),
}


def pair_plan(
    corpus: str, split: str, factor: int, *, licences: str = "clean", low_pass: bool = True, folder: str = "",
    stride: int | None = None, share: float | None = None, seed: int = 0,
) -> PatchPlan:  # fmt: skip
    """What an archive of pairs is cut from; stride and share are the corpus' own unless they are given."""
    chosen = CORPORA[corpus]
    return PatchPlan(
        split=split,
        rate=RATE,
        length=LENGTH,
        stride=chosen.stride if stride is None else stride,
        licences=licences,
        sets=() if folder else (chosen.name,),
        folder=folder,
        share=chosen.share if share is None else share,
        seed=seed,
        content=content(factor, low_pass=low_pass),
    )


def open_pairs(path: Path, factor: int = 0) -> PatchArchive:
    """Open an archive of pairs; who has none is told how to cut one.

    Raises
    ------
    TrainingError
        As `PatchArchive.open`.
    """
    return PatchArchive.open(path, f"training.upsample.prepare {path} --r {factor or FACTORS[0]}")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    words = argparse.ArgumentParser(prog="python -m training.upsample.prepare", description="Cut an archive of pairs.")
    words.add_argument("archive", type=Path, metavar="OUT.h5")
    words.add_argument("--r", type=int, choices=FACTORS, required=True, help="from 16000 / R Hz to 16000 Hz")
    words.add_argument("--set", dest="corpus", choices=tuple(CORPORA), default="single", help="one speaker or many")
    words.add_argument("--split", choices=SPLITS, default="train")
    words.add_argument(
        "--low-pass", action=argparse.BooleanOptionalAction, default=True, help="before every R-th sample is taken"
    )
    words.add_argument("--data", choices=LICENCE_CHOICES, default="clean", help="licences to cut from; multi needs all")
    words.add_argument("--folder", type=Path, help="your own recordings instead of the development data")
    words.add_argument("--stride", type=int, help="from one patch to the next, in samples (4096; multi: 8192)")
    words.add_argument("--share", type=float, help="of the patches to keep, above 0 and at most 1 (1; multi: 0.25)")
    words.add_argument("--seed", type=int, default=0, help="by which those are drawn")
    return words


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line; what a person can mend is one sentence and exit status 1."""
    asked = parser().parse_args(words)
    plan = pair_plan(
        asked.corpus,
        asked.split,
        asked.r,
        licences=asked.data,
        low_pass=asked.low_pass,
        folder=str(asked.folder.resolve()) if asked.folder else "",
        stride=asked.stride,
        share=asked.share,
        seed=asked.seed,
    )
    try:
        write_archive(asked.archive, plan, pairing(asked.r, low_pass=asked.low_pass))
        print(PatchArchive.open(asked.archive).describe())
    except TrainingError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
