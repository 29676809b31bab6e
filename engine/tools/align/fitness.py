"""What can't be aligned, and the sentences for it: too short, silent, or not the same piece."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.audio.signal import Signal, blocks
from engine.errors import EmptyRecordingError, InputError
from engine.tools.tool import NO_JOB, Job

SHORTEST_S: Final = 0.5
SILENT: Final = 2e-4  # between the highest and the lowest sample: below it is dither, whatever the constant part
_BLOCK: Final = 1 << 17


class UnrelatedError(InputError):
    """Two recordings that don't seem to be of one piece."""

    def __init__(self, reference: str, target: str, p_unrelated: float) -> None:
        super().__init__(
            f"{reference} and {target} do not seem to share music (p = {p_unrelated:.2g})",
            "choose other recordings, or align them anyway with --set force=true",
        )
        self.p_unrelated = p_unrelated


def check_usable(signal: Signal, name: str, job: Job = NO_JOB) -> None:
    """Refuse a recording in which nothing can be found.

    Raises
    ------
    InputError
        If it lasts less than 0.5 s or is silent. The sentence begins with `name`.
    """
    if signal.frames == 0:
        raise EmptyRecordingError(f"{name} is empty (0 frames of sound)", "choose a recording with sound in it")
    seconds = signal.frames / signal.rate
    if seconds < SHORTEST_S:
        raise InputError(f"{name} lasts {seconds:.3g} s, too short to be aligned", f"give at least {SHORTEST_S:g} s")
    low, high = np.full(signal.channels, np.inf), np.full(signal.channels, -np.inf)
    for block in blocks(signal.frames, _BLOCK):
        job.check()
        samples = signal.read(*block)
        low, high = np.minimum(low, samples.min(axis=0)), np.maximum(high, samples.max(axis=0))
        if (high - low).max() > SILENT:
            return
    raise InputError(f"{name} is silent", "choose a recording with sound in it")


def are_same(left: Signal, right: Signal, job: Job = NO_JOB) -> bool:
    """Return True if two recordings hold the same samples at the same rate, to the bit."""
    if (left.rate, left.channels, left.frames) != (right.rate, right.channels, right.frames):
        return False
    for block in blocks(left.frames, _BLOCK):
        job.check()
        if not np.array_equal(left.read(*block), right.read(*block)):
            return False
    return True
