"""What a network costs: multiply-accumulates per second of audio, and how long ONNX Runtime takes for one."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from engine.inference.card import AS_WRITTEN, OPTIMISED
from export.parity import feed, session_of
from export.resident import resident_megabytes
from training.room import Inputs, Room

SETTINGS: Final = (AS_WRITTEN, OPTIMISED)
THREADS: Final = (1, 2)
WORTH_IT: Final = 0.1  # part of the time that optimising must save: it costs memory, and a measurement varies
_RUNS: Final = 5
_RUNS_AT_MOST: Final = 50
_LONG_ENOUGH_SECONDS: Final = 8.0  # of measuring, where five runs take less


@dataclass(frozen=True)
class Speed:
    """How long a second of audio takes, with either setting."""

    real_time: Mapping[tuple[str, int], float]  # seconds, by setting and number of threads
    processor_time: Mapping[str, float]  # seconds of the processor, on one thread


def macs(model: nn.Module, given: Inputs) -> int:
    """Multiply-accumulates of one run, counted by torch while it computes.

    Convolutions and matrix products count, in an LSTM and in attention too; sums, norms and activations don't. The
    fused forms of both are switched off meanwhile: the counter doesn't see into them.
    """
    with _unfused(), torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(*given)
    return int(counter.get_total_flops()) // 2


@contextmanager
def _unfused() -> Iterator[None]:
    """Let LSTM, attention and encoder layers run as the matrix products that they are."""
    encoder, lstm = torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled
    torch.backends.mha.set_fastpath_enabled(False)
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(encoder)
        torch.backends.mkldnn.enabled = lstm


def longest(room: Room, trials: Mapping[str, Inputs]) -> tuple[Inputs, float]:
    """The trial that stands for the most audio, and for how many seconds."""
    given = max(trials.values(), key=room.seconds)
    return given, room.seconds(given)


def gmac_per_second(room: Room, model: nn.Module, trials: Mapping[str, Inputs]) -> float:
    """Billions of multiply-accumulates per second of audio."""
    given, seconds = longest(room, trials)
    return 1e-9 * macs(model, given) / seconds


def speed(room: Room, path: Path, trials: Mapping[str, Inputs]) -> Speed:
    """Measure how long a second of audio takes as the engine would run the file.

    The best of five runs or more. All are run by turns, so that what else the machine does meets each of them.
    """
    given, seconds = longest(room, trials)
    inputs = feed(room, given)
    sessions = {key: session_of(path, threads=key[1], optimise=key[0]) for key in product(SETTINGS, THREADS)}
    for session in sessions.values():
        session.run(None, inputs)  # the first run sets memory aside
    real, processor = (dict.fromkeys(sessions, float("inf")) for _ in range(2))
    rounds, began = 0, time.perf_counter()
    while rounds < _RUNS or (rounds < _RUNS_AT_MOST and time.perf_counter() - began < _LONG_ENOUGH_SECONDS):
        rounds += 1
        for key, session in sessions.items():
            start, busy = time.perf_counter(), time.process_time()
            session.run(None, inputs)
            real[key] = min(real[key], time.perf_counter() - start)
            processor[key] = min(processor[key], time.process_time() - busy)
    return Speed(
        {key: taken / seconds for key, taken in real.items()},
        {setting: processor[setting, 1] / seconds for setting in SETTINGS},
    )


def quicker(found: Speed) -> str:
    """Return how a network should run: optimised only where that saves a tenth of the processor's time.

    That time, unlike what a clock says, is nearly the same on a busy machine.
    """
    as_written, optimised = found.processor_time[AS_WRITTEN], found.processor_time[OPTIMISED]
    return OPTIMISED if optimised <= (1.0 - WORTH_IT) * as_written else AS_WRITTEN


def speed_table(
    room: Room, path: Path, trials: Mapping[str, Inputs], found: Speed, optimise: str
) -> dict[str, Any]:  # fmt: skip
    """What the card states of a file's speed: as it will run, and what either setting takes."""
    given, seconds = longest(room, trials)
    one, two = (found.real_time[optimise, threads] for threads in THREADS)
    settings = {
        setting: {
            "processor_seconds_per_audio_second": _short(found.processor_time[setting]),
            "resident_megabytes": resident_megabytes(path, feed(room, given), setting),
        }
        for setting in SETTINGS
    }
    return {
        "real_time_factor_1_thread": _short(one),
        "real_time_factor_2_threads": _short(two),
        **({"remark": "two threads took longer than one where this was measured"} if two > one else {}),
        "audio_seconds": round(seconds, 3),
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "optimise": {setting: _known(entry) for setting, entry in settings.items()},
    }


def _known(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value is not None}


def _short(value: float) -> float:
    return float(f"{value:.3g}")
