"""Rooms made for a test: tiny networks whose output is known, with a true card."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.inference import network as network_module

RoomMaker = Callable[..., Path]


def _doubling(frames: int | str, slow: int) -> bytes:
    """Return an ONNX network: output = 2 * input, after `slow` large matrix products that cancel out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import onnx
        from onnx import TensorProto, helper

        size = 700
        nodes = [helper.make_node("Mul", ["given", "two"], ["doubled"])]
        constants = [helper.make_tensor("two", TensorProto.FLOAT, [], [2.0])]
        last = "doubled"
        if slow:
            shape = helper.make_tensor("shape", TensorProto.INT64, [2], [size, size])
            value = helper.make_tensor("value", TensorProto.FLOAT, [1], [1e-3])
            nodes.append(helper.make_node("ConstantOfShape", ["shape"], ["m0"], value=value))
            constants += [shape, helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])]
            # The square depends on the input, or the optimiser would compute it once at load.
            nodes.append(helper.make_node("ReduceMean", ["given"], ["mean"], keepdims=0))
            nodes.append(helper.make_node("Add", ["m0", "mean"], ["s0"]))
            for k in range(slow):
                nodes.append(helper.make_node("MatMul", [f"s{k}", "m0"], [f"s{k + 1}"]))
            nodes.append(helper.make_node("ReduceMean", [f"s{slow}"], ["work"], keepdims=0))
            nodes.append(helper.make_node("Mul", ["work", "zero"], ["nothing"]))
            nodes.append(helper.make_node("Add", ["doubled", "nothing"], ["result"]))
            last = "result"
        graph = helper.make_graph(
            nodes,
            "doubling",
            [helper.make_tensor_value_info("given", TensorProto.FLOAT, [1, frames])],
            [helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, frames])],
            constants,
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(made)
        return bytes(made.SerializeToString())


@pytest.fixture
def make_room(tmp_path: Path) -> RoomMaker:
    """Return a function that makes a room and returns the folder of rooms."""
    pytest.importorskip("onnx", reason="tiny networks are made with onnx (dependency group train)")

    def make(room: str = "doubling", frames: int | str = 8, slow: int = 0, sha256: str = "") -> Path:
        folder = tmp_path / "rooms" / room
        folder.mkdir(parents=True)
        data = _doubling(frames, slow)
        (folder / "weights.onnx").write_bytes(data)
        right = hashlib.sha256(data).hexdigest()
        (folder / "card.toml").write_text(
            f'task = "twice as loud"\nlicence = "CC0-1.0"\n[files."weights.onnx"]\nsha256 = "{sha256 or right}"\n'
            '[[data]]\nname = "made up"\nlicence = "CC0-1.0"\n'
        )
        return folder.parent

    return make


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    """Forget networks and failed providers before and after."""
    network_module.forget_networks()
    yield
    network_module.forget_networks()
