"""What an overdriven groove does to loud sound: soft clipping, without folding its overtones back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.audio.fir import FilteredSignal, Fir
from engine.audio.signal import SameShape, Samples, Signal, check_span

HALF_TAPS = 64  # of the half-sample shift; flat up to 0.93 of Nyquist


def shape(samples: Samples, drive: float, asymmetry: float) -> Samples:
    """Return what the curve adds to each sample; the curve is tanh(drive x) / drive, tilted by `asymmetry`.

    The curve has slope 1 and value 0 at 0, so quiet sound keeps its level. `asymmetry` 0 bends both half-waves alike;
    1 bends one of them much earlier, which makes even overtones (and a constant that band limits remove).
    """
    gain, bias = np.float32(drive), np.float32(asymmetry)
    offset = np.tanh(bias)
    bent = (np.tanh(samples * gain + bias) - offset) / (gain * (np.float32(1.0) - offset * offset))
    return np.asarray(bent - samples, dtype=np.float32)


@lru_cache(maxsize=1)
def _half_sample_filters() -> tuple[Fir, Fir]:
    """Filters that shift by half a sample: (to later moments, back)."""
    distance = np.arange(HALF_TAPS) - HALF_TAPS / 2 + 0.5
    taps = np.sinc(distance) * np.kaiser(HALF_TAPS, 8.0)
    taps /= taps.sum()
    return Fir(taps, HALF_TAPS // 2), Fir(taps, HALF_TAPS // 2 - 1)


@dataclass(frozen=True, eq=False)
class _Bent(SameShape):
    """Only what the curve adds."""

    signal: Signal
    drive: float
    asymmetry: float

    def read(self, start: int, stop: int) -> Samples:
        return shape(self.signal.read(start, stop), self.drive, self.asymmetry)


class DistortedSignal:
    """A Signal through the curve, computed at twice its rate.

    What the curve adds is taken at the samples and half-way between them, and brought back through a half-band filter:
    overtones between Nyquist and three times Nyquist disappear instead of folding down into the music.
    """

    def __init__(self, signal: Signal, drive: float, asymmetry: float = 0.0) -> None:
        later, back = _half_sample_filters()
        self._signal = signal
        self._at_samples = _Bent(signal, drive, asymmetry)
        self._between = FilteredSignal(_Bent(FilteredSignal(signal, later), drive, asymmetry), back)

    @property
    def rate(self) -> int:
        return self._signal.rate

    @property
    def channels(self) -> int:
        return self._signal.channels

    @property
    def frames(self) -> int:
        return self._signal.frames

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        added = self._at_samples.read(start, stop) + self._between.read(start, stop)
        return self._signal.read(start, stop) + np.float32(0.5) * added


def distort(samples: Samples, drive: float, asymmetry: float = 0.0) -> Samples:
    """Bend a whole array, shape (frames,) or (frames, channels), as `DistortedSignal` does."""
    later, back = _half_sample_filters()
    between = back.convolve(shape(later.convolve(samples), drive, asymmetry))
    return samples + np.float32(0.5) * (shape(samples, drive, asymmetry) + between)
