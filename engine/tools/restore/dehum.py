"""Dehum: the tones of the mains are measured and subtracted; a filter without phase shift takes rumble away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.fir import FilteredSignal, Fir
from engine.audio.signal import SameShape, Samples, Signal, Span, read_padded
from engine.inference.grid import Grid
from engine.measure.hum import BASES_HZ, NODE_SECONDS, HumTrack, track_hum
from engine.tools.restore.chain import Learned
from engine.tools.tool import Job, Params

SILENT_RUN: Final = 64  # zeros in a row that no recorded sound has
RUMBLE_PERIODS: Final = 4.0  # length of the rumble filter in periods of its frequency: 40 dB down half an octave below


@dataclass(frozen=True)
class Dehum:
    """The stage."""

    name: str = "dehum"

    def learn(self, signal: Signal, params: Params, job: Job) -> Learned:
        """Look for hum and follow it; without hum nothing is taken away."""
        base = str(params["hum_base"])
        bases = BASES_HZ if base == "auto" else (float(base.removesuffix(" Hz")),)
        track = track_hum(
            signal,
            bases,
            int(params["hum_harmonics"]),
            check=job.check,
            progress=lambda fraction: job.progress(fraction, "listening for hum"),
        )
        if not track.is_present:
            return Learned({"hum": "none found"})
        facts = {"hum": "found", "hum_hz": round(float(np.median(track.hertz)), 3), "harmonics": track.found}
        return Learned(facts, track.arrays())

    def removed(self, signal: Signal, params: Params, learned: Learned, span: Span, job: Job) -> Samples:
        """Return hum and rumble."""
        track = HumTrack(**learned.arrays) if learned.arrays else None
        out = np.zeros((span.frames, signal.channels), dtype=np.float32)
        if track is not None:
            out += _hum(track, signal, span, job)
        if params["rumble"]:
            low_pass = rumble_filter(signal.rate, float(params["rumble_hz"]))
            # Of what is left without the hum: the mains lie under the filter too, and would be taken away twice.
            rest = signal if track is None else _WithoutHum(signal, track, job)
            out += FilteredSignal(rest, low_pass).read(span.start, span.stop)
        out[digital_silence(signal, span)] = 0.0
        return out


def digital_silence(signal: Signal, span: Span) -> NDArray[np.bool_]:
    """Return which samples lie in a run of at least `SILENT_RUN` zeros, shape (span.frames, channels).

    A leader, or a gap that somebody cut: no hum was recorded there, so none may be subtracted.
    """
    reach = SILENT_RUN - 1
    is_zero = read_padded(signal, span.start - reach, span.stop + reach) == 0.0
    zeros = np.cumsum(np.vstack([np.zeros((1, signal.channels), dtype=np.int64), is_zero]), axis=0)
    starts_run = zeros[SILENT_RUN:] - zeros[:-SILENT_RUN] == SILENT_RUN  # the next SILENT_RUN samples are zeros
    runs = np.cumsum(np.vstack([np.zeros((1, signal.channels), dtype=np.int64), starts_run]), axis=0)
    return np.asarray(runs[SILENT_RUN:] - runs[:-SILENT_RUN] > 0)


@dataclass(frozen=True)
class _WithoutHum(SameShape):
    """A Signal less its hum."""

    signal: Signal
    track: HumTrack
    job: Job

    def read(self, start: int, stop: int) -> Samples:
        return self.signal.read(start, stop) - _hum(self.track, self.signal, Span(start, stop), self.job)


def _hum(track: HumTrack, signal: Signal, span: Span, job: Job) -> Samples:
    """Return the hum itself. It lies on a grid of cells that depends on nothing but the rate."""

    def cell(index: int) -> Samples:
        job.check()
        frames = np.arange(grid.chunk * index, grid.chunk * (index + 1))
        return hum_wave(track, frames / signal.rate)

    grid = Grid(max(1, round(NODE_SECONDS * signal.rate)))
    return grid.render(span, signal.channels, cell)


def hum_wave(track: HumTrack, seconds: NDArray[np.float64]) -> Samples:
    """Return the hum at these times, shape (times, channels)."""
    nodes = len(track.turns)
    place = np.clip(seconds / NODE_SECONDS, 0.0, nodes - 1)
    left = np.minimum(place.astype(np.int64), max(0, nodes - 2))
    right = np.minimum(left + 1, nodes - 1)
    share = place - left
    # Frequency changes linearly between nodes, so the phase follows a parabola that meets both.
    slope = track.hertz[left] * NODE_SECONDS
    bend = track.turns[right] - track.turns[left] - slope
    turns = track.turns[left] + slope * share + bend * share**2
    carrier = np.exp(2j * np.pi * (turns % 1.0)).astype(np.complex64)
    wave, power = np.zeros((len(seconds), track.amplitudes.shape[1]), dtype=np.float32), np.ones_like(carrier)
    weight = share.astype(np.float32)
    for number in range(track.amplitudes.shape[2]):
        power = power * carrier
        if not track.amplitudes[:, :, number].any():
            continue
        for channel in range(wave.shape[1]):
            line = track.amplitudes[:, channel, number].astype(np.complex64)
            amplitude = line[left] * (1 - weight) + line[right] * weight
            wave[:, channel] += amplitude.real * power.real - amplitude.imag * power.imag
    return wave


@lru_cache(maxsize=4)
def rumble_filter(rate: int, cutoff_hz: float) -> Fir:
    """Return a linear-phase low-pass, half of the amplitude at `cutoff_hz`: what a rumble filter takes away."""
    reach = int(RUMBLE_PERIODS / 2.0 * rate / cutoff_hz)
    time = np.arange(-reach, reach + 1)
    kernel = np.sinc(2.0 * cutoff_hz / rate * time) * np.hamming(len(time))
    return Fir(kernel / kernel.sum(), reach)
