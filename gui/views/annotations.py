"""What can be pointed at on the canvas: a selection, a marker, a sanity mark, and the place under the pointer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.audio.signal import Span


@dataclass(frozen=True)
class Selection:
    """A span of time in project frames, with or without a band of frequencies (a box)."""

    start: int
    stop: int
    low_hz: float | None = None
    high_hz: float | None = None

    @property
    def span(self) -> Span:
        return Span(self.start, self.stop)

    @property
    def is_box(self) -> bool:
        return self.low_hz is not None and self.high_hz is not None


@dataclass(frozen=True)
class Marker:
    """A named place, or with `stop` a named region. Project frames."""

    frame: int
    name: str
    stop: int | None = None
    kind: Literal["marker", "warning"] = "marker"


@dataclass(frozen=True)
class Mark:
    """A doubt about a finished chunk, with its reason in words."""

    start: int
    stop: int
    reason: str


@dataclass(frozen=True)
class Hover:
    """What lies under the pointer. Levels in dBFS, None where unknown."""

    frame: float
    seconds: float
    hz: float | None = None
    note: str = ""  # "G♯7 +46 ¢"
    db: float | None = None  # of the side that is shown
    db_a: float | None = None
    db_b: float | None = None
