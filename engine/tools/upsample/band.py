"""The filter behind every generated band: nothing below the recording's own band is let through, and a tilt above it.

Linear phase, no delay: what a network adds below the cutoff, by the leakage of short windows or by intention, is taken
away again, so the band that the recording has comes out as it went in.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.fir import Fir
from engine.inference.band_features import Edge
from engine.tools.upsample.learned import Learned
from engine.tools.upsample.plan import Plan

NARROWEST_HZ: Final = 500.0  # below the cutoff the network is deaf for so much, as in its training
# The cross-fade itself is narrower: what the recording has right under its cutoff is better than what a network makes
# of it. Of speech and music raised from 8, 16 and 24 kHz, 125 Hz instead of 500 left 0.3 to 2.8 dB less of a dip.
NARROWEST_FADE_HZ: Final = 125.0
FADE_SHARE: Final = 0.015  # of the cutoff, for what its finder may be off
WIDEST_SHARE: Final = 0.15  # of the cutoff
# Of the lower rate's Nyquist: here soxr's steepest low-pass has lost 3 dB, at 0.956 it is 6 dB, at 0.985 60 dB.
RESAMPLED_SHARE: Final = 0.95
NOTHING_SHARE: Final = 0.99  # from here to Nyquist there is no band worth the name
LOWEST_CHOSEN_HZ: Final = 300.0  # or the guard band would be narrower than a chunk's context can carry
GUARD_HZ: Final = 200.0  # below the cross-fade, in which the filter falls to nothing
STOP_DB: Final = 110.0


def edge_of(plan: Plan, given_rate: int, learned: Learned, chosen_hz: float) -> Edge | None:
    """Return where the recording's own band ends at the rate the network works at; None: nothing is missing.

    Parameters
    ----------
    given_rate
        Of the recording, Hz.
    chosen_hz
        The cutoff the user chose, 0 for the one that was found.
    """
    is_raised = plan.work_rate > given_rate
    if not chosen_hz and learned.full_band and not is_raised:
        return None
    cutoff_hz = max(chosen_hz, LOWEST_CHOSEN_HZ) if chosen_hz else learned.cutoff_hz
    if is_raised:
        cutoff_hz = min(cutoff_hz, RESAMPLED_SHARE * given_rate / 2.0)
    if cutoff_hz >= NOTHING_SHARE * min(plan.work_rate, plan.rate) / 2.0:
        return None
    return Edge(cutoff_hz, width_of(cutoff_hz, learned))


def width_of(cutoff_hz: float, learned: Learned) -> float:
    """Return how many Hz below the cutoff the network doesn't hear."""
    return min(max(NARROWEST_HZ, learned.edge_width_hz), WIDEST_SHARE * cutoff_hz)


def fade_of(edge: Edge, learned: Learned) -> Edge:
    """Return the edge over which own and generated band are cross-faded: as wide as the recording's own fall."""
    width_hz = max(NARROWEST_FADE_HZ, FADE_SHARE * edge.cutoff_hz, learned.edge_width_hz)
    return Edge(edge.cutoff_hz, min(width_hz, edge.width_hz))


@lru_cache(maxsize=8)
def band_filter(rate: int, edge: Edge, tilt_db: float, crosses_at_edge: bool) -> Fir:
    """Return the high-pass with a tilt.

    Parameters
    ----------
    rate
        Of what is filtered, Hz.
    tilt_db
        Per octave above the cutoff.
    crosses_at_edge
        True: the filter itself makes the cross-fade, from cutoff - width up to the cutoff. False: what is filtered is
        cross-faded already, and the filter falls to nothing in the `GUARD_HZ` below that.

    Notes
    -----
    Frequency sampling with a Kaiser window (Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5).
    """
    low = edge.cutoff_hz - edge.width_hz
    start, stop = (low, edge.cutoff_hz) if crosses_at_edge else (max(0.0, low - GUARD_HZ), low)
    width = stop - start
    # Kaiser's formulas; a little longer, because the tilt bends the response too.
    half = int(np.ceil(1.1 * (STOP_DB - 8.0) / (2.285 * 2.0 * np.pi * width / rate) / 2.0))
    size = 1 << int(np.ceil(np.log2(8 * half)))
    hertz = np.arange(size // 2 + 1, dtype=np.float64) * (rate / size)
    wanted = (hertz >= (start + stop) / 2.0) * _tilt(hertz, edge.cutoff_hz, tilt_db)
    pulse = np.roll(np.fft.irfft(wanted, size), half)[: 2 * half + 1]
    return Fir(pulse * np.kaiser(2 * half + 1, 0.1102 * (STOP_DB - 8.7)), half)


def _tilt(hertz: NDArray[np.float64], cutoff_hz: float, tilt_db: float) -> NDArray[np.float64]:
    octaves = np.log2(np.maximum(hertz, cutoff_hz) / cutoff_hz)
    return np.asarray(10.0 ** (tilt_db * octaves / 20.0))
