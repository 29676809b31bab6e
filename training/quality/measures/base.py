"""What a measure is: a number with a unit, a direction and a definition that is printed beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from training.quality.cases import Material
from training.quality.contenders import Answer

CAP_DB: Final = 200.0  # what a ratio is called that has no error in it, or nothing else

Better = Literal["higher", "lower", "zero"]


class NotMeasurableError(Exception):
    """The measure means nothing here, such as the loudness of silence. Listed with its reason, no failure."""


@dataclass(frozen=True)
class Measure:
    """One figure of merit."""

    name: str
    unit: str
    better: Better
    definition: str  # exact enough to be computed by someone else
    run: Callable[[Material, Answer], float]

    @property
    def heading(self) -> str:
        """Name, unit and direction, for the head of a table."""
        direction = "nearer to 0 is better" if self.better == "zero" else f"{self.better} is better"
        return f"{self.name} ({', '.join(filter(None, (self.unit, direction)))})"

    def worst(self, values: list[float]) -> int:
        """Return the place of the worst value."""
        if self.better == "zero":
            return int(np.argmax(np.abs(values)))
        return int(np.argmin(values) if self.better == "higher" else np.argmax(values))
