"""Losses, in the safe mode of their definitions: computed in fp32, relative floors, one number per item.

`loss(pred, target)` takes shapes (items, samples) or (items, channels, samples). The names and arguments are those of
auraloss 0.4.0, which `mode="parity"` equals; the last four have no counterpart there.
"""

from training.losses.base import Loss, Prepared
from training.losses.extra import ComplexSTFTLoss, CompressedMagnitudeLoss, OverSuppressionLoss, PhaseLoss
from training.losses.perceptual import FIRFilter, SumAndDifference
from training.losses.random_resolution import RandomResolutionSTFTLoss
from training.losses.spectral import (
    ChromaSTFTLoss,
    MelSTFTLoss,
    MultiResolutionSTFTLoss,
    STFTLoss,
    SumAndDifferenceSTFTLoss,
)
from training.losses.time import DCLoss, ESRLoss, LogCoshLoss, SDSDRLoss, SISDRLoss, SNRLoss

__all__ = [
    "ChromaSTFTLoss",
    "ComplexSTFTLoss",
    "CompressedMagnitudeLoss",
    "DCLoss",
    "ESRLoss",
    "FIRFilter",
    "LogCoshLoss",
    "Loss",
    "MelSTFTLoss",
    "MultiResolutionSTFTLoss",
    "OverSuppressionLoss",
    "PhaseLoss",
    "Prepared",
    "RandomResolutionSTFTLoss",
    "SDSDRLoss",
    "SISDRLoss",
    "SNRLoss",
    "STFTLoss",
    "SumAndDifference",
    "SumAndDifferenceSTFTLoss",
]
