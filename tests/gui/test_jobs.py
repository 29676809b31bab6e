"""Background work: progress at a bearable rate, an estimate that waits until it knows something, a quick cancel."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest
from pytestqt.qtbot import QtBot

from engine.errors import InputError, ShellacError
from engine.tools.tool import Job
from gui.banner import message_of
from gui.docks.jobs import pace_text
from gui.jobs import Fault, Jobs, Pace, Task


@pytest.fixture
def jobs(qtbot: QtBot) -> Jobs:
    return Jobs()


def test_a_result_arrives_on_the_windows_thread(jobs: Jobs, qtbot: QtBot) -> None:
    seen: list[tuple[int, threading.Thread]] = []
    jobs.start("Sum", lambda _job: 1 + 1, lambda result: seen.append((result, threading.current_thread())))
    qtbot.waitUntil(lambda: bool(seen))
    assert seen == [(2, threading.main_thread())]
    assert jobs.running == []
    assert [task.state for task in jobs.ended] == ["done"]


def test_progress_comes_at_most_twenty_times_a_second(jobs: Jobs, qtbot: QtBot) -> None:
    def work(job: Job) -> float:
        began = time.perf_counter()
        for step in range(3000):
            job.progress(step / 3000)
            time.sleep(0.0002)
        return time.perf_counter() - began

    heard: list[float] = []
    seconds: list[float] = []
    task = jobs.start("Busy", work, seconds.append)
    task.progressed.connect(lambda: heard.append(task.fraction))
    qtbot.waitUntil(lambda: task.state == "done", timeout=20_000)
    assert 1 <= len(heard) <= 20 * seconds[0] + 2
    assert heard == sorted(heard)


def test_a_cancelled_task_is_no_failure(jobs: Jobs, qtbot: QtBot) -> None:
    began = threading.Event()

    def work(job: Job) -> None:
        began.set()
        while True:
            job.check()
            time.sleep(0.001)

    errors: list[object] = []
    task = jobs.start("Endless", work, failed=errors.append)
    assert began.wait(5)
    task.cancel()
    qtbot.waitUntil(lambda: task.state == "cancelled")
    assert errors == []


def test_an_error_of_ours_keeps_its_sentence_and_a_fault_hides_its_traceback(jobs: Jobs, qtbot: QtBot) -> None:
    errors: list[ShellacError | Fault] = []

    def unreadable(_job: Job) -> None:
        raise InputError("the file is damaged", "open another copy")

    def faulty(_job: Job) -> None:
        raise ZeroDivisionError("secret detail")

    def hungry(_job: Job) -> None:
        raise MemoryError

    for work in (unreadable, faulty, hungry):
        jobs.start("Work", work, failed=errors.append)
    qtbot.waitUntil(lambda: len(errors) == 3)
    by_text = {message_of(error).text: message_of(error) for error in errors}
    assert by_text["The file is damaged"].detail == "Open another copy"
    fault = by_text["Work failed"]
    assert "secret" not in fault.text + fault.detail
    assert "ZeroDivisionError: secret detail" in fault.copyable
    assert "There is not enough memory for this" in by_text


def test_closing_stops_everything_and_says_whether_it_could(jobs: Jobs, qtbot: QtBot) -> None:
    def work(job: Job) -> None:
        while True:
            job.check()
            time.sleep(0.001)

    task = jobs.start("Endless", work)
    assert jobs.close(5.0)
    assert task.join(0)
    qtbot.waitUntil(lambda: task.state == "cancelled")


def test_there_is_no_estimate_before_three_chunks_and_then_it_is_the_moving_average() -> None:
    pace = Pace()
    pace.start(0.0, 100.0)
    pace.add(5.0, 101.0)
    pace.add(10.0, 102.0)
    assert pace.speed is None
    assert pace.left_s(60.0) is None
    pace.add(15.0, 103.0)
    assert pace.speed == pytest.approx(5.0)
    assert pace.left_s(60.0) == pytest.approx(9.0)
    for chunk in range(8):  # ten times slower from now on: the average forgets what was
        pace.add(20.0 + 5 * chunk, 113.0 + 10 * chunk)
    assert pace.speed == pytest.approx(0.5)


def test_the_pill_says_percent_speed_and_time_left(jobs: Jobs, qtbot: QtBot) -> None:
    task = jobs.start("Restore", lambda _job: None)
    qtbot.waitUntil(lambda: task.state == "done")
    task.fraction, task.speed, task.left_s = 0.4, 7.24, 12.3
    assert pace_text(task) == "40 %  ·  ×7.2  ·  0:12 left"


def test_an_ended_task_holds_nothing_of_what_it_worked_on(jobs: Jobs, qtbot: QtBot) -> None:
    class Recording:
        """Something large."""

    def begin() -> weakref.ref[Recording]:
        sound = Recording()
        jobs.start("Look", lambda _job: sound, lambda result: None)
        return weakref.ref(sound)

    held = [begin() for _ in range(5)]
    qtbot.waitUntil(lambda: not jobs.running)
    qtbot.waitUntil(lambda: not jobs.findChildren(Task))
    gc.collect()
    assert [sound() for sound in held] == [None] * 5
    assert [task.name for task in jobs.ended] == ["Look"] * 5
