"""The straight line from start to end: it hears nothing, so whoever doesn't beat it has heard nothing either."""

from __future__ import annotations

import numpy as np

from training.align.pair import Answer, Samples


def straight_line(reference: Samples, target: Samples, rate: int) -> Answer:
    """Map the ends onto each other and everything between in proportion."""
    return Answer(np.array([0.0, len(reference) / rate]), np.array([0.0, len(target) / rate]))


def pinned_line(reference: Samples, target: Samples, rate: int) -> Answer:
    """Map the first loud moment to the first and the last to the last: the straight line where silence differs."""
    ends = [np.array(sounding_span(sound)) / rate for sound in (reference, target)]
    if any(end[1] <= end[0] for end in ends):
        return straight_line(reference, target, rate)
    return Answer(ends[0], ends[1])


def sounding_span(sound: Samples, share: float = 0.05) -> tuple[int, int]:
    """Return the first and last frame that reaches a share of the peak."""
    loud = np.flatnonzero(np.abs(sound) > share * np.abs(sound).max(initial=0.0))
    return (int(loud[0]), int(loud[-1])) if len(loud) else (0, 0)
