"""Which networks a recipe is heard with: written into it when it is saved, compared when it is opened.

A recipe made with other weights still opens; it only sounds different, and the user is told.
"""

from __future__ import annotations

from dataclasses import replace

from engine.errors import NetworkError, UsageError
from engine.session.keys import network_hashes
from engine.session.recipe import NetworkRef, Recipe, Step
from engine.tools import find_tool
from engine.tools.tool import complete


def pin_networks(recipe: Recipe) -> Recipe:
    """Return `recipe` with the hashes of the installed networks that its steps use.

    A step whose tool or network isn't installed here keeps what it says.
    """
    return replace(recipe, steps=tuple(replace(step, networks=_installed(step)) for step in recipe.steps))


def network_changes(recipe: Recipe) -> tuple[str, ...]:
    """Return a sentence for each step that was made with other weights than are installed here."""
    sentences = []
    for step in recipe.steps:
        installed = {network.room: network.sha256 for network in _installed(step)}
        for network in step.networks:
            now = installed.get(network.room, network.sha256)
            if now != network.sha256:
                sentences.append(
                    f"{step.tool.capitalize()} was made with {network.room} {network.sha256[:12]}…, "
                    f"here it is {now[:12]}…: the result will sound a little different"
                )
    return tuple(sentences)


def _installed(step: Step) -> tuple[NetworkRef, ...]:
    try:
        tool = find_tool(step.tool)
        hashes = network_hashes(tool.networks(complete(tool, step.params)))
    except (UsageError, NetworkError):
        return step.networks
    return tuple(NetworkRef(room, sha256) for room, sha256 in hashes)
