"""What a person reads and runs in a pack: README.txt and run.sh."""

from __future__ import annotations

from typing import Final

from training.packing.plan import PYTHON, Plan

RUN: Final = """#!/bin/sh
# Trains for eight minutes and leaves in $OUT (else in out/ beside this file) what the weights have become.
# Run it again to go on. Options: --job-minutes 8, --out FOLDER, --state FOLDER, --device cuda|cpu.
set -eu
pack=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH="$pack/code${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
export PYTHONPYCACHEPREFIX="${PYTHONPYCACHEPREFIX:-${TMPDIR:-/tmp}/shellac-pycache}"
cd "$pack/code"
exec "${PYTHON:-python3}" -m training.packing.job "$pack" "$@"
"""

_README: Final = """{title}

This folder trains the network "{recipe}" of Shellac on a machine that has a GPU and no network connection.

What the machine needs
  64-bit Linux, Python {python}, torch 2.11, numpy, scipy, h5py. A CUDA GPU is used if there is one. Nothing has to be
  installed: what reads FLAC is in site/.

What to do
  1. Copy this whole folder there.
  2. Run   sh run.sh   (with OUT set to a folder whose files come back; else they lie in out/).
     It makes training examples from the recordings with all cores (once), trains, and stops by itself after eight
     minutes. The whole run is planned for {planned}.
  3. Run it again to go on, as often as it says that steps are left. It goes on exactly from its state folder in /tmp,
     if that is still there; else from the .shellac files in OUT, or in earlier/ of this folder (put them there
     yourself, or pack again with --resume): then weights and optimiser are in float16, and the run goes on nearly
     as it would have.
  4. Bring the files from OUT home (at most seven parts under 16 MiB each, and log.csv) and say there
         python -m training unpack FOLDER
         python -m export {recipe}

What is inside
  code/        Shellac's engine, networks and training          Apache-2.0
  data/        recordings as FLAC, notes, manifest.csv: the licence, origin and split of each
  hashes.txt   SHA-256 of every file; run.sh checks them first
{more}
Recordings: {licences}
{contents}
"""
_LICENCES: Final = {
    "clean": "only such as may go into weights that are sold; manifest.csv names their authors.",
    "all": "NON-COMMERCIAL ones are among them: neither they nor weights trained on them may be sold.",
}


def readme(plan: Plan, contents: str, places: set[str]) -> str:
    """The page for whoever opens the folder."""
    title = f"Training run of {plan.run}"
    about = {
        "site": "  site/        soundfile (BSD-3-Clause) with libsndfile (LGPL-2.1), cffi (MIT), unchanged\n",
        "presets": "  presets/     notes of FluidR3 GM by Frank Wen              MIT\n",
        "own": "  own/         your own recordings\n",
        "recipes": "  recipes/     your own recipes\n",
        "earlier": "  earlier/     what an earlier job brought back\n",
    }
    return _README.format(
        title=f"{title}\n{'=' * len(title)}",
        recipe=plan.recipe,
        python=PYTHON,
        planned=f"{plan.steps} steps" if plan.steps else f"{plan.minutes:g} minutes of training",
        more="".join(text for place, text in about.items() if place in places),
        licences=_LICENCES[plan.licences],
        contents=contents,
    )
