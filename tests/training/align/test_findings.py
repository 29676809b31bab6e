"""Speed, verdicts and confidence are measured right: on maps and numbers whose figures are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from training.align.curves import disc_speed
from training.align.findings import (
    calibration_gap,
    confidence_finding,
    fitted_speed,
    separation,
    speed_finding,
    structure_finding,
    verdict_finding,
)
from training.align.measuring import Outcome
from training.align.pair import Answer, Match, Pair

SILENCE = np.zeros(10, dtype=np.float32)
LINE = np.array([0.0, 60.0])


def outcome(**said: object) -> Outcome:
    return Outcome("ours", "x", Answer(LINE, LINE, **said))  # type: ignore[arg-type]


def pair_of(name: str = "x", *, is_related: bool = True, **fields: object) -> Pair:
    truth = np.arange(1.0, 60.0)
    facts = {"reference_s": 60.0, "target_s": 60.0}
    pair = Pair(name, "x", SILENCE, SILENCE, 10, truth, truth, is_related=is_related, facts=facts)
    return replace(pair, **fields)  # type: ignore[arg-type]


def test_speed_and_wow_are_read_off_a_true_map_to_rounding_and_errors_are_told() -> None:
    curve = disc_speed(np.random.default_rng(1), 1.0, 0.3)
    reference = np.linspace(0.0, 60.0, 3001)
    facts = {"reference_s": 60.0, "speed": 1.01, "wow": 0.003, "wow_hz": 1.3}
    pair = pair_of(facts=facts)
    true = Answer(reference, curve.source_at(reference))
    _, found = speed_finding("ours", [(pair, Outcome("ours", "x", true))])
    assert found["speed_ppm"] == pytest.approx(0.0, abs=0.5)
    assert found["wow_depth_percent"] == pytest.approx(0.0, abs=0.5)
    fast = Answer(reference, curve.source_at(reference) / (1.0 + 30e-6))
    _, found = speed_finding("ours", [(pair, Outcome("ours", "x", fast))])
    assert found["speed_ppm"] == pytest.approx(30.0, abs=0.5)


def test_a_straight_line_has_no_wow() -> None:
    copy = np.linspace(0.0, 50.0, 5000)
    slope, depth = fitted_speed(copy, 1.02 * copy + 3.0, 1.3)
    assert slope == pytest.approx(1.02)
    assert depth == pytest.approx(0.0, abs=1e-9)


def test_refusals_are_counted_apart_for_strangers_and_for_kin() -> None:
    answered = [
        (pair_of("a", is_related=False), outcome(is_refused=True)),
        (pair_of("b", is_related=False), outcome(is_refused=False)),
        (pair_of("c"), outcome(is_refused=False)),
        (pair_of("d"), outcome(is_refused=True)),
    ]
    _, found = verdict_finding("ours", answered)
    assert (found["refused"], found["false_alarms"], found["wrong"]) == (0.5, 0.5, ["b", "d"])
    assert "can't say" in verdict_finding("mel", [(pair_of(), outcome())])[0][0]


def test_seams_are_counted_over_all_pairs() -> None:
    runs = (Match((0.0, 20.0), (0.0, 20.0)), Match((30.0, 60.0), (20.0, 50.0)))
    facts = {"reference_s": 60.0, "target_s": 50.0}
    pair = pair_of("piece cut", matches=runs, facts=facts)
    right, silent = outcome(matches=runs), outcome(matches=(Match((0.0, 60.0), (0.0, 50.0)),))
    assert structure_finding("ours", [(pair, right)])[1]["boundary_f1"] == 1.0
    both = structure_finding("ours", [(pair, right), (pair, silent)])[1]
    assert both["boundary_f1"] == pytest.approx(2.0 * 2 / (2 + 4))
    assert structure_finding("mel", [(pair, outcome())]) == ([], {})


def test_separation_is_the_chance_that_a_good_point_is_surer() -> None:
    good = np.array([True, True, False, False])
    assert separation(np.array([0.9, 0.8, 0.2, 0.1]), good) == 1.0
    assert separation(np.array([0.1, 0.2, 0.8, 0.9]), good) == 0.0
    assert separation(np.full(4, 0.5), good) == 0.5
    assert separation(np.array([0.9, 0.3, 0.5, 0.1]), good) == 0.75
    assert math.isnan(separation(np.ones(2), np.array([True, True])))


def test_the_gap_of_calibration_is_that_of_a_coin_and_of_a_boaster() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.0, 1.0, 200_000)
    assert calibration_gap(sure, rng.uniform(0.0, 1.0, 200_000) < sure) < 0.01
    assert calibration_gap(np.ones(100), np.arange(100) < 60) == pytest.approx(0.4)


def test_confidence_is_held_against_errors_beyond_50_ms() -> None:
    truth = np.arange(1.0, 60.0)
    off = np.where(truth > 30.0, 0.2, 0.01)
    pair = pair_of(truth_target_s=truth + off)
    knots = np.array([0.0, 30.2, 30.8, 60.0])
    answer = Answer(knots, knots, confidence=np.array([1.0, 1.0, 0.0, 0.0]))
    _, found = confidence_finding("ours", [(pair, Outcome("ours", "x", answer))])
    assert found["auroc"] == 1.0
    assert found["ece"] == pytest.approx(0.0, abs=1e-12)
    assert "doesn't say" in confidence_finding("mel", [(pair, outcome())])[0][0]
