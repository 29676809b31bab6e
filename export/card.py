"""Writes a room's card: the contract between its networks and their host, with measured figures.

What belongs to one ONNX file stands under that file's name, so that each file of a room can be renewed by itself.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from torch import nn

from export.errors import ExportError
from export.licences import Row, rows_of, rows_seen, terms_of_table, with_file
from export.onnx_file import OPSET
from export.toml import toml
from training.recipe import Recipe
from training.room import Inputs, Port, Room

CARD: Final = "card.toml"
_OPENING: Final = "# Written by `python -m export`; the contract between the networks of this room and their host.\n"


@dataclass(frozen=True)
class Training:
    """What a card says of how a file's weights came about."""

    recipe: str
    licences: str  # of the recordings they have seen: "clean" or "all"
    trained: str  # one line on the run
    steps: int
    minutes: float | None = None  # None, as everything below: the run didn't write it down
    machines: tuple[str, ...] = ()
    loss_mode: str | None = None  # "safe" or "parity"
    seed: int | None = None


@dataclass(frozen=True)
class Measured:
    """What was found out about a file that is about to be put into its room."""

    content: bytes  # of the file
    differences: Mapping[str, float]  # between ONNX and torch with the same rounded weights, per trial
    rounding: float | None  # largest difference that rounding the learned weights to float16 makes; None: not known
    gmac_per_audio_second: float
    optimise: str  # whether ONNX Runtime is to optimise it: "all" or "none"
    speed: Mapping[str, Any]


def training_of(recipe: Recipe, content: Mapping[str, Any]) -> Training:
    """What the run behind a checkpoint was, as it wrote it down itself."""
    minutes, steps, machines = content["seconds"] / 60.0, int(content["step"]), json.loads(content["machines"])
    trained = f"{steps} steps in {minutes:.0f} minutes on {', then '.join(machines)}"
    if content.get("trained_until"):
        trained += f", {content['trained_until']}"
    return Training(
        recipe.name,
        content["licences"],
        trained,
        steps,
        round(minutes, 2),
        tuple(machines),
        content.get("loss_mode"),
        content.get("seed"),
    )


def data_of(room: Room, content: Mapping[str, Any]) -> list[Row]:
    """What the run behind a checkpoint has seen, as the card lists it.

    Raises
    ------
    ExportError
        If the checkpoint doesn't say.
    """
    return rows_seen(content, room.name)


def card_text(
    recipe: Recipe, room: Room, model: nn.Module, trial: Inputs, measured: Measured, training: Training,
    data: list[Row], before: Mapping[str, Any],
) -> str:  # fmt: skip
    """Return the card of a room once this file is in it; what `before` says of the other files stays."""
    entry = file_table(room, model, trial, measured, training)
    files = {**before.get("files", {}), room.file: entry}
    files = {name: files[name] for name in sorted(files)}
    rows = with_file(before.get("data", ()), room.file, data, files)
    terms = terms_of_table(rows)
    card: dict[str, Any] = {
        "room": room.name,
        "tool": room.tool,
        "task": room.task,
        "licence": terms.licence,
        "attribution": terms.attribution,
        "opset": OPSET,
        "trained_on": "all" if any(f["training"]["licences"] != "clean" for f in files.values()) else "clean",
        "size": {
            "parameters": sum(f["size"]["parameters"] for f in files.values()),
            "megabytes": round(sum(f["bytes"] for f in files.values()) / 1e6, 2),
        },
        "files": files,
        "data": rows,
        "figures": figures_for(room, files, before),
    }
    return _OPENING + toml({key: value for key, value in card.items() if value != []})


def file_table(
    room: Room, model: nn.Module, trial: Inputs, measured: Measured, training: Training
) -> dict[str, Any]:  # fmt: skip
    """What the card says of one file."""
    table: dict[str, Any] = {
        "sha256": hashlib.sha256(measured.content).hexdigest(),
        "bytes": len(measured.content),
        "optimise": measured.optimise,
        "normalisation": room.normalisation,
        "sample_rates_hz": list(room.sample_rates_hz),
        "channels": room.channels,
        "context": context_table(room),
        "stft": dict(room.stft or {}),
        "axes": {word: {"smallest": room.least(word), "multiple": room.multiple(word)} for word in room.axes()},
        "facts": dict(room.facts),
        "size": {
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "megabytes": round(len(measured.content) / 1e6, 2),
            "gmac_per_audio_second": float(f"{measured.gmac_per_audio_second:.3g}"),
        },
        "speed": dict(measured.speed),
        "parity": {
            "maximum": float(f"{max(measured.differences.values()):.2g}"),
            "against": "torch with the same float16-rounded weights",
            "cases": {name: float(f"{value:.2g}") for name, value in measured.differences.items()},
        },
        "rounding": {}
        if measured.rounding is None
        else {
            "maximum": float(f"{measured.rounding:.2g}"),
            "against": "torch with the learned float32 weights",
        },
        "training": {key: value for key, value in asdict(training).items() if value not in (None, (), "")},
        "input": [
            port_table(port, str(given.dtype).removeprefix("torch."))
            for port, given in zip(room.given, trial, strict=True)
        ],
        "output": [port_table(port, "float32") for port in room.answer],
    }
    return {key: value for key, value in table.items() if value != {}}


def context_table(room: Room) -> dict[str, Any]:
    """How far the network sees to each side: in frames of its STFT, or in samples where it has none."""
    rate, hop = room.sample_rates_hz[0], int(room.stft["hop"]) if room.stft else 1
    seconds = room.context_frames * hop / rate
    # The context is that of the network; half a frame of the STFT comes on top.
    half_frame = int(room.stft["fft"]) / 2 / rate if room.stft and room.context_frames else 0.0
    return {
        "frames": room.context_frames,
        "seconds": round(seconds, 4),
        "latency_seconds": round(seconds + half_frame, 4),
    }


def port_table(port: Port, dtype: str) -> dict[str, Any]:
    """An input or output as the card states it."""
    return {"name": port.name, "dtype": dtype, "shape": list(port.shape), "meaning": port.meaning}


def figures_for(room: Room, files: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of validation that belong to these files, or why there are none."""
    hashes = {name: entry["sha256"] for name, entry in files.items()}
    kept: dict[str, Any] = before.get("figures", {})
    if room.figures is not None:
        return dict(room.figures(kept, hashes))
    same = hashes == {name: entry.get("sha256") for name, entry in before.get("files", {}).items()}
    return kept if kept and same else {"missing": "the recipe names no measure"}


def read_card(path: Path) -> dict[str, Any]:
    """Return what a card says; nothing if there is none yet.

    Raises
    ------
    ExportError
        If it can't be read, or was written before cards stated each file by itself.
    """
    try:
        card = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExportError(f"{path} can't be read ({error}): put it back as it was, or move it away") from error
    if any("training" not in entry for entry in card.get("files", {}).values()):
        raise ExportError(
            f"{path} doesn't say how its weights were trained: move it away, then export from checkpoints"
        )
    return card


def training_on_card(card: Mapping[str, Any], room: Room, weights: Path) -> Training:
    """Return what a card says of the training of the weights beside it.

    Raises
    ------
    ExportError
        If there are no weights, or the card is of others.
    """
    if not weights.exists():
        raise ExportError(f"there are no weights at {weights}: export a checkpoint first")
    entry = card.get("files", {}).get(room.file, {})
    if entry.get("sha256") != hashlib.sha256(weights.read_bytes()).hexdigest():
        raise ExportError(f"the card of {room.name} is not that of its {room.file}: export from the checkpoint instead")
    known = entry["training"]
    return Training(**{**known, "machines": tuple(known.get("machines", ()))})


def data_on_card(card: Mapping[str, Any], room: Room) -> list[Row]:
    """Return what a card says that the weights of a room's file have seen."""
    return rows_of(card.get("data", ()), room.file)


def rounding_on_card(card: Mapping[str, Any], room: Room) -> float | None:
    """Return what a card says that rounding did to a file's answers."""
    value = card["files"][room.file].get("rounding", {}).get("maximum")
    return None if value is None else float(value)
