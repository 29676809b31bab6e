"""A waveform view shows every extreme of the recording at any zoom, also while it is still being read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.audio.peaks import CELL, PeakPyramid
from engine.audio.signal import ArraySignal, Span
from engine.errors import Cancelled

HALF_PRECISION = 1 / 1024


def noise(frames: int, channels: int = 2) -> ArraySignal:
    random = np.random.default_rng(frames)
    loud = np.abs(np.sin(np.arange(frames) / 5000))[:, None]
    return ArraySignal((random.standard_normal((frames, channels)) * 0.2 * loud).astype(np.float32), 44100)


@pytest.mark.parametrize("frames", [1, 255, 256, 257, 4801, 100_000, 1_000_003])
@pytest.mark.parametrize("pixels", [1, 7, 640])
def test_the_extremes_of_the_whole_recording_are_there(frames: int, pixels: int) -> None:
    signal = noise(frames)
    peaks = PeakPyramid.build(signal).read(0, frames, pixels)
    assert peaks.minimum.shape == peaks.maximum.shape == peaks.rms.shape == (pixels, 2)
    assert np.allclose(peaks.maximum.max(axis=0), signal.samples.max(axis=0), rtol=HALF_PRECISION, atol=1e-7)
    assert np.allclose(peaks.minimum.min(axis=0), signal.samples.min(axis=0), rtol=HALF_PRECISION, atol=1e-7)


@pytest.mark.parametrize(("start", "per_pixel"), [(0, 256), (256 * 5, 512), (1024 * 3, 4096), (0, 65536)])
def test_pixels_of_whole_cells_are_what_numpy_finds(start: int, per_pixel: int) -> None:
    signal = noise(500_000)
    pixels = (500_000 - start) // per_pixel
    peaks = PeakPyramid.build(signal).read(start, start + pixels * per_pixel, pixels)
    grid = signal.samples[start : start + pixels * per_pixel].reshape(pixels, per_pixel, 2)
    assert np.allclose(peaks.maximum, grid.max(axis=1), rtol=HALF_PRECISION, atol=1e-6)
    assert np.allclose(peaks.minimum, grid.min(axis=1), rtol=HALF_PRECISION, atol=1e-6)
    assert np.allclose(peaks.rms, np.sqrt((grid**2).mean(axis=1)), rtol=4 * HALF_PRECISION, atol=1e-6)


@pytest.mark.parametrize("per_pixel", [300.0, 777.7, 5000.3])
def test_no_click_is_lost_between_pixels(per_pixel: float) -> None:
    samples = np.zeros((400_000, 1), dtype=np.float32)
    places = np.random.default_rng(1).integers(0, 400_000, 50)
    samples[places] = 0.75
    pyramid = PeakPyramid.build(ArraySignal(samples, 44100))
    pixels = int(400_000 / per_pixel) + 1
    peaks = pyramid.read(0, pixels * per_pixel, pixels)
    for place in places:
        assert peaks.maximum[int(place / per_pixel), 0] == 0.75


def test_silence_beyond_both_ends_is_unknown() -> None:
    pyramid = PeakPyramid.build(noise(1000))
    peaks = pyramid.read(-1000, 3000, 4)
    assert np.isnan(peaks.maximum[[0, 2, 3]]).all()
    assert np.isfinite(peaks.maximum[1]).all()
    assert pyramid.read(0, 0, 5).maximum.shape == (5, 2)
    assert pyramid.read(5, 9, 0).maximum.shape == (0, 2)


def test_an_empty_recording_has_no_peaks() -> None:
    pyramid = PeakPyramid.build(noise(0))
    assert np.isnan(pyramid.read(0, 100, 3).rms).all()


def test_any_order_of_blocks_gives_the_same_pyramid() -> None:
    signal = noise(300_000)
    whole = PeakPyramid.build(signal)
    pyramid = PeakPyramid(300_000, 2, 44100)
    spans = [pyramid.snap(Span(start, min(start + 22_050, 300_000))) for start in range(0, 300_000, 22_050)]
    for i in np.random.default_rng(3).permutation(len(spans)).tolist():
        pyramid.put(spans[i].start, signal.read(*spans[i]))
    for pixels in (3, 50, 900):
        expected, got = whole.read(0, 300_000, pixels), pyramid.read(0, 300_000, pixels)
        assert np.array_equal(expected.minimum, got.minimum)
        assert np.array_equal(expected.maximum, got.maximum)
        assert np.allclose(expected.rms, got.rms, rtol=HALF_PRECISION)


def test_what_is_not_there_yet_is_unknown_and_the_rest_is_seen() -> None:
    signal = noise(256 * 64)
    pyramid = PeakPyramid(256 * 64, 2, 44100)
    pyramid.put(256 * 32, signal.read(256 * 32, 256 * 48))
    peaks = pyramid.read(0, 256 * 64, 4)
    assert np.isnan(peaks.maximum[[0, 1, 3]]).all()
    expected = signal.samples[256 * 32 : 256 * 48].max(axis=0)
    assert np.allclose(peaks.maximum[2], expected, rtol=HALF_PRECISION)
    pyramid.forget(Span(256 * 40, 256 * 41))
    assert np.isnan(pyramid.read(256 * 40, 256 * 41, 1).rms).all()


def test_the_waveform_grows_while_it_is_read() -> None:
    seen: list[int] = []

    def look(pyramid: PeakPyramid, span: Span) -> None:
        seen.append(pyramid.filled)
        assert np.isfinite(pyramid.read(0, span.stop, 10).maximum).all()

    pyramid = PeakPyramid.build(noise(500_000), on_block=look)
    assert seen == sorted(seen)
    assert len(seen) >= 3
    assert pyramid.filled == 500_000


def test_building_can_be_cancelled() -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        PeakPyramid.build(noise(10_000), check=stop)


def test_parts_of_cells_are_refused() -> None:
    pyramid = PeakPyramid(10_000, 1, 44100)
    with pytest.raises(ValueError):
        pyramid.put(100, np.zeros((256, 1), np.float32))
    with pytest.raises(ValueError):
        pyramid.put(0, np.zeros((100, 1), np.float32))
    pyramid.put(256 * 39, np.zeros((16, 1), np.float32))
    assert pyramid.snap(Span(300, 9_999)) == (CELL, 10_000)


def test_levels_far_above_full_scale_stay_finite() -> None:
    samples = np.full((2000, 1), 1e9, dtype=np.float32)
    samples[:1000] = -1e9
    peaks = PeakPyramid.build(ArraySignal(samples, 44100)).read(0, 2000, 2)
    assert np.isfinite(peaks.maximum).all()
    assert np.isfinite(peaks.rms).all()


def test_three_hours_of_stereo_take_less_than_35_megabytes() -> None:
    pyramid = PeakPyramid(3 * 3600 * 48000, 2, 48000)
    assert sum(level.nbytes for level in pyramid._levels) < 35e6


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory is resident")
def test_what_is_not_there_yet_takes_no_memory() -> None:
    before = resident_bytes()
    pyramid = PeakPyramid(3 * 3600 * 48000, 2, 48000)
    assert np.isnan(pyramid.read(0, pyramid.frames, 1000).rms).all()
    assert resident_bytes() - before < 8e6
    pyramid.put(0, np.ones((CELL * 4096, 2), dtype=np.float32))
    assert resident_bytes() - before < 24e6  # of which 8 are the samples
    assert (pyramid.read(0, CELL * 4096, 10).maximum == 1.0).all()


def test_a_forgotten_place_is_unknown_at_every_zoom() -> None:
    pyramid = PeakPyramid.build(noise(256 * 4096))
    pyramid.forget(Span(256 * 1024, 256 * 2048))
    for pixels in (4, 64, 4096):
        is_known = np.isfinite(pyramid.read(0, 256 * 4096, pixels).rms[:, 0]).reshape(4, -1)
        assert is_known[[0, 2, 3]].all()
        assert not is_known[1].any()
