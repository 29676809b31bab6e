"""`python -m training.upsample.test`: what a network makes of a folder of recordings, to be heard and scored.

    python -m training.upsample.test --model-path runs/afilm_x2/checkpoint.pt --input-dir IN --output-dir OUT --r 2

For every file NAME it writes NAME.lr.wav (the low rate), NAME.pr.wav (what was made of it) and NAME.hr.wav (the
original), and for all of them scores.json, with the spline's scores beside ours. Every sample counts.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
import torch
from torch import nn

from training.__main__ import check_device, count
from training.data import Samples
from training.data.decoded import read_header, read_samples
from training.data.manifest import SUFFIXES
from training.data.resampling import resampled
from training.errors import TrainingError
from training.recipes import find_recipe
from training.rooms import load_file_weights
from training.state import checkpoint
from training.upsample import pairs
from training.upsample.scores import scores
from training.upsample.windows import applied

SCORES: Final = "scores.json"
_MEASURES: Final = {
    "snr_db": "10 log10(sum y^2 / sum (y - x)^2), no floor",
    "lsd": "log10 of power not under 1e-8, 2048-point Hann, hop 512, RMS over frequency, mean over time, at -25 LUFS",
    "k_lsd": "ln(power + 1e-8), RMS over time, mean over frequency: for AFiLM's tables alone, never beside lsd",
}


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    words = argparse.ArgumentParser(prog="python -m training.upsample.test", description="Hear and score a network.")
    words.add_argument("--model-path", type=Path, required=True, help="checkpoint.pt, ROOM/x2.onnx, or the room")
    words.add_argument("--input-dir", type=Path, required=True)
    words.add_argument("--output-dir", type=Path, required=True)
    words.add_argument("--r", type=int, choices=pairs.FACTORS, required=True, help="from SR / R to SR")
    words.add_argument("--sr", type=count, default=pairs.RATE, help=f"of the result, in Hz ({pairs.RATE})")
    words.add_argument("--already-low", action="store_true", help="the files have the low rate: nothing to score")
    words.add_argument(
        "--low-pass", action=argparse.BooleanOptionalAction, default=True, help="before every R-th sample is taken"
    )
    words.add_argument("--device", default="cpu")
    return words


def network_of(path: Path, factor: int) -> tuple[nn.Module, str, str]:
    """Return a network with its trained weights, in eval mode, the name of its recipe, and its file's SHA-256.

    Raises
    ------
    TrainingError
        If there is none at `path`, or it is for another factor.
    """
    file = path / f"x{factor}.onnx" if path.is_dir() else path
    if file.suffix == ".onnx":
        name, weights = _recipe_on_card(file), load_file_weights(file)
    else:
        content = checkpoint(file)
        name, weights = str(content["recipe"]), content["average"]
    if not name.endswith(f"_x{factor}"):
        raise TrainingError(f"{path} is of the recipe {name}, not of a factor of {factor}: give another --r")
    model = find_recipe(name).build()
    model.load_state_dict(weights)
    return model.eval(), name, hashlib.sha256(file.read_bytes()).hexdigest()


def _recipe_on_card(file: Path) -> str:
    try:
        card = tomllib.loads((file.parent / "card.toml").read_text(encoding="utf-8"))
        return str(card["files"][file.name]["training"]["recipe"])
    except (FileNotFoundError, KeyError) as error:
        raise TrainingError(f"there is no card for {file}: export it first (python -m export)") from error


def recordings_in(folder: Path) -> list[Path]:
    """Return the recordings of a folder, by name.

    Raises
    ------
    TrainingError
        If there are none, or two would be written under one name.
    """
    if not folder.is_dir():
        raise TrainingError(f"there is no folder {folder}: give the one with the recordings")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise TrainingError(f"there is no recording in {folder}: give the folder that holds them")
    for one, other in itertools.pairwise(found):
        if one.stem == other.stem:
            raise TrainingError(f"{one} and {other} would be written under one name: rename one of them")
    return found


def check_rates(paths: Sequence[Path], rate: int) -> None:
    """Refuse recordings that lack the band they would be scored by, before anything is written.

    Raises
    ------
    TrainingError
        If one has a lower rate than the result.
    """
    for path in paths:
        if (given := read_header(path).rate) < rate:
            raise TrainingError(
                f"{path} has {given} Hz, and of what {rate} Hz can hold above its band there is nothing to compare "
                f"with: take it away, score at --sr {given}, or give --already-low if all are of the low rate"
            )


def raised_by(network: nn.Module, low: Samples, factor: int, device: str, frames: int) -> tuple[Samples, Samples]:
    """Return what a network makes of a low recording, and the spline; (frames,) each, at the recording's level."""
    gain = np.float32(pairs.level_gain(low))
    given = pairs.raised(low * gain, factor, frames)
    return applied(network, given, device) / gain, given / gain


def _one(path: Path, network: nn.Module, asked: argparse.Namespace) -> dict[str, Any]:
    """Write the files of one recording and return its scores."""
    samples, rate = read_samples(path)
    low_rate = asked.sr // asked.r
    wanted = resampled(samples, rate, low_rate if asked.already_low else asked.sr)
    low, high, made = [], [], []
    for channel in wanted.T:
        short = channel if asked.already_low else pairs.decimated(channel, asked.r, low_pass=asked.low_pass)
        frames = len(short) * asked.r if asked.already_low else len(channel)
        answer, spline = raised_by(network, short, asked.r, asked.device, frames)
        low.append(short)
        high.append((channel, spline))
        made.append(answer)
    outputs = {"lr": (low, low_rate), "pr": (made, asked.sr)}
    if not asked.already_low:
        outputs["hr"] = ([channel for channel, _ in high], asked.sr)
    for name, (channels, at) in outputs.items():
        # float32, so that nothing over full scale is clipped.
        soundfile.write(asked.output_dir / f"{path.stem}.{name}.wav", np.stack(channels, axis=1), at, subtype="FLOAT")
    if asked.already_low:
        return {}
    ours = [scores(channel, answer, asked.sr) for (channel, _), answer in zip(high, made, strict=True)]
    before = [scores(channel, spline, asked.sr) for channel, spline in high]
    return {"network": _means(ours), "spline": _means(before)}


def _means(rows: Sequence[dict[str, float]]) -> dict[str, float | None]:
    """Means of what is a number; None where nothing is (silence has no SNR)."""
    found: dict[str, float | None] = {}
    for name in rows[0]:
        values = [row[name] for row in rows if np.isfinite(row[name])]
        found[name] = round(float(np.mean(values)), 4) if values else None
    return found


def score_folder(asked: argparse.Namespace) -> dict[str, Any]:
    """Do what the command line asks for; the content of scores.json.

    Raises
    ------
    TrainingError
        If something stands in the way that a person can mend.
    """
    check_device(asked.device)
    if asked.sr % asked.r:
        raise TrainingError(f"{asked.sr} Hz is no multiple of {asked.r}: give another --sr")
    network, name, digest = network_of(asked.model_path, asked.r)
    paths = recordings_in(asked.input_dir)
    if not asked.already_low:
        check_rates(paths, asked.sr)
    asked.output_dir.mkdir(parents=True, exist_ok=True)
    rows: dict[str, dict[str, Any]] = {}
    for path in paths:
        rows[path.stem] = _one(path, network.to(asked.device), asked)
        print(path.name, json.dumps(rows[path.stem]), flush=True)
    scored = [row for row in rows.values() if row]
    sides = ("network", "spline") if scored else ()
    return {
        "model": asked.model_path.name,
        "sha256": digest,
        "recipe": name,
        "r": asked.r,
        "rate_hz": asked.sr,
        "low_pass": None if asked.already_low else pairs.decimation(low_pass=asked.low_pass),
        "measures": _MEASURES,
        "means": {side: _means([_numbers(row[side]) for row in scored]) for side in sides},
        "files": rows if scored else sorted(rows),
    }


def _numbers(row: dict[str, float | None]) -> dict[str, float]:
    return {name: np.nan if value is None else value for name, value in row.items()}


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line; what a person can mend is one sentence and exit status 1."""
    asked = parser().parse_args(words)
    torch.set_flush_denormal(True)
    try:
        found = score_folder(asked)
        (asked.output_dir / SCORES).write_text(json.dumps(found, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except TrainingError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename or asked.output_dir}: {error.strerror}; what was written before is kept")
    print(json.dumps(found["means"]))


if __name__ == "__main__":
    main()
