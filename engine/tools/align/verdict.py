"""What the two recordings are to each other, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.tools.align.decode import Doubles
from engine.tools.align.relation import Relation
from engine.tools.align.result import Segment
from engine.tools.align.transposition import CENTS_PER_BIN

MANY = 3  # segments of a kind beyond which they are counted, not told
LEAST_CENTS = 15.0  # of a transposition worth a word


def verdict_of(
    segments: Sequence[Segment], reference_s: Doubles, target_s: Doubles, relation: Relation, *, is_related: bool
) -> str:
    """Return one sentence: related or not, tempo, pitch, and what one side has alone."""
    if not is_related or len(reference_s) < 2:
        return f"not the same piece (p = {relation.p_unrelated:.2g})"
    played = [s for s in segments if s.kind == "match"]
    own = sum(s.reference_s[1] - s.reference_s[0] for s in played)
    theirs = sum(s.target_s[1] - s.target_s[0] for s in played)
    parts = ["the same piece", _tempo(own / max(theirs, 1e-3))]
    cents = relation.bins * CENTS_PER_BIN
    if abs(cents) >= LEAST_CENTS:
        parts.append(f"{abs(cents):.0f} cents {'higher' if cents > 0 else 'lower'}")
    parts += _alone(segments, "missing", "missing") + _alone(segments, "extra", "more") + _jumps(segments)
    return ", ".join(part for part in parts if part)


def _tempo(speed: float) -> str:
    percent = 100.0 * (speed - 1.0)
    if abs(percent) < 0.5:
        return "as fast on average"
    return f"{abs(percent):.1f} % {'faster' if percent > 0 else 'slower'} on average"


def _alone(segments: Sequence[Segment], kind: str, word: str) -> list[str]:
    found = [s for s in segments if s.kind == kind]
    side = [s.reference_s if kind == "missing" else s.target_s for s in found]
    if len(found) > MANY:
        return [f"{sum(b - a for a, b in side):.0f} s {word} in {len(found)} places"]
    return [f"{b - a:.0f} s {word} at {clock(a)}" for a, b in side]


def _jumps(segments: Sequence[Segment]) -> list[str]:
    found = [s for s in segments if s.kind == "jump"]
    if len(found) > MANY:
        return [f"{len(found)} jumps"]
    return [f"a jump to {clock(s.target_s[1])} at {clock(s.reference_s[0])}" for s in found]


def clock(seconds: float) -> str:
    """Return a time as people read it: 3:12."""
    whole = int(np.floor(seconds + 0.5))
    return f"{whole // 60}:{whole % 60:02d}"
