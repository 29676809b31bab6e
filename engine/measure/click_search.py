"""The search for clicks in one block of one channel: find the loudest, fill them, look again, confirm.

A click can be predicted neither from what came before it nor from what follows. An attack can: from what follows. So a
burst starts where the forward error of prediction jumps and ends where the backward error falls back; in an attack the
two stand the other way round, and it drops out by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.audio.autoregression import Doubles, fit_predictors, interpolate, prediction_errors

Bursts = NDArray[np.int64]  # (bursts, 2): start and stop

LONGEST_SECONDS: Final = 0.004  # clicks up to 3 ms and what their edges blur into; longer ones are thumps
MERGE_SECONDS: Final = 0.00025  # exceedances closer than this belong to one click
EDGE_SAMPLES: Final = 2  # a click begins and ends a little outside of its exceedances
EDGE_THRESHOLD: Final = 3.0  # ... which begin at 3 standard deviations of the residual
SCALE_SECONDS: Final = 0.010  # the residual's scale is the largest median of three such cells
CONTRAST_SECONDS: Final = 0.005  # the pulses of a voice repeat: a click stands out from the maxima of the cells nearby
CONTRAST_CELLS: Final = 6  # on either side, the nearest one left out
CONTRAST_RANK: Final = 9  # which of those 12 maxima counts, in ascending order from 0
ONSET_DB: Final = 12.0  # a step of level this large is an attack
ONSET_SECONDS: Final = 0.005  # ... measured over this time on either side
ABOVE_ONSET_DB: Final = 6.0  # ... in which only a click this far above the louder side is believed
QUIETEST_SCALE: Final = 1e-6  # -120 dB of full scale: below it there is no residual worth judging
BATCH: Final = 128  # frames in memory at once


@dataclass(frozen=True)
class Thresholds:
    """How sure the detector wants to be."""

    passes: tuple[float, ...] = (16.0, 12.0, 9.0)  # times the standard deviation of the residual, one per pass
    contrast: float = 3.5  # times the largest residuals nearby
    surprise_db: float = 9.0  # what a repair changes, over the error it is expected to make
    certain_db: float = 20.0  # the same for a click beyond doubt
    certain_per_s: float = 0.25  # only a channel with so many of them is taken to have doubtful ones too

    @staticmethod
    def at(sensitivity: float) -> Thresholds:
        """Return the thresholds for a sensitivity of 0 (only the obvious) to 100 %; 50 gives the defaults."""
        doubt = (50.0 - sensitivity) / 50.0
        base = Thresholds()
        return Thresholds(
            passes=tuple(threshold * 2.0**doubt for threshold in base.passes),
            contrast=base.contrast * 2.0**doubt,
            surprise_db=base.surprise_db + 6.0 * doubt,
            certain_db=base.certain_db + 6.0 * doubt,
            certain_per_s=base.certain_per_s * 2.0**doubt,
        )


@dataclass(frozen=True)
class Geometry:
    """Sizes in samples at one rate."""

    rate: int  # Hz

    @property
    def size(self) -> int:
        """About 46 ms, a power of two; frames stand half of it apart."""
        return max(256, int(2 ** round(np.log2(self.rate * 0.0464))))

    @property
    def order(self) -> int:
        """Neighbours that predict a sample in the search."""
        return 32 if self.rate < 32_000 else 44 if self.rate < 80_000 else 48

    @property
    def fill_order(self) -> int:
        """The same for filling: 3.6 ms hold a period of most notes, so the pulses of a trumpet are no surprise."""
        return min(256, max(32, round(self.rate * 0.00363)))

    def samples(self, seconds: float) -> int:
        return max(1, round(self.rate * seconds))


class Clusters(NamedTuple):
    """Stretches in which the residual exceeds its scale, one entry each."""

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    peaks_ahead: Doubles  # largest forward error, in standard deviations
    peaks_behind: Doubles  # largest backward error

    def only(self, chosen: NDArray[np.bool_]) -> Clusters:
        """Return those that are chosen."""
        return Clusters(self.starts[chosen], self.stops[chosen], self.peaks_ahead[chosen], self.peaks_behind[chosen])


class Found(NamedTuple):
    """Confirmed clicks of one channel."""

    bursts: Bursts
    surprises_db: Doubles
    repairs: list[Doubles]


@cache
def _hann(size: int) -> Doubles:
    window: Doubles = 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(size) + 0.5) / size)
    window.flags.writeable = False
    return window


class ClickSearch:
    """One search. `run` it once.

    Parameters
    ----------
    noisy
        One channel, shape (samples,).
    check
        Called between batches; may raise.
    """

    def __init__(self, noisy: Doubles, geometry: Geometry, thresholds: Thresholds, check: Callable[[], None]) -> None:
        self._noisy, self._geometry, self._thresholds, self._check = noisy, geometry, thresholds, check
        self._half = geometry.size // 2
        self._count = -(-len(noisy) // self._half)  # frames
        # Frame j reaches half a hop beyond its hop on either side, so its predictor is that of its middle.
        self._padded = np.zeros(self._count * self._half + geometry.size)
        self._clean = self._padded[self._half // 2 : self._half // 2 + len(noisy)]  # a view, filled in place
        self._clean[:] = noisy
        self._filters = np.zeros((self._count, geometry.order + 1))
        self._forward = np.zeros((self._count, self._half))
        self._backward = np.zeros((self._count, self._half))

    def run(self) -> Found:
        """Return the clicks and what should stand in their place."""
        bursts, dirty = np.zeros((0, 2), dtype=np.int64), np.arange(self._count)
        for threshold in self._thresholds.passes:
            self._refit(dirty)
            new = self._candidates(threshold)
            dirty = np.zeros(0, dtype=np.int64)
            if len(new):
                bursts = merged(np.concatenate([bursts, new]), self._geometry.samples(1.3 * LONGEST_SECONDS))
                self._fill_roughly(bursts)
                near = np.concatenate([bursts // self._half + step for step in (-1, 0, 1)]).reshape(-1)
                dirty = np.unique(np.clip(near, 0, self._count - 1))
        first_look = self._confirmed(bursts)
        return self._confirmed(first_look.bursts)  # again, with predictors fitted to what is filled by now

    def _refit(self, which: NDArray[np.int64]) -> None:
        half, size = self._half, self._geometry.size
        frames = np.lib.stride_tricks.sliding_window_view(self._padded, size)[::half]
        middle = slice(half // 2, half // 2 + half)
        for first in range(0, len(which), BATCH):
            self._check()
            chosen = which[first : first + BATCH]
            self._filters[chosen], _ = fit_predictors(frames[chosen] * _hann(size), self._geometry.order)
            forward, backward = prediction_errors(frames[chosen], self._filters[chosen])
            self._forward[chosen], self._backward[chosen] = forward[:, middle], backward[:, middle]

    def _candidates(self, threshold: float) -> Bursts:
        """Return the bursts above `threshold` in both directions that are short and stand out from their neighbours."""
        geometry = self._geometry
        forward = np.abs(self._forward.reshape(-1)[: len(self._noisy)])
        backward = np.abs(self._backward.reshape(-1)[: len(self._noisy)])
        scale = residual_scale(forward, geometry.samples(SCALE_SECONDS))
        forward /= scale
        backward /= scale
        clusters = clusters_of(forward, backward, geometry.samples(MERGE_SECONDS))
        lengths = clusters.stops - clusters.starts
        likely = clusters.only(
            (np.minimum(clusters.peaks_ahead, clusters.peaks_behind) > threshold)
            & (lengths > 2 * EDGE_SAMPLES)
            & (lengths <= geometry.samples(LONGEST_SECONDS))
            & (clusters.starts >= geometry.order)
            & (clusters.stops <= len(forward) - geometry.order)
        )
        if len(likely.starts) == 0:
            return np.zeros((0, 2), dtype=np.int64)
        cell = geometry.samples(CONTRAST_SECONDS)
        nearby = np.maximum(likely.starts, 0) // cell, np.minimum(likely.stops, len(forward) - 1) // cell
        ahead, behind = (
            peaks / np.maximum(around[nearby[0]], around[nearby[1]])
            for peaks, around in (
                (likely.peaks_ahead, neighbouring_peaks(forward, cell) + 1e-9),
                (likely.peaks_behind, neighbouring_peaks(backward, cell) + 1e-9),
            )
        )
        chosen = likely.only(np.minimum(ahead, behind) > self._thresholds.contrast)
        return np.stack([chosen.starts, chosen.stops], axis=1)

    def _fill_roughly(self, bursts: Bursts) -> None:
        """Fill with the predictors at hand, so that the next pass sees what the loudest clicks hid."""
        self._clean[:] = self._noisy
        for number, (start, stop) in enumerate(bursts):
            if number % BATCH == 0:
                self._check()
            predictor = self._filters[min((start + stop) // 2 // self._half, self._count - 1)]
            self._clean[start:stop] = interpolate(self._clean, start, stop, predictor)[0]

    def _confirmed(self, bursts: Bursts) -> Found:
        """Fill once more with long predictors fitted around each burst; take back what isn't worth it."""
        order = self._geometry.fill_order
        size = min(2 * self._geometry.size, len(self._noisy))
        kept: list[tuple[int, int]] = []
        surprises: list[float] = []
        repairs: list[Doubles] = []
        starts = np.clip(bursts.sum(axis=1) // 2 - size // 2, 0, len(self._noisy) - size)
        for first in range(0, len(bursts), BATCH):
            self._check()
            frames = np.stack([self._clean[start : start + size] for start in starts[first : first + BATCH]])
            filters, _ = fit_predictors(frames * _hann(size), order)
            errors, _ = prediction_errors(frames, filters)
            variances = np.mean(errors[:, order:] ** 2, axis=1)
            for (start, stop), predictor, variance in zip(bursts[first:], filters, variances, strict=False):
                if start < order or stop > len(self._noisy) - order:
                    self._clean[start:stop] = self._noisy[start:stop]
                    continue
                filled, uncertainty = interpolate(self._clean, start, stop, predictor)
                surprise = decibels(
                    np.sum((filled - self._noisy[start:stop]) ** 2), variance * uncertainty + (stop - start) * 1e-14
                )
                believed = surprise > self._thresholds.surprise_db and not self._is_onset(start, stop, filled)
                self._clean[start:stop] = filled if believed else self._noisy[start:stop]
                if believed:
                    kept.append((int(start), int(stop)))
                    surprises.append(surprise)
                    repairs.append(filled)
        return Found(np.array(kept, dtype=np.int64).reshape(-1, 2), np.array(surprises), repairs)

    def _is_onset(self, start: int, stop: int, filled: Doubles) -> bool:
        around = self._geometry.samples(ONSET_SECONDS)
        before = decibels(np.mean(self._clean[max(0, start - around) : start] ** 2), 1.0)
        after = decibels(np.mean(self._clean[stop : stop + around] ** 2), 1.0)
        change = decibels(np.mean((self._noisy[start:stop] - filled) ** 2), 1.0)
        return abs(after - before) > ONSET_DB and change < max(before, after) + ABOVE_ONSET_DB


def decibels(power: float | np.floating[Any], reference: float) -> float:
    """Return power over reference in dB, finite for 0."""
    return float(10.0 * np.log10((power + 1e-30) / (reference + 1e-30)))


def clusters_of(forward: Doubles, backward: Doubles, merge: int) -> Clusters:
    """Group exceedances of either direction that are at most `merge` apart.

    A cluster starts at its first forward and stops behind its last backward exceedance; if they stand the other way
    round, it has no length.
    """
    at = np.flatnonzero((forward > EDGE_THRESHOLD) | (backward > EDGE_THRESHOLD))
    if len(at) == 0:
        return Clusters(at, at, np.zeros(0), np.zeros(0))
    ahead, behind = forward[at], backward[at]
    first = np.concatenate([[0], np.flatnonzero(np.diff(at) > merge) + 1])
    return Clusters(
        np.minimum.reduceat(np.where(ahead > EDGE_THRESHOLD, at, len(forward)), first) - EDGE_SAMPLES,
        np.maximum.reduceat(np.where(behind > EDGE_THRESHOLD, at, -1), first) + 1 + EDGE_SAMPLES,
        np.maximum.reduceat(ahead, first),
        np.maximum.reduceat(behind, first),
    )


def residual_scale(residual: Doubles, cell: int) -> Doubles:
    """Return the standard deviation of a residual without its peaks: the largest median of a cell and its neighbours.

    Taking the largest of three cells keeps the threshold high on both sides of an attack.
    """
    count = max(1, len(residual) // cell)
    # Every second sample: the residual is white, so half of it tells as much, in half the time.
    medians = np.median(residual[: count * cell].reshape(count, -1)[:, ::2], axis=1) / 0.6745  # of a Gaussian
    padded = np.pad(medians, 1, mode="edge")
    widest = np.maximum(np.maximum(padded[:-2], padded[2:]), medians)
    cells = np.minimum(np.arange(-(-len(residual) // cell)), count - 1)
    return np.repeat(np.maximum(widest[cells], QUIETEST_SCALE), cell)[: len(residual)]


def neighbouring_peaks(residual: Doubles, cell: int) -> Doubles:
    """Return for each cell how large the residual gets in the other cells nearby; shape (cells,)."""
    count, reach = -(-len(residual) // cell), CONTRAST_CELLS + 1
    padded = np.zeros(count * cell)
    padded[: len(residual)] = residual
    peaks = np.pad(padded.reshape(count, cell).max(axis=1), reach, mode="symmetric" if count > reach else "edge")
    around = np.lib.stride_tricks.sliding_window_view(peaks, 2 * reach + 1)
    others = np.concatenate([around[:, : reach - 1], around[:, reach + 2 :]], axis=1)
    ranked: Doubles = np.partition(others, CONTRAST_RANK, axis=1)[:, CONTRAST_RANK]
    return ranked


def merged(bursts: Bursts, longest: int) -> Bursts:
    """Return bursts in order, touching ones united, those longer than `longest` left out."""
    out: list[list[int]] = []
    for start, stop in bursts[np.argsort(bursts[:, 0], kind="stable")].tolist():
        if out and start <= out[-1][1] + 1:
            out[-1][1] = max(stop, out[-1][1])
        else:
            out.append([start, stop])
    kept = [burst for burst in out if burst[1] - burst[0] <= longest]
    return np.array(kept, dtype=np.int64).reshape(-1, 2)
