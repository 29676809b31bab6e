"""Fills the table "Measured": original and result over the same finished sound, in the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer
from PySide6.QtCore import Signal as QtSignal

from engine.allocator import give_freed_pages_back
from engine.audio.signal import Signal, Span
from engine.playback.match import Spliced
from engine.tools.tool import Job
from gui.docks.measured import EMPTY, NOTHING, Measurement
from gui.document import Document
from gui.jobs import Jobs, Task
from gui.numbers import clock
from gui.rendering import Rendering
from gui.views.crew import lower_priority

REST_MS = 700
PIECE_S = 5.0
MEASURING = "measuring…"  # stands where the table says otherwise what it was measured over
MOST_S = 60.0  # of a long recording, pieces spread evenly over what is finished are measured


@dataclass(frozen=True)
class Measured:
    """The rows of the table and what they were measured over."""

    rows: tuple[Measurement, ...]
    note: str


def pieces(spans: Sequence[Span], rate: int) -> tuple[Span, ...]:
    """Return at most `MOST_S` seconds of `spans`: all of them if they are short, else pieces spread evenly."""
    total = sum(span.frames for span in spans)
    if total <= MOST_S * rate:
        return tuple(spans)
    size = round(PIECE_S * rate)
    grid = [Span(at, min(at + size, span.stop)) for span in spans for at in range(span.start, span.stop, size)]
    count = round(MOST_S / PIECE_S)
    return tuple(grid[index * len(grid) // count] for index in range(count))


def measure(signal: Signal, job: Job) -> tuple[float, float, float, float, float]:
    """Return noise floor (dB), bandwidth (kHz), clicks (/s), loudness (LUFS), true peak (dBTP)."""
    from engine.audio.loudness import integrated_lufs, true_peak_dbtp
    from engine.measure import bandwidth_hz, click_rate, noise_floor_db

    found: list[float] = []
    for ask in (noise_floor_db, lambda s: bandwidth_hz(s) / 1000, click_rate, integrated_lufs, true_peak_dbtp):
        job.check()
        found.append(float(ask(signal)))
    return found[0], found[1], found[2], found[3], found[4]


def measure_pair(a: Signal, b: Signal | None, spans: Sequence[Span], rate: int, is_whole: bool, job: Job) -> Measured:
    """Return the table for A and B over `spans` (frames of B, or of A where there is no B)."""
    chosen = pieces(spans, rate)
    ratio = a.rate / rate
    of_a = Spliced(a, tuple(Span(round(s.start * ratio), min(a.frames, round(s.stop * ratio))) for s in chosen))
    values_a = measure(of_a, job)
    values_b = measure(Spliced(b, chosen), job) if b is not None else (NOTHING,) * 5
    rows = tuple(
        Measurement(row.name, value_a, value_b, row.unit, row.decimals, row.limit)
        for row, value_a, value_b in zip(EMPTY, values_a, values_b, strict=True)
    )
    heard_s = sum(span.frames for span in chosen) / rate
    part = "the whole track" if is_whole and len(chosen) == len(spans) else "the finished part"
    note = f"over {part}" if len(chosen) == len(spans) else f"over {clock(heard_s, 0)} of {part}"
    return Measured(rows, note)


class Measuring(QObject):
    """Measures again when B has settled, and once while a long B is being rendered."""

    measured = QtSignal(object)  # Measured

    def __init__(self, document: Document, rendering: Rendering, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._document, self._rendering, self._jobs = document, rendering, jobs
        self._task: Task | None = None
        self.shown = Measured(EMPTY, "")
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._begin)
        document.source_changed.connect(self._forget)
        rendering.changed.connect(self._follow)
        rendering.settled.connect(self._rest.start)
        rendering.ready.connect(self._stop)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _forget(self) -> None:
        self._stop()
        self._rest.stop()
        self._show(Measured(EMPTY, ""))

    def _show(self, measured: Measured) -> None:
        self.shown = measured
        self.measured.emit(measured)

    def _follow(self) -> None:
        """Take back B's figures as soon as B is to be another sound: A's stay true."""
        if self._rendering.is_stale and self._document.source is not None and self.shown.note != MEASURING:
            self._stop()
            self._rest.stop()
            self._show(self._without_b(MEASURING))

    def _without_b(self, note: str) -> Measured:
        return Measured(tuple(replace(row, b=NOTHING) for row in self.shown.rows), note)

    def _begin(self) -> None:
        source, rendered = self._document.source, self._rendering.rendered
        self._stop()
        if source is None or rendered is None or not source.frames or self._rendering.is_stale:
            self._show(self._without_b(""))  # stopped or failed before there was a B: nothing is coming
            return
        b = rendered if rendered.devices else None
        spans = self._rendering.finished if b is not None else (Span(0, source.frames),)
        if not spans:
            self._show(self._without_b(""))
            return
        rate, is_whole = rendered.rate, self._rendering.fraction >= 1.0

        def work(job: Job) -> Measured:
            lower_priority()
            try:
                return measure_pair(source, b, spans, rate, is_whole, job)
            finally:
                give_freed_pages_back()

        def done(measured: Measured) -> None:
            if self._task is task:
                self._show(measured)

        def failed(_error: object) -> None:
            if self._task is task:
                self._show(self._without_b(""))

        task = self._jobs.start("Measure", work, done, failed, is_shown=False)
        self._task = task
