"""One network at work: an ONNX Runtime session with our threads, a provider we trust, and a run that can be cancelled.

ONNX Runtime is imported when the first network is loaded, not before.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import Cancelled, NetworkError
from engine.inference.card import AS_WRITTEN, OPTIMISED, WEIGHTS, Card, load_card, verify, weights_path
from engine.settings import Settings

CPU: Final = "CPUExecutionProvider"
# The order in which providers are offered. Azure stands in the plain wheel's list but sends audio to a server: never.
OFFERED: Final = ("CUDAExecutionProvider", "CoreMLExecutionProvider", "DmlExecutionProvider", CPU)
LOADED_AT_MOST: Final = 2
GPU_TOLERANCE: Final = 1e-3  # largest difference from the CPU at which a GPU is trusted; specs/app.md §6


class Cancellable(Protocol):
    """What a run needs to know of its job; `engine.tools.tool.Job` is one."""

    def check(self) -> None: ...

    def when_cancelled(self, stop: Callable[[], None]) -> Callable[[], None]: ...


def available_providers() -> tuple[str, ...]:
    """Return the execution providers of this installation that we offer, best first."""
    import onnxruntime

    present = set(onnxruntime.get_available_providers())
    return tuple(name for name in OFFERED if name in present)


def session_options(threads: int, optimise: str = AS_WRITTEN) -> Any:
    """Return the onnxruntime.SessionOptions that every network runs with, here and where its speed is measured.

    Parameters
    ----------
    threads
        Threads for one operator, at least 1.
    optimise
        `OPTIMISED`: ONNX Runtime may rewrite the network as it likes. `AS_WRITTEN`: it may not.

    Notes
    -----
    Rewriting begins with a second, float32 copy of the float16 weights; whether it is worth that differs from network
    to network. So export measures both and the card says which (DECISIONS.md, "Who decides whether a network is
    optimised").
    """
    import onnxruntime

    level = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimise == OPTIMISED else level.ORT_DISABLE_ALL
    options.enable_mem_pattern = False  # a plan of memory is a second arena: 11 MB of the denoiser, for no speed
    options.log_severity_level = 3  # errors only: its warnings are no sentences for a user
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


_failed: set[str] = set()  # providers that broke or computed something else, in this process
_notes: list[str] = []


def active_provider(settings: Settings) -> str:
    """Return the provider that runs with these settings do use; part of every chunk key with a network in it."""
    if all(name == CPU for name in settings.providers):
        return CPU  # without asking ONNX Runtime: importing it takes a while
    present = available_providers()
    usable = (name for name in settings.providers if name in present and name not in _failed)
    return next(usable, CPU)


def notes() -> tuple[str, ...]:
    """Return the sentences on what went other than wished, such as a GPU that failed."""
    return tuple(_notes)


def _give_up(provider: str, reason: str) -> None:
    _failed.add(provider)
    short = provider.removesuffix("ExecutionProvider")
    _notes.append(f"{short} {reason}: continued on the CPU at {time.strftime('%H:%M')}")


class Network:
    """One loaded ONNX file. `run` may be called from any thread.

    Raises
    ------
    NetworkError
        If the file is missing, isn't the one its card names, or can't be loaded.
    """

    def __init__(self, room: str, settings: Settings, file: str = WEIGHTS, folder: Path | None = None) -> None:
        self.card: Card = load_card(room, folder)
        verify(self.card, file)
        self.room = room
        self.file = file
        self._path = weights_path(self.card, file)
        self._settings = settings
        self._lock = threading.Lock()
        self.provider = active_provider(settings)
        self._trusted = self.provider == CPU
        self._session = self._open_wished()

    @property
    def inputs(self) -> dict[str, tuple[int | str | None, ...]]:
        """Name and shape of every input; a dimension that may vary is a name or None."""
        return {given.name: tuple(given.shape) for given in self._session.get_inputs()}

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(given.name for given in self._session.get_outputs())

    def run(
        self, inputs: Mapping[str, NDArray[np.float32]], job: Cancellable | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """Compute all outputs, by name.

        Raises
        ------
        Cancelled
            Within milliseconds after the job was cancelled; the network can be used again.
        NetworkError
            If ONNX Runtime refuses, on the CPU too.
        ValueError
            If an input is missing or has another shape than the network's.
        """
        self._check(inputs)
        if job is not None:
            job.check()
        session, provider = self._session, self.provider
        try:
            result = self._run(session, inputs, job)
        except NetworkError:
            if provider == CPU:
                raise
            self._fall_back(provider, "failed")
            return self.run(inputs, job)
        if not self._trusted and not self._agrees_with_cpu(inputs, result, provider, job):
            return self.run(inputs, job)
        return result

    def _run(self, session: Any, inputs: Mapping[str, Any], job: Cancellable | None) -> dict[str, NDArray[np.float32]]:
        import onnxruntime

        options = onnxruntime.RunOptions()  # a fresh one each time: a terminated one stays terminated
        stopped = threading.Event()

        def stop() -> None:
            stopped.set()
            options.terminate = True

        forget = job.when_cancelled(stop) if job is not None else (lambda: None)
        try:
            names = [given.name for given in session.get_outputs()]
            return dict(zip(names, session.run(names, dict(inputs), options), strict=True))
        except _ort_errors() as error:
            if stopped.is_set():
                raise Cancelled from error
            raise NetworkError(
                f"the network {self.room!r} didn't run ({_first_line(error)})", "try fewer threads, or report this"
            ) from error
        finally:
            forget()

    def _check(self, inputs: Mapping[str, NDArray[np.float32]]) -> None:
        """Refuse other shapes: ONNX Runtime's arena grows with every new one (206 MB to 5.8 GB, onnxruntime #11627)."""
        expected = self.inputs
        if set(inputs) != set(expected):
            raise ValueError(f"{self.room} takes {sorted(expected)}, got {sorted(inputs)}")
        for name, shape in expected.items():
            given = inputs[name].shape
            fits = len(given) == len(shape) and all(
                want == have for want, have in zip(shape, given, strict=True) if isinstance(want, int)
            )
            if not fits:
                raise ValueError(f"input {name!r} of {self.room} has shape {given}, expected {shape}")

    def _agrees_with_cpu(
        self, inputs: Mapping[str, Any], result: Mapping[str, NDArray[np.float32]], provider: str, job: Any
    ) -> bool:
        """Trust a GPU once its first answer is that of the CPU."""
        truth = self._run(self._open(CPU), inputs, job)
        agrees = all(np.allclose(result[name], truth[name], atol=GPU_TOLERANCE, rtol=0.0) for name in truth)
        if agrees:
            self._trusted = True
        else:
            self._fall_back(provider, "computed something else than the CPU")
        return agrees

    def _fall_back(self, provider: str, reason: str) -> None:
        with self._lock:
            if self.provider == provider:
                _give_up(provider, reason)
                self._session, self.provider, self._trusted = self._open(CPU), CPU, True

    def _open_wished(self) -> Any:
        try:
            return self._open(self.provider)
        except NetworkError:
            if self.provider == CPU:
                raise
            _give_up(self.provider, "didn't start")
            self.provider, self._trusted = CPU, True
            return self._open(CPU)

    def _open(self, provider: str) -> Any:
        import onnxruntime

        options = session_options(self._settings.threads, self.card.file(self.file).optimise)
        try:
            session = onnxruntime.InferenceSession(str(self._path), options, providers=[provider])
        except _ort_errors() as error:
            raise NetworkError(
                f"the network {self.room!r} can't be loaded ({_first_line(error)})",
                "install Shellac again, or put the room's files back",
            ) from error
        if provider not in session.get_providers():  # ONNX Runtime falls back silently; we say so
            raise NetworkError(f"the network {self.room!r} can't use {provider}")
        return session


def _ort_errors() -> tuple[type[Exception], ...]:
    """Return what ONNX Runtime raises: classes of its own without a common parent, and RuntimeError from its core."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = (value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception))
    return (*own, RuntimeError)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


_loaded: OrderedDict[tuple[str, str, tuple[str, ...], int, Path | None], Network] = OrderedDict()
_loaded_lock = threading.Lock()


def network(room: str, settings: Settings, file: str = WEIGHTS, folder: Path | None = None) -> Network:
    """Return the network of `room`, loaded once. Only the two used last stay in memory."""
    key = (room, file, settings.providers, settings.threads, folder)
    with _loaded_lock:
        if key not in _loaded:
            while len(_loaded) >= LOADED_AT_MOST:
                _loaded.popitem(last=False)  # first, so that three are never in memory at once
            _loaded[key] = Network(room, settings, file, folder)
        _loaded.move_to_end(key)
        return _loaded[key]


def forget_networks() -> None:
    """Unload every network and give failed providers another chance."""
    with _loaded_lock:
        _loaded.clear()
    _failed.clear()
    _notes.clear()
