"""Trains TFiLM for factors of 2, 4 and 8, slim (as it is shipped) or in the published size."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from models.tfilm.network import FULL, SLIM, TFiLM
from training.recipe import Recipe
from training.upsample.films import recipes_of
from training.upsample.pairs import FACTORS

# Half an hour of speech lasts longer than the few epochs that a CPU is given: nothing is learned by heart, and dropout
# would only slow the small one down. The weights are those of any other dropout.
_SLIM: Final = replace(SLIM, dropout=0.0)
# The convolutions are AFiLM's in every respect: what they have learned need not be learned twice.
RECIPES: Final[tuple[Recipe, ...]] = recipes_of(
    "tfilm", lambda: TFiLM(_SLIM), lambda: TFiLM(FULL), start={factor: f"afilm_x{factor}" for factor in FACTORS}
)
