"""Losses between spectrograms: one resolution, several, mel and chroma bands, random resolutions, sum and difference.

Yamamoto et al. 2019 (arXiv 1910.11480), Arik et al. 2018 (arXiv 1808.06719), Steinmetz and Reiss 2020 (auraloss). Names
and arguments are auraloss's, plus `mode`, and `w_complex` in safe mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from training.losses import fused, plain
from training.losses.base import (
    SILENCE_WEIGHT,
    Loss,
    Mode,
    Output,
    Prepared,
    Reduction,
    is_silent,
    item_power,
    silence_term,
)
from training.losses.fused import Distances, Group, Reference
from training.losses.perceptual import FIRFilter
from training.losses.plain import Extras
from training.losses.transform import Resolution
from training.losses.views import BANDS, View, bands_each, resolutions, views

W_COMPLEX: Final = 0.02  # at a prediction of exactly 0 a magnitude has no direction; this term has


class SpectralLoss(Loss):
    """What all losses between spectrograms share: weighted terms, averaged over resolutions.

    Terms are "sc" (spectral convergence), "log", "lin" (magnitudes), "phs" (phase); in safe mode also "complex" (real
    and imaginary parts relative to the target's root mean power) and "silence": items whose target, as it enters the
    transform, is under -80 dBFS have only that.

    At -80 dBFS there is a step: "sc" and "complex" are relative to the target. A prediction of RMS 0.3 costs 2.4 with
    a target at -81 dBFS and 2,700 against one at -79 (gradient 900 times as steep), a tenth of that every 20 dB
    further up. Clip gradients, or leave both out (`w_sc=0.0, w_complex=0.0`), where items are that near to silence:
    "log" has no such step.
    """

    def __init__(
        self,
        *,
        weights: dict[str, float],
        window: str = "hann_window",
        sample_rate: float | None = None,
        scale: str | None = None,
        perceptual_weighting: bool = False,
        scale_invariance: bool = False,
        eps: float = 1e-8,
        output: Output = "loss",
        reduction: Reduction = "mean",
        mag_distance: str = "L1",
        device: Any = None,
        mode: Mode = "safe",
        w_complex: float | None = None,
    ) -> None:
        super().__init__(mode=mode, reduction=reduction, output=output)
        if mag_distance not in ("L1", "L2"):
            raise ValueError(f"mag_distance must be 'L1' or 'L2'; it is {mag_distance!r}")
        if scale not in (None, *BANDS):
            raise ValueError(f"scale must be None, 'mel' or 'chroma'; it is {scale!r}")
        if mode == "parity" and w_complex:
            raise ValueError("w_complex is a term of safe mode: leave it out in parity mode")
        if perceptual_weighting and sample_rate is None:
            raise ValueError("perceptual_weighting needs sample_rate")
        everything = {**weights, "complex": 0.0 if mode == "parity" else W_COMPLEX if w_complex is None else w_complex}
        self._weights = {name: float(weight) for name, weight in everything.items() if weight}
        if not self._weights:
            raise ValueError("all weights are 0: nothing would be learned")
        self.window_name, self.sample_rate, self.scale = window, sample_rate, scale
        self.scale_invariance, self.eps, self.mag_distance = scale_invariance, eps, mag_distance
        self.prefilter = FIRFilter("aw", fs=sample_rate, mode=mode) if perceptual_weighting and sample_rate else None
        self.device = device
        self.views = nn.ModuleList()
        if device is not None:
            self.to(device)

    # What the base asks.

    def weights(self) -> dict[str, float]:
        return self._weights if self.mode == "parity" else {**self._weights, "silence": SILENCE_WEIGHT}

    def key(self) -> tuple[object, ...]:
        sizes = tuple((view.size, view.bands) for view in self._views())
        settings = (self.mode, self.window_name, self.scale, self.sample_rate, self.prefilter is not None, self.eps)
        return (*settings, sizes, self._keeps_spectrum())

    def references(self, target: Tensor) -> dict[str, Tensor]:
        found = self.passing_references(target)
        for index, view in enumerate(self._views()):
            kept = fused.prepare(found["signal"], *_constants(view, target), self._wanted(view, (self._weights,)))
            named = {f"{index}.{name}": value for name, value in kept._asdict().items() if value is not None}
            found.update(named)
        return found

    def passing_references(self, target: Tensor) -> dict[str, Tensor]:
        return {"signal": self._signals(target)}

    def terms(self, pred: Tensor, prepared: Prepared) -> dict[str, Tensor]:
        signal = self._signals(pred)
        return self._spectral_terms(signal, prepared, joined=False)

    def total(self, pred: Tensor, prepared: Prepared) -> Tensor:
        return self._spectral_total(self._signals(pred), prepared)

    # Signals into terms.

    def _views(self) -> list[View]:
        return list(self.views)  # type: ignore[arg-type]

    def _signals(self, signal: Tensor) -> Tensor:
        """What enters the transform, shape (items, channels, samples)."""
        return signal if self.prefilter is None else self.prefilter.filtered(signal)

    def _spectral_total(self, signal: Tensor, prepared: Prepared) -> Tensor:
        terms = self._spectral_terms(signal, prepared, joined=True)
        weights = {**SpectralLoss.weights(self), "joined": 1.0}  # not those of sum and difference
        return torch.stack([weights[name] * term for name, term in terms.items()]).sum(dim=0)

    def _spectral_terms(self, signal: Tensor, prepared: Prepared, joined: bool) -> dict[str, Tensor]:
        """Terms per item, averaged over resolutions; `joined` makes one term of those that need no gradient apart."""
        per_view = [self._view_terms(index, view, signal, prepared, joined) for index, view in enumerate(self._views())]
        found = {name: torch.stack([terms[name] for terms in per_view]).mean(dim=0) for name in per_view[0]}
        if self.mode == "parity":
            return found
        target = prepared.tensors["signal"]
        silent = is_silent(item_power(target))
        found = {name: torch.where(silent, 0.0, term) for name, term in found.items()}
        return {**found, "silence": silence_term(signal, target, silent)}

    def _view_terms(
        self, index: int, view: View, signal: Tensor, prepared: Prepared, joined: bool
    ) -> dict[str, Tensor]:
        weights = self._element_counts(view, signal)
        batch_wide = self._sc_is_batch_wide()
        apart = [name for name in weights if not joined or (name == "sc" and batch_wide)]
        groups: dict[str, Group] = {name: {name: weights[name]} for name in apart}
        rest = {name: self._weights[name] * weights[name] for name in weights if name not in apart}
        if rest:
            groups["joined"] = rest
        if batch_wide and "sc" in groups:
            groups["sc"] = {"squares": 1.0}
        values, norms = self._distances(index, view, signal, prepared, tuple(groups.values()))
        found = dict(zip(groups, values, strict=True))
        if batch_wide and "sc" in found:
            found["sc"] = self._convergence(found["sc"], norms) * weights["sc"]
        return found

    def _distances(
        self, index: int, view: View, signal: Tensor, prepared: Prepared, groups: tuple[Group, ...]
    ) -> tuple[Tensor, Tensor]:
        names = [f"{index}.{name}" for name in Reference._fields]
        known = prepared.tensors
        reference = Reference(*(known.get(name) for name in names)) if names[0] in known else None  # type: ignore[arg-type]
        given = (signal, known["signal"], *_constants(view, signal), reference, self._wanted(view, groups))
        if self.scale_invariance or "phs" in self._weights:
            return plain.distances(*given, Extras(self.scale_invariance, raw_angles=self.mode == "parity"))
        return fused.distances(*given)

    def _convergence(self, squares: Tensor, norms: Tensor) -> Tensor:
        """Spectral convergence over the whole batch, the same for every item."""
        return (_root(squares.sum()) / _root(norms.square().sum())).expand(len(squares))

    def _sc_is_batch_wide(self) -> bool:
        return self.mode == "parity" and not self.scale_invariance  # which auraloss can only do for one item

    def _keeps_spectrum(self) -> bool:
        return "complex" in self._weights or "phs" in self._weights

    def _wanted(self, view: View, groups: tuple[Group, ...]) -> Distances:
        parity = self.mode == "parity"
        return Distances(
            view.size,
            groups,
            squared=self.mag_distance == "L2",
            clamp=self.eps if parity else None,
            floor=self.eps,
            lin_bands=view.bands if parity and view.bank is not None else None,
        )

    def _element_counts(self, view: View, signal: Tensor) -> dict[str, float]:
        """What each term is multiplied with so that a sum over items is auraloss's sum; 1 if that isn't asked for."""
        if not self.sums_elements:
            return dict.fromkeys(self._weights, 1.0)
        items, channels, samples = signal.shape
        frames = channels * view.size.frames(samples)
        bins = view.size.bins if view.bank is None else view.bank.shape[0]
        elements = {
            "log": frames * bins,
            "lin": frames * (view.bands if view.bank is not None and view.bands else bins),
        }
        return {name: float(elements.get(name, 1.0 / items)) for name in self._weights}


class STFTLoss(SpectralLoss):
    """Spectral convergence and log magnitude at one resolution; arguments as in auraloss."""

    def __init__(
        self,
        fft_size: int = 1024,
        hop_size: int = 256,
        win_length: int = 1024,
        window: str = "hann_window",
        w_sc: float = 1.0,
        w_log_mag: float = 1.0,
        w_lin_mag: float = 0.0,
        w_phs: float = 0.0,
        sample_rate: float | None = None,
        scale: str | None = None,
        n_bins: int | None = None,
        perceptual_weighting: bool = False,
        scale_invariance: bool = False,
        eps: float = 1e-8,
        output: Output = "loss",
        reduction: Reduction = "mean",
        mag_distance: str = "L1",
        device: Any = None,
        *,
        mode: Mode = "safe",
        w_complex: float | None = None,
    ) -> None:
        super().__init__(
            weights={"sc": w_sc, "log": w_log_mag, "lin": w_lin_mag, "phs": w_phs},
            window=window,
            sample_rate=sample_rate,
            scale=scale,
            perceptual_weighting=perceptual_weighting,
            scale_invariance=scale_invariance,
            eps=eps,
            output=output,
            reduction=reduction,
            mag_distance=mag_distance,
            device=device,
            mode=mode,
            w_complex=w_complex,
        )
        size = Resolution(fft_size, hop_size, win_length)
        self.views = views([size], window, scale, sample_rate, bands_each(scale, n_bins, 1, mode)).to(device)


class MelSTFTLoss(STFTLoss):
    """The same over mel bands."""

    def __init__(
        self,
        sample_rate: float,
        fft_size: int = 1024,
        hop_size: int = 256,
        win_length: int = 1024,
        window: str = "hann_window",
        w_sc: float = 1.0,
        w_log_mag: float = 1.0,
        w_lin_mag: float = 0.0,
        w_phs: float = 0.0,
        n_mels: int = 128,
        **kwargs: Any,
    ) -> None:
        sizes = (fft_size, hop_size, win_length, window, w_sc, w_log_mag, w_lin_mag, w_phs)
        super().__init__(*sizes, sample_rate, "mel", n_mels, **kwargs)


class ChromaSTFTLoss(STFTLoss):
    """The same over the twelve (or `n_chroma`) tones of an octave."""

    def __init__(
        self,
        sample_rate: float,
        fft_size: int = 1024,
        hop_size: int = 256,
        win_length: int = 1024,
        window: str = "hann_window",
        w_sc: float = 1.0,
        w_log_mag: float = 1.0,
        w_lin_mag: float = 0.0,
        w_phs: float = 0.0,
        n_chroma: int = 12,
        **kwargs: Any,
    ) -> None:
        sizes = (fft_size, hop_size, win_length, window, w_sc, w_log_mag, w_lin_mag, w_phs)
        super().__init__(*sizes, sample_rate, "chroma", n_chroma, **kwargs)


class MultiResolutionSTFTLoss(SpectralLoss):
    """The mean over several resolutions.

    Parameters
    ----------
    fft_sizes, hop_sizes, win_lengths
        Left out, in parity mode auraloss's; in safe mode the same FFTs with windows as long and hops of a quarter.
    n_bins
        Of a scale: one number, or one per resolution.
    w_complex
        Safe mode only; 0 switches it off.
    """

    def __init__(
        self,
        fft_sizes: Sequence[int] | None = None,
        hop_sizes: Sequence[int] | None = None,
        win_lengths: Sequence[int] | None = None,
        window: str = "hann_window",
        w_sc: float = 1.0,
        w_log_mag: float = 1.0,
        w_lin_mag: float = 0.0,
        w_phs: float = 0.0,
        sample_rate: float | None = None,
        scale: str | None = None,
        n_bins: int | Sequence[int] | None = None,
        perceptual_weighting: bool = False,
        scale_invariance: bool = False,
        *,
        mode: Mode = "safe",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            weights={"sc": w_sc, "log": w_log_mag, "lin": w_lin_mag, "phs": w_phs},
            window=window,
            sample_rate=sample_rate,
            scale=scale,
            perceptual_weighting=perceptual_weighting,
            scale_invariance=scale_invariance,
            mode=mode,
            **kwargs,
        )
        sizes = resolutions(mode, fft_sizes, hop_sizes, win_lengths)
        bands = bands_each(scale, n_bins, len(sizes), mode)
        self.views = views(sizes, window, scale, sample_rate, bands).to(self.device)


class SumAndDifferenceSTFTLoss(MultiResolutionSTFTLoss):
    """Left plus right and left minus right, each through a multi-resolution loss; terms are "sum" and "diff".

    Weights are halved: the total is (w_sum sum + w_diff diff) / 2. A-weighting is done once, on left and right (in
    parity mode on sum and difference, as auraloss does), and both signals share one framing. A silent difference (mono)
    costs nothing as long as it is predicted.
    """

    def __init__(
        self,
        fft_sizes: Sequence[int] | None = None,
        hop_sizes: Sequence[int] | None = None,
        win_lengths: Sequence[int] | None = None,
        window: str = "hann_window",
        w_sum: float = 1.0,
        w_diff: float = 1.0,
        output: Output = "loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(fft_sizes, hop_sizes, win_lengths, window, output=output, **kwargs)
        self.w_sum, self.w_diff = w_sum, w_diff

    def weights(self) -> dict[str, float]:
        return {"sum": self.w_sum / 2.0, "diff": self.w_diff / 2.0}

    def terms(self, pred: Tensor, prepared: Prepared) -> dict[str, Tensor]:
        found = self._spectral_total(self._signals(pred), prepared)
        return dict(zip(("sum", "diff"), found.chunk(2), strict=True))

    def total(self, pred: Tensor, prepared: Prepared) -> Tensor:
        return self._weighted(self.terms(pred, prepared))

    def key(self) -> tuple[object, ...]:
        return ("sum and difference", *super().key())

    def _signals(self, signal: Tensor) -> Tensor:
        if signal.shape[1] != 2:
            raise ValueError(f"sum and difference need stereo, (items, 2, samples); got {tuple(signal.shape)}")
        if self.mode == "parity":  # filtered after adding, or rounding in weak bins parts the gradients
            left, right = signal[:, :1], signal[:, 1:]
            return torch.cat([super()._signals(left + right), super()._signals(left - right)])
        left, right = super()._signals(signal).unbind(dim=1)
        return torch.cat([left + right, left - right]).unsqueeze(1)  # all sums, then all differences

    def _convergence(self, squares: Tensor, norms: Tensor) -> Tensor:
        parts = [
            super(SumAndDifferenceSTFTLoss, self)._convergence(*part)
            for part in zip(*(values.chunk(2) for values in (squares, norms)), strict=True)
        ]
        return torch.cat(parts)

    def _element_counts(self, view: View, signal: Tensor) -> dict[str, float]:
        return super()._element_counts(view, signal[: len(signal) // 2])


def _constants(view: View, signal: Tensor) -> tuple[Tensor, Tensor | None]:
    return view.window.to(signal.dtype), None if view.bank is None else view.bank.to(signal.dtype)


def _root(power: Tensor) -> Tensor:
    """Square root whose slope at 0 is 0."""
    return torch.where(power > 0, torch.where(power > 0, power, 1.0).sqrt(), 0.0)
