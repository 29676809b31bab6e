"""Rulers without pixels painted: where a frequency lies, which times deserve a tick, and how numbers are spelt."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.audio.spectrogram import from_scale, to_scale
from gui.numbers import MINUS, clock

Scale = Literal["linear", "log", "mel", "bark"]
SCALES: tuple[Scale, ...] = ("linear", "log", "mel", "bark")
Floats = NDArray[np.float64]

NOTE_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
LOWEST_LOG_HZ = 20.0


def position_of_hz(hz: float | Floats, scale: Scale, low_hz: float, high_hz: float) -> Floats:
    """Return where frequencies lie between `low_hz` (0) and `high_hz` (1) on a scale; outside is allowed."""
    ends = to_scale(scale, np.array([low_hz, high_hz], dtype=np.float64))
    places = to_scale(scale, np.asarray(hz, dtype=np.float64))
    return np.asarray((places - ends[0]) / (ends[1] - ends[0]), dtype=np.float64)


def hz_at_position(position: float | Floats, scale: Scale, low_hz: float, high_hz: float) -> Floats:
    """Return the frequency at a position (0 = `low_hz`, 1 = `high_hz`); the inverse of `position_of_hz`."""
    ends = to_scale(scale, np.array([low_hz, high_hz], dtype=np.float64))
    return from_scale(scale, ends[0] + np.asarray(position, dtype=np.float64) * (ends[1] - ends[0]))


def frequency_ticks(scale: Scale, low_hz: float, high_hz: float, height_px: float) -> list[float]:
    """Return the frequencies worth a label, lowest first, at least 26 px apart."""
    decades = [m * 10.0**e for e in range(0, 6) for m in (1, 2, 3, 5, 7)]
    step = nice_step((high_hz - low_hz) / max(1.0, height_px / 40))
    evenly = [step * n for n in range(math.ceil(low_hz / step), math.floor(high_hz / step) + 1)]
    wide = scale != "linear" and high_hz / max(low_hz, LOWEST_LOG_HZ) > 3
    wanted = sorted((f for f in decades if low_hz <= f <= high_hz), key=_tick_rank) if wide else evenly
    kept: list[float] = []
    for hz in wanted:
        y = float(position_of_hz(hz, scale, low_hz, high_hz)) * height_px
        if 8 <= y <= height_px - 6 and all(
            abs(y - float(position_of_hz(k, scale, low_hz, high_hz)) * height_px) >= 26 for k in kept
        ):
            kept.append(hz)
    return sorted(kept)


def _tick_rank(hz: float) -> tuple[int, float]:
    leading = round(hz / 10.0 ** math.floor(math.log10(hz) + 1e-9))
    return ({1: 0, 5: 1, 2: 2, 3: 3, 7: 4}[leading], hz)


def nice_step(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is at least `least` (> 0)."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((power * m for m in (1.0, 2.0, 5.0) if power * m >= least * (1 - 1e-9)), power * 10.0)


_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 18000, 36000)


def time_step(seconds_per_px: float, label_px: float = 64.0) -> tuple[float, int]:
    """Return the distance of labelled ticks in seconds (> 0) and how many small ones divide it."""
    least = seconds_per_px * label_px
    if least <= 1:
        step = nice_step(least)
        return step, 4 if round(step / 10.0 ** math.floor(math.log10(step) + 1e-9)) == 2 else 5
    step = float(next((s for s in _TIME_STEPS if s >= least), _TIME_STEPS[-1]))
    return step, {15: 3, 30: 3, 60: 4, 900: 3, 1800: 3, 3600: 4}.get(int(step), 4 if step in (2, 120, 7200) else 5)


def parse_clock(text: str) -> float | None:
    """Return the seconds that "1:02:03.4", "2:03.4", "83.4" or "83,4 s" spells, None if it spells none."""
    parts = text.strip().lower().removesuffix("s").strip().replace(",", ".").split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    if len(numbers) > 3 or not all(math.isfinite(n) and n >= 0 for n in numbers):
        return None
    return sum(n * 60.0**place for place, n in enumerate(reversed(numbers)))


def parse_hz(text: str) -> float | None:
    """Return the frequency that "300", "8 kHz", "7.7k" spells, None if it spells none."""
    plain = text.strip().lower().removesuffix("hz").strip().replace(",", ".")
    factor = 1000.0 if plain.endswith("k") else 1.0
    try:
        value = float(plain.removesuffix("k").strip()) * factor
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def short_hz(hz: float) -> str:
    """Spell a ruler's frequency: 200 -> "200", 10000 -> "10 k", 1500 -> "1.5 k"."""
    return f"{hz / 1000:g} k" if hz >= 1000 else f"{hz:g}"


def spoken_hz(hz: float) -> str:
    """Spell a width or a place in words for a label: 7700 -> "7.70 kHz", 300 -> "300 Hz"."""
    return f"{hz / 1000:.2f} kHz" if hz >= 1000 else f"{hz:.0f} Hz"


def spoken_length(seconds: float) -> str:
    """Spell a duration: 3.04 -> "3.04 s", 0.0123 -> "12.3 ms", 83 -> "1:23.0"."""
    if seconds >= 60:
        return clock(round(seconds, 1), 1)
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"


def note_name(hz: float) -> str:
    """Return the nearest note and the distance from it, a' = 440 Hz: 1762 -> "A6 +2 ¢"; "" below 16 Hz."""
    if hz < 16:
        return ""
    semitones = 69 + 12 * math.log2(hz / 440.0)
    nearest = round(semitones)
    cents = round((semitones - nearest) * 100)
    sign = "+" if cents >= 0 else MINUS
    return f"{NOTE_NAMES[nearest % 12]}{nearest // 12 - 1} {sign}{abs(cents)} ¢"
