"""The ring: a fixed stretch of coming sound, filled by the reader thread and emptied by the sound card's callback."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Samples

RING_FRAMES = 65_536
BLOCK_FRAMES = 4_096


class Ring:
    """Preallocated samples between one writer and one reader: two growing integers, no lock.

    Each frame carries its place, the device frame of the recording it comes from, so that loops and seeks need no
    bookkeeping on the reader's side. `write` and `finish` belong to the writer; `peek`, `skip` to the reader.

    Parameters
    ----------
    columns
        Samples per frame: A's channels, then B's.
    frames
        Capacity.
    """

    def __init__(self, columns: int, frames: int = RING_FRAMES) -> None:
        self._samples = np.zeros((frames, columns), dtype=np.float32)
        self._places: NDArray[np.int64] = np.zeros(frames, dtype=np.int64)
        self._next_place = 0
        self.capacity = frames
        self.written = 0
        self.read = 0
        self.is_finished = False  # nothing comes after what is written

    @property
    def available(self) -> int:
        """Frames that can be read."""
        return self.written - self.read

    @property
    def space(self) -> int:
        """Frames that can be written."""
        return self.capacity - self.available

    @property
    def is_spent(self) -> bool:
        """True once the last frame there will ever be has been read."""
        return self.is_finished and self.read >= self.written

    def write(self, block: Samples, first_place: int, next_place: int) -> None:
        """Append `block`, shape (frames, columns), whose frames lie at `first_place` and on; `next_place` follows it.

        Raises
        ------
        ValueError
            If there is less space.
        """
        frames = len(block)
        if frames > self.space:
            raise ValueError(f"{frames} frames don't fit into {self.space}")
        start = self.written % self.capacity
        head = min(frames, self.capacity - start)
        self._samples[start : start + head] = block[:head]
        self._samples[: frames - head] = block[head:]
        places = np.arange(first_place, first_place + frames)
        self._places[start : start + head] = places[:head]
        self._places[: frames - head] = places[head:]
        self._next_place = next_place
        self.written += frames  # last: the reader may look at any moment

    def finish(self) -> None:
        """Say that nothing more will be written."""
        self.is_finished = True

    def peek(self, out: Samples) -> int:
        """Copy up to `len(out)` frames into `out` and return how many there were."""
        frames = min(len(out), self.available)
        start = self.read % self.capacity
        head = min(frames, self.capacity - start)
        out[:head] = self._samples[start : start + head]
        out[head:frames] = self._samples[: frames - head]
        return frames

    def skip(self, frames: int) -> None:
        """Drop the next `frames` frames, which must be available."""
        self.read += frames

    def start_at(self, place: int) -> None:
        """Say where an empty ring begins, before anything is written."""
        self._next_place = place

    def place_of(self, index: int) -> int:
        """Return the place of frame number `index`, counted like `read`; at the end, of what would come next."""
        return int(self._places[index % self.capacity]) if index < self.written else self._next_place

    @property
    def place(self) -> int:
        """Device frame of the recording that is read next."""
        return self.place_of(self.read)
