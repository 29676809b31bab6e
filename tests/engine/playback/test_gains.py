"""The monitor table of the specification, and gains that move along straight lines."""

from __future__ import annotations

import numpy as np
import pytest

from engine.playback.gains import MonitorGains, Wanted, gains_for

RATE = 48_000
TOGGLE = 480  # 10 ms
MATCH = 24_000  # 0.5 s


def heard(gains: MonitorGains, frames: int, block: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Return gA and gB of the next `frames` samples."""
    a, b = [], []
    for start in range(0, frames, block):
        size = min(block, frames - start)
        gains.fill(size)
        if gains.constant is None:
            a.append(gains.a[:size, 0].copy())
            b.append(gains.b[:size, 0].copy())
        else:
            a.append(np.full(size, gains.constant[0], dtype=np.float32))
            b.append(np.full(size, gains.constant[1], dtype=np.float32))
    return np.concatenate(a), np.concatenate(b)


@pytest.mark.parametrize(("monitor", "expected"), [("A", (0.5, 0.0)), ("B", (0.0, 0.25)), ("delta", (-4.0, 4.0))])
def test_the_table(monitor: str, expected: tuple[float, float]) -> None:
    assert gains_for(Wanted(monitor, match_a=0.5, match_b=0.25, delta=4.0)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("block", [1, 7, 480, 1000])
def test_a_toggle_is_a_straight_line_of_ten_milliseconds(block: int) -> None:
    gains = MonitorGains(RATE, 1000, Wanted("B", match_a=1.0, match_b=0.5))
    gains.wanted = gains.wanted._replace(monitor="A")
    a, b = heard(gains, 1000, block)
    k = np.minimum(np.arange(1, 1001) / TOGGLE, 1)
    assert np.array_equal(a, k.astype(np.float32))
    assert np.array_equal(b, (0.5 - 0.5 * k).astype(np.float32))


def test_a_toggle_in_the_middle_of_another_starts_where_that_one_was() -> None:
    gains = MonitorGains(RATE, 1000, Wanted("B"))
    gains.wanted = Wanted("A")
    heard(gains, 120)
    gains.wanted = Wanted("B")
    a, b = heard(gains, TOGGLE, block=100)
    k = np.arange(1, TOGGLE + 1) / TOGGLE
    assert np.allclose(a, 0.25 * (1 - k), atol=1e-7)  # float32
    assert np.allclose(b, 0.75 + 0.25 * k, atol=1e-7)


def test_a_new_match_takes_half_a_second() -> None:
    gains = MonitorGains(RATE, 1000, Wanted("B"))
    gains.wanted = Wanted("B", match_b=0.5)
    a, b = heard(gains, MATCH + 100)
    k = np.minimum(np.arange(1, MATCH + 101) / MATCH, 1)
    assert not a.any()
    assert np.array_equal(b, (1 - 0.5 * k).astype(np.float32))


def test_a_match_stands_still_during_a_toggle() -> None:
    gains = MonitorGains(RATE, 1000, Wanted("B"))
    gains.wanted = Wanted("B", match_b=0.5)
    _, b = heard(gains, MATCH // 2)
    assert b[-1] == pytest.approx(0.75, abs=1e-6)
    gains.wanted = Wanted("A", match_b=0.5)
    a, b = heard(gains, TOGGLE)
    k = np.arange(1, TOGGLE + 1) / TOGGLE
    assert np.allclose(a, k, atol=1e-7)
    assert np.allclose(b, 0.75 * (1 - k), atol=1e-7)
    gains.wanted = Wanted("B", match_b=0.5)
    heard(gains, TOGGLE)
    _, b = heard(gains, MATCH // 2)
    assert b[0] == pytest.approx(0.75, abs=1e-4)  # goes on where it stood
    assert b[-1] == pytest.approx(0.5, abs=1e-6)


def test_the_difference_is_never_level_matched() -> None:
    gains = MonitorGains(RATE, 1000, Wanted("delta", delta=10.0))
    gains.wanted = Wanted("delta", match_a=0.3, match_b=1.0, delta=10.0)
    a, b = heard(gains, MATCH + 10)
    assert np.all(a == -10)
    assert np.all(b == 10)


def test_nothing_moves_when_nothing_is_asked_for() -> None:
    gains = MonitorGains(RATE, 1000, Wanted("A", match_a=0.5))
    gains.fill(1000)
    assert gains.constant == (0.5, 0.0)
