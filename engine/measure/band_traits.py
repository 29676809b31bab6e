"""What a trained eye sees of each band of a recording: its level, its floor, and how far it moves with what lies below.

Steady hiss has a level, but follows nothing; programme rises and falls with the octave below it. Gain doesn't matter.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

PER_OCTAVE: Final = 48  # bands
LOWEST_HZ: Final = 250.0
FOLLOWED: Final = (12, 60)  # bands below a band that lead it: from a quarter of an octave to one and a quarter
LEADS_EACH: Final = 4  # bands that have one lead between them
BESIDE: Final = 8  # bands, far enough that no bin of a spectrum is in both
QUIET: Final = 0.1  # of the frames
DEEPEST_DB: Final = 110.0  # under the loudest band: from here on all is nothing
TRAITS: Final = 10


def band_octaves(rate: float) -> Doubles:
    """Return the bands' centres as log2 Hz, the last half a band below half of `rate`."""
    top, low = np.log2(rate / 2.0), np.log2(LOWEST_HZ)
    count = max(0, int((top - low) * PER_OCTAVE))
    return np.asarray(top - (np.arange(count)[::-1] + 0.5) / PER_OCTAVE)


def band_weights(octaves: Doubles, hertz: Doubles) -> Floats:
    """Return how much of each bin belongs to each band, (bins, bands): a triangle, at least two bins wide.

    Parameters
    ----------
    hertz
        Of the bins, evenly spaced from 0, shape (bins,).
    """
    centres, step = 2.0**octaves, float(hertz[1])
    half = np.maximum(centres * (2.0 ** (1.0 / PER_OCTAVE) - 1.0), step)
    weights = np.maximum(0.0, 1.0 - np.abs(hertz[:, None] - centres) / half)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


def band_traits(powers: Floats) -> Floats:
    """Return the traits of each band, each about -3 to 3, shape (TRAITS, bands).

    Parameters
    ----------
    powers
        Of each frame in each band, above 0, shape (frames, bands); two frames at least.
    """
    logs: Floats = np.asarray(10.0 * np.log10(powers), dtype=np.float32)
    mean = powers.mean(axis=0, dtype=np.float64)
    loudest_db = float(10.0 * np.log10(mean.max()))
    rise, unsure, follows, agrees = _following(powers, logs)
    bands = powers.shape[1]
    traits = [
        _relative(_decibels(mean), loudest_db),
        _relative(np.quantile(logs, QUIET, axis=0), loudest_db),
        _relative(logs.mean(axis=0), loudest_db),
        _relative(_decibels(np.maximum(rise, unsure)), loudest_db),
        _relative(_decibels(unsure), loudest_db),
        follows / 10.0,
        2.0 * agrees,
        logs.std(axis=0) / 5.0 - 1.0,
        2.0 * _beside(logs),
        np.minimum(1.0, np.arange(bands)[::-1] / PER_OCTAVE) - 1.0,
    ]
    return np.asarray(np.clip(np.stack(traits), -4.0, 4.0), dtype=np.float32)


def _following(powers: Floats, logs: Floats) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Return of each band the power by which it rises with its lead, what noise could feign, the same in dB of the
    geometric mean, and the correlation of the levels.

    A third of the frames each counts as loud and as quiet, by the level of the lead. Noise is in both and cancels.
    """
    frames, bands = powers.shape
    third = max(1, frames // 3)
    rise, unsure, follows, agrees = np.zeros((4, bands))
    for first in range(0, bands, LEADS_EACH):
        stop, low = max(1, first - FOLLOWED[0]), max(0, first - FOLLOWED[1])
        lead = logs[:, low:stop].mean(axis=1, dtype=np.float64)
        here = slice(first, min(bands, first + LEADS_EACH))
        order = np.argsort(lead, kind="stable")
        loud, quiet = powers[order[-third:], here], powers[order[:third], here]
        rise[here] = loud.mean(axis=0, dtype=np.float64) - quiet.mean(axis=0, dtype=np.float64)
        # Neighbouring frames share three quarters of their samples: half as many are independent.
        unsure[here] = 3.0 * np.sqrt(4.0 / third) * quiet.std(axis=0, dtype=np.float64) + 1e-30
        follows[here] = logs[order[-third:], here].mean(axis=0) - logs[order[:third], here].mean(axis=0)
        agrees[here] = _correlation(lead[:, None], logs[:, here])
    return rise, unsure, follows, agrees


def _beside(logs: Floats) -> Doubles:
    """Return the correlation of each band with one a sixth of an octave below it; 1 where there is none."""
    if logs.shape[1] <= BESIDE:
        return np.ones(logs.shape[1])
    return np.pad(_correlation(logs[:, :-BESIDE], logs[:, BESIDE:]), (BESIDE, 0), constant_values=1.0)


def _correlation(one: Floats | Doubles, other: Floats) -> Doubles:
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    size = np.sqrt(np.square(one).sum(axis=0) * np.square(other).sum(axis=0))
    return np.asarray((one * other).sum(axis=0) / np.maximum(size, 1e-9), dtype=np.float64)


def _relative(level_db: Doubles | Floats, loudest_db: float) -> Doubles:
    return np.asarray(np.maximum(level_db - loudest_db, -DEEPEST_DB) / 25.0 + 2.0)


def _decibels(power: Doubles) -> Doubles:
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-30)))
