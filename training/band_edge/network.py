"""The judge as a torch module, its loss, and how well it answers: the same sums as `engine.measure.band_edge`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.measure.band_edge import DILATIONS, LOWEST_EDGE_OCTAVE
from engine.measure.band_traits import PER_OCTAVE, TRAITS
from training.band_edge.examples import Example

CHANNELS: Final = 16
FIRST_TAPS, TAPS = 9, 7
BLUR: Final = 1.2  # bands: a truth between two bands belongs to both
WIDTH_WEIGHT: Final = 0.1
FORBIDDEN: Final = -1e4  # log odds of bands that can't be an edge


@dataclass(frozen=True)
class Batch:
    """Examples of several lengths beside each other, filled up with nothing."""

    traits: Tensor  # (examples, TRAITS + 1, bands), the last of them 1 inside and 0 beyond
    truth: Tensor  # (examples, 1 + bands), the first for none; sums to 1
    allowed: Tensor  # the same shape: 0 or FORBIDDEN
    width: Tensor  # (examples,), log2 of octaves
    has_edge: Tensor  # (examples,), 0 or 1

    def __getitem__(self, index: Tensor) -> Batch:
        fields = (self.traits, self.truth, self.allowed, self.width, self.has_edge)
        return Batch(*(field[index] for field in fields))

    def __len__(self) -> int:
        return len(self.traits)


class Judge(nn.Module):
    """Five convolutions over log frequency, with what came before added; then an edge and its width at each band."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        taps = (FIRST_TAPS, *(TAPS,) * (len(DILATIONS) - 1))
        widths = (TRAITS + 1, *(channels,) * len(DILATIONS))
        self.layers = nn.ModuleList(nn.Conv1d(widths[i], channels, t) for i, t in enumerate(taps))
        self.out = nn.Linear(channels, 2)
        self.none = nn.Linear(2 * channels, 1)

    def forward(self, traits: Tensor) -> tuple[Tensor, Tensor]:
        """Return log odds (examples, 1 + bands), the first of no edge, and log2 of the width in octaves."""
        rows = traits.transpose(1, 2).contiguous()  # (examples, bands, channels)
        inside = rows[:, :, -1:]
        hidden = torch.zeros(1)
        convolutions = (layer for layer in self.layers if isinstance(layer, nn.Conv1d))
        for number, (layer, dilation) in enumerate(zip(convolutions, DILATIONS, strict=True)):
            found = functional.relu(_convolved(hidden if number else rows, layer, dilation))
            hidden = (hidden + found) * inside
        answer = self.out(hidden)
        pooled = torch.cat([hidden.sum(dim=1) / inside.sum(dim=1), hidden.amax(dim=1)], dim=1)
        return torch.cat([self.none(pooled), answer[:, :, 0]], dim=1), answer[:, :, 1]


def _convolved(rows: Tensor, layer: nn.Conv1d, dilation: int) -> Tensor:
    """Convolve by one matrix product: torch's dilated convolutions take several times as long on a processor."""
    outputs, inputs, taps = layer.weight.shape
    reach, bands = dilation * (taps // 2), rows.shape[1]
    padded = functional.pad(rows, (0, 0, reach, reach))
    side_by_side = torch.cat([padded[:, tap * dilation : tap * dilation + bands] for tap in range(taps)], dim=2)
    product = side_by_side @ layer.weight.permute(2, 1, 0).reshape(taps * inputs, outputs)
    return product if layer.bias is None else product + layer.bias


def batch_of(examples: list[Example]) -> Batch:
    """Return examples beside each other."""
    bands = max(len(example.octaves) for example in examples)
    traits = np.zeros((len(examples), TRAITS + 1, bands), dtype=np.float32)
    truth = np.zeros((len(examples), 1 + bands), dtype=np.float32)
    allowed = np.full((len(examples), 1 + bands), FORBIDDEN, dtype=np.float32)
    width = np.zeros(len(examples), dtype=np.float32)
    for row, example in enumerate(examples):
        own = len(example.octaves)
        can_end = example.octaves > LOWEST_EDGE_OCTAVE
        traits[row, :TRAITS, :own], traits[row, TRAITS, :own] = example.traits, 1.0
        allowed[row, 0], allowed[row, 1 : own + 1] = 0.0, np.where(can_end, 0.0, FORBIDDEN)
        if example.edge_octave:
            away = (example.octaves - example.edge_octave) * (PER_OCTAVE / BLUR)
            share = np.exp(-0.5 * away**2) * can_end
            truth[row, 1 : own + 1] = share / share.sum()
            width[row] = np.log2(example.width_octaves)
        else:
            truth[row, 0] = 1.0
    has_edge = np.array([float(example.edge_octave > 0.0) for example in examples], dtype=np.float32)
    return Batch(*(torch.from_numpy(part) for part in (traits, truth, allowed, width, has_edge)))


def loss_of(judge: Judge, batch: Batch) -> Tensor:
    """Return the cross-entropy of where the edge is, plus how far its width is off."""
    odds, widths = judge(batch.traits)
    crossed = -(batch.truth * functional.log_softmax(odds + batch.allowed, dim=1)).sum(dim=1)
    told = (widths * batch.truth[:, 1:]).sum(dim=1)
    off: Tensor = batch.has_edge * torch.square(told - batch.width)
    return torch.mean(crossed + WIDTH_WEIGHT * off)


def stored(judge: Judge) -> dict[str, dict[str, list[int] | list[float]]]:
    """Return the layers as the engine reads them, four digits each."""
    layers = {}
    for name, values in judge.state_dict().items():
        digits = [float(f"{value:.4g}") for value in values.flatten().tolist()]
        layers[name.removeprefix("layers.")] = {"shape": list(values.shape), "values": digits}
    return layers
