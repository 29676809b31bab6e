"""The picture of a spectrogram for one viewport: which tiles it needs, and its bytes from the tiles that are there.

What isn't there yet is stretched from a coarser tile; where there is none either, it stays dark.
"""

from __future__ import annotations

import math
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audio.spectrogram import COLUMNS, SpectrogramTiles, Tile
from gui.views.envelope import ColumnGrid
from gui.views.spectrogram_rows import RowMap, Strip

TILE_COLUMNS = COLUMNS
TOP_LEVEL = 14
MOST_STRIPS = 96

TileName = tuple[int, int]  # level, index


@dataclass(frozen=True)
class Viewport:
    """What is to be shown of one recording, in its own frames."""

    grid: ColumnGrid
    rows: RowMap
    frames: int  # of the recording

    @property
    def nfft(self) -> int:
        return 2 * (self.rows.bins - 1)

    @property
    def level(self) -> int:
        """The coarsest level that has a column for every column of the picture."""
        columns = max(self.grid.frames / (self.nfft // 4), 1.0)
        return min(max(0, math.floor(math.log2(columns) + 1e-6)), TOP_LEVEL)

    @property
    def hop(self) -> int:
        """Frames between the columns of the tiles."""
        return (self.nfft // 4) << self.level

    def tiles(self) -> list[TileName]:
        """Return the tiles that the picture needs, from its centre outwards."""
        level, size = self.level, self.hop * TILE_COLUMNS
        edges = self.grid.edges
        first, last = max(0, int(edges[0])) // size, (min(int(edges[-1]), self.frames) - 1) // size
        middle = (edges[0] + edges[-1]) / 2 / size - 0.5
        return sorted(((level, index) for index in range(first, last + 1)), key=lambda name: abs(name[1] - middle))


class StripCache:
    """Tiles with their rows mapped already, so that panning only copies columns."""

    def __init__(self) -> None:
        self._strips: OrderedDict[tuple[int, int | None, TileName, RowMap], _Mapped] = OrderedDict()

    def strip(
        self, tiles: SpectrogramTiles, name: TileName, rows: RowMap, channel: int | None
    ) -> tuple[Strip | None, bool]:
        """Return a tile's strip, None if there never was one, and whether it is up to date."""
        key = (id(tiles), channel, name, rows)
        known = self._strips.get(key)
        tile = tiles.peek(*name, channel=channel, nfft=2 * (rows.bins - 1))
        if tile is None:  # being computed anew: meanwhile the old one is better than none
            return (known.strip if known else None), False
        if known is None or known.tile() is not tile:
            known = self._strips[key] = _Mapped(tiles, weakref.ref(tile), rows.apply(tile))
            while len(self._strips) > MOST_STRIPS:
                self._strips.popitem(last=False)
        self._strips.move_to_end(key)
        return known.strip, True

    def hand_down(self, old: SpectrogramTiles, new: SpectrogramTiles) -> list[tuple[int | None, TileName, RowMap]]:
        """Show what was drawn of one result until the next one is computed, so that an edit doesn't flash black.

        Returns channel, tile and rows of what was handed down.
        """
        handed = []
        for key, known in list(self._strips.items()):
            if known.tiles is old:
                del self._strips[key]
                self._strips[(id(new), *key[1:])] = _Mapped(new, lambda: None, known.strip)
                handed.append(key[1:])
        return handed

    def clear(self) -> None:
        """Forget all strips."""
        self._strips.clear()


@dataclass(frozen=True, eq=False)
class _Mapped:
    tiles: SpectrogramTiles  # kept alive, so that its id stays its own
    tile: Callable[[], Tile | None]  # weak: only the tile cache decides how long it lives
    strip: Strip


@dataclass(frozen=True, eq=False)
class Composed:
    """A picture and how far it can be trusted."""

    picture: NDArray[np.uint8]  # (rows, columns), bytes over −120…0 dB
    known: NDArray[np.bool_]  # (columns,), False where there was neither a tile nor a coarser one
    is_sharp: bool  # every tile was there


def compose(tiles: SpectrogramTiles, strips: StripCache, viewport: Viewport, channel: int | None) -> Composed:
    """Return the picture of a viewport from the tiles that are there."""
    columns, known, is_sharp = _columns(tiles, strips, viewport, channel)
    grid = viewport.grid
    hop = float(viewport.hop)
    first = _first_column(viewport)
    starts = (grid.first + np.arange(grid.count, dtype=np.float64)) * (grid.frames / hop) - first
    width = grid.frames / hop
    picture = _blended(columns, starts + width / 2) if width < 1 else _loudest(columns, starts, width)
    outside = (starts + first + width / 2 < 0) | (starts + first >= math.ceil(viewport.frames / hop))
    picture[outside] = 0
    middles = np.clip((starts + width / 2).astype(np.int64) // TILE_COLUMNS, 0, len(known) - 1)
    return Composed(np.ascontiguousarray(picture.T), known[middles], is_sharp)


def _first_column(viewport: Viewport) -> int:
    size = viewport.hop * TILE_COLUMNS
    return max(0, int(viewport.grid.edges[0])) // size * TILE_COLUMNS


def _columns(
    tiles: SpectrogramTiles, strips: StripCache, viewport: Viewport, channel: int | None
) -> tuple[Strip, NDArray[np.bool_], bool]:
    """Return the strips of all tiles side by side, shape (columns, rows), which are known, and if all are sharp."""
    parts, known, is_sharp = [], [], True
    nothing = np.zeros((TILE_COLUMNS, viewport.rows.rows), dtype=np.uint8)
    for name in sorted(viewport.tiles()):
        strip, is_current = strips.strip(tiles, name, viewport.rows, channel)
        is_sharp = is_sharp and is_current
        if strip is None:
            strip = _stretched(tiles, strips, viewport.rows, name, channel)
        parts.append(nothing if strip is None else strip)
        known.append(strip is not None)
    if not parts:
        return nothing, np.zeros(1, dtype=np.bool_), True
    return np.concatenate(parts), np.array(known), is_sharp


def _stretched(
    tiles: SpectrogramTiles, strips: StripCache, rows: RowMap, name: TileName, channel: int | None
) -> Strip | None:
    level, index = name
    for up in range(1, min(8, TOP_LEVEL - level) + 1):
        parent, _ = strips.strip(tiles, (level + up, index >> up), rows, channel)
        if parent is not None:
            share = TILE_COLUMNS >> up
            first = (index & ((1 << up) - 1)) * share
            return np.repeat(parent[first : first + share], 1 << up, axis=0)
    finer = [(level - 1, 2 * index + half) for half in (0, 1)] if level else []
    there = tiles.tiles(level - 1, 2 * (rows.bins - 1)) if level else 0  # the last tile may have one child only
    halves = [strips.strip(tiles, child, rows, channel)[0] if child[1] < there else None for child in finer]
    if any(half is not None for half in halves):
        empty = np.zeros((TILE_COLUMNS, rows.rows), dtype=np.uint8)
        fine = np.concatenate([empty if half is None else half for half in halves])
        return np.asarray(np.maximum(fine[0::2], fine[1::2]))
    return None


def _blended(columns: Strip, places: NDArray[np.float64]) -> Strip:
    # Column j stands for the frames around its own centre.
    at = np.clip(places - 0.5, 0, len(columns) - 1)
    left = np.minimum(at.astype(np.int64), max(0, len(columns) - 2))
    right = np.minimum(left + 1, len(columns) - 1)
    share = np.round((at - left) * 256).astype(np.uint16)[:, None]
    mixed = columns[left].astype(np.uint16) * (256 - share) + columns[right].astype(np.uint16) * share
    return np.asarray(mixed >> 8, dtype=np.uint8)


def _loudest(columns: Strip, starts: NDArray[np.float64], width: float) -> Strip:
    last = len(columns) - 1
    out = columns[np.clip(starts.astype(np.int64), 0, last)]
    for share in (0.5, 0.999):
        np.maximum(out, columns[np.clip((starts + width * share).astype(np.int64), 0, last)], out=out)
    return np.asarray(out)


def difference(a: Composed, b: Composed, floor: int) -> Composed:
    """Return dB(B) − dB(A) as bytes, 128 for no change.

    What lies below byte `floor` on both sides is no change, nor is what isn't known yet of one.
    """
    change = np.maximum(b.picture, floor).astype(np.int16) - np.maximum(a.picture, floor).astype(np.int16)
    known = a.known & b.known
    picture = np.clip(np.where(known, change, 0) + 128, 0, 255).astype(np.uint8)
    return Composed(picture, known, a.is_sharp and b.is_sharp)
