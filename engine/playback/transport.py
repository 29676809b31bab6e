"""The transport: what the window wants played, and where the playhead stands. Methods are called with the lock held.

The reader thread (`feeder`) looks here for what to do next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from engine.playback.course import Course
from engine.playback.cursor import Cursor
from engine.playback.gains import Wanted
from engine.playback.mixer import Mixer
from engine.playback.output import Output


class Transport:
    """The player's state as the window sees it and changes it."""

    def __init__(self, make_output: Callable[[], Output]) -> None:
        self.course = Course()
        self.state: Literal["stopped", "playing", "paused"] = "stopped"
        self.wanted = Wanted()
        self.output: Output | None = None
        self.mixer: Mixer | None = None
        self._make_output = make_output
        self._first: Output | None = make_output()
        self._must_reopen = False
        self._wake = threading.Event()
        self._parked_s: float | None = 0.0  # where the playhead was put; None once the sound is there
        self._parked_serial = 0
        self._play_from_s = 0.0
        self._halted_at = 0.0
        self._failed_serial = 0  # of the course whose recording couldn't be read

    def change(self, **fields: Any) -> None:
        """Alter the course. Sound goes on from where it is unless a start is given or still waited for."""
        self._settle()
        self.course = replace(self.course, serial=self.course.serial + 1, **fields)
        self._wake.set()

    def park(self, seconds: float) -> None:
        """Move the playhead: shown there at once, heard there as soon as possible."""
        self.change(start_s=seconds, end_s=None)
        self._parked_s, self._parked_serial = seconds, self.course.serial

    def play(self, end_s: float | None) -> None:
        """Start to play."""
        if end_s != self.course.end_s or self.course.serial == self._failed_serial:
            self.change(end_s=end_s)
        if self.state == "stopped":
            self._play_from_s = self._place_s()
        self.state = "playing"
        self._wake.set()

    def halt(self, state: Literal["stopped", "paused"]) -> None:
        """Fall silent in 5 ms, in place or with the playhead back where playing began."""
        if self.state == "stopped" or self.state == state:
            return
        self.state = state
        if self.mixer is not None:
            self.mixer.is_running = False
        if self.output is not None:
            self._halted_at = self.output.now()
        if state == "stopped":
            self.park(self._play_from_s)

    def want(self, wanted: Wanted) -> None:
        """Change what is heard of the pair."""
        self.wanted = wanted
        if self.mixer is not None:
            self.mixer.gains.wanted = wanted

    def reopen(self, make_output: Callable[[], Output]) -> None:
        """Take another output at the next opportunity."""
        self._make_output = make_output
        self._first = None
        self._must_reopen = True
        self._wake.set()

    @property
    def device_rate(self) -> int:
        """Hz, 0 while no output is open."""
        return self.mixer.rate if self.mixer is not None else 0

    def reaches(self, start_s: float, stop_s: float, ahead_s: float) -> bool:
        """Return True if the ring may hold something between two times."""
        place_s = self._place_s()
        firsts = [place_s] + ([self.course.loop_s[0]] if self.course.loop_s else [])
        return any(start_s < first + ahead_s and stop_s > first for first in firsts)

    def position_s(self, cursor: Cursor, offset_s: float) -> float:
        """Return what is heard now, in seconds of the recording."""
        mixer, output = self.mixer, self.output
        if mixer is None or output is None:
            return self._parked_s or 0.0
        now = output.now() - offset_s
        moment = mixer.log.heard(now)
        if self._parked_s is not None:
            is_there = moment is not None and moment.serial >= self._parked_serial and moment.heard_at <= now
            if not is_there or self.state == "stopped":
                return self._parked_s
            self._parked_s = None
            cursor.reset()
        if moment is None:
            return 0.0
        return self._wrapped(cursor.read(moment, now, mixer.rate) / mixer.rate, moment.place / mixer.rate)

    def _wrapped(self, position_s: float, from_s: float) -> float:
        """Return `position_s` on the loop: a block that began at `from_s` may reach beyond the loop's end."""
        loop_s = self.course.loop_s
        if loop_s is None or self.course.end_s is not None or not from_s < loop_s[1] <= position_s:
            return position_s
        return loop_s[0] + (position_s - loop_s[1]) % (loop_s[1] - loop_s[0])

    def _settle(self) -> None:
        """Note that the sound has arrived where it was sent."""
        mixer = self.mixer
        if mixer is not None and mixer.accepted is not None and mixer.accepted.serial == self.course.serial:
            self.course = replace(self.course, start_s=None)

    def _place_s(self) -> float:
        """Return where the next sample to be rendered lies, seconds."""
        if self.course.start_s is not None:
            return self.course.start_s
        ring = self.mixer.ring if self.mixer is not None else None
        return ring.place / self.device_rate if ring is not None else (self._parked_s or 0.0)

    def _park_here(self) -> None:
        """Make the next ring begin where the present one is."""
        place_s = self._place_s()
        if self.state != "stopped":
            self._parked_s = place_s
        self.change(start_s=place_s)
        self._parked_serial = self.course.serial
