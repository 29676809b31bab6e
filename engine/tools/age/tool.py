"""The tool Age: makes a recording sound as if it came from an old disc, tape or radio, and knows what it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from engine.audio.signal import Format, Samples, Signal, Span, blocks, check_span
from engine.audio.timemap import TimeMap
from engine.tools.age.impulses import Event
from engine.tools.age.knobs import EFFECTS, EVENTS, KNOBS, PRESETS
from engine.tools.age.speed import Wobble
from engine.tools.tool import NO_JOB, Analysis, Inputs, Job, Knob, Params, Value, complete

PIECE = 131_072  # frames rendered between two looks at the job: a fraction of a second of work


class Age:
    """Simulated damage. Nothing has to be learnt from the recording, so analysis is free."""

    name: str = "age"
    label: str = "Age"
    summary: str = "Make a recording sound old: worn disc, tape, horn or radio."
    version: int = 1
    knobs: tuple[Knob, ...] = KNOBS
    presets: Mapping[str, Mapping[str, Value]] = PRESETS
    inputs: tuple[str, ...] = ()
    has_mix: bool = True  # wow strays by under a millisecond and comes back: still the same time axis
    is_generative: bool = True  # its noise never happened

    def networks(self, params: Params) -> tuple[str, ...]:
        """Return (): no network is used."""
        return ()

    def output_format(self, given: Format, params: Params) -> Format:
        """Return `given`: rate, channels and length stay."""
        return given

    def analyse(self, signal: Signal, params: Params, inputs: Inputs, job: Job = NO_JOB) -> Analysis:
        """Return an empty analysis: all damage follows from the seed."""
        job.check()
        return Analysis()

    def render(
        self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span, job: Job = NO_JOB
    ) -> Samples:
        """Return any span of the aged recording, shape (span.frames, channels)."""
        return _read(_chain(signal, params)[EFFECTS[-1]], span, job)


AGE = Age()


def stems(signal: Signal, params: Params, span: Span, job: Job = NO_JOB) -> dict[str, Samples]:
    """Return the sound after every effect, in the order of `EFFECTS`; the last one is what `render` gives.

    An effect that is off returns what came in. `params` need not be complete.
    """
    check_span(signal, span.start, span.stop)
    stages = _chain(signal, complete(AGE, params), remember=True)
    out = {name: np.empty((span.frames, signal.channels), dtype=np.float32) for name in stages}
    for part in _pieces(span):
        for name, stage in stages.items():
            job.check()
            out[name][part.start - span.start : part.stop - span.start] = stage.read(part.start, part.stop)
    return out


def events(given: Format, params: Params, job: Job = NO_JOB) -> list[Event]:
    """Return every crackle, click, pop and thump of a recording of this format, in order of time."""
    from engine.tools.age.chain import impulses_of

    full, seconds = complete(AGE, params), given.frames / given.rate
    found: list[Event] = []
    for effect in EVENTS:
        if full[effect]:
            impulses = impulses_of(effect, full, 0.0, seconds, job)
            in_time = np.rint(impulses.time_s * given.rate) < given.frames
            found += impulses.chosen(in_time).events(given.channels)
    return sorted(found, key=lambda event: event.time_s)


def speed_curve(given: Format, params: Params) -> Wobble:
    """Return the exact speed curve: `speed_at`, `cents_at`, `displacement_at`, `target_at`."""
    from engine.tools.age.chain import wobble_of

    return wobble_of(given, complete(AGE, params))


def time_map(given: Format, params: Params) -> TimeMap:
    """Return which moment of the source (`target_s`) sounds at which moment of the result (`source_s`).

    Delays are included. With `phase` "linear" there are none and both ends are 0.
    """
    return speed_curve(given, params).time_map()


def _chain(signal: Signal, params: Params, remember: bool = False) -> dict[str, Signal]:
    # Here, not above: the registry of tools is imported when the window starts, SciPy when something is rendered.
    from engine.tools.age.chain import chain

    return chain(signal, params, remember)


def _pieces(span: Span) -> Iterator[Span]:
    """Cut a span at the file's grid, so that filters compute few blocks twice."""
    first = span.start - span.start % PIECE
    for piece in blocks(span.stop - first, PIECE) if span.frames else ():
        yield Span(first + piece.start, first + piece.stop).intersect(span)


def _read(signal: Signal, span: Span, job: Job) -> Samples:
    job.check()
    check_span(signal, span.start, span.stop)
    out = np.empty((span.frames, signal.channels), dtype=np.float32)
    for part in _pieces(span):
        job.check()
        out[part.start - span.start : part.stop - span.start] = signal.read(part.start, part.stop)
    return out
