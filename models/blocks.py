"""Bricks that two or more networks share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of (batch, channels, positions)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return x with mean 0 and variance 1 over its channels, scaled and shifted."""
        centred = x - x.mean(dim=1, keepdim=True)
        variance = centred.square().mean(dim=1, keepdim=True)
        return centred * torch.rsqrt(variance + 1e-5) * self.weight + self.bias


class ConvNeXtBlock(nn.Module):
    """ConvNeXt in one dimension (Liu et al., 2022): depthwise, norm, widen, GELU, narrow, scaled residual."""

    def __init__(self, channels: int, kernel: int, widen: int, initial_scale: float) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = ChannelNorm(channels)
        self.wide = nn.Conv1d(channels, widen * channels, 1)
        self.narrow = nn.Conv1d(widen * channels, channels, 1)
        self.scale = nn.Parameter(torch.full((channels, 1), initial_scale))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, positions), the shape stays."""
        y = self.norm(self.depthwise(x))
        y = self.narrow(nn.functional.gelu(self.wide(y), approximate="tanh"))
        scaled: Tensor = x + self.scale * y
        return scaled
