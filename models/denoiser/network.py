"""Removes steady noise from music: a gain between 0 and 1 for every bin of every frame.

It starts from the Wiener gain that a noise profile and nine frames give (Wiener, 1949; the finite window takes the
place of the decision-directed recursion of Ephraim and Malah, 1984, so that any chunk gives the same samples), and
learns a correction to the logit of that gain. The body is a ConvNeXt (Liu et al., 2022) over time with the 1025 bins
as input channels. The phase stays as it is.

Context: 8 blocks of kernel 7 and the window of nine frames reach 28 frames (0.33 s) to each side.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.blocks import ConvNeXtBlock


@dataclass(frozen=True)
class DenoiserConfig:
    """Sizes of the network."""

    bins: int = 1025  # frequencies of a 2048-point STFT
    channels: int = 256
    blocks: int = 8
    kernel: int = 7  # frames
    widen: int = 3  # inner width of a block, in multiples of `channels`
    reach: int = 4  # frames to each side over which the Wiener gain averages power
    correction: float = 8.0  # the logit moves by no more than this


class Denoiser(nn.Module):
    """(batch, 2 * bins, frames) features to (batch, bins, frames) gains.

    The first `bins` rows are ln(power / level + 1e-9), the others ln(power / profile) limited to [-7, 25].
    """

    def __init__(self, config: DenoiserConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DenoiserConfig()
        self.inlet = nn.Conv1d(3 * config.bins, config.channels, 1)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(config.channels, config.kernel, config.widen, 0.2) for _ in range(config.blocks)
        )
        self.outlet = nn.Conv1d(config.channels, config.bins, 1)
        for parameter in self.outlet.parameters():
            nn.init.zeros_(parameter)

    def smooth_ratio(self, log_ratio: Tensor) -> Tensor:
        """Log of the power over profile, averaged over nine frames; (batch, bins, frames)."""
        reach = self.config.reach
        padded = nn.functional.pad(log_ratio.exp(), (reach, reach), mode="replicate")
        return nn.functional.avg_pool1d(padded, 2 * reach + 1, stride=1).log()

    def forward(self, features: Tensor) -> Tensor:
        """Return the gains, without a floor."""
        log_power, log_ratio = features.chunk(2, dim=1)
        smooth = self.smooth_ratio(log_ratio)
        # A-priori signal-to-noise ratio of the window, never under -20 dB, and the logit of its Wiener gain.
        logit = (smooth.exp() - 1.0).clamp(min=0.01).log()
        x = torch.cat([log_power / 5.0 + 1.0, log_ratio / 4.0, smooth / 4.0], dim=1)
        x = self.inlet(x.clamp(-3.0, 3.0))  # (batch, channels, frames)
        for block in self.blocks:
            x = block(x)
        correction = self.config.correction * torch.tanh(self.outlet(x) / self.config.correction)
        return torch.sigmoid(logit + correction)
