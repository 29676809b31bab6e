"""AFiLM: gives a spline-raised recording at 16 kHz the band that it lacks, with long-range scales by attention.

Rakotonirina, *Self-Attention for Audio Super-Resolution* (2021): TFiLM with a transformer encoder (Vaswani et al.,
2017, norms after the sums) in the place of the LSTM. Ours works at any multiple of 256 samples, isn't random once it is
trained, and begins as what it is given: the last convolution with zeros, the scales near 1. `FULL` is the published
size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from models.blocks import FilmConfig, FilmNetwork


@dataclass(frozen=True)
class AFiLMConfig(FilmConfig):
    """Sizes of the network: those of the U-Net, and of the transformer behind every scale."""

    layers: int = 2
    heads: int = 4
    feed_forward: int = 0  # inner width; 0: twice the channels
    attention_dropout: float = 0.1


SLIM: Final = AFiLMConfig()
FULL: Final = AFiLMConfig(
    filters=(128, 256, 512, 512), kernels=(65, 33, 17, 9), decoder_blocks=(8, 8, 8, 8), dropout=0.5,
    layers=4, heads=8, feed_forward=2048,
)  # fmt: skip


class Layer(nn.Module):
    """Self-attention and two dense layers, each added to what it was given and normalised."""

    def __init__(self, channels: int, config: AFiLMConfig) -> None:
        super().__init__()
        width = config.feed_forward or 2 * channels
        self.heads = config.heads
        self.ask = nn.Linear(channels, 3 * channels)
        self.answer = nn.Linear(channels, channels)
        self.attention_norm = nn.LayerNorm(channels, eps=1e-6)
        self.wide, self.narrow = nn.Linear(channels, width), nn.Linear(width, channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.dropout = nn.Dropout(config.attention_dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, channels), the shape stays."""
        x = self.attention_norm(x + self.dropout(self.attend(x)))
        inner = self.narrow(nn.functional.relu(self.wide(x)))
        result: Tensor = self.norm(x + self.dropout(inner))
        return result

    def attend(self, x: Tensor) -> Tensor:
        """Attention over all steps."""
        asked = self.ask(x).reshape(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = asked.unbind(0)
        weights = torch.softmax(query @ key.transpose(2, 3) / math.sqrt(query.shape[3]), dim=3)
        heard: Tensor = self.answer((weights @ value).transpose(1, 2).flatten(2))
        return heard


class Attention(nn.Module):
    """A transformer encoder over the steps."""

    def __init__(self, channels: int, config: AFiLMConfig) -> None:
        super().__init__()
        layers = [Layer(channels, config) for _ in range(config.layers)]
        nn.init.constant_(layers[-1].norm.weight, 0.1)
        nn.init.ones_(layers[-1].norm.bias)
        self.layers = nn.ModuleList(layers)
        self.dropout = nn.Dropout(config.attention_dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, channels), the shape stays."""
        x = self.dropout(math.sqrt(x.shape[2]) * x + positions(x.shape[1], x.shape[2]).to(x))
        for layer in self.layers:
            x = layer(x)
        return x


def positions(steps: int, channels: int) -> Tensor:
    """Sines and cosines that tell steps from one another, by turns; shape (steps, channels)."""
    rates = torch.exp(torch.arange(0, channels, 2) * (-math.log(10_000.0) / channels))
    angles = torch.arange(steps)[:, None] * rates  # (steps, channels / 2)
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)


class AFiLM(FilmNetwork):
    """(batch, 1, samples), the shape stays; samples are a multiple of 256."""

    def __init__(self, config: AFiLMConfig = SLIM) -> None:
        super().__init__(config, lambda channels: Attention(channels, config))
