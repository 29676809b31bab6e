"""Anchors: pairs of moments that the user knows to belong together. The map passes through every one of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from engine.errors import UsageError
from engine.tools.align.result import Stretch

HOW = "write them as REFERENCE=TARGET in seconds or M:SS.s, apart from each other by blanks: 12.5=13.1 1:20=1:22.25"
_NEAREST_S = 1e-3  # two anchors nearer than this can't both be meant


def parse_anchors(text: str) -> tuple[Stretch, ...]:
    """Return the anchors that `text` spells as (reference_s, target_s), in order of time.

    Raises
    ------
    UsageError
        If it spells none, or two of them cross: the earlier in the reference is the later in the target. Names both.
    """
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    return checked(tuple(_anchor(word) for word in words))


def checked(anchors: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Return anchors in order of time, or raise UsageError if two of them cross or coincide on one side."""
    ordered = tuple(sorted(anchors))
    for left, right in pairwise(ordered):
        if right[0] - left[0] < _NEAREST_S or right[1] - left[1] < _NEAREST_S:
            how = "cross" if right[1] < left[1] else "stand on the same moment"
            raise UsageError(f"the anchors {spell(left)} and {spell(right)} {how}", "move or remove one of them")
    return ordered


def check_inside(anchors: Sequence[Stretch], reference_s: float, target_s: float) -> None:
    """Raise UsageError if an anchor lies beyond the end of the reference or the target, whose lengths are given."""
    for anchor in anchors:
        for side, moment, length in (("reference", anchor[0], reference_s), ("target", anchor[1], target_s)):
            if moment > length:
                raise UsageError(
                    f"the anchor {spell(anchor)} lies beyond the end of the {side} ({length:.3f} s)", "move it"
                )


def spell(anchor: Stretch) -> str:
    """Return an anchor as the knob reads it."""
    return f"{anchor[0]:.12g}={anchor[1]:.12g}"


def spell_all(anchors: Sequence[Stretch]) -> str:
    """Return anchors as the knob reads them."""
    return " ".join(spell(anchor) for anchor in anchors)


def _anchor(word: str) -> Stretch:
    sides = word.split("=")
    if len(sides) != 2:
        raise UsageError(f"{word!r} is no anchor", HOW)
    return _seconds(sides[0], word), _seconds(sides[1], word)


def _seconds(text: str, word: str) -> float:
    """Read `83.5`, `1:23.5` or `1:02:03`."""
    total = 0.0
    for part in text.split(":"):
        if not re.fullmatch(r"\d{1,9}(\.\d*)?|\.\d+", part):
            raise UsageError(f"{word!r} is no anchor: {text!r} is no time", HOW)
        total = 60.0 * total + float(part)
    return total
