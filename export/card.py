"""Writes a room's card: the contract between the network and the host, with measured figures."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from export.figures import figures_for_card
from export.licences import data_table, terms_of, training_rows
from export.onnx_file import OPSET
from export.rooms import Port, Room
from training.data import RATE
from training.loop import CheckpointError


def macs(room: Room, model: nn.Module) -> int:
    """Multiply-accumulates of the convolutions and matrices for the example input, counted as it runs."""
    total = 0

    def count(module: nn.Module, _: Any, out: torch.Tensor) -> None:
        nonlocal total
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        positions = out.shape[-1] if isinstance(module, nn.Conv1d) else 1
        total += weight.numel() * positions

    layers = [module for module in model.modules() if isinstance(module, (nn.Conv1d, nn.Linear))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        model(room.example())
    for hook in hooks:
        hook.remove()
    return total


def gflop_per_second(room: Room, model: nn.Module) -> float:
    """Billions of operations per second of audio at 44.1 kHz; a window network counts one run per 20 s."""
    seconds = 20.0 if room.free_axis is None else room.example().shape[room.free_axis] * 512 / RATE
    return 2e-9 * macs(room, model) / seconds


@dataclass(frozen=True)
class Training:
    """What a card says of how its weights came about."""

    licences: str  # of the recordings they have seen: "clean" or "all"
    how: str  # one line on the run


def write_card(room: Room, model: nn.Module, weights: Path, differences: dict[str, float], training: Training) -> Path:
    """Write card.toml beside the weights and return its path."""
    context_seconds = room.context_frames * 512 / RATE
    # The context is that of the network; half a frame of the STFT comes on top.
    latency = context_seconds + (1024 / RATE if room.context_frames else 0.0)
    rows, path = training_rows(training.licences), weights.with_name("card.toml")
    terms = terms_of(rows)
    card: dict[str, Any] = {
        "room": room.name,
        "task": room.task,
        "licence": terms.licence,
        "attribution": terms.attribution,
        "opset": OPSET,
        "sample_rates_hz": [44_100, 48_000],
        "channels": 1,
        "normalisation": room.normalisation,
        "trained": training.how,
        "trained_on": training.licences,
        "stft": {"fft": 2048, "hop": 512, "window": "hann"},
        "context": {
            "frames": room.context_frames,
            "seconds": round(context_seconds, 4),
            "latency_seconds": round(latency, 4),
        },
        "parity": {
            "maximum": float(f"{max(differences.values()):.2g}"),
            "against": "torch with the same float16-rounded weights",
            "cases": list(differences),
        },
        "size": {
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "megabytes": round(weights.stat().st_size / 1e6, 2),
            "gflop_per_audio_second": float(f"{gflop_per_second(room, model):.3g}"),
        },
        "files": {
            weights.name: {
                "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
                "bytes": weights.stat().st_size,
            }
        },
        "input": [port_table(room.given)],
        "output": [port_table(room.answer)],
        "data": data_table(rows),
        "figures": figures_for_card(read_card(path)),
    }
    path.write_text("# Written by `python -m export`; the contract between this network and its host.\n" + toml(card))
    return path


def read_card(path: Path) -> dict[str, Any]:
    """Return what a card says; nothing if there is none yet."""
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def training_on_card(path: Path, weights: Path) -> Training:
    """Return what a card says of the training of the weights beside it.

    Raises
    ------
    CheckpointError
        If the card is of other weights, or doesn't say.
    """
    card = read_card(path)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    if card.get("files", {}).get(weights.name, {}).get("sha256") != digest:
        raise CheckpointError(f"{path} is not the card of {weights}: export from the checkpoint instead")
    if "trained_on" not in card:
        raise CheckpointError(
            f"{path} doesn't say what the weights were trained on: export from the checkpoint instead"
        )
    return Training(card["trained_on"], card["trained"])


def port_table(port: Port) -> dict[str, Any]:
    """An input or output as the card states it."""
    return {"name": port.name, "dtype": "float32", "shape": list(port.shape), "meaning": port.meaning}


def toml(table: dict[str, Any], prefix: str = "") -> str:
    """Write nested tables as TOML: plain values first, then tables, then arrays of tables."""
    plain = {key: value for key, value in table.items() if not _is_table(value)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        name = f"{prefix}{_key(key)}"
        if isinstance(value, dict):
            lines += ["", f"[{name}]", toml(value, f"{name}.").rstrip()]
        elif _is_table(value):
            for entry in value:
                lines += ["", f"[[{name}]]", toml(entry, f"{name}.").rstrip()]
    return "\n".join(lines).lstrip("\n") + "\n"


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    # JSON and TOML spell strings, numbers, booleans and flat lists alike.
    return json.dumps(value, ensure_ascii=False)
