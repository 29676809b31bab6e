"""What a run does at which step: steps decide the learning rate and the phase, never the clock.

Minutes become a number of steps once, when the pace is known; from then on two runs of that number are the same run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from training.recipe import Phase, Recipe, Settings, TrainingError

MEASURED_STEPS: Final = 30  # after so many the pace is known; until then a run warms up
_SETTLED: Final = 20  # of these, the last: the first ones compile, load and allocate
_LOWEST_RATE: Final = 0.02  # of the peak, at the end


def learning_rate(
    recipe: Recipe, step: int, steps: int | None, peak: float | None = None, learned: int | None = None
) -> float:
    """Linear warm-up, then a cosine over all `steps` down to 2 % of the peak; without a plan it stays at the peak.

    A discriminator brings its own `peak`, and warms up over the steps in which it has `learned`.
    """
    warm = min(1.0, ((step if learned is None else learned) + 1) / max(1, recipe.warmup_steps))
    progress = min(1.0, step / steps) if steps else 0.0
    cosine = 0.5 * (1.0 + math.cos(math.pi * progress))
    return (recipe.peak_rate if peak is None else peak) * warm * (_LOWEST_RATE + (1.0 - _LOWEST_RATE) * cosine)


def phase_at(phases: Sequence[Phase], step: int, steps: int | None) -> Phase:
    """Return the phase that a step belongs to; without a plan the first."""
    done = step / steps if steps else 0.0
    return next((phase for phase in phases if done < phase.until), phases[-1])


def check_phases(recipe: Recipe) -> None:
    """Refuse a curriculum that doesn't say what happens at every step.

    Raises
    ------
    TrainingError
        If the phases don't follow each other up to 1, or one asks for an adversary that the recipe hasn't.
    """
    ends = [phase.until for phase in recipe.phases]
    if not ends or ends[-1] != 1.0 or ends[0] <= 0.0 or any(one >= other for one, other in pairwise(ends)):
        raise TrainingError(
            f"the phases of {recipe.name} end at {ends}: let `until` rise from phase to phase, the last to 1.0"
        )
    if recipe.adversary is None and any(phase.options.get("adversarial") for phase in recipe.phases):
        raise TrainingError(f"a phase of {recipe.name} is adversarial, but the recipe has no adversary: give it one")


def planned_steps(step_seconds: Sequence[float], spent: float, validation_seconds: float, settings: Settings) -> int:
    """How many steps the asked minutes hold, from the pace of the first ones.

    Parameters
    ----------
    step_seconds
        What each step so far took; the median of the last 20 is the pace.
    spent
        Seconds that are gone already, validation included.
    validation_seconds
        What one validation takes; one comes with every checkpoint.

    Returns
    -------
    int
        Steps of the whole run, never fewer than have been taken.
    """
    pace = max(median(step_seconds[-_SETTLED:]), 1e-6)
    period = max(settings.checkpoint_minutes * 60.0, pace)
    left = (settings.minutes * 60.0 - spent - validation_seconds) * period / (period + validation_seconds)
    return len(step_seconds) + max(0, math.floor(left / pace))
