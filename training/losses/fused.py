"""Distances between two spectrograms and their gradients, worked out together, a few items at a time.

A spectrogram of a training batch is some 30 MB; a dozen passes over it, each out of main memory, cost more than all
FFTs. Here every chunk stays in the cache from its first FFT to the gradient of its samples, and only that gradient
is kept for the backward pass: a hundredth of what autograd would save.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from training.losses.base import LEAST_FLOOR, RELATIVE_FLOOR, first_order
from training.losses.transform import Resolution, adjoint, analyse

CHUNK_BINS: Final = 2**18  # 1 MB of fp32: what a core's own cache holds
CHUNKS_PER_THREAD: Final = 2  # with several: each operation waits for the slowest, so there should be fewer
Group = Mapping[str, float]  # term: weight


class Reference(NamedTuple):
    """A target's side of one resolution; all without gradient."""

    magnitude: Tensor  # (items, channels, frames, bands), floored or clamped
    norm: Tensor  # (items,), root of the sum of squares of `magnitude`
    floor: Tensor  # (items,), added to powers; not used if clamped
    scale: Tensor  # (items,), root of the mean power of all bins
    spectrum: Tensor | None = None  # (items, channels, frames, bins), complex


@dataclass(frozen=True)
class Distances:
    """Which distances to take at one resolution, in groups; each group gives one number and one gradient per item.

    Terms are "squares" (sum of squared differences of magnitudes), "sc" (their root over the target's norm), "log" and
    "lin" (means over bands and frames), "complex" (mean over real and imaginary parts, relative to the target).
    """

    size: Resolution
    groups: tuple[Group, ...]
    squared: bool = False  # "log" and "lin" are mean squares
    clamp: float | None = None  # least power; None: a floor is added instead
    floor: float = RELATIVE_FLOOR  # of the target's mean power
    lin_bands: int | None = None  # divides "lin" if it isn't the number of bands

    def wants(self, *names: str) -> bool:
        """Whether any of these terms is in any group."""
        return any(name in group for group in self.groups for name in names)


def refer(target: Tensor, window: Tensor, bank: Tensor | None, wanted: Distances) -> Reference:
    """Work out a target (items, channels, samples) at one resolution."""
    items, channels, samples = target.shape
    spectra = analyse(target.reshape(-1, samples), window, wanted.size)
    spectra = spectra.reshape(items, channels, *spectra.shape[1:])
    power = (spectra * spectra.conj()).real
    mean = power.mean(dim=(1, 2, 3))
    floor = (wanted.floor * mean).clamp(min=LEAST_FLOOR)
    magnitude = _root(power, wanted.clamp, floor)
    bands = magnitude if bank is None else magnitude @ bank.T
    norm = bands.square().sum(dim=(1, 2, 3)).sqrt()
    return Reference(
        bands, norm, floor, mean.clamp(min=LEAST_FLOOR).sqrt(), spectra if wanted.wants("complex", "phs") else None
    )


def prepare(target: Tensor, window: Tensor, bank: Tensor | None, wanted: Distances) -> Reference:
    """The same, a few items at a time."""
    parts = [refer(target[part], window, bank, wanted) for part in _chunks(target, wanted.size)]
    return Reference(*(None if column[0] is None else torch.cat(column) for column in zip(*parts, strict=True)))  # type: ignore[arg-type]


def _root(power: Tensor, clamp: float | None, floor: Tensor) -> Tensor:
    return (power.clamp(min=clamp) if clamp is not None else power + per_item(floor)).sqrt_()


def per_item(values: Tensor) -> Tensor:
    """Shape (items,) against (items, channels, frames, bands)."""
    return values[:, None, None, None]


class _Distances(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        signal: Tensor,
        target: Tensor,
        window: Tensor,
        bank: Tensor | None,
        wanted: Distances,
        *reference: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        values, norms, gradients = [], [], []
        for part in _chunks(signal, wanted.size):
            if reference:
                ref = Reference(*(None if whole is None else whole[part] for whole in reference))  # type: ignore[arg-type]
            else:
                ref = refer(target[part], window, bank, wanted)
            value, gradient = _chunk(signal[part], window, bank, ref, wanted, ctx.needs_input_grad[0])
            values.append(value)
            norms.append(ref.norm)
            gradients.append(gradient)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(torch.cat(gradients, dim=1))
        norm = torch.cat(norms)
        ctx.mark_non_differentiable(norm)
        return torch.cat(values, dim=1), norm

    @staticmethod
    @first_order
    def backward(ctx: Any, *above: Any) -> tuple[Tensor | None, ...]:
        (gradients,) = ctx.saved_tensors  # (groups, items, channels, samples)
        return (gradients * above[0][:, :, None, None]).sum(dim=0), *[None] * (len(ctx.needs_input_grad) - 1)


def distances(
    signal: Tensor, target: Tensor, window: Tensor, bank: Tensor | None, reference: Reference | None, wanted: Distances
) -> tuple[Tensor, Tensor]:
    """Return each group's weighted sum of terms (groups, items) and the targets' norms (items,).

    Parameters
    ----------
    signal, target
        Shape (items, channels, samples).
    window, bank
        Shape (win,) and (bands, bins) or None for the bins themselves.
    reference
        What `prepare` made of the target, or None: then it is worked out on the way and not kept.
    """
    found: tuple[Tensor, Tensor] = _Distances.apply(  # type: ignore[no-untyped-call]
        signal, target, window, bank, wanted, *(reference or ())
    )
    return found


def _chunks(signal: Tensor, size: Resolution) -> list[slice]:
    items, channels, samples = signal.shape
    step = items
    if signal.device.type == "cpu" and not torch.compiler.is_compiling():
        threads = torch.get_num_threads()
        bins = CHUNK_BINS if threads == 1 else CHUNK_BINS * CHUNKS_PER_THREAD * threads
        step = max(1, min(items, bins // (channels * size.frames(samples) * size.bins)))
    return [slice(first, first + step) for first in range(0, items, step)]


def _chunk(
    signal: Tensor, window: Tensor, bank: Tensor | None, ref: Reference, wanted: Distances, with_gradient: bool
) -> tuple[Tensor, Tensor]:
    """Values (groups, items) and gradients (groups, items, channels, samples) of a few items."""
    items, channels, samples = signal.shape
    spectra = analyse(signal.reshape(-1, samples), window, wanted.size)
    spectra = spectra.reshape(items, channels, *spectra.shape[1:])
    magnitude = _root((spectra * spectra.conj()).real, wanted.clamp, ref.floor)
    bands = magnitude if bank is None else magnitude @ bank.T
    difference = bands - ref.magnitude
    log_ratio = (bands / ref.magnitude).log_() if wanted.wants("log") else None
    apart = None
    if ref.spectrum is not None and wanted.wants("complex"):
        apart = torch.view_as_real(spectra - ref.spectrum)
    terms = _terms(difference, log_ratio, apart, ref, wanted)
    values = torch.stack([_weighted(group, terms) for group in wanted.groups])
    if not with_gradient:
        return values, values
    gradients = []
    for index, group in enumerate(wanted.groups):
        slope = _slope(group, terms, difference, log_ratio, bands, ref, wanted)
        slope = slope if bank is None else slope @ bank
        slope.div_(magnitude)
        if wanted.clamp is not None:  # a clamped bin has no slope
            edge = torch.full((), wanted.clamp, dtype=slope.dtype, device=slope.device).sqrt()
            slope = torch.where(magnitude > edge, slope, 0.0)
        last = index == len(wanted.groups) - 1
        gradient = spectra.mul_(slope) if last else spectra * slope
        if apart is not None and "complex" in group:
            gradient += torch.view_as_complex(
                apart.sign() * (per_item(1.0 / ref.scale)[..., None] * (group["complex"] / apart[0].numel()))
            )
        gradients.append(adjoint(gradient.flatten(0, 1), window, wanted.size, samples).reshape(signal.shape))
    return values, torch.stack(gradients)


def _terms(
    difference: Tensor, log_ratio: Tensor | None, apart: Tensor | None, ref: Reference, wanted: Distances
) -> dict[str, Tensor]:
    axes = (1, 2, 3)
    found = {}
    count = difference[0].numel()
    if wanted.wants("squares", "sc"):
        found["squares"] = difference.square().sum(dim=axes)
        found["sc"] = found["squares"].sqrt() / ref.norm
    if log_ratio is not None:
        found["log"] = (log_ratio.square() if wanted.squared else log_ratio.abs()).sum(dim=axes) / count
    if wanted.wants("lin"):
        total = (difference.square() if wanted.squared else difference.abs()).sum(dim=axes)
        found["lin"] = total / _lin_count(difference, wanted)
    if apart is not None:
        found["complex"] = apart.abs().sum(dim=(1, 2, 3, 4)) / (apart[0].numel() * ref.scale)
    return found


def _weighted(group: Group, terms: dict[str, Tensor]) -> Tensor:
    return torch.stack([weight * terms[name] for name, weight in group.items()]).sum(dim=0)


def _lin_count(difference: Tensor, wanted: Distances) -> int:
    count = difference[0].numel()
    return count if wanted.lin_bands is None else count // difference.shape[-1] * wanted.lin_bands


def _slope(
    group: Group,
    terms: dict[str, Tensor],
    difference: Tensor,
    log_ratio: Tensor | None,
    bands: Tensor,
    ref: Reference,
    wanted: Distances,
) -> Tensor:
    """Slope of a group's value in `bands`."""
    per_difference = torch.zeros_like(ref.norm)  # (items,)
    per_sign = 0.0
    if "squares" in group:
        per_difference = per_difference + 2.0 * group["squares"]
    if "sc" in group:
        root = terms["squares"].sqrt()
        per_difference = per_difference + torch.where(
            root > 0, group["sc"] / (torch.where(root > 0, root, 1.0) * ref.norm), 0.0
        )
    if "lin" in group:
        share = group["lin"] / _lin_count(difference, wanted)
        if wanted.squared:
            per_difference = per_difference + 2.0 * share
        else:
            per_sign = share
    slope = difference * per_item(per_difference)
    sign = difference.sign() if not wanted.squared and ("log" in group or per_sign) else None
    if sign is not None and per_sign:
        slope.add_(sign, alpha=per_sign)
    if "log" in group and log_ratio is not None:
        share = group["log"] / difference[0].numel()
        if sign is None:
            slope.addcdiv_(log_ratio, bands, value=2.0 * share)
        else:
            slope.addcdiv_(sign, bands, value=share)
    return slope
