"""What a gain on a spectrogram leaves of the noise; beside the distances of training.losses.extra."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from training.losses.modes import safe

_LEAST_NOISE: Final = 1e-20  # of an item without any: a summed power has to stay one to divide by


@safe
def log_residual(estimate: Tensor, target: Tensor, noise_power: Tensor) -> Tensor:
    """Natural log of the remaining error over the noise, the SNR gain upside down, limited on both sides.

    Parameters
    ----------
    estimate, target
        Complex spectra of shape (batch, bins, frames).
    noise_power
        Power the noise has in an average crop of this item, summed like the error; shape (batch,). Of a clean item:
        a millionth of its power (-60 dB), so that leaving it alone pays down to about -75 dB. Of digital silence 0.

    Returns
    -------
    Tensor
        One number per item, shape (batch,).

    Notes
    -----
    A logarithm gives loud and soft noise the same pull, as the mean of decibels over recordings does. The floor is
    1 % of the noise: 20 dB of gain, and 80 dB of a clean item.
    """
    noise_power = noise_power.clamp(min=_LEAST_NOISE)
    error = torch.view_as_real(estimate - target).square().sum(dim=(1, 2, 3))
    return torch.log((error + 0.01 * noise_power) / noise_power)
