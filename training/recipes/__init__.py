"""One small file per network that can be trained: `RECIPE` in each, or several, `RECIPES`; found by their place."""

from __future__ import annotations

import importlib
import pkgutil

from training.recipe import Recipe, TrainingError


def all_recipes() -> dict[str, Recipe]:
    """Return every recipe by its name, sorted.

    Raises
    ------
    TrainingError
        If two recipes share a name.
    """
    found: dict[str, Recipe] = {}
    for entry in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{entry.name}")
        recipes: tuple[Recipe, ...] = (*getattr(module, "RECIPES", ()), *_single(module))
        for recipe in recipes:
            if recipe.name in found:
                raise TrainingError(f"two recipes are called {recipe.name}: rename one in training/recipes")
            found[recipe.name] = recipe
    return dict(sorted(found.items()))


def _single(module: object) -> tuple[Recipe, ...]:
    return (module.RECIPE,) if hasattr(module, "RECIPE") else ()


def names() -> tuple[str, ...]:
    """Return the names of all recipes."""
    return tuple(all_recipes())


def find_recipe(name: str) -> Recipe:
    """Return a recipe by its name.

    Raises
    ------
    TrainingError
        If there is none of that name.
    """
    recipes = all_recipes()
    if name not in recipes:
        raise TrainingError(f"there is no recipe {name!r}: choose one of {', '.join(recipes)}")
    return recipes[name]
