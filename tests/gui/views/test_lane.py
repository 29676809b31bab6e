"""A side of the comparison: its peaks grow or follow the chunks, and nobody waits for a render."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engine.audio.signal import ArraySignal, Samples, Span
from gui.views.lane import Difference, Lane, MidSide, merged

RATE = 44_100
FRAMES = 5 * 256 * 1000 + 77


class Unfinished:
    """A result of which only `done` is rendered; whoever calls `read` would wait for a network."""

    rate, channels, frames = RATE, 2, FRAMES

    def __init__(self, source: Samples, result: Samples) -> None:
        self.source, self.result = source, result
        self.done: tuple[Span, ...] = ()
        self.asked: list[Span] = []

    def read(self, start: int, stop: int) -> Samples:
        raise AssertionError("the canvas must not render")

    def read_available(self, start: int, stop: int) -> tuple[Samples, tuple[Span, ...]]:
        self.asked.append(Span(start, stop))
        out = self.source[start:stop].copy()
        for span in self.done:
            cut = span.intersect(Span(start, stop))
            out[cut.start - start : cut.stop - start] = self.result[cut.start : cut.stop]
        return out, self.done


def noise(seed: int, scale: float = 0.5) -> Samples:
    return np.random.default_rng(seed).uniform(-scale, scale, (FRAMES, 2)).astype(np.float32)


@pytest.fixture
def lanes() -> Iterator[list[Lane]]:
    made: list[Lane] = []
    yield made
    assert all(lane.close() for lane in made)


def test_the_peaks_of_a_grow_to_those_of_the_file(qtbot: QtBot, lanes: list[Lane]) -> None:
    samples = noise(1)
    lane = Lane(ArraySignal(samples, RATE), "Original", "A")
    lanes.append(lane)
    shares: list[float] = []
    lane.progress.connect(shares.append)
    lane.load()
    assert lane.wait()
    qtbot.waitUntil(lambda: bool(shares) and shares[-1] == 1.0)
    assert shares == sorted(shares)
    assert lane.loaded == FRAMES
    peaks = lane.peaks().read(0, 256 * 5000, 10)
    expected = samples[: 256 * 5000].reshape(10, -1, 2).max(axis=1)
    assert peaks.maximum == pytest.approx(expected, abs=3e-4)  # float16 of values below 0.5


def test_a_landed_chunk_is_read_alone_and_never_rendered(qtbot: QtBot, lanes: list[Lane]) -> None:
    result = Unfinished(noise(1), noise(2, 0.1))
    lane = Lane(result, "Result", "B")
    lanes.append(lane)
    chunk = Span(5 * RATE, 10 * RATE)
    result.done = (chunk,)
    lane.set_finished(result.done)
    with qtbot.waitSignal(lane.peaks_changed):
        lane.refresh(chunk)
    assert lane.wait()
    assert all(chunk.start - 256 <= s.start and s.stop <= chunk.stop + 256 for s in result.asked)
    inside = lane.peaks().read(6 * RATE, 9 * RATE, 5)
    assert float(inside.maximum.max()) == pytest.approx(0.1, abs=1e-3)
    assert np.isnan(lane.peaks().read(11 * RATE, 12 * RATE, 5).maximum).all()


def test_a_chunk_replaces_the_tiles_that_show_it(lanes: list[Lane]) -> None:
    result = Unfinished(noise(1), np.zeros((FRAMES, 2), dtype=np.float32))
    lane = Lane(result, "Result", "B")
    lanes.append(lane)
    before = lane.tiles().tile(0, 0)
    far = lane.tiles().tile(0, 5)
    result.done = (Span(0, 5 * RATE),)
    lane.refresh(result.done[0])
    assert lane.wait()
    assert lane.tiles().peek(0, 0) is None
    assert lane.tiles().peek(0, 5) is far
    assert int(lane.tiles().tile(0, 0)[:, :200].max()) == 0 < int(before.max())


def test_a_new_result_forgets_the_old_one(qtbot: QtBot, lanes: list[Lane]) -> None:
    lane = Lane(ArraySignal(noise(1), RATE), "Result", "B")
    lanes.append(lane)
    lane.set_finished([Span(0, FRAMES)])
    lane.refresh(Span(0, FRAMES))
    assert lane.wait()
    epoch = lane.epoch
    with qtbot.waitSignal(lane.reset_done):
        lane.reset(ArraySignal(noise(2, 0.01), RATE), [Span(0, 256 * 100)])
    assert lane.epoch > epoch
    assert lane.wait()
    assert float(lane.peaks().read(0, 256 * 100, 1).maximum.max()) == pytest.approx(0.01, abs=1e-4)
    assert np.isnan(lane.peaks().read(256 * 200, 256 * 300, 1).maximum).all()


def test_unfinished_parts_are_what_finished_ones_leave(lanes: list[Lane]) -> None:
    lane = Lane(ArraySignal(noise(1), RATE), "Result", "B")
    lanes.append(lane)
    assert lane.unfinished(0, 100) == (Span(0, 100),)
    lane.set_finished([Span(50, 60), Span(10, 20), Span(20, 30)])
    assert lane.unfinished(0, 100) == (Span(0, 10), Span(30, 50), Span(60, 100))
    assert lane.unfinished(12, 28) == ()
    assert lane.is_finished(12, 28)
    assert not lane.is_finished(25, 35)


def test_the_original_is_always_finished(lanes: list[Lane]) -> None:
    lane = Lane(ArraySignal(noise(1), RATE), "Original", "A")
    lanes.append(lane)
    assert lane.unfinished(0, FRAMES) == ()


def test_mid_and_side_are_half_the_sum_and_half_the_difference() -> None:
    samples = np.float32([[1.0, 0.5], [-0.5, 0.5]])
    assert MidSide(ArraySignal(samples, RATE)).read(0, 2) == pytest.approx(np.float32([[0.75, 0.25], [0.0, -0.5]]))
    mono = np.float32([[0.3]])
    assert np.array_equal(MidSide(ArraySignal(mono, RATE)).read(0, 1), mono)


def test_the_peaks_of_mid_and_side_are_read_when_first_asked_for(lanes: list[Lane]) -> None:
    samples = noise(3)
    samples[:, 1] = -samples[:, 0]  # all side, no mid
    lane = Lane(ArraySignal(samples, RATE), "Original", "A")
    lanes.append(lane)
    lane.peaks(mid_side=True)
    assert lane.wait()
    peaks = lane.peaks(mid_side=True).read(0, 256 * 1000, 1)
    assert float(peaks.maximum[0, 0]) == 0.0
    assert float(peaks.maximum[0, 1]) == pytest.approx(0.5, abs=1e-3)


def test_the_difference_of_equal_sides_is_digital_zero_and_of_others_b_minus_a() -> None:
    a, b = ArraySignal(noise(1), RATE), ArraySignal(noise(2), RATE)
    assert not Difference(a, a).read(100, 5000).any()
    assert np.array_equal(Difference(a, b).read(7, 99), b.samples[7:99] - a.samples[7:99])
    short = ArraySignal(noise(1)[:50].copy(), RATE)
    assert np.array_equal(Difference(short, b).read(40, 60)[10:], b.samples[50:60])


def test_sides_of_different_rates_have_no_difference() -> None:
    with pytest.raises(ValueError, match="22050"):
        Difference(ArraySignal(noise(1), 22_050), ArraySignal(noise(1), RATE))


def test_touching_spans_are_joined() -> None:
    assert merged([Span(5, 9), Span(0, 3), Span(3, 5), Span(20, 21)]) == [Span(0, 9), Span(20, 21)]
