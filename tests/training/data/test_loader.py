"""Batches come in the order of their steps, whoever makes them and when, and an error comes where its batch would."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from training.data.loader import ahead, in_order, picks_at
from training.errors import TrainingError


def counting(made: list[int], until: int = 1000) -> Iterator[int]:
    for number in range(until):
        made.append(number)
        yield number


def test_the_same_values_come_in_the_same_order_and_then_end() -> None:
    with ahead(iter(range(50)), depth=3) as values:
        assert list(values) == list(range(50))
        assert list(values) == []


def test_some_are_ready_before_they_are_asked_for_and_never_more_than_that() -> None:
    made: list[int] = []
    with ahead(counting(made), depth=4) as values:
        deadline = time.monotonic() + 20.0
        while len(made) < 4 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert made == [0, 1, 2, 3]
        assert next(values) == 0
    assert len(made) <= 5


def test_an_error_is_raised_in_its_place_and_what_came_before_is_kept() -> None:
    def spoilt() -> Iterator[int]:
        yield 1
        yield 2
        raise TrainingError("a recording went missing")

    with ahead(spoilt()) as values:
        assert [next(values), next(values)] == [1, 2]
        with pytest.raises(TrainingError, match="went missing"):
            next(values)


def test_closing_ends_thread_and_source() -> None:
    ended = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            ended.set()

    values = ahead(source())
    next(values)
    values.close()
    assert ended.is_set()
    assert not [thread for thread in threading.enumerate() if "batches ahead" in thread.name]
    with pytest.raises(StopIteration):
        next(values)
    values.close()


def test_waiting_is_counted() -> None:
    gate = threading.Event()

    def slow() -> Iterator[int]:
        gate.wait(20.0)
        yield 1

    with ahead(slow()) as values:
        threading.Timer(0.05, gate.set).start()
        next(values)
        assert values.waited_seconds > 0.0


def test_many_threads_give_the_batches_of_their_steps_in_order() -> None:
    def make(step: int) -> tuple[int, float]:
        rng = np.random.default_rng((7, step))
        time.sleep(0.002 * rng.random())  # they finish in any order
        return step, float(rng.random())

    for workers in (1, 3):
        batches = in_order(make, 10, workers=workers)
        assert [next(batches) for _ in range(20)] == [make(step) for step in range(10, 30)]
        batches.close()  # type: ignore[attr-defined]


def test_a_resumed_run_sees_the_picks_it_would_have_seen() -> None:
    indices = np.arange(23)
    steps = [picks_at(indices, 4, 1, step) for step in range(15)]
    for number in range(3):  # five steps a pass: 20 of 23, each once
        seen = np.concatenate(steps[5 * number : 5 * number + 5])
        assert len(set(seen.tolist())) == 20
    assert not np.array_equal(np.concatenate(steps[:5]), np.concatenate(steps[5:10]))
    np.testing.assert_array_equal(picks_at(indices, 4, 1, 7), steps[7])
    assert not np.array_equal(picks_at(indices, 4, 2, 7), steps[7])


def test_a_pass_is_shuffled_once_and_its_steps_are_taken_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    indices = np.random.default_rng(0).integers(0, 10**6, 1003)
    truth = [np.random.default_rng((5, number)).permutation(indices) for number in range(3)]
    drawn: list[object] = []
    generator = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed: drawn.append(seed) or generator(seed))
    for step in range(30):
        number, place = divmod(step, 10)
        np.testing.assert_array_equal(picks_at(indices, 100, 5, step), truth[number][100 * place : 100 * place + 100])
    assert drawn == [(5, 0), (5, 1), (5, 2)]


def test_too_few_items_for_a_batch_are_said() -> None:
    with pytest.raises(TrainingError, match="3 training items don't fill a batch of 8"):
        picks_at(np.arange(3), 8, 0, 0)
