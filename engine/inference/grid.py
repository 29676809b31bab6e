"""A fixed, absolute chunk grid with context, so that a span is the same to the last bit however it is asked for.

A network always sees the window of a whole chunk, whatever part of it somebody wants, and the window lies at a place
that belongs to the recording and not to the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from engine.audio.signal import Samples, Signal, Span, read_padded


@dataclass(frozen=True)
class Grid:
    """Chunk k is frames [k * chunk, (k + 1) * chunk); its window reaches `context` frames further on both sides."""

    chunk: int  # frames
    context: int = 0  # frames, computed and thrown away

    def __post_init__(self) -> None:
        if self.chunk < 1 or self.context < 0:
            raise ValueError(f"a grid needs chunk >= 1 and context >= 0, got {self.chunk} and {self.context}")

    @property
    def window_frames(self) -> int:
        """Length of every window, chunk + 2 * context."""
        return self.chunk + 2 * self.context

    def indices(self, span: Span) -> range:
        """Return the indices of the chunks that `span` touches, none for an empty span."""
        if span.stop <= span.start:
            return range(0)
        return range(span.start // self.chunk, -(-span.stop // self.chunk))

    def span(self, index: int) -> Span:
        """Return the frames of chunk `index`; those of the last chunk may reach beyond the recording."""
        return Span(index * self.chunk, (index + 1) * self.chunk)

    def window(self, index: int) -> Span:
        """Return the frames the network sees for chunk `index`; they may reach beyond both ends of the recording."""
        return Span(index * self.chunk - self.context, (index + 1) * self.chunk + self.context)

    def covering(self, span: Span) -> Iterator[tuple[int, Span]]:
        """Yield (chunk index, the part of `span` inside that chunk), in order."""
        for index in self.indices(span):
            yield index, self.span(index).intersect(span)

    def read_window(self, signal: Signal, index: int) -> Samples:
        """Return the window of chunk `index`, zero outside the recording; shape (window_frames, channels)."""
        window = self.window(index)
        return read_padded(signal, window.start, window.stop)

    def render(self, span: Span, channels: int, process: Callable[[int], Samples]) -> Samples:
        """Assemble `span` from whole chunks.

        Parameters
        ----------
        process
            Returns chunk `index` without its context, shape (chunk, channels).

        Returns
        -------
        Samples
            Shape (span.frames, channels).
        """
        out = np.empty((span.frames, channels), dtype=np.float32)
        for index, part in self.covering(span):
            origin = index * self.chunk
            chunk = process(index)
            out[part.start - span.start : part.stop - span.start] = chunk[part.start - origin : part.stop - origin]
        return out
