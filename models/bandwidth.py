"""Invents the upper band of a recording: how its log-magnitudes differ from a flat tail, frame by frame.

After AP-BWE (Lu et al., 2024): ConvNeXt blocks (Liu et al., 2022) over time with the bins as channels. Changed: one
stream instead of two, no phase head (the host copies the phase), magnitudes relative to the band under the edge, the
edge as an input, and a gate by which the network itself says how far it trusts its own answer.

Context: the outer convolution and 7 blocks of kernel 7, one of kernel 5, reach 24 frames to each side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, cast

import torch
from torch import Tensor, nn

from models.blocks import ConvNeXtBlock

LOWEST_CUTOFF: Final = 2.0**-6  # over Nyquist: what lies lower is heard as this


@dataclass(frozen=True)
class BandExtenderConfig:
    """Sizes of the network."""

    bins: int = 1025  # frequencies of a frame
    channels: int = 256
    blocks: int = 8
    kernel: int = 7  # frames; the last block sees 2 fewer, so that with the inlet 24 frames are reached
    widen: int = 3  # inner width of a block, in multiples of `channels`
    bumps: int = 12  # that tell one edge from another
    gates: int = 24  # bands whose answer is scaled as one


class BandExtender(nn.Module):
    """(batch, 3 * bins + 2, frames) features to (batch, bins, frames) log-magnitudes over the flat tail.

    Rows: log-magnitudes, weighted cosines, weighted sines, cutoff over Nyquist, rate over 48 kHz.
    """

    bin_place: Tensor
    bump_place: Tensor
    gate_of_bin: Tensor

    def __init__(self, config: BandExtenderConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or BandExtenderConfig()
        place = torch.linspace(0.0, 1.0, config.bins)
        self.register_buffer("bin_place", place[:, None], persistent=False)
        self.register_buffer("bump_place", torch.linspace(-4.0, 0.0, config.bumps)[:, None], persistent=False)
        self.register_buffer("gate_of_bin", triangles(config.bins, config.gates), persistent=False)
        self.magnitudes = nn.Conv1d(config.bins, config.channels, 3, padding=1)
        self.phases = nn.Conv1d(2 * config.bins, config.channels, 1, bias=False)
        self.facts = nn.Conv1d(config.bumps + 2, config.channels, 1, bias=False)
        kernels = [config.kernel] * (config.blocks - 1) + [config.kernel - 2]
        self.blocks = nn.ModuleList(ConvNeXtBlock(config.channels, size, config.widen, 0.2) for size in kernels)
        self.outlet = nn.Conv1d(config.channels, config.bins, 1)
        self.gate = nn.Conv1d(config.channels, config.gates, 1)
        self.bin_scale = nn.Parameter(torch.ones(config.bins, 1))
        for parameter in (*self.outlet.parameters(), self.gate.weight):
            nn.init.zeros_(parameter)
        nn.init.ones_(cast(Tensor, self.gate.bias))

    def level(self, log_magnitude: Tensor, cutoff: Tensor) -> Tensor:
        """Mean log-magnitude of the band under the edge, (batch, 1, frames)."""
        # No small number is added to the weights: summed up over all bins, its rounding errors differ between hosts.
        weight = (1.0 - (self.bin_place / cutoff - 0.8).abs() / 0.15).clamp(min=0.0)
        total = weight.sum(dim=1, keepdim=True).clamp(min=0.1)
        return (weight * log_magnitude).sum(dim=1, keepdim=True) / total

    def forward(self, features: Tensor) -> Tensor:
        """Return the answer; what stands in it below the edge means nothing."""
        bins = self.config.bins
        log_magnitude, phase = features[:, :bins], features[:, bins : 3 * bins]
        cutoff = features[:, 3 * bins : 3 * bins + 1].clamp(LOWEST_CUTOFF, 1.0)
        rate = features[:, 3 * bins + 1 :]
        level = self.level(log_magnitude, cutoff)
        relative = (log_magnitude - level) / 3.0 * (self.bin_place < cutoff)
        bumps = torch.exp(-((cutoff.log2() - self.bump_place) * 3.0).square())  # (batch, bumps, frames)
        facts = torch.cat([bumps, level / 4.0, rate], dim=1)
        x = self.magnitudes(relative) + self.phases(phase * 0.3) + self.facts(facts)  # (batch, channels, frames)
        for block in self.blocks:
            x = block(x)
        gate = torch.einsum("bg,ngt->nbt", self.gate_of_bin, torch.sigmoid(self.gate(x)))  # (batch, bins, frames)
        answer: Tensor = self.outlet(x) * self.bin_scale * gate
        return answer


def triangles(bins: int, bands: int) -> Tensor:
    """How bands, evenly spaced on a scale that is linear up to a sixteenth and logarithmic above, share the bins."""
    octave = torch.log2(1.0 + 16.0 * torch.linspace(0.0, 1.0, bins)) / math.log2(17.0)
    distance = (octave[:, None] * (bands - 1) - torch.arange(bands)).abs()
    return (1.0 - distance).clamp(min=0.0)  # (bins, bands); they add up to 1
