"""Background work: one class for everything that takes longer than a frame.

A `Task` runs a function in a thread of its own, says how far it is at most 20 times a second, can be cancelled, and
delivers its result, or the error, on the window's thread.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Qt, Signal

from engine.errors import Cancelled, ShellacError

if TYPE_CHECKING:
    from engine.tools.tool import Job

State = Literal["running", "done", "failed", "cancelled"]
PROGRESS_INTERVAL_S = 0.05
CHUNKS_BEFORE_ESTIMATE = 3


@dataclass(frozen=True)
class Fault:
    """Something went wrong that isn't the user's doing. `details` are for a report, never for the banner."""

    sentence: str
    details: str


class Pace:
    """Speed and time left from a moving average over the last pieces of work."""

    def __init__(self, pieces: int = 8) -> None:
        self._marks: deque[tuple[float, float]] = deque(maxlen=pieces + 1)

    def start(self, done_s: float, now_s: float) -> None:
        """Begin (again) at `done_s` seconds of sound, at the time `now_s`."""
        self._marks.clear()
        self._marks.append((done_s, now_s))

    def add(self, done_s: float, now_s: float) -> None:
        """Say that `done_s` seconds of sound were done at the time `now_s`."""
        self._marks.append((done_s, now_s))

    @property
    def speed(self) -> float | None:
        """Seconds of sound per second, or None before three pieces are done."""
        if len(self._marks) <= CHUNKS_BEFORE_ESTIMATE:
            return None
        (first, then), (last, now) = self._marks[0], self._marks[-1]
        return (last - first) / (now - then) if now > then and last > first else None

    def left_s(self, total_s: float) -> float | None:
        """Return the seconds left for `total_s` seconds of sound, or None before three pieces are done."""
        speed = self.speed
        return None if speed is None else max(0.0, total_s - self._marks[-1][0]) / speed


class Task(QObject):
    """One piece of background work. Its signals arrive on the window's thread."""

    progressed = Signal()
    ended = Signal()
    _reported = Signal(float, str)
    _finished = Signal(object)

    def __init__(self, name: str, work: Callable[[Job], Any], parent: QObject | None = None) -> None:
        from engine.tools.tool import Job  # it brings all tools along: the window is painted before

        super().__init__(parent)
        self.name = name
        self.state: State = "running"
        self.fraction = 0.0
        self.text = ""
        self.phase = ""  # a word before the percentage
        self.speed: float | None = None
        self.left_s: float | None = None
        self.result: Any = None
        self.error: ShellacError | Fault | None = None
        self.share: Callable[[float], float] = lambda fraction: fraction  # the work's progress as it is shown
        self.is_shown = True  # in the status bar and the jobs dock
        self.job = Job(self._from_thread)
        self._work = work
        self._last_report_s = 0.0
        self._reported.connect(self._take_report, Qt.ConnectionType.QueuedConnection)
        self._finished.connect(self._take_result, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._run, name=f"task {name}")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the work to stop. What it has finished stays."""
        self.job.cancel()

    def join(self, seconds: float | None = None) -> bool:
        """Wait for the thread, and say whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def let_go(self) -> None:
        """Give back what the work held: only name and state of an ended task are still shown."""
        self._work = _nothing
        self.result = None
        self.deleteLater()

    def _from_thread(self, fraction: float, text: str) -> None:
        now = time.perf_counter()
        if now - self._last_report_s >= PROGRESS_INTERVAL_S or fraction >= 1.0:
            self._last_report_s = now
            self._reported.emit(fraction, text)

    def _run(self) -> None:
        outcome: tuple[State, Any]
        try:
            outcome = ("done", self._work(self.job))
        except Cancelled:
            outcome = ("cancelled", None)
        except ShellacError as error:
            outcome = ("failed", error)
        except MemoryError:
            outcome = ("failed", Fault("There is not enough memory for this: close other programs", "MemoryError"))
        except Exception as error:  # noqa: BLE001 - a thread's end is a last resort: else the window waits for ever
            details = "".join(traceback.format_exception(error))
            outcome = ("failed", Fault(f"{self.name} failed: nothing was lost, try again or copy the details", details))
        try:
            self._finished.emit(outcome)
        except RuntimeError:  # the window is gone already
            return

    def _take_report(self, fraction: float, text: str) -> None:
        if self.state == "running":
            self.text = text
            self.fraction = self.share(fraction)
            self.progressed.emit()

    def _take_result(self, outcome: tuple[State, Any]) -> None:
        self.state = outcome[0]
        if self.state == "done":
            self.result = outcome[1]
        elif self.state == "failed":
            self.error = outcome[1]
        self.ended.emit()


def _nothing(_job: Job) -> None:
    """The work of a task that has ended."""


class Jobs(QObject):
    """All tasks that run, and the last ones that ended. Owned by the window."""

    changed = Signal()
    failed = Signal(object)  # ShellacError or Fault of a task nobody else listens to

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.running: list[Task] = []
        self.ended: deque[Task] = deque(maxlen=20)

    def start(
        self,
        name: str,
        work: Callable[[Job], Any],
        done: Callable[[Any], None] | None = None,
        failed: Callable[[ShellacError | Fault], None] | None = None,
        is_shown: bool = True,
    ) -> Task:
        """Run `work` in the background; `done` or `failed` are called on the window's thread."""
        task = Task(name, work, self)
        task.is_shown = is_shown
        self.running.append(task)
        task.progressed.connect(self.changed)
        task.ended.connect(lambda: self._settle(task, done, failed))
        task.start()
        self.changed.emit()
        return task

    def _settle(
        self,
        task: Task,
        done: Callable[[Any], None] | None,
        failed: Callable[[ShellacError | Fault], None] | None,
    ) -> None:
        self.running.remove(task)
        if task.is_shown:
            self.ended.appendleft(task)
        if task.state == "done" and done is not None:
            done(task.result)
        elif task.state == "failed" and task.error is not None:
            (failed or self.failed.emit)(task.error)
        task.let_go()
        self.changed.emit()

    @property
    def shown(self) -> list[Task]:
        """The running tasks a user should see."""
        return [task for task in self.running if task.is_shown]

    def cancel_all(self) -> None:
        """Ask every task to stop."""
        for task in self.running:
            task.cancel()

    def close(self, seconds: float = 2.0) -> bool:
        """Stop everything and wait at most `seconds`; returns whether all threads have ended."""
        self.cancel_all()
        until = time.monotonic() + seconds
        left = [task for task in list(self.running) if not task.join(max(0.0, until - time.monotonic()))]
        return not left
