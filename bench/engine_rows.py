"""Rows without a window: Restore, chunks, cancel, undo."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.material import RATE, recording
from bench.rows import Conditions, Figure, Row
from engine.audio.files import open_signal
from engine.audio.signal import Signal, Span
from engine.errors import Cancelled
from engine.session.recipe import Recipe, Scope, Step
from engine.session.render import RenderedSignal, Renderer
from engine.settings import Settings, cores
from engine.tools.tool import Job, Value

RESTORE: dict[str, Value] = {"declick": True, "dehum": True, "denoise": True, "engine": "neural"}


def window_settings() -> Settings:
    """Return the settings of the window: a core is left to it."""
    return Settings(threads=max(1, cores() - 1))


def restored(signal: Signal, scope: Scope | None = None, **values: Value) -> tuple[Renderer, RenderedSignal]:
    """Return the result of Restore (declick, dehum, neural denoise) on `signal`, not rendered yet."""
    step = Step(tool="restore", id="1", params={**RESTORE, **values}, scope=scope or Scope())
    renderer = Renderer(window_settings())
    return renderer, renderer.render(signal, Recipe((step,)))


# --- Restore ----------------------------------------------------------------------------------------------------------


def _restore_speed(conditions: Conditions, channels: int) -> Figure:
    seconds = 30.0 if conditions.is_quick else 300.0
    path = recording(seconds, channels)
    with tempfile.TemporaryDirectory() as folder:
        options = [item for name, value in RESTORE.items() for item in ("--set", f"{name}={_spelled(value)}")]
        command = [sys.executable, "-c", "from gui.main import main; raise SystemExit(main())", "restore", str(path)]
        start = time.perf_counter()
        subprocess.run([*command, "-o", str(Path(folder) / "out.wav"), *options], check=True, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - start
    return Figure(seconds / took, f"{seconds:.0f} s of sound in {took:.1f} s, the whole command on {cores()} cores")


def _spelled(value: Value) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def restore_stereo(conditions: Conditions) -> Figure:
    """Sound per second of `shellac restore`, stereo."""
    return _restore_speed(conditions, 2)


def restore_mono(conditions: Conditions) -> Figure:
    """Sound per second of `shellac restore`, mono."""
    return _restore_speed(conditions, 1)


def first_sound(conditions: Conditions) -> Figure:
    """Time from the end of the analysis to the finished chunk under the play cursor."""
    signal = open_signal(recording(30.0 if conditions.is_quick else 120.0))
    warm_up(signal)
    renderer, rendered = restored(signal)
    renderer.analyse(rendered)
    times = []
    for cursor_s in (7.0, 23.0) if conditions.is_quick else (7.0, 33.0, 61.0, 88.0, 103.0):
        times.append(_until_heard(renderer, rendered, round(cursor_s * RATE)))
    shown = ", ".join(f"{seconds * 1000:.0f}" for seconds in times)
    return Figure(max(times), f"the slowest of {len(times)} places: {shown} ms")


def _until_heard(renderer: Renderer, rendered: RenderedSignal, cursor: int) -> float:
    job = Job()
    heard: list[float] = []
    start = time.perf_counter()

    def on_chunk(span: Span) -> None:
        if span.start <= cursor < span.stop:
            heard.append(time.perf_counter() - start)
            job.cancel()

    try:
        renderer.work(rendered, lambda: cursor, lambda: None, job, on_chunk)
    except Cancelled:
        return heard[0]
    raise RuntimeError("the chunk under the cursor was finished already")


def warm_up(signal: Signal) -> None:
    """Load the networks, as the first seconds in the window do while the analysis runs."""
    renderer, rendered = restored(signal, Scope(0.0, 1.0))
    renderer.work(rendered)


def cancel(conditions: Conditions) -> Figure:
    """Longest time from cancel to idle, over moments spread over analysis and rendering."""
    signal = open_signal(recording(60.0))
    shake = random.Random(1)
    times = []
    for attempt in range(4 if conditions.is_quick else 20):
        # Another setting each time: nothing of it is in the store.
        renderer, rendered = restored(signal, declick_sensitivity=40.0 + attempt)
        times.append(_time_to_idle(renderer, rendered, shake.uniform(0.02, 6.0)))
    return Figure(max(times), f"the slowest of {len(times)} moments; median {sorted(times)[len(times) // 2]:.2f} s")


def _time_to_idle(renderer: Renderer, rendered: RenderedSignal, after_s: float) -> float:
    job = Job()

    def work() -> None:
        with contextlib.suppress(Cancelled):
            renderer.work(rendered, job=job)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(after_s)
    start = time.perf_counter()
    job.cancel()
    thread.join()
    return time.perf_counter() - start


# --- disk -------------------------------------------------------------------------------------------------------------


def undo(conditions: Conditions) -> Figure:
    """Disk per edit of a device whose scope is five seconds; undoing the edits must add nothing."""
    edits = 5 if conditions.is_quick else 50
    signal = open_signal(recording(60.0))
    renderer = Renderer(window_settings())
    recipes = []
    for edit in range(edits):
        values: dict[str, Value] = {**RESTORE, "engine": "classical", "floor_db": -10.0 - edit}
        recipes.append(Recipe((Step(tool="restore", id="1", params=values, scope=Scope(22.0, 27.0)),)))
    for recipe in recipes:
        renderer.work(renderer.render(signal, recipe))
    folder = renderer.settings.cache_folder
    after_edits = _bytes_in(folder)
    for recipe in reversed(recipes):  # undo, all the way back
        renderer.work(renderer.render(signal, recipe))
    added = _bytes_in(folder) - after_edits
    per_second = RATE * signal.channels * 4
    note = f"{edits} edits of a 5-s scope: {after_edits / 1e6:.1f} MB; undoing all of them added {added} bytes"
    if added:
        raise RuntimeError(note)
    return Figure(after_edits / edits / per_second, note)


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


ROWS = (
    Row("restore-stereo", "Restore, stereo 44.1 kHz, whole command", 15.0, 10.0, "×", restore_stereo, "more"),
    Row("restore-mono", "Restore, mono 44.1 kHz, whole command", 25.0, 15.0, "×", restore_mono, "more"),
    Row("first-sound", "first processed sound at the cursor", 0.5, 1.0, "s", first_sound),
    Row("cancel", "cancel to idle", 0.5, 1.0, "s", cancel),
    Row("undo", "disk per edit of a 5-s scope, as sound", 6.0, 11.0, "s", undo),
)
