"""What AFiLM and TFiLM learn from: a recording at 16 kHz, and what a spline makes of a half, a quarter or an eighth.

Which low-pass stands before the decimation changes every score, so whoever reports one says which: `decimation` names
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import scipy.signal

from engine.audio.signal import ArraySignal
from engine.audio.spline import SplineSignal
from engine.tools.upsample.learned import LEVEL_DB, LEVEL_RANGE_DB
from training.data import Samples
from training.data.patches import Derive
from training.upsample.bwe_sources import active_rms

RATE: Final = 16_000  # Hz, of the networks
FACTORS: Final = (2, 4, 8)
LENGTH: Final = 8192  # samples of a patch
LEVEL_DBFS: Final = LEVEL_DB  # of the active frames, by one gain per recording: about what the host sets
VERSION: Final = 1  # of what `pair` makes, the spline's part included: other samples, another number
_LEAST: Final = 64  # samples that the filter's transients need


def decimation(*, low_pass: bool) -> str:
    """Name the way from high to low, as scores state it."""
    filtered = "scipy.signal.decimate, 8th-order Chebyshev, zero phase"
    return filtered if low_pass else "every r-th sample, no low-pass: aliased"


def content(factor: int, *, low_pass: bool = True) -> str:
    """Name everything that pairs follow from besides the recording: an archive with another name is another one."""
    least, most = LEVEL_RANGE_DB
    return (
        f"pairs of factor {factor}: {decimation(low_pass=low_pass)}; active frames at {LEVEL_DBFS:g} dBFS by "
        f"{least:g} to {most:g} dB; cubic spline; version {VERSION}"
    )


def decimated(samples: Samples, factor: int, *, low_pass: bool = True) -> Samples:
    """Return every `factor`-th sample; shape (ceil(samples / factor),).

    Parameters
    ----------
    samples
        Mono, shape (samples,).
    factor
        1 or more.
    low_pass
        Filter first by `scipy.signal.decimate`, both ways and so without delay. Without it the upper band is folded
        into the lower one, as in some published figures.
    """
    if not low_pass or factor == 1 or not len(samples):
        return np.ascontiguousarray(samples[::factor], dtype=np.float32)
    padded = np.pad(samples, (0, max(0, _LEAST - len(samples))), mode="edge")
    low = scipy.signal.decimate(padded.astype(np.float64), factor, ftype="iir", zero_phase=True)
    return np.ascontiguousarray(low[: -(-len(samples) // factor)], dtype=np.float32)


def raised(low: Samples, factor: int, frames: int | None = None) -> Samples:
    """Return what the networks are given: a low signal raised by a spline, the first `frames` of it; (frames,)."""
    spline = SplineSignal(ArraySignal(np.array(low, dtype=np.float32)[:, None], RATE // factor), factor)
    return spline.read(0, spline.frames if frames is None else frames)[:, 0]


def level_gain(samples: Samples) -> float:
    """Return what brings a recording's active frames to -25 dBFS, -20 to +40 dB as a factor; silence keeps 1."""
    rms = active_rms(samples) if len(samples) else 0.0
    if rms <= 1e-10:
        return 1.0
    return float(10.0 ** (np.clip(LEVEL_DBFS - 20.0 * np.log10(rms), *LEVEL_RANGE_DB) / 20.0))


def pair(samples: Samples, factor: int, *, low_pass: bool = True) -> Mapping[str, Samples]:
    """Return "data", what a network is given, and "label", what it should make of it; both (samples,), at one level."""
    label = np.asarray(samples * np.float32(level_gain(samples)), dtype=np.float32)
    return {"data": raised(decimated(label, factor, low_pass=low_pass), factor, len(label)), "label": label}


def pairing(factor: int, *, low_pass: bool = True) -> Derive:
    """Return what archives of pairs are cut with: "data" and "label" of shape (samples, 1)."""

    def derive(samples: Samples, rate: int) -> Mapping[str, Samples]:
        if rate != RATE:
            raise ValueError(f"the networks work at {RATE} Hz, got {rate}")
        return {name: array[:, None] for name, array in pair(samples, factor, low_pass=low_pass).items()}

    return derive
