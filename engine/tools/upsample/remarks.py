"""What a user should hear about Upsample's work on one recording, in sentences: doubts, and why nothing happened."""

from __future__ import annotations

from typing import Final

from engine.audio.signal import Format
from engine.inference.band_features import Edge
from engine.tools.tool import Analysis, Params
from engine.tools.upsample.edge import HEARD_UP_TO_HZ, RESAMPLED_SHARE, chosen_bounds, edge_of, fade_of, is_raised
from engine.tools.upsample.facts import Learned
from engine.tools.upsample.plan import HIGHEST_TRAINED, LOWEST_TRAINED_HZ, Plan, plan

HIDDEN: Final = "hiss may hide where the recording ends: restore it first, or set cutoff_hz"


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
    if edge is not None and not float(params["amount"]):
        return (f"amount is 0, so nothing was generated, and the recording was {_left(planned, given.rate)}",)
    doubts = () if chosen_hz else learned.warnings
    if edge is None:
        why = _why_nothing(planned, given.rate, learned, chosen_hz)
        # That no edge was found is what a whole recording is known by.
        return (why,) if learned.full_band else (*doubts, why)
    said = [*doubts, *learned.advice, *_moved(planned, given.rate, edge.cutoff_hz, chosen_hz)]
    if chosen_hz:
        said += _elsewhere(planned, given.rate, fade_of(edge, learned), learned)
    elif learned.is_hidden:
        said.append(HIDDEN)
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


def _elsewhere(planned: Plan, given_rate: int, fade: Edge, learned: Learned) -> tuple[str, ...]:
    """Return what becomes of the sound between the cutoff the user set and the end of the recording's own band."""
    top_hz = min(planned.work_rate, planned.rate) / 2.0
    own_hz = min(learned.cutoff_hz, (RESAMPLED_SHARE if is_raised(planned, given_rate) else 1.0) * given_rate / 2.0)
    if fade.cutoff_hz - 2.0 * fade.width_hz > own_hz:
        return (
            f"there is no sound right under {fade.cutoff_hz:.0f} Hz: the recording ends at {own_hz:.0f} Hz, so little "
            f"or nothing can be generated, and what lies between stays empty: set cutoff_hz to {own_hz:.0f}, or to 0",
        )
    if fade.cutoff_hz + fade.width_hz < min(own_hz, top_hz):
        return (
            f"what the recording holds from {fade.cutoff_hz:.0f} to {min(own_hz, top_hz):.0f} Hz is replaced: set "
            "cutoff_hz to 0 to keep it",
        )
    return ()


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


def _left(planned: Plan, given_rate: int) -> str:
    return "copied" if planned.rate == given_rate else "only resampled"


def _why_nothing(planned: Plan, given_rate: int, learned: Learned, chosen_hz: float) -> str:
    """Return why no band was generated, as far as it is known."""
    what = _left(planned, given_rate)
    nyquist_hz, top_hz = given_rate / 2.0, min(planned.work_rate, planned.rate) / 2.0
    end_hz = chosen_hz or learned.cutoff_hz
    if learned.full_band and not chosen_hz and learned.is_hidden:
        return (
            f"no end of the recording's band was found (confidence {learned.cutoff_confidence:.2f}), so it was {what}, "
            f"but {HIDDEN}"
        )
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
