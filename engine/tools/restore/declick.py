"""Declick: every short burst that neither past nor future explains is replaced by what both predict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.audio.signal import Samples, Signal, Span
from engine.measure.clicks import Clicks, find_clicks
from engine.tools.restore.chain import Learned
from engine.tools.tool import Job, Params


@dataclass(frozen=True)
class Declick:
    """The stage. The whole work is done while learning; rendering only pastes."""

    name: str = "declick"

    def learn(self, signal: Signal, params: Params, job: Job) -> Learned:
        """Find and repair the clicks of the whole recording."""
        clicks = find_clicks(
            signal,
            float(params["declick_sensitivity"]),
            check=job.check,
            progress=lambda fraction: job.progress(fraction, "finding clicks"),
        )
        seconds = max(signal.frames, 1) / signal.rate
        facts = {
            "clicks": len(clicks),
            "clicks_per_second": round(len(clicks) / seconds / signal.channels, 3),  # of one channel
            "share_touched": clicks.share(signal.frames, signal.channels),
        }
        return Learned(facts, clicks.arrays())

    def removed(self, signal: Signal, params: Params, learned: Learned, span: Span, job: Job) -> Samples:
        """Return the clicks alone."""
        samples = signal.read(span.start, span.stop)
        clicks = Clicks(**learned.arrays)
        return np.subtract(samples, clicks.pasted(samples, span), dtype=np.float32)
