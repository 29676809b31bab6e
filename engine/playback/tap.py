"""What was sent to the speakers lately, for the meters: the callback writes, the window reads when it likes."""

from __future__ import annotations

import numpy as np

from engine.audio.signal import Samples

TAP_S = 1.5


class Tap:
    """A ring that its writer overwrites: a reader that comes too late loses the oldest, never blocks anyone."""

    def __init__(self, rate: int, channels: int) -> None:
        self._samples: Samples = np.zeros((max(1, round(TAP_S * rate)), channels), dtype=np.float32)
        self.written = 0

    def write(self, block: Samples) -> None:
        """Remember `block`, at most the tap's capacity."""
        capacity = len(self._samples)
        start = self.written % capacity
        head = min(len(block), capacity - start)
        self._samples[start : start + head] = block[:head]
        self._samples[: len(block) - head] = block[head:]
        self.written += len(block)

    def since(self, count: int) -> tuple[Samples, int]:
        """Return a copy of what came after frame number `count`, shape (frames, channels), and the new count."""
        capacity = len(self._samples)
        written = self.written
        # A quarter is left to the writer: it may go on while we copy.
        first = max(count, written - capacity * 3 // 4, 0)
        indices = np.arange(first, written) % capacity
        return self._samples[indices], written
