"""The instruments of the note lists: their General MIDI programs and what they can play.

Ranges are sounding pitches of an advanced player (Adler, *The Study of Orchestration*).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Instrument:
    """One instrument of the training data."""

    name: str
    program: int  # General MIDI, counted from 0
    low: int  # lowest pitch, MIDI
    high: int
    is_struck: bool = False  # it decays by itself: vibrato and swells can't be played


INSTRUMENTS: Final = (
    Instrument("piano", 0, 21, 108, is_struck=True),
    Instrument("guitar", 24, 40, 83, is_struck=True),
    Instrument("violin", 40, 55, 103),
    Instrument("viola", 41, 48, 91),
    Instrument("cello", 42, 36, 81),
    Instrument("trumpet", 56, 52, 82),
    Instrument("oboe", 68, 58, 91),
    Instrument("clarinet", 71, 50, 94),
    Instrument("flute", 73, 60, 96),
)
BY_PROGRAM: Final = {instrument.program: instrument for instrument in INSTRUMENTS}
