"""A time map says which moment of one recording belongs to which moment of another; warping reads through it.

Align finds one between two performances, Age makes one (wow and flutter), dewow undoes one. On paper it is a table of
three columns, `reference_s,target_s,confidence`, interpolated linearly.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import MissingFileError, OutputError, OutputExistsError, UnreadableFileError

Seconds = NDArray[np.float64]

CSV_COLUMNS = ("reference_s", "target_s", "confidence")
MIN_STEP_S = 1e-6  # between neighbouring knots of a file, on both axes


@dataclass(frozen=True, eq=False)
class TimeMap:
    """Matching moments of two recordings, strictly increasing on both axes.

    Between knots the map is linear; before the first and after the last one it runs on at speed 1.

    Raises
    ------
    ValueError
        If there are no knots, the lengths differ, a value isn't finite or a column doesn't increase.
    """

    source_s: Seconds  # (knots,) time in the result; `reference_s` of the CSV
    target_s: Seconds  # (knots,) time in the recording that is read
    confidence: Seconds  # (knots,) 0 to 1; what lies between two knots is as sure as the less sure one

    def __init__(self, source_s: ArrayLike, target_s: ArrayLike, confidence: ArrayLike | None = None) -> None:
        source = np.array(source_s, dtype=np.float64)
        target = np.array(target_s, dtype=np.float64)
        sure = np.ones(len(source)) if confidence is None else np.array(confidence, dtype=np.float64)
        problem = _problem(source, target, sure)
        if problem:
            raise ValueError(problem)
        for name, column in (("source_s", source), ("target_s", target), ("confidence", sure)):
            column.flags.writeable = False
            object.__setattr__(self, name, column)

    @staticmethod
    def identity() -> TimeMap:
        """Return the map of a recording onto itself."""
        return TimeMap([0.0], [0.0])

    def target_at(self, seconds: ArrayLike) -> Seconds:
        """Return the moments of the target that belong to these moments of the source, same shape."""
        return _interpolate(np.asarray(seconds, dtype=np.float64), self.source_s, self.target_s)

    def source_at(self, seconds: ArrayLike) -> Seconds:
        """Return the moments of the source that belong to these moments of the target, same shape."""
        return _interpolate(np.asarray(seconds, dtype=np.float64), self.target_s, self.source_s)

    def speed_at(self, seconds: ArrayLike) -> Seconds:
        """Return seconds of target per second of source, same shape; 1 outside of the knots."""
        slopes = np.concatenate([[1.0], np.diff(self.target_s) / np.diff(self.source_s), [1.0]])
        return np.asarray(slopes[np.searchsorted(self.source_s, np.asarray(seconds, dtype=np.float64), side="right")])

    def confidence_at(self, seconds: ArrayLike) -> Seconds:
        """Return how sure the map is at these moments of the source, same shape; 0 outside of the knots."""
        pairs = np.concatenate([[0.0], np.minimum(self.confidence[1:], self.confidence[:-1]), [0.0]])
        wanted = np.asarray(seconds, dtype=np.float64)
        between = pairs[np.searchsorted(self.source_s, wanted, side="right")]
        knot = np.minimum(np.searchsorted(self.source_s, wanted), len(self.source_s) - 1)
        return np.where(self.source_s[knot] == wanted, self.confidence[knot], between)

    def invert(self) -> TimeMap:
        """Return the map from the target's time to the source's."""
        return TimeMap(self.target_s, self.source_s, self.confidence)

    def compose(self, inner: TimeMap) -> TimeMap:
        """Return the map that reads through `inner` first: `self.compose(inner).target_at(t)` is exactly
        `self.target_at(inner.target_at(t))`, so `inner`'s target axis is this map's source axis.

        Confidences are multiplied.
        """
        moments = np.concatenate([inner.source_s, inner.source_at(self.source_s)])
        middle = np.concatenate([inner.target_s, self.source_s])
        targets = self.target_at(middle)
        order = np.argsort(moments, kind="stable")
        moments, middle, targets = moments[order], middle[order], targets[order]
        # Knots that both maps share come out twice, perhaps with a rounding error between them.
        keep = np.concatenate([[True], (np.diff(moments) > MIN_STEP_S / 1000) & (np.diff(targets) > MIN_STEP_S / 1000)])
        moments, middle, targets = moments[keep], middle[keep], targets[keep]
        sure = _edge_confidence(inner, moments) * _edge_confidence(self, middle)
        return TimeMap(moments, targets, sure)

    def to_csv(self) -> str:
        """Return the map as CSV text with nine decimals."""
        lines = [",".join(CSV_COLUMNS)]
        rows = zip(self.source_s.tolist(), self.target_s.tolist(), self.confidence.tolist(), strict=True)
        lines += [f"{source:.9f},{target:.9f},{sure:.6g}" for source, target, sure in rows]
        return "\n".join(lines) + "\n"

    @staticmethod
    def from_csv(text: str, name: str = "the map") -> TimeMap:
        """Read what `to_csv` wrote; more columns may follow.

        Raises
        ------
        UnreadableFileError
            If a column is missing, a value is no number, or times don't increase. The message says in which row.
        """
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
        header = [cell.strip() for cell in rows[0]] if rows else []
        missing = [column for column in CSV_COLUMNS if column not in header]
        if missing:
            raise UnreadableFileError(
                f"{name} is no time map: it lacks the column {missing[0]}",
                f"its first row must be {','.join(CSV_COLUMNS)}",
            )
        places = [header.index(column) for column in CSV_COLUMNS]
        table = [_numbers(row, places, number, name) for number, row in enumerate(rows[1:], start=2) if any(row)]
        if not table:
            raise UnreadableFileError(f"{name} is an empty time map", "it needs at least one row of times")
        columns = np.array(table, dtype=np.float64).T
        _check_rows(columns, name)
        return TimeMap(*columns)

    def write(self, path: Path, force: bool = False) -> None:
        """Write the map as CSV, complete or not at all.

        Raises
        ------
        OutputExistsError
            If `path` exists and `force` is False.
        OutputError
            If it can't be written.
        """
        if path.exists() and not force:
            raise OutputExistsError(f"{path} exists already", "choose another name or say that it may be replaced")
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            unfinished.write_text(self.to_csv(), encoding="utf-8")
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise OutputError(f"{path} can't be written ({error.strerror})", "choose another folder") from error

    @staticmethod
    def load(path: Path) -> TimeMap:
        """Read a CSV file.

        Raises
        ------
        MissingFileError, UnreadableFileError
            See `from_csv`.
        """
        if not path.is_file():
            raise MissingFileError(f"there is no time map {path}", "check the name")
        try:
            return TimeMap.from_csv(path.read_text(encoding="utf-8"), path.name)
        except UnicodeDecodeError as error:
            raise UnreadableFileError(f"{path.name} is no time map: it isn't text", "give a CSV file") from error
        except OSError as error:
            raise UnreadableFileError(
                f"{path.name} can't be read ({error.strerror})", "check its permissions"
            ) from error


def _problem(source: Seconds, target: Seconds, sure: Seconds) -> str:
    if source.ndim != 1 or not len(source) == len(target) == len(sure) or not len(source):
        return f"need three equally long columns, got {source.shape}, {target.shape}, {sure.shape}"
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        return "times must be finite"
    if not ((sure >= 0) & (sure <= 1)).all():
        return "confidence must lie within 0..1"
    for name, column in (("source_s", source), ("target_s", target)):
        if (np.diff(column) <= 0).any():
            knot = int(np.argmax(np.diff(column) <= 0)) + 1
            return f"{name} must increase, but {column[knot]} follows {column[knot - 1]}"
    return ""


def _interpolate(wanted: Seconds, x: Seconds, y: Seconds) -> Seconds:
    inside = np.interp(wanted, x, y)
    inside = np.where(wanted < x[0], y[0] + (wanted - x[0]), inside)
    return np.asarray(np.where(wanted > x[-1], y[-1] + (wanted - x[-1]), inside))


def _edge_confidence(map_: TimeMap, moments: Seconds) -> Seconds:
    """Confidence at moments that may miss the first and last knot by a rounding error."""
    return map_.confidence_at(np.where(np.abs(moments - map_.source_s[-1]) < 1e-9, map_.source_s[-1], moments))


def _numbers(row: Sequence[str], places: Sequence[int], number: int, name: str) -> tuple[float, ...]:
    try:
        values = tuple(float(row[place]) for place in places)
    except (ValueError, IndexError) as error:
        raise UnreadableFileError(
            f"row {number} of {name} isn't three numbers: {','.join(row)[:80]!r}", "mend or remove it"
        ) from error
    if not all(np.isfinite(values)) or not 0 <= values[2] <= 1:
        raise UnreadableFileError(
            f"row {number} of {name} is out of range: {','.join(row)[:80]!r}",
            "times must be finite and the confidence within 0 to 1",
        )
    return values


def _check_rows(columns: Seconds, name: str) -> None:
    for label, column in zip(CSV_COLUMNS[:2], columns[:2], strict=True):
        # Nine decimals leave half a nanosecond of rounding in each value.
        short = np.diff(column) < MIN_STEP_S - 2e-9
        if short.any():
            knot = int(np.argmax(short))
            raise UnreadableFileError(
                f"{label} of {name} doesn't increase: {column[knot + 1]:.9f} follows {column[knot]:.9f}",
                "rows must be sorted, at least a microsecond apart",
            )
