"""Prepares batches in the background, so that the network never waits for loading, decoding or degrading.

What a batch holds follows from its step alone; threads only decide when it is ready. Threads, not processes: loading
is reading, decoding and numpy, which let go of the interpreter, and a batch of three-second crops is 8 MB that a
process would have to copy over.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from types import TracebackType
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError

T = TypeVar("T")
DEPTH: Final = 4  # batches that are ready at most; of the denoiser's, 34 MB


def picks_at(indices: NDArray[np.int64], size: int, seed: int, step: int) -> NDArray[np.int64]:
    """Return the `size` indices of one step.

    A pass over `indices` has an order of its own and visits none twice; the last few of that order, too few for a
    batch, wait for another pass.

    Raises
    ------
    TrainingError
        If there are fewer indices than one batch holds.
    """
    steps = len(indices) // size
    if not steps:
        raise TrainingError(f"{len(indices)} training items don't fill a batch of {size}: build or add more")
    number, place = divmod(step, steps)
    return indices[_order(len(indices), seed, number)[place * size : (place + 1) * size]]


@lru_cache(maxsize=4)
def _order(count: int, seed: int, number: int) -> NDArray[np.int64]:
    """The order of one pass, kept for its steps: a million indices take 76 ms to shuffle."""
    order: NDArray[np.int64] = np.random.default_rng((seed, number)).permutation(count)
    order.setflags(write=False)
    return order


class Ahead(Iterator[T], Generic[T]):
    """An iterator whose next values are already being made; close it, or use it in a `with`."""

    def __init__(self, source: Iterator[T], depth: int = DEPTH) -> None:
        self.waited_seconds = 0.0  # that the consumer has waited for the next value
        self._source = source
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches ahead")
        self._pending: deque[Future[T]] = deque(self._thread.submit(next, source) for _ in range(depth))

    def __next__(self) -> T:
        """Return the next value, or raise what making it has raised.

        Raises
        ------
        StopIteration
            At the end of the source, or after `close`.
        """
        if not self._pending:
            raise StopIteration
        began = time.monotonic()
        try:
            value = self._pending.popleft().result()
        finally:
            self.waited_seconds += time.monotonic() - began
        self._pending.append(self._thread.submit(next, self._source))
        return value

    def close(self) -> None:
        """End the thread; what was ready and not asked for is dropped."""
        while self._pending:
            self._pending.pop().cancel()
        self._thread.shutdown(wait=True)
        close = getattr(self._source, "close", None)
        if callable(close):
            close()

    def __enter__(self) -> Ahead[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def ahead(source: Iterator[T], depth: int = DEPTH) -> Ahead[T]:
    """Return the same values in the same order, up to `depth` of them made in advance by one thread."""
    return Ahead(source, depth)


def in_order(make: Callable[[int], T], step: int, workers: int = 2, depth: int = DEPTH) -> Iterator[T]:
    """Yield make(step), make(step + 1), ... for ever, made in advance by `workers` threads.

    For recipes that can say a batch by its step; which thread makes it changes nothing.
    """
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="batches") as pool:
        pending: deque[Future[T]] = deque()
        try:
            while True:
                while len(pending) < max(depth, workers):
                    pending.append(pool.submit(make, step + len(pending)))
                value = pending.popleft().result()
                step += 1
                yield value
        finally:
            for future in pending:
                future.cancel()
