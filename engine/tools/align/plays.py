"""What is heard when: the matches of an alignment laid out on the reference's time, with the fades between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from engine.audio.signal import Samples, Span
from engine.audio.timemap import TimeMap
from engine.tools.align.result import Alignment, Piece, Seconds

FADE_S: Final = 0.020
HOLE_S: Final = 2 * FADE_S  # a shorter gap isn't worth silence: the two sides meet in its middle
_RUN_ON_S: Final = 0.1  # beyond its ends a match goes on at the speed it had over its last stretch
_STRETCH_S: Final = 0.5
_EDGE_S: Final = 0.5  # a map may begin so late without saying that something is missing


@dataclass(frozen=True, eq=False)
class Play:
    """One match at its place in the result: frames, fades included, and the map through which it is read."""

    span: Span
    fade_in: int  # frames from silence, or from what was played before; 0 = it begins at once
    fade_out: int
    map: TimeMap

    def gains(self, span: Span) -> Samples | None:
        """Return the gain over a span within this play's, shape (frames, 1); None where it is 1 throughout."""
        rising = Span(self.span.start, self.span.start + self.fade_in).intersect(span)
        falling = Span(self.span.stop - self.fade_out, self.span.stop).intersect(span)
        if not rising.frames and not falling.frames:
            return None
        gains = np.ones((span.frames, 1), dtype=np.float32)
        for part, first, table in (
            (rising, self.span.start, _fade(self.fade_in)),
            (falling, self.span.stop - self.fade_out, _fade(self.fade_out)[::-1]),
        ):
            gains[part.start - span.start : part.stop - span.start] *= table[part.start - first : part.stop - first]
        return gains


def lay_out(alignment: Alignment, rate: int, frames: int, follow: bool = False) -> tuple[Play, ...]:
    """Return what is played on a result of this rate and length, in order; what no play covers is silent.

    Parameters
    ----------
    follow
        Play also what isn't on the monotone chain, jumping back in the target.

    Notes
    -----
    A stretch that the target lacks is silent, with fades of 20 ms inside of the matches around it; where the target has
    more, two matches meet in a crossfade of 20 ms about the moment of the cut.
    """
    pieces = [*alignment.pieces(), *(_loose(alignment) if follow else ())]
    pieces = _joined(sorted(pieces, key=lambda piece: float(piece.reference_s[0])))
    seconds = frames / rate
    missing = [s.reference_s for s in alignment.segments if s.kind == "missing"]
    fade = round(FADE_S * rate)
    plays = []
    for index, piece in enumerate(pieces):
        start, stop = (min(frames, max(0, round(float(piece.reference_s[end]) * rate))) for end in (0, -1))
        fade_in = fade_out = fade
        if index:
            start, fade_in = _seam(float(pieces[index - 1].reference_s[-1]), float(piece.reference_s[0]), rate, -1)
        elif _runs_on(0.0, float(piece.reference_s[0]), missing):
            start, fade_in = 0, 0
        if index + 1 < len(pieces):
            stop, fade_out = _seam(float(piece.reference_s[-1]), float(pieces[index + 1].reference_s[0]), rate, 1)
        elif _runs_on(float(piece.reference_s[-1]), seconds, missing):
            stop, fade_out = frames, 0
        span = Span(max(0, start), min(frames, stop))
        if span.frames > 0:
            half = span.frames // 2
            plays.append(Play(span, min(fade_in, half), min(fade_out, half), _map_of(piece)))
    return tuple(plays)


def _loose(alignment: Alignment) -> list[Piece]:
    """Return the matches that aren't on the chain."""
    found = []
    for segment in alignment.segments:
        if segment.kind == "match" and len(segment.knots) > 1:
            reference, target = np.array(segment.knots, dtype=np.float64).T
            found.append(Piece(reference, target, np.full(len(reference), segment.confidence)))
    return found


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Make one of neighbours between which neither recording has anything of its own.

    What overlaps an earlier one is left out, and what is too short to be faded in and out.
    """
    out: list[Piece] = []
    for piece in pieces:
        if out and piece.reference_s[0] < out[-1].reference_s[-1] - 1e-6:
            continue
        if len(pieces) > 1 and piece.reference_s[-1] - piece.reference_s[0] < HOLE_S:
            continue
        if out and max(abs(piece.reference_s[0] - out[-1].reference_s[-1]),
                       abs(piece.target_s[0] - out[-1].target_s[-1])) < 1e-6:  # fmt: skip
            last = out.pop()
            columns = zip((last.reference_s, last.target_s, last.confidence),
                          (piece.reference_s, piece.target_s, piece.confidence), strict=True)  # fmt: skip
            piece = Piece(*(np.concatenate([old[:-1], new]) for old, new in columns))
        out.append(piece)
    return out


def _seam(left_s: float, right_s: float, rate: int, side: int) -> tuple[int, int]:
    """Return where a play ends (`side` 1) or begins (-1) between two matches, and the length of its fade."""
    fade = round(FADE_S * rate)
    if right_s - left_s >= HOLE_S:
        return round((left_s if side > 0 else right_s) * rate), fade
    middle = round((left_s + right_s) / 2 * rate)
    return middle + side * (fade - fade // 2 if side > 0 else fade // 2), fade


def _runs_on(left_s: float, right_s: float, missing: Sequence[tuple[float, float]]) -> bool:
    """Whether a match is read on to an end of the reference, rather than leaving it silent."""
    if right_s - left_s > _EDGE_S:
        return False
    return not any(start < right_s - 1e-6 and stop > left_s + 1e-6 for start, stop in missing)


def _map_of(piece: Piece) -> TimeMap:
    """Return the map of one match in whole nanoseconds, as the CSV has it, going on at its own speed at both ends."""
    reference, target = np.round(piece.reference_s, 9), np.round(piece.target_s, 9)
    speeds = [_speed(reference, target, end) for end in (0, -1)]
    reference = np.concatenate([[reference[0] - _RUN_ON_S], reference, [reference[-1] + _RUN_ON_S]])
    target = np.concatenate(
        [[target[0] - speeds[0] * _RUN_ON_S], target, [target[-1] + speeds[1] * _RUN_ON_S]]
    )  # fmt: skip
    rising = np.concatenate([[True], (np.diff(reference) > 0) & (np.diff(target) > 0)])
    return TimeMap(reference[rising], target[rising])


def _speed(reference: Seconds, target: Seconds, end: int) -> float:
    """Return the mean speed over the first (0) or last (-1) stretch of a match."""
    edge = float(reference[end])
    other = int(np.argmin(np.abs(reference - (edge + _STRETCH_S if end == 0 else edge - _STRETCH_S))))
    run = reference[end] - reference[other]
    return float((target[end] - target[other]) / run) if run else 1.0


@lru_cache(maxsize=32)
def _fade(frames: int) -> Samples:
    """Return a fade-in that keeps the power against its mirror image (the two are different music), (frames, 1)."""
    return np.sin(0.5 * np.pi * (np.arange(frames) + 0.5) / max(1, frames)).astype(np.float32)[:, None]
