"""Music made of sines, played at any times: what the aligner's tests listen to. The truth is in the times."""

from __future__ import annotations

import numpy as np

from engine.audio.signal import ArraySignal

RATE = 24_000


def tune(seed: int, count: int, step_s: float = 0.35) -> tuple[list[float], list[float]]:
    """Return onsets (seconds) and pitches (Hz) of a random tune."""
    random = np.random.default_rng(seed)
    onsets = 0.2 + np.cumsum(step_s * random.choice([0.5, 1.0, 1.5], count)) - step_s / 2
    pitches = 261.63 * 2.0 ** (random.integers(-10, 14, count) / 12)
    return onsets.tolist(), pitches.tolist()


def played(
    onsets_s: list[float], pitches_hz: list[float], seconds: float, partials: tuple[float, ...] = (1.0, 0.5, 0.25)
) -> ArraySignal:
    """Return decaying harmonic tones; mono, 24 kHz."""
    out = np.zeros(round(seconds * RATE))
    for onset, pitch in zip(onsets_s, pitches_hz, strict=True):
        first = round(onset * RATE)
        time = np.arange(min(len(out) - first, round(0.8 * RATE))) / RATE
        tone = sum(a * np.sin(2 * np.pi * pitch * (k + 1) * time) for k, a in enumerate(partials))
        out[first : first + len(time)] += tone * np.exp(-time / 0.25) * np.minimum(1.0, time / 0.003)
    return ArraySignal((0.2 * out).astype(np.float32)[:, None], RATE)


def warped(times_s: list[float], depth: float = 0.12, period_s: float = 6.0, speed: float = 0.9) -> list[float]:
    """Return when a second player plays the same: a smooth curve, in closed form."""
    t = np.array(times_s)
    swing = depth * period_s / (2 * np.pi) * (1.0 - np.cos(2 * np.pi * t / period_s))
    return (0.1 + t / speed + swing).tolist()
