"""From the bins of a transform to the rows of a picture, on a linear, log, mel or bark axis.

Where a row is narrower than a bin the bins on both sides are blended; where it spans several the loudest wins, so that
no partial falls between two rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audio.spectrogram import Tile
from gui.views.axes import Scale, hz_at_position

Strip = NDArray[np.uint8]  # (columns, rows), rows top to bottom


@dataclass(frozen=True)
class RowMap:
    """Which bins make each row, top row first. Equal maps are equal keys of a cache."""

    scale: Scale
    low_hz: float
    high_hz: float
    rows: int
    bins: int
    rate: int  # Hz of the recording that was transformed

    def apply(self, tile: Tile) -> Strip:
        """Return the picture of a tile, turned so that columns are contiguous; rows above half the rate are 0."""
        place = np.arange(self.rows + 1) / self.rows
        hz = hz_at_position(1.0 - place, self.scale, self.low_hz, self.high_hz)
        edges = hz / (self.rate / 2) * (self.bins - 1)  # in bins, falling
        centres = (edges[:-1] + edges[1:]) / 2
        out = self._blended(tile, centres)
        wide = np.flatnonzero(edges[:-1] - edges[1:] > 1.0)
        if wide.size:
            self._take_loudest(out, tile, edges, wide)
        out[centres > self.bins - 1] = 0
        return np.ascontiguousarray(out.T)

    def _blended(self, tile: Tile, centres: NDArray[np.float64]) -> NDArray[np.uint8]:
        inside = np.clip(centres, 0, self.bins - 1)
        below = np.minimum(inside.astype(np.int64), self.bins - 2)
        share = np.round((inside - below) * 256).astype(np.uint16)[:, None]
        mixed = tile[below].astype(np.uint16) * (256 - share) + tile[below + 1].astype(np.uint16) * share
        return np.asarray(mixed >> 8, dtype=np.uint8)

    def _take_loudest(
        self, out: NDArray[np.uint8], tile: Tile, edges: NDArray[np.float64], wide: NDArray[np.int64]
    ) -> None:
        # Wide rows lie together at one end of the axis: rising order makes one reduceat of them.
        rising = wide[::-1]
        starts = np.clip(np.ceil(edges[rising + 1]), 0, self.bins - 1).astype(np.int64)
        stop = int(min(max(np.ceil(edges[rising[-1]]), starts[-1] + 1), self.bins))
        out[rising] = np.maximum.reduceat(tile[:stop], starts, axis=0)
