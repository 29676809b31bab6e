"""Alignments made by hand, whose truth is plain, and recordings in which it can be heard."""

from __future__ import annotations

import numpy as np

from engine.audio.signal import ArraySignal
from engine.tools.align.result import Alignment, Segment

RATE = 16_000


def counting(seconds: float, rate: int = RATE, channels: int = 1) -> ArraySignal:
    """Return a recording that says at every moment which it is: a slow ramp, 0.01 per second."""
    ramp = (0.01 * np.arange(round(seconds * rate)) / rate).astype(np.float32)
    return ArraySignal(np.repeat(ramp[:, None], channels, axis=1), rate)


def hiss(seconds: float, rate: int = RATE, channels: int = 1, seed: int = 1) -> ArraySignal:
    samples = np.random.default_rng(seed).normal(0, 0.1, (round(seconds * rate), channels))
    return ArraySignal(samples.astype(np.float32), rate)


def straight(*pieces: tuple[float, float, float]) -> Alignment:
    """Return matches at speed 1 from pieces (reference, target, seconds), and what lies between them."""
    segments: list[Segment] = []
    reference: list[float] = []
    target: list[float] = []
    for start, there, length in pieces:
        if segments:
            last = segments[-1]
            if start > last.reference_s[1]:
                hole = (last.reference_s[1], start)
                segments.append(Segment("missing", hole, (last.target_s[1],) * 2, 0.0))
            if there > last.target_s[1]:
                segments.append(Segment("extra", (start, start), (last.target_s[1], there), 0.0))
        segments.append(Segment("match", (start, start + length), (there, there + length), 1.0))
        knots = np.arange(0.025, length, 0.05)
        reference += (start + knots).tolist()
        target += (there + knots).tolist()
    sure = np.ones(len(reference))
    return Alignment(np.array(reference), np.array(target), sure, 0 * sure, tuple(segments), verdict="made by hand")
