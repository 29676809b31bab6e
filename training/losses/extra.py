"""Losses on spectra that auraloss doesn't have: the complex values, loudness, phase, and what was taken too much.

All see the target at the same size, whatever its level (spectra are divided by the target's RMS), and treat a silent
item as every loss here does. They have no history to equal and so no parity mode.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from training.losses import banks
from training.losses.base import (
    SILENCE_WEIGHT,
    Loss,
    Output,
    Prepared,
    Reduction,
    is_silent,
    item_power,
    silence_term,
)
from training.losses.modes import safe
from training.losses.transform import Resolution, transform

_LEAST_LEVEL: Final = 1e-5  # -100 dBFS: below it a target counts as this loud, so that a ratio to it stays a number
_POWER_FLOOR: Final = 1e-8  # of the target's mean power
_PHASE_FLOOR: Final = 1e-4  # of the target's mean power: weaker bins have less and less of a phase


class SpectrumLoss(Loss):
    """A loss that `distances` takes from spectra in units of the target's RMS.

    Parameters
    ----------
    fft_size, hop_size, win_length
        In samples; the window lies in the middle of the FFT.
    window
        Name of a window of torch.
    mask_silence
        Whether items whose target is under -80 dBFS cost 10 mean |x - t| instead.

    Raises
    ------
    ValueError
        If the sizes don't fit together, or torch has no such window.
    """

    window: Tensor

    def __init__(
        self,
        fft_size: int = 1024,
        hop_size: int = 256,
        win_length: int = 1024,
        window: str = "hann_window",
        reduction: Reduction = "mean",
        *,
        output: Output = "loss",
        mask_silence: bool = True,
    ) -> None:
        super().__init__(mode="safe", reduction=reduction, output=output)
        self.size = Resolution(fft_size, hop_size, win_length)
        self.window_name = window
        self.masks_silence = mask_silence
        self.register_buffer("window", banks.window(window, win_length), persistent=False)

    def distances(self, spectra: Tensor, prepared: Prepared) -> dict[str, Tensor]:
        """Terms per item whose weight isn't 0, shape (items,), for spectra of shape (items, channels, frames, bins)."""
        raise NotImplementedError

    def distance_weights(self) -> dict[str, float]:
        """The weight of each of them, 0 allowed."""
        raise NotImplementedError

    def weights(self) -> dict[str, float]:
        """Weights that aren't 0, and that of silence."""
        weights = {name: weight for name, weight in self.distance_weights().items() if weight != 0.0}
        return {**weights, "silence": SILENCE_WEIGHT} if self.masks_silence else weights

    def key(self) -> tuple[object, ...]:
        """The kept spectra depend on the sizes and the window."""
        return ("spectra", self.size, self.window_name)

    def references(self, target: Tensor) -> dict[str, Tensor]:
        """The target's spectra and their scale."""
        window_energy = self.window.square().sum().to(target.dtype)
        spectra = self._spectra(target)
        power = torch.view_as_real(spectra).square().sum(dim=-1).mean(dim=(1, 2, 3))
        scale = power.clamp(min=_LEAST_LEVEL**2 * window_energy).sqrt()
        return {"spectra": spectra / _wide(scale), "scale": scale, "silent": is_silent(item_power(target))}

    def terms(self, pred: Tensor, prepared: Prepared) -> dict[str, Tensor]:
        """Distances of items that sound, absolute error of those that don't."""
        spectra = self._spectra(pred) / _wide(prepared.tensors["scale"])
        found = self.distances(spectra, prepared)
        if not self.masks_silence:
            return found
        silent = prepared.tensors["silent"]
        masked = {name: torch.where(silent, 0.0, value) for name, value in found.items()}
        return {**masked, "silence": silence_term(pred, prepared.signal, silent)}

    def _spectra(self, signal: Tensor) -> Tensor:
        items, channels, samples = signal.shape
        spectra = transform(signal.reshape(-1, samples), self.window, self.size)
        return spectra.reshape(items, channels, *spectra.shape[1:])


class ComplexSTFTLoss(SpectrumLoss):
    """Mean absolute difference of real and imaginary parts: magnitude and phase at once, a direction everywhere."""

    def distances(self, spectra: Tensor, prepared: Prepared) -> dict[str, Tensor]:
        """L1 over both parts."""
        return {"complex": complex_l1(spectra, prepared.tensors["spectra"])}

    def distance_weights(self) -> dict[str, float]:
        """One term."""
        return {"complex": 1.0}


class CompressedMagnitudeLoss(SpectrumLoss):
    """Mean square difference of magnitudes raised to a power, near to loudness (Ephrat et al. 2018).

    Parameters
    ----------
    power
        Exponent of the magnitude, above 0 to 1.
    w_complex
        Weight of the complex L1 beside it: a magnitude has no direction at exactly zero.
    """

    def __init__(
        self,
        fft_size: int = 1024,
        hop_size: int = 256,
        win_length: int = 1024,
        window: str = "hann_window",
        power: float = 0.3,
        w_complex: float = 0.02,
        reduction: Reduction = "mean",
        *,
        output: Output = "loss",
        mask_silence: bool = True,
    ) -> None:
        if not 0.0 < power <= 1.0:
            raise ValueError(f"power must be above 0 and at most 1; it is {power}")
        super().__init__(fft_size, hop_size, win_length, window, reduction, output=output, mask_silence=mask_silence)
        self.power = power
        self.w_complex = w_complex

    def key(self) -> tuple[object, ...]:
        """The kept magnitudes depend on the power."""
        return (*super().key(), "compressed", self.power)

    def references(self, target: Tensor) -> dict[str, Tensor]:
        """The compressed target too."""
        kept = super().references(target)
        return {**kept, "compressed": self._compressed(kept["spectra"])}

    def distances(self, spectra: Tensor, prepared: Prepared) -> dict[str, Tensor]:
        """Both terms."""
        found = {"compressed": squared_difference(self._compressed(spectra), prepared.tensors["compressed"])}
        if self.w_complex:
            found["complex"] = complex_l1(spectra, prepared.tensors["spectra"])
        return found

    def distance_weights(self) -> dict[str, float]:
        """The magnitudes count once."""
        return {"compressed": 1.0, "complex": self.w_complex}

    def _compressed(self, spectra: Tensor) -> Tensor:
        return compressed(torch.view_as_real(spectra).square().sum(dim=-1), self.power)


class OverSuppressionLoss(CompressedMagnitudeLoss):
    """Mean square of what is missing of the compressed magnitudes; too much costs nothing (TEA-PSE, Ju et al. 2022).

    An addition to another loss, never the only one: the loudest prediction is a perfect one.
    """

    def __init__(
        self,
        fft_size: int = 1024,
        hop_size: int = 256,
        win_length: int = 1024,
        window: str = "hann_window",
        power: float = 0.3,
        reduction: Reduction = "mean",
        *,
        output: Output = "loss",
        mask_silence: bool = True,
    ) -> None:
        super().__init__(
            fft_size, hop_size, win_length, window, power, 0.0, reduction, output=output, mask_silence=mask_silence
        )

    def distances(self, spectra: Tensor, prepared: Prepared) -> dict[str, Tensor]:
        """One side of the difference."""
        return {"missing": squared_shortfall(self._compressed(spectra), prepared.tensors["compressed"])}

    def distance_weights(self) -> dict[str, float]:
        """One term."""
        return {"missing": 1.0}


class PhaseLoss(SpectrumLoss):
    """Phase, its slope over frequency (group delay) and over time (instantaneous frequency), anti-wrapped.

    The three of Ai and Ling 2023 ("Neural speech phase prediction based on parallel estimation architecture and
    anti-wrapping losses"), but with 1 - cos(difference) for their wrapped absolute difference, weighted by the
    target's magnitude: the distance between unit phasors, so nothing ever wraps, and no angle is taken. Blind to level.

    Parameters
    ----------
    w_phase, w_delay, w_frequency
        Weights of the three terms.
    """

    def __init__(
        self,
        fft_size: int = 1024,
        hop_size: int = 256,
        win_length: int = 1024,
        window: str = "hann_window",
        w_phase: float = 1.0,
        w_delay: float = 1.0,
        w_frequency: float = 1.0,
        reduction: Reduction = "mean",
        *,
        output: Output = "loss",
        mask_silence: bool = True,
    ) -> None:
        super().__init__(fft_size, hop_size, win_length, window, reduction, output=output, mask_silence=mask_silence)
        self.w_phase, self.w_delay, self.w_frequency = w_phase, w_delay, w_frequency

    def key(self) -> tuple[object, ...]:
        """Phasors are kept too."""
        return (*super().key(), "phasors")

    def references(self, target: Tensor) -> dict[str, Tensor]:
        """The target's phasors and magnitudes, for weights."""
        kept = super().references(target)
        return {**kept, "phasors": _phasors(kept["spectra"]), "magnitude": kept["spectra"].abs()}

    def distances(self, spectra: Tensor, prepared: Prepared) -> dict[str, Tensor]:
        """Slopes are products of neighbours."""
        found, wanted, weight = _phasors(spectra), prepared.tensors["phasors"], prepared.tensors["magnitude"]
        terms = {}
        if self.w_phase:
            terms["phase"] = _chord(found, wanted, weight)
        if self.w_delay:
            pairs = (weight[..., 1:] * weight[..., :-1]).sqrt()
            terms["group_delay"] = _chord(_over_frequency(found), _over_frequency(wanted), pairs)
        if self.w_frequency:
            pairs = (weight[..., 1:, :] * weight[..., :-1, :]).sqrt()
            terms["instantaneous_frequency"] = _chord(_over_time(found), _over_time(wanted), pairs)
        return terms

    def distance_weights(self) -> dict[str, float]:
        """The three as they were given."""
        return {
            "phase": self.w_phase,
            "group_delay": self.w_delay,
            "instantaneous_frequency": self.w_frequency,
        }


def _phasors(spectra: Tensor) -> Tensor:
    """Length 1, and shorter for bins near and below the floor: slopes stay finite."""
    power = torch.view_as_real(spectra).square().sum(dim=-1)
    return spectra * (power + _PHASE_FLOOR).rsqrt()


def _over_frequency(phasors: Tensor) -> Tensor:
    return phasors[..., 1:] * phasors[..., :-1].conj()


def _over_time(phasors: Tensor) -> Tensor:
    return phasors[..., 1:, :] * phasors[..., :-1, :].conj()


def _chord(found: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Half the squared distance, which of unit phasors is 1 - cos(difference); weighted mean per item."""
    chord = 0.5 * torch.view_as_real(found - wanted).square().sum(dim=-1)
    return (chord * weight).sum(dim=(1, 2, 3)) / (weight.sum(dim=(1, 2, 3)) + _POWER_FLOOR)


@safe
def complex_l1(spectra: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference of real and imaginary parts of (items, ...) spectra, shape (items,)."""
    return _per_item(torch.view_as_real(spectra - wanted).abs())


def compressed(power: Tensor, exponent: float = 0.3) -> Tensor:
    """Magnitude to this exponent, from a power spectrum in units of the target's power; its slope at zero is finite."""
    return (power + _POWER_FLOOR).pow(0.5 * exponent)


@safe
def squared_difference(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean square difference per item, shape (items,), of (items, ...) compressed magnitudes."""
    return _per_item((found - wanted).square())


@safe
def squared_shortfall(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean square per item of what is missing of compressed magnitudes; too much costs nothing (TEA-PSE's term)."""
    return _per_item((wanted - found).clamp(min=0.0).square())


def _per_item(values: Tensor) -> Tensor:
    return values.mean(dim=tuple(range(1, values.ndim)))


def _wide(per_item: Tensor) -> Tensor:
    return per_item[:, None, None, None]
