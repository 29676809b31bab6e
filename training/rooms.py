"""Weights out of a room, back into torch, so that training can go on from what is shipped."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from training.data import REPOSITORY
from training.errors import TrainingError

HALF: Final = ".half"  # the float16 form of the weight `name` is the initialiser `name.half`
PACKED: Final = ".pt"  # beside or instead of an ONNX file, its state dict for machines without onnx
BUFFERS: Final = "buffers"  # metadata of a file: JSON list of the initialisers that are state, but not weights


def models_folder() -> Path:
    """Where all rooms lie."""
    return REPOSITORY / "models"


def room_folder(room: str) -> Path:
    """Where a room lies: definition, weights, card."""
    return models_folder() / room


def load_room_weights(room: str, file: str = "weights.onnx") -> dict[str, Tensor]:
    """Return the state dict that a room's ONNX file holds: weights in float32, buffers as they are.

    Raises
    ------
    TrainingError
        If the room has no such file.
    """
    return load_file_weights(room_folder(room) / file)


def load_file_weights(path: Path) -> dict[str, Tensor]:
    """Return the state dict that an ONNX file of ours holds; the exporter keeps the names of torch.

    Raises
    ------
    TrainingError
        If there is no such file.
    """
    packed = path.with_suffix(PACKED)
    if packed.exists() and not path.exists():
        halves: dict[str, Tensor] = torch.load(packed, map_location="cpu", weights_only=True)
        return {name: half.float() if half.dtype == torch.float16 else half for name, half in halves.items()}
    import onnx  # a machine that only trains has none
    from onnx import numpy_helper

    try:
        model = onnx.load(path)
    except FileNotFoundError as error:
        raise TrainingError(f"there are no weights at {path}: export a checkpoint first (python -m export)") from error
    buffers = set(json.loads(next((p.value for p in model.metadata_props if p.key == BUFFERS), "[]")))
    weights: dict[str, Tensor] = {}
    for tensor in model.graph.initializer:
        if tensor.name.endswith(HALF):
            array = numpy_helper.to_array(tensor).astype(np.float32)
            weights[tensor.name.removesuffix(HALF)] = torch.from_numpy(array)
        elif tensor.name in buffers:
            weights[tensor.name] = torch.from_numpy(numpy_helper.to_array(tensor).copy())
    return weights


def room_licences(room: str) -> str:
    """What the weights in a room were trained on, as the card says it: "clean" or "all".

    A card that doesn't say counts as "all": nothing may be sold on a guess.
    """
    card = tomllib.loads((room_folder(room) / "card.toml").read_text(encoding="utf-8"))
    return str(card.get("trained_on", "all"))


def room_data(room: str, file: str = "weights.onnx") -> list[dict[str, Any]] | None:
    """What the card of a room says that the weights of a file have seen; None if it doesn't list its files."""
    card = tomllib.loads((room_folder(room) / "card.toml").read_text(encoding="utf-8"))
    if file not in card.get("files", {}):
        return None
    rows = [row for row in card.get("data", ()) if file in row.get("files", ())]
    return [{key: value for key, value in row.items() if key != "files"} for row in rows]


def weights_sha256(room: str, file: str = "weights.onnx") -> str:
    """Return the SHA-256 of a room's weights, lower-case hex."""
    return hashlib.sha256((room_folder(room) / file).read_bytes()).hexdigest()
