"""Where a recording's band ends, found without being told: the edge that an encoder, a filter or a disc left behind.

A steep fall of the long-term level into nothing is an edge; the slope with which instruments fade towards the top is
none. Steady hiss above a muffled recording is noise and not band: it doesn't rise and fall with the programme just
below it. What of this stands where is measured band by band, and a small taught network judges it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from engine.audio.signal import Signal, read_padded
from engine.measure.band_edge import CONFIDENT, LOWEST_EDGE_OCTAVE, BandEdge, likeliest_edge
from engine.measure.band_traits import PER_OCTAVE, band_octaves, band_traits, band_weights

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

WINDOW_SECONDS: Final = 0.085  # of a spectrum; the power of two next to it
FRAMES_AT_MOST: Final = 4_000  # spectra spread over the recording
FRAMES_AT_LEAST: Final = 8
BATCH: Final = 64  # spectra at once
ACTIVE: Final = 1e-6  # of the loudest frame's power: quieter ones are pauses
NOTHING: Final = 1e-16  # of the loudest frame's power: what single precision can't tell from silence
FULL_BAND: Final = 0.9  # of half the rate: an edge above it takes nothing away, ...
HEARD_UP_TO_HZ: Final = 20_000.0  # ... nor does one above this: many converters begin to fall here
FILLED_DB: Final = 50.0  # bands so far under the loudest of the octave under an edge are empty ...
FILLED_SHARE: Final = 0.6  # ... and so many must not be: where a lone tone ends, no band ends
NOISY_DB: Final = 20.0
STEADY_DB: Final = 1.5  # between the quantiles below: a floor that moves more is music
STEADY_QUANTILES: Final = (0.03, 0.15)
NOISE_SOUGHT_UP_TO_HZ: Final = 5_000.0  # without an edge: there programme is sure to be
HISS_SOUGHT_UP_TO_HZ: Final = 12_000.0  # without an edge: clean recordings still hold programme there, or nothing
HISS_QUANTILES: Final = (0.03, 0.5)  # music that fades to such a steady end leaves it again
HISS: Final = 1e-8  # of the loudest frame's power, in a third of an octave: what is quieter is dither


@dataclass(frozen=True)
class Cutoff:
    """Where the band of a recording ends."""

    cutoff_hz: float  # where it is 6 dB down; half of the rate if no edge was found
    confidence: float  # 0 to 1: the probability of an edge within 12 % of there; under 0.3 there is none
    edge_width_hz: float  # below the cutoff: from 1 dB to 6 dB down; 0 without an edge
    is_full_band: bool  # no edge, or one so near to half of the rate that nothing is missing
    is_noisy: bool  # noise within 20 dB of the programme in the third of an octave under ...
    noise_hz: float = 0.0  # ... here: the edge, without one 5 kHz or half of the rate; 0 where nothing was judged
    has_hiss_on_top: bool = False  # no edge was found, and steady noise near the top may be what hides it


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
        hidden = _has_hiss(octaves, powers, min(FULL_BAND * signal.rate / 2.0, HISS_SOUGHT_UP_TO_HZ))
        return Cutoff(signal.rate / 2.0, edge.confidence if edge else 0.0, 0.0, True, noisy, noise_hz, hidden)
    noisy = _is_noisy(octaves, powers, edge.hertz, is_edge=True)
    is_full_band = edge.hertz >= min(FULL_BAND * signal.rate / 2.0, HEARD_UP_TO_HZ)
    return Cutoff(edge.hertz, edge.confidence, edge.width_hz, is_full_band, noisy, edge.hertz)


def _edge(octaves: Doubles, powers: Floats) -> BandEdge | None:
    """Return the likeliest edge of a filled band."""
    found = likeliest_edge(octaves, band_traits(powers))
    if found is None or found.confidence < CONFIDENT:
        return found
    return found if _is_filled(octaves, _decibels(powers.mean(axis=0, dtype=np.float64)), found.hertz) else None


def _bands(signal: Signal, check: Callable[[], None], on_progress: Callable[[float], None]) -> tuple[Doubles, Floats]:
    """Return the bands as log2 Hz, and their mean power in frames spread over the recording, shape (frames, bands)."""
    fft = 1 << max(6, round(np.log2(WINDOW_SECONDS * signal.rate)))
    octaves = band_octaves(signal.rate)
    if not len(octaves) or not signal.frames:
        return octaves, np.zeros((0, len(octaves)), dtype=np.float32)
    hop = max(fft // 4, -(-signal.frames // FRAMES_AT_MOST))
    starts = np.arange(0, max(1, signal.frames - fft + 1), hop)
    window = np.hanning(fft + 1)[:-1].astype(np.float32)
    weights = band_weights(octaves, np.arange(fft // 2 + 1) * (signal.rate / fft))
    out = np.zeros((len(starts), len(octaves)), dtype=np.float32)
    for first in range(0, len(starts), BATCH):
        check()
        frames = _frames(signal, starts[first : first + BATCH], hop, fft)
        for channel in frames:
            # An offset is no sound, and its leakage no programme.
            spectra = scipy.fft.rfft((channel - channel.mean(axis=1, keepdims=True)) * window, axis=1)
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


def _has_hiss(octaves: Doubles, powers: Floats, hertz: float) -> bool:
    """Whether half of the time nothing but steady noise sounds in the third of an octave under `hertz`."""
    top = np.log2(hertz)
    under = powers[:, (octaves > top - 1.0 / 3.0) & (octaves <= top)].sum(axis=1, dtype=np.float64)
    low, middle = np.quantile(under, HISS_QUANTILES)
    return bool(low > HISS and middle < low * 10.0 ** (STEADY_DB / 10.0))


def _decibels(power: Doubles) -> Doubles:
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-30)))
