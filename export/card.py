"""Writes a room's card: the contract between the network and the host, with measured figures."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from export.onnx_file import OPSET
from export.rooms import Port, Room
from training.data import RATE, recordings, runs_folder

TRAINED_SETS = ("music", "violin", "speech_single", "piano_samples", "violin_samples", "surface_noise")


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


def training_data() -> list[dict[str, Any]]:
    """What may have been trained on, by set and licence."""
    groups: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in recordings("train"):
        if row.set in TRAINED_SETS:
            groups[row.set, row.licence].append(row.seconds)
    return [
        {"name": name, "licence": licence, "recordings": len(seconds), "seconds": round(sum(seconds), 1)}
        for (name, licence), seconds in sorted(groups.items())
    ]


def measured_figures() -> dict[str, Any]:
    """The last report of `python -m training.quality`, or nothing."""
    path = runs_folder() / "quality" / "quality.json"
    if not path.exists():
        return {}
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    card: dict[str, Any] = report["card"]
    return {"command": "python -m training.quality", **card}


def write_card(room: Room, model: nn.Module, weights: Path, differences: dict[str, float], trained: str) -> Path:
    """Write card.toml beside the weights and return its path."""
    context_seconds = room.context_frames * 512 / RATE
    # The context is that of the network; half a frame of the STFT comes on top.
    latency = context_seconds + (1024 / RATE if room.context_frames else 0.0)
    card: dict[str, Any] = {
        "room": room.name,
        "task": room.task,
        "licence": "CC BY 4.0",
        "opset": OPSET,
        "sample_rates_hz": [44_100, 48_000],
        "channels": 1,
        "normalisation": room.normalisation,
        "trained": trained,
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
        "data": training_data(),
        "figures": measured_figures(),
    }
    path = weights.with_name("card.toml")
    path.write_text("# Written by `python -m export`; the contract between this network and its host.\n" + toml(card))
    return path


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
