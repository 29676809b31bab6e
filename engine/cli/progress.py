"""How a command shows its progress and hears Ctrl+C: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, TypeVar

from engine.cli.say import note
from engine.tools.tool import Job

Result = TypeVar("Result")
_LINE_EVERY_S: Final = 5.0
_REDRAW_S: Final = 0.1
_STEPS: Final = 1000


class ProgressShown:
    """Shows the progress of one job. The fraction never goes back, whatever the stages say."""

    def __init__(self, title: str, quiet: bool) -> None:
        self._title = title
        self._best = 0.0
        self._next_s = time.monotonic() + _LINE_EVERY_S
        self._bar: Any = None
        self._lines = not quiet
        if not quiet and sys.stderr.isatty():
            from tqdm import tqdm

            self._lines = False
            shape = "{desc} {bar} {percentage:3.0f} % {elapsed}<{remaining}"
            self._bar = tqdm(total=_STEPS, desc=title, bar_format=shape, leave=False, mininterval=_REDRAW_S)

    def __call__(self, fraction: float, text: str) -> None:
        self._best = max(self._best, min(1.0, fraction))
        if self._bar is not None:
            self._bar.set_description_str(f"{self._title} {text}".strip(), refresh=False)
            self._bar.update(round(self._best * _STEPS) - self._bar.n)
        elif self._lines and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + _LINE_EVERY_S
            note(f"{self._title} {self._best * 100:.0f} % {text}".strip())

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


@contextmanager
def shown(title: str, quiet: bool) -> Iterator[Job]:
    """Give a job whose progress is shown under `title`."""
    progress = ProgressShown(title, quiet)
    try:
        yield Job(progress)
    finally:
        progress.close()


def _endings() -> tuple[signal.Signals, ...]:
    """Return the signals that ask a command to end. Under `nohup` the one of a lost terminal isn't among them."""
    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    if hang_up is None or signal.getsignal(hang_up) == signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, hang_up


def interruptibly(job: Job, work: Callable[[], Result]) -> Result:
    """Do `work` so that Ctrl+C cancels `job` at once, even while a network runs; so do TERM and a terminal that goes.

    Python hears signals only on the main thread and only between its own steps, so the work goes to another one.

    Raises
    ------
    Cancelled
        If the user interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again on the main thread
            failure.append(error)

    def stop(number: int, frame: FrameType | None) -> None:
        job.cancel()
        signal.signal(number, signal.SIG_DFL)  # whoever asks twice isn't kept waiting by a worker that is stuck

    before = {number: signal.signal(number, stop) for number in _endings()}
    worker = threading.Thread(target=run, name="work")
    try:
        worker.start()
        while worker.is_alive():
            worker.join(0.05)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if failure:
        raise failure[0]
    return outcome[0]
