"""Multiply-accumulates are those one counts by hand, fused layers included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from export import cost  # noqa: E402

T, D, H = 50, 16, 24


class Sequence(nn.Module):
    """The first output of a layer that answers with several."""

    def __init__(self, layer: nn.Module, times: int = 1) -> None:
        super().__init__()
        self.layer, self.times = layer, times

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.layer(*[x] * self.times)[0]
        return answer


CASES = {
    # A kernel of 5 from 1 to 8 channels, 48 positions out of 52 by two steps: 24.
    "convolution": (nn.Conv1d(1, 8, 5, stride=2), (1, 1, 52), 24 * 8 * 5),
    "depthwise convolution": (nn.Conv1d(8, 8, 7, padding=3, groups=8), (1, 8, T), T * 8 * 7),
    "transposed convolution": (nn.ConvTranspose1d(8, 4, 6, stride=2), (1, 8, T), T * 8 * 4 * 6),
    "linear": (nn.Linear(D, 3), (2, T, D), 2 * T * D * 3),
    # Four gates of input and of state, at every step.
    "LSTM": (Sequence(nn.LSTM(D, H, batch_first=True)), (1, T, D), T * 4 * H * (D + H)),
    "LSTM both ways": (
        Sequence(nn.LSTM(D, H, batch_first=True, bidirectional=True)), (1, T, D), 2 * T * 4 * H * (D + H),
    ),
    # Query, key, value and outlet; every step with every step, twice.
    "attention": (Sequence(nn.MultiheadAttention(D, 4, batch_first=True), 3), (1, T, D), 4 * T * D * D + 2 * T * T * D),
    "encoder layer": (
        nn.TransformerEncoderLayer(D, 4, H, batch_first=True), (1, T, D), 4 * T * D * D + 2 * T * T * D + 2 * T * D * H,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_multiply_accumulates_are_those_counted_by_hand(name: str) -> None:
    layer, shape, by_hand = CASES[name]
    assert cost.macs(layer.eval(), (torch.randn(shape),)) == by_hand


def test_counting_leaves_torch_as_it_was() -> None:
    before = (torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled)
    cost.macs(nn.Linear(2, 2), (torch.zeros(1, 2),))
    assert (torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled) == before


def test_cost_is_per_second_of_the_longest_trial(kit: Any) -> None:
    model = nn.Conv1d(1, 10, 1)
    trials = {name: (torch.zeros(1, 1, samples),) for name, samples in (("short", 160), ("long", 32_000))}
    room = kit.room()  # 16 kHz: 160,000 multiply-accumulates a second
    assert cost.gmac_per_second(room, model, trials) == pytest.approx(160_000e-9)
    assert cost.longest(room, trials)[1] == 2.0


def test_the_real_time_factor_is_measured_on_one_and_two_threads(kit: Any, tmp_path: Path) -> None:
    from export.onnx_file import file_bytes
    from tests.export.conftest import Line, trials

    path = tmp_path / "w.onnx"
    path.write_bytes(file_bytes(Line().eval(), kit.room(), (torch.zeros(1, 1, 64),)))
    table = cost.speed_table(kit.room(), path, trials())
    assert table["audio_seconds"] == 0.1
    assert all(0.0 < table[f"real_time_factor_{name}"] < 10.0 for name in ("1_thread", "2_threads"))
