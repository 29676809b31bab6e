"""Where sound goes: a sound card through PortAudio, a clock without sound, or a pump that a test turns by hand.

The only module that imports sounddevice, and only when a card is asked for: without libportaudio2 the import fails.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from engine.audio.signal import Samples
from engine.errors import SoundDeviceError

Render = Callable[[Samples, float], None]  # fills (frames, channels); how many seconds from now that is heard

LATENCIES_S = (0.08, 0.2, 0.3)
NORMAL_LATENCY_S = 0.2
NULL_BLOCK_S = 0.010
NULL_PATIENCE_S = 1.0


class Output(Protocol):
    """A device that calls `render` from a thread of its own for as long as it is started."""

    name: str
    rate: int  # Hz, known once open
    channels: int  # 1 or 2, known once open
    xruns: int  # blocks that came too late for the card
    is_real: bool  # someone can hear it
    is_pumped: bool  # it has no thread: whoever pumps it also feeds the player

    def now(self) -> float:
        """Return the output's clock, seconds."""
        ...

    def open(self, rate: int, render: Render) -> None:
        """Prepare to play at `rate` or the nearest the device can do. Raises SoundDeviceError."""
        ...

    def start(self) -> None: ...

    def close(self) -> None:
        """Stop and let go of the device. May be called twice."""
        ...

    def slower(self) -> Output | None:
        """Return an unopened output on the same device with the next longer latency, if there is one."""
        ...


def portaudio() -> Any:
    """Return the module sounddevice, or raise SoundDeviceError where PortAudio isn't installed."""
    try:
        import sounddevice
    except OSError as error:
        raise SoundDeviceError(
            f"the sound library can't be loaded ({error})",
            "install libportaudio2 (apt install libportaudio2)",
            "playing goes on silently",
        ) from error
    return sounddevice


@dataclass(frozen=True)
class Device:
    """A sound card as PortAudio lists it."""

    name: str
    channels: int
    rate: int  # Hz, its own default
    is_default: bool


def list_devices(refresh: bool = False) -> tuple[Device, ...]:
    """Return the devices that can play.

    Parameters
    ----------
    refresh
        Ask the system again. PortAudio lists devices once; only allowed while no output is open.

    Raises
    ------
    SoundDeviceError
        If PortAudio isn't installed.
    """
    sounddevice = portaudio()
    if refresh:
        sounddevice._terminate()
        sounddevice._initialize()
    default = sounddevice.default.device[1]
    return tuple(
        Device(entry["name"], entry["max_output_channels"], round(entry["default_samplerate"]), index == default)
        for index, entry in enumerate(sounddevice.query_devices())
        if entry["max_output_channels"] > 0
    )


class PortAudioOut:
    """A real sound card.

    Parameters
    ----------
    device
        Its name as listed, or the beginning of it; None for the system's default.
    latency_s
        How far ahead of the sound the callback runs, one of `LATENCIES_S`. Python's callbacks wake up to 0.18 s late
        on two loaded cores, hence 0.2.
    """

    is_real = True
    is_pumped = False

    def __init__(self, device: str | None = None, latency_s: float = NORMAL_LATENCY_S) -> None:
        self.name = device or "default"
        self.rate = 0
        self.channels = 0
        self.xruns = 0
        self.latency_s = latency_s
        self._device = device
        self._stream: Any = None
        self._render: Render | None = None

    def now(self) -> float:
        return time.perf_counter()

    def open(self, rate: int, render: Render) -> None:
        sounddevice = portaudio()
        self._render = render
        try:
            entry = sounddevice.query_devices(self._device, "output")
            self.name = entry["name"]
            self.channels = min(2, entry["max_output_channels"])
            self.rate = self._possible_rate(sounddevice, rate, entry)
            self._stream = sounddevice.OutputStream(
                samplerate=self.rate,
                device=entry["index"],
                channels=self.channels,
                dtype="float32",
                latency=self.latency_s,
                blocksize=0,
                callback=self._callback,
                prime_output_buffers_using_stream_callback=True,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise SoundDeviceError(
                f"the sound device {self.name!r} can't be opened ({error})",
                "plug one in or choose another in the preferences, then press Retry",
                "playing goes on silently",
            ) from error

    def _possible_rate(self, sounddevice: Any, rate: int, entry: dict[str, Any]) -> int:
        try:
            sounddevice.check_output_settings(entry["index"], self.channels, "float32", None, rate)
        except sounddevice.PortAudioError:
            default: float = entry["default_samplerate"]
            return round(default)
        return rate

    def start(self) -> None:
        if self._stream is not None:
            self._stream.start()

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close(ignore_errors=True)

    def slower(self) -> Output | None:
        longer = [latency for latency in LATENCIES_S if latency > self.latency_s]
        return PortAudioOut(self._device, longer[0]) if longer else None

    def _callback(self, out: Samples, _frames: int, when: Any, status: Any) -> None:
        if status and status.output_underflow:
            self.xruns += 1
        delay = when.outputBufferDacTime - when.currentTime
        # Both clocks are 0 or nonsense on some systems.
        if not 0 < delay < 1:
            delay = self._stream.latency if self._stream is not None else self.latency_s
        if self._render is not None:
            self._render(out, delay)


class NullOut:
    """A clock without sound: the same callbacks at the same pace, so that everything else works without a card."""

    is_real = False
    is_pumped = False

    def __init__(self, channels: int = 2) -> None:
        self.name = "null clock"
        self.rate = 0
        self.channels = channels
        self.xruns = 0
        self._render: Render | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def now(self) -> float:
        return time.perf_counter()

    def open(self, rate: int, render: Render) -> None:
        self.rate = rate
        self._render = render

    def start(self) -> None:
        if self._thread is None:
            self._closing.clear()
            self._thread = threading.Thread(target=self._run, name="null clock")
            self._thread.start()

    def close(self) -> None:
        self._closing.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(2.0)

    def slower(self) -> Output | None:
        return None

    def _run(self) -> None:
        frames = max(1, round(NULL_BLOCK_S * self.rate))
        out = np.zeros((frames, self.channels), dtype=np.float32)
        due = time.perf_counter()
        # A program that ends without closing the player isn't kept alive by a clock.
        while threading.main_thread().is_alive() and self._render is not None:
            self._render(out, 0.0)
            due += frames / self.rate
            late = time.perf_counter() - due
            if late > NULL_PATIENCE_S:
                due += late
            if self._closing.wait(max(0.0, -late)):
                return


class OfflineOut:
    """An output without a clock: `pump` renders the next frames and returns them, the same each time. For tests.

    Parameters
    ----------
    block_frames
        Size of one callback.
    rate
        Of the pretended device, Hz; None takes what is asked for.
    """

    is_real = False
    is_pumped = True

    def __init__(self, channels: int = 2, block_frames: int = 512, rate: int | None = None) -> None:
        self.name = "offline"
        self.rate = rate or 0
        self.channels = channels
        self.xruns = 0
        self.feed: Callable[[], None] | None = None  # set by the player: does the reader thread's work
        self._fixed_rate = rate
        self._block_frames = block_frames
        self._render: Render | None = None
        self._is_started = False
        self._pumped = 0

    def now(self) -> float:
        return self._pumped / self.rate if self.rate else 0.0

    def open(self, rate: int, render: Render) -> None:
        self.rate = self._fixed_rate or rate
        self._render = render

    def start(self) -> None:
        self._is_started = True

    def close(self) -> None:
        self._is_started = False

    def slower(self) -> Output | None:
        return None

    def pump(self, frames: int, is_fed: bool = True) -> Samples:
        """Return the next `frames` frames that would be heard, shape (frames, channels).

        Parameters
        ----------
        is_fed
            False leaves the ring as it is, as if the reader thread were stuck.
        """
        out = np.zeros((frames, self.channels), dtype=np.float32)
        for start in range(0, frames, self._block_frames):
            if is_fed and self.feed is not None:
                self.feed()
            block = out[start : start + self._block_frames]
            if self._is_started and self._render is not None:
                self._render(block, 0.0)
            self._pumped += len(block)
        return out


def open_output(choice: str | None = None, latency_s: float = NORMAL_LATENCY_S) -> Output:
    """Return the output that `choice` or else the environment variable SHELLAC_AUDIO names; it isn't opened yet.

    "null" and "offline" are meant literally, anything else is the name of a device, nothing is the default device.
    """
    name = choice or os.environ.get("SHELLAC_AUDIO", "")
    if name == "null":
        return NullOut()
    if name == "offline":
        return OfflineOut()
    return PortAudioOut(name or None, latency_s)
