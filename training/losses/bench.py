"""Speed and memory of the losses beside auraloss: one process, one run, the two by turns, so that only ratios count.

Nothing here is imported by a training. auraloss is looked for when asked for, and never needed.
"""

from __future__ import annotations

import importlib
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from training import losses

THREADS: Final = 2
WARM_UPS: Final = 3
ROUNDS: Final = 7
SIZES: Final = (1024, 2048, 512)  # auraloss's order
QUARTERS: Final = tuple(size // 4 for size in SIZES)
MEL_SIZES: Final = (1024, 2048, 8192)
MEL: Final = {
    "fft_sizes": list(MEL_SIZES),
    "hop_sizes": [size // 4 for size in MEL_SIZES],
    "win_lengths": list(MEL_SIZES),
    "perceptual_weighting": True,
    "sample_rate": 44_100,
    "scale": "mel",
    "n_bins": 128,
}
ON_SAMPLES: Final = ("SNRLoss", "SISDRLoss", "ESRLoss", "LogCoshLoss")
SEEDS: Final = 20
_WEIGHTED: Final = {"perceptual_weighting": True, "sample_rate": 44_100}
_MEL: Final = {"scale": "mel", "n_bins": 24}
_OVER_ITEMS: Final = {"fft_sizes": [256, 512], "hop_sizes": [64, 100], "win_lengths": [256, 400]}

Scores = Callable[[Tensor, Tensor], Tensor]


def peer() -> Any | None:
    """Return auraloss's module, or nothing if it isn't installed."""
    try:
        return importlib.import_module("auraloss")
    except ImportError:
        return None


@dataclass(frozen=True)
class Case:
    """A comparison; `peers` takes auraloss's module."""

    name: str
    shape: tuple[int, ...]
    peers: Callable[[Any], nn.Module]
    ours: Callable[[], nn.Module]
    floor: float  # of the ratio, theirs over ours
    target: float
    prepares: bool = False  # whether the target is worked out beforehand, on our side


@dataclass(frozen=True)
class Row:
    """A figure with its floor and its target."""

    case: str
    peer: float | None
    ours: float | None
    unit: str
    value: float
    floor: float | None  # None: printed for information
    target: float | None
    less_is_better: bool = False

    @property
    def meets_floor(self) -> bool:
        """Whether the floor, if any, is met."""
        return self.floor is None or (self.value <= self.floor if self.less_is_better else self.value >= self.floor)

    @property
    def meets_target(self) -> bool:
        """Whether the target, if any, is met."""
        return self.target is None or (self.value <= self.target if self.less_is_better else self.value >= self.target)


class Together(nn.Module):
    """Several losses of the same signals, summed."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Sum them."""
        return torch.stack([part(pred, target) for part in self.parts]).sum()


CASES: Final = (
    Case(
        "MR-STFT, peer's sizes and hops, both parity",
        (8, 1, 65_536),
        lambda peer: peer.freq.MultiResolutionSTFTLoss(),
        lambda: losses.MultiResolutionSTFTLoss(mode="parity"),
        1.6,
        2.0,
    ),
    Case(
        "the same with a prepared target",
        (8, 1, 65_536),
        lambda peer: peer.freq.MultiResolutionSTFTLoss(),
        lambda: losses.MultiResolutionSTFTLoss(mode="parity"),
        1.9,
        2.5,
        prepares=True,
    ),
    Case(
        "safe default against the peer's default",
        (8, 1, 65_536),
        lambda peer: peer.freq.MultiResolutionSTFTLoss(),
        losses.MultiResolutionSTFTLoss,
        4.5,
        6.0,
    ),
    Case(
        "safe against the peer, both at hops win/4",
        (8, 1, 65_536),
        lambda peer: peer.freq.MultiResolutionSTFTLoss(list(SIZES), list(QUARTERS), list(SIZES)),
        lambda: losses.MultiResolutionSTFTLoss(list(SIZES), list(QUARTERS), list(SIZES)),
        1.3,
        1.7,
    ),
    Case(
        "sum/difference, 3 mel resolutions, A-weighting",
        (8, 2, 44_100),
        lambda peer: peer.freq.SumAndDifferenceSTFTLoss(**MEL),
        lambda: losses.SumAndDifferenceSTFTLoss(**MEL),  # type: ignore[arg-type]
        1.5,
        2.5,
    ),
    Case(
        "SNR, SI-SDR, ESR, LogCosh",
        (8, 1, 65_536),
        lambda peer: Together(*(getattr(peer.time, name)() for name in ON_SAMPLES)),
        lambda: Together(*(getattr(losses, name)() for name in ON_SAMPLES)),
        1.0,
        1.2,
    ),
)


def signals(shape: tuple[int, ...], seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return a prediction that wants a gradient and a target, noise of RMS 0.1 with an error 10 dB down."""
    generator = torch.Generator().manual_seed(seed)
    target = 0.1 * torch.randn(shape, generator=generator)
    pred = target + 0.03 * torch.randn(shape, generator=generator)
    return pred.requires_grad_(), target


def step(score: Scores, pred: Tensor, target: Any) -> None:
    """Run forward and backward."""
    pred.grad = None
    score(pred, target).backward()  # type: ignore[no-untyped-call]


def race(case: Case, module: Any) -> tuple[float, float]:
    """Return the best times of both in milliseconds, taken by turns."""
    pred, target = signals(case.shape)
    theirs, ours = case.peers(module), case.ours()
    given: Any = ours.prepare(target) if case.prepares else target  # type: ignore[operator]
    best = [float("inf"), float("inf")]
    for turn in range(WARM_UPS + ROUNDS):
        for side, (score, reference) in enumerate(((theirs, target), (ours, given))):
            began = time.perf_counter()
            step(score, pred, reference)
            if turn >= WARM_UPS:
                best[side] = min(best[side], 1000.0 * (time.perf_counter() - began))
    return best[0], best[1]


def saved_bytes(score: Scores, pred: Tensor, target: Tensor) -> int:
    """Return the bytes kept for the backward pass: distinct storages, seen by saved_tensors_hooks."""
    kept: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor  # held, so that no address is used twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        score(pred, target)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def peak_megabytes(number: int, side: str) -> float | None:
    """Return what a forward and backward of a case adds to a fresh process's largest resident memory, or nothing.

    Linux only: elsewhere no process tells its own largest size without that of its parent.
    """
    if not Path("/proc/self/status").exists():
        return None
    program = f"from training.losses.bench import print_peak; print_peak({number}, {side!r})"
    root = Path(__file__).resolve().parent.parent.parent
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def print_peak(number: int, side: str) -> None:
    """What `peak_megabytes` runs in a process of its own."""
    torch.set_num_threads(THREADS)
    case = CASES[number]
    score = case.peers(peer()) if side == "peer" else case.ours()
    step(score, *signals((1, case.shape[1], 65_536)))  # FFT plans and thread pools are nobody's
    pred, target = signals(case.shape)
    before = _largest_kilobytes()
    step(score, pred, target)
    print((_largest_kilobytes() - before) / 1000.0)


def _largest_kilobytes() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return float(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def speed_rows(module: Any) -> Iterator[Row]:
    """Race every case."""
    for case in CASES:
        theirs, ours = race(case, module)
        yield Row(case.name, theirs, ours, "ms", theirs / ours, case.floor, case.target)
    for name in ON_SAMPLES:
        theirs, ours = race(_alone(name), module)
        yield Row(f"  {name} alone", theirs, ours, "ms", theirs / ours, None, None)


def _alone(name: str) -> Case:
    return Case(name, (8, 1, 65_536), lambda peer: getattr(peer.time, name)(), getattr(losses, name), 0.0, 0.0)


def memory_rows(module: Any) -> Iterator[Row]:
    """Compare what is kept for the backward pass, and what a process grows by."""
    case = CASES[0]
    pred, target = signals(case.shape)
    theirs = saved_bytes(case.peers(module), pred, target) / 1e6
    for name, ours in (("parity", case.ours()), ("safe", _safe_at_peers_sizes())):
        kept = saved_bytes(ours, pred, target) / 1e6
        yield Row(f"saved for backward, {name}", theirs, kept, "MB", kept / theirs, 0.7, 0.5, True)
    for number in (0, 2):
        peaks = [peak_megabytes(number, side) for side in ("peer", "ours")]
        if peaks[0] and peaks[1] is not None:
            name = f"peak memory, {CASES[number].name}"
            yield Row(name, peaks[0], peaks[1], "MB", peaks[1] / peaks[0], None, None, True)


def _safe_at_peers_sizes() -> nn.Module:
    return losses.MultiResolutionSTFTLoss(list(SIZES), [120, 240, 50], [600, 1200, 240])


PARITY: Final[dict[str, tuple[tuple[int, ...], dict[str, Any]]]] = {
    **{name: ((3, 2, 4001), {}) for name in ("ESRLoss", "DCLoss", "LogCoshLoss", "SNRLoss", "SISDRLoss", "SDSDRLoss")},
    "STFTLoss": ((3, 2, 4001), {"w_lin_mag": 0.5, "w_phs": 0.1}),
    "MelSTFTLoss": ((3, 1, 4001), {"sample_rate": 16_000, "n_mels": 64}),
    "MultiResolutionSTFTLoss": ((3, 2, 4001), {"mag_distance": "L2", "w_lin_mag": 0.5}),
    "SumAndDifferenceSTFTLoss": ((3, 2, 4001), {**_OVER_ITEMS, "output": "loss"}),
    "MultiResolutionSTFTLoss, A-weighted": ((3, 2, 4001), {**_OVER_ITEMS, **_WEIGHTED}),
    "MultiResolutionSTFTLoss, A-weighted mel": ((3, 2, 4001), {**_OVER_ITEMS, **_WEIGHTED, **_MEL}),
    "SumAndDifferenceSTFTLoss, A-weighted": ((3, 2, 4001), {**_OVER_ITEMS, **_WEIGHTED}),
    "SumAndDifferenceSTFTLoss, A-weighted mel": ((3, 2, 4001), {**_OVER_ITEMS, **_WEIGHTED, **_MEL}),
}  # the others of auraloss raise, or draw their sizes by themselves: see tests/training/losses/test_parity.py


def parity_rows(module: Any) -> Iterator[Row]:
    """Return the largest relative deviations from auraloss in value and gradient, over classes and seeds."""
    value, gradient = 0.0, 0.0
    for case, (shape, settings) in PARITY.items():
        name = case.partition(",")[0]
        theirs = getattr(module.time if hasattr(module.time, name) else module.freq, name)(**settings)
        ours = getattr(losses, name)(**settings, mode="parity")
        for seed in range(SEEDS):
            pred, target = signals(shape, seed)
            step(theirs, pred, target)
            wanted, there = float(theirs(pred, target).detach()), _gradient(pred)
            step(ours, pred, target)
            value = max(value, abs(float(ours(pred, target).detach()) / wanted - 1.0))
            gradient = max(gradient, float((_gradient(pred) - there).norm() / there.norm()))
    yield Row(f"parity of values, {SEEDS} seeds", None, None, "relative", value, 1e-5, 1e-6, True)
    yield Row(f"parity of gradients, {SEEDS} seeds", None, None, "relative", gradient, 1e-4, 1e-5, True)


COMPILED: Final[dict[str, Callable[[], nn.Module]]] = {
    "STFT": losses.STFTLoss,
    "MR-STFT": losses.MultiResolutionSTFTLoss,
}


def compile_rows() -> Iterator[Row]:
    """Race each loss, as one graph of generated code, against itself; and compare value and gradient.

    Without a compiler for C++ there is nothing to generate, and one row says so.
    """
    if not any(map(shutil.which, ("g++", "c++", "clang++", "cl"))):
        yield Row("torch.compile: no C++ compiler here", None, None, "", math.nan, None, None)
        return
    for name, make in COMPILED.items():
        torch.compiler.reset()
        compiled = torch.compile(make(), fullgraph=True)
        case = Case(name, (8, 1, 65_536), lambda _, make=make: make(), lambda compiled=compiled: compiled, 0.0, 1.0)  # type: ignore[misc]
        eager, quick = race(case, None)
        yield Row(f"{name}: eager against torch.compile", eager, quick, "ms", eager / quick, None, case.target)
        found = _value_and_gradient(compiled, case.shape)
        wanted = _value_and_gradient(make(), case.shape)
        apart = max(float((one - other).norm() / other.norm()) for one, other in zip(found, wanted, strict=True))
        yield Row(f"{name}: compiled less eager", None, None, "relative", apart, 1e-5, 1e-6, True)


def _value_and_gradient(score: Scores, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    pred, target = signals(shape)
    value = score(pred, target)
    value.backward()  # type: ignore[no-untyped-call]
    return value.detach(), _gradient(pred)


def _gradient(pred: Tensor) -> Tensor:
    assert pred.grad is not None
    return pred.grad.clone()


def bench(module: Any) -> Iterator[Row]:
    """Give the whole table row by row, with torch on 2 threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        yield from speed_rows(module)
        yield from memory_rows(module)
        yield from parity_rows(module)
        yield from compile_rows()
    finally:
        torch.set_num_threads(threads)


HEADING: Final = f"{'case':55}{'peer':>10}{'ours':>10}{'':5}{'ratio':>9}{'floor':>8}{'target':>8}"


def line(row: Row) -> str:
    """Return a row as text; a missed floor shouts, a missed target is named."""
    sides = "".join(f"{'' if side is None else format(side, '.2f'):>10}" for side in (row.peer, row.ours))
    limits = "".join(f"{'' if limit is None else format(limit, '.3g'):>8}" for limit in (row.floor, row.target))
    verdict = "" if row.meets_target else "  below target" if row.meets_floor else "  FLOOR MISSED"
    unit = row.unit if row.peer is not None else ""
    return f"{row.case:55}{sides} {unit:4}{row.value:9.3g}{limits}{verdict}"
