"""The result of a rack as one more Signal: read it and what is missing is rendered, or read only what is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.audio.signal import Format, Samples, Signal, Span, check_span, read_padded
from engine.errors import ShellacError
from engine.session import sanity
from engine.session.device import CHUNK_S, Device
from engine.session.layers import Layer, LayerView, Unfinished, view
from engine.session.recipe import Step
from engine.session.sanity import SanityMark
from engine.tools.tool import NO_JOB, Analysis, Job


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
