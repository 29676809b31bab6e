"""Weights out of a room, back into torch, so that training can go on from what is shipped."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from training.data import REPOSITORY


def room_folder(room: str) -> Path:
    """Where a room lies: definition, weights, card."""
    return REPOSITORY / "models" / room


def load_room_weights(room: str, file: str = "weights.onnx") -> dict[str, Tensor]:
    """Return the state dict that a room's ONNX file holds, in float32.

    The exporter keeps the names of torch: an initialiser `name.half` is the float16 form of the weight `name`.

    Raises
    ------
    FileNotFoundError
        If the room has no such file.
    """
    model = onnx.load(room_folder(room) / file)
    halves = [tensor for tensor in model.graph.initializer if tensor.name.endswith(".half")]
    arrays = {tensor.name.removesuffix(".half"): numpy_helper.to_array(tensor) for tensor in halves}
    return {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}


def room_licences(room: str) -> str:
    """What the weights in a room were trained on, as the card says it: "clean" or "all".

    A card that doesn't say counts as "all": nothing may be sold on a guess.
    """
    card = tomllib.loads((room_folder(room) / "card.toml").read_text(encoding="utf-8"))
    return str(card.get("trained_on", "all"))


def weights_sha256(room: str) -> str:
    """Return the SHA-256 of a room's weights, lower-case hex."""
    return hashlib.sha256((room_folder(room) / "weights.onnx").read_bytes()).hexdigest()
