"""What is to be played, and what the user should hear of when it can't be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.audio.signal import Signal


@dataclass(frozen=True)
class PlayerEvent:
    """Something about the sound device or the pair that the user should hear of."""

    kind: Literal["no device", "device lost", "latency raised", "unreadable"]
    text: str


@dataclass(frozen=True)
class Course:
    """What is to be played: a pair, from where, round which loop, up to where. Times in seconds."""

    a: Signal | None = None
    b: Signal | None = None
    start_s: float | None = 0.0  # None: go on from where the sound is
    loop_s: tuple[float, float] | None = None
    end_s: float | None = None  # of a selection played once; the loop doesn't count then
    first_channel: int = 0
    serial: int = 1
