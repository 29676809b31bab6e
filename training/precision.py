"""Lets a network compute in bfloat16 while everything after it, losses above all, stays float32."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import Any, Final

import torch
from torch import Tensor, nn

from training.recipe import Recipe, Settings, TrainingError

_CONVOLUTIONS: Final = (
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d,
)  # fmt: skip


def uses_bf16(recipe: Recipe, settings: Settings, *networks: nn.Module) -> bool:
    """Whether the networks compute in bfloat16.

    Raises
    ------
    TrainingError
        If one has dilated convolutions and runs on the CPU, where torch crashes on them.
    """
    wanted = recipe.bf16 if settings.bf16 is None else settings.bf16
    dilated = [name for network in networks for name in dilated_layers(network)]
    if wanted and dilated and settings.device == "cpu":
        raise TrainingError(
            f"torch crashes on dilated convolutions in bfloat16 on the CPU, and {recipe.name} has some "
            f"({dilated[0]}): take --no-bf16"
        )
    return wanted


def dilated_layers(network: nn.Module) -> list[str]:
    """Names of the convolutions whose kernels have gaps."""
    return [
        name for name, layer in network.named_modules() if isinstance(layer, _CONVOLUTIONS) and max(layer.dilation) > 1
    ]


def compute_in_bf16(network: nn.Module, device: str) -> None:
    """Run a network's forward pass under autocast from now on; what it returns is float32."""
    inner = network.forward

    def forward(*given: object, **named: object) -> object:
        with torch.autocast(device.split(":")[0], dtype=torch.bfloat16):
            answer = inner(*given, **named)
        return in_float32(answer)

    network.forward = forward


def in_float32(answer: Any) -> Any:
    """Widen what is bfloat16 in an answer of tensors: alone, in tuples, lists, dicts and dataclasses.

    Raises
    ------
    TrainingError
        If the answer is of another kind: tensors in it would stay narrow, and the losses with them.
    """
    if isinstance(answer, Tensor):
        return answer.float() if answer.dtype == torch.bfloat16 else answer
    if answer is None or isinstance(answer, (bool, int, float, str)):
        return answer
    if dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        fields = [field.name for field in dataclasses.fields(answer) if field.init]
        return dataclasses.replace(answer, **{name: in_float32(getattr(answer, name)) for name in fields})
    if isinstance(answer, tuple) and hasattr(answer, "_fields"):
        return type(answer)(*map(in_float32, answer))
    if type(answer) in (tuple, list):
        return type(answer)(map(in_float32, answer))
    if type(answer) in (dict, OrderedDict):
        return type(answer)((name, in_float32(part)) for name, part in answer.items())
    raise TrainingError(
        f"a network under bfloat16 answers with {type(answer).__name__}, whose tensors nobody would widen: let it "
        "return tensors, tuples, lists, dicts or dataclasses, or take --no-bf16"
    )
