"""Promises that the networks keep before and after any training."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from models.denoiser.network import Denoiser, DenoiserConfig  # noqa: E402
from models.noise_profile.network import NoiseProfile  # noqa: E402

BINS = 1025


def denoiser_input(frames: int, signal_to_noise: float) -> torch.Tensor:
    """Features of a steady signal whose power is this many times the profile."""
    log_ratio = torch.full((1, BINS, frames), math.log(signal_to_noise))
    return torch.cat([torch.zeros_like(log_ratio), log_ratio], dim=1)


def shaken(model: torch.nn.Module, amount: float) -> torch.nn.Module:
    """The same network with random weights added everywhere."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(amount * torch.randn_like(parameter))
    return model.eval()


@pytest.mark.parametrize("ratio", [2.0, 10.0, 1000.0])
def test_an_untrained_denoiser_is_a_wiener_filter(ratio: float) -> None:
    gain = Denoiser().eval()(denoiser_input(40, ratio))
    wiener = (ratio - 1.0) / ratio  # prior / (1 + prior), prior = ratio - 1
    torch.testing.assert_close(gain, torch.full_like(gain, wiener), atol=1e-5, rtol=0)


def test_gains_never_leave_0_to_1_and_are_finite_at_the_ends_of_the_range() -> None:
    model = shaken(Denoiser(), 0.5)
    for log_ratio in (-7.0, 25.0):
        features = torch.full((1, 2 * BINS, 30), log_ratio)
        with torch.no_grad():
            gain = model(features)
        assert bool(torch.isfinite(gain).all())
        assert 0.0 <= float(gain.min()) <= float(gain.max()) <= 1.0


def test_what_is_far_above_the_noise_stays_whatever_was_learnt() -> None:
    model = shaken(Denoiser(), 0.5)
    limit = DenoiserConfig().correction
    with torch.no_grad():
        gain = model(denoiser_input(30, math.exp(25.0)))
    assert float(gain.min()) >= 1.0 / (1.0 + math.exp(limit - 25.0)) - 1e-6


def test_frames_beyond_the_context_have_no_influence() -> None:
    model = shaken(Denoiser(), 0.02)
    features = torch.randn(1, 2 * BINS, 160, generator=torch.Generator().manual_seed(1))
    whole = model(features)
    part = model(features[:, :, 40:120])
    torch.testing.assert_close(part[:, :, 28:-28], whole[:, :, 68:92], atol=1e-5, rtol=0)
    assert not torch.allclose(part[:, :, 1], whole[:, :, 41], atol=1e-3), "nothing depends on the neighbours"


def test_sizes_are_those_of_the_design() -> None:
    def count(model: torch.nn.Module) -> int:
        return sum(parameter.numel() for parameter in model.parameters())

    assert count(NoiseProfile()) == pytest.approx(0.134e6, rel=0.01)
    assert 4e6 < count(Denoiser()) < 5e6


def test_an_untrained_noise_profile_answers_with_its_base_statistic() -> None:
    statistics = torch.randn(2, 36, BINS, generator=torch.Generator().manual_seed(2))
    estimate = NoiseProfile().eval()(statistics)
    assert estimate.shape == (2, 2, BINS)
    torch.testing.assert_close(estimate[:, 0], statistics[:, 0])


def test_louder_recordings_get_louder_profiles() -> None:
    model = shaken(NoiseProfile(), 0.05)
    statistics = torch.randn(1, 36, BINS, generator=torch.Generator().manual_seed(2))
    colder = statistics.clone()
    colder[:, 1:25] -= colder[:, :1]  # log powers relative to a base of 0
    colder[:, :1] = 0.0
    relative = model.relative(statistics)
    torch.testing.assert_close(relative[:, 1:], model.relative(colder)[:, 1:])
