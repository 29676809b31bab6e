"""What a network costs: multiply-accumulates per second of audio, and how long ONNX Runtime takes for one."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from export.parity import feed, session_of
from training.room import Inputs, Room

_RUNS: Final = 5
_LONG_ENOUGH_SECONDS: Final = 4.0  # of measuring; two runs at least


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


def real_time_factor(room: Room, path: Path, trials: Mapping[str, Inputs], threads: int) -> float:
    """Seconds that ONNX Runtime takes for a second of audio on so many threads, best of five runs."""
    given, seconds = longest(room, trials)
    session, inputs = session_of(path, threads), feed(room, given)
    session.run(None, inputs)  # the first run sets memory aside
    taken: list[float] = []
    while len(taken) < 2 or (len(taken) < _RUNS and sum(taken) < _LONG_ENOUGH_SECONDS):
        began = time.perf_counter()
        session.run(None, inputs)
        taken.append(time.perf_counter() - began)
    return min(taken) / seconds


def speed_table(room: Room, path: Path, trials: Mapping[str, Inputs]) -> dict[str, Any]:
    """Real-time factors on one and on two threads, as the card states them."""
    return {
        "real_time_factor_1_thread": _short(real_time_factor(room, path, trials, 1)),
        "real_time_factor_2_threads": _short(real_time_factor(room, path, trials, 2)),
        "audio_seconds": round(longest(room, trials)[1], 3),
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def _short(value: float) -> float:
    return float(f"{value:.3g}")
