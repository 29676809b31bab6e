"""Steps decide the learning rate and the phase; minutes become steps by the measured pace."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from tests.training.toy_recipes import toys
from training.recipe import Phase, Settings, TrainingError
from training.schedule import check_phases, learning_rate, phase_at, planned_steps


def test_the_rate_warms_up_and_falls_to_a_fiftieth() -> None:
    recipe = toys.recipe("rate", peak_rate=0.1, warmup_steps=5)
    rates = [learning_rate(recipe, step, 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.02)
    assert max(rates) <= 0.1
    assert rates[50] == pytest.approx(0.1 * (0.02 + 0.98 / 2))  # half-way down a cosine
    assert rates[100] == pytest.approx(0.002)
    assert rates[4:] == sorted(rates[4:], reverse=True)


def test_a_recipe_may_do_without_warming_up() -> None:
    recipe = toys.recipe("rate", peak_rate=0.1, warmup_steps=0)
    assert learning_rate(recipe, 0, None) == pytest.approx(0.1)


def test_without_a_plan_the_rate_stays_at_its_peak() -> None:
    recipe = toys.recipe("rate", peak_rate=0.1, warmup_steps=5)
    assert [learning_rate(recipe, step, None) for step in (4, 29)] == pytest.approx([0.1, 0.1])


def test_a_discriminator_has_its_own_peak_and_warm_up() -> None:
    recipe = toys.recipe("rate", peak_rate=0.1, warmup_steps=5)
    assert learning_rate(recipe, 50, 100, 0.01, 0) == pytest.approx(0.2 * 0.01 * (0.02 + 0.98 / 2))


def test_phases_end_where_they_say() -> None:
    phases = (Phase("a", 0.25), Phase("b", 0.5), Phase("c", 1.0))
    assert "".join(phase_at(phases, step, 8).name for step in range(9)) == "aabbccccc"


@pytest.mark.parametrize("ends", [(), (0.5,), (0.5, 0.4, 1.0), (0.5, 0.5, 1.0), (0.0, 1.0), (0.5, 1.5)])
def test_phases_that_make_no_curriculum_are_refused(ends: tuple[float, ...]) -> None:
    with pytest.raises(TrainingError, match="the phases of odd end at"):
        check_phases(toys.recipe("odd", phases=tuple(Phase("x", end) for end in ends)))


def test_an_adversarial_phase_needs_an_adversary() -> None:
    with pytest.raises(TrainingError, match="has no adversary"):
        check_phases(toys.recipe("odd", phases=(Phase("x", 1.0, {"adversarial": True}),)))


def test_a_plan_fills_the_minutes_with_steps_and_their_validations() -> None:
    settings = Settings(minutes=10.0, checkpoint_minutes=1.0)
    first = [9.0] * 10 + [0.5] * 20  # seconds a step: the first ones compile
    assert planned_steps(first, 100.0, 0.0, settings) == 30 + 1000  # 500 s are left
    # One validation of 20 s at the end, and one in every 80 s before it.
    assert planned_steps(first, 100.0, 20.0, settings) == 30 + 720


def test_a_plan_is_never_shorter_than_what_is_done() -> None:
    assert planned_steps([1.0] * 30, 30.0, 0.0, Settings(minutes=0.1)) == 30
