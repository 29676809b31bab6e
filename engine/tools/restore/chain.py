"""How the stages of Restore stand behind one another: each takes something away from what the ones before it left.

A stage never returns its result, only what it removes at full strength. So strength 0 costs nothing and changes no
bit, and the input minus the result is the sum of what was removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Samples, Signal, Span, check_span
from engine.tools.tool import NO_JOB, Analysis, Job, Params


@dataclass(frozen=True)
class Learned:
    """What one stage knows about the whole recording."""

    facts: Mapping[str, Any] = field(default_factory=dict)  # JSON values
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


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


def learn_all(stages: tuple[Stage, ...], signal: Signal, params: Params, job: Job) -> Analysis:
    """Let every stage that is switched on learn from what the ones before it leave at full strength.

    Full strength, so that turning a strength needs no new analysis.
    """
    facts: dict[str, Any] = {}
    arrays: dict[str, NDArray[Any]] = {}
    active = [stage for stage in stages if params[stage.name]]
    for number, stage in enumerate(active):
        part = job.part(number / len(active), (number + 1) / len(active))
        learned = stage.learn(signal, params, part)
        facts[stage.name] = dict(learned.facts)
        arrays.update({f"{stage.name}.{name}": array for name, array in learned.arrays.items()})
        signal = StageSignal(signal, stage, params, learned, 1.0, part)
    return Analysis(facts, arrays)


def chained(
    stages: tuple[Stage, ...], signal: Signal, params: Params, analysis: Analysis, job: Job
) -> tuple[Signal, Mapping[str, StageSignal]]:
    """Return the result as a Signal, and the active stages by name."""
    active: dict[str, StageSignal] = {}
    for stage in stages:
        strength = strength_of(stage, params)
        if strength > 0.0:
            signal = StageSignal(signal, stage, params, learnt(analysis, stage), strength, job)
            active[stage.name] = signal
    return signal, active
