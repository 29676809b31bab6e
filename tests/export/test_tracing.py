"""Whatever a network is made of, its file computes what torch computes, at lengths it was never traced at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

from torch import Tensor, nn  # noqa: E402

from export.errors import ExportError  # noqa: E402
from export.onnx_file import file_bytes, rounded  # noqa: E402
from export.parity import feed, session_of  # noqa: E402
from training.room import Port, Room  # noqa: E402
from training.rooms import load_file_weights  # noqa: E402

TOLERANCE = 2e-6  # float32 sums of some thousand terms in another order


class Recurrent(nn.Module):
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.inlet = nn.Conv1d(1, 6, 5, padding=2)
        self.rnn = nn.LSTM(6, 8, batch_first=True, **options)
        self.outlet = nn.Linear(8 * (2 if self.rnn.bidirectional else 1), 1)

    def forward(self, audio: Tensor) -> Tensor:
        sequence, (hidden, cell) = self.rnn(self.inlet(audio).transpose(1, 2))
        answer: Tensor = self.outlet(sequence).transpose(1, 2) + hidden.mean() + cell.mean()
        return answer


class TimeFirst(nn.Module):
    """Two layers in a row, the second begun with the state of the first, time as the first axis."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.outlet = nn.LSTM(1, 8), nn.LSTM(8, 8, bias=False), nn.Linear(8, 1)

    def forward(self, audio: Tensor) -> Tensor:
        sequence, state = self.first(audio.permute(2, 0, 1))
        sequence, _ = self.second(sequence, state)
        answer: Tensor = self.outlet(sequence).permute(1, 2, 0)
        return answer


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inlet = nn.Conv1d(1, 16, 5, padding=2)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.layer = nn.TransformerEncoderLayer(16, 2, 24, batch_first=True, norm_first=False)
        self.outlet = nn.Linear(16, 1)

    def forward(self, audio: Tensor) -> Tensor:
        x = self.inlet(audio).transpose(1, 2)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        answer: Tensor = self.outlet(self.layer(x)).transpose(1, 2)
        return answer


class Modulated(nn.Module):
    """Blocks of four samples, the maximum of each through an LSTM, its answer as the block's scale (TFiLM's form)."""

    def __init__(self) -> None:
        super().__init__()
        self.inlet, self.rnn = nn.Conv1d(1, 8, 5, padding=2), nn.LSTM(8, 8, batch_first=True)
        self.outlet = nn.Conv1d(8, 1, 1)

    def forward(self, audio: Tensor) -> Tensor:
        x = self.inlet(audio)
        batch, channels, samples = x.shape
        scale = self.rnn(nn.functional.max_pool1d(x, 4).transpose(1, 2))[0].transpose(1, 2)
        blocks = x.reshape(batch, channels, samples // 4, 4) * scale[..., None]
        answer: Tensor = self.outlet(blocks.reshape(batch, channels, samples))
        return answer


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "LSTM of two layers, both ways": lambda: Recurrent(num_layers=2, bidirectional=True),
    "LSTM with time first and a state": TimeFirst,
    "attention": Attending,
    "blocks": Modulated,
}


def trained(build: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(4)
    model = build().eval()
    model.load_state_dict(rounded(model, model.state_dict()))
    return model


def answers(room: Room, path: Path, given: tuple[Tensor, ...]) -> list[Any]:
    found: list[Any] = session_of(path, 2).run([port.name for port in room.answer], feed(room, given))
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_computes_what_torch_computes_at_three_lengths_and_loads_back(
    name: str, kit: Any, tmp_path: Path
) -> None:
    model, path = trained(NETWORKS[name]), tmp_path / "w.onnx"
    step = 4 if name == "blocks" else 1
    room = kit.room(smallest={"samples": 8}, multiples={"samples": step})
    path.write_bytes(file_bytes(model, room, (torch.zeros(1, 1, 64),)))
    for samples in (8, 64 + 3 * step, 1000):
        given = (torch.randn(1, 1, samples, generator=torch.Generator().manual_seed(samples)),)
        with torch.no_grad():
            wanted = model(*given)
        np.testing.assert_allclose(answers(room, path, given)[0], wanted.numpy(), atol=TOLERANCE)
    fresh = NETWORKS[name]()
    fresh.load_state_dict(load_file_weights(path))  # strict: every name, every shape
    assert all(torch.equal(a, b) for a, b in zip(fresh.state_dict().values(), model.state_dict().values(), strict=True))


class TwoSided(nn.Module):
    """Attends from one sequence to another; two inputs, two outputs, two free lengths, and flags that aren't floats."""

    def __init__(self) -> None:
        super().__init__()
        self.key = nn.Linear(4, 6)

    def forward(self, one: Tensor, other: Tensor, is_heard: Tensor) -> tuple[Tensor, Tensor]:
        table = self.key(one) @ self.key(other).transpose(1, 2)  # (1, frames, others)
        table = table.masked_fill(~is_heard[:, None], -30.0)
        return table.softmax(dim=2), table.amax(dim=2)


def test_several_inputs_and_outputs_have_free_lengths_of_their_own(kit: Any, tmp_path: Path) -> None:
    room = kit.room(
        given=(
            Port("one", (1, "frames", 4), ""),
            Port("other", (1, "others", 4), ""),
            Port("is_heard", (1, "others"), ""),
        ),
        answer=(Port("table", (1, "frames", "others"), ""), Port("best", (1, "frames"), "")),
    )
    model, path = trained(TwoSided), tmp_path / "w.onnx"

    def inputs(frames: int, others: int) -> tuple[Tensor, ...]:
        return torch.randn(1, frames, 4), torch.randn(1, others, 4), torch.arange(others)[None] % 3 != 0

    path.write_bytes(file_bytes(model, room, inputs(5, 5)))
    session = session_of(path, 1)
    assert [(port.name, port.shape) for port in (*session.get_inputs(), *session.get_outputs())] == [
        (port.name, list(port.shape)) for port in (*room.given, *room.answer)
    ]
    for frames, others in ((2, 300), (50, 50), (300, 2)):
        given = inputs(frames, others)
        with torch.no_grad():
            wanted = model(*given)
        for got, right in zip(answers(room, path, given), wanted, strict=True):
            np.testing.assert_allclose(got, right.numpy(), atol=TOLERANCE)


class Fixed(nn.Module):
    """Takes one length only, whatever its room says."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, audio: Tensor) -> Tensor:
        return audio * self.weight + torch.ones(int(audio.shape[-1]))


def test_a_network_that_fixes_its_length_is_refused(kit: Any) -> None:
    with pytest.raises(ExportError, match=r"line/weights\.onnx"):
        file_bytes(Fixed().eval(), kit.room(), (torch.zeros(1, 1, 64),))


def test_an_lstm_that_onnx_does_not_know_is_named() -> None:
    from export.tracing import at_any_length

    with at_any_length(), pytest.raises(ExportError, match="projection"):
        nn.LSTM(4, 8, proj_size=2)(torch.zeros(1, 5, 4))
    assert nn.LSTM(4, 8)(torch.zeros(1, 5, 4))[0].shape == (1, 5, 8)  # torch's own again
