"""The picture of a spectrogram: tones at their heights, clicks at their times, at every zoom."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Span
from engine.audio.spectrogram import SpectrogramTiles, TileCache
from gui.views.axes import SCALES, Scale, position_of_hz
from gui.views.envelope import ColumnGrid
from gui.views.spectrogram_picture import Composed, StripCache, Viewport, compose, difference
from gui.views.spectrogram_rows import RowMap

RATE, SECONDS = 44_100, 8
FRAMES = RATE * SECONDS
HEIGHT, WIDTH = 300, 400


def tone(hz: float, amplitude: float = 0.1) -> np.ndarray:  # type: ignore[type-arg]
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(FRAMES) / RATE)).astype(np.float32)[:, None]


def tiles_of(samples: np.ndarray) -> SpectrogramTiles:  # type: ignore[type-arg]
    return SpectrogramTiles(ArraySignal(samples, RATE), cache=TileCache(64 << 20))


def viewport(
    start: float = 0, stop: float = FRAMES, scale: Scale = "log", low: float = 60, bins: int = 1025
) -> Viewport:
    rows = RowMap(scale, low, RATE / 2, HEIGHT, bins, RATE)
    return Viewport(ColumnGrid.over(start, stop, WIDTH), rows, FRAMES)


def drawn(tiles: SpectrogramTiles, view: Viewport, strips: StripCache | None = None) -> np.ndarray:  # type: ignore[type-arg]
    for name in view.tiles():
        tiles.tile(*name, nfft=view.nfft)
    composed = compose(tiles, strips or StripCache(), view, None)
    assert composed.is_sharp
    assert composed.known.all()
    return composed.picture


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("hz", [440.0, 3000.0, 15_000.0])
def test_a_tone_lies_at_its_height_on_every_axis(scale: Scale, hz: float) -> None:
    low = 60.0 if scale == "log" else 0.0
    picture = drawn(tiles_of(tone(hz)), viewport(scale=scale, low=low))
    height = float(picture[:, WIDTH // 2].argmax())
    # A bin is 21.5 Hz: half a bin either way, and half a row.
    edges = [(1 - float(position_of_hz(f, scale, low, RATE / 2))) * HEIGHT - 0.5 for f in (hz + 11, hz - 11)]
    assert edges[0] - 1 <= height <= edges[1] + 1


def test_a_tone_has_its_level() -> None:
    picture = drawn(tiles_of(tone(1000)), viewport())
    # 0.1 is −20 dBFS; between two bins a Hann window loses up to 1.4 dB, a byte is 0.47 dB.
    assert picture[:, 200].max() / 255 * 120 - 120 == pytest.approx(-20.7, abs=1.2)


@pytest.mark.parametrize("seconds", [8.0, 2.0, 0.5, 0.05])
def test_a_click_is_seen_where_it_is_at_every_zoom(seconds: float) -> None:
    samples = np.zeros((FRAMES, 1), dtype=np.float32)
    at = 3 * RATE + 777
    samples[at] = 1.0
    start = at - 0.4 * seconds * RATE
    view = viewport(start, start + seconds * RATE)
    picture = drawn(tiles_of(samples), view)
    loud = np.flatnonzero(picture[HEIGHT // 3] > 0.6 * int(picture[HEIGHT // 3].max()))
    middle = (loud[0] + loud[-1] + 1) / 2 / WIDTH * seconds
    # A transform's middle is known to half a hop; columns lie on a grid, so one more pixel.
    assert middle == pytest.approx(0.4 * seconds, abs=256 / RATE + 2 * seconds / WIDTH)


def test_silence_and_what_lies_beyond_the_end_are_black() -> None:
    assert not drawn(tiles_of(np.zeros((FRAMES, 1), dtype=np.float32)), viewport()).any()
    beyond = drawn(tiles_of(tone(1000)), viewport(FRAMES - RATE, FRAMES + RATE))
    assert beyond[:, : WIDTH // 2 - 4].any()
    assert not beyond[:, WIDTH // 2 + 20 :].any()


def test_above_half_the_rate_there_is_nothing() -> None:
    rows = RowMap("linear", 0, 20_000, 100, 1025, 22_050)
    strip = rows.apply(np.full((1025, 256), 200, dtype=np.uint8))
    assert not strip[:, :44].any()  # 20 k … 11.2 kHz
    assert strip[:, 46:].all()


def test_no_partial_falls_between_two_rows() -> None:
    rows = RowMap("linear", 0, 22_050, 100, 1025, 44_100)  # ten bins a row
    for bin_ in range(0, 1025, 7):
        tile = np.zeros((1025, 256), dtype=np.uint8)
        tile[bin_] = 255
        assert rows.apply(tile).max() == 255


def test_panning_moves_the_picture_and_changes_nothing_else() -> None:
    noise = np.random.default_rng(4).normal(0, 0.1, (FRAMES, 1)).astype(np.float32)
    tiles, strips = tiles_of(noise), StripCache()
    px = 4 * RATE / WIDTH
    before = drawn(tiles, viewport(RATE, 5 * RATE), strips)
    after = drawn(tiles, viewport(RATE + 10 * px, 5 * RATE + 10 * px), strips)
    assert np.array_equal(before[:, 10:], after[:, :-10])


def test_visible_tiles_come_from_the_middle_outwards() -> None:
    view = Viewport(ColumnGrid.over(0, 256 * 512 * 9, 4608), RowMap("log", 60, 22_050, 100, 1025, RATE), 10**9)
    indices = [index for _, index in view.tiles()]
    assert sorted(indices) == list(range(9))
    assert [abs(index - 4) for index in indices] == sorted(abs(index - 4) for index in indices)


def test_until_a_tile_is_there_its_coarse_parent_is_stretched() -> None:
    tiles = tiles_of(tone(1000))
    view = viewport(0, 256 * 512)
    tiles.tile(1, 0)
    composed = compose(tiles, StripCache(), view, None)
    assert not composed.is_sharp
    assert composed.picture[:, 200].max() > 200


def test_a_tile_that_is_computed_anew_is_shown_as_it_was_meanwhile() -> None:
    samples = tone(1000)
    tiles, strips, view = tiles_of(samples), StripCache(), viewport()
    before = drawn(tiles, view, strips)
    tiles.forget(Span(0, FRAMES))
    meanwhile = compose(tiles, strips, view, None)
    assert not meanwhile.is_sharp
    assert np.array_equal(meanwhile.picture, before)


def test_an_old_strip_is_never_taken_for_a_new_tile() -> None:
    quiet, loud = tiles_of(tone(1000, 0.001)), tiles_of(tone(1000))
    strips, view = StripCache(), viewport()
    first, second = drawn(quiet, view, strips), drawn(loud, view, strips)
    assert second.max() - first.max() == pytest.approx(40 / 120 * 255, abs=2)


def level(value: int, known: bool = True) -> Composed:
    return Composed(np.array([[value]], dtype=np.uint8), np.array([known]), True)


def test_difference_is_zero_for_equals_and_counts_decibels() -> None:
    change = lambda a, b, floor=0: int(difference(level(a), level(b), floor).picture[0, 0])  # noqa: E731
    assert change(100, 100) == 128
    assert change(100, 130) == 158
    assert change(130, 100) == 98
    assert change(100, 130, floor=140) == 128  # below what the view shows, noise isn't a change
    assert change(0, 255) == 255


def test_what_is_not_known_of_one_side_is_no_change() -> None:
    assert difference(level(0, known=False), level(200), 0).picture[0, 0] == 128
    assert not difference(level(0, known=False), level(200), 0).known[0]
    tiles, view = tiles_of(tone(1000)), viewport()
    first, *others = sorted(view.tiles())
    for name in others:
        tiles.tile(*name)
    composed = compose(tiles, StripCache(), view, None)
    missing = int(256 * 512 * (1 << first[0]) / FRAMES * WIDTH)
    assert not composed.known[: missing - 1].any()
    assert composed.known[missing + 1 :].all()


def test_an_edit_shows_the_old_picture_until_the_new_one_is_computed() -> None:
    old, new = tiles_of(tone(1000)), tiles_of(tone(3000))
    strips, view = StripCache(), viewport()
    before = drawn(old, view, strips)
    strips.hand_down(old, new)
    meanwhile = compose(new, strips, view, None)
    assert not meanwhile.is_sharp
    assert np.array_equal(meanwhile.picture, before)
    assert drawn(new, view, strips)[:, 200].argmax() < before[:, 200].argmax()


def test_strips_dont_keep_tiles_in_memory() -> None:
    tiles, strips, view = tiles_of(tone(1000)), StripCache(), viewport()
    drawn(tiles, view, strips)
    tile = weakref.ref(tiles.tile(*view.tiles()[0]))
    tiles.close()
    gc.collect()
    assert tile() is None
