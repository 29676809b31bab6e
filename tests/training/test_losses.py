"""Losses against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from training.losses import extra, masked  # noqa: E402
from training.losses.laplace import laplace_loss  # noqa: E402


def spectra(value: complex, batch: int = 2) -> torch.Tensor:
    return torch.full((batch, 5, 4), value, dtype=torch.complex64)


def test_log_residual_is_the_snr_gain_upside_down() -> None:
    target, noise = spectra(3 + 4j), 20.0 * torch.ones(2)  # 20 bins of power 1
    half = masked.log_residual(target + 0.5, target, noise)  # power 1/4 is left: 6 dB gained
    torch.testing.assert_close(half, torch.full((2,), math.log(0.25 + 0.01)))
    best = masked.log_residual(target, target, noise)
    torch.testing.assert_close(best, torch.full((2,), math.log(0.01)))


def test_digital_silence_left_alone_has_nothing_left_and_a_gradient() -> None:
    gain = torch.full((1, 5, 4), 0.5, requires_grad=True)
    silence = torch.zeros(1, 5, 4, dtype=torch.complex64)
    loss = masked.log_residual(gain * silence, silence, torch.zeros(1))
    torch.testing.assert_close(loss, torch.full((1,), math.log(0.01)))
    loss.sum().backward()
    assert float(gain.grad.abs().max()) == 0.0


def test_complex_l1_is_the_mean_of_both_parts() -> None:
    loss = extra.complex_l1(spectra(3 + 1j), spectra(1 + 1j))
    torch.testing.assert_close(loss, torch.ones(2))  # real parts differ by 2, imaginary by 0


def test_only_what_is_missing_is_a_shortfall() -> None:
    soft, loud = extra.compressed(torch.ones(2, 5, 4)), extra.compressed(torch.full((2, 5, 4), 256.0))
    missing = torch.full((2,), (16.0**0.3 - 1.0) ** 2)
    torch.testing.assert_close(extra.squared_shortfall(soft, loud), missing, rtol=1e-4, atol=0)
    torch.testing.assert_close(extra.squared_difference(loud, soft), missing, rtol=1e-4, atol=0)
    assert float(extra.squared_shortfall(loud, soft).abs().max()) == 0.0


def test_compressed_silence_has_a_finite_gradient() -> None:
    power = torch.zeros(1, 5, 4, requires_grad=True)
    extra.squared_difference(extra.compressed(power), torch.ones(1, 5, 4)).sum().backward()
    assert bool(torch.isfinite(power.grad).all())


def test_laplace_loss_is_least_at_the_true_scale() -> None:
    torch.manual_seed(0)
    target = torch.distributions.Laplace(0.0, 2.0).sample((1, 100_000))
    mu, weight = torch.zeros_like(target), torch.ones_like(target)
    losses = [float(laplace_loss(mu, torch.full_like(mu, math.log(s)), target, weight)) for s in (1.5, 2.0, 2.6)]
    assert losses[1] < losses[0]
    assert losses[1] < losses[2]
