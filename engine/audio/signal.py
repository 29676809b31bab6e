"""Everything audible is a Signal: a read-only, random-access source of samples.

Views, player, meters, tools and the exporter all take a Signal and know nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # (frames, channels), nominal full scale ±1


class Span(NamedTuple):
    """A half-open range of frames."""

    start: int
    stop: int

    @property
    def frames(self) -> int:
        return max(0, self.stop - self.start)

    def intersect(self, other: Span) -> Span:
        """Return the common part, empty (start == stop) if there is none."""
        start = max(self.start, other.start)
        return Span(start, max(start, min(self.stop, other.stop)))


class Format(NamedTuple):
    """The shape of a Signal without its samples."""

    rate: int  # Hz
    channels: int
    frames: int


def resampled_frames(frames: int, rate_in: int, rate_out: int) -> int:
    """Return the length at another rate: frames * rate_out / rate_in, rounded, half up."""
    return (frames * rate_out + rate_in // 2) // rate_in


@runtime_checkable
class Signal(Protocol):
    """A read-only, random-access source of samples. `read` may be called from any thread."""

    @property
    def rate(self) -> int:
        """Frames per second, Hz."""
        ...

    @property
    def channels(self) -> int: ...

    @property
    def frames(self) -> int:
        """Length in samples per channel."""
        ...

    def read(self, start: int, stop: int) -> Samples:
        """Return the frames from `start` up to `stop`, shape (stop - start, channels).

        Raises
        ------
        ValueError
            Unless 0 <= start <= stop <= frames.
        """
        ...


class SameShape:
    """What a Signal inherits that changes the samples of another one, its field `signal`, and nothing else about it."""

    signal: Signal

    @property
    def rate(self) -> int:
        return self.signal.rate

    @property
    def channels(self) -> int:
        return self.signal.channels

    @property
    def frames(self) -> int:
        return self.signal.frames


def format_of(signal: Signal) -> Format:
    """Return the shape of `signal`."""
    return Format(signal.rate, signal.channels, signal.frames)


def check_span(signal: Signal, start: int, stop: int) -> None:
    """Raise ValueError unless 0 <= start <= stop <= signal.frames."""
    if not 0 <= start <= stop <= signal.frames:
        raise ValueError(f"span {start}..{stop} is outside of 0..{signal.frames}")


def read_padded(signal: Signal, start: int, stop: int) -> Samples:
    """Read a span that may reach beyond both ends of `signal`; there it is zero. Shape (stop - start, channels)."""
    inside = Span(start, stop).intersect(Span(0, signal.frames))
    if inside == (start, stop):
        return signal.read(start, stop)
    out = np.zeros((stop - start, signal.channels), dtype=np.float32)
    if inside.frames:
        out[inside.start - start : inside.stop - start] = signal.read(inside.start, inside.stop)
    return out


def blocks(frames: int, size: int) -> Iterator[Span]:
    """Yield the spans of at most `size` frames that cover 0..frames in order."""
    for start in range(0, frames, size):
        yield Span(start, min(start + size, frames))


@dataclass(frozen=True)
class ArraySignal:
    """Samples that are in memory already. The array is shared, not copied, and made read-only."""

    samples: Samples  # (frames, channels)
    rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.dtype != np.float32:
            raise ValueError(f"need float32 of shape (frames, channels), got {self.samples.dtype} {self.samples.shape}")
        self.samples.flags.writeable = False

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])

    @property
    def frames(self) -> int:
        return int(self.samples.shape[0])

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        return self.samples[start:stop]


@dataclass(frozen=True)
class SilentSignal:
    """Digital silence of a given shape, for tests and placeholders."""

    rate: int
    channels: int
    frames: int

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        return np.zeros((stop - start, self.channels), dtype=np.float32)
