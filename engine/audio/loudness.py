"""How loud a recording sounds: integrated, momentary and short-term loudness, loudness range, true peak.

Everything streams, so an hour needs no more memory than a minute.

Sources: ITU-R BS.1770-5 (filters, gating, true peak), EBU Tech 3341 (momentary, short-term, test cases),
EBU Tech 3342 (loudness range).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Samples, Signal, Span, blocks
from engine.audio.true_peak import TruePeak, true_peak_dbtp

__all__ = [
    "Loudness",
    "Meter",
    "MeterReading",
    "gated_rms_db",
    "integrated_lufs",
    "k_weighting",
    "loudness_range",
    "measure_loudness",
    "true_peak_dbtp",
]

STEP_S = 0.1  # energies are kept per 100 ms: a quarter of a momentary block
MOMENTARY_STEPS = 4
SHORT_STEPS = 30
ABSOLUTE_GATE_LUFS = -70.0
OFFSET_LU = -0.691  # so that a 997-Hz sine at 0 dBFS in one channel reads -3.01

Energies = NDArray[np.float64]


def k_weighting(rate: int) -> NDArray[np.float64]:
    """Return the K-weighting as two second-order sections, shape (2, 6).

    BS.1770 gives coefficients at 48 kHz only; these are the bilinear transform of the same analogue filters (a shelf
    of +4 dB at 1682 Hz, a high-pass at 38 Hz), which at 48 kHz are the standard's to 1e-9.
    """
    shelf = _shelf(1681.974450955533, 3.999843853973347, 0.7071752369554196, rate)
    high_pass = _high_pass(38.13547087602444, 0.5003270373238773, rate)
    return np.array([shelf, high_pass])


def _shelf(corner_hz: float, gain_db: float, q: float, rate: int) -> list[float]:
    k = math.tan(math.pi * min(corner_hz / rate, 0.499))
    high = 10 ** (gain_db / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    return [
        (high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0,
        1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0,
    ]  # fmt: skip


def _high_pass(corner_hz: float, q: float, rate: int) -> list[float]:
    k = math.tan(math.pi * corner_hz / rate)
    a0 = 1 + k / q + k * k
    return [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]


def channel_weights(channels: int) -> NDArray[np.float64]:
    """Return each channel's weight: 1.41 for those at the listener's sides, 0 for the low-frequency channel.

    The order is that of WAVE: 5 = L R C Ls Rs, 6 = L R C LFE Ls Rs, 8 = L R C LFE Lb Rb Ls Rs.
    """
    known = {5: [1, 1, 1, 1.41, 1.41], 6: [1, 1, 1, 0, 1.41, 1.41], 8: [1, 1, 1, 0, 1, 1, 1.41, 1.41]}
    return np.array(known.get(channels, [1] * channels), dtype=np.float64)


class _KWeighted:
    """Mean K-weighted power of each 100 ms, from blocks of any size."""

    def __init__(self, rate: int, channels: int) -> None:
        self._rate = rate
        self._sections = k_weighting(rate)
        self._state = np.zeros((2, 2, channels))
        self._weights = channel_weights(channels)
        self._sum = 0.0
        self._at = 0  # frames seen
        self._steps = 0  # steps finished

    def _edge(self, step: int) -> int:
        return round(step * STEP_S * self._rate)

    def add(self, samples: Samples) -> list[float]:
        """Return the powers of the steps that these samples finish."""
        if not len(samples):
            return []
        from scipy.signal import sosfilt  # takes a second to import: the window is painted before

        weighted, self._state = sosfilt(self._sections, samples, axis=0, zi=self._state)
        power = np.square(weighted, out=weighted) @ self._weights
        finished = []
        start = 0
        while start < len(power):
            left = self._edge(self._steps + 1) - self._at
            piece = power[start : start + left]
            self._sum += float(piece.sum())
            self._at += len(piece)
            start += len(piece)
            if len(piece) == left:
                finished.append(self._sum / (self._edge(self._steps + 1) - self._edge(self._steps)))
                self._sum = 0.0
                self._steps += 1
        return finished


def _lufs(power: float) -> float:
    return OFFSET_LU + 10 * math.log10(power) if power > 0 else -math.inf


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - OFFSET_LU) / 10))


def _sliding_mean(steps: Energies, length: int) -> Energies:
    if len(steps) < length:
        return np.zeros(0)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(steps, length).mean(axis=1))


def _integrate(steps: Energies) -> float:
    powers = _sliding_mean(steps, MOMENTARY_STEPS)
    powers = powers[powers > _power(ABSOLUTE_GATE_LUFS)]
    if not len(powers):
        return -math.inf
    return _lufs(float(powers[powers > powers.mean() * 0.1].mean()))  # relative gate: -10 LU


def _range(steps: Energies) -> float:
    powers = _sliding_mean(steps, SHORT_STEPS)
    powers = powers[powers > _power(ABSOLUTE_GATE_LUFS)]
    if not len(powers):
        return 0.0
    powers = powers[powers > powers.mean() * 0.01]  # relative gate: -20 LU
    low, high = np.percentile(10 * np.log10(powers), [10, 95])
    return float(high - low)


def _steps(signal: Signal, span: Span | None, check: Callable[[], None] | None) -> Energies:
    weighted = _KWeighted(signal.rate, signal.channels)
    found: list[float] = []
    for samples in _read(signal, span, check):
        found += weighted.add(samples)
    return np.array(found)


def _read(signal: Signal, span: Span | None, check: Callable[[], None] | None) -> Iterator[Samples]:
    start, stop = span if span is not None else (0, signal.frames)
    for part in blocks(stop - start, 1 << 16):
        if check is not None:
            check()
        yield signal.read(start + part.start, start + part.stop)


def integrated_lufs(signal: Signal, span: Span | None = None, check: Callable[[], None] | None = None) -> float:
    """Return the integrated loudness in LUFS; -inf for silence and for less than 0.4 s."""
    return _integrate(_steps(signal, span, check))


def loudness_range(signal: Signal, span: Span | None = None, check: Callable[[], None] | None = None) -> float:
    """Return the loudness range in LU (EBU Tech 3342); 0 for less than 3 s."""
    return _range(_steps(signal, span, check))


@dataclass(frozen=True)
class Loudness:
    """Everything a report says about level. Loudness in LUFS, range in LU, peaks in dB."""

    integrated_lufs: float
    range_lu: float
    momentary_max_lufs: float
    short_term_max_lufs: float
    true_peak_dbtp: float


def measure_loudness(signal: Signal, span: Span | None = None, check: Callable[[], None] | None = None) -> Loudness:
    """Measure everything in one pass."""
    weighted = _KWeighted(signal.rate, signal.channels)
    peak = TruePeak(signal.channels)
    found: list[float] = []
    for samples in _read(signal, span, check):
        found += weighted.add(samples)
        peak.add(samples, only_higher=True)
    steps = np.array(found)
    return Loudness(
        _integrate(steps),
        _range(steps),
        _lufs(float(_sliding_mean(steps, MOMENTARY_STEPS).max(initial=0.0))),
        _lufs(float(_sliding_mean(steps, SHORT_STEPS).max(initial=0.0))),
        peak.finish_dbtp(),
    )


def gated_rms_db(signal: Signal, span: Span | None = None, check: Callable[[], None] | None = None) -> float:
    """Return the RMS of the sounding parts in dBFS, for spans too short for BS.1770; -inf for silence.

    Blocks of 10 ms; those more than 30 dB under the loudest don't count. All channels together, unweighted.
    """
    size = max(1, signal.rate // 100)
    powers: list[float] = []
    rest = np.zeros((0, signal.channels), dtype=np.float32)
    for samples in _read(signal, span, check):
        rest = np.concatenate([rest, samples])
        whole = len(rest) // size * size
        if whole:
            squares = np.square(rest[:whole], dtype=np.float64)
            powers += list(squares.reshape(-1, size * signal.channels).mean(axis=1))
        rest = rest[whole:]
    if len(rest):
        powers.append(float(np.square(rest, dtype=np.float64).mean()))
    levels = np.array(powers)
    if not len(levels) or levels.max() <= 0:
        return -math.inf
    return float(10 * np.log10(levels[levels >= levels.max() * 1e-3].mean()))


@dataclass(frozen=True)
class MeterReading:
    """What the meters show now."""

    momentary_lufs: float  # the last 400 ms
    short_term_lufs: float  # the last 3 s
    integrated_lufs: float  # since `reset`
    true_peak_db: tuple[float, ...]  # of the last block, per channel
    rms_db: tuple[float, ...]  # of the last block, per channel


class Meter:
    """The transport's meters: feed it every block that is heard, read it as often as the window likes.

    Not for several threads at once.
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._rate = rate
        self._channels = channels
        self.reset()

    def reset(self) -> None:
        """Forget what was heard, as after a seek or a switch of what is heard."""
        self._weighted = _KWeighted(self._rate, self._channels)
        self._peak = TruePeak(self._channels)
        self._recent: list[float] = []
        # Loudness in bins of 0.1 LU from -70 to +30: integrating for hours needs no more memory than for a second.
        self._counts = np.zeros(1000, dtype=np.int64)
        self._powers = np.zeros(1000)
        silent = (-math.inf,) * self._channels
        self._last = MeterReading(-math.inf, -math.inf, -math.inf, silent, silent)

    def add(self, samples: Samples) -> MeterReading:
        """Take the next block, shape (frames, channels), and return the reading after it."""
        if not len(samples):
            return self._last
        for power in self._weighted.add(samples):
            self._recent = [*self._recent[1 - SHORT_STEPS :], power]
            self._count()
        peaks = self._peak.add(samples)
        rms = np.sqrt(np.square(samples, dtype=np.float64).mean(axis=0))
        self._last = MeterReading(
            self._mean(MOMENTARY_STEPS), self._mean(SHORT_STEPS), self._integrated(), _decibels(peaks), _decibels(rms)
        )
        return self._last

    @property
    def reading(self) -> MeterReading:
        return self._last

    def _mean(self, steps: int) -> float:
        recent = self._recent[-steps:]
        return _lufs(sum(recent) / steps) if recent else -math.inf

    def _count(self) -> None:
        if len(self._recent) < MOMENTARY_STEPS:
            return
        power = sum(self._recent[-MOMENTARY_STEPS:]) / MOMENTARY_STEPS
        lufs = _lufs(power)
        if lufs > ABSOLUTE_GATE_LUFS:
            bin_ = min(len(self._counts) - 1, int((lufs - ABSOLUTE_GATE_LUFS) * 10))
            self._counts[bin_] += 1
            self._powers[bin_] += power

    def _integrated(self) -> float:
        count = int(self._counts.sum())
        if not count:
            return -math.inf
        gate = _lufs(float(self._powers.sum()) / count * 0.1)
        first = max(0, math.ceil((gate - ABSOLUTE_GATE_LUFS) * 10))
        above = int(self._counts[first:].sum())
        return _lufs(float(self._powers[first:].sum()) / above) if above else -math.inf


def _decibels(levels: NDArray[np.floating]) -> tuple[float, ...]:
    return tuple(20 * math.log10(level) if level > 0 else -math.inf for level in levels.tolist())
