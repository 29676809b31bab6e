"""Trains AFiLM for factors of 2, 4 and 8, slim (as it is shipped) or in the published size."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from models.afilm.network import FULL, SLIM, AFiLM
from training.recipe import Recipe
from training.upsample.films import recipes_of

# Half an hour of speech lasts longer than the few epochs that a CPU is given: nothing is learned by heart, and dropout
# would only slow the small one down. The weights are those of any other dropout.
_SLIM: Final = replace(SLIM, dropout=0.0, attention_dropout=0.0)
RECIPES: Final[tuple[Recipe, ...]] = recipes_of(
    "afilm", lambda: AFiLM(_SLIM), lambda: AFiLM(FULL), start={4: "afilm_x2", 8: "afilm_x4"}
)
