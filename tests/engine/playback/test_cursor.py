"""The playhead shows what is heard, and glides there however unevenly the callbacks come."""

from __future__ import annotations

import itertools
import random

import pytest

from engine.playback.cursor import Cursor, Log, Moment

RATE = 48_000
DELAY_S = 0.2


def simulate(jitter_s: float, seconds: float = 4.0) -> list[tuple[float, float]]:
    """Return (time, position) of a view at 60 fps, with 50-ms blocks whose callbacks come late by up to `jitter_s`."""
    shake = random.Random(3)
    log, cursor = Log(), Cursor()
    blocks = [(n * 0.05 + shake.uniform(0, jitter_s), n * 2400) for n in range(int(seconds / 0.05))]
    seen, due = [], 0
    for frame in range(int(seconds * 60)):
        now = frame / 60
        while due < len(blocks) and blocks[due][0] <= now:
            log.add(Moment(blocks[due][0] + DELAY_S, blocks[due][1], 2400, 1))
            due += 1
        moment = log.heard(now)
        if moment is not None:
            seen.append((now, cursor.read(moment, now, RATE)))
    return seen


def test_it_shows_what_is_heard_and_not_what_was_rendered() -> None:
    for now, position in simulate(jitter_s=0.0)[30:]:
        assert position / RATE == pytest.approx(now - DELAY_S, abs=0.002)  # a tenth of a 60-Hz frame


def test_it_never_steps_back_while_callbacks_come_unevenly() -> None:
    seen = simulate(jitter_s=0.04)
    steps = [after[1] - before[1] for before, after in itertools.pairwise(seen)]
    assert min(steps) >= 0
    for now, position in seen[60:]:
        assert position / RATE == pytest.approx(now - DELAY_S, abs=0.045)  # no worse than the callbacks themselves


def test_it_waits_at_the_start_until_the_first_block_is_heard() -> None:
    log, cursor = Log(), Cursor()
    log.add(Moment(1.2, 480, 2400, 1))
    moment = log.heard(1.0)
    assert moment is not None
    assert cursor.read(moment, 1.0, RATE) == 480


def test_a_seek_is_a_jump_backwards_too() -> None:
    cursor = Cursor()
    assert cursor.read(Moment(0.0, 480_000, 480, 1), 0.005, RATE) == pytest.approx(480_240)
    assert cursor.read(Moment(0.01, 1000, 480, 2), 0.01, RATE) == 1000


def test_it_stands_where_the_sound_stands() -> None:
    cursor = Cursor()
    cursor.read(Moment(0.0, 0, 480, 1), 0.009, RATE)
    assert cursor.read(Moment(0.01, 480, 0, 1), 0.5, RATE) == 480
    assert cursor.read(Moment(0.01, 480, 0, 1), 0.6, RATE) == 480


def test_the_log_forgets_only_what_is_long_over() -> None:
    log = Log()
    assert log.heard(0.0) is None
    for n in range(1000):
        log.add(Moment(n * 0.01, n, 1, 1))
    for n in (800, 900, 999):
        moment = log.heard(n * 0.01 + 0.001)
        assert moment is not None
        assert moment.place == n
