"""Linear filters that give the same bits for any span: finite impulse responses on a fixed grid of blocks.

A recursive filter carries a state from the first sample to the last, so it can't start in the middle of a recording. A
finite one can: block k of the result needs block k of the source and a few samples around it, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from engine.audio.signal import SameShape, Samples, Signal, check_span, read_padded

BLOCK = 32_768  # frames of result per transform; part of the promise of equal bits, so not a setting
CACHED_BLOCKS = 4  # a filter behind a filter asks for each block of the first one up to three times


@dataclass(frozen=True, eq=False)
class Fir:
    """A finite impulse response and where its time zero lies.

    Result frame n is the sum over k of taps[k] * source[n + before - k].
    """

    taps: NDArray[np.float64]  # (taps,)
    before: int  # taps ahead of time zero: (len - 1) / 2 for linear phase (no delay), 0 for a causal filter

    @property
    def after(self) -> int:
        """Taps behind time zero."""
        return len(self.taps) - 1 - self.before

    @cached_property
    def fft(self) -> int:
        """Length of the transform that holds one block and its context."""
        return int(scipy.fft.next_fast_len(BLOCK + len(self.taps) - 1, real=True))

    @cached_property
    def spectrum(self) -> NDArray[np.complex64]:
        spectrum: NDArray[np.complex64] = scipy.fft.rfft(self.taps, n=self.fft).astype(np.complex64)
        return spectrum

    def response(self, hertz: NDArray[np.float64], rate: int) -> NDArray[np.complex128]:
        """Return the complex gain at these frequencies, shape (hertz,)."""
        time = np.arange(len(self.taps)) - self.before
        turns = np.exp(-2j * np.pi / rate * np.outer(hertz, time))
        return np.asarray(turns @ self.taps)

    def block(self, source: Samples) -> Samples:
        """Filter one block.

        Parameters
        ----------
        source
            Shape (BLOCK + len(taps) - 1, channels): the block with `after` frames before and `before` frames behind.

        Returns
        -------
        Samples
            Shape (BLOCK, channels).
        """
        # A block of silence stays silent to the last bit, and costs nothing.
        if not source.any():
            return np.zeros((BLOCK, source.shape[1]), dtype=np.float32)
        # The whole transform runs in single precision: its error is 130 dB below the block's level.
        spectra = scipy.fft.rfft(np.ascontiguousarray(source.T), n=self.fft, axis=1)
        spectra *= self.spectrum
        result = scipy.fft.irfft(spectra, n=self.fft, axis=1)
        first = len(self.taps) - 1
        return np.ascontiguousarray(result[:, first : first + BLOCK].T, dtype=np.float32)

    def convolve(self, samples: Samples) -> Samples:
        """Filter a whole array, shape (frames,) or (frames, channels): same length, delay removed, zeros around it."""
        columns = samples if samples.ndim == 2 else samples[:, None]
        blocks = -(-len(columns) // BLOCK)
        padded = np.zeros((blocks * BLOCK + len(self.taps) - 1, columns.shape[1]), dtype=np.float32)
        padded[self.after : self.after + len(columns)] = columns
        out = np.empty((blocks * BLOCK, columns.shape[1]), dtype=np.float32)
        for start in range(0, len(out), BLOCK):
            out[start : start + BLOCK] = self.block(padded[start : start + BLOCK + len(self.taps) - 1])
        return out[: len(columns)].reshape(samples.shape)


@dataclass(frozen=True, eq=False)
class FilteredSignal(SameShape):
    """A Signal through a filter: same length, zeros assumed around the recording."""

    signal: Signal
    fir: Fir
    _cached_block: Callable[[int], Samples] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # A cache per object, not per class: it must die with the Signal.
        object.__setattr__(self, "_cached_block", lru_cache(maxsize=CACHED_BLOCKS)(self._block))

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        out = np.empty((stop - start, self.channels), dtype=np.float32)
        for index in range(start // BLOCK, -(-stop // BLOCK) if stop > start else 0):
            first = index * BLOCK
            a, b = max(start, first), min(stop, first + BLOCK)
            out[a - start : b - start] = self._cached_block(index)[a - first : b - first]
        return out

    def _block(self, index: int) -> Samples:
        first = index * BLOCK
        return self.fir.block(read_padded(self.signal, first - self.fir.after, first + BLOCK + self.fir.before))
