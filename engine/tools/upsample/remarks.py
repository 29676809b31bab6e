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
    said = [] if chosen_hz else list(learned.warnings)
    if edge is None:
        what = "copied" if planned.rate == given.rate else "only resampled"
        said.append(f"the recording's own band reaches {_top(given, learned)}: nothing is missing, so it was {what}")
    elif planned.work_rate < planned.rate:
        said.append(f"nothing above {planned.work_rate // 2} Hz was generated")
    return tuple(said)


def generated_band(given: Format, params: Params, analysis: Analysis) -> tuple[float, float] | None:
    """Return the edge in force and the top of what is generated, in Hz; None if nothing is missing."""
    planned = plan(given.rate, params)
    edge = edge_of(planned, given.rate, Learned.of(analysis), float(params["cutoff_hz"]))
    return None if edge is None else (edge.cutoff_hz, min(planned.work_rate, planned.rate) / 2.0)


def _top(given: Format, learned: Learned) -> str:
    return f"up to {given.rate // 2} Hz" if learned.full_band else f"up to {learned.cutoff_hz:.0f} Hz"
