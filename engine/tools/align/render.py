"""The target on the reference's time: every play read through its map, by resampling or by grains, and faded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from engine.audio.grains import GrainPlan, GrainSignal, plan_grains
from engine.audio.resample import ResampledSignal
from engine.audio.signal import Format, Samples, Signal, Span
from engine.audio.warp import warp
from engine.tools.align.plays import Play
from engine.tools.tool import NO_JOB, Job

_BLOCK: Final = 1 << 14  # frames between two looks at the job


def plan(target: Signal, plays: Sequence[Play], rate: int, job: Job = NO_JOB) -> tuple[GrainPlan, ...]:
    """Return the grains of every play, for a result of this rate that keeps the pitch of the target."""
    source = ResampledSignal(target, rate)
    plans = []
    for number, play in enumerate(plays):
        job.progress(number / len(plays), "laying grains")
        plans.append(plan_grains(source, play.map, play.span, job.check))
    return tuple(plans)


def render(
    target: Signal, made: Format, plays: Sequence[Play], plans: Sequence[GrainPlan], span: Span, job: Job = NO_JOB
) -> Samples:
    """Return a span of the result, shape (span.frames, channels).

    Parameters
    ----------
    made
        The format of the result: the reference's rate and length, the target's channels.
    plans
        One for each play where the pitch is kept; none for varispeed.
    """
    out = np.zeros((span.frames, made.channels), dtype=np.float32)
    source = ResampledSignal(target, made.rate) if plans else target
    for number, play in enumerate(plays):
        here = play.span.intersect(span)
        read: Signal = (
            GrainSignal(source, plans[number], made.frames) if plans else warp(source, play.map, made.frames, made.rate)
        )
        for start in range(here.start, here.stop, _BLOCK):
            job.check()
            block = Span(start, min(start + _BLOCK, here.stop))
            place = out[block.start - span.start : block.stop - span.start]
            gains = play.gains(block)
            if gains is None:
                place[:] = read.read(*block)  # nothing else is heard here: not even a zero's sign changes
            else:
                place += read.read(*block) * gains
    job.check()
    return out
