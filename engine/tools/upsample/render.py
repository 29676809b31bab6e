"""Resampled recording plus generated band, chunk by chunk on an absolute grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from engine.audio.resample import ResampledSignal
from engine.audio.signal import Samples, Signal, Span, read_padded
from engine.audio.spline import SplineSignal
from engine.inference.band_features import Edge
from engine.inference.grid import Grid
from engine.tools.tool import Job, Params
from engine.tools.upsample import film
from engine.tools.upsample.band import band_filter
from engine.tools.upsample.bwe import SILENT, Window, make_band, stft_of
from engine.tools.upsample.edge import edge_of, fade_of
from engine.tools.upsample.facts import Learned
from engine.tools.upsample.knobs import FULL_AMOUNT
from engine.tools.upsample.plan import Plan, plan
from engine.tools.upsample.planes import from_planes, to_planes

CHUNK_SECONDS: Final = 5  # as the rack's, so that a chunk there is a chunk here
MARGIN_SECONDS: Final = 1  # around a chunk whose band is resampled: whole samples at any rate


@dataclass(frozen=True)
class Rise:
    """One recording on its way up."""

    signal: Signal
    params: Params
    learned: Learned
    job: Job

    @cached_property
    def plan(self) -> Plan:
        return plan(self.signal.rate, self.params)

    @cached_property
    def edge(self) -> Edge | None:
        """Where the generated band begins, None if there is none."""
        if not self.params["generate"]:
            return None
        return edge_of(self.plan, self.signal.rate, self.learned, float(self.params["cutoff_hz"]))

    @cached_property
    def base(self) -> Signal:
        """The recording at the rate of the result."""
        return ResampledSignal(self.signal, self.plan.rate)

    @cached_property
    def low(self) -> Signal:
        """The recording at the rate the network works at."""
        same = self.plan.work_rate == self.plan.rate
        return self.base if same else ResampledSignal(self.signal, self.plan.work_rate)

    def read(self, span: Span) -> Samples:
        """Return a span of the result, shape (span.frames, channels)."""
        grid = Grid(CHUNK_SECONDS * self.plan.rate)
        out = np.empty((span.frames, self.signal.channels), dtype=np.float32)
        for index, part in grid.covering(span):
            self.job.check()
            base = self.base.read(*part)
            whole = grid.span(index)
            band = self._band(index)
            here = slice(part.start - whole.start, part.stop - whole.start)
            out[part.start - span.start : part.stop - span.start] = mixed(base, band, here, self.params)
        return out

    def _band(self, index: int) -> Samples | None:
        """Return the generated band of one chunk at the rate of the result; None where there is none."""
        edge = self.edge
        if edge is None or not self.learned.sounding(self.signal.channels):
            return None
        span = Grid(CHUNK_SECONDS * self.plan.work_rate).span(index)
        if self.plan.is_film:
            return self._film_band(span, edge)
        return self._frame_band(span, edge)

    def _frame_band(self, span: Span, edge: Edge) -> Samples:
        window = Window.around(span, stft_of(self.plan))
        given = to_planes(read_padded(self.low, *window.span), self.learned)
        fade = fade_of(edge, self.learned)
        band = band_filter(self.plan.work_rate, fade, float(self.params["tilt_db"]), False)
        gain = self.learned.gain
        planes = [
            band.convolve(make_band(plane, window, self.plan, edge, fade, gain, self.job)) if plane.any() else plane
            for plane in given
        ]
        made = from_planes(np.stack(planes), self.signal.channels, self.learned)
        origin = span.start - window.span.start
        if self.plan.work_rate == self.plan.rate:
            return made[origin : origin + span.frames]
        margin = MARGIN_SECONDS * self.plan.work_rate
        padded = np.zeros((span.frames + 2 * margin, made.shape[1]), dtype=np.float32)
        start = max(0, margin - origin)
        known = made[max(0, origin - margin) :][: len(padded) - start]
        padded[start : start + len(known)] = known
        return _resampled(padded, self.plan)

    def _film_band(self, span: Span, edge: Edge) -> Samples:
        keeps = bool(self.params["keep_band"])
        fade = fade_of(edge, self.learned)
        band = band_filter(self.plan.work_rate, fade, float(self.params["tilt_db"]), True)
        reach = band.before if keeps else 0
        wide = Span(span.start - reach, span.stop + reach)
        read = film.reads(wide)
        raised = to_planes(read_padded(SplineSignal(self.signal, self.plan.factor), *read), self.learned)
        own = to_planes(read_padded(self.base, *wide), self.learned)
        planes = []
        for given, kept in zip(raised, own, strict=True):
            if np.abs(given).max() < SILENT:
                planes.append(np.zeros(span.frames, dtype=np.float32))
                continue
            added = film.made(given, wide, self.plan, self.learned.gain, self.job) - kept
            planes.append(band.convolve(added)[reach : reach + span.frames] if keeps else added)
        return from_planes(np.stack(planes), self.signal.channels, self.learned)


def _resampled(padded: Samples, plan: Plan) -> Samples:
    """Bring a chunk with its margins to the rate of the result and cut it out."""
    import soxr

    made = soxr.resample(padded, plan.work_rate, plan.rate, quality="VHQ")
    start = MARGIN_SECONDS * plan.rate
    return np.ascontiguousarray(made[start : start + CHUNK_SECONDS * plan.rate], dtype=np.float32)


def mixed(base: Samples, band: Samples | None, here: slice, params: Params) -> Samples:
    """Return the result of a part, or the generated band alone; `here` is where it lies in `band`."""
    share = np.float32(float(params["amount"]) / FULL_AMOUNT)
    if params["listen"] == "generated":
        return np.zeros_like(base) if band is None else band[here] * share
    if band is None or not share:
        return base
    return base + (band[here] if share == 1.0 else band[here] * share)
