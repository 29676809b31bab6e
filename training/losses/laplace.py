"""The likelihood that trains an estimate together with its own doubt."""

from __future__ import annotations

from torch import Tensor

from training.losses.modes import safe


@safe
def laplace_loss(mu: Tensor, log_scale: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted negative log-likelihood of a Laplace distribution, per item.

    All of shape (batch, positions); `weight` has mean 1 over positions. Returns shape (batch,).
    """
    miss = (target - mu).abs() * (-log_scale).exp() + log_scale
    return (miss * weight).mean(dim=1)
