"""By how much one recording sounds higher than the other: another key, another tuning, another turntable.

The mean spectrum of a recording is a fingerprint of its key and tuning. Its peaks, slid along those of the other one,
propose a few shifts; `relation` lets the coarse chain, which knows the order of events, choose.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d

from engine.tools.align.features import BINS, BINS_PER_OCTAVE, MARGIN, Floats

CANDIDATES: Final = 4
CENTS_PER_BIN: Final = 1200.0 / BINS_PER_OCTAVE
WIDE: Final = 25  # bins: what changes more slowly over frequency is timbre, not tuning


def candidates(reference: Floats, target: Floats) -> list[float]:
    """Return the most likely shifts, bins, best first; 0 is among them."""
    a, b = _peaks(reference), _peaks(target)
    inner = a[MARGIN : MARGIN + BINS]
    match = np.array([float(inner @ b[MARGIN + s : MARGIN + s + BINS]) for s in range(-MARGIN, MARGIN + 1)])
    is_peak = np.ones(len(match), dtype=bool)
    is_peak[1:] &= match[1:] >= match[:-1]
    is_peak[:-1] &= match[:-1] > match[1:]
    best = [k for k in np.argsort(-match, kind="stable") if is_peak[k]][:CANDIDATES]
    shifts = [_refined(match, int(k)) - MARGIN for k in best]
    return shifts if any(abs(s) < 0.5 for s in shifts) else [*shifts, 0.0]


def _peaks(tones: Floats) -> Floats:
    raised = np.maximum(tones - uniform_filter1d(tones, WIDE, mode="nearest"), 0.0)
    return np.asarray(raised / (np.linalg.norm(raised) + 1e-6), dtype=np.float32)


def _refined(match: np.ndarray[tuple[int, ...], np.dtype[np.float64]], k: int) -> float:
    """The top of a parabola through a peak and its neighbours."""
    if not 0 < k < len(match) - 1:
        return float(k)
    left, top, right = match[k - 1 : k + 2]
    bend = left - 2.0 * top + right
    return k + (float(0.5 * (left - right) / bend) if bend < 0.0 else 0.0)
