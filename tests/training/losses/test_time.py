"""Losses on samples against numbers worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from training.losses import DCLoss, ESRLoss, LogCoshLoss, Loss, SDSDRLoss, SISDRLoss, SNRLoss  # noqa: E402

FRAMES = 4096
RATIOS = (ESRLoss, DCLoss, SNRLoss, SISDRLoss, SDSDRLoss)
DECIBELS = (SNRLoss, SISDRLoss, SDSDRLoss)


def sine(level: float = 1.0, quarter: bool = False) -> Tensor:
    """64 whole periods of RMS `level`, shape (1, 1, FRAMES); a quarter of a period later it is at right angles."""
    phase = 2.0 * math.pi * torch.arange(FRAMES, dtype=torch.float64) / 64.0
    wave = phase.cos() if quarter else phase.sin()
    return (level * math.sqrt(2.0) * wave).float().reshape(1, 1, -1)


def gradient(loss: Loss, pred: Tensor, target: Tensor) -> Tensor:
    pred = pred.clone().requires_grad_()
    loss(pred, target).sum().backward()
    assert pred.grad is not None
    return pred.grad


@pytest.mark.parametrize("mode", ["safe", "parity"])
def test_a_tenth_of_the_signal_as_error_is_minus_twenty_decibels(mode: str) -> None:
    target, pred = sine(0.5), sine(0.5) + sine(0.05, quarter=True)
    assert float(ESRLoss(mode=mode)(pred, target)) == pytest.approx(0.01, rel=1e-4)
    for kind in DECIBELS:
        assert float(kind(mode=mode)(pred, target)) == pytest.approx(-20.0, abs=1e-3)


@pytest.mark.parametrize("mode", ["safe", "parity"])
def test_an_offset_costs_its_share_of_the_power_and_no_ratio_sees_it(mode: str) -> None:
    target = sine(0.5)
    assert float(DCLoss(mode=mode)(target + 0.05, target)) == pytest.approx(0.01, rel=1e-4)
    noisy = target + sine(0.05, quarter=True)
    for kind in DECIBELS:
        assert float(kind(mode=mode)(noisy + 0.3, target)) == pytest.approx(-20.0, abs=1e-3)
        seen = kind(zero_mean=False, mode=mode)(noisy + 0.3, target)
        assert float(seen) > -20.0 + 3.0


def test_half_the_level_is_perfect_only_to_the_scale_invariant_ratio() -> None:
    target = sine(0.5)
    assert float(SISDRLoss()(0.5 * target, target)) == pytest.approx(-80.0, abs=0.01)
    assert float(SNRLoss()(0.5 * target, target)) == pytest.approx(20.0 * math.log10(0.5), abs=1e-3)
    assert float(SDSDRLoss()(0.5 * target, target)) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("level", [1.0, 1e-2, 2e-4])
@pytest.mark.parametrize("kind", DECIBELS)
def test_perfect_is_minus_eighty_decibels_at_any_level(kind: type[Loss], level: float) -> None:
    assert float(kind()(sine(level), sine(level))) == pytest.approx(-80.0, abs=0.01)


@pytest.mark.parametrize("gain", [4.0, 0.25, -1.0])
def test_no_other_scale_beats_the_target_itself(gain: float) -> None:
    noise = torch.randn(1, 1, FRAMES, generator=torch.Generator().manual_seed(0))
    assert float(SISDRLoss()(gain * noise, noise)) >= float(SISDRLoss()(noise, noise)) - 1e-3


def test_silence_as_a_prediction_is_no_success() -> None:
    for kind in DECIBELS:
        assert float(kind()(torch.zeros(1, 1, FRAMES), sine(0.1))) >= -1e-3


@pytest.mark.parametrize("level", [1.0, 1e-2, 1e-3])
def test_a_prediction_with_nothing_of_the_target_is_no_worse_than_eighty_decibels(level: float) -> None:
    target, other = sine(0.5).double(), sine(level, quarter=True).double()
    assert float(SISDRLoss()(other, target)) == pytest.approx(80.0, abs=0.05)
    # Steepest where the target's share is the root of the floor: there -10 log10 falls by 10 / ln 10 per such share.
    share = 1e-4 * level
    slope = gradient(SISDRLoss(), other + share * sine().double(), target)
    assert float(slope.norm()) == pytest.approx(10.0 / math.log(10.0) / (share * FRAMES**0.5), rel=0.01)


@pytest.mark.parametrize("level", [1.0, 1e-2, 1e-4])
def test_si_sdr_does_not_depend_on_the_level_of_the_recording(level: float) -> None:
    pred = sine(level) + sine(0.01 * level, quarter=True)
    assert float(SISDRLoss(mask_silence=False)(pred, sine(level))) == pytest.approx(-40.0, abs=0.1)


@pytest.mark.parametrize("kind", RATIOS)
def test_a_silent_target_costs_ten_times_the_absolute_error(kind: type[Loss]) -> None:
    silence, hum = torch.zeros(1, 1, FRAMES), sine(0.3)
    cost = 10.0 * 0.3 * math.sqrt(2.0) * 2.0 / math.pi  # the mean of a rectified sine is 2/pi of its peak
    assert float(kind()(hum, silence)) == pytest.approx(cost, rel=1e-3)
    assert float(kind()(silence, silence)) == 0.0
    assert float(gradient(kind(), silence, silence).abs().max()) == 0.0
    assert float(kind()(hum / 2.0, silence)) == pytest.approx(cost / 2.0, rel=1e-3)


@pytest.mark.parametrize("kind", RATIOS)
def test_one_silent_channel_does_not_drown_the_other(kind: type[Loss]) -> None:
    target = torch.cat([sine(0.3), torch.zeros(1, 1, FRAMES)], dim=1)
    pred = torch.cat([sine(0.3) + 0.01, torch.full((1, 1, FRAMES), 0.01)], dim=1)
    alone = kind()(pred[:, :1], target[:, :1])
    dead = kind()(pred[:, 1:], target[:, 1:])
    torch.testing.assert_close(kind()(pred, target), (alone + dead) / 2.0)
    assert bool(torch.isfinite(gradient(kind(), pred, target)).all())


def test_terms_times_weights_are_the_total() -> None:
    target = torch.cat([sine(0.3), torch.zeros(1, 1, FRAMES)])
    pred = target + sine(0.03, quarter=True)
    for kind in (*RATIOS, LogCoshLoss):
        loss = kind(output="full", reduction="none")
        total, terms = loss(pred, target)
        assert total.shape == (2,)
        torch.testing.assert_close(total, sum(loss.weights()[name] * term for name, term in terms.items()))
        torch.testing.assert_close(total, kind(reduction="none")(pred, target))


def test_log_cosh_is_a_line_for_large_errors_and_a_square_for_small_ones() -> None:
    for error in (1e-6, 1e-4, 5e-3, 0.02, 0.5, 3.0, 19.0, 21.0, 100.0, 1e4):
        exact = math.log1p(2.0 * math.sinh(error / 2.0) ** 2) if error < 300.0 else error - math.log(2.0)
        found = LogCoshLoss()(torch.full((1, 1, 7), error), torch.zeros(1, 1, 7))
        assert float(found) == pytest.approx(exact, rel=1e-5)


def test_log_cosh_pulls_with_tanh() -> None:
    errors = torch.tensor([-100.0, -3.0, -1e-3, 0.0, 1e-5, 0.3, 20.5]).reshape(1, 1, -1)
    for a in (1.0, 2.5):
        found = gradient(LogCoshLoss(a), errors, torch.zeros_like(errors))
        torch.testing.assert_close(found, (a * errors).tanh() / 7.0, rtol=1e-5, atol=0.0)


def test_log_cosh_scales_with_its_bend() -> None:
    error = torch.full((2, 1, 5), 0.7)
    found = LogCoshLoss(a=4.0)(error, torch.zeros_like(error))
    assert float(found) == pytest.approx(math.log(math.cosh(2.8)) / 4.0, rel=1e-5)
    with pytest.raises(ValueError, match="greater than 0"):
        LogCoshLoss(a=0.0)


@pytest.mark.parametrize("kind", [*RATIOS, LogCoshLoss])
def test_a_prepared_target_gives_the_same(kind: type[Loss]) -> None:
    target, pred = sine(0.4), sine(0.4) + sine(0.1, quarter=True) + 0.02
    for mode in ("safe", "parity"):
        loss = kind(mode=mode)
        torch.testing.assert_close(loss(pred, loss.prepare(target)), loss(pred, target), rtol=0.0, atol=0.0)
    other = kind(mode="parity")
    torch.testing.assert_close(other(pred, kind().prepare(target)), other(pred, target), rtol=0.0, atol=0.0)


def test_losses_that_keep_the_same_of_a_target_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    target, pred = sine(0.4), sine(0.4) + sine(0.1, quarter=True) + 0.02
    for makers in (DECIBELS, (ESRLoss, DCLoss)):
        given = makers[0]().prepare(target)
        for kind in makers:
            loss = kind()
            expected = loss(pred, target)
            with monkeypatch.context() as patch:
                patch.setattr(loss, "references", lambda target: pytest.fail("worked out again"))
                torch.testing.assert_close(loss(pred, given), expected, rtol=0.0, atol=0.0)


@pytest.mark.parametrize("other", [ESRLoss, lambda: SNRLoss(zero_mean=False), lambda: SNRLoss(mode="parity")])
def test_losses_that_keep_something_else_work_it_out_themselves(other: Callable[[], Loss]) -> None:
    target, pred = sine(0.4) + 0.1, sine(0.4) + sine(0.1, quarter=True) + 0.02
    given = other().prepare(target)
    torch.testing.assert_close(SNRLoss()(pred, given), SNRLoss()(pred, target), rtol=0.0, atol=0.0)


@pytest.mark.parametrize("kind", [*RATIOS, LogCoshLoss])
def test_a_second_derivative_is_refused(kind: type[Loss]) -> None:
    pred, target = (sine(0.4) + sine(0.1, quarter=True)).requires_grad_(), sine(0.4)
    loss = kind()(pred, target)
    with pytest.raises(RuntimeError, match="no second derivative"):
        torch.autograd.grad(loss, pred, create_graph=True)
