"""Two players and one piece: notes of plain synthesis, each recording with its own timing, timbre and level."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import ArraySignal

RATE = 24_000
Seconds = NDArray[np.float64]


def beats(seconds: float, seed: int) -> Seconds:
    """Return moments at which chords begin, 0.25 to 0.6 s apart."""
    steps = np.random.default_rng(seed).uniform(0.25, 0.6, int(seconds / 0.3))
    moments = 0.3 + np.cumsum(steps)
    return moments[moments < seconds - 0.5]


def tempo(moments: Seconds) -> Seconds:
    """Return when the second player plays what the first plays at these moments: up to 20 % slower or faster."""
    return np.asarray(1.05 * moments + 0.4 * np.sin(0.45 * moments))


@lru_cache(maxsize=8)
def played(seconds: float = 14.0, player: int = 0, piece: int = 1, rate: int = RATE) -> ArraySignal:
    """Return a recording of a piece by player 0, or by player 1 on the time of `tempo` with another timbre."""
    onsets = beats(seconds, piece)
    chance = np.random.default_rng(piece + 100)
    pitches = 48 + chance.integers(0, 30, (len(onsets), 3))
    when = onsets if player == 0 else tempo(onsets)
    length = seconds if player == 0 else float(tempo(np.array(seconds)))
    out = np.zeros(round(length * rate))
    decay, partials = ((3.0, (1, 0.5, 0.3, 0.2)), (1.8, (1, 0.1, 0.6, 0.05, 0.3)))[player]
    for moment, chord in zip(when, pitches, strict=True):
        start = round(moment * rate)
        time = np.arange(min(rate, len(out) - start)) / rate
        envelope = np.exp(-decay * time) * np.minimum(1.0, time * 200)
        for pitch in chord:
            hertz = 440 * 2 ** ((pitch - 69) / 12)
            for number, level in enumerate(partials, 1):
                out[start : start + len(time)] += 0.04 * level * envelope * np.sin(2 * np.pi * number * hertz * time)
    out += 0.0005 * np.random.default_rng(player).standard_normal(len(out))
    return ArraySignal(out.astype(np.float32)[:, None], rate)
