"""Estimates how much steady noise each frequency of a recording holds, and how sure that is.

The statistics of `engine.inference.profile_features` go in, one row per statistic and one column per frequency bin.
A ConvNeXt (Liu et al., "A ConvNet for the 2020s", 2022) runs over *frequency*, with wide kernels and the mean over all
bins as context. It answers with the location and scale of a Laplace distribution of log noise power, and the host leans
to the safe side by a margin of three scales: profile = level * exp(mu - margin). Measured on 17 validation clips with a
Wiener filter, three scales beat one by 0.3 / 0.6 / 1.2 dB at 10 / 20 / 30 dB, and clean input by 10 to 40 dB.

Changed against the paper: one dimension, no stages, tanh GELU, and the answer is counted from a base statistic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.blocks import ConvNeXtBlock


@dataclass(frozen=True)
class NoiseProfileConfig:
    """Sizes of the network."""

    statistics: int = 36  # rows that go in
    logs: int = 25  # the first so many rows are log powers; row 0 is the base, subtracted from the others
    bins: int = 1025  # frequencies
    channels: int = 64
    blocks: int = 6
    kernel: int = 15  # bins
    widen: int = 2  # inner width of a block, in multiples of `channels`
    caution: float = 3.0  # the margin, in scales of the Laplace distribution


class NoiseProfile(nn.Module):
    """(batch, 36, 1025) statistics to (batch, 2, 1025): mu and log margin of log noise power over level."""

    input_mean: Tensor
    input_deviation: Tensor

    def __init__(self, config: NoiseProfileConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NoiseProfileConfig()
        # Measured over the training items before the first step; they travel with the weights.
        self.register_buffer("input_mean", torch.zeros(config.statistics, 1))
        self.register_buffer("input_deviation", torch.ones(config.statistics, 1))
        self.inlet = nn.Conv1d(config.statistics, config.channels, 1)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(config.channels, config.kernel, config.widen, 0.3) for _ in range(config.blocks)
        )
        self.contexts = nn.ModuleList(nn.Linear(config.channels, config.channels) for _ in range(config.blocks))
        self.outlet = nn.Conv1d(config.channels, 2, 1)
        for parameter in self.outlet.parameters():
            nn.init.zeros_(parameter)

    def relative(self, statistics: Tensor) -> Tensor:
        """Count the other log powers from the base, so that the colour of the recording matters less."""
        base = statistics[:, :1]  # (batch, 1, bins)
        logs = statistics[:, 1 : self.config.logs] - base
        return torch.cat([base, logs, statistics[:, self.config.logs :]], dim=1)

    def forward(self, statistics: Tensor) -> Tensor:
        """Return (batch, 2, bins): location of log noise power relative to the level, and log of the margin."""
        x = ((self.relative(statistics) - self.input_mean) / self.input_deviation).clamp(-6.0, 6.0)
        x = self.inlet(x)  # (batch, channels, bins)
        for block, context in zip(self.blocks, self.contexts, strict=True):
            x = block(x)
            x = x + context(x.mean(dim=2))[:, :, None]
        x = self.outlet(x)
        mu = statistics[:, :1] + 3.0 * x[:, :1]
        log_scale = (x[:, 1:] - 1.0).clamp(-5.0, 2.5)
        return torch.cat([mu, log_scale + math.log(self.config.caution)], dim=1)
