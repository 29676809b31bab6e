"""The denoisers from the books: Wiener filter, spectral subtraction, and the median for impulses. No network.

They are an engine of their own, and the baseline every table of the networks is measured against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from engine.audio.signal import Samples, Signal, Span, check_span, read_padded

Floats = NDArray[np.float32]

MEMORY: Final = 0.98  # weight of the last frame in the decision-directed estimate; Ephraim and Malah 1984
OVERSUBTRACTION: Final = 2.0  # Berouti et al. 1979 take 4 at 0 dB and 1 at 20 dB; this is their value in between
MEDIAN_REACH: Final = 2  # the median is that of an impulse and two neighbours on either side
IMPULSE_THRESHOLD: Final = 8.0  # times the usual deviation from the median
IMPULSE_LEAST: Final = 1e-4  # -80 dB of full scale: what leaps less is rounding or noise
IMPULSE_CELL: Final = 1024  # samples, an absolute grid: where that usual deviation is measured
TINY: Final = np.float32(1e-30)


def wiener_gain(power: Floats, noise: Floats) -> Floats:
    """Return the gain of a Wiener filter with the decision-directed estimate of the signal-to-noise ratio.

    Parameters
    ----------
    power
        |X|² of consecutive frames, shape (frames, bins). The estimate starts afresh at the first one and has
        forgotten its start after about a quarter of a second.
    noise
        Expected |X|² of the noise, shape (bins,) or (frames, bins).

    Returns
    -------
    Floats
        0 to 1, shape (frames, bins).

    Notes
    -----
    Y. Ephraim and D. Malah, "Speech enhancement using a minimum mean-square error short-time spectral amplitude
    estimator", IEEE Trans. ASSP 32 (6), 1984; the Wiener form after P. Scalart and J. Vieira Filho, ICASSP 1996.
    """
    ratio: Floats = np.divide(power, np.maximum(noise, TINY), dtype=np.float32)
    surplus: Floats = np.maximum(ratio - np.float32(1.0), np.float32(0.0))
    gains = np.empty_like(ratio)
    last = surplus[0]
    for frame in range(len(ratio)):
        prior = np.float32(MEMORY) * last + np.float32(1.0 - MEMORY) * surplus[frame]
        gains[frame] = prior / (np.float32(1.0) + prior)
        last = gains[frame] ** 2 * ratio[frame]
    return gains


def subtraction_gain(power: Floats, noise: Floats) -> Floats:
    """Return the gain of power spectral subtraction (Berouti, Schwartz, Makhoul, ICASSP 1979); shapes as above."""
    share = np.float32(OVERSUBTRACTION) * noise / np.maximum(power, TINY)
    return np.sqrt(np.maximum(np.float32(1.0) - share, np.float32(0.0)))


@dataclass(frozen=True)
class ImpulseFree:
    """A recording after a median filter that acts where, and only where, a sample leaps out of its neighbours."""

    source: Signal

    @property
    def rate(self) -> int:
        return self.source.rate

    @property
    def channels(self) -> int:
        return self.source.channels

    @property
    def frames(self) -> int:
        return self.source.frames

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        return self.source.read(start, stop) - self.leaps(Span(start, stop))

    def leaps(self, span: Span) -> Samples:
        """Return what the median takes away, shape (span.frames, channels), zero nearly everywhere."""
        cells = Span(span.start // IMPULSE_CELL * IMPULSE_CELL, -(-span.stop // IMPULSE_CELL) * IMPULSE_CELL)
        samples = read_padded(self.source, cells.start - MEDIAN_REACH, cells.stop + MEDIAN_REACH)
        around = sliding_window_view(samples, 2 * MEDIAN_REACH + 1, axis=0)
        middle = samples[MEDIAN_REACH:-MEDIAN_REACH]
        leap = middle - np.median(around, axis=-1).astype(np.float32)
        sizes = np.abs(leap).reshape(-1, IMPULSE_CELL, self.channels)
        usual = sizes.mean(axis=1, keepdims=True)
        is_large = sizes > np.maximum(np.float32(IMPULSE_THRESHOLD) * usual, np.float32(IMPULSE_LEAST))
        # The top of a high note is above its neighbours too, but by less than they are apart.
        neighbours = np.delete(around, MEDIAN_REACH, axis=-1)
        lowest, highest = neighbours.min(axis=-1), neighbours.max(axis=-1)
        stands_out = np.maximum(middle - highest, lowest - middle) > highest - lowest
        leap[~(is_large.reshape(leap.shape) & stands_out)] = 0.0
        return leap[span.start - cells.start : span.stop - cells.start]
