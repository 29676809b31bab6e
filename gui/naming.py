"""What an edit is called in the history: `Denoise 12 → 18 dB`, `Dehum on`, `Add Restore`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from engine.session.recipe import Recipe, Step, describe_change
from engine.tools.tool import Knob, Params, Tool, Value
from gui.numbers import knob_value


def name_of_change(old: Recipe, new: Recipe, tools: Mapping[str, Tool]) -> str:
    """Return the name of the step from `old` to `new`; a single knob is named with both values."""
    before = {step.id: step for step in old.steps}
    changed = [(before[step.id], step) for step in new.steps if step.id in before and before[step.id] != step]
    if len(changed) == 1 and len(old.steps) == len(new.steps):
        first, then = changed[0]
        tool = tools.get(then.tool)
        if tool is not None:
            said = _knob_change(tool, first, then) or _mix_change(tool, first, then)
            if said:
                return said
    return describe_change(old, new, {name: tool.label for name, tool in tools.items()})


def _mix_change(tool: Tool, old: Step, new: Step) -> str:
    if old.mix != new.mix and dict(old.params) == dict(new.params):
        return f"{tool.label} mix {100 * old.mix:.0f} → {100 * new.mix:.0f} %"
    return ""


def _knob_change(tool: Tool, old: Step, new: Step) -> str:
    names = [
        name for name in {*old.params, *new.params} if old.params.get(name) != new.params.get(name)
    ]  # fmt: skip
    knobs = {knob.name: knob for knob in tool.knobs}
    if len(names) != 1 or names[0] not in knobs:
        return ""
    knob = knobs[names[0]]
    then, now = old.params.get(knob.name, knob.default), new.params.get(knob.name, knob.default)
    if knob.name == "listen" and knob.kind == "choice":
        return f"Hear {heard_instead(tool, new.params) or 'the result'}"
    return _said(knob, _title(tool, knob), then, now)


def heard_instead(tool: Tool, values: Mapping[str, Value]) -> str:
    """Return what a device hands on instead of its result, such as `what Denoise takes away`; "" for the result."""
    listen = next((knob for knob in tool.knobs if knob.name == "listen" and knob.kind == "choice"), None)
    heard = str(values.get("listen", listen.default)) if listen is not None else ""
    if listen is None or heard == listen.choices[0]:
        return ""
    stage = next((knob for knob in tool.knobs if knob.name == heard), None)
    return f"what {stage.label} takes away" if stage is not None else f"the {heard.replace('_', ' ')} sound alone"


@runtime_checkable
class Idles(Protocol):
    """A tool some of whose knobs have no effect with some settings."""

    def idle_knobs(self, params: Params) -> Mapping[str, str]: ...


def idle_knobs(tool: Tool, values: Params) -> Mapping[str, str]:
    """Return the names of the knobs that have no effect as a device is set, and why."""
    return tool.idle_knobs(values) if isinstance(tool, Idles) else {}


def _title(tool: Tool, knob: Knob) -> str:
    """Return the stage's name for a stage's strength, else the knob's own with its device."""
    if knob.unit == "Hz" and knob.default == 0:
        return knob.label  # where a band ends, or a rate: the same whichever device asks
    switch = next((other for other in tool.knobs if other.name == knob.group and other.kind == "bool"), None)
    if switch is None:
        return f"{tool.label} {knob.label.lower()}"
    main = main_knob(switch, tool.knobs)
    return switch.label if knob in (switch, main) else f"{switch.label} {knob.label.lower()}"


def main_knob(stage: Knob, knobs: Sequence[Knob]) -> Knob | None:
    """Return the knob that stands beside a stage's switch: its strength, else its first number."""
    numbers = [knob for knob in knobs if knob.group == stage.group and knob.kind in ("float", "int")]
    return next((knob for knob in numbers if knob.name == f"{stage.name}_strength"), numbers[0] if numbers else None)


def _said(knob: Knob, title: str, then: Value, now: Value) -> str:
    if knob.kind == "bool":
        return f"{title} {'on' if now else 'off'}"
    if knob.kind in ("float", "int"):
        step = knob.step if knob.kind == "float" else 1.0
        if knob.unit == "Hz" and knob.default == 0 and 0 in (then, now):
            return f"{title} {knob_value(float(now), step, knob.unit)}" if now else f"{title} automatic"
        return f"{title} {knob_value(float(then), step)} → {knob_value(float(now), step, knob.unit)}"
    if knob.kind == "span":
        return f"{title} from {now} s" if now else f"{title}: forget"
    return f"{title}: {str(now).replace('_', ' ')}"
