"""The recordings and projects opened last, with a small picture of each, for the cards of the empty page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.audio.signal import Signal

LIMIT = 24
PICTURE_BARS = 110
PICTURE_READ = 1024


@dataclass(frozen=True)
class Recent:
    """One card."""

    path: str
    name: str
    seconds: float
    rate: int
    opened: str  # ISO time
    devices: str = ""
    picture: tuple[int, ...] = ()  # heights 0..100

    @property
    def time(self) -> datetime:
        return datetime.fromisoformat(self.opened)


def picture_of(signal: Signal, bars: int = PICTURE_BARS) -> tuple[int, ...]:
    """Return the loudest sample around `bars` places of a recording, 0 to 100 of the loudest of all."""
    if signal.frames == 0:
        return ()
    peaks = []
    for bar in range(bars):
        start = min(signal.frames - 1, bar * signal.frames // bars)
        block = signal.read(start, min(signal.frames, start + PICTURE_READ))
        peaks.append(float(abs(block).max()) if block.size else 0.0)
    top = max(peaks) or 1.0
    return tuple(round(100 * peak / top) for peak in peaks)


class RecentFiles:
    """The list on disk. A damaged one is an empty one."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "recent.json"

    def read(self) -> list[Recent]:
        """Return the cards, newest first; files that are gone are left out."""
        try:
            rows = json.loads(self._path.read_text(encoding="utf-8"))
            made = [Recent(**{**row, "picture": tuple(row.get("picture", ()))}) for row in rows]
            return [item for item in made if Path(item.path).is_file() and item.time]
        except (OSError, ValueError, TypeError, AttributeError):
            return []

    def add(self, item: Recent) -> None:
        """Put `item` in front. A list that can't be written isn't worth a message."""
        rows = [item, *(old for old in self.read() if old.path != item.path)][:LIMIT]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_suffix(".new")
            beside.write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")
            beside.replace(self._path)
        except OSError:
            return
