"""One small file per network that can be trained: `RECIPE` in it, or several as `RECIPES`; found by their place.

Recipes of one's own may lie anywhere: SHELLAC_RECIPES names their folder.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Iterator

from training.recipe import Recipe, TrainingError


def all_recipes() -> dict[str, Recipe]:
    """Return every recipe by its name, sorted.

    Raises
    ------
    TrainingError
        If two recipes share a name.
    """
    found: dict[str, Recipe] = {}
    for recipe in _recipes():
        if recipe.name in found:
            raise TrainingError(f"two recipes are called {recipe.name}: rename one in training/recipes")
        found[recipe.name] = recipe
    return dict(sorted(found.items()))


def names() -> tuple[str, ...]:
    """Return the names of all recipes."""
    return tuple(all_recipes())


def find_recipe(name: str) -> Recipe:
    """Return a recipe by its name; the file of that name is looked into first, for every file costs its imports.

    Raises
    ------
    TrainingError
        If there is none of that name.
    """
    for recipe in _recipes(first=name):
        if recipe.name == name:
            return recipe
    raise TrainingError(f"there is no recipe {name!r}: choose one of {', '.join(names())}")


def _recipes(first: str = "") -> Iterator[Recipe]:
    own = os.environ.get("SHELLAC_RECIPES")
    folders = [*([own] if own else []), *__path__]
    if own and own not in __path__:
        __path__.append(own)
    modules = [entry.name for entry in pkgutil.iter_modules(folders)]
    for module in sorted(modules, key=lambda module: module != first):
        content = importlib.import_module(f"{__name__}.{module}")
        yield from content.RECIPES if hasattr(content, "RECIPES") else (content.RECIPE,)
