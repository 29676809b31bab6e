"""A pair of recordings with the truth about them, and what a contender says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Samples = NDArray[np.float32]  # (frames,): every pair is mono
Seconds = NDArray[np.float64]


class Match(NamedTuple):
    """A stretch that sounds in both recordings, each played without a break."""

    reference_s: tuple[float, float]
    target_s: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two recordings and the moments of the one that are known to belong to moments of the other.

    Raises
    ------
    ValueError
        If the points of truth don't come in pairs or don't increase on the reference's side.
    """

    name: str
    piece: str  # what the bootstrap draws
    reference: Samples
    target: Samples
    rate: int  # Hz, of both
    truth_reference_s: Seconds  # (points,) increasing
    truth_target_s: Seconds  # (points,)
    matches: tuple[Match, ...] = ()  # in the target's order; none: one from the start to the end of both
    is_related: bool = True
    cents: float = 0.0  # of the target against the reference
    facts: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.truth_reference_s) != len(self.truth_target_s):
            raise ValueError(f"{self.name}: {len(self.truth_reference_s)} and {len(self.truth_target_s)} points")
        if (np.diff(self.truth_reference_s) <= 0.0).any():
            raise ValueError(f"{self.name}: the points of truth must increase in the reference")

    @property
    def reference_s(self) -> float:
        """Length of the reference."""
        return len(self.reference) / self.rate

    @property
    def target_s(self) -> float:
        """Length of the target."""
        return len(self.target) / self.rate


@dataclass(frozen=True, eq=False)
class Answer:
    """What a contender delivers: knots to be interpolated linearly, and more where it has more to say."""

    reference_s: Seconds  # (knots,) increasing
    target_s: Seconds  # (knots,) not decreasing
    confidence: Seconds | None = None  # (knots,) 0 to 1
    matches: tuple[Match, ...] | None = None  # None: says nothing of structure
    p_unrelated: float | None = None
    is_refused: bool | None = None  # whether it says that the two don't share music; None: it can't say
    cents: float | None = None

    def at(self, seconds: ArrayLike) -> Seconds:
        """Return the target's moments for moments of the reference; at speed 1 beyond the ends, as a TimeMap."""
        wanted = np.asarray(seconds, dtype=np.float64)
        inside = np.interp(wanted, self.reference_s, self.target_s)
        inside += np.minimum(wanted - self.reference_s[0], 0.0) + np.maximum(wanted - self.reference_s[-1], 0.0)
        return np.asarray(inside)

    def confidence_at(self, seconds: ArrayLike) -> Seconds:
        """Return how sure it is, 0 outside of the knots; zeros where it doesn't say."""
        wanted = np.asarray(seconds, dtype=np.float64)
        if self.confidence is None:
            return np.zeros(wanted.shape)
        return np.asarray(np.interp(wanted, self.reference_s, self.confidence, left=0.0, right=0.0))
