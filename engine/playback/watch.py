"""Notices when the sound card has vanished, comes too late, or isn't needed any more."""

from __future__ import annotations

import threading
from collections import deque
from typing import Literal

from engine.playback.mixer import Mixer
from engine.playback.output import Output

IDLE_S = 30.0  # the card is kept, on silence, for this long after playing
LOST_S = 1.0  # without a callback
GRACE_S = 3.0  # before the first one
XRUNS_S = 10.0

Finding = Literal["lost", "late", "idle"]


class Watch:
    """Looks at one output from its start on. For the reader thread."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._started_at = output.now()
        self.xruns_seen = output.xruns
        self._xrun_times: deque[float] = deque(maxlen=2)

    def look(self, mixer: Mixer, silent_since: float | None) -> Finding | None:
        """Return what is to be done something about.

        Parameters
        ----------
        silent_since
            On the output's clock; None while playing.
        """
        now = self._output.now()
        if self._output.is_real and now - max(mixer.last_render, self._started_at + GRACE_S) > LOST_S:
            return "lost"
        if self._comes_late(now):
            return "late"
        if silent_since is not None and now - max(silent_since, self._started_at) > IDLE_S:
            return "idle"
        return None

    def _comes_late(self, now: float) -> bool:
        """Return True at the second xrun within ten seconds."""
        if self._output.xruns == self.xruns_seen:
            return False
        self.xruns_seen = self._output.xruns
        self._xrun_times.append(now)
        if len(self._xrun_times) < 2 or self._xrun_times[1] - self._xrun_times[0] > XRUNS_S:
            return False
        self._xrun_times.clear()
        return True


def close_patiently(output: Output) -> None:
    """Let go of a device that may be gone: its driver may hang in close, and nobody waits for that for long."""
    closer = threading.Thread(target=output.close, name="close lost device", daemon=True)
    closer.start()
    closer.join(LOST_S)
