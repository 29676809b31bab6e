"""Where a recording's own band ends and the generated one begins, of what was learnt and what the user chose."""

from __future__ import annotations

from typing import Final

from engine.inference.band_features import Edge
from engine.tools.upsample.facts import Learned
from engine.tools.upsample.plan import Plan

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

    Parameters
    ----------
    given_rate
        Of the recording, Hz.
    chosen_hz
        The cutoff the user chose, 0 for the one that was found.
    """
    # A network may work at a higher rate than the result has: only what the result can hold is missing.
    is_raised = min(plan.work_rate, plan.rate) > given_rate
    if not chosen_hz and learned.full_band and not is_raised:
        return None
    cutoff_hz = max(chosen_hz, LOWEST_CHOSEN_HZ) if chosen_hz else learned.cutoff_hz
    if is_raised:
        cutoff_hz = min(cutoff_hz, RESAMPLED_SHARE * given_rate / 2.0)
    if cutoff_hz >= NOTHING_SHARE * min(plan.work_rate, plan.rate) / 2.0:
        return None
    return Edge(cutoff_hz, width_of(cutoff_hz, learned))


def width_of(cutoff_hz: float, learned: Learned) -> float:
    """Return how many Hz below the cutoff the network doesn't hear."""
    return min(max(NARROWEST_HZ, learned.edge_width_hz), WIDEST_SHARE * cutoff_hz)


def fade_of(edge: Edge, learned: Learned) -> Edge:
    """Return the edge over which own and generated band are cross-faded: as wide as the recording's own fall."""
    width_hz = max(NARROWEST_FADE_HZ, FADE_SHARE * edge.cutoff_hz, learned.edge_width_hz)
    return Edge(edge.cutoff_hz, min(width_hz, edge.width_hz))
