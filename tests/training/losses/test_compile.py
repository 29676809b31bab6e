"""Compiled losses: one graph without a break, equal to eager in value and gradient."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from training import losses  # noqa: E402

# What torch's own compiler warns of: complex numbers are not fused (only FFTs and two products have them), deprecated
# calls within it, and machines without CUDA.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(900)]

SIZES: dict[str, Any] = {"fft_sizes": [128, 256], "hop_sizes": [32, 50], "win_lengths": [128, 200]}
CASES: dict[str, Any] = {
    "STFT": lambda mode: losses.STFTLoss(256, 64, 256, mode=mode),
    "several": lambda mode: losses.MultiResolutionSTFTLoss(**SIZES, mode=mode),
}


def value_and_gradient(loss: Any, pred: torch.Tensor, target: Any) -> tuple[torch.Tensor, torch.Tensor]:
    signal = pred.clone().requires_grad_()
    value = loss(signal, target)
    value.backward()
    assert signal.grad is not None
    return value.detach(), signal.grad


def assert_compiled_equals_eager(loss: Any, backend: str, prepared: bool) -> None:
    torch.compiler.reset()
    compiled = torch.compile(loss, fullgraph=True, backend=backend)
    generator = torch.Generator().manual_seed(0)
    pred, target = (0.1 * torch.randn(3, 1, 2000, generator=generator) for _ in range(2))
    target[1] = 0.0  # a silent item takes the same graph
    given = loss.prepare(target) if prepared else target
    for one, other in zip(
        value_and_gradient(compiled, pred, given), value_and_gradient(loss, pred, given), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5 * float(other.abs().max()))


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("mode", ["safe", "parity"])
@pytest.mark.parametrize("case", CASES)
def test_one_graph_holds_loss_and_gradient(case: str, mode: str, prepared: bool) -> None:
    assert_compiled_equals_eager(CASES[case](mode), "aot_eager", prepared)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["safe", "parity"])
@pytest.mark.parametrize("case", CASES)
def test_generated_code_equals_eager(case: str, mode: str) -> None:
    assert_compiled_equals_eager(CASES[case](mode), "inductor", prepared=False)
