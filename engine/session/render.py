"""A recipe becomes sound: the result is one more Signal, rendered from the cursor outwards and kept chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from engine.audio.signal import Format, Samples, Signal, Span, check_span, read_padded
from engine.errors import InputError, ProjectError, ShellacError, UsageError
from engine.session import sanity
from engine.session.device import CHUNK_S, Device, Layer, LayerView, SourceLayer, Unfinished, Workbench, view
from engine.session.keys import split_params
from engine.session.recipe import Recipe, Step
from engine.session.sanity import SanityMark
from engine.session.session import Track
from engine.session.store import ChunkStore
from engine.settings import Settings
from engine.tools.tool import NO_JOB, Analysis, Job, Tool, complete

_AHEAD_S = 30.0  # so far ahead of the cursor everything comes before anything behind it
_CHUNKS_FOLDER = "chunks"


@dataclass(frozen=True)
class StepProblem:
    """Why a step passes its sound through instead of changing it. The step stays in the recipe."""

    step_id: str
    error: ShellacError

    def __str__(self) -> str:
        return str(self.error)


class RenderedSignal:
    """The sound at one height of a rack: a Signal that renders what is missing, and can also be read without waiting.

    Frames and channels are those of the result. May be read from any thread.
    """

    def __init__(self, layers: tuple[Layer, ...], steps: tuple[Step, ...], problems: tuple[StepProblem, ...]) -> None:
        self._layers = layers  # the source and then one per step; a step that does nothing repeats the layer below it
        self._steps = steps
        self.problems = problems
        self._top = layers[-1]
        self._format = self._top.format

    @property
    def rate(self) -> int:
        return self._format.rate

    @property
    def channels(self) -> int:
        return self._format.channels

    @property
    def frames(self) -> int:
        return self._format.frames

    @property
    def fingerprint(self) -> str:
        """A hash of the source and everything done to it."""
        return self._top.key

    @property
    def source(self) -> Signal:
        """The recording at the bottom of the rack."""
        return view(self._layers[0], NO_JOB)

    def read(self, start: int, stop: int) -> Samples:
        """Return a span; what isn't finished is rendered first, which may take long. See `under`."""
        check_span(self, start, stop)
        return self._top.read(Span(start, stop), NO_JOB, True)

    def under(self, job: Job) -> LayerView:
        """Return the same Signal for a reader that may be cancelled: its `read` raises Cancelled."""
        return view(self._top, job)

    def before(self, step_id: str) -> RenderedSignal:
        """Return the sound that goes into a device. Raises KeyError if it isn't in the rack."""
        return self._upto(self._index(step_id))

    def after(self, step_id: str) -> RenderedSignal:
        """Return the sound that comes out of a device. Raises KeyError if it isn't in the rack."""
        return self._upto(self._index(step_id) + 1)

    def stage(self, count: int) -> RenderedSignal:
        """Return the sound after the first `count` devices; 0 is the source."""
        return self._upto(count)

    def _upto(self, count: int) -> RenderedSignal:
        return RenderedSignal(self._layers[: count + 1], self._steps[:count], self.problems)

    def _index(self, step_id: str) -> int:
        for index, step in enumerate(self._steps):
            if step.id == step_id:
                return index
        raise KeyError(step_id)

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices that change something, from the source upwards."""
        found: list[Device] = []
        for layer in self._layers:
            if isinstance(layer, Device) and layer not in found:
                found.append(layer)
        return tuple(found)

    def device(self, step_id: str) -> Device | None:
        """Return the device of a step, None if it passes its sound through."""
        return next((d for d in self.devices if d.step.id == step_id), None)

    def analysis(self, step_id: str) -> Analysis | None:
        """Return what a device's tool learnt, None if that isn't known yet. Never blocks."""
        device = self.device(step_id)
        return None if device is None else device.held_analysis()

    @property
    def unfinished(self) -> tuple[Span, ...]:
        """The spans that still have to be rendered, in order, none touching another."""
        spans: list[Span] = []
        for device in reversed(self.devices):
            spans += [_scaled(part, device.format, self._format) for part in device.missing()]
            if not device.needs_dry:
                break  # what lies below isn't heard
        return _merged(spans)

    @property
    def finished(self) -> tuple[Span, ...]:
        """The spans that can be read at once, in order, none touching another."""
        edges = [0, *(edge for span in self.unfinished for edge in span), self.frames]
        pairs = zip(edges[::2], edges[1::2], strict=True)
        return tuple(Span(start, stop) for start, stop in pairs if stop > start)

    @property
    def is_finished(self) -> bool:
        return not self.unfinished

    def chunks(self, span: Span) -> Iterator[Span]:
        """Yield the pieces of `span` on the chunk grid of the result."""
        size = max(1, round(CHUNK_S * self.rate))
        for start in range(span.start - span.start % size, span.stop, size):
            yield Span(start, start + size).intersect(span)

    def read_available(self, start: int, stop: int) -> tuple[Samples, tuple[Span, ...]]:
        """Return a span without ever rendering, and which parts of it are the result.

        The other parts are the source (on the rate of the result), so that a player plays A where B is missing.
        """
        check_span(self, start, stop)
        out = np.empty((stop - start, self.channels), dtype=np.float32)
        ready: list[Span] = []
        for piece in self.chunks(Span(start, stop)):
            place = slice(piece.start - start, piece.stop - start)
            try:
                out[place] = self._top.read(piece, NO_JOB, False)
                ready.append(piece)
            except Unfinished:
                out[place] = self._stand_in(piece)
        return out, _merged(ready)

    def _stand_in(self, span: Span) -> Samples:
        """Return the source in the format of the result: resampled, its channels repeated, silent beyond its end."""
        samples = read_padded(self._source_at_rate, *span)
        if samples.shape[1] == self.channels:
            return samples
        return samples[:, np.arange(self.channels) % samples.shape[1]]

    @cached_property
    def _source_at_rate(self) -> Signal:
        if self.source.rate == self.rate:
            return self.source
        from engine.audio.resample import ResampledSignal

        return ResampledSignal(self.source, self.rate)

    @property
    def marks(self) -> tuple[SanityMark, ...]:
        """What is odd about the finished chunks of every device, in order of time."""
        found = [
            SanityMark(_scaled(span, device.format, self._format), reason, device.step.id)
            for device in self.devices
            for span, reason in _device_marks(device)
        ]
        return tuple(sorted(found, key=lambda mark: (mark.span, mark.step_id, mark.reason)))


def _device_marks(device: Device) -> Iterator[tuple[Span, str]]:
    shelf = device.shelf
    present = shelf.present()
    left = None
    for part in device.parts():
        if part not in present:
            left = None
            continue
        notes = shelf.notes(part)
        for reason in notes.get("reasons", ()):
            yield part, reason
        if left is not None and sanity.has_seam_step(left, notes.get("edges", {})):
            yield Span(part.start - 1, part.start + 1), sanity.SEAM
        left = notes.get("edges", {})


def _scaled(span: Span, given: Format, wanted: Format) -> Span:
    """Return the frames of `wanted` that `span` of `given` touches, both lasting equally long."""
    if given == wanted or not given.frames:
        return span
    start = span.start * wanted.frames // given.frames
    return Span(start, min(wanted.frames, -(-span.stop * wanted.frames // given.frames)))


def _merged(spans: Sequence[Span]) -> tuple[Span, ...]:
    out: list[Span] = []
    for span in sorted(spans):
        if not span.frames:
            continue
        if out and span.start <= out[-1].stop:
            out[-1] = Span(out[-1].start, max(out[-1].stop, span.stop))
        else:
            out.append(span)
    return tuple(out)


class Renderer:
    """Makes Signals of recipes. One per program; keeps the chunk store and the other recordings that tools read.

    Parameters
    ----------
    settings
        Threads, providers, cache folder and limit.
    store
        Where chunks are kept; by default `chunks` in the cache folder.
    tools
        The tools there are; by default all registered ones.
    opener
        Opens a recording that is named by its path.
    """

    def __init__(
        self,
        settings: Settings,
        store: ChunkStore | None = None,
        tools: Sequence[Tool] | None = None,
        opener: Callable[[Path], Signal] | None = None,
    ) -> None:
        self.settings = settings
        self.store = store or ChunkStore(settings.cache_folder / _CHUNKS_FOLDER, settings.chunk_limit_bytes)
        self._bench = Workbench(settings, self.store)
        self._tools = tools
        self._opener = opener or self._open_file
        self._opened: dict[Path, tuple[object, Signal]] = {}

    def result(self, track: Track, source: Signal | None = None) -> RenderedSignal:
        """Return the sound of a track. `source` is its recording where the caller has it open already.

        Raises
        ------
        InputError
            If the recording can't be opened.
        """
        signal = source if source is not None else self._open(track.source.path)
        return self.render(signal, track.recipe, track.source.fingerprint)

    def render(self, source: Signal, recipe: Recipe, fingerprint: str = "") -> RenderedSignal:
        """Return the sound of `source` under `recipe`.

        Parameters
        ----------
        fingerprint
            Names the content of `source`; not needed where `source` has one of its own.
        """
        key = fingerprint or str(getattr(source, "fingerprint", ""))
        if not key:
            raise ValueError("a source needs a fingerprint, or its chunks can't be told from another's")
        layers: list[Layer] = [SourceLayer(source, key)]
        problems: list[StepProblem] = []
        for step in recipe.steps:
            layer = layers[-1]
            if step.is_heard:
                try:
                    layer = self._device(layer, step)
                except ShellacError as error:
                    problems.append(StepProblem(step.id, error))
            layers.append(layer)
        return RenderedSignal(tuple(layers), recipe.steps, tuple(problems))

    def _device(self, below: Layer, step: Step) -> Device:
        tool = self._tool(step.tool)
        params = split_params(tool, complete(tool, step.params))
        inputs = {name: self._open(Path(path)) for name, path in step.inputs.items()}
        keys = {name: str(getattr(signal, "fingerprint", step.inputs[name])) for name, signal in inputs.items()}
        return Device(self._bench, below, step, tool, params, inputs, keys)

    def _tool(self, name: str) -> Tool:
        if self._tools is None:
            from engine.tools import all_tools

            tools: Sequence[Tool] = all_tools()
        else:
            tools = self._tools
        for tool in tools:
            if tool.name == name:
                return tool
        raise ProjectError(
            f"the tool {name!r} is not installed", "install it; until then its device does nothing", "the step is kept"
        )

    def _open(self, path: Path) -> Signal:
        """Open a recording once; again if the file changed."""
        try:
            state = path.stat()
            stamp: object = (state.st_size, state.st_mtime_ns)
        except OSError:
            stamp = None
        known = self._opened.get(path)
        if known is None or known[0] != stamp:
            self._opened[path] = known = (stamp, self._opener(path))
        return known[1]

    def _open_file(self, path: Path) -> Signal:
        from engine.audio.files import open_signal

        opened: Signal = open_signal(path, self.settings)
        return opened

    def close(self) -> None:
        """Close the recordings that were opened here."""
        for _, signal in self._opened.values():
            close = getattr(signal, "close", None)
            if close is not None:
                close()
        self._opened.clear()

    def analyse(self, rendered: RenderedSignal, job: Job = NO_JOB) -> None:
        """Learn what the devices need to know about the whole recording, where that isn't known."""
        devices = [d for d in rendered.devices if d.inside.frames and d.held_analysis() is None]
        for index, device in enumerate(devices):
            share = job.part(index / len(devices), (index + 1) / len(devices))
            share.progress(0.0, f"{device.tool.label}: analysing")
            device.analysis(share)

    def work(
        self,
        rendered: RenderedSignal,
        cursor: Callable[[], int] = lambda: 0,
        loop: Callable[[], Span | None] = lambda: None,
        job: Job = NO_JOB,
        on_chunk: Callable[[Span], None] = lambda span: None,
    ) -> None:
        """Render what is missing, the loop or what comes after the cursor first, then outwards.

        Parameters
        ----------
        cursor, loop
            Where the listener is, in frames of the result; asked before every chunk.
        on_chunk
            Hears of every span that was finished, on this thread.

        Raises
        ------
        Cancelled
            If the job was cancelled. Finished chunks are kept.
        OutputError
            If the disk can't keep what is finished.
        """
        if not rendered.unfinished:
            return
        self.analyse(rendered, job.part(0.0, 0.2))
        todo = [piece for span in rendered.unfinished for piece in rendered.chunks(span)]
        count = len(todo)
        signal = rendered.under(job)
        self._bench.disk_error = None
        while todo:
            job.progress(0.2 + 0.8 * (count - len(todo)) / count, "rendering")
            piece = min(todo, key=lambda span: _urgency(span, cursor(), loop(), rendered.rate))
            todo.remove(piece)
            signal.read(*piece)
            if self._bench.disk_error is not None:
                raise self._bench.disk_error
            on_chunk(piece)
        job.progress(1.0, "done")


def _urgency(span: Span, cursor: int, loop: Span | None, rate: int) -> tuple[int, float]:
    """Return a sort key: smaller is sooner."""
    if loop is not None and loop.frames and span.intersect(loop).frames:
        here = cursor if loop.start <= cursor < loop.stop else loop.start
        ahead = span.stop > here
        return (0, span.start) if ahead else (1, span.start)  # after its end the loop begins again
    here = cursor if loop is None or not loop.frames else loop.stop
    if span.stop > here:
        return 2, max(0.0, (span.start - here) / rate)
    return 2, _AHEAD_S + (here - span.stop) / rate


def check_recipe(rendered: RenderedSignal) -> None:
    """Raise the first problem of a rack, for callers who want all of a recipe or nothing."""
    for problem in rendered.problems:
        error = problem.error
        if isinstance(error, UsageError):
            raise InputError(f"the recipe doesn't fit: {error.what}", error.todo) from error
        raise error
