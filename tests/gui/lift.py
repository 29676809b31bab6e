"""A small tool that raises the rate and adds a known tone above an edge: what the window needs of such a tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.audio.resample import ResampledSignal
from engine.audio.signal import Format, Samples, Signal, Span, resampled_frames
from engine.errors import UsageError
from engine.tools.tool import NO_JOB, Analysis, Inputs, Job, Knob, Params, Value

ADDED_HZ, ADDED = 12_000.0, 0.05  # the tone that is generated, and its amplitude
FOUND_HZ, CONFIDENCE = 5000.0, 0.86


@dataclass
class Lift:
    """Gives recordings under 44.1 kHz a rate of 48 kHz, or the one that is asked for."""

    name: str = "lift"
    label: str = "Lift"
    summary: str = "Raises the rate and adds a tone."
    version: int = 1
    knobs: tuple[Knob, ...] = (
        Knob("rate_hz", "Sample rate", "int", 0, 0, 192_000, 1, "Hz", excludes=("factor",)),
        Knob("factor", "Factor", "choice", "none", choices=("none", "2", "4"), excludes=("rate_hz",)),
        Knob("generate", "Generate", "bool", True, group="generate"),
        Knob("amount", "Amount", "float", 100.0, 0.0, 100.0, 1.0, "%", group="generate"),
        Knob("cutoff_hz", "Cutoff", "float", 0.0, 0.0, 96_000.0, 1.0, "Hz", group="generate"),
        Knob("tilt_db", "Tilt", "float", 0.0, -6.0, 6.0, 0.5, "dB/oct", group="generate"),
        Knob("listen", "Listen to", "choice", "result", choices=("result", "generated")),
    )
    presets: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    has_mix: bool = True
    is_generative: bool = True

    def networks(self, params: Params) -> tuple[str, ...]:
        return ()

    def output_format(self, given: Format, params: Params) -> Format:
        rate = int(params["rate_hz"]) or max(given.rate, 48_000)
        if params["factor"] != "none":
            if params["rate_hz"]:
                raise UsageError("a rate and a factor can't both be had", "give one of them")
            rate = given.rate * int(str(params["factor"]))
        return Format(rate, given.channels, resampled_frames(given.frames, given.rate, rate))

    def analyse(self, signal: Signal, params: Params, inputs: Inputs, job: Job = NO_JOB) -> Analysis:
        facts = {
            "cutoff_hz": FOUND_HZ, "cutoff_confidence": CONFIDENCE, "edge_width_hz": 300.0, "full_band": False,
            "warnings": ["the noise is loud: restore the recording first"],
        }  # fmt: skip
        return Analysis(facts)

    def render(
        self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span, job: Job = NO_JOB
    ) -> Samples:
        rate = self.output_format(Format(signal.rate, signal.channels, signal.frames), params).rate
        at = np.arange(*span)[:, None] / rate
        level = ADDED * float(params["amount"]) / 100 * bool(params["generate"])
        added = (level * np.sin(2 * np.pi * ADDED_HZ * at)).astype(np.float32)
        if params["listen"] == "generated":
            return np.repeat(added, signal.channels, axis=1)
        return ResampledSignal(signal, rate).read(*span) + added
