"""Losses against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from training.losses import masked  # noqa: E402
from training.losses.laplace import laplace_loss  # noqa: E402


def spectra(value: complex, batch: int = 2) -> torch.Tensor:
    return torch.full((batch, 5, 4), value, dtype=torch.complex64)


def test_log_residual_is_the_snr_gain_upside_down() -> None:
    target, noise = spectra(3 + 4j), 20.0 * torch.ones(2)  # 20 bins of power 1
    half = masked.log_residual(target + 0.5, target, noise)  # power 1/4 is left: 6 dB gained
    torch.testing.assert_close(half, torch.full((2,), math.log(0.25 + 0.01)))
    best = masked.log_residual(target, target, noise)
    torch.testing.assert_close(best, torch.full((2,), math.log(0.01)))


def test_complex_l1_is_relative() -> None:
    loss = masked.complex_l1(spectra(3 + 1j), spectra(1 + 1j), torch.tensor([1.0, 2.0]))
    torch.testing.assert_close(loss, torch.tensor([1.0, 0.5]))  # real parts differ by 2, imaginary by 0


def test_only_what_is_missing_is_over_suppression() -> None:
    scale = torch.ones(2)
    soft, loud = masked.compressed(spectra(1.0), scale), masked.compressed(spectra(16.0), scale)
    missing = (16.0**0.3 - 1.0) ** 2
    torch.testing.assert_close(masked.over_suppression(soft, loud), torch.full((2,), missing), rtol=1e-4, atol=0)
    assert float(masked.over_suppression(loud, soft).abs().max()) == 0.0


def test_gradients_are_finite_in_silence() -> None:
    gain = torch.full((1, 5, 4), 0.5, requires_grad=True)
    silence = torch.zeros(1, 5, 4, dtype=torch.complex64)
    small = masked.compressed(gain * silence, torch.ones(1))
    loss = masked.compressed_magnitude(small, small.detach() + 1.0) + masked.log_residual(
        gain * silence, silence, torch.full((1,), 1e-9)
    )
    loss.sum().backward()
    assert bool(torch.isfinite(gain.grad).all())


def test_laplace_loss_is_least_at_the_true_scale() -> None:
    torch.manual_seed(0)
    target = torch.distributions.Laplace(0.0, 2.0).sample((1, 100_000))
    mu, weight = torch.zeros_like(target), torch.ones_like(target)
    losses = [float(laplace_loss(mu, torch.full_like(mu, math.log(s)), target, weight)) for s in (1.5, 2.0, 2.6)]
    assert losses[1] < losses[0]
    assert losses[1] < losses[2]
