"""The columns of a waveform: nothing is lost between two pixels, and nothing shimmers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.peaks import PeakPyramid
from gui.views.envelope import ColumnGrid, Envelope, envelope_of_peaks, envelope_of_samples, filled, mark_columns


def noise(frames: int, channels: int = 2, seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(seed).uniform(-1, 1, (frames, channels)).astype(np.float32)


@settings(max_examples=40)
@given(st.integers(0, 500), st.integers(1, 90), st.floats(1.0, 40.0), st.integers(0, 300))
def test_each_column_holds_exactly_its_samples(first: int, count: int, width: float, offset: int) -> None:
    samples = noise(2000)
    grid = ColumnGrid(first, width, count)
    found = envelope_of_samples(samples, offset, grid)
    edges = np.round((first + np.arange(count + 1)) * width).astype(int) - offset
    for column, (a, b) in enumerate(itertools.pairwise(edges)):
        if b <= a:
            continue
        if a < 0 or a >= len(samples):
            assert np.isnan(found.minimum[column]).all()
            continue
        part = samples[a:b]
        assert np.array_equal(found.minimum[column], part.min(axis=0))
        assert np.array_equal(found.maximum[column], part.max(axis=0))
        assert found.rms[column] == pytest.approx(np.sqrt((part.astype(float) ** 2).mean(axis=0)), rel=1e-5)


def test_a_single_click_in_an_hour_is_seen() -> None:
    frames = 48_000 * 3600
    pyramid = PeakPyramid(frames, 1, 48_000)
    block = np.zeros((256, 1), dtype=np.float32)
    block[77] = 0.9
    start = 256 * 400_001
    pyramid.put(start, block)
    found = envelope_of_peaks(pyramid, ColumnGrid.over(0, frames, 784))
    columns = np.flatnonzero(np.nan_to_num(found.maximum[:, 0]) > 0.89)
    assert int(start / frames * 784) in columns
    assert len(columns) <= 2  # a cell may lie across the border of two columns


def test_peaks_and_samples_draw_the_same() -> None:
    samples = noise(256 * 400)
    pyramid = PeakPyramid(len(samples), 2, 48_000)
    pyramid.put(0, samples)
    grid = ColumnGrid(3, 1024.0, 90)
    coarse, fine = envelope_of_peaks(pyramid, grid), envelope_of_samples(samples, 0, grid)
    # Peaks are kept as float16: 11 bits.
    assert coarse.maximum == pytest.approx(fine.maximum, abs=6e-4)
    assert coarse.minimum == pytest.approx(fine.minimum, abs=6e-4)
    assert coarse.rms == pytest.approx(fine.rms, abs=6e-4)


def test_panning_by_whole_pixels_moves_columns_and_changes_none() -> None:
    samples = noise(60_000, 1)
    before = envelope_of_samples(samples, 0, ColumnGrid.over(1000.0, 21_000.0, 400))
    after = envelope_of_samples(samples, 0, ColumnGrid.over(1000.0 + 7 * 50, 21_000.0 + 7 * 50, 400))
    assert np.array_equal(before.maximum[7:], after.maximum[:-7])
    assert np.array_equal(before.rms[7:], after.rms[:-7])


def test_the_mixture_of_channels_hides_nothing() -> None:
    left, right = np.float32([[0.5], [-0.2]]), np.float32([[-0.9], [0.1]])
    both = np.concatenate([left, right], axis=1)
    mixed = Envelope(both, both, np.abs(both)).mixed()
    assert mixed.minimum.ravel() == pytest.approx([-0.9, -0.2])
    assert mixed.maximum.ravel() == pytest.approx([0.5, 0.1])
    assert mixed.rms.ravel() == pytest.approx([np.sqrt((0.25 + 0.81) / 2), np.sqrt((0.04 + 0.01) / 2)])


def picture_of(low: list[float], high: list[float], height: int = 20, gain: float = 10.0) -> np.ndarray:  # type: ignore[type-arg]
    edges = np.zeros((height + 1, len(low)), dtype=np.uint8)
    mark_columns(edges, np.float32(low), np.float32(high), gain, 1, height / 2)
    return filled(edges)


def test_a_column_reaches_from_its_least_to_its_greatest_sample() -> None:
    picture = picture_of([-0.5, 0.2], [0.3, 0.8])
    assert np.flatnonzero(picture[:, 0]).tolist() == list(range(7, 15))
    assert np.flatnonzero(picture[:, 1]).tolist() == list(range(2, 8))


def test_silence_is_one_pixel_and_the_unknown_is_none() -> None:
    picture = picture_of([0.0, np.nan], [0.0, np.nan])
    assert picture[:, 0].sum() == 1
    assert picture[:, 1].sum() == 0


def test_what_is_louder_than_the_view_stays_inside_it() -> None:
    picture = picture_of([-99.0, 3.0], [99.0, 5.0])
    assert picture[:, 0].all()
    assert np.flatnonzero(picture[:, 1]).tolist() == [0]


def test_areas_that_overlap_are_told_apart() -> None:
    edges = np.zeros((21, 1), dtype=np.uint8)
    mark_columns(edges, np.float32([-1]), np.float32([1]), 10, 4, 10)
    mark_columns(edges, np.float32([-0.5]), np.float32([0.5]), 10, 2, 10)
    column = filled(edges)[:, 0]
    assert column.tolist() == [4] * 5 + [6] * 10 + [4] * 5
