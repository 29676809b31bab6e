"""Where the playhead stands: what is heard now, not what was computed last. One clock is never trusted alone.

Sources: PortAudio issues 498, 530, 531, 586 (stream time is 0 or wrong on several systems).
"""

from __future__ import annotations

import math
from typing import NamedTuple

REMEMBERED = 256
SMOOTHING_S = 0.050
JUMP_S = 0.25


class Moment(NamedTuple):
    """One block as the callback saw it."""

    heard_at: float  # seconds on the output's clock, delay included
    place: int  # device frame of its first sample
    frames: int  # 0 while nothing moves
    serial: int  # of the course it belongs to


class Log:
    """The last blocks, written by the callback (one slot at a time, no lock) and read by anyone."""

    def __init__(self) -> None:
        self._moments: list[Moment | None] = [None] * REMEMBERED
        self._count = 0

    def add(self, moment: Moment) -> None:
        """Remember one more block."""
        self._moments[self._count % REMEMBERED] = moment
        self._count += 1

    def heard(self, now: float) -> Moment | None:
        """Return the block that is heard at `now`: the last one that has begun, else the oldest known."""
        moments = self._moments[:]
        count = self._count
        oldest = None
        for back in range(1, min(count, REMEMBERED) + 1):
            moment = moments[(count - back) % REMEMBERED]
            if moment is None:
                break
            if moment.heard_at <= now:
                return moment
            oldest = moment
        return oldest


class Cursor:
    """A playhead that glides: never backwards, except for a jump (seek, loop) and to its place when it stops.

    `read` is for one thread, the window's.
    """

    def __init__(self) -> None:
        self._shown: float | None = None
        self._read_at = 0.0

    def reset(self) -> None:
        """Forget the glide: the next reading counts as it is."""
        self._shown = None

    def read(self, moment: Moment, now: float, rate: int) -> float:
        """Return the position in device frames at `now` seconds."""
        measured = moment.place + min(max(0.0, now - moment.heard_at) * rate, float(moment.frames))
        passed = max(0.0, now - self._read_at)
        self._read_at = now
        is_still = moment.frames == 0
        if self._shown is None or is_still or abs(measured - self._shown) > (JUMP_S + passed) * rate:
            self._shown = measured
            return measured
        expected = self._shown + passed * rate
        correction = (measured - expected) * (1 - math.exp(-passed / SMOOTHING_S))
        self._shown = max(self._shown, expected + correction)
        return self._shown
