"""The straight line from start to end: it hears nothing, so whoever doesn't beat it has heard nothing either."""

from __future__ import annotations

from typing import Final

import numpy as np

from training.align.pair import Answer, Samples

GRID_S: Final = 1024 / 22_050


def straight_line(reference: Samples, target: Samples, rate: int) -> Answer:
    """Map the ends onto each other and everything between in proportion."""
    return Answer(np.array([0.0, len(reference) / rate]), np.array([0.0, len(target) / rate]))


def line_on_grid(reference: Samples, target: Samples, rate: int) -> Answer:
    """The straight line as a coarse network would give it: each frame of 46.4 ms goes to the nearest one."""
    seconds = (len(reference) / rate, len(target) / rate)
    frames = np.arange(max(2, round(seconds[0] / GRID_S) + 1))
    nearest = np.round(frames * (seconds[1] / seconds[0])).astype(np.float64)
    return Answer(frames.astype(np.float64) * GRID_S, nearest * GRID_S)


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
