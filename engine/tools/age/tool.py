"""The tool Age: makes a recording sound as if it came from an old disc, tape or radio, and knows what it did."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.audio.signal import Format, Samples, Signal, Span, blocks, check_span
from engine.audio.timemap import TimeMap
from engine.tools.age.chain import EFFECTS, EVENTS, chain, impulses_of, wobble_of
from engine.tools.age.impulses import Event
from engine.tools.age.knobs import KNOBS, PRESETS
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
    has_mix: bool = False  # wow moves the time axis: mixed with the source it would comb
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
        return _read(chain(signal, params)[EFFECTS[-1]], span, job)


AGE = Age()


def stems(signal: Signal, params: Params, span: Span, job: Job = NO_JOB) -> dict[str, Samples]:
    """Return the sound after every effect, in the order of `EFFECTS`; the last one is what `render` gives.

    An effect that is off returns what came in. `params` need not be complete.
    """
    return {name: _read(stage, span, job) for name, stage in chain(signal, complete(AGE, params)).items()}


def events(given: Format, params: Params, job: Job = NO_JOB) -> list[Event]:
    """Return every crackle, click, pop and thump of a recording of this format, in order of time."""
    full, seconds = complete(AGE, params), given.frames / given.rate
    found: list[Event] = []
    for effect in EVENTS:
        if full[effect]:
            impulses = impulses_of(effect, full, 0.0, seconds, job)
            on_tape = np.rint(impulses.time_s * given.rate) < given.frames
            found += impulses.chosen(on_tape).events(given.channels)
    return sorted(found, key=lambda event: event.time_s)


def speed_curve(given: Format, params: Params) -> Wobble:
    """Return the exact speed curve: `speed_at`, `cents_at`, `displacement_at`, `target_at`."""
    return wobble_of(given, complete(AGE, params))


def time_map(given: Format, params: Params) -> TimeMap:
    """Return which moment of the source (`target_s`) sounds at which moment of the result (`source_s`).

    Delays are included. With `phase` "linear" there are none and both ends are 0.
    """
    return speed_curve(given, params).time_map()


def _read(signal: Signal, span: Span, job: Job) -> Samples:
    check_span(signal, span.start, span.stop)
    out = np.empty((span.frames, signal.channels), dtype=np.float32)
    # Pieces follow the file's grid, so that filters compute few blocks twice.
    first = span.start - span.start % PIECE
    for piece in blocks(span.stop - first, PIECE) if span.frames else ():
        job.check()
        part = Span(first + piece.start, first + piece.stop).intersect(span)
        out[part.start - span.start : part.stop - span.start] = signal.read(part.start, part.stop)
    job.check()
    return out
