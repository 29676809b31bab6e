"""Sound at one height of the rack, and the workbench that all layers of a program share."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from engine.audio.signal import Format, Samples, Signal, Span, check_span, format_of
from engine.errors import OutputError
from engine.session.store import Chunk, ChunkStore
from engine.settings import Settings
from engine.tools.tool import Analysis, Job

_ANALYSES_AT_MOST: Final = 16
_UNSAVED_AT_MOST: Final = 8


class Unfinished(Exception):  # noqa: N818 - it is no error
    """A part isn't rendered yet, and nobody allowed to render it."""


class Layer(Protocol):
    """Sound at one height of the rack."""

    @property
    def format(self) -> Format: ...

    @property
    def key(self) -> str:
        """A hash of everything this sound depends on."""
        ...

    def read(self, span: Span, job: Job, may_render: bool) -> Samples:
        """Return a span, rendering what is missing, or raise Unfinished where that isn't allowed."""
        ...


@dataclass(frozen=True)
class SourceLayer:
    """The recording itself, at the bottom of the rack."""

    signal: Signal
    key: str  # its fingerprint

    @property
    def format(self) -> Format:
        return format_of(self.signal)

    def read(self, span: Span, job: Job, may_render: bool) -> Samples:
        job.check()
        return self.signal.read(*span)


@dataclass(frozen=True)
class LayerView:
    """A layer as the Signal a tool or a player reads: `job` stops it, and `fingerprint` tells equal sounds."""

    layer: Layer = field(compare=False)
    job: Job = field(compare=False)
    may_render: bool = field(default=True, compare=False)
    fingerprint: str = ""

    @property
    def rate(self) -> int:
        return self.layer.format.rate

    @property
    def channels(self) -> int:
        return self.layer.format.channels

    @property
    def frames(self) -> int:
        return self.layer.format.frames

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        return self.layer.read(Span(start, stop), self.job, self.may_render)


def view(layer: Layer, job: Job, may_render: bool = True) -> LayerView:
    """Return `layer` as a Signal."""
    return LayerView(layer, job, may_render, layer.key)


class Workbench:
    """What all devices of one renderer share: settings, the store, analyses in memory, and who renders what now."""

    def __init__(self, settings: Settings, store: ChunkStore) -> None:
        self.settings = settings
        self.store = store
        self.disk_error: OutputError | None = None  # the last time the disk took no chunk
        self._lock = threading.Lock()
        self._analyses: OrderedDict[str, Analysis] = OrderedDict()
        self._at_work: dict[object, tuple[threading.Lock, int]] = {}
        self._unsaved: OrderedDict[tuple[str, Span], Chunk] = OrderedDict()

    @contextmanager
    def alone_with(self, what: object, job: Job) -> Iterator[None]:
        """Let one thread at a time produce `what`; those who wait can be cancelled."""
        with self._lock:
            lock, waiting = self._at_work.get(what, (threading.Lock(), 0))
            self._at_work[what] = (lock, waiting + 1)
        try:
            while not lock.acquire(timeout=0.05):
                job.check()
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._lock:
                lock, waiting = self._at_work[what]
                if waiting == 1:
                    del self._at_work[what]
                else:
                    self._at_work[what] = (lock, waiting - 1)

    def held_analysis(self, key: str) -> Analysis | None:
        with self._lock:
            held = self._analyses.get(key)
            if held is not None:
                self._analyses.move_to_end(key)
            return held

    def hold_analysis(self, key: str, analysis: Analysis) -> None:
        with self._lock:
            self._analyses[key] = analysis
            while len(self._analyses) > _ANALYSES_AT_MOST:
                self._analyses.popitem(last=False)

    def unsaved(self, key: tuple[str, Span]) -> Chunk | None:
        with self._lock:
            return self._unsaved.get(key)

    def keep_unsaved(self, key: tuple[str, Span], chunk: Chunk) -> None:
        """Keep a few chunks that the disk didn't take, so that reading goes on."""
        with self._lock:
            self._unsaved[key] = chunk
            while len(self._unsaved) > _UNSAVED_AT_MOST:
                self._unsaved.popitem(last=False)
