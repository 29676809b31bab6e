"""What the bandwidth networks minimise: distances of log spectra, before and after the sound is put together.

The distance before synthesis steers every bin. The one after it, with the phase that the host will copy and make
consistent, sees what cancels there. Levels of bands keep the result from being too quiet, which an error of
logarithms alone hardly punishes: the mean logarithm of noise lies 2.5 dB under the logarithm of its mean. Energies of
whole crops do the same for the loudest frames, which nobody can foretell and a network would rather leave out.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from engine.audio.stft import Stft
from engine.inference.band_features import FLOOR
from training.losses.modes import safe

BELS: Final = 2.0 / math.log(10.0)  # from natural logarithms of magnitudes to powers of ten of power, as the LSD has it
ENDS: Final = 9  # frames at either end of a crop that two passes and a synthesis leave incomplete
LOUDEST: Final = 12.0  # natural logarithm of a magnitude; full scale is 7
BAND_BINS: Final = 24  # of a band whose levels are compared: 560 Hz at 48 kHz


@safe
def log_distance(logs: Tensor, wanted: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Mean absolute error, and the mean over frames of the RMS over bins, in powers of ten of power.

    Parameters
    ----------
    logs, wanted
        Natural logarithms of magnitudes, shape (batch, bins, frames).
    weight
        0 or 1, which bins count, shape (batch, bins).

    Returns
    -------
    tuple[Tensor, Tensor]
        Two numbers; items without any bin don't count.
    """
    error = (logs - wanted) * BELS * weight[:, :, None]
    count = weight.sum(dim=1)  # (batch,)
    has = (count > 0.0).float()
    count = count.clamp(min=1.0)
    absolute = error.abs().sum(dim=1).mean(dim=1) / count
    root = (error.square().sum(dim=1) / count[:, None] + 1e-6).sqrt().mean(dim=1)
    items = has.sum().clamp(min=1.0)
    return (absolute * has).sum() / items, (root * has).sum() / items


@safe
def level_distance(power: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute error of the levels of bands, frame by frame, in powers of ten of power.

    Parameters
    ----------
    power, wanted
        Shape (batch, bins, frames).
    weight
        0 or 1, which bins count, shape (batch, bins). The first band begins with the first of them: the seam is one.
    """
    share = bands(weight)  # (batch, bands, bins)
    count = share.sum(dim=2)
    has = (count >= 4.0).float()
    found, should = (share @ value / count.clamp(min=1.0)[:, :, None] for value in (power, wanted))
    error = (torch.log10(found + FLOOR**2) - torch.log10(should + FLOOR**2)).abs().mean(dim=2)
    return (error * has).sum() / has.sum().clamp(min=1.0)


@safe
def energy_distance(power: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute error of the energies of bands over a whole crop, in powers of ten of power.

    The loudest frames decide it: sibilants and strokes, which a network that errs on the quiet side frame by frame
    leaves too soft.

    Parameters
    ----------
    power, wanted
        Shape (batch, bins, frames).
    weight
        0 or 1, which bins count, shape (batch, bins).
    """
    return level_distance(power.mean(dim=2, keepdim=True), wanted.mean(dim=2, keepdim=True), weight)


def bands(weight: Tensor) -> Tensor:
    """Which of the bins that count belong to which band, (batch, bands, bins), for weights of (batch, bins)."""
    bins = weight.shape[1]
    first = torch.where(weight.any(dim=1), weight.argmax(dim=1), bins)
    number = torch.div(torch.arange(bins, device=weight.device) - first[:, None], BAND_BINS, rounding_mode="floor")
    of_each = torch.arange(-(-bins // BAND_BINS), device=weight.device)
    return (number[:, None] == of_each[:, None]).float() * weight[:, None]


def window(stft: Stft, device: torch.device) -> Tensor:
    """The window of `engine.audio.stft`."""
    values: Tensor = torch.hann_window(stft.fft, device=device)
    return values


def synthesis(spectra: Tensor, stft: Stft) -> Tensor:
    """What `Stft.inverse` does: (batch, bins, frames) to (batch, (frames - 1) * hop + fft)."""
    frames = torch.fft.irfft(spectra.transpose(1, 2), n=stft.fft) * window(stft, spectra.device)
    rows, count, parts = frames.shape[0], frames.shape[1], stft.fft // stft.hop
    out = frames.new_zeros(rows, count + parts - 1, stft.hop)
    for part in range(parts):
        out[:, part : part + count] += frames[:, :, part * stft.hop : (part + 1) * stft.hop]
    samples: Tensor = out.reshape(rows, -1) / 1.5
    return samples


def analysis(samples: Tensor, stft: Stft) -> Tensor:
    """What `Stft.forward` does: (batch, (frames - 1) * hop + fft) to (batch, bins, frames)."""
    frames = samples.unfold(1, stft.fft, stft.hop) * window(stft, samples.device)
    spectra: Tensor = torch.fft.rfft(frames).transpose(1, 2)
    return spectra


def sounded(
    answer: Tensor, tail: Tensor, given: Tensor, phase: Tensor, mask: Tensor, stft: Stft, passes: int
) -> Tensor:
    """The sound that the host makes of an answer, (batch, (frames - 1) * hop + fft); differentiable.

    `engine.inference.band_features.generated` in torch, and the synthesis. The passes of Griffin and Lim take no
    gradient: the phase that they find counts as given. A few frames at either end lack neighbours, see `ENDS`.
    """
    size = (torch.exp((answer + tail).clamp(max=LOUDEST)) - FLOOR).clamp(min=0.0)
    share = mask[:, :, None]
    with torch.no_grad():
        for _ in range(passes):
            made = given + analysis(synthesis(share * (size * phase - given), stft), stft)
            phase = made / made.abs().clamp(min=1e-30)
    return synthesis(given + share * (size * phase - given), stft)
