"""A checkpoint at half its size: what a job can bring back, and go on from nearly as if it had never stopped.

Every tensor of float32 becomes float16 times a power of two of its own, so that neither tiny nor huge numbers are lost:
the error is 0.05 % of each number at most. Of Adam's second moments the root is kept, which has half the range. Small
tensors (biases, scales, statistics), counters and random states stay as they are. What goes on from it is therefore
the same run to about three digits, not to the bit.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from training.recipe import TrainingError

SMALL: Final = 4096  # numbers; smaller tensors cost nothing and stay float32
_KEYS: Final = frozenset({"half", "exponent", "is_root"})
_TOP: Final = 15  # the largest number of a tensor lies under 2^15, float16 ends at 65,504


@dataclass(frozen=True)
class Level:
    """How much of a checkpoint is brought back, when not everything fits."""

    name: str
    meaning: str  # for a person: what happens on resuming


LEVELS: Final = (
    Level("whole", "it goes on with weights and optimiser as they were, in float16"),
    Level("critic afresh", "the discriminator's optimiser begins afresh, all else goes on in float16"),
    Level("optimiser afresh", "weights go on in float16, the optimisers begin afresh"),
    Level("average", "it goes on from the averaged weights in float16, the optimisers begin afresh"),
)


def pack_checkpoint(content: Mapping[str, Any], limit_bytes: int) -> tuple[bytes, Level]:
    """Return the fullest form of a checkpoint that fits, and which one that is.

    Parameters
    ----------
    content
        As `training.state.checkpoint` reads it.
    limit_bytes
        What it may take.

    Raises
    ------
    TrainingError
        If not even the averaged weights fit.
    """
    smallest = 0
    for level in LEVELS:
        buffer = io.BytesIO()
        torch.save(halved(_reduced(content, level)), buffer)
        smallest = buffer.tell()
        if smallest <= limit_bytes:
            return buffer.getvalue(), level
    raise TrainingError(
        f"the weights of {content.get('recipe', 'this network')} take {smallest / 2**20:.1f} MiB in float16, and "
        f"{limit_bytes / 2**20:.1f} MiB are allowed: make the network smaller, or allow more"
    )


def unpack_checkpoint(payload: bytes) -> dict[str, Any]:
    """Return the checkpoint that `pack_checkpoint` was given, in float32.

    Raises
    ------
    TrainingError
        If this is no such checkpoint; nothing in it is ever executed.
    """
    try:
        content = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        raise TrainingError("this holds no checkpoint that can be read safely: fetch the job's files again") from error
    if not isinstance(content, dict) or "average" not in content:
        raise TrainingError("this holds no checkpoint of a training run: fetch the job's files again")
    whole: dict[str, Any] = widened(content)
    if whole["model"] is None:
        whole["model"] = {name: tensor.clone() for name, tensor in whole["average"].items()}
    return whole


def halved(value: Any, name: str = "") -> Any:
    """Turn every large float32 tensor within dicts, lists and tuples into its half."""
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        is_large = value.dtype == torch.float32 and value.numel() >= SMALL
        return _half(value, is_root=name == "exp_avg_sq") if is_large else value.clone()
    if isinstance(value, Mapping):
        return {key: halved(part, str(key)) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(halved(part) for part in value)
    return value


def widened(value: Any) -> Any:
    """The way back."""
    if isinstance(value, Mapping):
        if value.keys() == _KEYS:
            whole = value["half"].double() * 2.0 ** value["exponent"]
            return (whole.square() if value["is_root"] else whole).float()
        return {key: widened(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(widened(part) for part in value)
    return value


def _half(tensor: Tensor, *, is_root: bool) -> dict[str, Any]:
    numbers = tensor.double().sqrt() if is_root else tensor.double()
    peak = float(numbers.abs().max())
    exponent = math.frexp(peak)[1] - _TOP if math.isfinite(peak) and peak > 0.0 else 0
    return {"half": (numbers * 2.0**-exponent).half(), "exponent": exponent, "is_root": is_root}


def _reduced(content: Mapping[str, Any], level: Level) -> dict[str, Any]:
    """Leave out what a level leaves out."""
    place = LEVELS.index(level)
    kept = dict(content)
    if place >= 1 and kept.get("critic_optimiser"):
        kept["critic_optimiser"] = _afresh(kept["critic_optimiser"])
    if place >= 2:
        kept["optimiser"] = _afresh(kept["optimiser"])
    if place >= 3:
        kept["model"] = None
    return kept


def _afresh(optimiser: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": {}, "param_groups": optimiser["param_groups"]}
