"""The quiet threads: order, replacement, pause, failure, end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from engine.errors import Cancelled, MissingFileError
from gui.views.crew import IDLE_S, Crew


class Gate:
    """A job that tells when it began and waits for permission to end."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> None:
        self.began.set()
        assert self.may_end.wait(10)


def noted(log: list[str], name: str) -> Callable[[], None]:
    return lambda: log.append(name)


def test_jobs_run_in_the_order_they_were_asked_for() -> None:
    crew, log = Crew(1), list[str]()
    crew.want("tiles", [(name, noted(log, name)) for name in "abc"])
    assert crew.wait_idle()
    assert log == ["a", "b", "c"]
    assert crew.close()


def test_what_is_no_longer_wanted_is_never_computed() -> None:
    crew, log, gate = Crew(1), list[str](), Gate()
    crew.want("tiles", [("gate", gate), ("old", noted(log, "old"))])
    assert gate.began.wait(10)
    crew.want("tiles", [("gate", noted(log, "gate again")), ("new", noted(log, "new"))])
    gate.may_end.set()
    assert crew.wait_idle()
    assert log == ["gate again", "new"]  # the job that ran is run anew, and not beside itself
    assert crew.close()


def test_groups_leave_each_other_alone() -> None:
    crew, log, gate = Crew(1), list[str](), Gate()
    crew.want("a", [("gate", gate)])
    assert gate.began.wait(10)
    crew.want("b", [("b", noted(log, "b"))])
    crew.drop("a")
    gate.may_end.set()
    assert crew.wait_idle()
    assert log == ["b"]
    assert crew.close()


def test_a_paused_crew_starts_nothing_until_it_goes_on() -> None:
    crew, log = Crew(2), list[str]()
    crew.pause(True)
    crew.want("tiles", [("a", noted(log, "a"))])
    time.sleep(0.05)
    assert log == []
    crew.pause(False)
    assert crew.wait_idle()
    assert log == ["a"]
    assert crew.close()


def test_a_failure_is_reported_in_words_and_the_next_job_still_runs(qtbot: QtBot) -> None:
    crew, log = Crew(1), list[str]()

    def vanished() -> None:
        raise MissingFileError("side-1.wav is gone", "put it back or choose Relink")

    def cancelled() -> None:
        raise Cancelled

    with qtbot.waitSignal(crew.failed) as failed:
        crew.want("tiles", [(1, vanished), (2, cancelled), (3, noted(log, "after"))])
    assert failed.args == ["side-1.wav is gone: put it back or choose Relink"]
    assert crew.wait_idle()
    assert log == ["after"]
    assert crew.close()


def test_threads_without_work_end_by_themselves() -> None:
    before = threading.active_count()
    crew = Crew(2)
    crew.want("tiles", [(n, lambda: None) for n in range(8)])
    assert crew.wait_idle()
    deadline = time.monotonic() + 20 * IDLE_S
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() == before
    crew.want("tiles", [("more", lambda: None)])
    assert crew.wait_idle()
    assert crew.close()


def test_closing_waits_for_the_job_that_runs_and_says_if_it_is_stuck() -> None:
    crew, gate = Crew(1), Gate()
    crew.want("tiles", [("gate", gate)])
    assert gate.began.wait(10)
    assert not crew.close(0.05)
    gate.may_end.set()
    assert crew.close()


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_threads_work_than_were_hired(threads: int) -> None:
    crew, lock, peak, now = Crew(threads), threading.Lock(), [0], [0]

    def work() -> None:
        with lock:
            now[0] += 1
            peak[0] = max(peak[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1

    crew.want("tiles", [(n, work) for n in range(12)])
    assert crew.wait_idle()
    assert 1 <= peak[0] <= threads
    assert crew.close()
