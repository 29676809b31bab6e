"""The tool Upsample, joined to the promise every tool makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.audio.signal import Format, Samples, Signal, Span, format_of
from engine.tools.tool import NO_JOB, Analysis, Inputs, Job, Knob, Params, Value
from engine.tools.upsample.judge import judge_sha256
from engine.tools.upsample.knobs import AUTO, FULL_AMOUNT, KEPT_ANYWAY, KNOBS, PRESETS
from engine.tools.upsample.plan import FILMS, plan, planned_format

if TYPE_CHECKING:
    from engine.tools.upsample.render import Rise


class Upsample:
    """Raises the sample rate and generates the band that is missing. See `engine.tools.tool.Tool`."""

    name: str = "upsample"
    label: str = "Upsample"
    summary: str = "Raises the rate and generates the band that was lost; the band that is there stays."
    version: int = 4
    knobs: tuple[Knob, ...] = KNOBS
    presets: Mapping[str, Mapping[str, Value]] = PRESETS
    inputs: tuple[str, ...] = ()
    has_mix: bool = True
    is_generative: bool = True

    def networks(self, params: Params) -> tuple[str, ...]:
        """Return the rooms that may be used; which of them it is, `networks_for` says of a recording."""
        if not params["generate"]:
            return ()
        return ("bwe48", "bwe16") if params["model"] == AUTO else (str(params["model"]),)

    def networks_for(self, given: Format, params: Params) -> tuple[str, ...]:
        """Return the network file that is used for a recording of this format."""
        if not params["generate"]:
            return ()
        planned = plan(given.rate, params)
        return (f"{planned.model}/{planned.file}",)

    def networks_of_analysis(self, params: Params) -> tuple[str, ...]:
        """Return (): no network of a room listens; the judge of edges does, see `judges_of_analysis`."""
        return ()

    def judges_of_analysis(self) -> tuple[str, ...]:
        """Return the hash of the taught numbers that judge where a band ends."""
        return (judge_sha256(),)

    def output_format(self, given: Format, params: Params) -> Format:
        """Return the rate that is asked for, and the length that goes with it.

        Raises
        ------
        UsageError
            If it is below the recording's.
        InputError
            If the network that is asked for can't work on this recording.
        """
        return planned_format(given, params)

    def analyse(self, signal: Signal, params: Params, inputs: Inputs, job: Job = NO_JOB) -> Analysis:
        """Find the cutoff, the level and whether there is a side."""
        if signal.frames == 0:
            return Analysis()
        from engine.tools.upsample.learned import learn

        job.check()
        return learn(signal, job).analysis()

    def render(
        self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span, job: Job = NO_JOB
    ) -> Samples:
        """Return a span of the result, or of the generated band alone."""
        job.check()
        if not span.frames:
            return np.zeros((0, signal.channels), dtype=np.float32)
        return _rise(signal, params, analysis, job).read(span)

    def apply_live(self, dry: Samples, wet: Samples, params: Params) -> Samples:
        """Return the result with the live knobs as set, from the resampled recording and the full result."""
        if params["listen"] == "result" and float(params["amount"]) == FULL_AMOUNT:
            return wet  # the sum of its parts would differ in the last bit
        share = np.float32(float(params["amount"]) / FULL_AMOUNT)
        band = (wet - dry) * share
        return band if params["listen"] == "generated" else dry + band

    def generated_band(self, given: Format, params: Params, analysis: Analysis) -> tuple[float, float] | None:
        """Return from where to where a band is generated, in Hz, or None if nothing is."""
        if not analysis.facts or not params["generate"] or not float(params["amount"]):
            return None
        from engine.tools.upsample.remarks import generated_band

        return generated_band(given, params, analysis)

    def edge_bounds(self, given: Format, params: Params) -> tuple[float, float]:
        """Return the lowest and the highest cutoff in whole Hz that is taken as it is set.

        Raises
        ------
        UsageError, InputError
            As `output_format`.
        """
        from engine.tools.upsample.edge import chosen_bounds

        return chosen_bounds(plan(given.rate, params), given.rate)

    def idle_knobs(self, params: Params) -> Mapping[str, str]:
        """Return the switch that only the films know, where another network works."""
        if str(params["model"]) in FILMS:
            return {}
        return {"keep_band": KEPT_ANYWAY}

    def remarks(self, given: Format, params: Params, analysis: Analysis) -> tuple[str, ...]:
        """Return the sentences a user should hear about a recording with these settings."""
        if not analysis.facts or not params["generate"]:
            return ()
        from engine.tools.upsample.remarks import remarks

        return remarks(given, params, analysis)

    def account(
        self, before: Signal, after: Signal, params: Params, analysis: Analysis, job: Job = NO_JOB
    ) -> Mapping[str, Any]:
        """Measure what was generated and that the rest was kept, for the change report; nothing if nothing was."""
        band = self.generated_band(format_of(before), params, analysis)
        if band is None or params["listen"] != "result":
            return {}
        from engine.tools.upsample.account import account

        return account(before, after, band, analysis, float(params["cutoff_hz"]), job)


def _rise(signal: Signal, params: Params, analysis: Analysis, job: Job) -> Rise:
    # Here, not above: the registry of tools is imported when the window starts, SciPy when something is rendered.
    from engine.tools.upsample.facts import Learned
    from engine.tools.upsample.render import Rise

    return Rise(signal, params, Learned.of(analysis), job)


UPSAMPLE = Upsample()
