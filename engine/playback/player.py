"""The player: play, stop, seek and loop over a pair of Signals; switch between A, B and Δ while it runs.

Three threads meet here. The window calls the methods of `Player`; the reader thread (`feeder`) keeps the ring full; the
output's thread renders (`mixer`). The first two share a lock, the third none.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Literal

from engine.audio.signal import Signal, Span
from engine.playback.course import PlayerEvent
from engine.playback.cursor import Cursor
from engine.playback.feeder import Feeder
from engine.playback.gains import Monitor
from engine.playback.match import LevelMatch
from engine.playback.meters import MeterReading, Meters
from engine.playback.output import Output, open_output
from engine.playback.ring import RING_FRAMES

State = Literal["stopped", "playing", "paused"]

JOIN_S = 2.0
DELTA_GAINS_DB = (0.0, 6.0, 12.0, 20.0)


class Player:
    """Plays A, B or Δ without a gap. Every method returns at once and may be called from any thread.

    All positions are frames of B (the project's rate); A may have another rate, the device a third one.

    Parameters
    ----------
    make_output
        Gives an unopened output. Called again for each attempt to (re)open the device.
    on_event
        Hears about lost devices and the like, on the reader thread. It must not call `close`.
    """

    def __init__(
        self, make_output: Callable[[], Output] = open_output, on_event: Callable[[PlayerEvent], None] | None = None
    ) -> None:
        self._lock = threading.RLock()
        self._feeder = Feeder(self._lock, make_output, on_event or (lambda _event: None))
        self._cursor = Cursor()
        self._meters = Meters()
        self.cursor_offset_ms = 0.0  # preference: added to the device's delay as the eye sees it

    # --- what is played -------------------------------------------------------------------------------------------

    def set_pair(self, a: Signal, b: Signal) -> None:
        """Compare `a` with `b` from now on. While playing, sound goes on at the same moment with a 10-ms cross-fade."""
        with self._lock:
            self._feeder.change(a=a, b=b)

    @property
    def rate(self) -> int:
        """Frames of the position per second, Hz: the rate of B, 0 before there is a pair."""
        b = self._feeder.course.b
        return b.rate if b is not None else 0

    @property
    def frames(self) -> int:
        """Length of B."""
        b = self._feeder.course.b
        return b.frames if b is not None else 0

    def refresh(self, span: Span) -> None:
        """Say that B has changed within `span` (frames of B): what is in the ring already is read again."""
        with self._lock:
            rate, device_rate = self.rate, self._feeder.device_rate
            if not rate or not device_rate:
                return
            ahead_s = 2 * RING_FRAMES / device_rate  # the ring, and what a resampler keeps beyond it
            if self._feeder.reaches(span.start / rate, span.stop / rate, ahead_s):
                self._feeder.change()

    @property
    def loop(self) -> Span | None:
        """The part that is repeated, frames of B."""
        loop_s = self._feeder.course.loop_s
        return Span(round(loop_s[0] * self.rate), round(loop_s[1] * self.rate)) if loop_s else None

    @loop.setter
    def loop(self, span: Span | None) -> None:
        with self._lock:
            is_loop = span is not None and span.frames > 0 and self.rate
            self._feeder.change(loop_s=(span.start / self.rate, span.stop / self.rate) if span and is_loop else None)

    @property
    def first_channel(self) -> int:
        """Of files with three and more channels, the first of the two that are heard."""
        return self._feeder.course.first_channel

    @first_channel.setter
    def first_channel(self, channel: int) -> None:
        with self._lock:
            self._feeder.change(first_channel=max(0, channel))

    # --- transport ------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What the transport shows."""
        return self._feeder.state

    @property
    def is_playing(self) -> bool:
        return self._feeder.state == "playing"

    def play(self, start: int | None = None) -> None:
        """Play from frame `start`, else from where the playhead stands; `stop` will return there."""
        self._begin(start, None)

    def play_once(self, span: Span) -> None:
        """Play `span` once, without the loop, and return to its beginning."""
        self._begin(span.start, span.stop)

    def _begin(self, start: int | None, stop: int | None) -> None:
        with self._lock:
            if not self.rate:
                return
            if start is not None:
                self._feeder.park(start / self.rate)
            elif self.is_playing:
                return
            self._feeder.play(stop / self.rate if stop is not None else None)
            self._cursor.reset()

    def pause(self) -> None:
        """Stop in place, with a 5-ms fade; `play` goes on with the very next sample."""
        with self._lock:
            self._feeder.halt("paused")

    def stop(self) -> None:
        """Stop and return to where playing began."""
        with self._lock:
            self._feeder.halt("stopped")

    def seek(self, frame: int) -> None:
        """Go to `frame`; while playing, sound follows with a 5-ms cross-fade."""
        with self._lock:
            if self.rate:
                self._feeder.park(min(max(0, frame), self.frames) / self.rate)
                self._cursor.reset()

    def position(self) -> float:
        """Return the playhead in frames of B: what is heard now, 0..frames. For one thread, the window's."""
        offset_s = self.cursor_offset_ms / 1000
        with self._lock:
            seconds = self._feeder.position_s(self._cursor, offset_s)
        return min(max(0.0, seconds * self.rate), float(self.frames))

    # --- what is heard --------------------------------------------------------------------------------------------

    @property
    def monitor(self) -> Monitor:
        """A, B or their difference."""
        return self._feeder.wanted.monitor

    @monitor.setter
    def monitor(self, monitor: Monitor) -> None:
        self._want(monitor=monitor)

    @property
    def delta_gain_db(self) -> float:
        """Gain of the difference, one of `DELTA_GAINS_DB`."""
        return 20 * math.log10(self._feeder.wanted.delta)

    @delta_gain_db.setter
    def delta_gain_db(self, gain_db: float) -> None:
        self._want(delta=10 ** (gain_db / 20))

    def set_match(self, match: LevelMatch | None) -> None:
        """Level A and B from now on, gliding there in half a second; None switches the match off."""
        match_a, match_b = match.factors if match is not None else (1.0, 1.0)
        self._want(match_a=match_a, match_b=match_b)

    def _want(self, **changes: Any) -> None:
        with self._lock:
            wanted = self._feeder.wanted._replace(**changes)
            if wanted != self._feeder.wanted:
                self._feeder.want(wanted)

    # --- what the player knows --------------------------------------------------------------------------------------

    def meters(self) -> MeterReading:
        """Return levels of what was sent out since the last call. For one thread, the window's."""
        mixer, b = self._feeder.mixer, self._feeder.course.b
        if mixer is None or b is None:
            return MeterReading()
        return self._meters.read(mixer, b.channels)

    def reset_meters(self) -> None:
        """Begin the integrated loudness anew, as when something else is heard from now on."""
        self._meters.reset()

    @property
    def underruns(self) -> int:
        """How often the ring ran dry."""
        mixer = self._feeder.mixer
        return mixer.underruns if mixer is not None else 0

    @property
    def xruns(self) -> int:
        """How often the card ran dry."""
        output = self._feeder.output
        return output.xruns if output is not None else 0

    @property
    def output_name(self) -> str:
        """The device in use, or "" while none is open."""
        output = self._feeder.output
        return output.name if output is not None else ""

    @property
    def is_heard(self) -> bool:
        """False while the transport runs on the null clock."""
        output = self._feeder.output
        return output is None or output.is_real

    def use_output(self, make_output: Callable[[], Output]) -> None:
        """Play on another device (or try the same again), from where the playhead stands."""
        with self._lock:
            self._feeder.reopen(make_output)

    def close(self) -> None:
        """Stop for good: the reader thread is joined, the device let go of."""
        self._feeder.close(JOIN_S)
