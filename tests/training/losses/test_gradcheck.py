"""The gradients, many of them written by hand, against finite differences in double precision."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from training import losses  # noqa: E402
from training.losses import Loss  # noqa: E402

CLASSES: dict[str, Callable[..., Loss]] = {
    "ESRLoss": losses.ESRLoss,
    "DCLoss": losses.DCLoss,
    "LogCoshLoss": lambda **kw: losses.LogCoshLoss(a=3.0, **kw),
    "SNRLoss": losses.SNRLoss,
    "SNRLoss with its mean": lambda **kw: losses.SNRLoss(zero_mean=False, **kw),
    "SISDRLoss": losses.SISDRLoss,
    "SISDRLoss with its mean": lambda **kw: losses.SISDRLoss(zero_mean=False, **kw),
    "SDSDRLoss": losses.SDSDRLoss,
    "STFTLoss": lambda **kw: losses.STFTLoss(16, 4, 12, w_lin_mag=0.5, **kw),
    "STFTLoss with phase": lambda **kw: losses.STFTLoss(16, 4, 16, w_phs=0.5, **kw),
    "STFTLoss of squares": lambda **kw: losses.STFTLoss(16, 5, 16, mag_distance="L2", **kw),
    "STFTLoss, scale-invariant": lambda **kw: losses.STFTLoss(16, 4, 16, scale_invariance=True, **kw),
    "MelSTFTLoss": lambda **kw: losses.MelSTFTLoss(8000, 32, 8, 32, n_mels=6, **kw),
    "ChromaSTFTLoss": lambda **kw: losses.ChromaSTFTLoss(8000, 32, 8, 32, **kw),
    "MultiResolutionSTFTLoss": lambda **kw: losses.MultiResolutionSTFTLoss([16, 8], **kw),
    "MultiResolutionSTFTLoss, A-weighted": lambda **kw: losses.MultiResolutionSTFTLoss(
        [16, 8], perceptual_weighting=True, sample_rate=44_100, **kw
    ),
    "RandomResolutionSTFTLoss": lambda **kw: losses.RandomResolutionSTFTLoss(max_fft_size=32, **kw),
    "SumAndDifferenceSTFTLoss": lambda **kw: losses.SumAndDifferenceSTFTLoss([16, 8], **kw),
    "ComplexSTFTLoss": lambda **kw: losses.ComplexSTFTLoss(16, 4, 16, **kw),
    "CompressedMagnitudeLoss": lambda **kw: losses.CompressedMagnitudeLoss(16, 4, 16, **kw),
    "OverSuppressionLoss": lambda **kw: losses.OverSuppressionLoss(16, 4, 16, **kw),
    "PhaseLoss": lambda **kw: losses.PhaseLoss(16, 4, 16, **kw),
}
RANDOM = "RandomResolutionSTFTLoss"


def signals() -> tuple[Tensor, Tensor]:
    """Two items of stereo, the second silent; fp64."""
    generator = torch.Generator().manual_seed(1)
    target = 0.3 * torch.randn(2, 2, 25, generator=generator, dtype=torch.float64) + 0.05
    target[1] = 0.0
    pred = target + 0.2 * torch.randn(2, 2, 25, generator=generator, dtype=torch.float64)
    return pred.requires_grad_(), target


def value_of(name: str, prepared: bool) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    pred, target = signals()
    loss = CLASSES[name](reduction="none")
    given = loss.prepare(target) if prepared else target
    drawn = {key: value.clone() if isinstance(value, Tensor) else value for key, value in loss.state_dict().items()}

    def value(of: Tensor) -> Tensor:
        if name == RANDOM:  # the same draw for both ends of a difference
            loss.load_state_dict(drawn)
        result: Tensor = loss(of, given)
        return result

    return value, pred


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("name", list(CLASSES))
def test_gradients_are_those_of_finite_differences(name: str, prepared: bool) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=".*catch no bin.*"
        )  # bands of a mel bank at a small FFT: meant so here
        value, pred = value_of(name, prepared)
        assert torch.autograd.gradcheck(value, (pred,), eps=1e-6, atol=1e-6, rtol=1e-4, fast_mode=prepared)


@pytest.mark.parametrize("name", list(CLASSES))
def test_terms_have_the_gradients_of_their_sum(name: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*catch no bin.*")
        gradients = []
        for output in ("loss", "full"):
            pred, target = signals()
            loss = CLASSES[name](output=output)
            found = loss(pred, target)
            (found if output == "loss" else found[0]).backward()
            gradients.append(pred.grad)
        torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-9, atol=1e-12)
