"""Denoise: a gain between the floor and 1 for every frequency of every frame, from one of two engines.

Chunks of 5 s lie on an absolute grid; each is computed from its own surroundings alone, so a span comes out the same
however it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Samples, Signal, Span, read_padded
from engine.audio.stft import Spectra
from engine.inference.grid import Grid
from engine.measure.noise_floor import quantile_profile
from engine.tools.restore import classical
from engine.tools.restore.chain import Learned
from engine.tools.restore.knobs import NO_FLOOR_DB
from engine.tools.restore.neural import denoiser_gain
from engine.tools.restore.noise_profile import (
    NoiseProfile,
    learn_profile,
    network_profile,
    selected_profile,
)
from engine.tools.restore.planes import (
    MARGIN_SECONDS,
    WORK_STFT,
    from_planes,
    read_work,
    resampled,
    to_planes,
    work_rate,
)
from engine.tools.tool import Job, Params

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

CHUNK_SECONDS: Final = 5
CONTEXT_FRAMES: Final = 43  # half a second on either side, computed and thrown away; the networks look 28 frames far
SHORTEST_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 0.01  # digital silence of this length stays digital silence


@dataclass(frozen=True)
class Denoise:
    """The stage."""

    name: str = "denoise"

    def learn(self, signal: Signal, params: Params, job: Job) -> Learned:
        """Find out what the noise looks like."""
        engine = str(params["engine"])
        if signal.frames < SHORTEST_SECONDS * signal.rate:
            return Learned({"engine": engine, "skipped": "too short to profile noise"})
        selection = str(params["noise_from"])
        known = selected_profile(signal, selection) if selection else None
        profile = learn_profile(signal, network_profile if engine == "neural" else _quantile_estimate, known, job)
        if not any(profile.knows(plane) for plane in range(signal.channels)):
            return Learned({"engine": engine, "skipped": "nothing sounds long enough to profile noise"})
        facts = {
            "engine": engine,
            "noise_db": round(profile.noise_db(), 2),
            "profiles": len(profile.centres_s),
            "learned_from": selection or "the whole recording",
        }
        return Learned(facts, profile.arrays())

    def removed(self, signal: Signal, params: Params, learned: Learned, span: Span, job: Job) -> Samples:
        """Return the noise."""
        if not learned.arrays:
            return np.zeros((span.frames, signal.channels), dtype=np.float32)
        profile = NoiseProfile(**learned.arrays)
        grid = Grid(CHUNK_SECONDS * signal.rate)

        def chunk(index: int) -> Samples:
            job.check()
            return _noise_of_chunk(signal, grid.span(index), params, profile, job)

        return grid.render(span, signal.channels, chunk)


def _quantile_estimate(spectra: Spectra, rate: int, job: Job) -> Floats | None:
    return quantile_profile(spectra)


def _noise_of_chunk(signal: Signal, span: Span, params: Params, profile: NoiseProfile, job: Job) -> Samples:
    """Return what is removed from one chunk, shape (span.frames, channels)."""
    method = str(params["classical_method"]) if params["engine"] == "classical" else ""
    leaps = np.zeros((span.frames, signal.channels), dtype=np.float32)
    if method.startswith("median"):
        signal = classical.ImpulseFree(signal)
        leaps = signal.leaps(span)
        if method == "median":
            return leaps
    window = Window.around(signal, span)
    removed = np.zeros_like(work := read_work(signal, window.start, window.stop))
    looked_at = slice(window.first, window.first + window.samples)
    taken = []
    for plane, samples in enumerate(to_planes(work[looked_at])):
        job.check()
        spectra = WORK_STFT.forward(samples)
        gain = _gain(spectra, plane, window.seconds, params, profile, job)
        taken.append(WORK_STFT.inverse((np.float32(1.0) - gain) * spectra))
    removed[looked_at] = from_planes(np.stack(taken))
    cut = slice(span.start - window.start, span.stop - window.start)
    native = resampled(removed, window.rate, signal.rate)[cut]
    silent = digital_silence(read_padded(signal, window.start, window.stop), signal.rate)[cut]
    return np.where(silent, np.float32(0.0), native) + leaps


def _gain(spectra: Spectra, plane: int, seconds: Doubles, params: Params, profile: NoiseProfile, job: Job) -> Floats:
    """Return the gain of the engine chosen, not below the floor; shape (frames, bins), or 1 where nothing is known."""
    if not profile.knows(plane) or not spectra.any():
        return np.ones((1, 1), dtype=np.float32)
    power = spectra.real**2 + spectra.imag**2
    noise = profile.at(plane, seconds)
    if params["engine"] == "neural":
        gain = denoiser_gain(power, noise, float(profile.levels[plane]), job)
    elif str(params["classical_method"]).endswith("subtraction"):
        gain = classical.subtraction_gain(power, noise)
    else:
        gain = classical.wiener_gain(power, noise)
    floor_db = float(params["floor_db"])
    return gain if floor_db <= NO_FLOOR_DB else np.maximum(gain, np.float32(10.0 ** (floor_db / 20.0)))


@dataclass(frozen=True)
class Window:
    """What is read for a chunk and which transform frames are looked at: equally many for every chunk."""

    start: int  # native frames, may be negative
    stop: int
    first: int  # samples at the working rate from `start` to where the first transform frame begins
    frames: int  # transform frames
    rate: int  # working rate, Hz
    origin_s: float  # time of the first transform frame's centre

    @staticmethod
    def around(signal: Signal, span: Span) -> Window:
        """Return the window of a chunk of `signal`."""
        rate, count = work_rate(signal.rate), frames_per_chunk(work_rate(signal.rate))
        if signal.rate == rate:
            # Frames lie on the grid of the recording.
            number = WORK_STFT.frame_range(span.start, span.stop)[0] - CONTEXT_FRAMES
            start, stop = WORK_STFT.sample_range(number, number + count)
            return Window(start, stop, 0, count, rate, number * WORK_STFT.hop / rate)
        # A resampled copy has its own grid in every chunk: chunk and margin are whole seconds, so it never shifts.
        start, stop = span.start - MARGIN_SECONDS * signal.rate, span.stop + MARGIN_SECONDS * signal.rate
        number = WORK_STFT.frame_range(MARGIN_SECONDS * rate, MARGIN_SECONDS * rate + 1)[0] - CONTEXT_FRAMES
        first = WORK_STFT.sample_range(number, number + count)[0]
        return Window(start, stop, first, count, rate, start / signal.rate + number * WORK_STFT.hop / rate)

    @property
    def samples(self) -> int:
        return (self.frames - 1) * WORK_STFT.hop + WORK_STFT.fft

    @property
    def seconds(self) -> Doubles:
        """Time of every transform frame's centre, shape (frames,)."""
        return np.arange(self.frames, dtype=np.float64) * (WORK_STFT.hop / self.rate) + self.origin_s


def frames_per_chunk(rate: int) -> int:
    """Return the number of transform frames the engines see at a time, context included; fixed for a working rate."""
    return -(-CHUNK_SECONDS * rate // WORK_STFT.hop) + 5 + 2 * CONTEXT_FRAMES


def digital_silence(samples: Samples, rate: int) -> NDArray[np.bool_]:
    """Return which samples lie in a run of exact zeros of 10 ms or more; shape of `samples`."""
    shortest = max(1, round(SILENT_SECONDS * rate))
    out = np.zeros(samples.shape, dtype=np.bool_)
    for channel, column in enumerate(samples.T):
        sounds = np.flatnonzero(np.pad(column != 0.0, 1, constant_values=True)) - 1
        for gap in np.flatnonzero(np.diff(sounds) > shortest):
            out[sounds[gap] + 1 : sounds[gap + 1], channel] = True
    return out
