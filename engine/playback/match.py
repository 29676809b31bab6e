"""Level match: A and B equally loud, so that the louder one doesn't win for being louder.

Source: ITU-R BS.1770-5 for the loudness; at most 12 dB, and only ever less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.audio.signal import Samples, Signal, Span, check_span

MOST_DB = 12.0
SHORTEST_S = 0.4  # one gating block of BS.1770


@dataclass(frozen=True)
class LevelMatch:
    """How much A or B is turned down. One of the two is always 0."""

    gain_a_db: float = 0.0
    gain_b_db: float = 0.0

    @property
    def factors(self) -> tuple[float, float]:
        """The gains as factors (mA, mB), 0..1."""
        return 10 ** (self.gain_a_db / 20), 10 ** (self.gain_b_db / 20)

    @property
    def text(self) -> str:
        """As shown: `B −2.3 dB`, or `matched` when nothing is turned down."""
        for letter, gain_db in (("A", self.gain_a_db), ("B", self.gain_b_db)):
            if gain_db < -0.05:
                return f"{letter} −{-gain_db:.1f} dB"
        return "matched"


@dataclass(frozen=True)
class Spliced:
    """Some spans of a Signal, end to end."""

    signal: Signal
    spans: tuple[Span, ...]

    @property
    def rate(self) -> int:
        return self.signal.rate

    @property
    def channels(self) -> int:
        return self.signal.channels

    @property
    def frames(self) -> int:
        return sum(span.frames for span in self.spans)

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        parts, first = [np.zeros((0, self.channels), dtype=np.float32)], 0
        for span in self.spans:
            inside = Span(start - first, stop - first).intersect(Span(0, span.frames))
            if inside.frames:
                parts.append(self.signal.read(span.start + inside.start, span.start + inside.stop))
            first += span.frames
        return np.concatenate(parts)


def level_match(a: Signal, b: Signal, spans: Sequence[Span], check: Callable[[], None] | None = None) -> LevelMatch:
    """Return the gains that make A and B equally loud over `spans`.

    Parameters
    ----------
    a, b
        Original and result.
    spans
        What to measure, in frames of B: the loop, else the selection, else the track, cut to what is finished in B.
    check
        Called now and then; raises to cancel.

    Notes
    -----
    Integrated loudness of both over exactly the same time; gated RMS where there is less than 0.4 s. Silence on either
    side matches nothing.
    """
    ratio = a.rate / b.rate
    of_a = Spliced(a, tuple(Span(round(s.start * ratio), min(a.frames, round(s.stop * ratio))) for s in spans))
    of_b = Spliced(b, tuple(spans))
    loudness_a, loudness_b = _loudness(of_a, check), _loudness(of_b, check)
    if not (math.isfinite(loudness_a) and math.isfinite(loudness_b)):
        return LevelMatch()
    excess_db = loudness_b - loudness_a
    return LevelMatch(gain_a_db=-min(max(-excess_db, 0.0), MOST_DB), gain_b_db=-min(max(excess_db, 0.0), MOST_DB))


def _loudness(signal: Signal, check: Callable[[], None] | None) -> float:
    from engine.audio.loudness import gated_rms_db, integrated_lufs  # the window is painted sooner without it

    if signal.frames < SHORTEST_S * signal.rate:
        return gated_rms_db(signal)
    return integrated_lufs(signal, check=check)
