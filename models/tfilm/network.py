"""TFiLM: gives a spline-raised recording at 16 kHz the band that it lacks, with long-range scales by an LSTM.

Birnbaum et al., *Temporal FiLM: Capturing Long-Range Sequence Dependencies with Feature-Wise Modulations* (2019). Ours
works at any multiple of 256 samples, and begins as what it is given: the last convolution with zeros, the scales near
1. `FULL` is the published size.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from models.blocks import FilmConfig, FilmNetwork

SLIM: Final = FilmConfig()
FULL: Final = FilmConfig(
    filters=(128, 256, 512, 512), kernels=(65, 33, 17, 9), decoder_blocks=(8, 8, 8, 8), dropout=0.5
)


class Recurrence(nn.Module):
    """One LSTM with as many units as channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, channels, batch_first=True)
        # Its answers lie between -1 and 1, and nine of them multiply what passes: begin near 0.8 instead of 0.
        gates = torch.tensor([1.0, 1.0, 1.5, 2.0])  # input, forget, cell, output
        with torch.no_grad():
            self.lstm.get_parameter("bias_ih_l0").copy_(gates.repeat_interleave(channels))
            self.lstm.get_parameter("bias_hh_l0").zero_()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, channels), the shape stays."""
        answer: Tensor = self.lstm(x)[0]
        return answer


class TFiLM(FilmNetwork):
    """(batch, 1, samples), the shape stays; samples are a multiple of 256."""

    def __init__(self, config: FilmConfig = SLIM) -> None:
        super().__init__(config, Recurrence)
