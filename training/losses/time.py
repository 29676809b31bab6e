"""Losses on samples: how large the error is beside the target, or simply how large.

Every channel is a signal of its own; the number of an item is the mean of its channels. Named and defined as in
auraloss 0.4.0 (Steinmetz and Reiss 2020), which parity mode equals. Safe mode takes every floor from the target, and a
silent channel, which has no ratio, costs its mean absolute error instead.
"""

from __future__ import annotations

from typing import ClassVar, Final

import torch
from torch import Tensor

from training.losses.base import RELATIVE_FLOOR, SILENCE_WEIGHT, SILENT_POWER, Loss, Mode, Output, Prepared, Reduction
from training.losses.samples import error_size, mean_log_cosh, mean_power, projection

LEAST_FLOOR: Final = 1e-20  # power: what digital silence is measured against


class ChannelLoss(Loss):
    """A loss that `measured` takes from each channel by itself.

    Parameters
    ----------
    eps
        auraloss's constant, added where its definition says so; counts in parity mode only.
    mask_silence
        Whether channels whose target is under -80 dBFS cost 10 mean |x - t| instead; safe mode only.
    """

    term: ClassVar[str]

    def __init__(
        self,
        eps: float = 1e-8,
        reduction: Reduction = "mean",
        *,
        mode: Mode = "safe",
        output: Output = "loss",
        mask_silence: bool = True,
    ) -> None:
        super().__init__(mode=mode, reduction=reduction, output=output)
        self.eps = eps
        self.masks_silence = mask_silence and mode == "safe"

    def measured(self, pred: Tensor, reference: Prepared) -> tuple[Tensor, Tensor]:
        """Return the loss of each channel and its mean absolute error, both shape (items, channels); safe mode."""
        raise NotImplementedError

    def historic(self, pred: Tensor, reference: Prepared) -> Tensor:
        """Return auraloss's loss of each channel, shape (items, channels); parity mode."""
        raise NotImplementedError

    def weights(self) -> dict[str, float]:
        """The loss itself counts once, silent channels 10 times their mean absolute error."""
        return {self.term: 1.0, "silence": SILENCE_WEIGHT} if self.masks_silence else {self.term: 1.0}

    def terms(self, pred: Tensor, prepared: Prepared) -> dict[str, Tensor]:
        """Channels averaged; summed where auraloss would sum them."""
        if self.mode == "parity":
            value = self.historic(pred, prepared)
            return {self.term: value.sum(dim=1) if self.sums_elements else value.mean(dim=1)}
        value, miss = self.measured(pred, prepared)
        if not self.masks_silence:
            return {self.term: value.mean(dim=1)}
        silent = prepared.tensors["silent"]
        return {
            self.term: torch.where(silent, 0.0, value).mean(dim=1),
            "silence": torch.where(silent, miss, 0.0).mean(dim=1),
        }

    def key(self) -> tuple[object, ...]:
        """Losses that keep the same of a target share it."""
        return ("channels", self.mode)

    def misses(self, reference: Prepared) -> bool:
        """Whether mean absolute errors are wanted: where looking is cheap, only if some channel is silent."""
        silent = reference.tensors["silent"]
        return self.masks_silence and (torch.compiler.is_compiling() or silent.is_cuda or bool(silent.any()))

    def total(self, pred: Tensor, prepared: Prepared) -> Tensor:
        """The same sum with fewer operations on few numbers, which is what small batches spend their time on."""
        if not self.masks_silence:
            return self.terms(pred, prepared)[self.term]
        value, miss = self.measured(pred, prepared)
        return torch.where(prepared.tensors["silent"], SILENCE_WEIGHT * miss, value).mean(dim=1)

    def references(self, target: Tensor) -> dict[str, Tensor]:
        """The power of each channel, its floor, and whether it is silent; all shape (items, channels)."""
        power = mean_power(target)
        if self.mode == "parity":
            return {"power": power}
        floor = (RELATIVE_FLOOR * power).clamp_(min=LEAST_FLOOR)
        return {"power": power, "floor": floor, "silent": power < SILENT_POWER}


class ESRLoss(ChannelLoss):
    """Error-to-signal ratio: power of the error over power of the target (Wright and Välimäki 2019)."""

    term = "esr"

    def measured(self, pred: Tensor, reference: Prepared) -> tuple[Tensor, Tensor]:
        """Power over power."""
        power, miss = error_size(pred, reference.signal, False, self.misses(reference))
        return power / (reference.tensors["power"] + reference.tensors["floor"]), miss

    def historic(self, pred: Tensor, reference: Prepared) -> Tensor:
        """Energy over energy plus eps."""
        energy = pred.shape[-1] * reference.tensors["power"]
        return (pred - reference.signal).square().sum(dim=-1) / (energy + self.eps)


class DCLoss(ChannelLoss):
    """Power of the error's mean over power of the target (Wright and Välimäki 2019)."""

    term = "dc"

    def measured(self, pred: Tensor, reference: Prepared) -> tuple[Tensor, Tensor]:
        """Sees nothing but the offset."""
        _, miss = error_size(pred, reference.signal, False, self.misses(reference))
        offset = (pred - reference.signal).mean(dim=-1)
        return offset.square() / (reference.tensors["power"] + reference.tensors["floor"]), miss

    def historic(self, pred: Tensor, reference: Prepared) -> Tensor:
        """The same with eps."""
        return (pred - reference.signal).mean(dim=-1).square() / (reference.tensors["power"] + self.eps)


class LogCoshLoss(ChannelLoss):
    """log(cosh(a error)) / a: a square for small errors, an absolute value for large ones (Chen et al. 2019).

    Has no ratio, so silence needs no exception. Its gradient is tanh(a error) in safe mode, at any size of the error.

    Parameters
    ----------
    a
        Errors above 1/a count as large; greater than 0.
    """

    term = "log_cosh"

    def __init__(
        self,
        a: float = 1.0,
        eps: float = 1e-8,
        reduction: Reduction = "mean",
        *,
        mode: Mode = "safe",
        output: Output = "loss",
    ) -> None:
        if not a > 0.0:
            raise ValueError(f"a must be greater than 0; it is {a}")
        super().__init__(eps, reduction, mode=mode, output=output, mask_silence=False)
        self.a = a

    def key(self) -> tuple[object, ...]:
        """Keeps nothing."""
        return ("samples",)

    def references(self, target: Tensor) -> dict[str, Tensor]:
        """Nothing but the target itself."""
        return {}

    def measured(self, pred: Tensor, reference: Prepared) -> tuple[Tensor, Tensor]:
        """Mean over time; there is no silence to mask."""
        value = mean_log_cosh(pred, reference.signal, self.a)
        return value, value

    def historic(self, pred: Tensor, reference: Prepared) -> Tensor:
        """The same with eps; infinite from an error of 89 / a in fp32."""
        scaled = self.a * (pred - reference.signal)
        return torch.log(torch.cosh(scaled) + self.eps).mean(dim=-1) / self.a


class SNRLoss(ChannelLoss):
    """Signal-to-noise ratio in dB, upside down: -80 is perfect, 0 is as good as silence.

    Parameters
    ----------
    zero_mean
        Whether both signals lose their mean first.
    """

    term = "snr"

    def __init__(
        self,
        zero_mean: bool = True,
        eps: float = 1e-8,
        reduction: Reduction = "mean",
        *,
        mode: Mode = "safe",
        output: Output = "loss",
        mask_silence: bool = True,
    ) -> None:
        super().__init__(eps, reduction, mode=mode, output=output, mask_silence=mask_silence)
        self.zero_mean = zero_mean

    def key(self) -> tuple[object, ...]:
        """The kept target depends on whether its mean went."""
        return (*super().key(), "zero mean" if self.zero_mean else "own mean")

    def references(self, target: Tensor) -> dict[str, Tensor]:
        """What any channel keeps, of the target without its mean."""
        centred = self._centred(target)
        return {"target": centred, **super().references(centred)}

    def measured(self, pred: Tensor, reference: Prepared) -> tuple[Tensor, Tensor]:
        """Error over target."""
        power, miss = error_size(pred, reference.tensors["target"], self.zero_mean, self.misses(reference))
        return _decibels(power, reference.tensors["power"], reference.tensors["floor"]), miss

    def historic(self, pred: Tensor, reference: Prepared) -> Tensor:
        """Target over error; eps stands beside energies."""
        error = self._centred(pred) - reference.tensors["target"]
        return self._historic_decibels(pred.shape[-1] * reference.tensors["power"], error)

    def _historic_decibels(self, energy: Tensor, error: Tensor) -> Tensor:
        return -10.0 * torch.log10(energy / (error.square().sum(dim=-1) + self.eps) + self.eps)

    def _historic_alpha(self, pred: Tensor, reference: Prepared) -> Tensor:
        energy = pred.shape[-1] * reference.tensors["power"]
        return (pred * reference.tensors["target"]).sum(dim=-1) / (energy + self.eps)

    def _centred(self, signal: Tensor) -> Tensor:
        return signal - signal.mean(dim=-1, keepdim=True) if self.zero_mean else signal


class SISDRLoss(SNRLoss):
    """Scale-invariant signal-to-distortion ratio in dB, upside down (Le Roux et al. 2018): -80 to 80, -80 is perfect.

    In safe mode both sides of the ratio have a floor 80 dB below the power of the *prediction*; the other ratios take
    theirs from the target, which here would make it depend on the level of the prediction.

    It can't tell a prediction from its louder or inverted copy, and at exactly zero it has no direction: use it beside
    a loss that does.
    """

    term = "si_sdr"

    def measured(self, pred: Tensor, reference: Prepared) -> tuple[Tensor, Tensor]:
        """What isn't target in the prediction over what is."""
        kept = reference.tensors
        power = kept["power"] + LEAST_FLOOR
        product, rest, miss = projection(pred, kept["target"], power, self.zero_mean, self.misses(reference))
        like = (product / power).square() * kept["power"]
        # The floor is 80 dB below the prediction, or twice the target would be better than the target, and a prediction
        # without any of it unboundedly bad; the target's part, another 80 dB down, makes silence 0 dB and not perfect.
        return _decibels(rest, like, RELATIVE_FLOOR * (like + rest + kept["floor"])), miss

    def historic(self, pred: Tensor, reference: Prepared) -> Tensor:
        """The target is scaled to the prediction."""
        centred = self._centred(pred)
        scaled = self._historic_alpha(centred, reference).unsqueeze(-1) * reference.tensors["target"]
        return self._historic_decibels(scaled.square().sum(dim=-1), centred - scaled)


class SDSDRLoss(SNRLoss):
    """Scale-dependent signal-to-distortion ratio in dB, upside down (Le Roux et al. 2018)."""

    term = "sd_sdr"

    def measured(self, pred: Tensor, reference: Prepared) -> tuple[Tensor, Tensor]:
        """The whole error over what is target in the prediction."""
        kept = reference.tensors
        power, miss = error_size(pred, kept["target"], self.zero_mean, self.misses(reference))
        product, _, _ = projection(pred, kept["target"], kept["power"] + LEAST_FLOOR, self.zero_mean, False)
        scale = (product / (kept["power"] + LEAST_FLOOR)).square()
        return _decibels(power, scale * kept["power"], kept["floor"]), miss

    def historic(self, pred: Tensor, reference: Prepared) -> Tensor:
        """Only the numerator knows the scaled target."""
        centred, target = self._centred(pred), reference.tensors["target"]
        scaled = self._historic_alpha(centred, reference).unsqueeze(-1) * target
        return self._historic_decibels(scaled.square().sum(dim=-1), centred - target)


def _decibels(noise: Tensor, signal: Tensor, floor: Tensor) -> Tensor:
    # Not the logarithm of a quotient: its slope has the square of the floor in it, which fp32 takes for 0.
    return 10.0 * (torch.log10(noise + floor) - torch.log10(signal + floor))
