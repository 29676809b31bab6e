"""One side of the comparison as the canvas needs it: a Signal that may be read without waiting, and its peaks.

A's peaks grow from left to right while the recording loads; B's follow the chunks as they land, in any order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtCore import Signal as QtSignal

from engine.allocator import give_freed_pages_back
from engine.audio.peaks import PeakPyramid
from engine.audio.signal import SameShape, Samples, Signal, Span, blocks, read_padded
from engine.audio.spectrogram import SpectrogramTiles
from engine.playback.pair import AtOnce
from engine.settings import Settings
from gui.views.crew import NICENESS, Crew

Side = Literal["A", "B", "delta"]
BLOCK = 1 << 19  # frames read at once, a multiple of CELL
EMIT_S = 0.05  # signals at most 20 times a second


@dataclass(frozen=True, eq=False)
class MidSide(SameShape):
    """(L+R)/2 and (L−R)/2 of a stereo Signal; other channel counts pass unchanged."""

    signal: Signal

    def read(self, start: int, stop: int) -> Samples:
        samples = self.signal.read(start, stop)
        if samples.shape[1] != 2:
            return samples
        left, right = samples[:, 0], samples[:, 1]
        return np.stack(((left + right) / 2, (left - right) / 2), axis=1)


@dataclass(frozen=True, eq=False)
class Difference:
    """B − A, frame by frame, as long as the longer of the two; both at one rate.

    Raises
    ------
    ValueError
        If the rates differ.
    """

    a: Signal
    b: Signal

    def __post_init__(self) -> None:
        if self.a.rate != self.b.rate:
            raise ValueError(f"A has {self.a.rate} Hz and B {self.b.rate} Hz")

    @property
    def rate(self) -> int:
        return self.b.rate

    @property
    def channels(self) -> int:
        return max(self.a.channels, self.b.channels)

    @property
    def frames(self) -> int:
        return max(self.a.frames, self.b.frames)

    def read(self, start: int, stop: int) -> Samples:
        return np.asarray(read_padded(self.b, start, stop) - read_padded(self.a, start, stop), dtype=np.float32)


class Lane(QObject):
    """A recording on the canvas: samples, peaks, tiles, and which parts of it are finished."""

    peaks_changed = QtSignal(int, int)  # own frames
    finished_changed = QtSignal()
    progress = QtSignal(float)  # 0 to 1 while loading
    reset_done = QtSignal()
    failed = QtSignal(str)

    def __init__(
        self,
        signal: Signal,
        name: str,
        side: Side = "A",
        settings: Settings | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.name = name
        self.side: Side = side
        self.settings = settings or Settings()
        self.loaded = 0  # frames from the start whose peaks are known
        # The recording itself is waited for: at low priority, what is measured of it would go first.
        self._crew = Crew(1, self, 0 if side == "A" else NICENESS)
        self._crew.failed.connect(self.failed)
        self._lock = threading.Lock()
        self._epoch = 0
        self.replaced: dict[bool, SpectrogramTiles] = {}  # during `reset_done`: the tiles of the result before
        self._take(signal, ())

    def _take(self, signal: Signal, finished: Iterable[Span]) -> None:
        with self._lock:
            self._epoch += 1
        self.signal = signal
        self.readable = AtOnce(signal)
        self.finished: tuple[Span, ...] = tuple(finished) if self.side != "A" else (Span(0, signal.frames),)
        self.loaded = 0
        self._pyramids = {False: PeakPyramid(signal.frames, signal.channels, signal.rate)}
        self._tiles: dict[bool, SpectrogramTiles] = {}

    @property
    def rate(self) -> int:
        return self.signal.rate

    @property
    def frames(self) -> int:
        return self.signal.frames

    @property
    def channels(self) -> int:
        return self.signal.channels

    @property
    def epoch(self) -> int:
        """Counts the Signals this lane has held, so that caches can tell them apart."""
        return self._epoch

    def source(self, mid_side: bool = False) -> Signal:
        """Return the Signal to read for a view: never renders, may block on the file."""
        return MidSide(self.readable) if mid_side else self.readable

    def peaks(self, mid_side: bool = False) -> PeakPyramid:
        """Return the peaks, of mid and side if asked; those are begun when first asked for."""
        if mid_side and True not in self._pyramids:
            self._pyramids[True] = PeakPyramid(self.frames, self.channels, self.rate)
            for span in self.finished:
                self._queue(span, True)
        return self._pyramids[mid_side]

    def tiles(self, mid_side: bool = False) -> SpectrogramTiles:
        """Return the spectrogram tiles of a view."""
        if mid_side not in self._tiles:
            self._tiles[mid_side] = SpectrogramTiles(self.source(mid_side), self.settings)
        return self._tiles[mid_side]

    def load(self) -> None:
        """Read the whole recording once in the background and let the peaks grow."""
        self._queue(Span(0, self.frames), False, grows=True)

    def refresh(self, span: Span) -> None:
        """A chunk landed: read only this span again."""
        cut = Span(*span).intersect(Span(0, self.frames))
        if not cut.frames:
            return
        for tiles in self._tiles.values():
            tiles.forget(cut)
        for mid_side in self._pyramids:
            self._queue(cut, mid_side)

    def set_finished(self, spans: Iterable[Span]) -> None:
        """Say which spans of B are rendered; the rest is shown hatched, as A."""
        spans = tuple(Span(*span) for span in spans)
        if spans != self.finished:
            self.finished = spans
            self.finished_changed.emit()

    def reset(self, signal: Signal, finished: Iterable[Span] = ()) -> None:
        """Show another result. What is finished of it is read at once."""
        self._crew.drop("peaks")
        self.replaced = self._tiles
        self._take(signal, (Span(*span) for span in finished))
        self.reset_done.emit()
        self._close_tiles(self.replaced)
        self.replaced = {}
        for span in self.finished:
            self._queue(span, False)
        self.finished_changed.emit()

    def is_finished(self, start: int, stop: int) -> bool:
        """Return whether every frame of a span is finished."""
        return any(span.start <= start and stop <= span.stop for span in merged(self.finished))

    def unfinished(self, start: int, stop: int) -> tuple[Span, ...]:
        """Return the parts of a span that aren't finished, in order."""
        return missing(self.finished, start, stop)

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Block until the peaks asked for so far are there."""
        return self._crew.wait_idle(timeout_s)

    def close(self) -> bool:
        """Stop reading; returns whether the thread ended within 2 s."""
        with self._lock:
            self._epoch += 1
        ended = self._crew.close()
        self._close_tiles(self._tiles)
        return ended

    @staticmethod
    def _close_tiles(tiles: dict[bool, SpectrogramTiles]) -> None:
        for each in tiles.values():
            each.close()

    def _queue(self, span: Span, mid_side: bool, grows: bool = False) -> None:
        start, stop = self._pyramids[mid_side].snap(span)
        epoch, pyramid, source = self._epoch, self._pyramids[mid_side], self.source(mid_side)
        self._crew.add("peaks", (start, stop, mid_side), lambda: self._read(epoch, pyramid, source, start, stop, grows))

    def _read(self, epoch: int, pyramid: PeakPyramid, source: Signal, start: int, stop: int, grows: bool) -> None:
        emit = _Paced(self.peaks_changed.emit)
        for block in blocks(stop - start, BLOCK):
            first, last = start + block.start, start + block.stop
            samples = source.read(first, last)
            with self._lock:
                if epoch != self._epoch:
                    return
            pyramid.put(first, samples)
            if grows:
                self.loaded = last
                self.progress.emit(last / max(1, stop))
            emit.add(first, last)
        emit.flush()
        if grows:
            give_freed_pages_back()


class _Paced:
    """Joins neighbouring spans and reports them at most 20 times a second."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self._report = report
        self._pending: tuple[int, int] | None = None
        self._last = 0.0

    def add(self, start: int, stop: int) -> None:
        first = self._pending[0] if self._pending else start
        self._pending = (first, stop)
        if time.monotonic() - self._last >= EMIT_S:
            self.flush()

    def flush(self) -> None:
        if self._pending:
            self._report(*self._pending)
            self._pending, self._last = None, time.monotonic()


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, touching ones joined."""
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.start <= out[-1].stop:
            out[-1] = Span(out[-1].start, max(out[-1].stop, span.stop))
        else:
            out.append(Span(*span))
    return out


def missing(spans: Iterable[Span], start: int, stop: int) -> tuple[Span, ...]:
    """Return the parts of start..stop that no span covers, in order."""
    gaps, at = [], start
    for span in merged(spans):
        if span.start > at:
            gaps.append(Span(at, min(span.start, stop)))
        at = max(at, span.stop)
    if at < stop:
        gaps.append(Span(at, stop))
    return tuple(gap for gap in gaps if gap.stop > gap.start)
