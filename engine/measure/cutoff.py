"""Where a recording's band ends, found without being told: the edge that an encoder, a filter or a disc left behind.

A steep fall of the long-term level into nothing is an edge; the slope with which instruments fade towards the top is
none. Steady hiss above a muffled recording is noise and not band, so levels are taken twice: as they are, and only as
far as they rise and fall with the programme.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from engine.audio.signal import Signal, read_padded

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

WINDOW_SECONDS: Final = 0.085  # of a spectrum; the power of two next to it
FRAMES_AT_MOST: Final = 4_000  # spectra spread over the recording
BATCH: Final = 64  # spectra at once
PER_OCTAVE: Final = 24  # bands
LOWEST_HZ: Final = 250.0  # of the bands
LOWEST_EDGE_HZ: Final = 700.0
ACTIVE: Final = 1e-6  # of the loudest frame's power: quieter ones are pauses
FULL_BAND: Final = 0.9  # of half the rate: an edge above it limits nothing
NOISY_DB: Final = 20.0  # of the programme just under the edge over the noise
ORDERS: Final = (5, 8, 12, 20, 40, 120)  # of the Butterworth slopes that are held against the level
STEEPEST_NATURE: Final = 36.0  # dB per octave


@dataclass(frozen=True)
class Cutoff:
    """Where the band of a recording ends."""

    cutoff_hz: float  # where it is 6 dB down; half of the rate if no edge was found
    confidence: float  # 0 to 1; under 0.3 there is no edge
    edge_width_hz: float  # from 1 dB to 20 dB down
    is_full_band: bool  # nothing is missing that the rate could hold
    is_noisy: bool  # noise within 20 dB of the programme just under the edge


@dataclass(frozen=True)
class _Edge:
    hertz: float
    width_hz: float
    depth_db: float
    confidence: float


def find_cutoff(
    signal: Signal,
    check: Callable[[], None] = lambda: None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> Cutoff:
    """Find the frequency above which a recording holds no programme."""
    nyquist = signal.rate / 2.0
    octaves, powers = _bands(signal, check, on_progress)
    unknown = Cutoff(nyquist, 0.0, 0.0, True, False)
    if len(octaves) < PER_OCTAVE or len(powers) < 4:
        return unknown
    total = powers.sum(axis=1)
    powers = powers[total > ACTIVE * total.max()] if total.max() > 0.0 else powers[:0]
    if len(powers) < 4:
        return unknown
    level, noise = _level(powers)
    following, unsure = _following(powers, octaves)
    edge = _edge(octaves, following, unsure)
    if edge is None or edge.confidence < 0.5:
        by_level = _edge(octaves, level, noise)
        if by_level is not None and (edge is None or by_level.confidence > edge.confidence):
            edge = by_level
    if edge is None or edge.confidence < 0.3:
        return unknown
    return Cutoff(edge.hertz, edge.confidence, edge.width_hz, edge.hertz >= FULL_BAND * nyquist, False)


def _bands(signal: Signal, check: Callable[[], None], on_progress: Callable[[float], None]) -> tuple[Doubles, Floats]:
    """Return the bands as log2 Hz, and their mean power in frames spread over the recording, (frames, bands)."""
    fft = 1 << max(6, round(np.log2(WINDOW_SECONDS * signal.rate)))
    nyquist = signal.rate / 2.0
    octaves = np.arange(np.log2(LOWEST_HZ), np.log2(nyquist) - 0.5 / PER_OCTAVE, 1.0 / PER_OCTAVE)
    if len(octaves) < PER_OCTAVE or signal.frames == 0:
        return octaves, np.zeros((0, len(octaves)), dtype=np.float32)
    hop = max(fft // 4, -(-signal.frames // FRAMES_AT_MOST))
    starts = np.arange(0, max(1, signal.frames - fft + 1), hop)
    window = np.hanning(fft + 1)[:-1].astype(np.float32)
    window /= np.sqrt(np.sum(np.square(window, dtype=np.float64)))
    weights = _weights(octaves, fft, signal.rate)
    out = np.zeros((len(starts), len(octaves)), dtype=np.float32)
    for first in range(0, len(starts), BATCH):
        check()
        some = starts[first : first + BATCH]
        for channel in range(signal.channels):
            frames = np.stack([read_padded(signal, int(s), int(s) + fft)[:, channel] for s in some])
            spectra = scipy.fft.rfft(frames * window, axis=1)
            power = spectra.real**2 + spectra.imag**2
            out[first : first + len(some)] += (power @ weights) / signal.channels
        on_progress((first + len(some)) / len(starts))
    return octaves, out


def _weights(octaves: Doubles, fft: int, rate: int) -> Floats:
    """Return how much of each bin belongs to each band, (bins, bands): a triangle, at least two bins wide."""
    hertz = np.arange(fft // 2 + 1) * (rate / fft)
    centres = 2.0**octaves
    half = np.maximum(centres * (2.0 ** (1.0 / PER_OCTAVE) - 1.0), rate / fft)
    weights = np.maximum(0.0, 1.0 - np.abs(hertz[:, None] - centres) / half)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


def _level(powers: Floats) -> tuple[Doubles, Doubles]:
    """Return the long-term level in dB per band, and what lies under it."""
    mean = powers.mean(axis=0, dtype=np.float64)
    return 10.0 * np.log10(mean + 1e-20), np.full(len(mean), -200.0)


def _following(powers: Floats, octaves: Doubles) -> tuple[Doubles, Doubles]:
    """Return how far each band rises and falls with the bands below it, in dB, and the least that can be told."""
    logs = np.log(powers + 1e-20)
    out, unsure = np.zeros(len(octaves)), np.zeros(len(octaves))
    sums = np.cumsum(np.pad(logs, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    third = max(2, len(powers) // 3)
    for band in range(len(octaves)):
        low, high = max(0, band - 30), max(1, band - 6)
        order = np.argsort(sums[:, high] - sums[:, low], kind="stable")
        loud, quiet = (powers[some, band].astype(np.float64) for some in (order[-third:], order[:third]))
        out[band] = loud.mean() - quiet.mean()
        unsure[band] = 3.0 * np.sqrt(2.0 * (loud.var() + quiet.var()) / third)
    level = 10.0 * np.log10(np.maximum(np.maximum(out, unsure), 1e-20))
    return level, 10.0 * np.log10(unsure + 1e-20)


def _edge(octaves: Doubles, level: Doubles, floor: Doubles) -> _Edge | None:
    """Return the edge that explains the level best, if a slope doesn't explain it as well."""
    best: _Edge | None = None
    best_score = 0.0
    first = int(np.searchsorted(octaves, np.log2(LOWEST_EDGE_HZ)))
    behind = np.maximum.accumulate(level[::-1])[::-1]
    for j in range(first, len(octaves) - 2):
        under = slice(max(0, j - 28), j - 3)
        line = np.polyfit(octaves[under] - octaves[j], level[under], 1)
        slope = float(np.clip(line[0], -24.0, 12.0))
        at = float(np.median(level[under] - slope * (octaves[under] - octaves[j])))
        over = min(j + 8, len(octaves) - 1)
        depth = at - behind[over]
        if depth < 10.0:
            continue
        window = slice(max(0, j - 28), min(len(octaves), j + 28))
        x = octaves[window] - octaves[j]
        plain = at + slope * x
        bottom = float(np.median(level[over:]))
        for order in ORDERS:
            fall = 10.0 * np.log10(1.0 + np.minimum(2.0 ** (2.0 * order * x), 1e15))
            model = 10.0 * np.log10(10.0 ** ((plain - fall) / 10.0) + 10.0 ** (bottom / 10.0))
            error = np.minimum(np.abs(level[window] - model), 12.0).mean()
            score = (min(depth, 40.0) - 4.0 * error) * min(1.0, order / 8.0)
            if score > best_score:
                best_score = score
                six = 2.0 ** (octaves[j] + np.log2(3.0) / (2.0 * order))
                width = six * (99.0 ** (0.5 / order) - 0.26 ** (0.5 / order))
                best = _Edge(float(six), float(width), depth, float(np.clip((score - 5.0) / 20.0, 0.0, 1.0)))
    return best
