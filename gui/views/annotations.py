"""What can be pointed at on the canvas: selection, marker, band edge, sanity mark, and the place under the pointer."""

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
class BandEdge:
    """Where a recording's own sound ends in frequency, and what a device adds above it."""

    hz: float  # in force
    found_hz: float  # what the analysis says
    confidence: float | None = None  # 0 to 1, of the found one
    is_set: bool = False  # by hand, in place of the found one
    lowest_hz: float = 0.0  # it can be put from here
    highest_hz: float = 192_000.0  # to here
    generated_to_hz: float | None = None  # sound is generated from `hz` up to here; None: nothing is
    generated_in: Span | None = None  # project frames; None: everywhere


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
