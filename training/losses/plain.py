"""The distances of `fused`, written the way autograd differentiates them, and two that only exist here.

Slower and three times the memory; taken when the target is scaled to the prediction or phases are compared, and the
truth that the fused path is tested against.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor

from training.losses.fused import Distances, Group, Reference, per_item, refer
from training.losses.transform import transform

AXES: Final = (1, 2, 3)


class Extras(NamedTuple):
    """What the fused path can't do."""

    scale_target: bool = False  # by the factor that brings it nearest to the prediction
    raw_angles: bool = False  # "phs" is the mean square difference of angles, not 1 - cos weighted by magnitude


PLAIN: Final = Extras()


def distances(
    signal: Tensor,
    target: Tensor,
    window: Tensor,
    bank: Tensor | None,
    reference: Reference | None,
    wanted: Distances,
    extras: Extras = PLAIN,
) -> tuple[Tensor, Tensor]:
    """Return what `fused.distances` returns; groups may hold "phs" as well, and norms carry a gradient."""
    if reference is None:
        with torch.no_grad():
            reference = refer(target, window, bank, wanted)
    items, channels, samples = signal.shape
    spectra = transform(signal.reshape(-1, samples), window, wanted.size)
    spectra = spectra.reshape(items, channels, *spectra.shape[1:])
    power = spectra.real.square() + spectra.imag.square()
    magnitude = (
        power.clamp(min=wanted.clamp) if wanted.clamp is not None else power + per_item(reference.floor)
    ).sqrt()
    bands = magnitude if bank is None else magnitude @ bank.T
    aim = reference.magnitude
    if extras.scale_target:
        aim = aim * per_item((bands * aim).sum(dim=AXES) / aim.square().sum(dim=AXES))
    norm = torch.linalg.vector_norm(aim, dim=AXES)
    terms = _terms(bands, aim, norm, wanted)
    if reference.spectrum is not None:
        apart = torch.view_as_real(spectra - reference.spectrum)
        terms["complex"] = apart.abs().mean(dim=(1, 2, 3, 4)) / reference.scale
        if wanted.wants("phs"):
            terms["phs"] = _phase(spectra, magnitude, reference, extras.raw_angles)
    return torch.stack([_weighted(group, terms) for group in wanted.groups]), norm


def _terms(bands: Tensor, aim: Tensor, norm: Tensor, wanted: Distances) -> dict[str, Tensor]:
    difference = bands - aim
    found = {}
    if wanted.wants("squares"):
        found["squares"] = difference.square().sum(dim=AXES)
    if wanted.wants("sc"):
        found["sc"] = torch.linalg.vector_norm(difference, dim=AXES) / norm
    if wanted.wants("log"):
        logs = bands.log() - aim.log()
        found["log"] = (logs.square() if wanted.squared else logs.abs()).mean(dim=AXES)
    if wanted.wants("lin"):
        mean = (difference.square() if wanted.squared else difference.abs()).mean(dim=AXES)
        found["lin"] = mean if wanted.lin_bands is None else mean * (bands.shape[-1] / wanted.lin_bands)
    return found


def _phase(spectra: Tensor, magnitude: Tensor, reference: Reference, raw_angles: bool) -> Tensor:
    assert reference.spectrum is not None
    if raw_angles:
        return (spectra.angle() - reference.spectrum.angle()).square().mean(dim=AXES)
    product = spectra.real * reference.spectrum.real + spectra.imag * reference.spectrum.imag
    target = (reference.spectrum.real.square() + reference.spectrum.imag.square() + per_item(reference.floor)).sqrt()
    return (target - product / magnitude).sum(dim=AXES) / target.sum(dim=AXES)


def _weighted(group: Group, terms: dict[str, Tensor]) -> Tensor:
    return torch.stack([weight * terms[name] for name, weight in group.items()]).sum(dim=0)
