"""Turns a torch module into ONNX with weights stored as float16 and everything else as it is."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from export.errors import ExportError
from export.tracing import TRANSLATIONS, at_any_length
from training.room import Inputs, Room
from training.rooms import BUFFERS, HALF

OPSET: Final = 20
_TRACED: Final = 200  # length of a free axis while tracing, and more; each its own, so that none is taken for another
_LONGEST: Final = 1_000_000_000


def rounded(model: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state of `model` as its file will hold it: weights as float16 has them, in float32; buffers exactly.

    Raises
    ------
    ExportError
        If a weight is not finite, or too large for float16.
    """
    weights = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    result = {name: t.detach().half().float() if name in weights else t.detach() for name, t in state.items()}
    for name in weights & result.keys():
        if not bool(torch.isfinite(result[name]).all()):
            raise ExportError(f"the weight {name} isn't finite in float16 (65504 at most): train with smaller weights")
    return result


def example_of(room: Room, trial: Inputs) -> Inputs:
    """Inputs of zeros for tracing, of the types of a trial's; every free axis has a length of its own."""
    lengths = {}
    for index, word in enumerate(room.axes()):
        step = room.multiple(word)
        lengths[word] = -(-(_TRACED + room.least(word) + 8 * step * index) // step) * step
    shapes = ([lengths[size] if isinstance(size, str) else size for size in port.shape] for port in room.given)
    return tuple(torch.zeros(shape, dtype=given.dtype) for shape, given in zip(shapes, trial, strict=True))


def free_axes(room: Room) -> tuple[dict[int, Any], ...] | None:
    """For each input its free axes, as torch.export wants them; None if every length is fixed.

    What ties lengths to one another (equal words, multiples) torch finds out itself while it traces.
    """
    if not room.axes():
        return None
    free = {word: torch.export.Dim.AUTO(min=room.least(word), max=_LONGEST) for word in room.axes()}
    return tuple(
        {axis: free[size] for axis, size in enumerate(port.shape) if isinstance(size, str)} for port in room.given
    )


def to_onnx(model: nn.Module, room: Room, trial: Inputs) -> onnx.ModelProto:
    """Trace a module; its inputs, outputs and free axes get the names that the room gives them.

    The exporter's own folding stays off: it renames and merges weights, and a room must load back into torch.

    Raises
    ------
    ExportError
        If torch can't follow the network, or only at one length.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            with at_any_length():
                traced = torch.export.export(
                    model.eval(), example_of(room, trial), dynamic_shapes=free_axes(room), strict=False
                )
            program = torch.onnx.export(
                traced,
                dynamo=True,
                custom_translation_table=TRANSLATIONS,
                opset_version=OPSET,
                input_names=[port.name for port in room.given],
                output_names=[port.name for port in room.answer],
                optimize=False,
                verbose=False,
            )
        except (RuntimeError, ValueError, TypeError) as error:  # torch's own errors derive from these
            if isinstance(error, ExportError):
                raise
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            axes = f" with free {', '.join(room.axes())}" if room.axes() else ""
            raise ExportError(f"torch can't trace {room.name}/{room.file}{axes}: {said}") from error
    assert program is not None
    proto = onnx.ModelProto()
    proto.CopyFrom(program.model_proto)
    return proto


def with_half_weights(proto: onnx.ModelProto, model: nn.Module) -> onnx.ModelProto:
    """Store every weight as float16 `name.half` with a Cast that restores `name`, and every buffer exactly.

    Raises
    ------
    ExportError
        If a weight is missing: the file could not be loaded back.
    """
    weights = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    buffers = {name: tensor for name, tensor in model.state_dict().items() if name not in weights}
    missing = weights - {tensor.name for tensor in proto.graph.initializer}
    if missing:
        raise ExportError(
            f"the answer doesn't depend on {', '.join(sorted(missing))}, or shares it: take it out of the network"
        )
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    kept, casts = [], []
    for tensor in proto.graph.initializer:
        if tensor.name not in weights:
            kept.append(tensor)
            continue
        half = numpy_helper.to_array(tensor).astype(np.float16)
        kept.append(numpy_helper.from_array(half, tensor.name + HALF))
        casts.append(helper.make_node("Cast", [tensor.name + HALF], [tensor.name], to=TensorProto.FLOAT))
    # State that the answer doesn't need, such as a count of batches, is still part of what torch loads.
    unused = buffers.keys() - {tensor.name for tensor in proto.graph.initializer}
    kept += [numpy_helper.from_array(buffers[name].numpy(), name) for name in sorted(unused)]
    nodes = [*casts, *proto.graph.node]
    del result.graph.initializer[:], result.graph.node[:]
    result.graph.initializer.extend(kept)
    result.graph.node.extend(nodes)
    helper.set_model_props(result, {BUFFERS: json.dumps(sorted(buffers))})
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


def with_names_of_axes(proto: onnx.ModelProto, room: Room) -> onnx.ModelProto:
    """Give the free axes of inputs and outputs the room's own words.

    Raises
    ------
    ExportError
        If an input that should take any length was traced at one.
    """
    ports = (*zip(proto.graph.input, room.given, strict=True), *zip(proto.graph.output, room.answer, strict=True))
    for value, port in ports:
        dimensions = value.type.tensor_type.shape.dim
        if len(dimensions) != len(port.shape):
            raise ExportError(f"{port.name} of {room.name} has {len(dimensions)} axes, its room says {port.shape}")
        for dimension, size in zip(dimensions, port.shape, strict=True):
            if isinstance(size, str) and dimension.HasField("dim_value"):
                raise ExportError(
                    f"{port.name} of {room.name}/{room.file} could only be traced at {dimension.dim_value} {size}: "
                    "something in the network fixes that length"
                )
            if isinstance(size, str):
                dimension.dim_param = size
    return proto


def file_bytes(model: nn.Module, room: Room, trial: Inputs) -> bytes:
    """Trace, halve and check a network; return what its file will hold.

    Raises
    ------
    ExportError
        If torch can't follow the network, or the file could not be loaded back.
    """
    proto = with_names_of_axes(stripped(to_onnx(model, room, trial)), room)
    finished = with_half_weights(proto, model)
    onnx.checker.check_model(finished, full_check=True)
    return bytes(finished.SerializeToString(deterministic=True))
