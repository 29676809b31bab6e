"""A spectrogram shows the right frequency at the right time with the right level, and never a stale picture."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from scipy.signal import get_window

from engine.audio.signal import ArraySignal, Samples, Span
from engine.audio.spectrogram import (
    COLUMNS,
    WINDOWS,
    SpectrogramTiles,
    TileCache,
    _window,
    from_scale,
    row_map,
    to_db,
    to_scale,
)

RATE = 44100


def tiles(samples: np.ndarray, rate: int = RATE, limit: int = 64 << 20) -> SpectrogramTiles:
    return SpectrogramTiles(ArraySignal(samples.astype(np.float32), rate), cache=TileCache(limit))


def sine(bin_: int, nfft: int, amplitude: float, frames: int = 300_000) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * bin_ / nfft * np.arange(frames))[:, None]


@pytest.mark.parametrize("nfft", [512, 1024, 2048, 4096, 8192])
@pytest.mark.parametrize("window", ["hann", "blackmanharris", "hamming", "flattop"])
def test_a_full_scale_sine_reads_0_db_in_its_bin(nfft: int, window: str) -> None:
    tile = tiles(sine(60, nfft, 1.0)).tile(0, 0, nfft=nfft, window=window)
    assert tile.shape == (nfft // 2 + 1, COLUMNS)
    assert tile.dtype == np.uint8
    middle = to_db(tile)[:, 10]
    assert int(middle.argmax()) == 60
    assert abs(middle[60]) < 0.3, "half a step of 120 dB / 255, and what float32 rounds"


@pytest.mark.parametrize("level_db", [-20, -60, -90])
def test_levels_are_in_decibels(level_db: float) -> None:
    assert abs(to_db(tiles(sine(100, 2048, 10 ** (level_db / 20))).tile(0, 0))[100, 50] - level_db) < 0.5


@pytest.mark.parametrize("level", range(6))
@pytest.mark.parametrize("nfft", [512, 2048])
def test_sound_stands_at_its_time_on_every_level(level: int, nfft: int) -> None:
    """Noise from one frame to another must fill the columns between them, to a window's length."""
    frames, start, stop = 2_000_000, 700_000, 900_000
    samples = np.zeros((frames, 1))
    samples[start:stop] = np.random.default_rng(1).standard_normal((stop - start, 1)) * 0.3
    view = tiles(samples)
    hop = view.hop(level, nfft)
    wide = np.concatenate(
        [to_db(view.tile(level, i, nfft=nfft)).max(axis=0) for i in range(view.tiles(level, nfft))], 0
    )
    loud = np.flatnonzero(wide > -60)
    assert abs(loud[0] * hop - start) <= nfft // 2 + hop
    assert abs((loud[-1] + 1) * hop - stop) <= nfft // 2 + hop


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_click_survives_zooming_out(level: int) -> None:
    samples = np.zeros((2_000_000, 1))
    places = [100_000, 500_123, 1_400_777]
    samples[places] = 1.0
    view = tiles(samples)
    for place in places:
        column = place // view.hop(level)
        tile = view.tile(level, column // COLUMNS)
        near = to_db(tile)[:, max(0, column % COLUMNS - 1) : column % COLUMNS + 2]
        # A click of height 1 under a Hann window of sum 1024 has a flat spectrum of 2 / 1024 = -54 dB at its best.
        assert near.max() > -57


def test_coarser_levels_are_the_maximum_of_finer_ones() -> None:
    view = tiles(np.random.default_rng(4).standard_normal((COLUMNS * 512 * 4, 1)) * 0.1)
    fine = np.concatenate([view.tile(0, i) for i in range(4)], axis=1)
    assert np.array_equal(view.tile(1, 0), fine[:, : 2 * COLUMNS].reshape(1025, COLUMNS, 2).max(axis=2))
    assert np.array_equal(view.tile(2, 0), fine.reshape(1025, COLUMNS, 4).max(axis=2))


def test_channels_apart_and_together() -> None:
    samples = np.concatenate([sine(100, 2048, 0.5), sine(300, 2048, 0.5)], axis=1)
    view = tiles(samples)
    left, right, both = (to_db(view.tile(0, 0, channel))[:, 20] for channel in (0, 1, None))
    assert left[100] > -7 > -100 > left[300]
    assert right[300] > -7 > -100 > right[100]
    assert abs(both[100] - (left[100] - 6.02)) < 0.6
    assert abs(both[300] - (right[300] - 6.02)) < 0.6


def test_silence_and_the_end_are_black() -> None:
    assert tiles(np.zeros((10_000, 1))).tile(0, 0).max() == 0
    tile = tiles(np.random.default_rng(1).standard_normal((512 * 10, 1))).tile(0, 0)
    assert tile[:, :10].max() > 0
    assert tile[:, 12:].max() == 0
    assert tiles(np.zeros((0, 1))).tile(0, 0).max() == 0
    assert tiles(np.zeros((1, 1))).tiles(0) == 1


def test_the_cache_keeps_its_limit_and_forgets_the_least_used() -> None:
    view = tiles(np.zeros((COLUMNS * 512 * 6, 1)), limit=3 * 1025 * 256)
    for index in (0, 1, 2):
        view.tile(0, index)
    view.tile(0, 0)
    view.tile(0, 3)
    assert view.peek(0, 0) is not None
    assert view.peek(0, 1) is None
    assert view._cache.bytes <= 3 * 1025 * 256


class Growing:
    """A result that is being rendered: read_available gives what is there."""

    rate, channels, frames = RATE, 1, COLUMNS * 512 * 4

    def __init__(self) -> None:
        self.done = False
        self.gate: threading.Event | None = None
        self.begun = threading.Event()

    def read(self, start: int, stop: int) -> Samples:
        raise AssertionError("a view must never wait for a rendering")

    def read_available(self, start: int, stop: int) -> tuple[Samples, tuple[Span, ...]]:
        samples = np.full((stop - start, 1), 0.5 if self.done else 0.0, dtype=np.float32)
        self.begun.set()
        if self.gate is not None:
            self.gate.wait(5)
        return samples, ()


def test_a_tile_is_forgotten_when_its_sound_changes() -> None:
    signal = Growing()
    view = SpectrogramTiles(signal, cache=TileCache(64 << 20))
    assert view.tile(0, 0).max() == 0
    assert view.tile(0, 2).max() == 0
    signal.done = True
    view.forget(Span(1000, 2000))
    assert view.peek(0, 0) is None
    assert view.peek(0, 2) is not None
    assert view.tile(0, 0).max() > 200


def test_a_tile_that_was_being_computed_when_its_sound_changed_is_not_kept() -> None:
    signal = Growing()
    signal.gate = threading.Event()
    view = SpectrogramTiles(signal, cache=TileCache(64 << 20))
    thread = threading.Thread(target=view.tile, args=(0, 0))
    thread.start()
    assert signal.begun.wait(5)
    signal.done = True
    view.forget(Span(0, 100))
    signal.gate.set()
    thread.join(5)
    assert view.peek(0, 0) is None
    assert view.tile(0, 0).max() > 200


def test_a_tile_is_the_same_from_any_thread_and_cannot_be_changed() -> None:
    samples = np.random.default_rng(1).standard_normal((COLUMNS * 512 * 4, 2)) * 0.1
    expected = [tiles(samples).tile(1, i) for i in range(2)]
    view = tiles(samples)
    found: list[bool] = []

    def ask() -> None:
        found.append(all(np.array_equal(view.tile(1, i), expected[i]) for i in (1, 0)))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 6
    with pytest.raises(ValueError):
        view.tile(1, 0)[0, 0] = 1


@pytest.mark.parametrize(
    "wrong", [{"level": -1}, {"index": 99}, {"channel": 2}, {"nfft": 1000}, {"window": "boxcar"}, {"index": -1}]
)
def test_wrong_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        tiles(np.zeros((1000, 1))).tile(**{"level": 0, "index": 0, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", ["linear", "log", "mel", "bark"])
def test_rows_go_up_and_scales_invert(scale: str) -> None:
    rows = row_map(scale, 1025, 48000, 400, 20, 24000)
    assert rows.shape == (400,)
    assert np.all(np.diff(rows) >= 0)
    assert 0 <= rows[0] <= 30
    assert rows[-1] >= 1000
    hz = np.array([20.0, 440.0, 1000.0, 15_000.0])
    assert np.allclose(from_scale(scale, to_scale(scale, hz)), hz)


def test_scales_stand_where_the_literature_puts_them() -> None:
    assert abs(to_scale("mel", np.array([1000.0]))[0] - 1000) < 0.1
    assert abs(to_scale("bark", np.array([1000.0]))[0] - 8.53) < 0.01  # Traunmüller 1990
    octave = to_scale("log", np.array([220.0, 440.0, 880.0]))
    assert abs((octave[2] - octave[1]) - (octave[1] - octave[0])) < 1e-12
    assert row_map("linear", 1025, 48000, 1025, -12, 24012).tolist() == list(range(1025))


@pytest.mark.parametrize("window", list(WINDOWS))
def test_windows_are_those_of_scipy(window: str) -> None:
    expected = get_window(window, 1024)
    assert np.allclose(_window(window, 1024), 2 * expected / expected.sum(), rtol=1e-5, atol=1e-9)
