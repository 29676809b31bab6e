"""What a spectrogram view draws: tiles of 256 columns, uint8 over -120 to 0 dB, at zoom levels that halve in width.

0 dB is a sine at full scale. A tile is found by (level, index); level 0 has a column every nfft / 4 samples, level k
one every 2^k times that. A column of level 1 and 2 is the maximum over all the frames it stands for, so that a click
survives zooming out; further out it is the maximum over four of them, evenly spread, or an hour would have to be
transformed before the first picture.
"""

from __future__ import annotations

import functools
import itertools
import math
import threading
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from engine.audio.signal import Samples, Signal, Span
from engine.settings import Settings

COLUMNS = 256
FLOOR_DB = -120.0
FFT_SIZES = (512, 1024, 2048, 4096, 8192)
# Cosine sums a0 - a1 cos(x) + a2 cos(2x) - ... (Harris 1978; flat top: D'Antona, Ferrero 2006). scipy's `get_window`
# gives the same, but loads half of scipy first: more than a second before the first picture.
WINDOWS = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}
MAX_FRAMES_PER_COLUMN = 4
BATCH = 256  # spectra transformed at once

Tile = NDArray[np.uint8]  # (nfft // 2 + 1, 256), row 0 = 0 Hz, read-only


class TileKey(NamedTuple):
    """Which tile."""

    owner: int  # one SpectrogramTiles
    channel: int  # -1: all channels mixed
    level: int
    place: int
    nfft: int
    window: str


class TileCache:
    """Tiles in memory, the least recently used leave first. For any thread."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.bytes = 0
        self._tiles: OrderedDict[TileKey, Tile] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: TileKey) -> Tile | None:
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
            return tile

    def put(self, key: TileKey, tile: Tile) -> None:
        with self._lock:
            self._drop(key)
            self._tiles[key] = tile
            self.bytes += tile.nbytes
            while self.bytes > self.limit_bytes and len(self._tiles) > 1:
                self._drop(next(iter(self._tiles)))

    def drop(self, keys: list[TileKey]) -> None:
        with self._lock:
            for key in keys:
                self._drop(key)

    def keys(self, owner: int) -> list[TileKey]:
        with self._lock:
            return [key for key in self._tiles if key.owner == owner]

    def _drop(self, key: TileKey) -> None:
        tile = self._tiles.pop(key, None)
        if tile is not None:
            self.bytes -= tile.nbytes


_SHARED: dict[int, TileCache] = {}
_SHARED_LOCK = threading.Lock()
_OWNERS = itertools.count()


def shared_cache(limit_bytes: int) -> TileCache:
    """Return the one cache of this limit, shared by all views of the process."""
    with _SHARED_LOCK:
        return _SHARED.setdefault(limit_bytes, TileCache(limit_bytes))


class SpectrogramTiles:
    """The spectrogram of one Signal. Every method may be called from any thread.

    Where `signal` has `read_available` (a result that is still being rendered), that is read, so a tile never waits
    for a network; `forget` the span once it is rendered.
    """

    def __init__(self, signal: Signal, settings: Settings | None = None, cache: TileCache | None = None) -> None:
        self.signal = signal
        self._cache = cache or shared_cache((settings or Settings()).tile_limit_bytes)
        self._owner = next(_OWNERS)
        self._lock = threading.Lock()
        self._forgotten = 0  # how often `forget` was called
        self._recent: list[tuple[int, Span]] = []  # the last few of those

    def hop(self, level: int, nfft: int = 2048) -> int:
        """Return the width of a column in frames."""
        return (nfft // 4) << level

    def tiles(self, level: int, nfft: int = 2048) -> int:
        """Return the number of tiles of a level."""
        return math.ceil(self.signal.frames / (self.hop(level, nfft) * COLUMNS))

    def span(self, level: int, index: int, nfft: int = 2048) -> Span:
        """Return the frames that a tile shows. The last tile reaches beyond the end; there it is empty."""
        width = self.hop(level, nfft) * COLUMNS
        return Span(index * width, (index + 1) * width)

    def peek(
        self, level: int, index: int, channel: int | None = None, nfft: int = 2048, window: str = "hann"
    ) -> Tile | None:
        """Return a tile if it is at hand."""
        return self._cache.get(self._key(level, index, channel, nfft, window))

    def tile(self, level: int, index: int, channel: int | None = None, nfft: int = 2048, window: str = "hann") -> Tile:
        """Return a tile, computing it if need be.

        Parameters
        ----------
        level, index
            Zoom level from 0, and place.
        channel
            None for the mean of all channels.
        nfft
            512 to 8192, a power of two.
        window
            One of `WINDOWS`.

        Returns
        -------
        Tile
            uint8, shape (nfft // 2 + 1, 256): 0 is -120 dB and below, 255 is 0 dB and above.

        Raises
        ------
        ValueError
            If an argument is out of range.
        """
        key = self._key(level, index, channel, nfft, window)
        found = self._cache.get(key)
        if found is not None:
            return found
        with self._lock:
            before = self._forgotten
        tile = self._compute(key)
        tile.flags.writeable = False
        with self._lock:
            reach = self._reach(key)
            # The list is short; if it doesn't go back to when this tile was begun, the tile counts as stale.
            missed = self._forgotten - before > len(self._recent)
            is_stale = missed or any(n > before and s.intersect(reach).frames for n, s in self._recent)
            if not is_stale:
                self._cache.put(key, tile)
        return tile

    def forget(self, span: Span) -> None:
        """Drop every tile that shows a frame of `span`, also those being computed now."""
        with self._lock:
            self._forgotten += 1
            self._recent = [*self._recent[-63:], (self._forgotten, span)]
            stale = [key for key in self._cache.keys(self._owner) if self._reach(key).intersect(span).frames]
            self._cache.drop(stale)

    def close(self) -> None:
        """Drop all tiles."""
        self._cache.drop(self._cache.keys(self._owner))

    def _key(self, level: int, index: int, channel: int | None, nfft: int, window: str) -> TileKey:
        if nfft not in FFT_SIZES or window not in WINDOWS:
            raise ValueError(f"no spectrogram with nfft {nfft} and window {window!r}")
        if level < 0 or not 0 <= index < max(1, self.tiles(level, nfft)):
            raise ValueError(f"no tile {index} at level {level}")
        if channel is not None and not 0 <= channel < self.signal.channels:
            raise ValueError(f"no channel {channel} of {self.signal.channels}")
        return TileKey(self._owner, -1 if channel is None else channel, level, index, nfft, window)

    def _reach(self, key: TileKey) -> Span:
        shown = self.span(key.level, key.place, key.nfft)
        return Span(shown.start - key.nfft // 2, shown.stop + key.nfft // 2)

    def _compute(self, key: TileKey) -> Tile:
        hop = key.nfft // 4
        per_column = 1 << key.level
        used = min(per_column, MAX_FRAMES_PER_COLUMN)
        first = key.place * COLUMNS * per_column
        offsets = np.arange(COLUMNS * used) * (per_column // used)
        # A frame's middle is the middle of the hop it stands for.
        starts = (first + offsets) * hop + hop // 2 - key.nfft // 2
        starts = starts[starts + key.nfft // 2 - hop // 2 < self.signal.frames]
        power = np.zeros((COLUMNS, key.nfft // 2 + 1), dtype=np.float32)
        for begin in range(0, len(starts), BATCH):
            part = _power(self._frames(starts[begin : begin + BATCH], key), key.window)
            column = begin // used
            whole = math.ceil(len(part) / used)
            peaks = np.maximum.reduceat(part, np.arange(0, len(part), used), axis=0)
            power[column : column + whole] = peaks
        return _to_bytes(power)

    def _frames(self, starts: NDArray[np.int64], key: TileKey) -> NDArray[np.float32]:
        """Return one row of nfft samples per start, zero beyond the ends."""
        step = int(starts[1] - starts[0]) if len(starts) > 1 else key.nfft
        if step <= key.nfft:
            line = self._line(int(starts[0]), int(starts[-1]) + key.nfft, key.channel)
            return np.lib.stride_tricks.sliding_window_view(line, key.nfft)[::step]
        return np.stack([self._line(int(start), int(start) + key.nfft, key.channel) for start in starts])

    def _line(self, start: int, stop: int, channel: int) -> NDArray[np.float32]:
        """Return one channel or the mean of all, shape (stop - start,), zero beyond the ends."""
        inside = Span(start, stop).intersect(Span(0, self.signal.frames))
        out = np.zeros(stop - start, dtype=np.float32)
        if inside.frames:
            samples = _read_now(self.signal, inside)
            out[inside.start - start : inside.stop - start] = _mixed(samples) if channel < 0 else samples[:, channel]
        return out


def _mixed(samples: Samples) -> NDArray[np.float32]:
    """Return the mean of all channels. Column by column: `mean(axis=1)` takes ten times as long."""
    total = samples[:, 0].copy()
    for channel in range(1, samples.shape[1]):
        total += samples[:, channel]
    return total / np.float32(samples.shape[1]) if samples.shape[1] > 1 else total


def _read_now(signal: Signal, span: Span) -> Samples:
    available = getattr(signal, "read_available", None)
    if available is None:
        return signal.read(*span)
    samples: Samples = available(*span)[0]
    return samples


@functools.lru_cache(maxsize=16)
def _window(name: str, size: int) -> NDArray[np.float32]:
    """Return a window scaled so that a full-scale sine has a spectral peak of 1."""
    turn = 2 * np.pi * np.arange(size) / size
    window = sum(((-1) ** k * a * np.cos(k * turn) for k, a in enumerate(WINDOWS[name])), start=np.zeros(size))
    return np.asarray(2 * window / window.sum(), dtype=np.float32)


def _power(frames: NDArray[np.float32], window: str) -> NDArray[np.float32]:
    spectrum = scipy.fft.rfft(frames * _window(window, frames.shape[1]), axis=1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2, dtype=np.float32)


def _to_bytes(power: NDArray[np.float32]) -> Tile:
    """Return columns of power as a picture, row 0 at the bottom of the band."""
    level = np.log10(np.maximum(power, np.float32(1e-12)))  # -12 to 0 is -120 to 0 dB
    return np.ascontiguousarray(np.clip(np.rint((level + 12) * (255 / 12)), 0, 255).astype(np.uint8).T)


def to_db(tile: Tile) -> NDArray[np.float32]:
    """Return the levels of a tile in dB, -120 to 0."""
    return tile.astype(np.float32) * np.float32(-FLOOR_DB / 255) + np.float32(FLOOR_DB)


def row_map(scale: str, bins: int, rate: int, rows: int, low_hz: float, high_hz: float) -> NDArray[np.int64]:
    """Return which bin each row of a picture shows, row 0 = `low_hz`; draw with `tile[row_map]`.

    Parameters
    ----------
    scale
        linear, log, mel (Slaney 1998: 2595 log10(1 + f / 700)) or bark (Traunmüller 1990).
    bins
        nfft // 2 + 1.
    """
    position = (np.arange(rows) + 0.5) / max(1, rows)
    low, high = to_scale(scale, np.array([low_hz, high_hz]))
    hz = from_scale(scale, low + (high - low) * position)
    return np.clip(np.rint(hz * (2 * (bins - 1)) / rate), 0, bins - 1).astype(np.int64)


def to_scale(scale: str, hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return frequencies as positions on a scale. Raises ValueError for an unknown scale."""
    if scale == "linear":
        return np.asarray(hz, dtype=np.float64)
    if scale == "log":
        return np.log(np.maximum(hz, 1.0))
    if scale == "mel":
        return 2595 * np.log10(1 + np.asarray(hz) / 700)
    if scale == "bark":
        return 26.81 * np.asarray(hz) / (1960 + np.asarray(hz)) - 0.53
    raise ValueError(f"no scale {scale!r}")


def from_scale(scale: str, position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return positions on a scale as frequencies in Hz; the inverse of `to_scale`."""
    if scale == "linear":
        return np.asarray(position, dtype=np.float64)
    if scale == "log":
        return np.exp(position)
    if scale == "mel":
        return np.asarray(700 * (10 ** (np.asarray(position) / 2595) - 1), dtype=np.float64)
    if scale == "bark":
        shifted = np.asarray(position) + 0.53
        return np.asarray(1960 * shifted / (26.81 - shifted), dtype=np.float64)
    raise ValueError(f"no scale {scale!r}")
