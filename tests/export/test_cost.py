"""Multiply-accumulates are those one counts by hand, fused layers included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from torch import nn  # noqa: E402

from export import cost  # noqa: E402
from export.errors import ExportError  # noqa: E402
from export.onnx_file import file_bytes  # noqa: E402
from export.resident import resident_megabytes  # noqa: E402
from tests.export.conftest import Line, trials  # noqa: E402
from training.room import Port  # noqa: E402

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


@pytest.fixture
def line(kit: Any, tmp_path: Path) -> Path:
    """The file of a small network."""
    path = tmp_path / "w.onnx"
    path.write_bytes(file_bytes(Line().eval(), kit.room(), (torch.zeros(1, 1, 64),)))
    return path


def test_speed_is_measured_with_and_without_optimising_on_one_and_two_threads(kit: Any, line: Path) -> None:
    found = cost.speed(kit.room(), line, trials())
    assert set(found.real_time) == {("none", 1), ("none", 2), ("all", 1), ("all", 2)}
    assert set(found.processor_time) == {"none", "all"}
    assert all(0.0 < seconds < 10.0 for seconds in (*found.real_time.values(), *found.processor_time.values()))


def test_settings_take_turns_and_each_runs_five_times_at_least(
    kit: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[tuple[str, int]] = []

    class Recorder:
        def __init__(self, key: tuple[str, int]) -> None:
            self.key = key

        def run(self, *_: Any) -> None:
            ran.append(self.key)

    monkeypatch.setattr(cost, "session_of", lambda _, threads, optimise: Recorder((optimise, threads)))
    found = cost.speed(kit.room(), tmp_path / "w.onnx", trials())
    first, *rest = [tuple(ran[at : at + 4]) for at in range(0, len(ran), 4)]
    assert set(first) == set(found.real_time)
    assert len(rest) >= 5, "the first run doesn't count"
    assert all(turn == first for turn in rest)


@pytest.mark.parametrize(
    ("as_written", "optimised", "chosen"), [(20.6, 11.3, "all"), (36.0, 36.0, "none"), (36.0, 33.0, "none")]
)
def test_a_network_is_optimised_only_where_that_saves_a_tenth(as_written: float, optimised: float, chosen: str) -> None:
    assert cost.quicker(cost.Speed({}, {"none": as_written, "all": optimised})) == chosen


def test_the_card_is_told_how_fast_the_chosen_setting_is_and_what_either_costs(kit: Any, line: Path) -> None:
    factors = {("none", 1): 0.02, ("none", 2): 0.01, ("all", 1): 0.005, ("all", 2): 0.006}
    found = cost.Speed(factors, {"none": 0.019, "all": 0.0049})
    table = cost.speed_table(kit.room(), line, trials(), found, "all")
    assert (table["real_time_factor_1_thread"], table["real_time_factor_2_threads"]) == (0.005, 0.006)
    assert table["remark"].startswith("two threads took longer")
    assert table["audio_seconds"] == 0.1
    assert {name: entry["processor_seconds_per_audio_second"] for name, entry in table["optimise"].items()} == {
        "none": 0.019,
        "all": 0.0049,
    }
    assert "remark" not in cost.speed_table(kit.room(), line, trials(), found, "none")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory a process has")
def test_memory_is_that_of_a_process_with_this_network_alone(kit: Any, line: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.onnx"
    room = kit.room(given=(Port("audio", (1, 2048), ""),), answer=(Port("answer", (1, 2048), ""),))
    given = {"audio": torch.zeros(1, 2048)}
    large.write_bytes(file_bytes(nn.Linear(2048, 2048), room, tuple(given.values())))
    inputs = {name: tensor.numpy() for name, tensor in given.items()}
    small_mb = resident_megabytes(line, {"audio": torch.zeros(1, 1, 64).numpy()}, "none")
    large_mb = resident_megabytes(large, inputs, "none")
    assert small_mb is not None
    assert large_mb is not None
    assert large_mb > small_mb + 2048 * 2048 * 2e-6  # its weights are held in float16 at least
    with pytest.raises(ExportError, match="couldn't be measured"):
        resident_megabytes(tmp_path / "nothing.onnx", inputs, "none")
