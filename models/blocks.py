"""Bricks that two or more networks share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

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


class DilatedConvolution(nn.Module):
    """A convolution with dilation 2 and "same" padding, as a plain one over even and over odd samples.

    It is the same sum, and it works where torch's own breaks: dilated, in bfloat16, on a CPU. Channels come last, as
    everywhere in `FilmNetwork`: even and odd samples are two rows of an image, the layout that CPUs convolve quickest.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        super().__init__()
        self.plain = nn.Conv2d(channels_in, channels_out, (1, kernel), padding=(0, kernel // 2))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 2 * n, channels) to (batch, 2, n, channels): even and odd samples of the answer."""
        rows = x.reshape(len(x), -1, 2, x.shape[2]).transpose(1, 2).contiguous()  # (batch, 2, n, channels)
        result: Tensor = self.plain(rows.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return result


class BlockScale(nn.Module):
    """Multiplies every block of samples by what a sequence network makes of the maxima of all blocks.

    The feature-wise modulation of TFiLM (Birnbaum et al., 2019), scale only. `sequence` maps (batch, blocks, channels)
    to the same shape.
    """

    def __init__(self, sequence: nn.Module, block: int) -> None:
        super().__init__()
        self.sequence, self.block = sequence, block

    def forward(self, x: Tensor) -> Tensor:
        """(batch, positions, channels), the shape stays; positions are a multiple of the block."""
        blocks = x.reshape(len(x), -1, self.block, x.shape[2])  # (batch, blocks, block, channels)
        scale = self.sequence(blocks.amax(dim=2))
        scaled: Tensor = blocks * scale.unsqueeze(2).to(blocks.dtype)
        return scaled.flatten(1, 2)


@dataclass(frozen=True)
class FilmConfig:
    """Sizes of a U-Net with block scales, in the order of its levels from the input on."""

    filters: tuple[int, ...] = (32, 64, 128, 128)
    kernels: tuple[int, ...] = (33, 17, 9, 9)  # samples, each 2 apart
    blocks: tuple[int, ...] = (128, 64, 32, 16)  # samples that one scale is for, at the level's own rate
    bottleneck_block: int = 8
    decoder_blocks: tuple[int, ...] = (128, 64, 32, 16)  # the published networks have 8 at every level
    last_kernel: int = 9
    dropout: float = 0.1
    # Levels inside are about 1 where a file's are at -25 dBFS: attention and LSTM aren't indifferent to level.
    gain: float = 16.0


class FilmNetwork(nn.Module):
    """Samples to samples: a U-Net over time whose every level is followed by a block scale; the answer is added.

    After Kuleshov et al. (2017) and Birnbaum et al. (2019). The last convolution begins with zeros: a fresh network
    gives back what it gets.
    """

    def __init__(self, config: FilmConfig, sequence: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.gain = config.gain
        filters, kernels, levels = config.filters, config.kernels, len(config.filters)
        inputs = (1, *filters)
        self.down = nn.ModuleList(DilatedConvolution(inputs[i], filters[i], kernels[i]) for i in range(levels))
        self.down_scale = nn.ModuleList(BlockScale(sequence(filters[i]), config.blocks[i]) for i in range(levels))
        self.middle = DilatedConvolution(filters[-1], filters[-1], kernels[-1])
        self.middle_scale = BlockScale(sequence(filters[-1]), config.bottleneck_block)
        # What comes up to a level: from the level below with what was kept there, to the deepest from the middle.
        below = [*(2 * width for width in filters[1:]), filters[-1]]
        self.up = nn.ModuleList(DilatedConvolution(below[i], 2 * filters[i], kernels[i]) for i in range(levels))
        self.up_scale = nn.ModuleList(BlockScale(sequence(filters[i]), config.decoder_blocks[i]) for i in range(levels))
        self.last = nn.Conv2d(2 * filters[0], 2, (1, config.last_kernel), padding=(0, config.last_kernel // 2))
        self.dropout = nn.Dropout(config.dropout)
        for module in self.modules():
            if isinstance(module, DilatedConvolution):
                nn.init.orthogonal_(module.plain.weight)
                nn.init.zeros_(cast(Tensor, module.plain.bias))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(cast(Tensor, self.last.bias))

    def forward(self, samples: Tensor) -> Tensor:
        """(batch, 1, samples), the shape stays; samples are a multiple of 256."""
        x, kept = self.gain * samples.transpose(1, 2), []  # (batch, samples, 1)
        for convolution, scale in zip(self.down, self.down_scale, strict=True):
            # The larger of an even and the next odd sample: max-pooling by 2.
            x = nn.functional.leaky_relu(convolution(x).amax(dim=1), 0.2)  # (batch, half as many, filters)
            x = scale(x)
            kept.append(x)
        x = self.dropout(self.middle(x).amax(dim=1))
        x = self.middle_scale(nn.functional.leaky_relu(x, 0.2))
        for level in reversed(range(len(kept))):
            x = nn.functional.relu(self.dropout(self.up[level](x)))  # (batch, 2, positions / 2, 2 * filters)
            x = self.up_scale[level](doubled(x.transpose(1, 2).flatten(1, 2)))  # (batch, 2 * positions, filters)
            x = torch.cat([x, kept[level]], dim=2)
        correction = self.last(x.transpose(1, 2).unsqueeze(2)).squeeze(2)  # (batch, 2, samples / 2)
        return samples + doubled(correction.transpose(1, 2)).transpose(1, 2) / self.gain


def doubled(x: Tensor) -> Tensor:
    """(batch, positions, 2 * channels) to (batch, 2 * positions, channels): sub-pixel upsampling (Shi et al., 2016)."""
    return x.reshape(len(x), 2 * x.shape[1], -1)
