"""Sums over samples that the losses in `time` are made of, with their gradients written out.

Autograd would keep and walk every intermediate; each of these keeps one or two signals and walks them once. All take
signals of shape (items, channels, samples) and return one number per channel, shape (items, channels).
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

from training.losses.base import first_order

_STRAIGHT_FROM: Final = 20.0  # beyond it log cosh is a straight line, even in fp64; cosh(20)^4 fits into fp32


def mean_power(signal: Tensor) -> Tensor:
    """Mean square."""
    return signal.square().mean(dim=-1)


def error_size(pred: Tensor, target: Tensor, centre: bool, misses: bool) -> tuple[Tensor, Tensor]:
    """Mean square and (or else 0) mean absolute value of pred - target, without its own mean if `centre`."""
    sizes: tuple[Tensor, Tensor] = _ErrorSize.apply(pred, target, centre, misses)  # type: ignore[no-untyped-call]
    return sizes


def projection(
    pred: Tensor, target: Tensor, target_power: Tensor, centre: bool, misses: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean of pred * target, mean square of what is left of pred beside the target, and (or 0) mean |pred - target|.

    `target` has no mean if `centre`; then that of `pred` plays no part. `target_power` is greater than 0.
    """
    sizes: tuple[Tensor, Tensor, Tensor] = _Projection.apply(pred, target, target_power, centre, misses)  # type: ignore[no-untyped-call]
    return sizes


def mean_log_cosh(pred: Tensor, target: Tensor, a: float) -> Tensor:
    """Mean of log(cosh(a (pred - target))) / a, as accurate for errors of 1e-10 as of 1e10."""
    mean: Tensor = _MeanLogCosh.apply(pred, target, a)  # type: ignore[no-untyped-call]
    return mean


class _ErrorSize(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pred: Tensor, target: Tensor, centre: bool, misses: bool) -> tuple[Tensor, Tensor]:
        error = pred - target
        if centre:
            error -= error.mean(dim=-1, keepdim=True)
        ctx.save_for_backward(error)
        ctx.centre, ctx.misses = centre, misses
        power = error.square().mean(dim=-1)
        return power, error.abs().mean(dim=-1) if misses else torch.zeros_like(power)

    @staticmethod
    @first_order
    def backward(ctx: Any, of_power: Tensor, of_miss: Tensor) -> tuple[Tensor, None, None, None]:
        (error,) = ctx.saved_tensors
        if not ctx.misses:
            return error * _per_sample(2.0 * of_power, error), None, None, None
        signs = error.sign()
        if ctx.centre:
            signs -= signs.mean(dim=-1, keepdim=True)
        signs *= _per_sample(of_miss, error)
        return signs.addcmul_(error, _per_sample(2.0 * of_power, error)), None, None, None


class _Projection(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, pred: Tensor, target: Tensor, target_power: Tensor, centre: bool, misses: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        if centre:
            pred = pred - pred.mean(dim=-1, keepdim=True)
        product = (pred * target).mean(dim=-1)
        rest = torch.addcmul(pred, (product / target_power).unsqueeze(-1), target, value=-1.0)
        miss = pred - target if misses else None
        ctx.save_for_backward(rest, target, None if miss is None else miss.sign())
        ctx.centre = centre
        size = torch.zeros_like(product) if miss is None else miss.abs_().mean(dim=-1)
        return product, rest.square().mean(dim=-1), size

    @staticmethod
    @first_order
    def backward(
        ctx: Any, of_product: Tensor, of_rest: Tensor, of_miss: Tensor
    ) -> tuple[Tensor, None, None, None, None]:
        rest, target, signs = ctx.saved_tensors
        # The rest is at right angles to the target, so its power doesn't depend on where the product's share is cut.
        gradient = rest * _per_sample(2.0 * of_rest, rest)
        gradient.addcmul_(target, _per_sample(of_product, rest))
        if signs is not None:
            pull = signs * _per_sample(of_miss, rest)
            gradient += pull - pull.mean(dim=-1, keepdim=True) if ctx.centre else pull
        return gradient, None, None, None, None


class _MeanLogCosh(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pred: Tensor, target: Tensor, a: float) -> Tensor:
        z = pred - target
        if a != 1.0:
            z *= a
        ctx.save_for_backward(z)
        line = nn.functional.softshrink(z, _STRAIGHT_FROM).abs_().sum(dim=-1)
        excess = z.clamp(-_STRAIGHT_FROM, _STRAIGHT_FROM).mul_(0.5).sinh_().square_().mul_(2.0)  # cosh - 1
        if z.shape[-1] % 4:
            excess = nn.functional.pad(excess, (0, -z.shape[-1] % 4))
        for _ in range(2):  # the logarithm of a product of four is taken once: logarithms are what costs
            first, second = excess.chunk(2, dim=-1)
            excess = torch.addcmul(first + second, first, second)  # (1 + a)(1 + b) - 1, exact for small a, b
        return (excess.log1p_().sum(dim=-1) + line) / (a * z.shape[-1])

    @staticmethod
    @first_order
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (z,) = ctx.saved_tensors
        power = z.clamp(-_STRAIGHT_FROM, _STRAIGHT_FROM).mul_(2.0).expm1_()
        return power.div_(power + 2.0).mul_(_per_sample(gradient, z)), None, None  # tanh


def _per_sample(of_mean: Tensor, signal: Tensor) -> Tensor:
    return (of_mean / signal.shape[-1]).unsqueeze(-1)
