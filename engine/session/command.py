"""The command line that does what the window did, complete in one text: the recipe goes in by standard input."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from engine.errors import UsageError
from engine.session.networks import pin_networks
from engine.session.recipe import Recipe, Step
from engine.tools import find_tool
from engine.tools.tool import Value

_END = "RECIPE"


def run_command(recipe: Recipe, sources: Sequence[Path], folder: Path, options: Sequence[str] = ()) -> str:
    """Return `shellac run` for a whole rack, with further options, to be pasted into a shell."""
    words = shlex.join([*map(str, sources), "--out", str(folder), *options])
    return f"shellac run - {words} <<'{_END}'\n{pin_networks(recipe).dumps()}\n{_END}"


def step_command(step: Step, source: Path, result: Path) -> str:
    """Return the command of one device, as its card copies it."""
    needed = [step.inputs[name] for name in _needs(step.tool) if name in step.inputs]
    words = ["shellac", step.tool, *needed, str(source), "-o", str(result)]
    for name, path in step.inputs.items():
        words += [] if name in _needs(step.tool) else [f"--{name}", path]
    for name, value in step.params.items():
        words += ["--set", f"{name}={spell(value)}"]
    if step.scope.start_s is not None:
        words += ["--start", f"{step.scope.start_s:.10g}"]
    if step.scope.stop_s is not None:
        words += ["--stop", f"{step.scope.stop_s:.10g}"]
    return shlex.join(words)


def _needs(tool_name: str) -> tuple[str, ...]:
    """Return the recordings that a command takes before the one it works on."""
    try:
        needs: tuple[str, ...] = getattr(find_tool(tool_name), "needs", ())
    except UsageError:
        return ()  # it isn't installed here
    return needs


def spell(value: Value) -> str:
    """Return a knob's value as `--set` reads it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return repr(value) if isinstance(value, float) else str(value)
