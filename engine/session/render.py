"""A recipe becomes sound: the result is one more Signal, rendered from the cursor outwards and kept chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.allocator import give_freed_pages_back
from engine.audio.formats import spell_bytes
from engine.audio.signal import Signal, Span
from engine.errors import InputError, OutputError, ProjectError, ShellacError, UsageError
from engine.session.device import Device
from engine.session.keys import split_params
from engine.session.layers import Layer, SourceLayer, Workbench
from engine.session.recipe import Recipe, Step
from engine.session.rendered import RenderedSignal, StepProblem
from engine.session.session import Track
from engine.session.store import ChunkStore
from engine.settings import Settings
from engine.tools.tool import NO_JOB, Job, Tool, complete

__all__ = ["RenderedSignal", "Renderer", "StepProblem", "check_recipe"]

_AHEAD_S = 30.0  # so far ahead of the cursor everything comes before anything behind it
_CHUNKS_FOLDER = "chunks"


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
            give_freed_pages_back()  # rendering needs much less

    def disk_needed_bytes(self, rendered: RenderedSignal) -> int:
        """Return how much the missing chunks will take on disk; never more than the store's limit."""
        samples = sum(part.frames * device.format.channels for device in rendered.devices for part in device.missing())
        return min(4 * samples, self.store.limit_bytes)

    def _check_space(self, rendered: RenderedSignal) -> None:
        needed, free = self.disk_needed_bytes(rendered), self.store.free_bytes()
        if needed > free:
            raise OutputError(
                f"rendering needs {spell_bytes(needed)} and the disk of the cache has {spell_bytes(free)} free",
                "free some space, choose another cache folder or a smaller cache limit",
            )

    def _share_of_cache(self, rendered: RenderedSignal) -> tuple[int, OutputError | None]:
        """Return how many frames of a result the cache holds with all that is below them, and an error if not all."""
        needed = 4 * sum(device.inside.frames * device.format.channels for device in rendered.devices)
        if needed <= self.store.room_bytes:
            return rendered.frames, None
        return rendered.frames * self.store.room_bytes // needed, OutputError(
            f"this rack needs {spell_bytes(needed)} of cache and the limit is {spell_bytes(self.store.limit_bytes)}",
            "raise the limit, or switch devices off",
            "what lies nearest the cursor is rendered, and all of it can be exported",
        )

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
            If the disk can't keep what is finished; where that can be foreseen, before anything is computed. If the
            cache's limit is too small for the rack, after as much as it holds: more would only push that out again.
        """
        if not rendered.unfinished:
            return
        self._check_space(rendered)
        self.analyse(rendered, job.part(0.0, 0.2))
        todo = [piece for span in rendered.unfinished for piece in rendered.chunks(span)]
        count = len(todo)
        signal = rendered.under(job)
        self._bench.disk_error = None
        frames_left, too_small = self._share_of_cache(rendered)
        while todo:
            job.progress(0.2 + 0.8 * (count - len(todo)) / count, "rendering")
            piece = min(todo, key=lambda span: _urgency(span, cursor(), loop(), rendered.rate))
            todo.remove(piece)
            frames_left -= piece.frames
            if too_small is not None and frames_left < 0:
                raise too_small
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


def check_recipe(rendered: RenderedSignal, is_typed: bool = False) -> None:
    """Raise the first problem of a rack, for callers who want all of a recipe or nothing.

    Settings that don't fit are the recipe's fault, unless the user has just typed them.
    """
    for problem in rendered.problems:
        error = problem.error
        if isinstance(error, UsageError) and not is_typed:
            raise InputError(f"the recipe doesn't fit: {error.what}", error.todo) from error
        raise error
