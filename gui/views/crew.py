"""A few quiet threads that read and compute what the canvas will want to show next.

Their waiting list is replaced, not lengthened: what scrolled out of sight is never computed.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence

from PySide6.QtCore import QObject, Signal

from engine.errors import Cancelled, ShellacError

Work = Callable[[], None]
IDLE_S = 0.5  # a thread without work ends, so that none outlives the window
NICENESS = 10


class Crew(QObject):
    """Threads of low priority. A group's jobs wait in order; the job that runs is never interrupted.

    Parameters
    ----------
    niceness
        0 for work that the user sits and waits for, up to 19.
    """

    failed = Signal(str)

    def __init__(self, threads: int = 1, parent: QObject | None = None, niceness: int = NICENESS) -> None:
        super().__init__(parent)
        self._limit = max(1, threads)
        self._niceness = niceness
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[tuple[Hashable, Work]]] = {}
        self._running: dict[threading.Thread, tuple[str, Hashable] | None] = {}
        self._is_paused = False
        self._is_closed = False

    def want(self, group: str, jobs: Sequence[tuple[Hashable, Work]]) -> None:
        """Replace the waiting jobs of `group`, first come first.

        A job that runs already waits until that run has ended: what it needs may have changed since it began.
        """
        with self._changed:
            self._waiting[group] = deque(jobs)
            self._hire()

    def add(self, group: str, key: Hashable, work: Work) -> None:
        """Put one more job at the end of `group`."""
        with self._changed:
            self._waiting.setdefault(group, deque()).append((key, work))
            self._hire()

    def drop(self, group: str) -> None:
        """Forget the waiting jobs of `group`."""
        self.want(group, ())

    def pause(self, is_paused: bool) -> None:
        """Start no new job while paused."""
        with self._changed:
            self._is_paused = is_paused
            self._hire()

    @property
    def is_idle(self) -> bool:
        with self._changed:
            return not any(self._waiting.values()) and not any(self._running.values())

    def wait_idle(self, timeout_s: float = 10.0) -> bool:
        """Block until nothing waits and nothing runs; for tests and for pictures."""
        limit = time.monotonic() + timeout_s
        while not self.is_idle:
            if time.monotonic() > limit:
                return False
            time.sleep(0.005)
        return True

    def close(self, timeout_s: float = 2.0) -> bool:
        """Forget all work and wait for the threads to end; False if one is still busy after `timeout_s`."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify_all()
            threads = list(self._running)
        limit = time.monotonic() + timeout_s
        for thread in threads:
            thread.join(max(0.0, limit - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _hire(self) -> None:
        if self._is_closed or self._is_paused:
            return
        self._changed.notify_all()
        idle = sum(job is None for job in self._running.values())
        missing = min(sum(map(len, self._waiting.values())) - idle, self._limit - len(self._running))
        for _ in range(missing):
            thread = threading.Thread(target=self._work, name="canvas")
            self._running[thread] = None
            thread.start()

    def _next(self) -> tuple[str, Hashable, Work] | None:
        if self._is_paused:
            return None
        busy = {job for job in self._running.values() if job is not None}
        for group, jobs in self._waiting.items():
            for place, (key, work) in enumerate(jobs):
                if (group, key) not in busy:
                    del jobs[place]
                    return group, key, work
        return None

    def _work(self) -> None:
        lower_priority(self._niceness)
        me = threading.current_thread()
        try:
            while (work := self._take(me)) is not None:
                try:
                    work()
                except Cancelled:
                    pass
                except (ShellacError, OSError) as error:
                    self.failed.emit(str(error))
                except RuntimeError:
                    if not self._is_closed:  # a slow job may outlive the widget it reports to
                        raise
        finally:
            with self._changed:
                del self._running[me]

    def _take(self, me: threading.Thread) -> Work | None:
        """Return the next job, None after a while without any."""
        with self._changed:
            self._running[me] = None
            self._changed.notify_all()
            job = self._next()
            if job is None and not self._is_closed:
                self._changed.wait(IDLE_S)
                job = self._next()
            if job is None or self._is_closed:
                return None
            self._running[me] = job[:2]
            return job[2]


def lower_priority(niceness: int = NICENESS) -> None:
    """Let other threads go first from now on, before this one and those that it starts."""
    # On Linux niceness belongs to the thread; elsewhere it would slow the whole process.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
