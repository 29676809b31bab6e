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

GUARD_HZ: Final = 200.0  # below the cross-fade, in which the filter falls to nothing
STOP_DB: Final = 110.0


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
