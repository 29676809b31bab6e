"""Where a recording's band ends, found without being told: the edge that an encoder, a filter or a disc left behind.

A steep fall of the long-term level into nothing is an edge; the slope with which instruments fade towards the top is
none. Steady hiss above a muffled recording is noise and not band: levels are taken as far as they rise and fall with
the programme just below them, so that noise cancels, even noise louder than the programme.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from engine.audio.signal import Signal, read_padded
from engine.measure.band_edge import LOWEST_EDGE_OCTAVE, PER_OCTAVE, BandEdge, likeliest_edge

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

WINDOW_SECONDS: Final = 0.085  # of a spectrum; the power of two next to it
FRAMES_AT_MOST: Final = 4_000  # spectra spread over the recording
FRAMES_AT_LEAST: Final = 8
BATCH: Final = 64  # spectra at once
LOWEST_HZ: Final = 250.0  # of the bands
ACTIVE: Final = 1e-6  # of the loudest frame's power: quieter ones are pauses
NOTHING: Final = 1e-16  # of the loudest frame's power: what single precision can't tell from silence
FOLLOWED: Final = (6, 30)  # bands below a band that lead it: from a quarter of an octave to one and a quarter
SURE: Final = 3.0  # standard deviations that programme must rise above its pauses
CONFIDENT: Final = 0.3  # an edge less probable than this is none
CONFIDENT_BY_LEVEL: Final = 0.6  # the same, of a programme so steady that only its level speaks
FULL_BAND: Final = 0.9  # of half the rate: an edge above it takes nothing away
FILLED_DB: Final = 50.0  # bands so far under the loudest of the octave under an edge are empty ...
FILLED_SHARE: Final = 0.6  # ... and so many must not be: where a lone tone ends, no band ends
NOISY_DB: Final = 20.0
STEADY_DB: Final = 1.5  # between the quantiles below: a floor that moves more is music
STEADY_QUANTILES: Final = (0.03, 0.15)
NOISE_SOUGHT_UP_TO_HZ: Final = 5_000.0  # without an edge: there programme is sure to be


@dataclass(frozen=True)
class Cutoff:
    """Where the band of a recording ends."""

    cutoff_hz: float  # where it is 6 dB down; half of the rate if no edge was found
    confidence: float  # 0 to 1: the probability of an edge within 12 % of there; under 0.3 there is none
    edge_width_hz: float  # from 1 dB to 20 dB down; 0 without an edge
    is_full_band: bool  # no edge, or one so near to half of the rate that nothing is missing
    is_noisy: bool  # noise within 20 dB of the programme in the third of an octave under ...
    noise_hz: float = 0.0  # ... here: the edge, without one 5 kHz or half of the rate; 0 where nothing was judged


def find_cutoff(
    signal: Signal,
    check: Callable[[], None] = lambda: None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> Cutoff:
    """Find the frequency above which a recording holds no programme.

    Up to 4000 spectra, spread over the whole recording, are read once and in order; memory doesn't grow with its
    length. Gain and order of the channels don't matter.

    Parameters
    ----------
    signal
        Any rate, any channels; their powers are averaged.
    check
        Called often; may raise to cancel.
    on_progress
        Called with the share done, 0 to 1.
    """
    octaves, powers = _bands(signal, check, on_progress)
    total = powers.sum(axis=1)
    powers = powers[total > ACTIVE * total.max(initial=0.0)]
    if len(powers) < FRAMES_AT_LEAST or len(octaves) < PER_OCTAVE or octaves[-1] <= LOWEST_EDGE_OCTAVE:
        return Cutoff(signal.rate / 2.0, 0.0, 0.0, is_full_band=True, is_noisy=False)
    powers = powers / total.max() + np.float32(NOTHING)
    edge = _edge(octaves, powers)
    if edge is None or edge.confidence < CONFIDENT:
        noise_hz = min(signal.rate / 2.0, NOISE_SOUGHT_UP_TO_HZ)
        noisy = _is_noisy(octaves, powers, noise_hz, is_edge=False)
        return Cutoff(signal.rate / 2.0, edge.confidence if edge else 0.0, 0.0, True, noisy, noise_hz)
    noisy = _is_noisy(octaves, powers, edge.hertz, is_edge=True)
    is_full_band = edge.hertz >= FULL_BAND * signal.rate / 2.0
    return Cutoff(edge.hertz, edge.confidence, edge.width_hz, is_full_band, noisy, edge.hertz)


def _edge(octaves: Doubles, powers: Floats) -> BandEdge | None:
    """Return the likeliest edge of what follows the programme, or else, if that shows none, of the plain level."""
    followed = _following(powers)
    found = likeliest_edge(octaves, followed)
    if found is not None and found.confidence >= CONFIDENT:
        return found if _is_filled(octaves, followed[0][0], found.hertz) else None
    level = _decibels(powers.mean(axis=0, dtype=np.float64))
    by_level = likeliest_edge(octaves, [(level, np.full(len(level), -300.0))])
    if by_level is None or by_level.confidence < CONFIDENT_BY_LEVEL:
        return found
    return by_level if _is_filled(octaves, level, by_level.hertz) else found


def _bands(signal: Signal, check: Callable[[], None], on_progress: Callable[[float], None]) -> tuple[Doubles, Floats]:
    """Return the bands as log2 Hz, and their mean power in frames spread over the recording, shape (frames, bands)."""
    fft = 1 << max(6, round(np.log2(WINDOW_SECONDS * signal.rate)))
    octaves = np.arange(np.log2(LOWEST_HZ), np.log2(signal.rate / 2.0) - 0.5 / PER_OCTAVE, 1.0 / PER_OCTAVE)
    if not len(octaves) or not signal.frames:
        return octaves, np.zeros((0, len(octaves)), dtype=np.float32)
    hop = max(fft // 4, -(-signal.frames // FRAMES_AT_MOST))
    starts = np.arange(0, max(1, signal.frames - fft + 1), hop)
    window = np.hanning(fft + 1)[:-1].astype(np.float32)
    weights = _weights(octaves, fft, signal.rate)
    out = np.zeros((len(starts), len(octaves)), dtype=np.float32)
    for first in range(0, len(starts), BATCH):
        check()
        frames = _frames(signal, starts[first : first + BATCH], hop, fft)
        for channel in frames:
            spectra = scipy.fft.rfft(channel * window, axis=1)
            out[first : first + BATCH] += (spectra.real**2 + spectra.imag**2) @ weights
        on_progress(min(1.0, (first + BATCH) / len(starts)))
    return octaves, out


def _frames(signal: Signal, starts: NDArray[np.int64], hop: int, fft: int) -> Floats:
    """Return frames of every channel, shape (channels, frames, fft); zeros beyond the end of a short recording."""
    begin, end = int(starts[0]), int(starts[-1]) + fft
    if hop <= fft:
        samples = read_padded(signal, begin, end)
        windows = np.lib.stride_tricks.sliding_window_view(samples, fft, axis=0)[::hop]
        return np.ascontiguousarray(windows.transpose(1, 0, 2))
    pieces = [read_padded(signal, int(start), int(start) + fft) for start in starts]
    return np.ascontiguousarray(np.stack(pieces).transpose(2, 0, 1))


def _weights(octaves: Doubles, fft: int, rate: int) -> Floats:
    """Return how much of each bin belongs to each band, (bins, bands): a triangle, at least two bins wide."""
    hertz = np.arange(fft // 2 + 1) * (rate / fft)
    centres = 2.0**octaves
    half = np.maximum(centres * (2.0 ** (1.0 / PER_OCTAVE) - 1.0), rate / fft)
    weights = np.maximum(0.0, 1.0 - np.abs(hertz[:, None] - centres) / half)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


def _following(powers: Floats) -> list[tuple[Doubles, Doubles]]:
    """Return by how much each band rises with the octave below it, and what noise could feign, in dB.

    Twice: of the mean power, which the loudest moments decide, and of the geometric mean, in which all count alike.
    The frames are sorted for each band by the level below it; a third of them each counts as loud and as quiet. Noise
    is in both alike and cancels. The octave below is programme as long as the band can be programme.
    """
    logs = np.log(powers.astype(np.float64))
    sums = np.cumsum(np.pad(logs, ((0, 0), (1, 0))), axis=1)
    bands, third = powers.shape[1], max(2, len(powers) // 3)
    means, geometric = np.zeros((2, bands)), np.zeros((2, bands))
    # Neighbouring frames share three quarters of their samples: half as many are independent.
    spread = SURE * np.sqrt(2.0 * 2.0 / third)
    for band in range(bands):
        order = np.argsort(sums[:, max(1, band - FOLLOWED[0])] - sums[:, max(0, band - FOLLOWED[1])], kind="stable")
        loud, quiet = powers[order[-third:], band].astype(np.float64), powers[order[:third], band].astype(np.float64)
        means[:, band] = loud.mean() - quiet.mean(), spread * quiet.std()
        log_loud, log_quiet = logs[order[-third:], band], logs[order[:third], band]
        centre = np.exp(log_quiet.mean())
        geometric[:, band] = np.exp(log_loud.mean()) - centre, spread * centre * log_quiet.std()
    return [(_decibels(np.maximum(rise, unsure)), _decibels(unsure)) for rise, unsure in (means, geometric)]


def _is_filled(octaves: Doubles, level: Doubles, hertz: float) -> bool:
    """Whether sound fills the octave under an edge; a few tones may end anywhere."""
    under = level[(octaves > np.log2(hertz) - 1.0) & (octaves < np.log2(hertz))]
    return bool(np.mean(under > under.max() - FILLED_DB) >= FILLED_SHARE) if len(under) else False


def _is_noisy(octaves: Doubles, powers: Floats, hertz: float, is_edge: bool) -> bool:
    """Whether noise comes within 20 dB of the programme in the third of an octave under `hertz`.

    The noise is what the band falls back to again and again, if that is steady enough to be noise, and what sounds
    above the edge, where a filter that came before the noise left it alone.
    """
    top = np.log2(hertz)
    under = powers[:, (octaves > top - 1.0 / 3.0) & (octaves <= top)].mean(axis=1, dtype=np.float64)
    low, high = np.quantile(under, STEADY_QUANTILES)
    noise = float(high) if high < low * 10.0 ** (STEADY_DB / 10.0) else 0.0
    above = powers[:, octaves > top + 0.25]
    if is_edge and above.shape[1]:
        noise = max(noise, float(np.median(above.mean(axis=0, dtype=np.float64))))
    return bool(noise * 10.0 ** (NOISY_DB / 10.0) > float(under.mean()) - noise)


def _decibels(power: Doubles) -> Doubles:
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-30)))
