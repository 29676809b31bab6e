"""Losses on spectra that auraloss doesn't have, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from training.losses import (  # noqa: E402
    ComplexSTFTLoss,
    CompressedMagnitudeLoss,
    Loss,
    OverSuppressionLoss,
    PhaseLoss,
)

KINDS = (ComplexSTFTLoss, CompressedMagnitudeLoss, OverSuppressionLoss, PhaseLoss)


def noise(seed: int = 0, frames: int = 8192) -> Tensor:
    return 0.1 * torch.randn(1, 1, frames, generator=torch.Generator().manual_seed(seed))


def gradient(loss: Loss, pred: Tensor, target: Tensor) -> Tensor:
    pred = pred.clone().requires_grad_()
    loss(pred, target).sum().backward()
    assert pred.grad is not None
    return pred.grad


def tone(phase: float, frames: int = 8192, period: float = 16.0) -> Tensor:
    """A tone in the middle of a bin of any FFT here."""
    angle = 2.0 * math.pi * torch.arange(frames, dtype=torch.float64) / period
    return (0.5 * (angle + phase).sin()).float().reshape(1, 1, -1)


def test_the_complex_distance_to_silence_is_that_of_gaussian_noise() -> None:
    # Real and imaginary parts are normal with half the power each: E|.| = sqrt(1/2) sqrt(2/pi) of the RMS.
    long = noise(frames=262_144)
    found = float(ComplexSTFTLoss()(torch.zeros_like(long), long))
    assert found == pytest.approx(math.sqrt(1.0 / math.pi), rel=0.01)


def test_the_complex_distance_is_relative_and_linear() -> None:
    target = noise()
    whole = float(ComplexSTFTLoss()(0.0 * target, target))
    assert float(ComplexSTFTLoss()(0.75 * target, target)) == pytest.approx(0.25 * whole, rel=1e-4)
    assert float(ComplexSTFTLoss()(0.0075 * target, 0.01 * target)) == pytest.approx(0.25 * whole, rel=1e-4)


def test_a_doubled_level_costs_what_the_power_law_says() -> None:
    target = noise(frames=262_144)
    loss = CompressedMagnitudeLoss(output="full")
    found = float(loss(2.0 * target, target)[1]["compressed"])
    # |Y|^2 of noise is exponential with mean 1, so the mean of |Y|^0.6 is gamma(1.3).
    assert found == pytest.approx((2.0**0.3 - 1.0) ** 2 * math.gamma(1.3), rel=0.01)


def test_over_suppression_is_one_sided() -> None:
    target = noise(frames=262_144)
    found = float(OverSuppressionLoss()(0.5 * target, target))
    assert found == pytest.approx((1.0 - 0.5**0.3) ** 2 * math.gamma(1.3), rel=0.01)
    assert float(OverSuppressionLoss()(2.0 * target, target)) == 0.0


@pytest.mark.parametrize("turn", [0.1, 1.0, 3.0, math.pi, 4.0])
def test_a_turned_tone_costs_one_minus_the_cosine(turn: float) -> None:
    terms = PhaseLoss(output="full")(tone(turn, 65_536), tone(0.0, 65_536))[1]
    assert float(terms["phase"]) == pytest.approx(1.0 - math.cos(turn), abs=0.02)  # mirrored edges differ
    assert float(terms["instantaneous_frequency"]) < 0.05  # turned alike everywhere: neither slope has changed
    assert float(terms["group_delay"]) < 0.05


def test_an_inverted_signal_has_the_wrong_phase_and_the_right_slopes() -> None:
    terms = PhaseLoss(output="full")(-noise(), noise())[1]
    assert float(terms["phase"]) == pytest.approx(2.0, abs=0.01)
    assert float(terms["group_delay"]) == pytest.approx(0.0, abs=1e-6)
    assert float(terms["instantaneous_frequency"]) == pytest.approx(0.0, abs=1e-6)


def test_a_detuned_tone_turns_by_the_detuning_every_hop() -> None:
    period, hop = 16.0, 64
    detuned = 1.0 / (1.0 / period + 1.0 / (8.0 * hop))  # an eighth of a turn more per hop
    loss = PhaseLoss(fft_size=256, hop_size=hop, win_length=256, output="full")
    terms = loss(tone(0.0, 32_768, detuned), tone(0.0, 32_768, period))[1]
    assert float(terms["instantaneous_frequency"]) == pytest.approx(1.0 - math.cos(math.pi / 4.0), abs=0.03)


def test_a_delay_is_a_slope_over_frequency() -> None:
    impulse = torch.zeros(1, 1, 4096)
    impulse[..., 2048] = 1.0  # in the middle of one frame, outside the others' windows
    moved = impulse.roll(8, dims=-1)
    loss = PhaseLoss(hop_size=512, output="full")
    found = float(loss(moved, impulse)[1]["group_delay"])
    assert found == pytest.approx(1.0 - math.cos(2.0 * math.pi * 8.0 / 1024.0), rel=0.02)


def test_the_phase_term_passes_pi_without_a_jump() -> None:
    loss = PhaseLoss()
    before, after = (float(loss(tone(math.pi + turn), tone(0.0))) for turn in (-1e-3, 1e-3))
    assert before == pytest.approx(after, abs=1e-3)


def test_a_weight_of_zero_leaves_its_term_out() -> None:
    _, terms = PhaseLoss(w_delay=0.0, w_frequency=0.0, output="full")(noise(1), noise())
    assert set(terms) == {"phase", "silence"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_level_of_the_recording_plays_no_part(kind: type[Loss]) -> None:
    target, pred = noise(), noise() + 0.3 * noise(1)
    loud, soft = (float(kind()(gain * pred, gain * target)) for gain in (1.0, 0.01))
    assert soft == pytest.approx(loud, rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_silent_target_costs_ten_times_the_absolute_error(kind: type[Loss]) -> None:
    pred, silence = torch.full((1, 1, 4096), 0.25), torch.zeros(1, 1, 4096)
    assert float(kind()(pred, silence)) == pytest.approx(2.5)
    assert float(kind()(silence, silence)) == 0.0


@pytest.mark.parametrize("kind", [ComplexSTFTLoss, CompressedMagnitudeLoss, PhaseLoss])
def test_a_prediction_of_exactly_zero_is_pulled_towards_the_target(kind: type[Loss]) -> None:
    target = noise()
    pull = -gradient(kind(), torch.zeros_like(target), target)
    assert float((pull * target).sum()) > 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_fewer_samples_than_a_window_are_enough(kind: type[Loss]) -> None:
    for frames in (1, 30, 400):
        found = gradient(kind(), noise(1, frames), noise(0, frames))
        assert bool(torch.isfinite(found).all())


@pytest.mark.parametrize("kind", KINDS)
def test_a_prepared_target_gives_the_same(kind: type[Loss]) -> None:
    loss = kind()
    torch.testing.assert_close(loss(noise(1), loss.prepare(noise())), loss(noise(1), noise()), rtol=0.0, atol=0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_checkpoints_do_not_hold_windows(kind: type[Loss]) -> None:
    assert kind().state_dict() == {}


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        ComplexSTFTLoss(fft_size=256, win_length=512)
    with pytest.raises(ValueError, match="power"):
        CompressedMagnitudeLoss(power=0.0)
    with pytest.raises(ValueError, match="boxcar"):
        PhaseLoss(window="boxcar")
