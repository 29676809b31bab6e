"""Rows about playing: no dropout while a job runs, and the time a toggle takes."""

from __future__ import annotations

import contextlib
import threading
import time

import numpy as np

from bench.engine_rows import restored
from bench.material import recording
from bench.rows import Conditions, Figure, Row
from engine.audio.files import open_signal
from engine.audio.signal import ArraySignal
from engine.errors import Cancelled
from engine.playback.output import NullOut, OfflineOut
from engine.playback.player import Player
from engine.tools.tool import Job


def long_play(conditions: Conditions) -> Figure:
    """Underruns while playing on the null clock with Restore running and the listener toggling."""
    seconds = 20.0 if conditions.is_quick else 600.0
    signal = open_signal(recording(2 * seconds))
    renderer, rendered = restored(signal)
    player = Player(NullOut)
    player.set_pair(signal, rendered)
    player.play()
    job = Job()

    def work() -> None:
        with contextlib.suppress(Cancelled):
            renderer.work(rendered, lambda: int(player.position()), lambda: None, job, player.refresh)

    worker = threading.Thread(target=work)
    worker.start()
    end = time.monotonic() + seconds
    toggles = 0
    while time.monotonic() < end:
        time.sleep(0.25)
        player.monitor = "A" if player.monitor == "B" else "B"
        toggles += 1
    underruns = player.underruns
    job.cancel()
    worker.join()
    player.close()
    return Figure(float(underruns), f"{seconds:.0f} s, Restore running, {toggles} toggles")


def toggle(_conditions: Conditions) -> Figure:
    """Largest distance of a toggle from the formula, sample by sample."""
    noise = [np.random.default_rng(seed).uniform(-0.5, 0.5, (96_000, 2)).astype(np.float32) for seed in (1, 2)]
    out = OfflineOut()
    player = Player(lambda: out)
    player.set_pair(*(ArraySignal(samples, 48_000) for samples in noise))
    player.play()
    out.pump(5120)
    player.monitor = "A"
    heard = out.pump(1024)
    weight = np.minimum(np.arange(1, 1025) / 480, 1)[:, None]
    expected = noise[0][5120:6144] * weight + noise[1][5120:6144] * (1 - weight)
    return Figure(float(np.abs(heard - expected).max()), "ramp of 10 ms against the formula, float32")


ROWS = (
    Row("toggle", "A/B toggle: error against the formula", 1.2e-7, 1e-6, "FS", toggle),
    Row("long-play", "underruns in 10 min with Restore running", 0.0, 0.0, "", long_play),
)
