"""One run over many cases: the same figures in any number of processes, and nothing that fails gets lost."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import pytest

from training.quality import (
    Answer,
    Case,
    Contender,
    Material,
    Round,
    blind,
    bound,
    measure_cases,
    measure_rounds,
    named,
    undamaged,
)
from training.quality import untouched as doing_nothing
from training.quality.measures.base import Measure
from training.validation import Clip

RATE = 8_000
MEASURES = named("SNR", "SNR gain", "SI-SDR")


def clip(name: str, seed: int) -> Clip:
    samples = 0.1 * np.random.default_rng(seed).standard_normal(RATE)
    return Clip(name, "music", RATE, samples.astype(np.float32))


def noisy(clip: Clip, seed: int, at_db: float = 10.0) -> Material:
    noise = np.random.default_rng(seed).standard_normal(len(clip.samples))
    noise *= np.sqrt(np.mean(clip.samples**2) / np.mean(noise**2) / 10 ** (at_db / 10))
    return Material((clip.samples + noise).astype(np.float32), clip.samples, clip.rate)


def half_as_loud(samples: np.ndarray, rate: int) -> np.ndarray:
    return samples * np.float32(0.5)


def too_short(samples: np.ndarray, rate: int) -> np.ndarray:
    return samples[:-1]


def full_of_holes(samples: np.ndarray, rate: int) -> np.ndarray:
    return np.where(np.arange(len(samples)) % 4000 == 0, np.nan, samples).astype(np.float32)


def broken(samples: np.ndarray, rate: int) -> np.ndarray:
    raise RuntimeError("no such filter\nand a long story")


def quieter_in_place(samples: np.ndarray, rate: int) -> np.ndarray:
    samples *= np.float32(0.1)
    return samples


def the_truth(given: np.ndarray, target: np.ndarray, rate: int) -> np.ndarray:
    return target


def lost_damage(clip: Clip, seed: int) -> Material:
    raise FileNotFoundError(f"{clip.name} is gone")


def deadly(material: Material) -> Answer:
    os._exit(9)


def cases(count: int = 4) -> list[Case]:
    return [Case("noise 10 dB", clip(f"clip {n}", n), noisy, 100 + n) for n in range(count)]


def field() -> list[Contender]:
    return [doing_nothing("noisy"), blind("half", "peer", half_as_loud), bound("truth", the_truth)]


def test_figures_are_those_of_the_damage() -> None:
    report = measure_cases(cases(), field(), MEASURES)
    given = report.cell("noise 10 dB", "SNR", "noisy")
    assert given is not None
    assert (given.mean, given.count) == (pytest.approx(10.0, abs=1e-4), 4)
    best = report.cell("noise 10 dB", "SNR gain", "truth")
    assert best is not None
    assert best.mean == pytest.approx(190.0, abs=1e-4)  # equality counts as 200 dB
    assert not report.misses


def test_processes_and_order_of_work_change_no_bit() -> None:
    alone, together = (measure_cases(cases(5), field(), MEASURES, jobs) for jobs in (1, 2))
    assert alone.figures == together.figures
    assert [f.clip for f in alone.figures[::9]] == [f"clip {n}" for n in range(5)]  # 3 contenders, 3 measures


def test_a_case_that_fails_is_named_and_the_others_are_measured() -> None:
    lost = Case("noise 10 dB", clip("lost", 9), lost_damage)
    report = measure_cases([lost, *cases(2)], field(), MEASURES)
    (failure,) = report.failures
    assert str(failure) == "FAILED: noise 10 dB, lost: the damage can't be done: FileNotFoundError: lost is gone"
    cell = report.cell("noise 10 dB", "SNR", "half")
    assert cell is not None
    assert cell.count == 2


def test_a_contender_that_fails_or_answers_nonsense_is_named_for_every_case() -> None:
    bad = {"broken": broken, "short": too_short, "holes": full_of_holes}
    everyone = [blind(name, "peer", function) for name, function in bad.items()]
    report = measure_cases(cases(2), [*everyone, doing_nothing("noisy")], MEASURES)
    reasons = {(miss.contender, miss.reason) for miss in report.failures}
    assert reasons == {
        ("broken", "RuntimeError: no such filter"),
        ("short", "the answer has the shape (7999,), the target (8000,)"),
        ("holes", "2 samples of the answer are no numbers"),
    }
    assert len(report.failures) == 6
    assert {figure.contender for figure in report.figures} == {"noisy"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_turning_the_truth_down_with_the_answer_earns_no_figure(jobs: int) -> None:
    clean = [Case("clean", clip(f"clip {n}", n), undamaged) for n in range(2)]
    vandal = blind("vandal", "peer", quieter_in_place)
    report = measure_cases(clean, [vandal, blind("half", "peer", half_as_loud)], named("SNR"), jobs)
    assert report.cell("clean", "SNR", "vandal") is None
    assert {(miss.contender, "read-only" in miss.reason) for miss in report.failures} == {("vandal", True)}
    half = report.cell("clean", "SNR", "half")
    assert half is not None
    assert half.mean == pytest.approx(20 * np.log10(2), abs=1e-4)  # the error is half of the target


def test_an_answer_at_another_rate_is_no_answer() -> None:
    wrong = Contender("wrong rate", "peer", lambda material: Answer(material.given, 2 * RATE))
    report = measure_cases(cases(1), [wrong], MEASURES)
    assert [miss.reason for miss in report.failures] == ["the answer has 16000 Hz, the target 8000 Hz"]


def test_a_measure_that_gives_no_number_is_a_failure_and_one_that_means_nothing_is_not() -> None:
    endless = Measure("endless", "", "higher", "Divides by zero.", lambda material, answer: float("inf"))
    report = measure_cases(cases(1), [doing_nothing("noisy")], [endless, *named("click recall")])
    assert [(miss.measure, miss.is_failure) for miss in report.misses] == [("endless", True), ("click recall", False)]
    assert not report.figures


def test_a_process_that_dies_is_reported_and_doesnt_hang() -> None:
    report = measure_cases(cases(3), [Contender("deadly", "peer", deadly)], MEASURES, jobs=2)
    assert len(report.failures) == 3
    assert all("fewer --jobs" in miss.reason for miss in report.failures)


def test_rounds_with_other_contenders_stand_in_one_report() -> None:
    easy = [Case("noise 30 dB", clip("easy", 3), partial(noisy, at_db=30.0), 1)]
    report = measure_rounds([Round(cases(2), field(), MEASURES), Round(easy, field()[:1], MEASURES[:1])])
    assert report.kinds == ("noise 10 dB", "noise 30 dB")
    assert report.cases == 3
    cell = report.cell("noise 30 dB", "SNR", "noisy")
    assert cell is not None
    assert cell.mean == pytest.approx(30.0, abs=1e-3)
    assert report.cell("noise 30 dB", "SNR", "half") is None


def test_nothing_to_measure_and_twins_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing to measure"):
        measure_cases([], field(), MEASURES)
    with pytest.raises(ValueError, match="jobs must be at least 1, got 0"):
        measure_cases(cases(1), field(), MEASURES, jobs=0)
    with pytest.raises(ValueError, match="two contenders of one round share a name"):
        measure_cases(cases(1), [*field(), *field()], MEASURES)
