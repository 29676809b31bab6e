"""Events: their number, their kinds, their sound, and nothing anywhere else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.tools.age.impulses import Impulses, draw_clicks, draw_crackle, draw_scratches, draw_thumps

RATE = 44_100
Drawer = Callable[[np.random.Generator, float, float, float], Impulses]


def generator(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def one(kind: int, time_s: float = 0.1, length_s: float = 0.002, wall: float = -1.0, hertz: float = 1000.0) -> Impulses:
    time, length, where, level, pitch = (np.array([value]) for value in (time_s, length_s, wall, -0.5, hertz))
    return Impulses(time, length, np.array([kind]), where, level, pitch)


@pytest.mark.parametrize(
    ("draw", "kinds", "shortest", "longest"),
    [
        (draw_crackle, {"crackle"}, 0.00005, 0.0004),
        (draw_clicks, {"click", "pop"}, 0.00005, 0.003),
        (draw_thumps, {"thump"}, 0.01, 0.06),
    ],
)
def test_number_length_and_level_are_as_asked(draw: Drawer, kinds: set[str], shortest: float, longest: float) -> None:
    events = draw(generator(), 1000.0, 5.0, 0.2).events(1)
    assert abs(len(events) - 5000) < 3 * np.sqrt(5000)
    assert {event.kind for event in events} == kinds
    lengths = [event.length_s for event in events]
    assert shortest <= min(lengths)
    assert max(lengths) <= longest
    assert np.median([event.level for event in events]) == pytest.approx(0.2, rel=0.05)
    assert max(event.level for event in events) <= 1.0
    times = np.array([event.time_s for event in events])
    # Waiting times of a Poisson process are exponential: mean and standard deviation alike.
    assert np.diff(times).std() == pytest.approx(np.diff(times).mean(), rel=0.06)


@pytest.mark.parametrize("draw", [draw_crackle, draw_clicks, draw_thumps])
def test_silence_lies_between_the_events_and_each_peak_is_its_level(draw: Drawer) -> None:
    impulses = draw(generator(3), 20.0, 0.5, 0.2)
    sound = impulses.render(RATE, 0, 21 * RATE, 1)[:, 0]
    free = np.ones(len(sound), dtype=bool)
    for event in impulses.events(1):
        first = round(event.time_s * RATE)
        part = slice(first, first + int(event.length_s * RATE) + 2)
        free[part] = False
        # A thump swells and may miss its peak by a sample; crackle is louder only where events meet.
        assert np.abs(sound[part]).max() == pytest.approx(event.level, rel=0.02)
    assert not sound[free].any()
    assert (~free).any()


def test_a_click_is_a_decaying_cosine_from_its_first_sample() -> None:
    sound = one(1).render(RATE, 0, RATE, 1)[:, 0]
    time = np.arange(int(0.002 * RATE) + 1) / RATE
    expected = -0.5 * np.exp(-4 * time / 0.002) * np.cos(2 * np.pi * 1000 * time)
    assert sound[4410 : 4410 + len(time)] == pytest.approx(expected, abs=1e-6)
    assert not sound[:4410].any()


@pytest.mark.parametrize("rate", [8000, 192_000])
def test_even_the_shortest_event_is_heard_at_any_rate(rate: int) -> None:
    assert np.abs(one(0, length_s=0.00005).render(rate, 0, rate, 1)).max() == pytest.approx(0.5)


def test_an_event_may_hit_one_wall_or_all() -> None:
    assert np.abs(one(1, wall=0.6).render(RATE, 0, RATE, 2)).max(axis=0).tolist() == [0.0, 0.5]
    assert np.abs(one(1, wall=0.6).render(RATE, 0, RATE, 1)).max() == 0.5
    assert np.abs(one(1, wall=-1.0).render(RATE, 0, RATE, 3)).max(axis=0).tolist() == [0.5] * 3
    assert one(1, wall=0.6).events(2)[0].channel == 1
    assert one(1, wall=-1.0).events(2)[0].channel is None
    assert one(1, wall=0.6).events(1)[0].channel is None


def test_any_span_has_the_bits_of_the_whole() -> None:
    impulses = Impulses.joined([draw_clicks(generator(), 2.0, 60.0, 0.3), draw_thumps(generator(), 2.0, 5.0, 0.3)])
    whole = impulses.render(RATE, 0, 2 * RATE, 2)
    for start, stop in ((0, 1), (40_000, 50_000), (12_345, 12_346), (9, 9)):
        assert np.array_equal(impulses.render(RATE, start, stop, 2), whole[start:stop])


def test_scratches_return_with_every_turn() -> None:
    turn = 60 / 78.26
    times = np.array([event.time_s for event in draw_scratches(generator(2), 400.0, 2.0, 0.2, turn).events(1)])
    assert len(times) == pytest.approx(800, rel=0.2)
    # Nearly every event has another one a turn away, within a few milliseconds; by chance 2 % would.
    gaps = np.array([np.abs(np.abs(times - time) - turn).min() for time in times])
    assert (gaps < 0.003).mean() > 0.95


def test_no_events_are_silence() -> None:
    assert not draw_clicks(generator(), 5.0, 0.0, 0.5).render(RATE, 0, RATE, 2).any()
