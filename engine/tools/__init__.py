"""The tools of the rack: those that come with the product, and those that other packages bring.

A package joins by declaring an entry point in the group `shellac.tools` whose object is a `Tool`. One that is broken is
left out and named in `tool_problems`; it never stops the window or a command.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args, get_type_hints

from engine.errors import ShellacError, UsageError
from engine.tools.age import AGE
from engine.tools.align import ALIGN
from engine.tools.restore import RESTORE
from engine.tools.tool import Knob, Tool, complete
from engine.tools.upsample import UPSAMPLE

ENTRY_POINTS = "shellac.tools"

TOOLS: tuple[Tool, ...] = (RESTORE, UPSAMPLE, ALIGN, AGE)


@dataclass(frozen=True)
class ToolProblem:
    """A tool of another package that couldn't be used."""

    entry: str  # as the package declares it: "name = module:object"
    package: str  # name and version, as far as known
    why: str

    def __str__(self) -> str:
        return f"the tool {self.entry!r} of {self.package} is left out: {self.why}"


def all_tools() -> tuple[Tool, ...]:
    """Return every usable tool: ours in their order, then those of other packages by name."""
    return TOOLS + _foreign()[0]


def tool_problems() -> tuple[ToolProblem, ...]:
    """Return why tools of other packages were left out, for the diagnostics."""
    return _foreign()[1]


def find_tool(name: str, tools: Sequence[Tool] | None = None) -> Tool:
    """Return the tool of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    choice = all_tools() if tools is None else tools
    for tool in choice:
        if tool.name == name:
            return tool
    raise UsageError(f"there is no tool {name!r}", f"choose from {', '.join(tool.name for tool in choice)}")


def forget_foreign_tools() -> None:
    """Look for tools of other packages again at the next question."""
    _foreign.cache_clear()


@lru_cache(maxsize=1)
def _foreign() -> tuple[tuple[Tool, ...], tuple[ToolProblem, ...]]:
    tools: dict[str, Tool] = {}
    problems: list[ToolProblem] = []
    for entry in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        # Foreign code may raise anything, even SystemExit, when it is imported or asked for its knobs.
        try:
            tool = entry.load()
            why = _unusable(tool, {*tools, *(ours.name for ours in TOOLS)})
        except (Exception, SystemExit) as error:  # noqa: BLE001
            why = f"it raises {type(error).__name__}: {error}"
        if why:
            package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
            problems.append(ToolProblem(f"{entry.name} = {entry.value}", package, why))
        else:
            tools[tool.name] = tool
    return tuple(tools[name] for name in sorted(tools)), tuple(problems)


def _unusable(tool: object, taken: set[str]) -> str:
    """Return why an object can't stand in the rack, or nothing."""
    if isinstance(tool, type):
        return "its entry point is a class: name an instance"
    if not isinstance(tool, Tool):
        lacking = [name for name in (*Tool.__annotations__, "analyse", "render") if not hasattr(tool, name)]
        return f"it is no tool: it lacks {', '.join(lacking) or 'a method'}"
    if not isinstance(tool.name, str) or not tool.name.isidentifier() or tool.name != tool.name.lower():
        return f"its name {tool.name!r} isn't one lower-case word"
    if tool.name in taken:
        return f"the name {tool.name!r} is taken"
    names = [knob.name for knob in tool.knobs if isinstance(knob, Knob)]
    if len(names) != len(tool.knobs) or len(set(names)) != len(names):
        return "its knobs aren't Knobs with different names"
    for knob in tool.knobs:
        if knob.option not in get_args(get_type_hints(Knob)["option"]):
            return f"its knob {knob.name!r} can't have the option {knob.option!r}"
        if knob.labels and len(knob.labels) != len(knob.choices):
            return f"its knob {knob.name!r} has {len(knob.choices)} choices and {len(knob.labels)} labels"
        if not set(knob.excludes) <= set(names):
            return f"its knob {knob.name!r} excludes what isn't there"
    try:
        complete(tool, {knob.name: knob.default for knob in tool.knobs})
        for preset in tool.presets.values():
            complete(tool, preset)
    except ShellacError as error:
        return f"a default or preset is out of range: {error}"
    return ""
