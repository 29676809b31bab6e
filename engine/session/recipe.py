"""A document is a recipe, not audio: a tuple of frozen steps, the same small JSON everywhere.

The project file, an undo step, a preset, a batch job and the command line all are this. What a newer version or a
foreign tool wrote into it and we don't know is kept as it is and written back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final
from uuid import uuid4

from engine.audio.signal import Span
from engine.errors import ProjectError
from engine.session.fields import (
    check_format,
    damaged,
    is_value,
    list_of,
    number,
    optional_number,
    parse_json,
    table_of,
    text,
)
from engine.tools.tool import Value

RECIPE_FORMAT: Final = 1
_LONGEST_S: Final = 1e9  # thirty years: beyond it a time is a mistake
_HIGHEST_HZ: Final = 1e7
_MOST_STEPS: Final = 1000


@dataclass(frozen=True)
class Scope:
    """Where a step acts. Time in seconds of the project, None = from the start / to the end."""

    start_s: float | None = None
    stop_s: float | None = None
    low_hz: float | None = None
    high_hz: float | None = None
    channels: tuple[int, ...] | None = None  # None = all
    feather_ms: float = 10.0  # fade inside the scope

    @property
    def is_whole(self) -> bool:
        return (
            self.start_s is None
            and self.stop_s is None
            and self.low_hz is None
            and self.high_hz is None
            and (self.channels is None)
        )

    @property
    def is_box(self) -> bool:
        """True if the scope is bounded in frequency."""
        return self.low_hz is not None or self.high_hz is not None

    def span(self, rate: int, frames: int) -> Span:
        """Return the frames inside the scope, for a recording of this rate and length."""
        start = 0 if self.start_s is None else min(frames, max(0, round(self.start_s * rate)))
        stop = frames if self.stop_s is None else min(frames, max(0, round(self.stop_s * rate)))
        return Span(start, max(start, stop))

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        out["channels"] = None if self.channels is None else list(self.channels)
        return out

    @staticmethod
    def from_json(data: object) -> Scope:
        """Read what `to_json` wrote. Raises ProjectError."""
        table = table_of(data, "scope")
        channels = table.get("channels")
        if channels is not None:
            entries = list_of(channels, "scope.channels")
            if not all(isinstance(c, int) and not isinstance(c, bool) and 0 <= c < 1024 for c in entries):
                raise damaged("scope.channels", channels)
            channels = tuple(entries)
        start_s, stop_s = (optional_number(table, name, 0.0, _LONGEST_S) for name in ("start_s", "stop_s"))
        low_hz, high_hz = (optional_number(table, name, 0.0, _HIGHEST_HZ) for name in ("low_hz", "high_hz"))
        feather_ms = number(table, "feather_ms", 0.0, 60_000.0, default=10.0)
        return Scope(start_s, stop_s, low_hz, high_hz, channels, feather_ms)


@dataclass(frozen=True)
class NetworkRef:
    """The exact network a step was made with."""

    room: str
    sha256: str


@dataclass(frozen=True)
class Step:
    """One device of the rack: tool, parameters, scope, power, wet/dry mix, other recordings, networks."""

    tool: str
    params: Mapping[str, Value] = field(default_factory=dict)  # only what differs from the defaults need stand here
    scope: Scope = Scope()
    enabled: bool = True
    mix: float = 1.0  # 0 dry, 1 wet
    inputs: Mapping[str, str] = field(default_factory=dict)  # input name -> path of the other recording
    networks: tuple[NetworkRef, ...] = ()
    id: str = ""  # stable identity of the device in its rack, so that views can follow it
    extra: Mapping[str, Any] = field(default_factory=dict)  # fields of the file that this version doesn't know

    @property
    def is_heard(self) -> bool:
        """False if the step gives its input bit for bit whatever its tool does."""
        return self.enabled and self.mix > 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            **self.extra,
            "tool": self.tool,
            "params": dict(self.params),
            "scope": self.scope.to_json(),
            "enabled": self.enabled,
            "mix": self.mix,
            "inputs": dict(self.inputs),
            "networks": [{"room": n.room, "sha256": n.sha256} for n in self.networks],
            "id": self.id,
        }

    @staticmethod
    def from_json(data: object) -> Step:
        """Read what `to_json` wrote. Raises ProjectError."""
        table = table_of(data, "step")
        params = table_of(table.get("params", {}), "params")
        if not all(is_value(value) for value in params.values()):
            raise damaged("params", params)
        networks = tuple(
            NetworkRef(text(table_of(entry, "networks"), "room"), text(table_of(entry, "networks"), "sha256"))
            for entry in list_of(table.get("networks", []), "networks")
        )
        inputs = table_of(table.get("inputs", {}), "inputs")
        enabled = table.get("enabled", True)
        if not isinstance(enabled, bool):
            raise damaged("enabled", enabled)
        if not all(isinstance(path, str) for path in inputs.values()):
            raise damaged("inputs", inputs)
        known = {f.name for f in fields(Step)}
        return Step(
            tool=text(table, "tool"),
            params=params,
            scope=Scope.from_json(table.get("scope", {})),
            enabled=enabled,
            mix=number(table, "mix", 0.0, 1.0, default=1.0),
            inputs=inputs,
            networks=networks,
            id=text(table, "id", ""),
            extra={name: value for name, value in table.items() if name not in known or name == "extra"},
        )


@dataclass(frozen=True)
class Recipe:
    """What is done to one recording, in order. Every change returns a new recipe."""

    steps: tuple[Step, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)  # fields of the file that this version doesn't know

    def to_json(self) -> dict[str, Any]:
        return {**self.extra, "shellac_recipe": RECIPE_FORMAT, "steps": [step.to_json() for step in self.steps]}

    def dumps(self) -> str:
        """Return the recipe as JSON text, keys sorted, so that equal recipes are equal texts."""
        return json.dumps(self.to_json(), sort_keys=True, indent=1, ensure_ascii=False)

    @staticmethod
    def from_json(data: object) -> Recipe:
        """Read what `to_json` wrote.

        Raises
        ------
        ProjectError
            If it is no recipe, was written in a newer format, or a value in it makes no sense.
        """
        table = table_of(data, "recipe")
        check_format(table, "shellac_recipe", RECIPE_FORMAT, "recipe")
        steps = list_of(table.get("steps", []), "steps")
        if len(steps) > _MOST_STEPS:
            raise ProjectError(f"the recipe has {len(steps)} steps", f"keep it to {_MOST_STEPS}")
        extra = {name: value for name, value in table.items() if name not in ("shellac_recipe", "steps")}
        return Recipe(_with_ids(tuple(Step.from_json(step) for step in steps)), extra)

    @staticmethod
    def loads(data: str | bytes) -> Recipe:
        """Read a recipe from JSON text. Raises ProjectError."""
        return Recipe.from_json(parse_json(data, "recipe"))

    def index(self, step_id: str) -> int:
        """Return where the device stands. Raises KeyError if it isn't in the rack."""
        for index, step in enumerate(self.steps):
            if step.id == step_id:
                return index
        raise KeyError(step_id)

    def step(self, step_id: str) -> Step:
        """Return the device. Raises KeyError if it isn't in the rack."""
        return self.steps[self.index(step_id)]

    def insert(self, step: Step, index: int | None = None) -> Recipe:
        """Put a device at `index`, at the end by default. It gets an id of its own if it has none, or one in use."""
        position = len(self.steps) if index is None else index
        taken = {other.id for other in self.steps}
        fresh = step if step.id and step.id not in taken else replace(step, id=new_id())
        return replace(self, steps=(*self.steps[:position], fresh, *self.steps[position:]))

    def replace_step(self, step_id: str, step: Step) -> Recipe:
        """Put `step` in the place of another one; the identity stays."""
        index = self.index(step_id)
        same = replace(step, id=step_id)
        return replace(self, steps=(*self.steps[:index], same, *self.steps[index + 1 :]))

    def remove(self, step_id: str) -> Recipe:
        index = self.index(step_id)
        return replace(self, steps=self.steps[:index] + self.steps[index + 1 :])

    def move(self, step_id: str, to: int) -> Recipe:
        """Move a device so that it stands at index `to` (cut to the rack)."""
        moved = self.step(step_id)
        others = [step for step in self.steps if step.id != step_id]
        others.insert(max(0, min(to, len(others))), moved)
        return replace(self, steps=tuple(others))


def new_id() -> str:
    """Return an identity for a new device."""
    return uuid4().hex[:12]


def _with_ids(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Give an id to every step without one or with one that stands already. The same file gives the same ids."""
    seen: set[str] = set()
    out = []
    for index, step in enumerate(steps):
        name = step.id
        attempt = index + 1
        while not name or name in seen:
            name = f"step-{attempt}"
            attempt += 1
        seen.add(name)
        out.append(replace(step, id=name))
    return tuple(out)


def describe_change(old: Recipe, new: Recipe, labels: Mapping[str, str] | None = None) -> str:
    """Return the name of a history entry in a few words, such as `Restore: strength 12`.

    Parameters
    ----------
    labels
        Tool name to the name shown; a tool that isn't in it is shown capitalised.
    """

    def label(step: Step) -> str:
        return (labels or {}).get(step.tool, step.tool.capitalize())

    before, after = {s.id: s for s in old.steps}, {s.id: s for s in new.steps}
    added = [s for s in new.steps if s.id not in before]
    removed = [s for s in old.steps if s.id not in after]
    if len(added) == 1 and not removed:
        return f"Add {label(added[0])}"
    if len(removed) == 1 and not added:
        return f"Remove {label(removed[0])}"
    if added or removed:
        return "Change rack"
    if [s.id for s in old.steps] != [s.id for s in new.steps]:
        moved = next(a for a, b in zip(new.steps, old.steps, strict=True) if a.id != b.id)
        return f"Move {label(moved)}"
    changed = [(before[s.id], s) for s in new.steps if before[s.id] != s]
    if len(changed) != 1:
        return "Change rack" if changed else "No change"
    return f"{label(changed[0][1])}: {_describe_step(*changed[0])}"


def _describe_step(old: Step, new: Step) -> str:
    if old.enabled != new.enabled:
        return "on" if new.enabled else "off"
    if old.mix != new.mix:
        return f"mix {new.mix * 100:.0f} %"
    if old.scope != new.scope:
        return "scope " + describe_scope(new.scope)
    if old.inputs != new.inputs:
        return "other recording"
    names = sorted(n for n in {*old.params, *new.params} if old.params.get(n) != new.params.get(n))
    if len(names) == 1:
        value = new.params.get(names[0], "default")
        shown = {True: "on", False: "off"}[value] if isinstance(value, bool) else value
        spelled = f"{shown:g}" if isinstance(shown, float) else str(shown)
        return f"{names[0].replace('_', ' ')} {spelled}"
    return "settings" if names else "networks"


def describe_scope(scope: Scope) -> str:
    """Return a scope in words, such as `12.3–15.1 s, 300–8000 Hz` or `whole track`."""
    parts = []
    if scope.start_s is not None or scope.stop_s is not None:
        stop = "end" if scope.stop_s is None else f"{scope.stop_s:.4g} s"
        parts.append(f"{scope.start_s or 0.0:.4g}–{stop}")
    if scope.is_box:
        high = "top" if scope.high_hz is None else f"{scope.high_hz:.0f} Hz"
        parts.append(f"{scope.low_hz or 0.0:.0f}–{high}")
    if scope.channels is not None:
        parts.append("channels " + ", ".join(str(c + 1) for c in scope.channels))
    return ", ".join(parts) or "whole track"
