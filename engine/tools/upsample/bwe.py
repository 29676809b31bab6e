"""The frame networks bwe48 and bwe16 at work: the band above the edge of one chunk, from a short-time spectrum.

A chunk of 5 s is computed from its own surroundings alone, on a grid of frames that belongs to the recording.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.audio.signal import Samples, Span
from engine.audio.stft import Stft
from engine.inference.band_features import Edge, generated, network_input, residual
from engine.settings import chosen
from engine.tools.tool import Job
from engine.tools.upsample.plan import SPEECH_RATE, Plan

FULL_STFT: Final = Stft(2048, 512)
SPEECH_STFT: Final = Stft(1024, 256)
# The networks look 24 frames far, two passes of Griffin and Lim 6 more: the rest is for the filter behind them.
CONTEXT_FRAMES: Final = 34
PASSES: Final = 2
SILENT: Final = 10.0 ** (-90.0 / 20.0)  # peak under which nothing is made
AT_ONCE: Final = 2  # chunks at work, 50 MB each; more cores than that share the work inside the network
_turns = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Window:
    """The transform frames that are looked at for a chunk: equally many for every chunk."""

    stft: Stft
    first: int  # number of the first frame on the grid of the recording
    count: int

    @staticmethod
    def around(span: Span, stft: Stft) -> Window:
        """Return the window of a chunk, given in samples at the working rate."""
        first = stft.frame_range(*span)[0] - CONTEXT_FRAMES
        # How many frames touch a chunk differs by one, with where it begins: room for the most.
        return Window(stft, first, -(-span.frames // stft.hop) + 4 + 2 * CONTEXT_FRAMES)

    @property
    def span(self) -> Span:
        """The samples at the working rate; may reach beyond the recording."""
        return Span(*self.stft.sample_range(self.first, self.first + self.count))


def stft_of(plan: Plan) -> Stft:
    """Return the transform that the plan's network was trained with."""
    return SPEECH_STFT if plan.work_rate <= SPEECH_RATE else FULL_STFT


def make_band(plane: Samples, window: Window, plan: Plan, edge: Edge, fade: Edge, gain: float, job: Job) -> Samples:
    """Return what is added to one plane of a window.

    Parameters
    ----------
    plane
        Shape (window.span.frames,), at the working rate.
    edge, fade
        What the network is told, and over which own and generated band are cross-faded.
    gain
        Takes the recording to the level at which the network listens.

    Returns
    -------
    Samples
        Shape of `plane`, at the level of `plane`; right where the context ends, arbitrary in it.
    """
    if np.abs(plane).max(initial=0.0) < SILENT:
        return np.zeros_like(plane)
    with _turn(job):
        return _make_band(plane, window, plan, edge, fade, gain, job)


@contextmanager
def _turn(job: Job) -> Iterator[None]:
    """Wait until fewer than `AT_ONCE` chunks are at work, and hear a cancel meanwhile."""
    while not _turns.acquire(timeout=0.05):
        job.check()
    try:
        yield
    finally:
        _turns.release()


def _make_band(plane: Samples, window: Window, plan: Plan, edge: Edge, fade: Edge, gain: float, job: Job) -> Samples:
    from engine.inference.network import network

    job.check()
    spectra = window.stft.forward(plane * np.float32(gain))
    features = network_input(spectra, plan.work_rate, edge)
    answer = network(plan.model, chosen(), plan.file).run({"features": features}, job)["log_gain"]
    del features
    job.check()
    made = generated(spectra, answer, plan.work_rate, edge, window.stft, PASSES)
    added = residual(spectra, made, plan.work_rate, fade)
    return window.stft.inverse(added) * np.float32(1.0 / gain)
