"""The reader thread: opens the output, keeps the ring full, builds the next ring at a change, watches the card.

It alone reads Signals for playing. If one of them is slow, the ring runs dry and the callback fades: it never waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from engine.audio.signal import Samples, Span
from engine.errors import ShellacError, SoundDeviceError
from engine.playback.course import Course, PlayerEvent
from engine.playback.mixer import Handover, Mixer
from engine.playback.output import NullOut, Output
from engine.playback.pair import Pair
from engine.playback.ring import BLOCK_FRAMES, Ring
from engine.playback.stream import Stream
from engine.playback.transport import Transport
from engine.playback.watch import Watch, close_patiently

READY_FRAMES = 2 * BLOCK_FRAMES  # in the next ring before it may take over
POLL_S = 0.010
SLEEP_S = 0.5


@dataclass(frozen=True)
class _Building:
    stream: Stream
    serial: int
    base: Ring | None
    since: int | None  # how far `base` had been read


class Feeder(Transport):
    """The transport with the thread that makes it true.

    Methods without an underscore are called with `lock` held, `close` without.
    """

    def __init__(
        self, lock: threading.RLock, make_output: Callable[[], Output], on_event: Callable[[PlayerEvent], None]
    ) -> None:
        super().__init__(make_output)
        self._lock = lock
        self._on_event = on_event
        self._closing = False
        self._thread: threading.Thread | None = None
        # Below: only the reader thread.
        self._stream: Stream | None = None
        self._building: _Building | None = None
        self._built_serial = 0
        self._watch: Watch | None = None  # once the output runs
        self._is_pumped = self._first is not None and self._first.is_pumped
        if self._first is not None and self._is_pumped:
            self._connect_pump(self._first)

    def play(self, end_s: float | None) -> None:
        """Start to play."""
        super().play(end_s)
        if not self._is_pumped and self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._run, name="player")
            self._thread.start()

    def close(self, limit_s: float) -> None:
        """End the thread and let go of the device. Called without the lock."""
        with self._lock:
            self._closing = True
            self.state = "stopped"
            if self.mixer is not None:
                self.mixer.is_running = False
            self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(limit_s)
        elif self._is_pumped:
            self._let_go()

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
        self._look_after(self.output)
        if self.mixer is None or course.serial == self._failed_serial:
            return False
        return self._feed(self.mixer, course)

    def _feed(self, mixer: Mixer, course: Course) -> bool:
        is_busy = False
        if self._watch is None:
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
        if self._watch is None:
            self._watch = Watch(self.output)
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

    def _forget_rings(self) -> None:
        self._stream = self._building = self._watch = None
        self._built_serial = 0

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

    def _look_after(self, output: Output) -> None:
        mixer = self.mixer
        if mixer is None or self._watch is None:
            return
        if mixer.spent_at is not None and output.now() >= mixer.spent_at:
            self._end(mixer)
        finding = self._watch.look(mixer, None if self.state == "playing" else self._halted_at)
        if finding == "lost":
            self._fall_to_null(output, mixer)
        elif finding == "late":
            self._buffer_more(output, mixer)
        elif finding == "idle":
            self._let_go()

    def _end(self, mixer: Mixer) -> None:
        with self._lock:
            accepted = mixer.accepted
            if self.state == "playing" and accepted is not None and accepted.serial == self.course.serial:
                self.halt("stopped")

    def _fall_to_null(self, output: Output, mixer: Mixer) -> None:
        close_patiently(output)
        self._replace_output(NullOut(mixer.channels), mixer)
        self._on_event(
            PlayerEvent(
                "device lost",
                f"the sound device {output.name!r} stopped answering: the transport runs on silently; "
                "plug it in again and press Retry, or choose another",
            )
        )

    def _buffer_more(self, output: Output, mixer: Mixer) -> None:
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
        self._watch = Watch(output)
        output.start()
