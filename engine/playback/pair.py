"""The pair that is compared: A and B side by side on the sound card's own time grid, without ever waiting for B."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from engine.audio.signal import SameShape, Samples, Signal, Span, read_padded


@runtime_checkable
class Unfinished(Protocol):
    """A Signal that is still being computed and can say what it has: the rest is the source (A)."""

    def read_available(self, start: int, stop: int) -> tuple[Samples, tuple[Span, ...]]: ...


@dataclass(frozen=True, eq=False)
class AtOnce(SameShape):
    """A Signal read without waiting: what isn't rendered yet is heard as the source."""

    signal: Signal

    def read(self, start: int, stop: int) -> Samples:
        if isinstance(self.signal, Unfinished):
            return self.signal.read_available(start, stop)[0]
        return self.signal.read(start, stop)


def spread(samples: Samples, channels: int, first: int = 0) -> Samples:
    """Return `samples` on a device of 1 or 2 channels, shape (frames, channels).

    One channel goes to every speaker, two go left and right. Of three and more, a pair is heard (`first` and the one
    after it): the layouts of such files differ, and a downmix by guess would hide what is wrong with one channel.
    A single speaker gets the mean of the pair.
    """
    if samples.shape[1] == 1:
        return np.repeat(samples, channels, axis=1)
    first = min(first, samples.shape[1] - 2)
    heard = samples[:, first : first + 2]
    if channels == 1:
        return (heard[:, :1] + heard[:, 1:]) * np.float32(0.5)
    return heard


class Pair:
    """A and B on the device's grid: frame n of the device is at n / device rate seconds of both.

    Parameters
    ----------
    a, b
        Original and result. Their rates may differ from each other and from the device's.
    rate
        The device's, Hz.
    channels
        The device's, 1 or 2.
    first_channel
        The first of the two channels heard of files with three and more.
    """

    def __init__(self, a: Signal, b: Signal, rate: int, channels: int, first_channel: int = 0) -> None:
        self.columns = 2 * channels
        self._channels = channels
        self._first = first_channel
        self._a = _on_grid(a, rate)
        self._b = self._a if b is a else _on_grid(b, rate)
        self.frames = max(self._a.frames, self._b.frames)

    def read(self, start: int, stop: int) -> Samples:
        """Return device frames, A's channels and then B's, shape (stop - start, columns); zero beyond both ends."""
        a = self._side(self._a, start, stop)
        b = a if self._b is self._a else self._side(self._b, start, stop)
        return np.concatenate((a, b), axis=1)

    def _side(self, signal: Signal, start: int, stop: int) -> Samples:
        return spread(read_padded(signal, start, stop), self._channels, self._first)


def _on_grid(signal: Signal, rate: int) -> Signal:
    present = AtOnce(signal)
    if signal.rate == rate:
        return present
    from engine.audio.resample import ResampledSignal  # the window is painted sooner without it

    return ResampledSignal(present, rate)
