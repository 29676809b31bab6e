"""The form in which a network hears a recording: mid and side of stereo, side only where there is one.

One cutoff, one gain and one decision about the side for the whole file: the stereo image can't wander. A channel that
is silent from end to end is not heard, and nothing is put into it: of a mid of both, half would come back there.
"""

from __future__ import annotations

import numpy as np

from engine.audio.signal import Samples
from engine.tools.upsample.facts import Learned


def to_planes(samples: Samples, learned: Learned) -> Samples:
    """Return mid and, where it is active, side for two channels, else the channels; shape (planes, frames).

    The side has the sign that makes its first sample positive: exchanging left and right gives the same planes.
    """
    sounding = learned.sounding(samples.shape[1])
    if samples.shape[1] != 2 or len(sounding) == 1:
        return np.ascontiguousarray(samples[:, sounding or slice(None)].T)
    left, right = samples[:, 0], samples[:, 1]
    mid = (left + right) * np.float32(0.5)
    if not learned.side_active:
        return mid[None]
    return np.stack([mid, (left - right) * np.float32(0.5 * learned.side_sign)])


def from_planes(planes: Samples, channels: int, learned: Learned) -> Samples:
    """Undo `to_planes`, for what was generated: without a side both channels get the mid; shape (frames, channels)."""
    sounding = learned.sounding(channels)
    if channels != 2 or len(sounding) == 1:
        made = np.zeros((planes.shape[1], channels), dtype=planes.dtype)
        made[:, sounding or slice(None)] = planes.T
        return made
    if len(planes) == 1:
        return np.stack([planes[0], planes[0]], axis=1)
    side = planes[1] * np.float32(learned.side_sign)
    return np.stack([planes[0] + side, planes[0] - side], axis=1)
