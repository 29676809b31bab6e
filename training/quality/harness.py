"""Has every contender answer every case and measures the answers, in processes; nothing that fails gets lost.

The figures don't depend on the number of processes or on the order: every case draws from its own seed.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass

from training.quality.cases import Case, Material
from training.quality.contenders import Answer, Contender, problem_with
from training.quality.measures import Measure, NotMeasurableError
from training.quality.table import Figure, Miss, Report


@dataclass(frozen=True)
class Round:
    """Cases that the same contenders answer and the same measures judge."""

    cases: Sequence[Case]
    contenders: Sequence[Contender]
    measures: Sequence[Measure]

    def __post_init__(self) -> None:
        for what, names in (
            ("contenders", [c.name for c in self.contenders]),
            ("measures", [m.name for m in self.measures]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"two {what} of one round share a name: {', '.join(names)}")


@dataclass(frozen=True)
class _Task:
    """One case with everything needed to measure it elsewhere."""

    case: Case
    contenders: Sequence[Contender]
    measures: Sequence[Measure]


@dataclass(frozen=True)
class _Outcome:
    figures: tuple[Figure, ...] = ()
    misses: tuple[Miss, ...] = ()


def measure_cases(
    cases: Sequence[Case], contenders: Sequence[Contender], measures: Sequence[Measure], jobs: int = 1
) -> Report:
    """Measure one round; see `measure_rounds`."""
    return measure_rounds((Round(cases, contenders, measures),), jobs)


def measure_rounds(rounds: Sequence[Round], jobs: int = 1, progress: bool = False) -> Report:
    """Measure everything and return the figures in the order of rounds, cases, contenders and measures.

    Parameters
    ----------
    jobs
        Processes; 1 measures in this one.
    progress
        Whether to draw a bar on standard error.

    Raises
    ------
    ValueError
        If there is no case, or `jobs` is under 1.
    """
    tasks = [_Task(case, turn.contenders, turn.measures) for turn in rounds for case in turn.cases]
    if not tasks:
        raise ValueError("there is nothing to measure: every round is empty")
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    began = time.monotonic()
    outcomes = list(_shown(_outcomes(tasks, jobs), len(tasks), progress))
    return Report(
        figures=tuple(figure for outcome in outcomes for figure in outcome.figures),
        misses=tuple(miss for outcome in outcomes for miss in outcome.misses),
        contenders=tuple({c.name: c for turn in rounds for c in turn.contenders}.values()),
        measures=tuple({m.name: m for turn in rounds for m in turn.measures}.values()),
        cases=len(tasks),
        seconds=time.monotonic() - began,
    )


def _outcomes(tasks: Sequence[_Task], jobs: int) -> Iterator[_Outcome]:
    if jobs == 1:
        yield from map(_measure, tasks)
        return
    with _one_thread_each(), ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(_measure, task) for task in tasks]
        try:
            for task, future in zip(tasks, waiting, strict=True):
                yield _result(task, future)
        finally:
            for future in waiting:
                future.cancel()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Have processes that start now compute with one thread: they fill the cores together."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _result(task: _Task, future: Future[_Outcome]) -> _Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        # Killed from outside, most likely for its memory. Nobody knows which case it was.
        reason = "a measuring process died (out of memory?): measure again with fewer --jobs"
        return _Outcome(misses=(_miss(task.case, "", "", reason),))


def _shown(outcomes: Iterator[_Outcome], total: int, progress: bool) -> Iterator[_Outcome]:
    if not progress:
        yield from outcomes
        return
    from tqdm import tqdm

    yield from tqdm(outcomes, total=total, unit="case", file=sys.stderr, disable=None, leave=False)


def _measure(task: _Task) -> _Outcome:
    """Measure one case. What fails is told in words and doesn't stop the others."""
    try:
        material = task.case.material()
    except Exception as error:  # noqa: BLE001  (a recording, a filter, a bug: the run goes on and says so)
        return _Outcome(misses=(_miss(task.case, "", "", f"the damage can't be done: {_words(error)}"),))
    figures: list[Figure] = []
    misses: list[Miss] = []
    for contender in task.contenders:
        try:
            answer = contender.run(material)
        except Exception as error:  # noqa: BLE001  (foreign tools take part)
            misses.append(_miss(task.case, contender.name, "", _words(error)))
            continue
        if problem := problem_with(answer, material):
            misses.append(_miss(task.case, contender.name, "", problem))
            continue
        _judge(task, contender, material, answer, figures, misses)
    return _Outcome(tuple(figures), tuple(misses))


def _judge(
    task: _Task, contender: Contender, material: Material, answer: Answer, figures: list[Figure], misses: list[Miss]
) -> None:
    for measure in task.measures:
        try:
            value = measure.run(material, answer)
        except NotMeasurableError as reason:
            misses.append(_miss(task.case, contender.name, measure.name, str(reason), is_failure=False))
            continue
        except Exception as error:  # noqa: BLE001  (libraries raise what they like)
            misses.append(_miss(task.case, contender.name, measure.name, _words(error)))
            continue
        if value != value or value in (float("inf"), float("-inf")):
            misses.append(_miss(task.case, contender.name, measure.name, f"the measure gives {value}"))
            continue
        figures.append(Figure(task.case.kind, task.case.clip.name, contender.name, measure.name, value))


def _miss(case: Case, contender: str, measure: str, reason: str, is_failure: bool = True) -> Miss:
    return Miss(case.kind, case.clip.name, contender, measure, reason, is_failure)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
