"""What every loss here shares: shapes, modes, prepared targets, one number per item, and the reduction at the very end.

A subclass says three things: what it keeps of a target (`references`), its `terms` per item, and their `weights`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

Mode = Literal["safe", "parity"]
Reduction = Literal["mean", "sum", "none"]
Output = Literal["loss", "full"]
_Gradients = TypeVar("_Gradients")

SILENT_POWER: Final = 1e-8  # -80 dBFS: a target below it has no ratio or logarithm worth learning
SILENCE_WEIGHT: Final = 10.0  # what a silent item costs per mean absolute error, instead of all other terms
RELATIVE_FLOOR: Final = 1e-8  # of the target's mean power: -80 dB
LEAST_FLOOR: Final = 1e-12  # of a power in a spectrum


@dataclass(frozen=True)
class Prepared:
    """A target, worked out once: give it to the loss in place of the target, as often as the target stays the same.

    It belongs to the caller; no loss keeps one. It may be handed to several losses: those that keep the same of a
    target (the same `key`) use it, any other takes `signal` and does its own work again.
    """

    key: tuple[object, ...]
    signal: Tensor  # (items, channels, samples), fp32 or fp64, without gradient
    tensors: Mapping[str, Tensor] = field(default_factory=dict)  # what the loss that made it keeps besides


class Loss(nn.Module):
    """A loss of a prediction against a target, both shape (items, samples) or (items, channels, samples).

    Parameters
    ----------
    mode
        "safe" is for training: relative floors, silent items, one number per item throughout. "parity" equals
        auraloss 0.4.0 in value and gradient, for scoreboards and for moving a recipe over.
    reduction
        "mean" or "sum" over items, or "none": one number per item, shape (items,), channels averaged.
    output
        "loss" returns the total; "full" returns the total and a dict of terms, reduced alike. Terms times `weights()`
        sum to the total.

    Raises
    ------
    ValueError
        On an unknown mode, reduction or output; in use, on shapes that differ or hold no sample.
    TypeError
        In use, on samples that are not floating point.

    Notes
    -----
    Everything is computed in fp32 (or fp64 if the prediction is fp64), under autocast as well. The target receives no
    gradient.
    """

    def __init__(self, *, mode: Mode = "safe", reduction: Reduction = "mean", output: Output = "loss") -> None:
        super().__init__()
        for name, value, allowed in (
            ("mode", mode, Mode),
            ("reduction", reduction, Reduction),
            ("output", output, Output),
        ):
            if value not in get_args(allowed):
                raise ValueError(f"{name} must be one of {', '.join(get_args(allowed))}; it is {value!r}")
        self.mode: Mode = mode
        self.reduction: Reduction = reduction
        self.output: Output = output

    # What a subclass says.

    def weights(self) -> dict[str, float]:
        """Weight of each term; a term of weight 0 is absent, here and in `terms`."""
        raise NotImplementedError

    def terms(self, pred: Tensor, prepared: Prepared) -> dict[str, Tensor]:
        """Terms per item, each shape (items,), for a prediction of shape (items, channels, samples)."""
        raise NotImplementedError

    def references(self, target: Tensor) -> dict[str, Tensor]:
        """What `terms` wants to know of a target of shape (items, channels, samples); runs without gradient."""
        return {}

    def passing_references(self, target: Tensor) -> dict[str, Tensor]:
        """The same for a target that is seen once: what is cheaper worked out on the way may be left out."""
        return self.references(target)

    def total(self, pred: Tensor, prepared: Prepared) -> Tensor:
        """The weighted sum of the terms, shape (items,)."""
        return self._weighted(self.terms(pred, prepared))

    def key(self) -> tuple[object, ...]:
        """Everything `references` depends on besides the target; losses that keep the same share a key."""
        return (type(self).__name__, self.mode)

    # What the base does with it.

    @property
    def sums_elements(self) -> bool:
        """Whether a sum over items must equal auraloss's sum over its elements: `terms` then holds sums, not means."""
        return self.mode == "parity" and self.reduction == "sum"

    def prepare(self, target: Tensor) -> Prepared:
        """Work a target out once, for any number of predictions."""
        with torch.no_grad(), full_precision(target):
            signal = as_items(target).detach().clone()  # the caller may fill its buffer with the next batch
            return Prepared(self.key(), signal, self.references(signal))

    def forward(self, input: Tensor, target: Tensor | Prepared) -> Tensor | tuple[Tensor, dict[str, Tensor]]:  # noqa: A002 (auraloss's name)
        """Return the loss, and with `output="full"` its terms by name."""
        check_tensor(input)
        with full_precision(input):
            pred = as_items(input)
            prepared = self._reference(pred, target)
            if self.output == "loss":
                return self._reduce(self.total(pred, prepared))
            terms = self.terms(pred, prepared)
            return self._reduce(self._weighted(terms)), {name: self._reduce(term) for name, term in terms.items()}

    def _weighted(self, terms: dict[str, Tensor]) -> Tensor:
        weights = self.weights()
        return torch.stack([weights[name] * term for name, term in terms.items()]).sum(dim=0)

    def _reference(self, pred: Tensor, target: Tensor | Prepared) -> Prepared:
        if isinstance(target, Prepared) and target.key == self.key() and _alike(target.signal, pred):
            prepared = target
        else:
            with torch.no_grad():
                given = target.signal if isinstance(target, Prepared) else target
                signal = as_items(given).detach().to(pred)
                _check_shapes(pred, signal)
                prepared = Prepared(self.key(), signal, self.passing_references(signal))
        _check_shapes(pred, prepared.signal)
        return prepared

    def _reduce(self, per_item: Tensor) -> Tensor:
        if self.reduction == "none":
            return per_item
        return per_item.mean() if self.reduction == "mean" else per_item.sum()


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.device == other.device


def _check_shapes(pred: Tensor, target: Tensor) -> None:
    if pred.shape != target.shape:
        raise ValueError(
            f"prediction and target must have the same shape; they have {tuple(pred.shape)} "
            f"and {tuple(target.shape)} (items, channels, samples)"
        )


def full_precision(signal: Tensor) -> torch.autocast:
    """Switch autocast off: logarithms and sums of squares of half precision are noise."""
    return torch.autocast(device_type=signal.device.type, enabled=False)


def first_order(backward: Callable[..., _Gradients]) -> Callable[..., _Gradients]:
    """Refuse a second derivative to a backward pass whose own operations autograd can't see.

    torch's `once_differentiable` lets it pass where the loss itself is the only thing derived, and hands out zeros.
    """

    @wraps(backward)
    def refusing(ctx: Any, *above: Tensor) -> _Gradients:
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            raise RuntimeError("this loss has no second derivative: take its gradient without create_graph=True")
        return backward(ctx, *above)

    return refusing


def as_items(signal: Tensor) -> Tensor:
    """Return samples as fp32 (fp64 stays) of shape (items, channels, samples).

    Raises
    ------
    ValueError
        If there are fewer than 2 or more than 3 axes, or no samples.
    TypeError
        If this is no tensor, or the samples are not floating point.
    """
    check_tensor(signal)
    if not signal.is_floating_point():
        raise TypeError(f"samples must be floating point; they are {signal.dtype}")
    if signal.ndim not in (2, 3) or signal.numel() == 0:
        raise ValueError(
            f"expected (items, samples) or (items, channels, samples), not empty; got {tuple(signal.shape)}"
        )
    signal = signal if signal.dtype == torch.float64 else signal.float()
    return signal.unsqueeze(1) if signal.ndim == 2 else signal


def check_tensor(signal: object) -> None:
    """Refuse a list or an array: nobody could tell on which device it is to be worked on."""
    if not isinstance(signal, Tensor):
        raise TypeError(f"samples must be a tensor; this is a {type(signal).__name__}")


def item_power(signal: Tensor) -> Tensor:
    """Mean square per item over channels and samples; (items, channels, samples) becomes (items,)."""
    return signal.square().mean(dim=(1, 2))


def is_silent(power: Tensor) -> Tensor:
    """Which items' targets are under -80 dBFS, from `item_power` of the target."""
    return power < SILENT_POWER


def silence_term(pred: Tensor, target: Tensor, silent: Tensor) -> Tensor:
    """Mean absolute error of silent items, 0 of others, shape (items,); its weight is SILENCE_WEIGHT."""
    return torch.where(silent, (pred - target).abs().mean(dim=(1, 2)), 0.0)
