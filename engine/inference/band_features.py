"""Between a recording with a missing upper band and the network that invents one: what it is told, what it answers.

Host and training share this file, so both sides compute the same numbers. The network sees nothing above the edge and
answers how the log-magnitude there differs from a flat tail, which goes on as loud as the band under the edge. The
phase is copied from the low band and made consistent by Griffin and Lim's iteration (1984). Plain numpy, no network.

Spectra are those of `engine.audio.stft`, of a recording brought to a fixed level by one gain for the whole file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.stft import Stft

Floats = NDArray[np.float32]
Spectra = NDArray[np.complex64]

FLOOR: Final = 1e-4  # magnitude, added before every logarithm; its square is the 1e-8 of the log-spectral distance
EXPONENT: Final = 0.3  # magnitudes are weighted by this power where the network sees the phase
FASTEST_HZ: Final = 48_000.0  # the rate row is a share of it
TAIL_SHARE: Final = 0.2  # of the frequencies under the edge, the highest so many say how loud the tail is
_FEWEST_BINS: Final = 4  # that the tail is estimated from
_SHIFT_STEP: Final = 4  # bins; a shift of four turns by whole circles from frame to frame of a quarter hop


@dataclass(frozen=True)
class Edge:
    """Where a recording ends in frequency, both in Hz."""

    cutoff_hz: float  # the -6 dB point of what limited it
    width_hz: float  # over so much below the cutoff, original and generated band are cross-faded

    def __post_init__(self) -> None:
        if not 0.0 <= self.width_hz < self.cutoff_hz:
            raise ValueError(f"need 0 <= width < cutoff, got cutoff {self.cutoff_hz} Hz and width {self.width_hz} Hz")


def band_mask(bins: int, rate: int, edge: Edge) -> Floats:
    """Return how much of each bin is generated: 0 below cutoff - width, a raised cosine up to 1 from the cutoff on.

    Parameters
    ----------
    bins
        Number of frequencies from 0 to half the rate.
    rate
        Sample rate in Hz.
    edge
        Cutoff and width.

    Returns
    -------
    Floats
        Shape (bins,), 0 to 1.
    """
    hertz = np.arange(bins) * (rate / 2.0 / (bins - 1))
    place = (hertz - (edge.cutoff_hz - edge.width_hz)) / max(edge.width_hz, 1e-9)
    mask: Floats = (0.5 - 0.5 * np.cos(np.pi * np.clip(place, 0.0, 1.0))).astype(np.float32)
    return mask


def log_magnitude(spectra: Spectra) -> Floats:
    """Natural logarithm of the magnitude, with a floor under it; the shape stays."""
    logs: Floats = np.log(np.abs(spectra) + np.float32(FLOOR))
    return logs


def network_input(spectra: Spectra, rate: int, edge: Edge) -> Floats:
    """Describe what lies under the edge.

    Parameters
    ----------
    spectra
        Shape (frames, bins); what lies above the edge has no influence.
    rate
        Sample rate in Hz.
    edge
        Cutoff and width.

    Returns
    -------
    Floats
        Shape (1, 3 * bins + 2, frames): log-magnitudes, then cosine and sine of the phase, both times magnitude to the
        power of 0.3, then two constant rows: cutoff over Nyquist, and rate over 48 kHz.
    """
    frames, bins = spectra.shape
    seen = spectra * (1.0 - band_mask(bins, rate, edge))
    size = np.abs(seen)
    # size ** (0.3 - 1) times the number leaves its phase at a magnitude of size ** 0.3, and zeros stay zeros.
    turned = seen * np.maximum(size, np.float32(1e-12)) ** np.float32(EXPONENT - 1.0)
    rows = np.empty((1, 3 * bins + 2, frames), dtype=np.float32)
    rows[0, :bins] = np.log(size + np.float32(FLOOR)).T
    rows[0, bins : 2 * bins] = turned.real.T
    rows[0, 2 * bins : 3 * bins] = turned.imag.T
    rows[0, -2] = 2.0 * edge.cutoff_hz / rate
    rows[0, -1] = rate / FASTEST_HZ
    return rows


def flat_tail(spectra: Spectra, rate: int, edge: Edge) -> Floats:
    """Return the log-magnitude that the band right under the edge suggests for all that is missing.

    It is the mean log-magnitude of the highest fifth of what lies under cutoff - width: shape (frames, 1).
    """
    bins = spectra.shape[1]
    end = max(_FEWEST_BINS, first_generated(bins, rate, edge))
    start = max(0, min(end - _FEWEST_BINS, round((1.0 - TAIL_SHARE) * end)))
    level: Floats = log_magnitude(spectra[:, start:end]).mean(axis=1, keepdims=True)
    return level


def first_generated(bins: int, rate: int, edge: Edge) -> int:
    """Return the lowest bin that the mask lets through, `bins` if there is none."""
    generates = np.flatnonzero(band_mask(bins, rate, edge) > 0.0)
    return int(generates[0]) if len(generates) else bins


def copied_phase(spectra: Spectra, rate: int, edge: Edge) -> Spectra:
    """Return a phase for every bin: below the cutoff its own, above it one from the upper half of the low band.

    Parameters
    ----------
    spectra
        Shape (frames, bins).
    rate
        Sample rate in Hz.
    edge
        Cutoff and width.

    Returns
    -------
    Spectra
        Numbers of magnitude 1, or 0 where the source is silent; shape (frames, bins).

    Notes
    -----
    Shifts by a multiple of four bins keep a steady tone steady: with hops of a quarter window the phase of a bin
    advances by a quarter turn more per frame than that of its lower neighbour.
    """
    bins = spectra.shape[1]
    end = min(bins, max(_SHIFT_STEP, int(np.ceil(edge.cutoff_hz * (bins - 1) * 2.0 / rate))))
    shift = _SHIFT_STEP * max(1, end // (2 * _SHIFT_STEP))
    source = np.arange(bins)
    above = source[end:]
    source[end:] = above - shift * -(-(above - end + 1) // shift)
    return _phasors(spectra)[:, source]


def generated(spectra: Spectra, answer: Floats, rate: int, edge: Edge, stft: Stft, passes: int = 2) -> Spectra:
    """Return the spectra with the missing band that the network's answer describes.

    Parameters
    ----------
    spectra
        Shape (frames, bins), consecutive frames of `stft`.
    answer
        Log-magnitude over the flat tail, shape (1, bins, frames); zeros give the flat tail itself.
    rate
        Sample rate in Hz.
    edge
        Cutoff and width.
    stft
        What made the spectra.
    passes
        Iterations of Griffin and Lim. With each, three more frames at either end lack neighbours.

    Returns
    -------
    Spectra
        Shape (frames, bins); below cutoff - width they equal `spectra` to the bit. Frames of digital silence stay so.
    """
    first = first_generated(spectra.shape[1], rate, edge)
    mask = band_mask(spectra.shape[1], rate, edge)[first:]
    logs = flat_tail(spectra, rate, edge) + answer[0, first:].T
    size: Floats = np.maximum(np.exp(logs) - np.float32(FLOOR), np.float32(0.0))
    out = spectra.copy()
    given = spectra[:, first:]
    made: Spectra = size * copied_phase(spectra, rate, edge)[:, first:]
    difference = np.zeros_like(spectra)
    for _ in range(passes):
        # The given spectra are consistent already: only what is added to them goes through the transforms.
        difference[:, first:] = mask * (made - given)
        consistent = stft.forward(stft.inverse(difference))[:, first:]
        made = size * _phasors(given + consistent)
    out[:, first:] = made
    return out


def residual(spectra: Spectra, generated: Spectra, rate: int, edge: Edge) -> Spectra:
    """Return what is added to the given spectra, `mask * (generated - spectra)`; shape (frames, bins)."""
    added: Spectra = band_mask(spectra.shape[1], rate, edge) * (generated - spectra)
    return added


def _phasors(spectra: Spectra) -> Spectra:
    """Numbers of the same phase and of magnitude 1; 0 stays 0."""
    # Only zeros (and what float32 can't divide by) lie under this.
    size: Floats = np.maximum(np.abs(spectra), np.float32(1e-30))
    turned: Spectra = spectra / size
    return turned
