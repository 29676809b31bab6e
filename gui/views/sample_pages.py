"""Samples for a view zoomed in so far that peaks no longer do: pages of a recording, read in the background."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from engine.audio.signal import Samples, Signal, Span
from gui.views.crew import Crew

PAGE = 1 << 15  # frames
MOST_PAGES = 96  # per lane: 12 MB of stereo float32


class SamplePages:
    """A small cache of one Signal's samples. `read` never waits; `arrived` is called from the crew's thread."""

    def __init__(self, signal: Signal, crew: Crew, group: str, arrived: Callable[[], None]) -> None:
        self._signal = signal
        self._crew = crew
        self._group = group
        self._arrived = arrived
        self._pages: OrderedDict[int, Samples] = OrderedDict()
        self._stale: set[int] = set()  # shown until they are read again
        self._lock = threading.Lock()

    def read(self, start: int, stop: int) -> Samples | None:
        """Return the samples of a span (cut to the recording), or None while any of them is still being read."""
        inside = Span(start, stop).intersect(Span(0, self._signal.frames))
        if not inside.frames:
            return np.zeros((0, self._signal.channels), dtype=np.float32)
        wanted = range(inside.start // PAGE, (inside.stop - 1) // PAGE + 1)
        with self._lock:
            due = [index for index in wanted if index not in self._pages or index in self._stale]
            pages = [self._pages[index] for index in wanted if index in self._pages]
            for index in wanted:
                if index in self._pages:
                    self._pages.move_to_end(index)
        if due:
            self._crew.want(self._group, [((self._group, index), self._job(index)) for index in due])
        if len(pages) < len(wanted):
            return None
        offset = wanted[0] * PAGE
        joined = pages[0] if len(pages) == 1 else np.concatenate(pages)
        return joined[inside.start - offset : inside.stop - offset]

    def forget(self, start: int, stop: int) -> None:
        """Read the pages that touch a span again when they are next needed."""
        with self._lock:
            touched = range(start // PAGE, max(start, stop - 1) // PAGE + 1)
            self._stale.update(index for index in touched if index in self._pages)

    def _job(self, index: int) -> Callable[[], None]:
        def work() -> None:
            first = index * PAGE
            with self._lock:
                if index in self._pages and index not in self._stale:
                    return
                self._stale.discard(index)
            samples = self._signal.read(first, min(first + PAGE, self._signal.frames))
            with self._lock:
                self._pages[index] = samples
                while len(self._pages) > MOST_PAGES:
                    self._pages.popitem(last=False)
            self._arrived()

        return work
