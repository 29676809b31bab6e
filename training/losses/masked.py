"""Losses for a gain on a spectrogram: what is left of the noise, and what is missing of the music.

All take complex spectra of shape (batch, bins, frames) and return one number per item, shape (batch,), in fp32.
"""

from __future__ import annotations

import torch
from torch import Tensor


def log_residual(estimate: Tensor, target: Tensor, noise_power: Tensor) -> Tensor:
    """Natural log of the remaining error over the noise, the SNR gain upside down, limited on both sides.

    Parameters
    ----------
    estimate, target
        Complex spectra.
    noise_power
        Power the noise has in an average crop of this item, summed like the error; shape (batch,). Of a clean item:
        a millionth of its power (-60 dB), so that leaving it alone pays down to about -75 dB.

    Notes
    -----
    A logarithm gives loud and soft noise the same pull, as the mean of decibels over recordings does. The floor is
    1 % of the noise: 20 dB of gain, and 80 dB of a clean item.
    """
    error = torch.view_as_real(estimate - target).square().sum(dim=(1, 2, 3))
    return torch.log((error + 0.01 * noise_power) / noise_power)


def complex_l1(estimate: Tensor, target: Tensor, scale: Tensor) -> Tensor:
    """Mean absolute difference of real and imaginary parts, relative to `scale` (batch,)."""
    return torch.view_as_real(estimate - target).abs().mean(dim=(1, 2, 3)) / scale


def compressed(spectra: Tensor, scale: Tensor, power: float = 0.3) -> Tensor:
    """Magnitude relative to `scale` (batch,), raised to `power`; its slope stays finite at zero."""
    squares = torch.view_as_real(spectra).square().sum(dim=3) / scale[:, None, None].square()
    return (squares + 1e-8).pow(0.5 * power)


def compressed_magnitude(estimate: Tensor, target: Tensor) -> Tensor:
    """Mean square difference of compressed magnitudes."""
    return (estimate - target).square().mean(dim=(1, 2))


def over_suppression(estimate: Tensor, target: Tensor) -> Tensor:
    """Mean square of what is missing of the compressed magnitudes (TEA-PSE 2022's asymmetric loss)."""
    return (target - estimate).clamp(min=0.0).square().mean(dim=(1, 2))
