"""Through real PortAudio into a real sound server: what arrives at the speakers is the file, to the last bit.

The test starts a PulseAudio of its own with a sink that leads nowhere, plays into it and records what comes out. It
skips only where PulseAudio or PortAudio isn't installed.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy.signal import correlate

RATE = 48_000
SILENCE_S = 1.0  # a null sink swallows the first 0.35 s that it is sent
SOUND_S = 3.0
SINK = f"module-null-sink sink_name=shellac rate={RATE} format=float32le channels=2"

# PortAudio lists its devices once per process, so the player gets a process of its own.
PLAY = """
import sys, time
from pathlib import Path
from engine.audio.files import open_signal
from engine.playback.output import open_output
from engine.playback.player import Player

events = []
player = Player(lambda: open_output("pulse"), events.append)
a, b = (open_signal(Path(path)) for path in sys.argv[1:3])
toggles = float(sys.argv[3])
player.set_pair(a, b)
player.play()
end = time.monotonic() + 60
while player.state == "playing" and time.monotonic() < end:
    time.sleep(toggles or 0.05)
    if toggles and player.position() > player.rate:
        player.monitor = "A" if player.monitor == "B" else "B"
dropouts = player.underruns + player.xruns + sum(event.kind == "latency raised" for event in events)
print(player.state, player.output_name, dropouts)
player.close()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    """Start PulseAudio with a null sink; return the environment in which programs find it."""
    missing = [program for program in ("pulseaudio", "parec", "pactl") if shutil.which(program) is None]
    missing += [] if ctypes.util.find_library("portaudio") else ["libportaudio2"]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    # A socket's path may be no longer than 107 bytes: not in pytest's deep folder.
    with tempfile.TemporaryDirectory(prefix="pa") as folder:
        environment = {**os.environ, "XDG_RUNTIME_DIR": folder, "HOME": folder, "XDG_CONFIG_HOME": folder}
        environment.pop("PULSE_SERVER", None)
        command = ["pulseaudio", "-n", "--daemonize=no", "--system=false", "--use-pid-file=false"]
        command += ["--exit-idle-time=-1", "-L", "module-native-protocol-unix", "-L", SINK]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                wait_for_sink(environment)
                yield environment
            finally:
                process.terminate()


def wait_for_sink(environment: dict[str, str]) -> None:
    for _ in range(200):
        listed = subprocess.run(
            ["pactl", "list", "short", "sinks"], env=environment, capture_output=True, text=True, check=False
        )
        if "shellac" in listed.stdout:
            return
        time.sleep(0.05)
    pytest.fail(f"PulseAudio is installed but doesn't answer: {listed.stderr}")


ATTEMPTS = 3  # a machine that is busy with other work may drop out; the player knows when it did


def played_and_recorded(
    environment: dict[str, str], a: Path, b: Path, toggle_every_s: float, folder: Path
) -> NDArray[np.float32]:
    """Play a pair in a process of its own and return what the sink was sent, shape (frames, 2)."""
    for _ in range(ATTEMPTS):
        report, recording = play_once(environment, a, b, toggle_every_s, folder)
        assert report.startswith("stopped pulse "), report
        if report == "stopped pulse 0":
            return recording
    pytest.fail(f"sound dropped out each of {ATTEMPTS} times: {report}")


def play_once(
    environment: dict[str, str], a: Path, b: Path, toggle_every_s: float, folder: Path
) -> tuple[str, NDArray[np.float32]]:
    """Return what the player says at the end, and what the sink was sent."""
    recording = folder / "recording.raw"
    command = ["parec", "-d", "shellac.monitor", "--format=float32le", f"--rate={RATE}", "--channels=2"]
    with recording.open("wb") as file, subprocess.Popen(command, env=environment, stdout=file) as recorder:
        try:
            wait_for_recorder(environment)
            player = subprocess.run(
                [sys.executable, "-c", PLAY, str(a), str(b), str(toggle_every_s)],
                env=environment, capture_output=True, text=True, check=False, timeout=120,
            )  # fmt: skip
            wait_for_silence(recording)
        finally:
            recorder.terminate()
    whole = recording.read_bytes()
    samples = np.frombuffer(whole[: len(whole) // 8 * 8], dtype="<f4").reshape(-1, 2)
    return (player.stdout + player.stderr).strip(), samples


def wait_for_recorder(environment: dict[str, str]) -> None:
    for _ in range(200):
        command = ["pactl", "list", "short", "source-outputs"]
        listed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        if listed.stdout.strip():
            return
        time.sleep(0.05)
    pytest.fail("parec doesn't record")


def wait_for_silence(recording: Path) -> None:
    """Wait until the recorder has received what was on its way: a second of nothing after the sound."""
    for _ in range(200):
        with recording.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - RATE * 8) // 8 * 8)
            tail = np.frombuffer(file.read(RATE * 8), dtype="<f4")
        if len(tail) == 2 * RATE and not tail.any():
            return
        time.sleep(0.05)
    pytest.fail("the recording doesn't end")


def aligned(recording: NDArray[np.float32], sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the part of `recording` that lies under `sound`, found by correlation."""
    product = correlate(recording[:, 0], sound[:, 0], mode="valid", method="fft")
    start = int(np.argmax(product))
    return recording[start : start + len(sound)]


@pytest.fixture
def sound() -> NDArray[np.float32]:
    """Noise that a 24-bit file holds exactly, a second of silence before it."""
    steps = np.random.default_rng(7).integers(-(1 << 22), 1 << 22, (round(SOUND_S * RATE), 2))
    samples = (steps / (1 << 23)).astype(np.float32)
    return np.concatenate((np.zeros((round(SILENCE_S * RATE), 2), dtype=np.float32), samples))


def test_the_speakers_get_the_file_bit_for_bit(
    server: dict[str, str], sound: NDArray[np.float32], tmp_path: Path
) -> None:
    path = tmp_path / "side1.wav"
    soundfile.write(path, sound, RATE, subtype="PCM_24")
    recording = played_and_recorded(server, path, path, 0.0, tmp_path)
    noise = sound[round(SILENCE_S * RATE) :]
    assert np.abs(aligned(recording, noise) - noise).max() == 0.0


def test_toggling_between_equal_sides_cant_be_heard(
    server: dict[str, str], sound: NDArray[np.float32], tmp_path: Path
) -> None:
    a, b = tmp_path / "a.wav", tmp_path / "b.wav"
    for path in (a, b):
        soundfile.write(path, sound, RATE, subtype="PCM_24")
    recording = played_and_recorded(server, a, b, 0.11, tmp_path)
    noise = sound[round(SILENCE_S * RATE) :]
    difference = np.abs(aligned(recording, noise) - noise).max(axis=1)
    assert difference.max() <= 1e-6
    assert np.count_nonzero(difference) > 100  # there were ramps: float32 rounds some of their samples
    ramps = np.count_nonzero(np.diff(np.flatnonzero(difference)) > 480) + 1
    assert 10 <= ramps <= SOUND_S / 0.11 + 1
    assert np.count_nonzero(difference) <= ramps * 480  # and nothing else differs
