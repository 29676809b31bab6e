"""Whatever comes in, what comes out is a number, has a gradient, and is never less than for the target itself."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from training import losses  # noqa: E402
from training.losses import Loss  # noqa: E402

DRAWS = 500 if os.environ.get("SHELLAC_THOROUGH") else 40  # `make thorough` takes all of them
CLASSES: dict[str, Callable[[], Loss]] = {
    "ESRLoss": losses.ESRLoss,
    "DCLoss": losses.DCLoss,
    "LogCoshLoss": losses.LogCoshLoss,
    "SNRLoss": losses.SNRLoss,
    "SISDRLoss": losses.SISDRLoss,
    "SDSDRLoss": losses.SDSDRLoss,
    "STFTLoss": lambda: losses.STFTLoss(256, 64, 256, w_lin_mag=0.5, w_phs=0.5),
    "MelSTFTLoss": lambda: losses.MelSTFTLoss(44_100, 512, 128, 512),
    "ChromaSTFTLoss": lambda: losses.ChromaSTFTLoss(44_100, 512, 128, 512),
    "MultiResolutionSTFTLoss": lambda: losses.MultiResolutionSTFTLoss([256, 512]),
    "RandomResolutionSTFTLoss": lambda: losses.RandomResolutionSTFTLoss(max_fft_size=512),
    "SumAndDifferenceSTFTLoss": lambda: losses.SumAndDifferenceSTFTLoss([256, 512]),
    "ComplexSTFTLoss": lambda: losses.ComplexSTFTLoss(256, 64, 256),
    "CompressedMagnitudeLoss": lambda: losses.CompressedMagnitudeLoss(256, 64, 256),
    "OverSuppressionLoss": lambda: losses.OverSuppressionLoss(256, 64, 256),
    "PhaseLoss": lambda: losses.PhaseLoss(256, 64, 256),
}


@dataclass(frozen=True)
class Draw:
    """One pair of signals, shape (items, channels, samples)."""

    pred: Tensor
    target: Tensor
    words: str


def draw(number: int, stereo: bool) -> Draw:
    """Return the signals of a number: level -140 to +20 dBFS, with and without offset, silence, and stereo."""
    rng = np.random.default_rng([7, number])
    channels = 2 if stereo else int(rng.integers(1, 3))
    shape = (int(rng.integers(1, 4)), channels, int(rng.choice([1, 2, 17, 130, 600, 2000])))
    dtype = torch.float64 if rng.random() < 0.3 else torch.float32
    sides = []
    for _ in range(2):
        level_db = rng.uniform(-140.0, 20.0)
        side = rng.standard_normal(shape) * 10.0 ** (level_db / 20.0)
        if rng.random() < 0.2:
            side += 10.0 ** (rng.uniform(-140.0, 20.0) / 20.0)
        if rng.random() < 0.2:
            side[rng.integers(shape[0])] = 0.0
        if rng.random() < 0.1:
            side[..., shape[2] // 2 :] = 0.0
        sides.append(torch.from_numpy(side).to(dtype))
    return Draw(*sides, f"draw {number}: {shape}, {dtype}")


def made(name: str) -> Loss:
    """Return a loss of this class; that some bands of the mel bank catch nothing is meant so."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*catch no bin.*")
        return CLASSES[name]()


def test_every_class_is_here() -> None:
    public = {name for name in losses.__all__ if isinstance(getattr(losses, name), type)}
    assert public - {"Loss", "Prepared", "FIRFilter", "SumAndDifference"} == set(CLASSES)


@pytest.mark.parametrize("name", list(CLASSES))
def test_any_signal_gives_a_number_a_gradient_and_no_less_than_the_target_itself(name: str) -> None:
    loss = made(name)
    loss.reduction = "none"
    for number in range(DRAWS):
        given = draw(number, stereo=name == "SumAndDifferenceSTFTLoss")
        pred = given.pred.clone().requires_grad_()
        target = given.target.clone()
        drawn = deepcopy(loss.state_dict())  # resolutions, if it draws any
        value = loss(pred, target)
        value.sum().backward()
        assert value.shape == (len(target),), given.words
        assert bool(torch.isfinite(value).all()), f"{given.words}: {value}"
        assert pred.grad is not None
        assert bool(torch.isfinite(pred.grad).all()), given.words
        loss.load_state_dict(drawn)
        perfect = loss(target, target)
        slack = 1e-4 + 1e-5 * value.detach().abs()
        assert bool((perfect <= value.detach() + slack).all()), f"{given.words}: {perfect} {value}"
        torch.testing.assert_close(pred.detach(), given.pred, rtol=0.0, atol=0.0)
        torch.testing.assert_close(target, given.target, rtol=0.0, atol=0.0)


@pytest.mark.parametrize("name", list(CLASSES))
def test_a_silent_target_never_costs_more_than_fifty_within_full_scale(name: str) -> None:
    loss = made(name)
    rng = np.random.default_rng(3)
    for _ in range(20):
        pred = torch.from_numpy(rng.uniform(-1.0, 1.0, (2, 2, 2000))).float()
        assert float(loss(pred, torch.zeros_like(pred))) < 50.0
