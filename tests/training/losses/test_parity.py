"""Parity mode equals auraloss 0.4.0, in value and gradient, over seeds, precisions and arguments."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("auraloss")

import auraloss.freq as peer_freq  # noqa: E402
import auraloss.perceptual as peer_perceptual  # noqa: E402
import auraloss.time as peer_time  # noqa: E402

from training import losses  # noqa: E402
from training.losses.random_resolution import Drawn  # noqa: E402
from training.losses.transform import Resolution  # noqa: E402

SEEDS = 20 if os.environ.get("SHELLAC_THOROUGH") else 3  # `make thorough` takes all of them
VALUE, GRADIENT = 1e-6, 1e-5  # relative; fp64 is held to the same
SAMPLES = 1500
SIZES = ([256, 512], [60, 128], [200, 512])
MEL: dict[str, Any] = {"scale": "mel", "n_bins": 24, "sample_rate": 44100}
ARGUMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"w_sc": 0.0},
    {"w_log_mag": 0.0},
    {"w_lin_mag": 0.5, "window": "hamming_window"},
    {"mag_distance": "L2", "w_lin_mag": 0.5},
    {"w_phs": 0.1, "w_log_mag": 0.5},
    {"eps": 1e-3, "window": "kaiser_window"},
    {"reduction": "sum", "w_lin_mag": 0.5},
    MEL,
    {**MEL, "w_lin_mag": 1.0, "mag_distance": "L2"},
    {**MEL, "reduction": "sum", "w_phs": 0.1},
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """So little work gains nothing from a second thread, and loses much to one on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batch(seed: int, dtype: Any, *shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A prediction half right, and a target."""
    generator = torch.Generator().manual_seed(seed)
    target, error = (0.2 * torch.randn(*shape, generator=generator, dtype=dtype) for _ in range(2))
    return 0.5 * target + error, target


def value_and_gradient(loss: Any, pred: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    pred = pred.clone().requires_grad_()
    value = loss(pred, target)
    value.backward()
    assert pred.grad is not None
    return value.detach(), pred.grad


def distance(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found.double() - expected.double()).norm() / expected.double().norm())


def assert_equal(theirs: Any, ours: Any, pred: torch.Tensor, target: torch.Tensor) -> None:
    (value, slope), (expected, expected_slope) = (value_and_gradient(one, pred, target) for one in (ours, theirs))
    assert distance(value, expected) < VALUE
    assert distance(slope, expected_slope) < GRADIENT


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_multi_resolution(arguments: dict[str, Any], dtype: Any) -> None:
    theirs = peer_freq.MultiResolutionSTFTLoss(*SIZES, **arguments).to(dtype)
    ours = losses.MultiResolutionSTFTLoss(*SIZES, **arguments, mode="parity")
    for seed in range(SEEDS):
        assert_equal(theirs, ours, *batch(seed, dtype, 2, 2, SAMPLES))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("arguments", ARGUMENTS[::3], ids=str)
def test_sum_and_difference(arguments: dict[str, Any], dtype: Any) -> None:
    theirs = peer_freq.SumAndDifferenceSTFTLoss(*SIZES, w_sum=1.5, w_diff=0.5, **arguments).to(dtype)
    ours = losses.SumAndDifferenceSTFTLoss(*SIZES, w_sum=1.5, w_diff=0.5, **arguments, mode="parity")
    for seed in range(SEEDS):
        assert_equal(theirs, ours, *batch(seed, dtype, 2, 2, SAMPLES))


@pytest.mark.parametrize("name", ["STFTLoss", "MultiResolutionSTFTLoss", "MelSTFTLoss"])
def test_defaults(name: str) -> None:
    rate: dict[str, Any] = {"sample_rate": 16000, "n_mels": 40} if name == "MelSTFTLoss" else {}
    theirs, ours = getattr(peer_freq, name)(**rate), getattr(losses, name)(**rate, mode="parity")
    for seed in range(3):
        assert_equal(theirs, ours, *batch(seed, torch.float32, 3, 1, 6000))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scale_invariance_of_one_item(dtype: Any) -> None:
    theirs = peer_freq.STFTLoss(256, 64, 256, scale_invariance=True)
    ours = losses.STFTLoss(256, 64, 256, scale_invariance=True, mode="parity")
    for seed in range(SEEDS):
        assert_equal(theirs, ours, *batch(seed, dtype, 1, 1, SAMPLES))


def test_digital_silence_within_a_signal() -> None:
    for seed in range(SEEDS):
        pred, target = batch(seed, torch.float32, 2, 1, SAMPLES)
        pred[..., 300:800] = 0.0  # clamped bins: no slope
        target[..., 500:1000] = 0.0
        theirs = peer_freq.MultiResolutionSTFTLoss(*SIZES)
        assert_equal(theirs, losses.MultiResolutionSTFTLoss(*SIZES, mode="parity"), pred, target)


def test_a_perfect_prediction_has_no_gradient() -> None:
    _, target = batch(0, torch.float32, 2, 1, SAMPLES)
    value, gradient = value_and_gradient(losses.MultiResolutionSTFTLoss(mode="parity"), target, target)
    assert float(value) == 0.0
    assert float(gradient.abs().max()) == 0.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [{}, MEL], ids=["bins", "mel"])
@pytest.mark.parametrize("name", ["MultiResolutionSTFTLoss", "SumAndDifferenceSTFTLoss"])
def test_a_weighting(name: str, scale: dict[str, Any], dtype: Any) -> None:
    arguments: dict[str, Any] = {"perceptual_weighting": True, "sample_rate": 44100, **scale}
    theirs = getattr(peer_freq, name)(*SIZES, **arguments).to(dtype)
    ours = getattr(losses, name)(*SIZES, **arguments, mode="parity")
    for seed in range(SEEDS):
        assert_equal(theirs, ours, *batch(seed, dtype, 2, 2, SAMPLES))


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_a_weighting_taps_are_the_same_to_the_bit(rate: int) -> None:
    theirs = peer_perceptual.FIRFilter("aw", fs=rate).fir.weight.flatten()
    assert torch.equal(losses.FIRFilter("aw", fs=rate, mode="parity").taps, theirs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_random_resolutions_when_both_draw_the_same(dtype: Any) -> None:
    drawn = (Drawn(Resolution(64, 17, 32), "blackman_window"), Drawn(Resolution(512, 300, 512), "bartlett_window"))
    theirs = peer_freq.RandomResolutionSTFTLoss(resolutions=2, max_fft_size=1024, randomize_rate=10**9)
    theirs.nforwards = 1  # the first call would draw
    theirs.stft_losses = torch.nn.ModuleList(
        peer_freq.STFTLoss(one.size.fft, one.size.hop, one.size.win, one.window) for one in drawn
    )
    ours = losses.RandomResolutionSTFTLoss(resolutions=2, max_fft_size=1024, randomize_rate=10**9, mode="parity")
    ours.nforwards = 1
    ours.use(drawn)
    for seed in range(SEEDS):
        assert_equal(theirs, ours, *batch(seed, dtype, 2, 1, SAMPLES))


def test_random_resolutions_are_drawn_as_auraloss_draws_them() -> None:
    ours = losses.RandomResolutionSTFTLoss(mode="parity", resolutions=3000)
    drawn = ours.draw(40000)
    assert {one.size.fft for one in drawn} == {2**power for power in range(4, 15)}
    assert {one.size.fft // one.size.win for one in drawn} == {1, 2, 4}
    assert len({one.window for one in drawn}) == 5
    shares = torch.tensor([one.size.hop / one.size.fft for one in drawn if one.size.fft >= 1024])
    assert 0.099 <= float(shares.min()) < 0.12
    assert 0.98 < float(shares.max()) <= 1.0
    assert float(shares.mean()) == pytest.approx(0.55, abs=0.03)


@pytest.mark.parametrize("name", ["ESRLoss", "DCLoss", "LogCoshLoss", "SNRLoss", "SISDRLoss", "SDSDRLoss"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_time_domain(name: str, dtype: Any, reduction: str) -> None:
    theirs = getattr(peer_time, name)(reduction=reduction)
    ours = getattr(losses, name)(reduction=reduction, mode="parity")
    for seed in range(SEEDS):
        assert_equal(theirs, ours, *batch(seed, dtype, 3, 2, SAMPLES))


@pytest.mark.parametrize("kind", ["hp", "fd", "aw"])
@pytest.mark.parametrize("rate", [44100, 48000, 16000])
def test_filters_equal_auraloss_cropped_to_the_length(kind: str, rate: int) -> None:
    pred, target = batch(0, torch.float32, 2, 1, SAMPLES)
    theirs = peer_perceptual.FIRFilter(kind, fs=rate)(pred, target)
    ours = losses.FIRFilter(kind, fs=rate, mode="parity")(pred, target)
    for found, expected in zip(ours, theirs, strict=True):
        cropped = expected if kind == "aw" else expected[..., 49:-49]
        torch.testing.assert_close(found, cropped, rtol=0, atol=1e-6)


def test_sum_and_difference_signals() -> None:
    stereo, _ = batch(0, torch.float32, 2, 2, SAMPLES)
    for found, expected in zip(
        losses.SumAndDifference()(stereo), peer_perceptual.SumAndDifference()(stereo), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_full_output_names_what_auraloss_lists() -> None:
    pred, target = batch(0, torch.float32, 2, 1, SAMPLES)
    arguments: dict[str, Any] = {"w_lin_mag": 0.5, "w_phs": 0.1, "output": "full"}
    expected, *listed = peer_freq.MultiResolutionSTFTLoss(*SIZES, **arguments)(pred, target)
    total, terms = losses.MultiResolutionSTFTLoss(*SIZES, **arguments, mode="parity")(pred, target)
    torch.testing.assert_close(total, expected, rtol=VALUE, atol=0)
    for name, values in zip(("sc", "log", "lin", "phs"), listed, strict=True):
        torch.testing.assert_close(terms[name], torch.stack(values).mean(), rtol=VALUE, atol=0)
