"""The transport's meters: how loud is what comes out of the speakers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.playback.mixer import Mixer


@dataclass(frozen=True)
class MeterReading:
    """Levels since the last reading. -inf is silence."""

    peak_dbfs: tuple[float, ...] = ()
    overs: int = 0  # samples clamped to full scale


class Meters:
    """Reads the player's tap. For one thread."""

    def __init__(self) -> None:
        self._mixer: Mixer | None = None
        self._count = 0
        self._overs = 0

    def read(self, mixer: Mixer) -> MeterReading:
        """Return the levels of what was sent out since the last call."""
        if mixer is not self._mixer:
            self._mixer, self._count, self._overs = mixer, 0, 0
        block, self._count = mixer.tap.since(self._count)
        overs, self._overs = mixer.overs - self._overs, mixer.overs
        if not len(block):
            return MeterReading((-math.inf,) * mixer.channels, overs)
        peaks = abs(block).max(axis=0)
        return MeterReading(tuple(20 * math.log10(p) if p > 0 else -math.inf for p in peaks.tolist()), overs)
