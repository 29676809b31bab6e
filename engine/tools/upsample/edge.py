"""Where a recording's own band ends and the generated one begins, of what was learnt and what the user chose."""

from __future__ import annotations

from typing import Final

from engine.inference.band_features import Edge
from engine.tools.upsample.facts import Learned
from engine.tools.upsample.plan import Plan

HEARD_UP_TO_HZ: Final = 20_000.0  # a band that reaches so far, as `engine.measure.cutoff` judges, is whole
NARROWEST_HZ: Final = 500.0  # below the cutoff the network is deaf for so much, as in its training
# The cross-fade itself is narrower: what the recording has right under its cutoff is better than what a network makes
# of it. Of speech and music raised from 8, 16 and 24 kHz, 125 Hz instead of 500 left 0.3 to 2.8 dB less of a dip.
NARROWEST_FADE_HZ: Final = 125.0
FADE_SHARE: Final = 0.015  # of the cutoff, for what its finder may be off
WIDEST_SHARE: Final = 0.15  # of the cutoff
# Of the lower rate's Nyquist: here soxr's steepest low-pass has lost 3 dB, at 0.956 it is 6 dB, at 0.985 60 dB.
RESAMPLED_SHARE: Final = 0.95
NOTHING_SHARE: Final = 0.99  # from here to Nyquist there is no band worth the name
LOWEST_CHOSEN_HZ: Final = 300.0  # or the guard band would be narrower than a chunk's context can carry


def edge_of(plan: Plan, given_rate: int, learned: Learned, chosen_hz: float) -> Edge | None:
    """Return where the recording's own band ends at the rate the network works at; None: nothing is missing.

    Nor is anything that could be heard where a rate of 44.1 kHz is raised and the band ends with it: without a cutoff
    chosen by the user such a recording is only resampled.

    Parameters
    ----------
    given_rate
        Of the recording, Hz.
    chosen_hz
        The cutoff the user chose, 0 for the one that was found.
    """
    raised = is_raised(plan, given_rate)
    if not chosen_hz and learned.full_band and not raised:
        return None
    cutoff_hz = max(chosen_hz, LOWEST_CHOSEN_HZ) if chosen_hz else learned.cutoff_hz
    if raised:
        cutoff_hz = min(cutoff_hz, RESAMPLED_SHARE * given_rate / 2.0)
        if not chosen_hz and cutoff_hz >= HEARD_UP_TO_HZ:
            return None
    if cutoff_hz >= NOTHING_SHARE * min(plan.work_rate, plan.rate) / 2.0:
        return None
    return Edge(cutoff_hz, width_of(cutoff_hz, learned))


def is_raised(plan: Plan, given_rate: int) -> bool:
    """Whether the result can hold more of a band than the recording's rate."""
    # A network may work at a higher rate than the result has: only what the result can hold is missing.
    return min(plan.work_rate, plan.rate) > given_rate


def chosen_bounds(plan: Plan, given_rate: int) -> tuple[float, float]:
    """Return between which whole frequencies in Hz a chosen cutoff stays as it is."""
    highest_hz = float(int((RESAMPLED_SHARE if is_raised(plan, given_rate) else 1.0) * given_rate / 2.0))
    return min(LOWEST_CHOSEN_HZ, highest_hz), highest_hz


def width_of(cutoff_hz: float, learned: Learned) -> float:
    """Return how many Hz below the cutoff the network doesn't hear."""
    return min(max(NARROWEST_HZ, learned.edge_width_hz), WIDEST_SHARE * cutoff_hz)


def fade_of(edge: Edge, learned: Learned) -> Edge:
    """Return the edge over which own and generated band are cross-faded: as wide as the recording's fall to there."""
    width_hz = max(NARROWEST_FADE_HZ, FADE_SHARE * edge.cutoff_hz, learned.edge_width_hz)
    return Edge(edge.cutoff_hz, min(width_hz, edge.width_hz))
