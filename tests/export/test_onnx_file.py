"""Weights lie in float16, everything else exactly; what can't be stored so is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from torch import Tensor, nn  # noqa: E402

from export.errors import ExportError  # noqa: E402
from export.onnx_file import OPSET, file_bytes, rounded  # noqa: E402
from training.rooms import load_file_weights  # noqa: E402


class Normed(nn.Module):
    """Batch normalisation: a weight for every channel, two buffers that count, one that doesn't."""

    def __init__(self) -> None:
        super().__init__()
        self.inlet, self.norm, self.outlet = nn.Conv1d(1, 64, 9, padding=4), nn.BatchNorm1d(64), nn.Conv1d(64, 1, 1)
        self.register_buffer("third", torch.tensor(1.0 / 3.0))

    def forward(self, audio: Tensor) -> Tensor:
        answer: Tensor = self.outlet(self.norm(self.inlet(audio))) * self.third
        return answer


@pytest.fixture
def normed() -> nn.Module:
    torch.manual_seed(2)
    model = Normed()
    model(1e5 * torch.randn(1, 1, 500))  # in training mode: means far beyond float16, a count of 1
    model.load_state_dict(rounded(model, model.state_dict()))
    return model.eval()


def test_weights_are_float16_and_buffers_exact(normed: nn.Module, kit: Any, tmp_path: Path) -> None:
    path = tmp_path / "w.onnx"
    path.write_bytes(file_bytes(normed, kit.room(), (torch.zeros(1, 1, 64),)))
    proto = onnx.load(path)
    types = {tensor.name: tensor.data_type for tensor in proto.graph.initializer}
    assert {f"{name}.half" for name, _ in normed.named_parameters()} <= types.keys()
    assert all((kind == onnx.TensorProto.FLOAT16) == name.endswith(".half") for name, kind in types.items())
    assert proto.opset_import[0].version == OPSET == 20
    back = load_file_weights(path)
    assert back.keys() == normed.state_dict().keys()
    for name, tensor in normed.state_dict().items():
        assert torch.equal(back[name], tensor)
        assert back[name].dtype == tensor.dtype
    assert float(back["norm.running_var"].max()) > 65_504
    assert int(back["norm.num_batches_tracked"]) == 1


def test_a_file_says_nothing_about_the_machine_it_was_made_on(normed: nn.Module, kit: Any) -> None:
    content = file_bytes(normed, kit.room(), (torch.zeros(1, 1, 64),))
    for place in (Path(__file__), Path(torch.__file__), Path.home() / "x"):
        assert str(place.parent).encode() not in content
    assert b".py" not in content


def test_rounding_keeps_what_float16_can_hold_and_refuses_what_it_cannot() -> None:
    model = nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(1.0 + 2.0**-12)  # half way between float16 neighbours is 2^-11
        model.bias.fill_(-65_504.0)
    assert rounded(model, model.state_dict())["weight"].item() == 1.0
    assert rounded(model, model.state_dict())["bias"].item() == -65_504.0
    for spoilt in (70_000.0, float("nan")):
        with torch.no_grad():
            model.bias.fill_(spoilt)
        with pytest.raises(ExportError, match="bias isn't finite"):
            rounded(model, model.state_dict())


class Idle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.idle = nn.Conv1d(1, 1, 1), nn.Conv1d(1, 1, 1)

    def forward(self, audio: Tensor) -> Tensor:
        answer: Tensor = self.used(audio)
        return answer


def test_weights_that_the_answer_does_not_need_are_named(kit: Any) -> None:
    with pytest.raises(ExportError, match=r"idle\.bias, idle\.weight"):
        file_bytes(Idle().eval(), kit.room(), (torch.zeros(1, 1, 64),))
