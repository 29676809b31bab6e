"""How the stages of Restore stand behind one another: each takes something away from what the ones before it left.

A stage never returns its result, only what it removes at full strength. So strength 0 costs nothing and changes no
bit, and the input minus the result is the sum of what was removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.allocator import give_freed_pages_back
from engine.audio.signal import Samples, Signal, Span, check_span
from engine.tools.restore.knobs import KNOBS
from engine.tools.tool import NO_JOB, Analysis, Job, Params, Value


@dataclass(frozen=True)
class Learned:
    """What one stage knows about the whole recording."""

    facts: Mapping[str, Any] = field(default_factory=dict)  # JSON values
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


Memory = Callable[[Signal, tuple[tuple[str, Value], ...], Callable[[], Learned]], Learned]


class Stage(Protocol):
    """One kind of damage. Stateless; `name` is also the name of its switch and the front of its other knobs."""

    @property
    def name(self) -> str: ...

    def learn(self, signal: Signal, params: Params, job: Job) -> Learned:
        """Look through the whole of `signal`, which the stages before have been at."""
        ...

    def removed(self, signal: Signal, params: Params, learned: Learned, span: Span, job: Job) -> Samples:
        """Return what full strength takes away from `span`, shape (span.frames, channels); any span, same bits."""
        ...


@dataclass(frozen=True)
class StageSignal:
    """A recording after one more stage."""

    source: Signal
    stage: Stage
    params: Params
    learned: Learned
    strength: float  # 0 to 1
    job: Job = NO_JOB

    @property
    def rate(self) -> int:
        return self.source.rate

    @property
    def channels(self) -> int:
        return self.source.channels

    @property
    def frames(self) -> int:
        return self.source.frames

    def taken(self, span: Span) -> Samples:
        """Return what this stage takes away at its strength."""
        removed = self.stage.removed(self.source, self.params, self.learned, span, self.job)
        return removed if self.strength == 1.0 else removed * np.float32(self.strength)

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        return self.source.read(start, stop) - self.taken(Span(start, stop))


def strength_of(stage: Stage, params: Params) -> float:
    """Return how strongly a stage acts, 0 (off) to 1."""
    return float(params[f"{stage.name}_strength"]) / 100.0 if params[stage.name] else 0.0


def learnt(analysis: Analysis, stage: Stage) -> Learned:
    """Return what `stage` put into `analysis`."""
    prefix = f"{stage.name}."
    arrays = {name.removeprefix(prefix): array for name, array in analysis.arrays.items() if name.startswith(prefix)}
    return Learned(analysis.facts.get(stage.name, {}), arrays)


def learn_all(stages: tuple[Stage, ...], signal: Signal, params: Params, remember: Memory, job: Job) -> Analysis:
    """Let every stage that is switched on learn from what the ones before it leave at full strength.

    Full strength, so that turning a strength needs no new analysis. What all but the last stage learn is remembered:
    a knob of a later stage needn't send them through the recording again.
    """
    facts: dict[str, Any] = {}
    arrays: dict[str, NDArray[Any]] = {}
    source = signal
    settings: tuple[tuple[str, Value], ...] = ()
    active = [stage for stage in stages if params[stage.name]]
    for number, stage in enumerate(active):
        part = job.part(number / len(active), (number + 1) / len(active))
        settings += settings_of(stage, params)
        learn = partial(stage.learn, signal, params, part)
        learned = learn() if stage is stages[-1] else remember(source, settings, learn)
        facts[stage.name] = dict(learned.facts)
        arrays.update({f"{stage.name}.{name}": array for name, array in learned.arrays.items()})
        give_freed_pages_back()  # of three hours the search for clicks leaves 50 MB of freed pieces behind
        signal = StageSignal(signal, stage, params, learned, 1.0, part)
    return Analysis(facts, arrays)


def settings_of(stage: Stage, params: Params) -> tuple[tuple[str, Value], ...]:
    """Return the knobs that decide what `stage` learns, with their values."""
    return tuple((k.name, params[k.name]) for k in KNOBS if k.group == stage.name and k.invalidates == "analyse")


def chained(
    stages: tuple[Stage, ...], signal: Signal, params: Params, analysis: Analysis, job: Job
) -> tuple[Signal, Mapping[str, StageSignal]]:
    """Return the result as a Signal, and the active stages by name."""
    active: dict[str, StageSignal] = {}
    for stage in stages:
        strength = strength_of(stage, params)
        if strength > 0.0 and stage.name in analysis.facts:
            signal = StageSignal(signal, stage, params, learnt(analysis, stage), strength, job)
            active[stage.name] = signal
    return signal, active
