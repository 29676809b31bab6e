"""The bench measures everybody on the same pairs, says what went wrong, and never loses a pair."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from training.align import bench, contenders, measuring, rows
from training.align.baselines.straight import straight_line
from training.align.contenders import CONTENDERS, Contender
from training.align.measuring import Worker, timed, workers
from training.align.pair import Answer, Pair, Samples
from training.align.rows import QUICK, ROWS, Case, Row, Scale
from training.data import has_development_data
from training.errors import TrainingError
from training.notes import fluidsynth

RATE = 8000


def backwards(reference: Samples, target: Samples, rate: int) -> Answer:
    return Answer(np.array([0.0, 1.0]), np.array([1.0, 0.0]))


def failing(reference: Samples, target: Samples, rate: int) -> Answer:
    raise RuntimeError("no\nidea")


def dying(reference: Samples, target: Samples, rate: int) -> Answer:
    if len(reference) != round(4.0 * 22_050):  # survives what it is warmed up with
        os._exit(1)
    return straight_line(reference, target, rate)


def talking(reference: Samples, target: Samples, rate: int) -> Answer:
    print("... 10 % ...")
    return straight_line(reference, target, rate)


def a_pair(name: str = "x", stretch: float = 1.25) -> Pair:
    truth = np.arange(0.5, 9.5, 0.5)
    reference = np.zeros(10 * RATE, dtype=np.float32)
    return Pair(name, name, reference, np.zeros(round(10 * stretch * RATE), np.float32), RATE, truth, stretch * truth)


def three(scale: Scale) -> Iterator[Case]:
    for name in "abc":
        yield Case(name, lambda name=name: a_pair(name))  # type: ignore[misc]


ROW = Row("0", "silence", three, "0", "none", "0/0/0", (0.001, 0.001, 0.001), {"first 2 s": (0.0, 2.0)})


def test_a_map_that_runs_backwards_and_an_exception_are_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    pair = a_pair()
    sounds = (pair.reference, pair.target, pair.rate)
    assert timed(Contender("x", "peer", backwards), *sounds)[4] == "its map runs backwards"
    assert timed(Contender("x", "peer", failing), *sounds)[4] == "RuntimeError: no idea"
    answer, cpu_s, wall_s, peak_mb, problem = timed(Contender("x", "peer", talking), *sounds)
    assert (answer is not None, problem) == (True, "")
    assert cpu_s >= 0.0
    assert wall_s >= 0.0
    assert peak_mb > 1.0 or np.isnan(peak_mb)
    assert capsys.readouterr().out == ""


def test_a_process_that_dies_is_an_outcome_and_stops_nobody() -> None:
    dead, alive = Contender("dead", "peer", dying), Contender("alive", "control", straight_line)
    with workers((dead, alive)) as running:
        outcomes = {
            name: [worker.align(a_pair(stretch=stretch)) for stretch in (1.25, 1.25, 1.5)]
            for name, worker in running.items()
        }
    assert all("died" in outcome.problem for outcome in outcomes["dead"])
    for outcome, expected in zip(outcomes["alive"], (6.25, 6.25, 7.5), strict=True):
        assert outcome.answer is not None
        np.testing.assert_allclose(outcome.answer.at([5.0]), [expected])


def test_a_row_is_printed_with_its_goal_and_kept_for_programs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = (
        Contender("straight line", "control", straight_line),
        Contender("ours", "ours", straight_line),
        Contender("absent", "peer", straight_line, lambda: "not installed: not run"),
    )
    monkeypatch.setattr(bench, "ROWS", (ROW,))
    monkeypatch.setattr(bench, "CONTENDERS", lines)
    monkeypatch.setattr(bench, "workers", in_this_process)
    assert bench.main(["--json", str(tmp_path / "figures.json")]) == 0
    printed = capsys.readouterr().out
    assert "row 0: silence (3 pairs)" in printed
    assert "target met" in printed
    assert "absent           not installed: not run" in printed
    assert "first 2 s, ours: " in printed
    values = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert values[0]["contenders"]["ours"]["mean"] == pytest.approx(0.0, abs=1e-9)
    assert values[0]["contenders"]["ours"]["points"] == 3 * 18
    assert values[0]["contenders"]["absent"] == {"missing": "not installed: not run", "problems": []}


class in_this_process:  # noqa: N801  (it stands in for the function `workers`)
    """Workers without processes."""

    def __init__(self, wanted: tuple[Contender, ...]) -> None:
        self._running = {contender.name: Here(contender) for contender in wanted}

    def __enter__(self) -> dict[str, Worker]:
        return self._running  # type: ignore[return-value]

    def __exit__(self, *_: object) -> None:
        pass


class Here:
    def __init__(self, contender: Contender) -> None:
        self._contender = contender

    def align(self, pair: Pair) -> measuring.Outcome:
        return measuring.Outcome(
            self._contender.name, pair.name, *timed(self._contender, pair.reference, pair.target, pair.rate)
        )


def test_rows_and_contenders_are_chosen_by_name() -> None:
    assert [row.key for row in bench.chosen_rows("2, 1")] == ["1", "2"]
    assert bench.chosen_rows("") == ROWS
    assert [contender.name for contender in bench.chosen_contenders("ours,Spec+DTW")] == ["Spec+DTW", "ours"]
    with pytest.raises(TrainingError, match="no row 99"):
        bench.chosen_rows("1,99")
    with pytest.raises(TrainingError, match="nobody is called me"):
        bench.chosen_contenders("me")


def test_every_contender_and_row_has_a_name_of_its_own() -> None:
    assert len({contender.name for contender in CONTENDERS}) == len(CONTENDERS)
    assert len({row.key for row in ROWS}) == len(ROWS)
    assert {contender.kind for contender in CONTENDERS} == {"control", "peer", "ours"}


def test_stretches_may_count_from_the_end() -> None:
    pair = a_pair()
    pair = Pair("x", "x", pair.reference, pair.target, RATE, pair.truth_reference_s, pair.truth_target_s,
                facts={"reference_s": 10.0})  # fmt: skip
    assert bench.from_start(pair, (-3.0, np.inf)) == (7.0, np.inf)
    assert bench.from_start(pair, (3.0, -3.0)) == (3.0, 7.0)


def test_ours_says_what_the_solver_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from engine.tools.align.result import Alignment

    found = Alignment.from_knots([0.0, 10.0], [1.0, 11.0], cents=50.0, p_unrelated=0.2)
    solver = SimpleNamespace(align=lambda reference, target: found, UNRELATED_P=0.1)
    monkeypatch.setattr(contenders.importlib, "import_module", lambda name: solver)
    pair = a_pair()
    answer = contenders.ours(pair.reference, pair.target, RATE)
    np.testing.assert_allclose(answer.at([5.0]), [6.0])
    assert (answer.cents, answer.p_unrelated, answer.is_refused) == (50.0, 0.2, True)
    assert answer.matches is not None
    assert answer.matches[0].target_s == (1.0, 11.0)


@pytest.mark.parametrize("key", ["1", "1c", "2", "4"])
def test_cases_of_the_table_can_be_made_and_their_truth_lies_within_them(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (has_development_data() and fluidsynth.is_available()):
        pytest.skip("needs the development data and FluidSynth")
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    row = next(row for row in ROWS if row.key == key)
    pair = next(row.cases(Scale(seconds=10.0, pieces=1))).make()
    assert pair.target.dtype == np.float32
    assert np.isfinite(pair.target).all()
    assert len(pair.truth_reference_s) > 5
    assert pair.truth_target_s.min() >= 0.0
    assert pair.truth_target_s.max() <= pair.target_s
    assert pair.truth_reference_s.max() <= pair.reference_s


def test_damages_take_turns_when_few_are_wanted() -> None:
    assert [list(QUICK.turn(piece, 4)) for piece in range(5)] == [[0], [1], [2], [3], [0]]
    assert list(Scale().turn(3, 4)) == [0, 1, 2, 3]
    assert rows.SEED_SHIFTS[0] == 0
