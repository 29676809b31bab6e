"""The ring hands on every frame once, in order, with its place, however writer and reader take turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.playback.ring import Ring


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=60))
def test_frames_come_out_as_they_went_in(turns: list[tuple[bool, int]]) -> None:
    ring = Ring(columns=2, frames=64)
    written = read = 0
    for is_write, frames in turns:
        if is_write:
            frames = min(frames, ring.space)
            block = np.arange(written, written + frames, dtype=np.float32)
            ring.write(
                np.stack((block, -block), axis=1), first_place=1000 + written, next_place=1000 + written + frames
            )
            written += frames
        else:
            out = np.full((frames, 2), np.nan, dtype=np.float32)
            got = ring.peek(out)
            assert got == min(frames, written - read)
            assert ring.place == 1000 + read or written == 0
            assert np.array_equal(out[:got, 0], np.arange(read, read + got))
            assert np.array_equal(out[:got, 1], -np.arange(read, read + got))
            ring.skip(got)
            read += got
        assert ring.available == written - read
        assert ring.available + ring.space == 64


def test_more_than_fits_is_refused() -> None:
    ring = Ring(columns=2, frames=8)
    with pytest.raises(ValueError, match="9 frames don't fit into 8"):
        ring.write(np.zeros((9, 2), dtype=np.float32), 0, 9)


def test_a_ring_is_spent_only_when_it_is_finished_and_empty() -> None:
    ring = Ring(columns=2, frames=8)
    ring.write(np.zeros((3, 2), dtype=np.float32), 0, 3)
    ring.skip(3)
    assert not ring.is_spent
    ring.finish()
    assert ring.is_spent
    assert ring.place == 3
