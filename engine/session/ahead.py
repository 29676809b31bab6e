"""A result that is read from its start to its end, as an export reads it: the next chunks are rendered meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from engine.audio.signal import Samples, Span, check_span
from engine.session.layers import LayerView
from engine.session.rendered import RenderedSignal
from engine.tools.tool import Job


class AheadSignal:
    """The Signal of a result whose chunks are rendered by several threads, a few ahead of the reader.

    The bits are those of `RenderedSignal.read`: only who computes them, and when, is different. Read by one thread.
    """

    def __init__(self, rendered: RenderedSignal, job: Job, pool: ThreadPoolExecutor, chunks_ahead: int) -> None:
        self._view: LayerView = rendered.under(job)
        self._chunks = tuple(rendered.chunks(Span(0, rendered.frames)))
        self._pool = pool
        self._ahead = chunks_ahead
        self._coming: dict[int, Future[Samples]] = {}
        self.rate, self.channels, self.frames = rendered.rate, rendered.channels, rendered.frames
        self.fingerprint = rendered.fingerprint

    def read(self, start: int, stop: int) -> Samples:
        """Return a span, shape (stop - start, channels). Raises Cancelled with the job."""
        check_span(self, start, stop)
        out = np.empty((stop - start, self.channels), dtype=np.float32)
        if start == stop:
            return out
        size = self._chunks[0].frames
        for index in range(start // size, (stop - 1) // size + 1):
            chunk = self._chunks[index]
            here = chunk.intersect(Span(start, stop))
            samples = self._chunk(index)
            out[here.start - start : here.stop - start] = samples[here.start - chunk.start : here.stop - chunk.start]
        return out

    def _chunk(self, index: int) -> Samples:
        for passed in [i for i in self._coming if not index <= i <= index + self._ahead]:
            self._coming.pop(passed).cancel()
        for i in range(index, min(index + self._ahead + 1, len(self._chunks))):
            if i not in self._coming:
                self._coming[i] = self._pool.submit(self._view.read, *self._chunks[i])
        return self._coming[index].result()


@contextmanager
def reading_ahead(rendered: RenderedSignal, job: Job, threads: int) -> Iterator[AheadSignal]:
    """Give the result for reading it in order, rendered by `threads` threads.

    When the reader gives up, what is being rendered is finished or cancelled first; no thread is left behind.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="render")
    try:
        yield AheadSignal(rendered, job, pool, threads)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
