"""Which sound device the user wants, and what opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.playback.output import Output

NO_DEVICE = "null"


@dataclass(frozen=True)
class SoundChoice:
    """What the preferences say about sound. An empty device is the system's own."""

    device: str = ""
    latency_s: float = 0.2


def opener(choice: SoundChoice) -> Callable[[], Output]:
    """Return what makes an output of the user's choice."""
    from engine.playback.output import PortAudioOut, open_output

    if choice.device == NO_DEVICE:
        return lambda: open_output(NO_DEVICE, choice.latency_s)
    if choice.device:
        return lambda: PortAudioOut(choice.device, choice.latency_s)
    return lambda: open_output(None, choice.latency_s)
