"""Starts real training processes, as a person would, on the toy recipes; each has its own memory and can be killed.

They come from one process that has imported torch already: a fresh interpreter would take seconds, every time.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

TOYS = Path(__file__).parent / "toy_recipes"
PATIENCE_SECONDS = 120.0
# What a run imports sooner or later; the optimiser wants torch._dynamo.
IMPORTS = ["training.__main__", "torch._dynamo", "matplotlib.figure", "matplotlib.backends.backend_agg"]


@dataclass(frozen=True)
class Running:
    """A training process and what it has printed so far."""

    process: BaseProcess
    lines: Path

    def said(self) -> str:
        """Everything it printed, errors too."""
        return self.lines.read_text(encoding="utf-8") if self.lines.exists() else ""

    def wait_for_step(self, step: int) -> None:
        """Return when a line of the log says that it has come so far."""
        waited_since = time.monotonic()
        while not any(reached >= step for reached in map(_step_of, self.said().splitlines())):
            assert self.process.is_alive(), self.said()
            assert time.monotonic() - waited_since < PATIENCE_SECONDS, self.said()
            time.sleep(0.005)

    def kill_at(self, step: int) -> None:
        """Kill it by force when it has come so far."""
        self.wait_for_step(step)
        self.process.kill()
        self.process.join()
        assert self.process.exitcode == -signal.SIGKILL

    def finish(self) -> str:
        """Wait for a run that has to succeed, and return what it printed."""
        self.process.join(PATIENCE_SECONDS)
        assert self.process.exitcode == 0, self.said()
        return self.said()

    def refusal(self, status: int = 1) -> str:
        """Wait for a run that has to be refused, and return its last line: one sentence, no traceback."""
        self.process.join(PATIENCE_SECONDS)
        assert self.process.exitcode == status, self.said()
        assert "Traceback" not in self.said()
        return self.said().splitlines()[-1]


def start(runs: Path, *words: str, step_seconds: float = 0.0) -> Running:
    """Start `python -m training` with these words; it writes into `runs`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTS)
    runs.mkdir(exist_ok=True)
    lines = runs / f"said-{time.monotonic_ns()}.txt"
    process = context.Process(target=_train, args=(runs, lines, words, step_seconds))
    process.start()
    return Running(process, lines)


def environment(runs: Path, step_seconds: float = 0.0) -> dict[str, str]:
    """What a training process has to be told."""
    return {
        "SHELLAC_RUNS": str(runs),
        "SHELLAC_RECIPES": str(TOYS),
        "TOY_STEP_SECONDS": str(step_seconds),
    }


def _train(runs: Path, lines: Path, words: tuple[str, ...], step_seconds: float) -> None:
    os.environ.update(environment(runs, step_seconds))
    file = os.open(lines, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, sys.stdout.fileno())
    os.dup2(file, sys.stderr.fileno())
    from training.__main__ import main

    main(["--device", "cpu", "--threads", "1", *words])


def _step_of(line: str) -> int:
    return int(line.split()[1]) if line.startswith("step ") else -1
