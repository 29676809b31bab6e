"""With real threads: nothing blocks, nothing is left behind, and a lost card doesn't stop the transport."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Samples
from engine.errors import SoundDeviceError
from engine.playback import watch
from engine.playback.course import PlayerEvent
from engine.playback.output import NullOut, Output, Render
from engine.playback.player import Player

RATE = 48_000
SOUND = ArraySignal(np.random.default_rng(0).uniform(-0.5, 0.5, (20 * RATE, 2)).astype(np.float32), RATE)


def wait_for(condition: Callable[[], bool], limit_s: float = 10.0) -> None:
    """Wait until `condition` holds; fail after `limit_s`, which is generous for a loaded machine."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def test_the_null_clock_plays_and_close_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    player = Player(NullOut)
    player.set_pair(SOUND, SOUND)
    player.play()
    wait_for(lambda: player.position() > 10_000)
    assert player.meters().peak_dbfs[0] == pytest.approx(-6.02, abs=0.2)  # uniform noise of ±0.5
    assert not player.is_heard
    player.close()
    assert set(threading.enumerate()) == before


class Stuck:
    """A Signal whose reads hang until they are let go."""

    rate, channels, frames = RATE, 2, SOUND.frames

    def __init__(self) -> None:
        self.may_go = threading.Event()
        self.is_asked = threading.Event()

    def read(self, start: int, stop: int) -> Samples:
        self.is_asked.set()
        self.may_go.wait(20)
        return SOUND.read(start, stop)


def test_a_reader_that_hangs_never_holds_up_the_callback() -> None:
    stuck = Stuck()
    player = Player(NullOut)
    player.set_pair(SOUND, SOUND)
    player.play()
    wait_for(lambda: player.position() > 1000)
    player.set_pair(SOUND, stuck)
    wait_for(stuck.is_asked.is_set)
    wait_for(lambda: player.underruns == 1)  # the ring's 1.4 s went on playing, then it faded
    mixer = player._feeder.mixer
    assert mixer is not None
    last = mixer.last_render
    wait_for(lambda: mixer.last_render > last + 0.05)  # the callbacks go on
    player.pause()  # and the window isn't held up either
    stuck.may_go.set()
    player.play()
    place = player.position()
    wait_for(lambda: player.position() > place + 1000)
    player.close()


def test_many_windows_clicks_at_once_leave_the_player_whole() -> None:
    player = Player(NullOut)
    player.set_pair(SOUND, SOUND)
    other = ArraySignal(SOUND.samples.copy(), RATE)

    def click(seed: int) -> None:
        generator = np.random.default_rng(seed)
        for _ in range(150):
            choice = generator.integers(6)
            if choice == 0:
                player.seek(int(generator.integers(SOUND.frames)))
            elif choice == 1:
                player.set_pair(SOUND, other)
            elif choice == 2:
                player.monitor = ("A", "B", "delta")[generator.integers(3)]
            elif choice == 3:
                player.pause()
            elif choice == 4:
                player.stop()
            else:
                player.play()
            time.sleep(0.002)

    threads = [threading.Thread(target=click, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    player.monitor = "B"
    player.stop()
    player.play(1000)
    wait_for(lambda: 1000 < player.position() < 10 * RATE)
    assert player.is_playing
    player.close()


class NoCard:
    """An output that can't be opened."""

    name, rate, channels, xruns, is_real, is_pumped = "none", 0, 2, 0, True, False

    def now(self) -> float:
        return time.perf_counter()

    def open(self, rate: int, render: Render) -> None:
        raise SoundDeviceError("the sound device 'none' can't be opened", "plug one in", "playing goes on silently")

    def start(self) -> None: ...

    def close(self) -> None: ...

    def slower(self) -> Output | None:
        return None


def test_without_a_card_the_transport_runs_on_the_null_clock_and_says_so() -> None:
    events: list[PlayerEvent] = []
    player = Player(NoCard, events.append)
    player.set_pair(SOUND, SOUND)
    player.play()
    wait_for(lambda: player.position() > 1000)
    assert [event.kind for event in events] == ["no device"]
    assert "plug one in" in events[0].text
    assert player.output_name == "null clock"
    assert not player.is_heard
    player.close()


class Vanishing(NullOut):
    """A sound card that is pulled out after some blocks."""

    is_real = True

    def __init__(self) -> None:
        super().__init__()
        self.name = "USB turntable"
        self.is_gone = threading.Event()

    def open(self, rate: int, render: Render) -> None:
        super().open(rate, lambda out, delay: None if self.is_gone.is_set() else render(out, delay))


def test_a_vanished_card_leaves_the_transport_running_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "GRACE_S", 0.1)
    monkeypatch.setattr(watch, "LOST_S", 0.2)
    card = Vanishing()
    events: list[PlayerEvent] = []
    player = Player(lambda: card, events.append)
    player.set_pair(SOUND, SOUND)
    player.play()
    wait_for(lambda: player.position() > 5000)
    assert player.is_heard
    card.is_gone.set()
    place = player.position()
    wait_for(lambda: bool(events))
    assert events[0].kind == "device lost"
    assert "USB turntable" in events[0].text
    wait_for(lambda: player.position() > place + 5000)
    assert player.state == "playing"
    assert not player.is_heard
    player.use_output(Vanishing)  # Retry
    wait_for(lambda: player.is_heard)
    wait_for(lambda: player.position() > place + 10_000)
    player.close()


class Late(NullOut):
    """A card on a loaded machine: xruns come until it buffers more."""

    def slower(self) -> Output | None:
        self.successor = NullOut()
        self.successor.name = "with more latency"
        return self.successor


def test_two_xruns_in_ten_seconds_raise_the_latency_and_say_so() -> None:
    card = Late()
    events: list[PlayerEvent] = []
    player = Player(lambda: card, events.append)
    player.set_pair(SOUND, SOUND)
    player.play()
    wait_for(lambda: player.position() > 1000)
    card.xruns = 1
    wait_for(lambda: player._feeder._watch.xruns_seen == 1)
    assert not events
    card.xruns = 2
    wait_for(lambda: bool(events))
    assert events[0].kind == "latency raised"
    assert player.output_name == "with more latency"
    place = player.position()
    wait_for(lambda: player.position() > place + 1000)
    player.close()


def test_the_sound_library_is_loaded_only_for_a_card() -> None:
    code = (
        "import sys; from engine.playback.player import Player;"
        "from engine.playback.output import NullOut, open_output;"
        "player = Player(NullOut); player.close(); open_output('pulse');"
        "sys.exit('sounddevice' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_program_that_forgets_to_close_ends_all_the_same() -> None:
    code = (
        "import numpy as np; from engine.audio.signal import ArraySignal; from engine.playback.player import Player;"
        "from engine.playback.output import NullOut;"
        "s = ArraySignal(np.zeros((480000, 2), dtype=np.float32), 48000);"
        "p = Player(NullOut); p.set_pair(s, s); p.play()"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
