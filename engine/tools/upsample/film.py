"""The waveform networks AFiLM and TFiLM at work: any span of what they make of a recording.

Windows of 8192 samples lie on an absolute grid, half overlapping, and are cross-faded in the middle of the overlap: any
length, no delay, and the same bits for any span. Outside of the recording there are zeros.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Samples, Span
from engine.settings import chosen
from engine.tools.tool import Job
from engine.tools.upsample.bwe import SILENT
from engine.tools.upsample.plan import Plan

WINDOW: Final = 8192
HOP: Final = 4096
FADE: Final = 512
_BEFORE: Final = (WINDOW - HOP) // 2  # of a window before the stretch it answers for


def windows(span: Span) -> range:
    """Return the numbers of the windows that `span` depends on; window k answers for frames k * HOP and on."""
    return range((span.start - FADE // 2) // HOP, (span.stop - 1 + FADE // 2) // HOP + 1)


def reads(span: Span) -> Span:
    """Return the frames that `span` depends on."""
    numbers = windows(span)
    return Span(numbers[0] * HOP - _BEFORE, numbers[-1] * HOP - _BEFORE + WINDOW)


def made(plane: Samples, span: Span, plan: Plan, gain: float, job: Job) -> Samples:
    """Return what the network makes of a span.

    Parameters
    ----------
    plane
        The recording raised by a spline, the frames of `reads(span)`, shape (frames,); zero outside of it.
    span
        At least one frame.
    gain
        Takes the recording to the level at which the network listens.

    Returns
    -------
    Samples
        Shape (span.frames,), at the level of `plane`.
    """
    from engine.inference.network import network

    numbers, origin = windows(span), reads(span).start
    out = np.zeros((len(numbers) + 1) * HOP, dtype=np.float32)  # from frame numbers[0] * HOP - FADE // 2 on
    weights = fade()
    for place, number in enumerate(numbers):
        start = number * HOP - _BEFORE - origin
        given = plane[start : start + WINDOW]
        if np.abs(given).max() < SILENT:
            answer = given
        else:
            inputs = {"samples": np.ascontiguousarray(given[None, None]) * np.float32(gain)}
            # The only output, whatever its name: that of the input is taken.
            (answer,) = network(plan.model, chosen(), plan.file).run(inputs, job).values()
            answer = answer[0, 0] * np.float32(1.0 / gain)
        job.check()
        stretch = answer[_BEFORE - FADE // 2 : _BEFORE + HOP + FADE // 2] * weights
        out[place * HOP : place * HOP + HOP + FADE] += stretch
    first = span.start - (numbers[0] * HOP - FADE // 2)
    return out[first : first + span.frames]


def fade() -> NDArray[np.float32]:
    """Return the weight of a window over its stretch and half a fade on either side, shape (HOP + FADE,)."""
    ramp = ((np.arange(FADE) + 0.5) / FADE).astype(np.float32)
    # Both ends as each other's complement, so that two windows of one opinion add up to it.
    return np.concatenate([ramp, np.ones(HOP - FADE, dtype=np.float32), np.float32(1.0) - ramp])
