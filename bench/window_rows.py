"""Rows of the window, driven offscreen through its own actions: start, opening, zoom and pan, tiles."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.material import read_through, recording
from bench.rows import Conditions, Figure, Row

if TYPE_CHECKING:
    from gui.commands import Commands
    from gui.views.canvas import CanvasArea
    from gui.views.view_state import Layout, ViewState

HOUR_S = 3600.0
FRAME_S = 1 / 60
PATIENCE_S = 120.0
LONGEST_ANALYSIS_S = 3000.0


# --- start ------------------------------------------------------------------------------------------------------------


def first_paint(conditions: Conditions) -> Figure:
    """Time from starting the process to its first paint, measured from outside."""
    times = [_one_start() for _ in range(3 if conditions.is_quick else 7)]
    cold, *warm = times
    return Figure(
        sorted(warm)[len(warm) // 2],
        f"median of {len(warm)} starts; slowest {max(warm):.2f} s, the very first {cold:.2f} s",
    )


def _one_start() -> float:
    from gui.main import FIRST_PAINT

    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "gui.main"], env={**os.environ, FIRST_PAINT: "1"}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - start
        process.kill()
    float(line)  # the window's own count; anything else is no first paint
    return seconds


def ready(_conditions: Conditions) -> Figure:
    """Time from starting the process until the window does what it is told: engine, rack and canvas are there."""
    from gui.main import seconds_since_start

    with window():
        seconds = seconds_since_start()
    return Figure(seconds, "the first paint comes before; until here the window shows itself but doesn't answer")


# --- the window -------------------------------------------------------------------------------------------------------


@contextmanager
def window() -> Iterator[Commands]:
    """Show the main window at its reference size and take it down again."""
    from gui.program import application, build

    app = application()
    shown, commands = build()
    shown.resize(1440, 900)
    shown.show()
    app.processEvents()
    commands.ensure_canvas()
    app.processEvents()
    try:
        yield commands
    finally:
        commands.close_now()
        app.processEvents()


def wait_until(condition: Callable[[], bool], limit_s: float = PATIENCE_S) -> None:
    """Run the window until `condition` holds."""
    from gui.program import application

    app = application()
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("the window never got there")
        app.processEvents()
        time.sleep(0.0005)


def _hour(conditions: Conditions) -> Path:
    path = recording(360.0 if conditions.is_quick else HOUR_S)
    read_through(path)
    return path


def _is_loaded(commands: Commands) -> bool:
    lane = commands.ensure_canvas().lane_a
    return lane is not None and lane.frames > 0 and lane.loaded >= lane.frames


def open_hour(conditions: Conditions) -> Figure:
    """Time from opening a file in the window to its first sound."""
    path = _hour(conditions)
    with window() as commands:
        player = commands.listening.player
        start = time.perf_counter()
        commands.files.open(path)
        wait_until(lambda: player.frames > 0)
        ready_s = time.perf_counter() - start
        player.play()
        wait_until(lambda: player.position() > 0)
        heard_s = time.perf_counter() - start
        minutes = player.frames / player.rate / 60
    return Figure(heard_s, f"{minutes:.0f} min stereo 16 bit; can be played after {ready_s:.2f} s")


def peaks_of_hour(conditions: Conditions) -> Figure:
    """Time from opening a file in the window to the last of its peaks."""
    path = _hour(conditions)
    with window() as commands:
        start = time.perf_counter()
        commands.files.open(path)
        wait_until(lambda: _is_loaded(commands))
        took = time.perf_counter() - start
    return Figure(took, "in the window, while it draws them")


# --- zoom and pan -----------------------------------------------------------------------------------------------------


@contextmanager
def loaded_canvas(conditions: Conditions, layout: Layout) -> Iterator[tuple[CanvasArea, ViewState]]:
    """Show a whole hour, everything computed, in one layout."""
    with window() as commands:
        commands.files.open(_hour(conditions))
        wait_until(lambda: _is_loaded(commands))
        canvas = commands.ensure_canvas().canvas
        canvas.state.set_layout(layout)
        wait_until(lambda: canvas.wait_idle(0.0))
        yield canvas, canvas.state


def _movements(state: ViewState, steps: int) -> Iterator[Callable[[], None]]:
    """Zoom in from everything to a second, pan over ten screens, zoom out again."""
    factor = (state.frames / state.rate) ** (1 / steps)
    at = 0.4 * state.frames
    for _ in range(steps):
        yield lambda: state.zoom(factor, at)
    for _ in range(steps):
        yield lambda: state.pan_fraction(10 / steps)
    for _ in range(steps):
        yield lambda: state.zoom(1 / factor, at)


def _frame_times(conditions: Conditions, layout: Layout) -> list[float]:
    from gui.program import application

    app = application()
    times = []
    with loaded_canvas(conditions, layout) as (_, state):
        for move in _movements(state, 30 if conditions.is_quick else 120):
            start = time.perf_counter()
            move()
            app.processEvents()  # paints
            times.append(time.perf_counter() - start)
            time.sleep(max(0.0, FRAME_S - times[-1]))  # a wheel turns no faster than the screen; workers go on
    return sorted(times)


def _p95(conditions: Conditions, layout: Layout) -> Figure:
    times = _frame_times(conditions, layout)
    median, p95 = times[len(times) // 2], times[round(0.95 * (len(times) - 1))]
    note = f"{len(times)} frames, median {median * 1000:.1f} ms, slowest {times[-1] * 1000:.0f} ms, layout {layout}"
    return Figure(p95 * 1000, note)


def zoom_waveform(conditions: Conditions) -> Figure:
    """95th percentile of a frame while zooming and panning the waveform of an hour."""
    return _p95(conditions, "waveform")


def zoom_split(conditions: Conditions) -> Figure:
    """95th percentile of a frame while zooming and panning waveform and spectrogram of an hour."""
    return _p95(conditions, "split")


def first_tiles(conditions: Conditions) -> Figure:
    """Time from a jump to a place never seen to a sharp spectrogram of it."""
    shake = random.Random(5)
    times = []
    with loaded_canvas(conditions, "split") as (canvas, state):
        for _ in range(5 if conditions.is_quick else 20):
            first = shake.uniform(0.05, 0.9) * state.frames
            start = time.perf_counter()
            state.show(first, first + 10 * state.rate)
            wait_until(lambda: canvas.spectrogram.is_sharp)
            times.append(time.perf_counter() - start)
    times.sort()
    note = f"{len(times)} jumps to 10 s of sound, median {times[len(times) // 2] * 1000:.0f} ms"
    return Figure(times[round(0.95 * (len(times) - 1))] * 1000, note)


# --- memory -----------------------------------------------------------------------------------------------------------


def memory(conditions: Conditions) -> Figure:
    """Peak memory of the window with a three-hour file: peaks, tiles, playing, Restore analysing and rendering."""
    hours, chunks = (0.2, 5) if conditions.is_quick else (3.0, 60)
    path = recording(hours * HOUR_S)
    with window() as commands:
        commands.files.open(path)
        wait_until(lambda: _is_loaded(commands))
        landed: list[object] = []
        commands.rendering.chunk_landed.connect(landed.append)
        start = time.perf_counter()
        commands.document.add_device("restore")
        commands.listening.player.play()
        wait_until(lambda: len(landed) > 0, LONGEST_ANALYSIS_S)
        first_s = time.perf_counter() - start
        wait_until(lambda: len(landed) >= chunks)
        underruns = commands.listening.player.underruns
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    note = f"{hours:g} h stereo, playing; first chunk after {first_s:.0f} s of analysis, then {len(landed)} chunks"
    return Figure(peak_mb, f"{note}; {underruns} underruns")


ROWS = (
    Row("first-paint", "window painted after process start", 1.5, 3.0, "s", first_paint),
    Row("ready", "window answers after process start", 3.0, 5.0, "s", ready),
    Row("open", "1-hour WAV: open to first sound", 1.0, 2.0, "s", open_hour),
    Row("peaks", "1-hour WAV: open to all peaks", 5.0, 10.0, "s", peaks_of_hour),
    Row("zoom-waveform", "zoom and pan, waveform, p95", 16.0, 33.0, "ms", zoom_waveform),
    Row("zoom-split", "zoom and pan, with spectrogram, p95", 25.0, 50.0, "ms", zoom_split),
    Row("first-tiles", "first sharp tiles, p95", 150.0, 400.0, "ms", first_tiles),
    Row("memory", "3-hour file in the window, Restore running", 500.0, 600.0, "MB", memory),
)
