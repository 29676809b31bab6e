"""The transport's meters: how loud is what goes out to the speakers, level match and difference gain included."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.audio.signal import Samples
from engine.playback.mixer import Mixer

if TYPE_CHECKING:
    from engine.audio.loudness import Meter

SILENT = -math.inf


@dataclass(frozen=True)
class MeterReading:
    """What the meters show now. -inf is silence; tuples hold one value per channel."""

    momentary_lufs: float = SILENT  # the last 400 ms
    short_term_lufs: float = SILENT  # the last 3 s
    integrated_lufs: float = SILENT  # since the meters were reset
    true_peak_dbtp: tuple[float, ...] = ()  # since the last reading
    peak_dbfs: tuple[float, ...] = ()  # since the last reading
    rms_dbfs: tuple[float, ...] = ()  # since the last reading
    correlation: float = 1.0  # of left and right: 1 mono, 0 unrelated, -1 reversed polarity
    overs: int = 0  # samples clamped to full scale since the last reading


class Meters:
    """Reads the player's tap. For one thread.

    What the tap holds is heard one device latency later; at the meters' own time constants nobody sees that.
    """

    def __init__(self) -> None:
        self._mixer: Mixer | None = None
        self._meter: Meter | None = None
        self._channels = 0
        self._count = 0
        self._overs = 0

    def reset(self) -> None:
        """Begin the integrated loudness anew."""
        if self._meter is not None:
            self._meter.reset()

    def read(self, mixer: Mixer, channels: int) -> MeterReading:
        """Return the levels of what was sent out since the last call.

        Parameters
        ----------
        channels
            Of the recording: a mono one is measured once although two speakers play it.
        """
        channels = min(channels, mixer.channels)
        meter = self._meter_for(mixer, channels)
        heard, self._count = mixer.tap.since(self._count)
        block = heard[:, :channels]
        overs, self._overs = mixer.overs - self._overs, mixer.overs
        levels = meter.add(block)
        peaks = np.abs(block).max(axis=0, initial=0.0).tolist()
        return MeterReading(
            levels.momentary_lufs,
            levels.short_term_lufs,
            levels.integrated_lufs,
            levels.true_peak_db if len(block) else (SILENT,) * channels,
            tuple(20 * math.log10(peak) if peak > 0 else SILENT for peak in peaks),
            levels.rms_db if len(block) else (SILENT,) * channels,
            _correlation(block),
            overs,
        )

    def _meter_for(self, mixer: Mixer, channels: int) -> Meter:
        if self._meter is None or mixer is not self._mixer or channels != self._channels:
            from engine.audio.loudness import Meter  # scipy.signal: the window is painted sooner without it

            self._count, self._overs = (0, 0) if mixer is not self._mixer else (self._count, self._overs)
            self._mixer, self._channels = mixer, channels
            self._meter = Meter(mixer.rate, channels)
        return self._meter


def _correlation(block: Samples) -> float:
    if block.shape[1] < 2 or not len(block):
        return 1.0
    left, right = block[:, 0].astype(np.float64), block[:, 1].astype(np.float64)
    power = math.sqrt(float(left @ left) * float(right @ right))
    return float(left @ right) / power if power > 0 else 1.0
