"""Rooms made for a test, so that the tool's promises are tested whatever the real weights have learnt.

The toy networks have the real ones' inputs, outputs and reach; their answers depend on all that they see, and on
nothing else. They are true ONNX files with true cards, run by the same code.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.audio.signal import Samples, Signal, Span, format_of
from engine.inference import card
from engine.inference import network as network_module
from engine.tools.tool import Analysis, Value, complete
from engine.tools.upsample import UPSAMPLE

REACH = 24  # frames that a frame network looks to either side


def _model(graph: Any) -> bytes:
    import onnx
    from onnx import helper

    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def frame_network(bins: int) -> bytes:
    """Return a network that answers with a mean of log-magnitudes and phases over 49 frames, squashed to ±0.5."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Slice", ["features", "zero", "bins", "axis"], ["logs"]),
        helper.make_node("Slice", ["features", "bins", "two_bins", "axis"], ["cosines"]),
        helper.make_node("Mul", ["logs", "small"], ["quiet"]),
        helper.make_node("Add", ["quiet", "cosines"], ["mixed"]),
        helper.make_node("AveragePool", ["mixed"], ["mean"], kernel_shape=[2 * REACH + 1], pads=[REACH, REACH],
                         count_include_pad=1),
        helper.make_node("Tanh", ["mean"], ["bent"]),
        helper.make_node("Mul", ["bent", "half"], ["log_gain"]),
    ]  # fmt: skip
    numbers = [helper.make_tensor(name, TensorProto.INT64, [1], [value])
               for name, value in (("zero", 0), ("bins", bins), ("two_bins", 2 * bins), ("axis", 1))]  # fmt: skip
    scales = [
        helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in (("small", 0.1), ("half", 0.5))
    ]
    graph = helper.make_graph(
        nodes, "frames",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 3 * bins + 2, "frames"])],
        [helper.make_tensor_value_info("log_gain", TensorProto.FLOAT, [1, bins, "frames"])],
        [*numbers, *scales],
    )  # fmt: skip
    return _model(graph)


def film_network() -> bytes:
    """Return a network that bends the wave and adds a high-passed copy: output = x + tanh(2 x - its neighbours) / 4."""
    from onnx import TensorProto, helper

    kernel = np.array([-1.0, 2.0, -1.0], dtype=np.float32)
    nodes = [
        helper.make_node("Conv", ["samples", "kernel"], ["edges"], kernel_shape=[3], pads=[1, 1]),
        helper.make_node("Tanh", ["edges"], ["bent"]),
        helper.make_node("Mul", ["bent", "quarter"], ["added"]),
        helper.make_node("Add", ["samples", "added"], ["raised"]),
    ]
    constants = [
        helper.make_tensor("kernel", TensorProto.FLOAT, [1, 1, 3], kernel),
        helper.make_tensor("quarter", TensorProto.FLOAT, [], [0.25]),
    ]
    graph = helper.make_graph(
        nodes, "film",
        [helper.make_tensor_value_info("samples", TensorProto.FLOAT, [1, 1, 8192])],
        [helper.make_tensor_value_info("raised", TensorProto.FLOAT, [1, 1, 8192])],
        constants,
    )  # fmt: skip
    return _model(graph)


def write_room(folder: Path, files: dict[str, bytes]) -> None:
    """Write one room with a true card."""
    folder.mkdir(parents=True)
    lines = ['task = "a toy"', 'tool = "upsample"', 'licence = "CC0-1.0"']
    for name, data in files.items():
        (folder / name).write_bytes(data)
        lines += [f'[files."{name}"]', f'sha256 = "{hashlib.sha256(data).hexdigest()}"']
    (folder / "card.toml").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with toy rooms for every network of Upsample."""
    pytest.importorskip("onnx", reason="toy networks are made with onnx (dependency group train)")
    folder = tmp_path_factory.mktemp("rooms")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_room(folder / "bwe48", {"weights.onnx": frame_network(1025)})
        write_room(folder / "bwe16", {"weights.onnx": frame_network(513)})
        film = film_network()
        for room in ("afilm", "tfilm"):
            write_room(folder / room, {f"x{factor}.onnx": film for factor in (2, 4, 8)})
    return folder


@pytest.fixture
def toy_rooms(toy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let the program take the toy rooms for the installed ones."""
    monkeypatch.setattr(card, "models_folder", lambda: toy_folder)
    network_module.forget_networks()
    yield toy_folder
    network_module.forget_networks()


Rendered = Callable[..., Samples]


@pytest.fixture
def render(toy_rooms: Path) -> Rendered:
    """Return a function that gives the result of Upsample, or a span of it, with the toy networks."""

    def render(signal: Signal, span: Span | None = None, analysis: Analysis | None = None, **values: Value) -> Samples:
        params = complete(UPSAMPLE, values)
        made = UPSAMPLE.output_format(format_of(signal), params)
        learnt = UPSAMPLE.analyse(signal, params, {}) if analysis is None else analysis
        return UPSAMPLE.render(signal, params, learnt, {}, span or Span(0, made.frames))

    return render
