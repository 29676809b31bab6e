"""The reader thread: opens the output, keeps the ring full, builds the next ring at a change, watches the card.

It alone reads Signals for playing. If one of them is slow, the ring runs dry and the callback fades: it never waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine.audio.signal import Samples, Signal, Span
from engine.errors import ShellacError, SoundDeviceError
from engine.playback.cursor import Cursor
from engine.playback.gains import Wanted
from engine.playback.mixer import Handover, Mixer
from engine.playback.output import NullOut, Output
from engine.playback.pair import Pair
from engine.playback.ring import BLOCK_FRAMES, Ring
from engine.playback.stream import Stream

READY_FRAMES = 2 * BLOCK_FRAMES  # in the next ring before it may take over
IDLE_S = 30.0  # the card is kept, on silence, for this long after playing
LOST_S = 1.0  # without a callback
GRACE_S = 3.0  # before the first one
XRUNS_S = 10.0
POLL_S = 0.010
SLEEP_S = 0.5


@dataclass(frozen=True)
class PlayerEvent:
    """Something about the sound device or the pair that the user should hear of."""

    kind: Literal["no device", "device lost", "latency raised", "unreadable"]
    text: str


@dataclass(frozen=True)
class Course:
    """What is to be played: a pair, from where, round which loop, up to where. Times in seconds."""

    a: Signal | None = None
    b: Signal | None = None
    start_s: float | None = 0.0  # None: go on from where the sound is
    loop_s: tuple[float, float] | None = None
    end_s: float | None = None  # of a selection played once; the loop doesn't count then
    first_channel: int = 0
    serial: int = 1


@dataclass(frozen=True)
class _Building:
    stream: Stream
    serial: int
    base: Ring | None
    since: int | None  # how far `base` had been read


class Feeder:
    """The state behind `Player` and the thread that keeps it true.

    Methods without an underscore are called with `lock` held.
    """

    def __init__(
        self, lock: threading.RLock, make_output: Callable[[], Output], on_event: Callable[[PlayerEvent], None]
    ) -> None:
        self.course = Course()
        self.state: Literal["stopped", "playing", "paused"] = "stopped"
        self.wanted = Wanted()
        self.output: Output | None = None
        self.mixer: Mixer | None = None
        self._lock = lock
        self._make_output = make_output
        self._on_event = on_event
        self._first: Output | None = make_output()
        self._must_reopen = False
        self._closing = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_pumped = self._first.is_pumped
        self._parked_s: float | None = 0.0
        self._parked_serial = 0
        self._play_from_s = 0.0
        self._halted_at = 0.0
        # Below: only the reader thread.
        self._stream: Stream | None = None
        self._building: _Building | None = None
        self._built_serial = 0
        self._failed_serial = 0
        self._started_at: float | None = None
        self._xruns_seen = 0
        self._xrun_times: deque[float] = deque(maxlen=2)
        if self._is_pumped:
            self._connect_pump(self._first)

    # --- asked for by the window ------------------------------------------------------------------------------------

    def change(self, **fields: Any) -> None:
        """Alter the course. Sound goes on from where it is unless a start is given or still waited for."""
        self._settle()
        self.course = replace(self.course, serial=self.course.serial + 1, **fields)
        self._poke()

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
        if not self._is_pumped and self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._run, name="player")
            self._thread.start()
        self._poke()

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
        self._poke()

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

    def close(self, limit_s: float) -> None:
        """End the thread and let go of the device. Called without the lock."""
        with self._lock:
            self._closing = True
            self.state = "stopped"
            if self.mixer is not None:
                self.mixer.is_running = False
            self._poke()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(limit_s)
        elif self._is_pumped:
            self._let_go()

    def _poke(self) -> None:
        self._wake.set()

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

    # --- the reader thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        # A program that ends without closing the player isn't kept alive by it.
        while not self._closing and threading.main_thread().is_alive():
            self._wake.clear()
            if not self._work():
                self._wake.wait(POLL_S if self.output is not None else SLEEP_S)
        self._let_go()

    def _connect_pump(self, output: Output) -> None:
        output.feed = self._work_all  # type: ignore[attr-defined]

    def _work_all(self) -> None:
        while self._work():
            pass

    def _work(self) -> bool:
        """Do the next thing there is to do. Returns False when there was none."""
        try:
            return self._work_or_fail()
        except (ShellacError, OSError) as error:
            with self._lock:
                self._failed_serial = self.course.serial
                self.halt("paused")
            self._building = None
            self._on_event(PlayerEvent("unreadable", f"playing stopped: {error}"))
            return False

    def _work_or_fail(self) -> bool:
        with self._lock:
            self._settle()
            course, is_playing = self.course, self.state == "playing"
            must_reopen, self._must_reopen = self._must_reopen, False
        if course.a is None or course.b is None:
            return False
        if must_reopen:
            self._let_go()
        if self.output is None:
            return is_playing and self._open(course.b.rate)
        self._watch(self.output)
        if self.mixer is None or course.serial == self._failed_serial:
            return False
        return self._feed(self.mixer, course)

    def _feed(self, mixer: Mixer, course: Course) -> bool:
        is_busy = False
        if self._started_at is None:
            mixer.accept()  # nobody else does yet
        if mixer.incoming is mixer.accepted and self._built_serial != course.serial:
            is_busy = self._build(mixer, course)
        if self._stream is not None:
            is_busy = self._stream.top_up() or is_busy
        if not is_busy:
            self._start(mixer)
        return is_busy

    def _build(self, mixer: Mixer, course: Course) -> bool:
        """Fill the next ring until it can take over from the present one."""
        building = self._building
        if building is None or building.serial != course.serial:
            self._building = building = self._begin(mixer, course)
        building.stream.top_up()
        ring = building.stream.ring
        missed = building.base.read - building.since if building.base is not None and building.since is not None else 0
        if ring.available >= missed + READY_FRAMES or ring.is_finished or ring.space < BLOCK_FRAMES:
            mixer.incoming = Handover(ring, building.since, building.serial)
            self._stream, self._built_serial, self._building = building.stream, building.serial, None
        return True

    def _begin(self, mixer: Mixer, course: Course) -> _Building:
        assert course.a is not None
        assert course.b is not None
        rate = mixer.rate
        pair = Pair(course.a, course.b, rate, mixer.channels, course.first_channel)
        base = mixer.ring if course.start_s is None else None
        since = base.read if base is not None else None
        start = base.place_of(since) if base is not None and since is not None else round((course.start_s or 0) * rate)
        loop = Span(*(round(edge * rate) for edge in course.loop_s)) if course.loop_s and course.end_s is None else None
        end = round(course.end_s * rate) if course.end_s is not None else None
        stream = Stream(pair, rate, min(start, pair.frames), loop, end)
        return _Building(stream, course.serial, base, since)

    def _start(self, mixer: Mixer) -> None:
        """Let the output run once its ring is full, and the sound once it is where it should be."""
        if mixer.ring is None or self.output is None:
            return
        if self._started_at is None:
            self._started_at = self.output.now()
            self.output.start()
        with self._lock:
            self._settle()
            incoming = mixer.incoming  # taken before the first sample is rendered
            if self.state == "playing" and incoming is not None and incoming.serial == self.course.serial:
                mixer.is_running = True

    # --- the device ---------------------------------------------------------------------------------------------------

    def _open(self, rate: int) -> bool:
        output, self._first = self._first or self._make_output(), None
        event = None
        try:
            output.open(rate, self._render)
        except SoundDeviceError as error:
            event = PlayerEvent("no device", str(error))
            output = NullOut()
            output.open(rate, self._render)
        if output.is_pumped:
            self._connect_pump(output)
        with self._lock:
            self._park_here()
            self.mixer = Mixer(output.rate, output.channels, self.wanted, output.now)
            self.output = output
        self._forget_rings()
        if event is not None:
            self._on_event(event)
        return True

    def _render(self, out: Samples, delay_s: float) -> None:
        mixer = self.mixer
        if mixer is None:
            out[:] = 0
        else:
            mixer.render(out, delay_s)

    def _park_here(self) -> None:
        """Make the next ring begin where the present one is."""
        place_s = self._place_s()
        if self.state != "stopped":
            self._parked_s = place_s
        self.change(start_s=place_s)
        self._parked_serial = self.course.serial

    def _forget_rings(self) -> None:
        self._stream = self._building = self._started_at = None
        self._built_serial = 0
        self._xruns_seen = 0

    def _let_go(self) -> None:
        """Close the device; the next `play` opens one again."""
        output = self.output
        if output is not None:
            output.close()
        with self._lock:
            if self.mixer is not None:
                self._park_here()
            self.output = self.mixer = None
        self._forget_rings()

    def _watch(self, output: Output) -> None:
        mixer = self.mixer
        if mixer is None or self._started_at is None:
            return
        now = output.now()
        if mixer.spent_at is not None and now >= mixer.spent_at:
            self._end(mixer)
        if output.is_real and now - max(mixer.last_render, self._started_at + GRACE_S) > LOST_S:
            self._fall_to_null(output, mixer)
        elif output.xruns > self._xruns_seen:
            self._notice_xruns(output, mixer, now)
        elif self.state != "playing" and now - self._halted_at > IDLE_S:
            self._let_go()

    def _end(self, mixer: Mixer) -> None:
        with self._lock:
            accepted = mixer.accepted
            if self.state == "playing" and accepted is not None and accepted.serial == self.course.serial:
                self.halt("stopped")

    def _fall_to_null(self, output: Output, mixer: Mixer) -> None:
        # A driver whose device is gone may hang in close: nobody waits for it longer than this.
        closer = threading.Thread(target=output.close, name="close lost device", daemon=True)
        closer.start()
        closer.join(LOST_S)
        self._replace_output(NullOut(mixer.channels), mixer)
        self._on_event(
            PlayerEvent(
                "device lost",
                f"the sound device {output.name!r} stopped answering: the transport runs on silently; "
                "plug it in again and press Retry, or choose another",
            )
        )

    def _notice_xruns(self, output: Output, mixer: Mixer, now: float) -> None:
        self._xruns_seen = output.xruns
        self._xrun_times.append(now)
        if len(self._xrun_times) < 2 or self._xrun_times[1] - self._xrun_times[0] > XRUNS_S:
            return
        self._xrun_times.clear()
        slower = output.slower()
        if slower is None:
            return
        output.close()
        try:
            self._replace_output(slower, mixer)
        except SoundDeviceError as error:
            self._replace_output(NullOut(mixer.channels), mixer)
            self._on_event(PlayerEvent("no device", str(error)))
            return
        self._on_event(PlayerEvent("latency raised", "sound came late twice: the output now buffers more"))

    def _replace_output(self, output: Output, mixer: Mixer) -> None:
        """Go on with the same ring on another output of the same rate."""
        output.open(mixer.rate, self._render)
        if (output.rate, output.channels) != (mixer.rate, mixer.channels):
            output.close()
            raise SoundDeviceError(f"the sound device {output.name!r} changed its format", "press Retry")
        with self._lock:
            self.output = output
        self._xruns_seen = 0
        self._started_at = output.now()
        output.start()
