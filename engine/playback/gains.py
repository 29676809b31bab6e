"""What is heard is gA times A plus gB times B: the table of those two gains, and how they move without a click."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Monitor = Literal["A", "B", "delta"]

TOGGLE_S = 0.010
MATCH_S = 0.5


class Wanted(NamedTuple):
    """What the user wants to hear. Replaced as a whole, so that the callback never sees half a change."""

    monitor: Monitor = "B"
    match_a: float = 1.0  # level match, 0..1
    match_b: float = 1.0
    delta: float = 1.0  # gain of the difference: 1, 2, 4, 10


def gains_for(wanted: Wanted) -> tuple[float, float]:
    """Return the gains (gA, gB) of the monitor table. The difference takes its own gain and never the level match."""
    if wanted.monitor == "A":
        return wanted.match_a, 0.0
    if wanted.monitor == "B":
        return 0.0, wanted.match_b
    return -wanted.delta, wanted.delta


class Ramp:
    """A pair of numbers on its straight way to another pair: sample k of n (k = 1..n) is from + (to - from) k/n."""

    def __init__(self, values: tuple[float, float], frames: int) -> None:
        self._fractions: NDArray[np.float64] = np.arange(1, frames + 1) / frames
        self._start = self.values = self.goal = values
        self.done = self.total = frames

    @property
    def left(self) -> int:
        """Samples until the goal is reached."""
        return self.total - self.done

    def aim(self, goal: tuple[float, float]) -> None:
        """Begin a new way to `goal` from where the ramp is now."""
        self._start = self.values
        self.goal = goal
        self.done = 0

    def settle(self, goal: tuple[float, float]) -> None:
        """Be at `goal` at once."""
        self._start = self.values = self.goal = goal
        self.done = self.total

    def advance(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
        """Write the next `len(a)` values, which must be left, into `a` and `b`."""
        fractions = self._fractions[self.done : self.done + len(a)]
        for out, start, goal in ((a, self._start[0], self.goal[0]), (b, self._start[1], self.goal[1])):
            np.multiply(fractions, goal - start, out=out)
            np.add(out, start, out=out)
        self.done += len(a)
        self.values = (float(a[-1]), float(b[-1])) if self.left else self.goal


class MonitorGains:
    """The two gains over time, sample by sample. Lives in the callback: allocates no arrays while it runs.

    A toggle (monitor or the difference's gain) takes 10 ms. A new level match takes 0.5 s and stands still during a
    toggle, so that a toggle is a straight line whatever else happens.

    Parameters
    ----------
    rate
        Hz.
    frames
        Most samples that `fill` is asked for at a time.
    """

    def __init__(self, rate: int, frames: int, wanted: Wanted) -> None:
        self.wanted = wanted  # written by the window's thread, as a whole
        self._applied = wanted
        self._toggle = Ramp(gains_for(wanted), max(1, round(TOGGLE_S * rate)))
        self._match = Ramp((wanted.match_a, wanted.match_b), max(1, round(MATCH_S * rate)))
        self._a: NDArray[np.float64] = np.zeros(frames)
        self._b: NDArray[np.float64] = np.zeros(frames)
        self.a: NDArray[np.float32] = np.zeros((frames, 1), dtype=np.float32)
        self.b: NDArray[np.float32] = np.zeros((frames, 1), dtype=np.float32)
        self.constant: tuple[float, float] | None = None  # both gains of the last fill, if they didn't move

    def settle(self) -> None:
        """Take over what is wanted at once, while nothing is heard."""
        self._applied = wanted = self.wanted
        self._match.settle((wanted.match_a, wanted.match_b))
        self._toggle.settle(gains_for(wanted))

    def fill(self, frames: int) -> None:
        """Compute the gains of the next `frames` samples into `a` and `b`, or only `constant` if they stand still."""
        self._notice(self.wanted)
        if not self._toggle.left and not self._match.left:
            self.constant = self._toggle.goal
            return
        self.constant = None
        done = 0
        while done < frames:
            done += self._advance(done, frames)
        self.a[:frames, 0] = self._a[:frames]
        self.b[:frames, 0] = self._b[:frames]

    def _notice(self, wanted: Wanted) -> None:
        applied = self._applied
        if wanted is applied:
            return
        if wanted[1:3] != applied[1:3]:
            self._match.aim((wanted.match_a, wanted.match_b))
        self._applied = wanted
        if (wanted.monitor, wanted.delta) != (applied.monitor, applied.delta):
            self._toggle.aim(self._matched_gains())

    def _matched_gains(self) -> tuple[float, float]:
        match_a, match_b = self._match.values
        return gains_for(self._applied._replace(match_a=match_a, match_b=match_b))

    def _advance(self, done: int, frames: int) -> int:
        """Fill from `done` up to the end of the present movement or `frames`; return the number of samples filled."""
        if self._toggle.left:
            stop = min(frames, done + self._toggle.left)
            self._toggle.advance(self._a[done:stop], self._b[done:stop])
        elif self._match.left:
            stop = min(frames, done + self._match.left)
            self._match.advance(self._a[done:stop], self._b[done:stop])
            self._through_table(done, stop)
        else:
            stop = frames
            self._a[done:stop], self._b[done:stop] = self._toggle.goal
        return stop - done

    def _through_table(self, start: int, stop: int) -> None:
        monitor, delta = self._applied.monitor, self._applied.delta
        if monitor != "A":
            self._a[start:stop] = 0.0 if monitor == "B" else -delta
        if monitor != "B":
            self._b[start:stop] = 0.0 if monitor == "A" else delta
        self._toggle.settle(self._matched_gains())
