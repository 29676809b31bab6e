"""What a user should hear about Upsample's work on one recording, in sentences: doubts, and why nothing happened."""

from __future__ import annotations

from engine.audio.signal import Format
from engine.tools.tool import Analysis, Params
from engine.tools.upsample.band import edge_of
from engine.tools.upsample.learned import Learned
from engine.tools.upsample.plan import plan


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
    if edge is None:
        what = "copied" if planned.rate == given.rate else "only resampled"
        top_hz = chosen_hz or (given.rate / 2.0 if learned.full_band else learned.cutoff_hz)
        return (
            f"the recording's own band reaches up to {top_hz:.0f} Hz: nothing is missing, so it was {what}; "
            "set cutoff_hz if you know better",
        )
    said = [] if chosen_hz else list(learned.warnings)
    if planned.work_rate < planned.rate:
        said.append(f"nothing above {planned.work_rate // 2} Hz was generated")
    return tuple(said)


def generated_band(given: Format, params: Params, analysis: Analysis) -> tuple[float, float] | None:
    """Return the edge in force and the top of what is generated, in Hz; None if nothing is missing."""
    planned = plan(given.rate, params)
    edge = edge_of(planned, given.rate, Learned.of(analysis), float(params["cutoff_hz"]))
    return None if edge is None else (edge.cutoff_hz, min(planned.work_rate, planned.rate) / 2.0)
