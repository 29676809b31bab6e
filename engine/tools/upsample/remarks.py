"""What a user should hear about Upsample's work on one recording, in sentences: doubts, and why nothing happened."""

from __future__ import annotations

from engine.audio.signal import Format
from engine.tools.tool import Analysis, Params
from engine.tools.upsample.edge import edge_of
from engine.tools.upsample.facts import Learned
from engine.tools.upsample.plan import LOWEST_TRAINED_HZ, Plan, plan


def remarks(given: Format, params: Params, analysis: Analysis) -> tuple[str, ...]:
    """Return the sentences for a recording of format `given`.

    Parameters
    ----------
    analysis
        Of a recording with at least one frame.
    """
    planned, learned = plan(given.rate, params), Learned.of(analysis)
    chosen_hz = float(params["cutoff_hz"])
    edge = edge_of(planned, given.rate, learned, chosen_hz)
    doubts = () if chosen_hz else learned.warnings
    if edge is None:
        why = _why_nothing(planned, given.rate, learned, chosen_hz)
        # That no edge was found is what a whole recording is known by.
        return (why,) if learned.full_band else (*doubts, why)
    said = [*doubts, *learned.advice]
    lowest_hz = LOWEST_TRAINED_HZ.get(planned.model, 0.0)
    if edge.cutoff_hz < lowest_hz:
        said.append(
            f"{planned.model} learnt of recordings that reach at least {lowest_hz:.0f} Hz, and this one ends at "
            f"{edge.cutoff_hz:.0f} Hz: listen whether the generated band is of use, or lower the amount"
        )
    if planned.work_rate < planned.rate:
        said.append(f"nothing above {planned.work_rate // 2} Hz was generated")
    return tuple(said)


def _why_nothing(planned: Plan, given_rate: int, learned: Learned, chosen_hz: float) -> str:
    """Return why no band was generated, as far as it is known."""
    what = "copied" if planned.rate == given_rate else "only resampled"
    nyquist_hz, top_hz = given_rate / 2.0, min(planned.work_rate, planned.rate) / 2.0
    end_hz = chosen_hz or learned.cutoff_hz
    if learned.full_band and not chosen_hz:
        return (
            f"the recording's own band reaches up to {nyquist_hz:.0f} Hz: nothing is missing, so it was {what}; "
            "set cutoff_hz if you know better"
        )
    if chosen_hz or not learned.warnings:
        return f"nothing is generated above {top_hz:.0f} Hz, and the band ends at {end_hz:.0f} Hz: so it was {what}"
    return f"nothing was generated, the recording was {what}"


def generated_band(given: Format, params: Params, analysis: Analysis) -> tuple[float, float] | None:
    """Return the edge in force and the top of what is generated, in Hz; None if nothing is missing."""
    planned = plan(given.rate, params)
    edge = edge_of(planned, given.rate, Learned.of(analysis), float(params["cutoff_hz"]))
    return None if edge is None else (edge.cutoff_hz, min(planned.work_rate, planned.rate) / 2.0)
