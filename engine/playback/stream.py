"""One course through the pair (from here, round this loop, up to there), written into a ring ahead of the card."""

from __future__ import annotations

import numpy as np

from engine.audio.signal import Samples, Span
from engine.playback.pair import Pair
from engine.playback.ring import BLOCK_FRAMES, Ring

LOOP_FADE_S = 0.004
SHORTEST_LOOP_S = 0.005  # a shorter one would be a buzz and not the recording: it is ignored


class Stream:
    """Fills one ring. Everything here runs on the reader thread and counts device frames.

    Parameters
    ----------
    start
        First frame.
    loop
        Repeated for as long as playing lasts; a start behind it plays on to the end.
    end
        Where playing ends, such as the end of a selection; None for the end of the pair.
    """

    def __init__(self, pair: Pair, rate: int, start: int, loop: Span | None, end: int | None) -> None:
        self._pair = pair
        self._at = start
        self._end = pair.frames if end is None else min(end, pair.frames)
        self._loop = loop.intersect(Span(0, pair.frames)) if loop is not None else Span(0, 0)
        if self._loop.frames < SHORTEST_LOOP_S * rate:
            self._loop = Span(0, 0)
        self._fade = min(round(LOOP_FADE_S * rate), self._loop.frames // 2)
        self.ring = Ring(pair.columns)
        self.ring.start_at(start)

    def top_up(self) -> bool:
        """Write one block if there is space for it. Returns False when there was nothing to do."""
        if self.ring.is_finished or self.ring.space < BLOCK_FRAMES:
            return False
        is_looping = self._loop.frames > 0 and self._at < self._loop.stop
        limit = self._loop.stop if is_looping else self._end
        stop = min(limit, self._at + BLOCK_FRAMES)
        if stop <= self._at:
            self.ring.finish()
            return True
        block = self._pair.read(self._at, stop)
        after = stop
        if is_looping:
            block = self._joined(block, self._at)
            after = self._loop.start if stop == limit else stop
        self.ring.write(block, self._at, after)
        self._at = after
        if not is_looping and after >= self._end:
            self.ring.finish()
        return True

    def _joined(self, block: Samples, start: int) -> Samples:
        """Return `block` with the end of the loop cross-faded into what comes before its start.

        Both meet in the samples before the loop's start, so that the start itself (often a drum) stays as it is.
        """
        fade_start = self._loop.stop - self._fade
        stop = start + len(block)
        first = max(start, fade_start)
        if first >= stop:
            return block
        weight = (np.arange(first - fade_start + 1, stop - fade_start + 1, dtype=np.float32) / self._fade)[:, None]
        before = self._loop.start - self._loop.stop
        lead_in = self._pair.read(first + before, stop + before)
        out = block.copy()
        out[first - start :] = block[first - start :] * (1 - weight) + lead_in * weight
        return out
