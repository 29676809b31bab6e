"""Proves that the file in a room computes what torch computes with the same rounded weights."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
import torch
from torch import nn

from export.rooms import Room, trial_audio
from training.data import RATE

SECONDS: Final = (2.0, 7.3, 20.0)
LIMIT: Final = 1e-4


def parity(room: Room, model: nn.Module, path: Path) -> dict[str, float]:
    """Largest absolute difference per trial: noise, silence and music, each at three lengths."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    differences = {}
    for name, audio in trial_audio().items():
        for seconds in SECONDS:
            given = room.prepare(audio[: round(seconds * RATE)])
            with torch.no_grad():
                wanted = model(given).numpy()
            got = session.run([room.answer.name], {room.given.name: given.numpy()})[0]
            differences[f"{name}, {seconds:g} s"] = float(np.abs(got - wanted).max())
    return differences


def check_parity(differences: dict[str, float]) -> float:
    """Return the largest difference.

    Raises
    ------
    ValueError
        If it is over 1e-4 or not a number.
    """
    worst = max(differences, key=lambda name: differences[name])
    if not all(value <= LIMIT for value in differences.values()):
        raise ValueError(f"ONNX and torch differ by {differences[worst]:.2e} ({worst}), more than {LIMIT:g}")
    return differences[worst]
