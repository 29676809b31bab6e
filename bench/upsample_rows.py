"""Rows of Upsample: the whole command at 48 kHz, the films at 16 kHz beside the published size, memory of an hour."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.material import recording
from bench.rows import Conditions, Figure, Row
from engine.settings import cores

FULL_RATE, FILM_RATE = 24_000, 8_000  # of what is raised, to twice the rate
WINDOW, HOP = 8192, 4096  # samples a film hears at a time, and how far it gets by it
HOUR_S = 3600.0


def _command_s(path: Path, *words: str) -> float:
    """Return how long `shellac upsample` takes for a file, from its start to its end."""
    command = [sys.executable, "-c", "from gui.main import main; raise SystemExit(main())", "upsample", str(path)]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        out = str(Path(folder) / "out.wav")
        subprocess.run([*command, "-o", out, *words, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def _speed(seconds: float, channels: int, rate: int, *words: str) -> Figure:
    took = _command_s(recording(seconds, channels, rate=rate), *words)
    return Figure(seconds / took, f"{seconds:.0f} s of sound in {took:.1f} s, the whole command on {cores()} cores")


def mono(conditions: Conditions) -> Figure:
    """Sound per second of `shellac upsample` from 24 to 48 kHz, mono."""
    return _speed(30.0 if conditions.is_quick else 300.0, 1, FULL_RATE, "--rate", "48000")


def stereo(conditions: Conditions) -> Figure:
    """Sound per second of `shellac upsample` from 24 to 48 kHz, stereo whose side sounds."""
    return _speed(30.0 if conditions.is_quick else 300.0, 2, FULL_RATE, "--rate", "48000")


def film(conditions: Conditions) -> Figure:
    """Sound per second of the slim AFiLM from 8 to 16 kHz."""
    return _speed(20.0 if conditions.is_quick else 120.0, 1, FILM_RATE, "--factor", "2", "--model", "afilm")


def full_film(conditions: Conditions) -> Figure:
    """Sound per second of AFiLM in its published size, in torch without a command around it: the peer, not ours."""
    try:
        import torch
    except ImportError:
        return Figure(0.0, "not measured: torch isn't installed (dependency group train)")
    from models.afilm.network import FULL, AFiLM

    network = AFiLM(FULL).eval()
    given, windows = torch.randn(1, 1, WINDOW), 3 if conditions.is_quick else 10
    with torch.inference_mode():
        network(given)  # the first run also lays out memory
        start = time.perf_counter()
        for _ in range(windows):
            network(given)
        took = time.perf_counter() - start
    # Windows side by side, as it was published, and half overlapping, as any length and span need it.
    apart, overlapping = (windows * step / 16_000 / took for step in (WINDOW, HOP))
    return Figure(
        apart, f"{windows} windows side by side, as published; half overlapping, as ours: {overlapping:.2f} ×"
    )


def hour(conditions: Conditions) -> Figure:
    """Peak memory of the whole command for an hour of stereo."""
    seconds = 120.0 if conditions.is_quick else HOUR_S
    took = _command_s(recording(seconds, 2, rate=FULL_RATE), "--rate", "48000")
    import resource

    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit
    return Figure(peak_mb, f"{seconds / 60.0:.0f} min of stereo in {took:.0f} s")


ROWS = (
    Row("upsample-mono", "Upsample, mono 24 to 48 kHz, whole command", 80.0, 30.0, "×", mono, "more"),
    Row("upsample-stereo", "Upsample, stereo 24 to 48 kHz, whole command", 40.0, 15.0, "×", stereo, "more"),
    Row("upsample-film", "Upsample, slim AFiLM 8 to 16 kHz, mono", 10.0, 4.0, "×", film, "more"),
    Row("upsample-film-full", "the same in its published size, in torch", 2.0, 0.0, "×", full_film, "more"),
    Row("upsample-hour", "Upsample, memory of an hour of stereo", 300.0, 300.0, "MB", hour, rss_limit_mb=300.0),
)
