"""What aligning found: the map, what has no counterpart, how sure it all is, and in one sentence what the two are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.audio.timemap import MIN_STEP_S, TimeMap
from engine.errors import UnreadableFileError

Seconds = NDArray[np.float64]
Stretch = tuple[float, float]  # from and to, in seconds

Kind = Literal["match", "missing", "extra", "jump"]
Reason = Literal["silence", "repeat", "not in target", "tempo", "noise"]

FORMAT = 1  # of the JSON
_NS = 1e9
_STEP_NS = round(MIN_STEP_S * _NS)
_AT_S = 1.5 * MIN_STEP_S  # a knot this near to the end of a match stands at it
_TOUCH_S = 1e-4  # nearer than this, two stretches follow each other without a gap


@dataclass(frozen=True)
class Segment:
    """A stretch of both recordings and how they belong together. In order of reference time.

    match: both play the same. missing: the reference alone (`target_s` is one moment, twice). extra: the target alone
    (`reference_s` is one moment, twice). jump: the target goes on elsewhere, from `target_s[0]` to `target_s[1]`, which
    may lie before it; `reference_s` is one moment, twice.
    """

    kind: Kind
    reference_s: Stretch
    target_s: Stretch
    confidence: float  # 0 to 1
    # Only of a match that isn't on the best monotone chain, whose knots stand nowhere else: (reference_s, target_s).
    knots: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Doubt:
    """Why the map is unsure over a stretch of the reference."""

    reference_s: Stretch
    reason: Reason


@dataclass(frozen=True, eq=False)
class Corridor:
    """The band around the map in which the answer was sought, for pictures. Row i is the reference's time `times_s[i]`.

    Column j of row i is the target's time `centres_s[i] + lags_s[j]`.
    """

    times_s: Seconds  # (rows,)
    centres_s: Seconds  # (rows,)
    lags_s: Seconds  # (columns,)
    likeness: NDArray[np.uint8]  # (rows, columns), 0 unlike to 255 alike
    runner_up_s: Seconds | None = None  # (rows,) target time of the second best answer, NaN where there is none


@dataclass(frozen=True, eq=False)
class Piece:
    """The knots of one match, its ends among them."""

    reference_s: Seconds  # (knots,)
    target_s: Seconds  # (knots,)
    confidence: Seconds  # (knots,)


@dataclass(frozen=True, eq=False)
class Alignment:
    """How a target lies on a reference's timeline.

    Raises
    ------
    ValueError
        If the columns differ in length, hold what isn't finite, or don't increase.
    """

    knots_reference_s: Seconds  # (knots,) of the best monotone chain, at most 50 ms apart inside of matches
    knots_target_s: Seconds  # (knots,)
    confidence: Seconds  # (knots,) 0 to 1
    sigma_s: Seconds  # (knots,) standard deviation of knots_target_s
    segments: tuple[Segment, ...] = ()  # all, also what isn't on the chain
    cents: float = 0.0  # how much higher the target sounds than the reference
    p_unrelated: float = 0.0  # p-value of "not the same piece"
    verdict: str = ""  # one sentence
    reasons: tuple[Doubt, ...] = ()
    corridor: Corridor | None = None

    def __post_init__(self) -> None:
        for name in ("knots_reference_s", "knots_target_s", "confidence", "sigma_s"):
            column = np.array(getattr(self, name), dtype=np.float64)
            column.flags.writeable = False
            object.__setattr__(self, name, column)
            if column.shape != (len(self.knots_reference_s),):
                raise ValueError(f"{name} has {column.shape}, knots_reference_s {len(self.knots_reference_s)} values")
            if not np.isfinite(column).all():
                raise ValueError(f"{name} holds a value that isn't finite")
            if name.startswith("knots") and (np.diff(column) <= 0).any():
                knot = int(np.argmax(np.diff(column) <= 0))
                raise ValueError(f"{name} must increase, but {column[knot + 1]} follows {column[knot]}")
        if ((self.confidence < 0) | (self.confidence > 1)).any():
            raise ValueError("confidence must lie within 0..1")

    @staticmethod
    def from_knots(reference_s: ArrayLike, target_s: ArrayLike, **fields: Any) -> Alignment:
        """Return the alignment of one match through these knots, wholly sure unless `fields` say otherwise."""
        reference, target = np.array(reference_s, dtype=np.float64), np.array(target_s, dtype=np.float64)
        whole = Segment("match", (reference[0], reference[-1]), (target[0], target[-1]), 1.0)
        given: dict[str, Any] = {
            "confidence": np.ones(len(reference)),
            "sigma_s": np.zeros(len(reference)),
            "segments": (whole,),
        }
        return Alignment(reference, target, **(given | fields))

    @property
    def is_complete(self) -> bool:
        """True if the chain says it all: nothing jumps back, so the CSV and the JSON tell the same."""
        return not any(s.kind == "jump" or s.knots for s in self.segments)

    def matches(self) -> tuple[Segment, ...]:
        """Return the matches on the chain, in order."""
        return tuple(s for s in self.segments if s.kind == "match" and not s.knots)

    def pieces(self) -> tuple[Piece, ...]:
        """Return the knots of every match on the chain, its two ends included, in order."""
        if not len(self.knots_reference_s):
            return ()
        if not self.matches():
            return (Piece(self.knots_reference_s, self.knots_target_s, self.confidence),)
        found = (self._piece(segment) for segment in self.matches())
        return tuple(piece for piece in found if len(piece.reference_s) > 1)

    def time_map(self) -> TimeMap:
        """Return the chain as a map of whole nanoseconds, neighbours at least a microsecond apart on both axes.

        What one side has alone stands between two rows of confidence 0: a missing stretch takes a microsecond of the
        target, an extra one a microsecond of the reference.

        Raises
        ------
        ValueError
            If there are no knots.
        """
        rows: list[tuple[float, float, float]] = []
        for piece in self.pieces():
            first = (float(piece.reference_s[0]), float(piece.target_s[0]))
            sure = piece.confidence.copy()
            if rows and first[0] - rows[-1][0] < _TOUCH_S and first[1] - rows[-1][1] < _TOUCH_S:
                rows.pop()
            elif rows:
                rows[-1] = (*rows[-1][:2], 0.0)
                sure[0] = 0.0
            rows += list(zip(piece.reference_s.tolist(), piece.target_s.tolist(), sure.tolist(), strict=True))
        if not rows:
            raise ValueError("an alignment without knots has no map")
        table = np.array(rows).T
        return TimeMap(_apart(table[0]), _apart(table[1]), np.clip(table[2], 0.0, 1.0))

    def inverse(self) -> Alignment:
        """Return the alignment with reference and target in each other's place. The corridor isn't kept."""
        speed = np.gradient(self.knots_target_s, self.knots_reference_s) if len(self.knots_target_s) > 1 else 1.0
        segments = tuple(sorted(map(_swapped, self.segments), key=lambda s: (s.reference_s, s.target_s)))
        return Alignment(
            self.knots_target_s, self.knots_reference_s, self.confidence, self.sigma_s / speed, segments,
            -self.cents, self.p_unrelated, self.verdict, self._swapped_doubts(segments),
        )  # fmt: skip

    def with_corridor(self, corridor: Corridor) -> Alignment:
        """Return the alignment with the picture of where it was sought."""
        return replace(self, corridor=corridor)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the corridor as JSON values; times rounded to nanoseconds."""
        return {
            "align_format": FORMAT,
            "verdict": self.verdict,
            "p_unrelated": self.p_unrelated,
            "cents": self.cents,
            "csv_complete": self.is_complete,
            "segments": [_segment_json(segment) for segment in self.segments],
            "reasons": [{"reference_s": list(d.reference_s), "reason": d.reason} for d in self.reasons],
            "knots": {
                "reference_s": np.round(self.knots_reference_s, 9).tolist(),
                "target_s": np.round(self.knots_target_s, 9).tolist(),
                "confidence": np.round(self.confidence, 6).tolist(),
                "sigma_s": np.round(self.sigma_s, 9).tolist(),
            },
        }

    def dumps(self) -> str:
        """Return `to_json` as text."""
        return json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n"

    @staticmethod
    def from_json(data: object, name: str = "the alignment") -> Alignment:
        """Read what `to_json` gave.

        Raises
        ------
        UnreadableFileError
            If it is something else, or of a newer version.
        """
        todo = "choose a file that Align wrote"
        try:
            table = cast(Mapping[str, Any], data)
            if table["align_format"] > FORMAT:
                raise UnreadableFileError(f"{name} was written by a newer Shellac", "install the newest version")
            knots = table["knots"]
            return Alignment(
                knots["reference_s"], knots["target_s"], knots["confidence"], knots["sigma_s"],
                tuple(_segment(entry) for entry in table["segments"]),
                _finite(table["cents"]), _finite(table["p_unrelated"]), str(table["verdict"]),
                tuple(Doubt(_stretch(e["reference_s"]), _one_of(Reason, e["reason"])) for e in table["reasons"]),
            )  # fmt: skip
        except KeyError as error:
            raise UnreadableFileError(f"{name} is no alignment: it lacks {error.args[0]!r}", todo) from error
        except (TypeError, ValueError, IndexError) as error:
            raise UnreadableFileError(f"{name} is no alignment ({error})", todo) from error

    @staticmethod
    def loads(text: str | bytes, name: str = "the alignment") -> Alignment:
        """Read what `dumps` gave. Raises UnreadableFileError, see `from_json`."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UnreadableFileError(f"{name} is no alignment ({error})", "choose a file that Align wrote") from error
        return Alignment.from_json(data, name)

    def _piece(self, segment: Segment) -> Piece:
        """Return the knots within a match, and its ends where no knot stands there."""
        (r0, r1), (t0, t1) = segment.reference_s, segment.target_s
        reference, target = self.knots_reference_s, self.knots_target_s
        inside = (reference > r0 + _AT_S) & (reference < r1 - _AT_S) & (target > t0 + _AT_S) & (target < t1 - _AT_S)
        sure = self.confidence[inside]
        ends = (sure[0], sure[-1]) if len(sure) else (segment.confidence, segment.confidence)
        return Piece(
            np.concatenate([[r0], reference[inside], [r1]]),
            np.concatenate([[t0], target[inside], [t1]]),
            np.concatenate([ends[:1], sure, ends[1:]]),
        )

    def _swapped_doubts(self, segments: Sequence[Segment]) -> tuple[Doubt, ...]:
        lonely = [Doubt(s.reference_s, "not in target") for s in segments if s.kind == "missing"]
        kept = [d for d in self.reasons if d.reason != "not in target"]
        if kept:
            map_ = self.time_map()
            lonely += [Doubt(_stretch(map_.target_at(d.reference_s).tolist()), d.reason) for d in kept]
        return tuple(sorted(lonely, key=lambda doubt: doubt.reference_s))


def _apart(times_s: Seconds) -> Seconds:
    """Return times in whole nanoseconds, each at least a microsecond after the one before."""
    wanted = np.rint(times_s * _NS).astype(np.int64)
    steps = np.arange(len(wanted), dtype=np.int64) * _STEP_NS
    return np.asarray((np.maximum.accumulate(wanted - steps) + steps) / _NS)


def _swapped(segment: Segment) -> Segment:
    kinds: dict[Kind, Kind] = {"missing": "extra", "extra": "missing"}
    knots = tuple((target, reference) for reference, target in segment.knots)
    kind = kinds.get(segment.kind, segment.kind)
    return Segment(kind, segment.target_s, segment.reference_s, segment.confidence, knots)


def _segment_json(segment: Segment) -> dict[str, Any]:
    ends = [[round(moment, 9) for moment in side] for side in (segment.reference_s, segment.target_s)]
    entry: dict[str, Any] = {"kind": segment.kind, "reference_s": ends[0], "target_s": ends[1]}
    entry["confidence"] = round(segment.confidence, 6)
    if segment.knots:
        entry["knots"] = [[round(moment, 9) for moment in knot] for knot in segment.knots]
    return entry


def _segment(entry: Mapping[str, Any]) -> Segment:
    return Segment(
        _one_of(Kind, entry["kind"]), _stretch(entry["reference_s"]), _stretch(entry["target_s"]),
        _finite(entry["confidence"]), tuple(_stretch(knot) for knot in entry.get("knots", ())),
    )  # fmt: skip


def _one_of(names: Any, value: object) -> Any:
    if value not in get_args(names):
        raise ValueError(f"{value!r} isn't one of {', '.join(get_args(names))}")
    return value


def _stretch(values: Sequence[float]) -> Stretch:
    first, last = values
    return _finite(first), _finite(last)


def _finite(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no time")
    return float(value)
