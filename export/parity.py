"""Proves that a file computes what torch computes with the same rounded weights, and what its room says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.inference.card import AS_WRITTEN
from engine.inference.network import CPU, session_options
from export.errors import ExportError
from training.room import Inputs, Port, Room

LIMIT: Final = 1e-4  # largest difference from torch
RELATIVE_LIMIT: Final = 1e-3  # and largest in parts of the largest value that an output gives: it may be a quiet one
Answers = dict[str, tuple[NDArray[Any], ...]]  # by the name of the trial


def session_of(path: Path, threads: int, optimise: str = AS_WRITTEN) -> Any:
    """Open a file in ONNX Runtime just as the engine does, on the CPU."""
    import onnxruntime

    return onnxruntime.InferenceSession(path, session_options(threads, optimise), providers=[CPU])


@torch.no_grad()
def torch_answers(model: nn.Module, trials: Mapping[str, Inputs]) -> Answers:
    """What torch answers to every trial."""
    return {name: tuple(answer.numpy() for answer in as_tuple(model(*given))) for name, given in trials.items()}


def as_tuple(answer: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The outputs of a network, one or several."""
    return (answer,) if isinstance(answer, Tensor) else tuple(answer)


def runtime_answers(room: Room, path: Path, trials: Mapping[str, Inputs], optimise: str = AS_WRITTEN) -> Answers:
    """What ONNX Runtime answers to every trial.

    Raises
    ------
    ExportError
        If it can't load or run the file.
    """
    names = [port.name for port in room.answer]
    try:
        session = session_of(path, 2, optimise)
        return {name: tuple(session.run(names, feed(room, given))) for name, given in trials.items()}
    except _runtime_errors() as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ExportError(f"ONNX Runtime can't run {room.name}/{room.file}: {said}") from error


def _runtime_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises: classes of its own without a common parent, and RuntimeError from its core."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = (value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception))
    return (*own, RuntimeError)


def feed(room: Room, given: Inputs) -> dict[str, NDArray[Any]]:
    """The inputs by the names that the file knows them by."""
    return {port.name: tensor.numpy() for port, tensor in zip(room.given, given, strict=True)}


def differences(wanted: Answers, got: Answers) -> dict[str, float]:
    """Largest absolute difference per trial over all outputs; infinite where one isn't finite."""
    return {name: max(map(_difference, wanted[name], got[name])) for name in wanted}


def _difference(wanted: NDArray[Any], got: NDArray[Any]) -> float:
    if wanted.shape != got.shape or not np.isfinite(wanted).all() or not np.isfinite(got).all():
        return float("inf")
    return float(np.abs(got.astype(np.float64) - wanted).max(initial=0.0))


def limit_of(answers: Iterable[NDArray[Any]]) -> float:
    """How far an output may be off, given all that torch answers there: 1e-4, or a thousandth of the largest value.

    The scale is that of the output over all trials, for what a network answers to silence may be next to nothing.
    """
    largest = max((float(np.abs(array).max(initial=0.0)) for array in answers), default=0.0)
    return min(LIMIT, RELATIVE_LIMIT * largest)


def check_parity(room: Room, wanted: Answers, got: Answers) -> None:
    """Refuse a file that computes something else than torch.

    Raises
    ------
    ExportError
        If an output is further off than `limit_of` allows, or an answer isn't finite.
    """
    for index, port in enumerate(room.answer):
        limit = limit_of(answers[index] for answers in wanted.values())
        found = {name: _difference(wanted[name][index], got[name][index]) for name in wanted}
        worst = max(found, key=lambda name: found[name])
        if not found[worst] <= limit:
            raise ExportError(
                f"ONNX and torch differ by {found[worst]:.2e} ({port.name}, {worst}) in {room.name}/{room.file}, more "
                f"than {limit:.2g}: the room is left as it was"
            )


def check_shapes(room: Room, trials: Mapping[str, Inputs], answers: Answers) -> None:
    """Refuse a room that says other shapes than its network takes and gives.

    Raises
    ------
    ExportError
        With the port, the shape it says and the shape it has.
    """
    for name, given in trials.items():
        lengths: dict[str, int] = {}
        _bind(room, room.given, [tuple(tensor.shape) for tensor in given], lengths, name)
        _bind(room, room.answer, [array.shape for array in answers[name]], lengths, name)


def _bind(
    room: Room, ports: tuple[Port, ...], shapes: list[tuple[int, ...]], lengths: dict[str, int], trial: str
) -> None:
    """Compare shapes; a word stands for one length all over a trial."""
    if len(ports) != len(shapes):
        raise ExportError(f"the room {room.name} names {len(ports)} ports where its network has {len(shapes)}")
    for port, shape in zip(ports, shapes, strict=True):
        fits = len(shape) == len(port.shape) and all(
            have == (want if isinstance(want, int) else lengths.setdefault(want, have))
            for want, have in zip(port.shape, shape, strict=True)
        )
        if not fits:
            raise ExportError(
                f"{port.name} of {room.name}/{room.file} has shape {shape} in the trial {trial!r}, the room says "
                f"{port.shape}: correct room() in its recipe"
            )
