"""Reading a recording through a time map without changing its pitch: short grains, each laid where it fits best.

Where the map says that a moment of the recording belongs, a grain of it is placed, moved by a few milliseconds so that
its waveform goes on where the one before ended. Those places, the grain plan, are chosen once and from left to right;
reading needs nothing but the plan, so any span gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from engine.audio.signal import Samples, Signal, Span, check_span, read_padded
from engine.audio.timemap import TimeMap
from engine.audio.warp import WIDEST_READ

Frames = NDArray[np.int64]

HOP_S = 0.020  # a grain is heard over two hops: one to fade in, one to fade out
REACH_S = 0.008  # how far a grain may stray from the map: half a period of 63 Hz
ATTACK_DB = 3.0  # a rise of the treble by this much over anything in the last 20 ms is the beginning of a note
MOMENT_S = 0.0025
MOMENTS_BEFORE = 8
STRAYING = 0.2  # of similarity (1 = the same waveform) that a grain gives up to stand where the map wants it
BATCH = 256  # grains planned from one read
READ_TOGETHER = 32  # grains heard from one read
_ATTACK_BLOCK = 4000  # moments looked at together: 10 s
_AUDIBLE = 1e-12  # mean square


@dataclass(frozen=True, eq=False)
class GrainPlan:
    """Where every grain of a stretch of the result begins in the recording. Grain k of the result begins at k * hop."""

    first: int  # number of the first grain
    starts: Frames  # (grains,) frames of the recording, at the result's rate

    def of(self, grain: int) -> int:
        return int(self.starts[grain - self.first])


def hop_frames(rate: int) -> int:
    """Return the distance of two grains at this rate."""
    return max(1, round(HOP_S * rate))


def plan_grains(signal: Signal, map_: TimeMap, span: Span, check: Callable[[], None] = lambda: None) -> GrainPlan:
    """Choose the grains for a stretch of the result.

    Parameters
    ----------
    signal
        The recording, at the result's rate.
    map_
        From the result's time to the recording's.
    span
        Frames of the result that will be read.
    check
        Called several times a second; may raise to stop.

    Notes
    -----
    WSOLA (Verhelst and Roelands, ICASSP 1993) with two changes: straying from the map has a price, and where a note
    begins both grains that hold the moment are laid so that it comes exactly when the map says, and only once.
    """
    hop = hop_frames(signal.rate)
    grains = np.arange(span.start // hop - 1, max(span.start, span.stop - 1) // hop + 1)
    # The map is exact in the middle of a grain, where it alone is heard.
    wanted = np.rint(map_.target_at((grains + 1) * hop / signal.rate) * signal.rate).astype(np.int64) - hop
    pinned = _pins(signal, map_, Span(int(wanted[0]), int(wanted[-1]) + 2 * hop), check)
    starts = wanted.copy()
    search = _Search(hop, signal.rate)
    for first in range(0, len(grains), BATCH):
        check()
        part = slice(first, min(first + BATCH, len(grains)))
        low, high = search.needed(wanted[part], starts[first - 1] if first else wanted[0])
        source = np.ascontiguousarray(read_padded(signal, low, high).T)
        for k in range(max(1, part.start), part.stop):
            pin = pinned.get(int(grains[k]))
            follows = int(starts[k - 1]) + hop - low
            starts[k] = pin if pin is not None else low + search.best(source, int(wanted[k]) - low, follows)
        check()
    return GrainPlan(int(grains[0]), starts)


def _pins(signal: Signal, map_: TimeMap, span: Span, check: Callable[[], None]) -> dict[int, int]:
    """Return where the grains around the beginnings of notes must begin, by their numbers."""
    hop = hop_frames(signal.rate)
    pins: dict[int, int] = {}
    for attack in _attacks(signal, span, check):
        heard = round(float(map_.source_at(attack / signal.rate)) * signal.rate)
        grain = heard // hop
        if grain - 1 not in pins and grain not in pins:
            pins[grain] = attack - (heard - grain * hop)
            pins[grain - 1] = pins[grain] - hop
    return pins


def _attacks(signal: Signal, span: Span, check: Callable[[], None]) -> list[int]:
    """Return the frames of a recording in which notes begin, right to 1.25 ms."""
    moment = max(1, round(MOMENT_S * signal.rate))
    before = MOMENTS_BEFORE * moment
    inside = span.intersect(Span(0, signal.frames))
    found: list[int] = []
    for start in range(inside.start - inside.start % moment, inside.stop, _ATTACK_BLOCK * moment):
        check()
        stop = min(start + _ATTACK_BLOCK * moment, inside.stop + moment)
        # Differences of neighbours: the treble, in which a note begins, and not the bass, in which others go on.
        treble = np.diff(read_padded(signal, start - before - 1, stop), axis=0)
        power = np.square(treble, dtype=np.float64).sum(axis=1)
        moments = power[: len(power) // moment * moment].reshape(-1, moment).sum(axis=1)
        if len(moments) <= MOMENTS_BEFORE:
            continue
        loudest = np.lib.stride_tricks.sliding_window_view(moments[:-1], MOMENTS_BEFORE).max(axis=1)
        rises = moments[MOMENTS_BEFORE:] > np.maximum(loudest * 10 ** (ATTACK_DB / 10), _AUDIBLE * moment)
        found += [start + int(index) * moment + moment // 2 for index in np.flatnonzero(rises)]
    return found


class _Search:
    """Looks for the place around a wanted one where the waveform resembles what would follow the grain before."""

    def __init__(self, hop: int, rate: int) -> None:
        self._hop = hop
        self._reach = max(1, round(REACH_S * rate))
        self._fft = int(scipy.fft.next_fast_len(hop + 2 * self._reach, real=True))
        strayed = np.arange(-self._reach, self._reach + 1) / self._reach
        self._price = (STRAYING * strayed**2).astype(np.float32)

    def needed(self, wanted: Frames, last: int) -> tuple[int, int]:
        """Return the frames of the recording that `best` looks at for these grains after one that begins at `last`."""
        margin = 2 * self._reach + 4 * self._hop  # a pinned grain stands up to two hops beside the map
        return min(int(wanted.min()), int(last)) - margin, max(int(wanted.max()), int(last)) + margin

    def best(self, source: Samples, wanted: int, follows: int) -> int:
        """Return where the grain begins. `source` has shape (channels, frames)."""
        hop, reach = self._hop, self._reach
        template = source[:, follows : follows + hop]
        region = source[:, wanted - reach : wanted + reach + hop]
        energy = float(np.square(template).sum())
        if energy <= _AUDIBLE * hop or not region.any():
            return wanted
        spectra = scipy.fft.rfft(region, self._fft, axis=1) * np.conj(scipy.fft.rfft(template, self._fft, axis=1))
        cross = scipy.fft.irfft(spectra.sum(axis=0), self._fft)[: 2 * reach + 1]
        sums = np.concatenate([[0.0], np.cumsum(np.square(region, dtype=np.float64).sum(axis=0))])
        power = sums[hop:] - sums[: 2 * reach + 1]
        score = cross / np.sqrt(energy * np.maximum(power, 1e-6 * energy)) - self._price
        return wanted - reach + int(np.argmax(score))


@dataclass(frozen=True, eq=False)
class GrainSignal:
    """A Signal read by a grain plan: random access, the same bits for any span, the pitch of the recording.

    May be read only where the plan has grains; where two grains follow each other in the recording it is copied.
    """

    signal: Signal  # at the result's rate
    plan: GrainPlan
    frames: int  # of the result

    @property
    def rate(self) -> int:
        return self.signal.rate

    @property
    def channels(self) -> int:
        return self.signal.channels

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        hop = hop_frames(self.rate)
        out = np.empty((stop - start, self.channels), dtype=np.float32)
        last = -(-stop // hop) if stop > start else 0
        for first in range(start // hop, last, READ_TOGETHER):
            grains = range(first, min(first + READ_TOGETHER, last))
            source = _Window(self.signal, [self.plan.of(grain) for grain in (first - 1, *grains)], hop)
            for grain in grains:
                a, b = max(start, grain * hop), min(stop, (grain + 1) * hop)
                out[a - start : b - start] = self._mixed(source, grain, a - grain * hop, b - grain * hop)
        return out

    def _mixed(self, source: _Window, grain: int, start: int, stop: int) -> Samples:
        """Return frames `start` to `stop` of a hop: what follows the grain before, faded into this one."""
        hop = hop_frames(self.rate)
        before, begins = self.plan.of(grain - 1) + hop, self.plan.of(grain)
        old = source.read(before + start, before + stop)
        if before == begins:
            return old
        return old + _rise(hop)[start:stop] * (source.read(begins + start, begins + stop) - old)


class _Window:
    """The part of a recording that a few neighbouring grains read, in one piece unless the map leaps."""

    def __init__(self, signal: Signal, starts: list[int], hop: int) -> None:
        self._signal = signal
        self._low, high = min(starts), max(starts) + 2 * hop
        self._held = read_padded(signal, self._low, high) if high - self._low <= WIDEST_READ else None

    def read(self, start: int, stop: int) -> Samples:
        if self._held is None:
            return read_padded(self._signal, start, stop)
        return self._held[start - self._low : stop - self._low]


@lru_cache(maxsize=8)
def _rise(hop: int) -> Samples:
    """Return a raised-cosine fade-in, shape (hop, 1); its mirror image adds up to one with it."""
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(hop) + 0.5) / hop)).astype(np.float32)[:, None]
