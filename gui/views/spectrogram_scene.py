"""From lanes to the bytes of a spectrogram: which tiles are asked for, in which order, and what is shown meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine.audio.signal import Span
from engine.audio.spectrogram import FFT_SIZES
from gui.views.colour_maps import DELTA_STEP_DB, LOWEST_DB
from gui.views.crew import Crew
from gui.views.envelope import ColumnGrid
from gui.views.lane import Lane, missing
from gui.views.spectrogram_picture import TILE_COLUMNS, Composed, StripCache, TileName, Viewport, compose, difference
from gui.views.spectrogram_rows import RowMap
from gui.views.view_state import ViewState

MARGIN_TILES = 1  # computed beyond each end of the view
WINDOW_S = 0.085  # of a transform, if nobody chose: parts the tones of a violin, keeps its notes apart
Wanted = tuple[Lane, Viewport, int | None]  # with the channel


class SpectrogramScene(QObject):
    """Composes pictures from the tiles that are there and asks a crew for the others."""

    arrived = Signal()

    def __init__(self, state: ViewState, crew: Crew, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._crew = crew
        self._strips = StripCache()
        self._finished_in: dict[Hashable, tuple[Span, ...]] = {}  # by tile: what B had finished when it was computed
        self.outdated: list[Span] = []  # frames of B that are finished but were drawn before they were
        self.is_sharp = True  # every tile of the last pictures was there

    def clear(self) -> None:
        """Forget what was drawn of earlier recordings."""
        self._strips.clear()
        self._finished_in.clear()
        self._crew.drop(self._group)

    def inherit(self, lane: Lane) -> None:
        """A lane shows another result: draw the old one, as unfinished, until the new tiles are there."""
        self._crew.drop(self._group)
        self._finished_in.clear()
        for mid_side, old in lane.replaced.items():
            new = lane.tiles(mid_side)
            for channel, name, rows in self._strips.hand_down(old, new):
                self._finished_in[(id(new), name, channel, 2 * (rows.bins - 1))] = ()

    def pictures(self, sides: Sequence[Lane], sizes: Sequence[tuple[int, int]]) -> list[NDArray[np.uint8]]:
        """Return one picture per channel row, shape (height, width) each, and have missing tiles computed.

        Parameters
        ----------
        sides
            One lane for its levels, or A and B for the change between them.
        sizes
            Width and height of each row, device pixels.
        """
        wanted: list[Wanted] = []
        out = []
        for row, (width, height) in enumerate(sizes):
            found = [self._picture(lane, row, width, height, wanted) for lane in sides]
            if len(found) == 2:
                floor = round((self._state.floor_db - LOWEST_DB) / DELTA_STEP_DB)
                found = [difference(found[0], found[1], floor)]
            out.append(found[0])
        self.is_sharp = all(composed.is_sharp for composed in out)
        self._ask_for(wanted)
        self.outdated = [span for lane, viewport, channel in wanted for span in self._outdated(lane, viewport, channel)]
        return [composed.picture for composed in out]

    def _outdated(self, lane: Lane, viewport: Viewport, channel: int | None) -> list[Span]:
        if lane.side == "A":
            return []
        out: list[Span] = []
        width = viewport.hop * TILE_COLUMNS
        for name in viewport.tiles():
            known = self._finished_in.get(self._key(lane, name, channel))
            if known is None:
                continue
            shown = Span(name[1] * width, (name[1] + 1) * width)
            for span in lane.finished:
                part = span.intersect(shown)
                out += missing(known, part.start, part.stop) if part.frames else ()
        return out

    def _key(self, lane: Lane, name: TileName, channel: int | None) -> Hashable:
        tiles = lane.tiles(self._state.channels == "mid_side")
        return (id(tiles), name, channel, self._fft_size(lane))

    @property
    def _group(self) -> str:
        return f"tiles {id(self)}"

    def _picture(self, lane: Lane, row: int, width: int, height: int, wanted: list[Wanted]) -> Composed:
        state = self._state
        factor = lane.rate / state.rate
        grid = ColumnGrid.over(state.start * factor, state.stop * factor, width)
        rows = RowMap(state.scale, state.low_hz, state.high_hz, height, self._fft_size(lane) // 2 + 1, lane.rate)
        viewport = Viewport(grid, rows, lane.frames)
        channel = None if state.channels == "mixed" else min(row, lane.channels - 1)
        wanted.append((lane, viewport, channel))
        return compose(lane.tiles(state.channels == "mid_side"), self._strips, viewport, channel)

    def _ask_for(self, wanted: Sequence[Wanted]) -> None:
        visible: list[tuple[Lane, TileName, int | None]] = []
        beside: list[tuple[Lane, TileName, int | None]] = []
        for lane, viewport, channel in wanted:
            names = viewport.tiles()
            visible += [(lane, name, channel) for name in names]
            indices = [index for _, index in names]
            last = (lane.frames - 1) // (viewport.hop * TILE_COLUMNS)
            for index in (max(indices, default=-1) + MARGIN_TILES, min(indices, default=0) - MARGIN_TILES):
                if 0 <= index <= last:
                    beside.append((lane, (viewport.level, index), channel))
        work: list[tuple[Hashable, Callable[[], None]]] = []
        for lane, name, channel in visible + beside:
            nfft = self._fft_size(lane)
            tiles = lane.tiles(self._state.channels == "mid_side")
            if tiles.peek(*name, channel=channel, nfft=nfft) is None:
                work.append((self._key(lane, name, channel), self._job(lane, name, channel)))
        self._crew.want(self._group, work)

    def _fft_size(self, lane: Lane) -> int:
        return self._state.fft_size or fft_size_for(lane.rate)

    def _job(self, lane: Lane, name: TileName, channel: int | None) -> Callable[[], None]:
        tiles, nfft = lane.tiles(self._state.channels == "mid_side"), self._fft_size(lane)
        key = self._key(lane, name, channel)

        def work() -> None:
            finished = lane.finished  # before reading: what is in the tile is at least this
            tile = tiles.tile(*name, channel=channel, nfft=nfft)
            if tiles.peek(*name, channel=channel, nfft=nfft) is tile:
                self._finished_in[key] = finished
            self.arrived.emit()

        return work


def fft_size_for(rate: int) -> int:
    """Return the transform whose window lasts nearest to `WINDOW_S`, so that all rates look alike."""
    return min(FFT_SIZES, key=lambda size: abs(size / rate - WINDOW_S))
