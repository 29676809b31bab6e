"""Has contenders align pairs, each in a process of its own, and says what it took: processor seconds and memory.

A process serves one contender for all pairs, so that nobody's libraries count for anybody else. What fails is told in
words and doesn't stop the others.
"""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import numpy as np

from training.align.contenders import Contender
from training.align.pair import Answer, Pair, Samples

LIMIT_S: Final = 1800.0  # for one pair
WARMING_S: Final = 4.0  # of noise aligned first, so that imports and compilers aren't timed
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a contender said of a pair, and what that took."""

    contender: str
    pair: str
    answer: Answer | None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mb: float = 0.0  # resident memory of its process; nan where the system doesn't tell
    problem: str = ""


class Worker:
    """A process that aligns with one contender."""

    def __init__(self, contender: Contender) -> None:
        context = multiprocessing.get_context("spawn")
        self._contender = contender
        self._known: dict[str, Outcome] = {}  # by the sound: some rows share it and differ in their truth
        self._end, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(contender, other), daemon=True)
        self._process.start()
        other.close()

    def align(self, pair: Pair) -> Outcome:
        """Have it align a pair, once; a process that dies or takes too long is an outcome too."""
        sound = hashlib.sha256(pair.reference.tobytes() + pair.target.tobytes()).hexdigest()
        if sound not in self._known:
            self._known[sound] = self._aligned(pair)
        return replace(self._known[sound], pair=pair.name)

    def _aligned(self, pair: Pair) -> Outcome:
        try:
            self._end.send((pair.reference, pair.target, pair.rate))
            if not self._end.poll(LIMIT_S):
                self.close()
                return self._failed(pair, f"not done after {LIMIT_S:.0f} s: stopped")
            answer, cpu_s, wall_s, peak_mb, problem = self._end.recv()
        except (EOFError, OSError):
            return self._failed(pair, "its process died (out of memory?)")
        return Outcome(self._contender.name, pair.name, answer, cpu_s, wall_s, peak_mb, problem)

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()
        self._end.close()

    def _failed(self, pair: Pair, problem: str) -> Outcome:
        return Outcome(self._contender.name, pair.name, None, problem=problem)


@contextmanager
def workers(contenders: tuple[Contender, ...]) -> Iterator[dict[str, Worker]]:
    """Start a process for each contender and end them all."""
    started: dict[str, Worker] = {}
    try:
        for contender in contenders:
            started[contender.name] = Worker(contender)
        yield started
    finally:
        for worker in started.values():
            worker.close()


def _serve(contender: Contender, end: Connection) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(round(WARMING_S * 22_050)).astype(np.float32)
    timed(contender, noise, noise, 22_050)  # whatever fails here fails again below, where it's told
    while True:
        try:
            reference, target, rate = end.recv()
        except EOFError:
            return
        end.send(timed(contender, reference, target, rate))


def timed(
    contender: Contender, reference: Samples, target: Samples, rate: int
) -> tuple[Answer | None, float, float, float, str]:
    """Align in this process; returns the answer, processor and wall seconds, peak MB and what went wrong."""
    _forget_peak()
    cpu, wall = time.process_time(), time.monotonic()
    answer, problem = None, ""
    try:
        with redirect_stdout(io.StringIO()):  # some draw their progress into what may be a table
            answer = contender.aligner(reference, target, rate)
        problem = problem_with(answer)
    except Exception as error:  # noqa: BLE001  (anything a contender does is its own doing: the others go on)
        problem = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return (None if problem else answer), time.process_time() - cpu, time.monotonic() - wall, _peak_mb(), problem


def problem_with(answer: Answer) -> str:
    """Say why an answer is no map, or nothing."""
    if len(answer.reference_s) != len(answer.target_s) or len(answer.reference_s) < 2:
        return f"{len(answer.reference_s)} and {len(answer.target_s)} knots are no map"
    if not (np.isfinite(answer.reference_s).all() and np.isfinite(answer.target_s).all()):
        return "its map holds values that aren't finite"
    if (np.diff(answer.reference_s) <= 0.0).any() or (np.diff(answer.target_s) < 0.0).any():
        return "its map runs backwards"
    return ""


def _forget_peak() -> None:
    with suppress(OSError):
        _CLEAR.write_text("5")  # Linux: the peak begins anew


def _peak_mb() -> float:
    if sys.platform != "linux":
        return float("nan")
    lines = _STATUS.read_text().splitlines()
    peak = next((line for line in lines if line.startswith("VmHWM:")), "")
    return int(peak.split()[1]) / 1024.0 if peak else float("nan")
