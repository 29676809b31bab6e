"""Turns a torch module into ONNX with weights stored as float16."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET: Final = 20


def rounded(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights as float16 holds them, in float32."""
    return {name: tensor.half().float() for name, tensor in weights.items()}


def to_onnx(model: nn.Module, example: Tensor, names: tuple[str, str], free_axis: int | None = None) -> onnx.ModelProto:
    """Trace a module with one input and one output; `free_axis` is an input axis of any length.

    The exporter's own folding stays off: it renames and merges weights, and a room must load back into torch.
    """
    shapes = None if free_axis is None else ({free_axis: torch.export.Dim("frames", min=8, max=1_000_000)},)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model.eval(),
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[names[0]],
            output_names=[names[1]],
            dynamic_shapes=shapes,
            optimize=False,
            verbose=False,
        )
    assert program is not None
    proto = onnx.ModelProto()
    proto.CopyFrom(program.model_proto)
    return proto


def with_half_weights(proto: onnx.ModelProto, names: set[str]) -> onnx.ModelProto:
    """Store the named initialisers as float16 `name.half`, each followed by a Cast that restores `name`.

    Raises
    ------
    ValueError
        If a name is missing: the file could not be loaded back.
    """
    missing = names - {tensor.name for tensor in proto.graph.initializer}
    if missing:
        raise ValueError(f"the exporter lost {', '.join(sorted(missing))}")
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    kept, casts = [], []
    for tensor in proto.graph.initializer:
        if tensor.name not in names:
            kept.append(tensor)
            continue
        half = numpy_helper.to_array(tensor).astype(np.float16)
        kept.append(numpy_helper.from_array(half, f"{tensor.name}.half"))
        casts.append(helper.make_node("Cast", [f"{tensor.name}.half"], [tensor.name], to=TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del result.graph.initializer[:], result.graph.node[:]
    result.graph.initializer.extend(kept)
    result.graph.node.extend(nodes)
    return result


def stripped(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Remove what the exporter says about the machine and the source it ran on."""
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    for part in (result, result.graph, *result.graph.node, *result.graph.input, *result.graph.output,
                 *result.graph.value_info, *result.graph.initializer):  # fmt: skip
        del part.metadata_props[:]
        if hasattr(part, "doc_string"):
            part.doc_string = ""
    del result.graph.value_info[:]
    return result


def write_room_file(model: nn.Module, example: Tensor, names: tuple[str, str], free_axis: int | None,
                    path: Path) -> None:  # fmt: skip
    """Trace, halve, check and write; the old file stays until the new one is complete."""
    proto = stripped(with_half_weights(to_onnx(model, example, names, free_axis), set(model.state_dict())))
    onnx.checker.check_model(proto, full_check=True)
    unfinished = path.with_suffix(".tmp")
    onnx.save(proto, unfinished)
    unfinished.replace(path)
