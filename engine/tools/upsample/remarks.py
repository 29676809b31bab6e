"""What a user should hear about Upsample's work on one recording, in sentences: doubts, and why nothing happened."""

from __future__ import annotations

from engine.audio.signal import Format
from engine.tools.tool import Analysis, Params
from engine.tools.upsample.edge import HEARD_UP_TO_HZ, chosen_bounds, edge_of, is_raised
from engine.tools.upsample.facts import Learned
from engine.tools.upsample.plan import HIGHEST_TRAINED, LOWEST_TRAINED_HZ, Plan, plan


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
    said = [*doubts, *learned.advice, *_moved(planned, given.rate, edge.cutoff_hz, chosen_hz)]
    said += _beyond_training(planned, edge.cutoff_hz)
    if planned.work_rate < planned.rate:
        said.append(f"nothing above {planned.work_rate // 2} Hz was generated")
    return tuple(said)


def _moved(planned: Plan, given_rate: int, cutoff_hz: float, chosen_hz: float) -> tuple[str, ...]:
    """Return why the band doesn't begin where the user set the cutoff."""
    if not chosen_hz or cutoff_hz == chosen_hz:
        return ()
    lowest_hz, highest_hz = chosen_bounds(planned, given_rate)
    why = "none is put lower" if chosen_hz < lowest_hz else f"a rate of {given_rate} Hz holds nothing above"
    return (
        f"the cutoff was set to {chosen_hz:.0f} Hz, and the generated band begins at {cutoff_hz:.0f} Hz, because "
        f"{why}: set cutoff_hz between {lowest_hz:.0f} and {highest_hz:.0f} Hz",
    )


def _beyond_training(planned: Plan, cutoff_hz: float) -> tuple[str, ...]:
    """Return what is to be said of an edge such as the network never met."""
    lowest_hz = LOWEST_TRAINED_HZ.get(planned.model, 0.0)
    highest_hz = HIGHEST_TRAINED * planned.work_rate / 2.0
    if cutoff_hz < lowest_hz:
        learnt = f"reach at least {lowest_hz:.0f} Hz"
    elif cutoff_hz > highest_hz and not planned.is_film:
        learnt = f"reach up to {highest_hz:.0f} Hz at most"
    else:
        return ()
    return (
        f"{planned.model} learnt of recordings that {learnt}, and this one ends at {cutoff_hz:.0f} Hz: listen whether "
        "the generated band is of use, or lower the amount",
    )


def _why_nothing(planned: Plan, given_rate: int, learned: Learned, chosen_hz: float) -> str:
    """Return why no band was generated, as far as it is known."""
    what = "copied" if planned.rate == given_rate else "only resampled"
    nyquist_hz, top_hz = given_rate / 2.0, min(planned.work_rate, planned.rate) / 2.0
    end_hz = chosen_hz or learned.cutoff_hz
    if learned.full_band and not chosen_hz and is_raised(planned, given_rate):
        return (
            f"the recording's own band reaches up to {min(end_hz, nyquist_hz):.0f} Hz, and nothing is missing below "
            f"{HEARD_UP_TO_HZ:.0f} Hz, where hearing ends: so it was {what}; set cutoff_hz to have a band generated"
        )
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
