"""A Signal at another rate, read anywhere and in any order with the same bits.

The result is computed in blocks that lie on an absolute grid. Each block's input starts on a frame that both rates
share, so a block knows nothing of its neighbours, and brings enough sound of its surroundings that the filter has
settled where the block begins.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict

import numpy as np
import soxr

from engine.audio.signal import Samples, Signal, check_span, read_padded, resampled_frames

BLOCK = 1 << 15  # output frames, about
CONTEXT = 4096  # input frames before and after, at least; see tests: the join is below -140 dB
KEPT_BLOCKS = 4


class ResampledSignal:
    """`signal` at `rate`, by soxr's best quality (images and aliases below -140 dB).

    Frame k of the result is the instant k / rate of the source: no delay, and an exact length.

    Raises
    ------
    ValueError
        If `rate` isn't positive.
    """

    def __init__(self, signal: Signal, rate: int) -> None:
        if rate < 1:
            raise ValueError(f"rate must be positive, got {rate}")
        self._signal = signal
        self.rate = rate
        self.channels = signal.channels
        self.frames = resampled_frames(signal.frames, signal.rate, rate)
        common = math.gcd(rate, signal.rate)
        self._unit_in, self._unit_out = signal.rate // common, rate // common
        # The context grows with the ratio: the filter is as long as its cutoff is low.
        needed = CONTEXT * max(1.0, signal.rate / rate)
        self._context_units = math.ceil(needed / self._unit_in)
        self._block_units = math.ceil(BLOCK / self._unit_out)
        self._kept: OrderedDict[int, Samples] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        if self.rate == self._signal.rate:
            return self._signal.read(start, stop)
        size = self._block_units * self._unit_out
        out = np.empty((stop - start, self.channels), dtype=np.float32)
        for index in range(start // size, -(-stop // size)):
            block = self._block(index)
            first, last = max(start, index * size), min(stop, (index + 1) * size)
            out[first - start : last - start] = block[first - index * size : last - index * size]
        return out

    def _block(self, index: int) -> Samples:
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
        block = self._compute(index)
        with self._lock:
            self._kept[index] = block
            while len(self._kept) > KEPT_BLOCKS:
                self._kept.popitem(last=False)
        return block

    def _compute(self, index: int) -> Samples:
        first = index * self._block_units - self._context_units
        units = self._block_units + 2 * self._context_units
        given = read_padded(self._signal, first * self._unit_in, (first + units) * self._unit_in)
        made = soxr.resample(given, self._signal.rate, self.rate, quality="VHQ")
        skip = self._context_units * self._unit_out
        block = made[skip : skip + self._block_units * self._unit_out]
        return np.ascontiguousarray(block, dtype=np.float32).reshape(-1, self.channels)
