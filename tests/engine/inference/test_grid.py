"""The grid belongs to the recording: a span is the same however it is asked for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.signal import ArraySignal, Samples, Span
from engine.inference.grid import Grid

RAMP = ArraySignal(np.arange(1.0, 101.0, dtype=np.float32)[:, None], 10)


def process(grid: Grid, index: int) -> Samples:
    """Sum what the network would see, so that a shifted window shows."""
    window = grid.read_window(RAMP, index)
    inside: Samples = window[grid.context : grid.context + grid.chunk] + window.sum()
    return inside


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 40), st.integers(0, 20))
def test_any_span_has_the_same_samples(a: int, b: int, chunk: int, context: int) -> None:
    grid = Grid(chunk, context)
    start, stop = min(a, b), max(a, b)
    whole = grid.render(Span(0, 100), 1, lambda index: process(grid, index))
    part = grid.render(Span(start, stop), 1, lambda index: process(grid, index))
    assert np.array_equal(part, whole[start:stop])


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 100))
def test_the_parts_of_a_span_join_without_gap(a: int, b: int, chunk: int) -> None:
    span = Span(min(a, b), max(a, b))
    parts = [part for _, part in Grid(chunk).covering(span)]
    assert sum(part.frames for part in parts) == span.frames
    assert all(left.stop == right.start for left, right in itertools.pairwise(parts))


def test_a_window_is_silent_outside_the_recording() -> None:
    window = Grid(60, 10).read_window(RAMP, 1)
    assert window.shape == (80, 1)
    assert window[0, 0] == 51.0
    assert not window[50:].any()


@pytest.mark.parametrize(("chunk", "context"), [(0, 0), (5, -1)])
def test_a_grid_without_extent_is_refused(chunk: int, context: int) -> None:
    with pytest.raises(ValueError, match="grid"):
        Grid(chunk, context)
