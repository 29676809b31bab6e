"""The form in which noise is judged: mid and side of a stereo recording, at one of the two rates the networks know."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.audio.signal import Samples, Signal, read_padded
from engine.audio.stft import Stft

WORK_STFT: Final = Stft()
WORK_RATES: Final = (44_100, 48_000)
MARGIN_SECONDS: Final = 1  # read around a chunk: whole samples at every rate, more than any filter or context needs


def work_rate(rate: int) -> int:
    """Return the rate at which a recording of `rate` is judged: its own, or the one with the simpler ratio."""
    if rate in WORK_RATES:
        return rate
    return 48_000 if rate % 8_000 == 0 else 44_100


def to_planes(samples: Samples) -> Samples:
    """Return mid and side for two channels, else the channels; shape (planes, frames), contiguous."""
    if samples.shape[1] == 2:
        left, right = samples[:, 0], samples[:, 1]
        return np.stack([(left + right) * np.float32(0.5), (left - right) * np.float32(0.5)])
    return np.ascontiguousarray(samples.T)


def from_planes(planes: Samples) -> Samples:
    """Undo `to_planes`; shape (frames, channels)."""
    if len(planes) == 2:
        return np.stack([planes[0] + planes[1], planes[0] - planes[1]], axis=1)
    return np.ascontiguousarray(planes.T)


def resampled(samples: Samples, given: int, wanted: int) -> Samples:
    """Resample a piece whose edges will be thrown away; shape (round(frames * wanted / given), channels)."""
    if given == wanted:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, given, wanted, quality="HQ"), dtype=np.float32)


def read_work(signal: Signal, start: int, stop: int) -> Samples:
    """Read a span of `signal`, which may reach beyond its ends, at its working rate."""
    return resampled(read_padded(signal, start, stop), signal.rate, work_rate(signal.rate))
