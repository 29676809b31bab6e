"""Shows what is really sent to the speakers: peaks at the transport and canvas, BS.1770 loudness in the dock."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, QTimer

from engine.playback.meters import MeterReading
from gui.listening import Listening, level_dbfs
from gui.numbers import signed
from gui.views.canvas import CanvasArea
from gui.window import MainWindow

INTERVAL_MS = 50
HOLD_TICKS = 30  # a peak mark stays 1.5 s
FALL_DB = 1.2  # per tick: 24 dB a second
SILENT_DB = -120.0


class LoudnessLink(QObject):
    """Reads the player's meters 20 times a second while it plays, and until the bars have fallen."""

    def __init__(self, listening: Listening, window: MainWindow, canvas: CanvasArea, parent: QObject) -> None:
        super().__init__(parent)
        self._listening, self._window, self._canvas = listening, window, canvas
        self._peaks: tuple[float, ...] = ()
        self._holds: tuple[float, ...] = ()
        self._ages: list[int] = []
        self._highest = -math.inf
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.tick)
        listening.state_changed.connect(self._follow)

    def _follow(self) -> None:
        if self._listening.is_playing and not self._timer.isActive():
            self._highest = -math.inf
            self._listening.player.reset_meters()
            self._timer.start()

    def clear(self) -> None:
        """Show nothing: another recording is in front."""
        self._timer.stop()
        self._peaks, self._holds, self._ages = (), (), []
        self._window.transport.momentary.show_value("–")
        self._window.transport.true_peak.show_value("–")
        self._window.loudness.show_facts({})
        self._fall(())

    def tick(self) -> None:
        """Take what was heard since the last tick."""
        reading = self._listening.player.meters()
        is_playing = self._listening.is_playing
        if is_playing:
            self._show(reading)
        self._fall(reading.peak_dbfs)
        if not is_playing and max(self._peaks, default=SILENT_DB) <= SILENT_DB + 1:
            self._timer.stop()

    def _show(self, reading: MeterReading) -> None:
        self._highest = max((self._highest, *reading.true_peak_dbtp))
        momentary, peak = _level(reading.momentary_lufs), _level(self._highest)
        self._window.transport.momentary.show_value(momentary)
        self._window.transport.true_peak.show_value(peak)
        is_stereo = len(reading.peak_dbfs) == 2
        self._window.loudness.show_facts(
            {
                "Momentary": f"{momentary} LUFS",
                "Short-term": f"{_level(reading.short_term_lufs)} LUFS",
                "Integrated": f"{_level(reading.integrated_lufs)} LUFS",
                "True peak": f"{peak} dBTP",
                "Correlation": signed(reading.correlation, 2, plus=True) if is_stereo else "–",
            }
        )

    def _fall(self, now: tuple[float, ...]) -> None:
        count = max(len(now), len(self._peaks))
        levels = [level_dbfs(now[index]) if index < len(now) else SILENT_DB for index in range(count)]
        before = (*self._peaks, *([SILENT_DB] * (count - len(self._peaks))))
        holds = (*self._holds, *([SILENT_DB] * (count - len(self._holds))))
        ages = [*self._ages, *([0] * (count - len(self._ages)))]
        self._peaks = tuple(max(new, old - FALL_DB) for new, old in zip(levels, before, strict=True))
        self._ages = [
            0 if peak >= hold else age + 1 for peak, hold, age in zip(self._peaks, holds, ages, strict=True)
        ]  # fmt: skip
        self._holds = tuple(
            peak if peak >= hold or age > HOLD_TICKS else hold
            for peak, hold, age in zip(self._peaks, holds, self._ages, strict=True)
        )
        self._window.transport.bars.show_levels(self._peaks, self._holds)
        self._canvas.set_meters(self._peaks, self._holds)


def _level(value: float) -> str:
    """Return a level in words; what lies under −120 is the tail of a filter, not sound."""
    return signed(value if value > SILENT_DB else -math.inf)
