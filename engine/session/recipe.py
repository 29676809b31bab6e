"""A document is a recipe, not audio: a tuple of frozen steps, the same small JSON everywhere.

The project file, an undo step, a preset, a batch job and the command line all are this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.tools.tool import Value

RECIPE_FORMAT = 1


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

    def to_json(self) -> dict[str, Any]:
        out = asdict(self)
        out["params"] = dict(self.params)
        out["inputs"] = dict(self.inputs)
        return out


@dataclass(frozen=True)
class Recipe:
    """What is done to one recording, in order."""

    steps: tuple[Step, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"shellac_recipe": RECIPE_FORMAT, "steps": [step.to_json() for step in self.steps]}

    def dumps(self) -> str:
        """Return the recipe as JSON text, keys sorted, so that equal recipes are equal texts."""
        return json.dumps(self.to_json(), sort_keys=True, indent=1, ensure_ascii=False)
