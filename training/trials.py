"""Audio on which a room's file is tried out against torch: noise, near-silence and music, each at three lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from training.data import RATE, Samples, read_mono, recordings
from training.room import Inputs

SECONDS: Final = (2.0, 7.3, 20.0)
_LONGEST: Final = 20


def trial_audio() -> dict[str, Samples]:
    """Noise, near-silence (the last bit of 20) and music, 20 s at 44.1 kHz each; tones stand in for missing data."""
    rng = np.random.default_rng(5)
    audio = {
        "noise": 0.1 * rng.standard_normal(_LONGEST * RATE, dtype=np.float32),
        "silence": (1e-6 * rng.choice((-1.0, 1.0), _LONGEST * RATE)).astype(np.float32),
    }
    try:
        row = next(row for row in recordings("validation") if "Vibe_Ace" in row.path)
        audio["music"] = read_mono(row)[10 * RATE : 30 * RATE]
    except (FileNotFoundError, StopIteration):
        audio["music"] = _stand_in()
    return audio


def trials_of(prepare: Callable[[Samples], Inputs]) -> dict[str, Inputs]:
    """Return the inputs that `prepare` makes of every trial at 2, 7.3 and 20 s, by names like "noise, 2 s"."""
    return {
        f"{name}, {seconds:g} s": prepare(samples[: round(seconds * RATE)])
        for name, samples in trial_audio().items()
        for seconds in SECONDS
    }


def _stand_in() -> Samples:
    """Held tones over a little noise, where no recording is at hand."""
    time = np.arange(_LONGEST * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * f * time) * np.exp(-(time % 0.7) * 3) for f in (220.0, 331.0, 1777.0))
    return (0.1 * tones + 0.001 * np.random.default_rng(6).standard_normal(len(time))).astype(np.float32)
