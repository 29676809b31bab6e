"""The table: floor, controls, peers and ours on the same pairs in the same run, and what each figure means."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from training.align.accuracy import Errors, Figures, figures
from training.align.measuring import Outcome
from training.align.rows import Row, Triple

DEFINITIONS: Final = """\
error     |map(r) - t| at each point of truth (r, t); map: the delivered knots, joined by straight lines, running on at
          speed 1 beyond its ends. Milliseconds. Each pair has the same weight, however many points it has.
mean 95%  the mean's interval, drawing pieces with replacement (percentile bootstrap, 2000 draws); needs three pieces
max       the largest error of all pairs
<=10 ...  percent of the points no further off than so many ms
bias      mean signed error, map less truth: instruments speak up to 4 ms apart after a note's start, which no map can
          know and which is in every contender's figures
noise     at so many dB: mean powers over the whole target, below 11 kHz, the band that every contender hears
lost      stretches of more than 5 s on which the map is more than 1 s off
cpu/min   processor seconds per minute of the pair (the mean of both lengths), imports and compiling apart
row 8     refused: what the contender says doesn't share music; row 9: confidence as the chance of an error within 50 ms
MB        peak resident memory of the contender's process, its libraries included"""
_HEAD: Final = (
    f"  {'contender':<17}{'mean':>8}{'median':>8}{'p95':>9}{'mean 95%':>17}{'max':>9}{'<=10':>6}{'25':>5}{'50':>5}"
    f"{'100':>5}{'bias':>8}{'lost':>5}{'cpu/min':>9}{'MB':>7}"
)


@dataclass(frozen=True, eq=False)
class Measured:
    """All of one contender in one row."""

    contender: str
    errors: tuple[Errors, ...]
    outcomes: tuple[Outcome, ...]
    minutes: float  # of all pairs that were answered
    missing: str = ""

    def figures(self) -> Figures | None:
        """What stands in the table, or None where nothing was answered."""
        return figures(self.errors) if any(len(each.error_s) for each in self.errors) else None

    @property
    def problems(self) -> list[str]:
        """What went wrong, pair by pair."""
        return [f"{outcome.pair}: {outcome.problem}" for outcome in self.outcomes if outcome.problem]


def row_lines(row: Row, measured: Sequence[Measured], pairs: int) -> Iterator[str]:
    """Write one row of the table."""
    yield title_line(row, pairs)
    yield standards_line(row)
    yield _HEAD
    for each in measured:
        yield from _contender_lines(row, each)


def matrix_lines(titles: Sequence[str], rows: Sequence[Sequence[Measured]]) -> Iterator[str]:
    """Write one line a condition, one column a contender: mean/median."""
    names = [each.contender for each in rows[0]] if rows else []
    yield f"{'mean/median, ms':<26}" + "".join(f"{name:>17}" for name in names)
    for title, measured in zip(titles, rows, strict=True):
        yield f"{title:<26}" + "".join(f"{_cell(each):>17}" for each in measured)


def _cell(each: Measured) -> str:
    found = each.figures()
    return f"{_ms(found.mean)}/{_ms(found.median)}" if found else "not run" if each.missing else "no answer"


def title_line(row: Row, pairs: int) -> str:
    """Say what the row is."""
    return f"row {row.key}: {row.title} ({pairs} pairs)"


def standards_line(row: Row) -> str:
    """Say what the row's figures are to be held against."""
    return f"  floor {row.floor or '-'} | best peer, published: {row.published or '-'} | target {row.target or '-'}"


def slice_lines(title: str, measured: Sequence[Measured]) -> Iterator[str]:
    """Write a stretch that is shown apart."""
    for each in measured:
        found = each.figures()
        if found:
            yield f"  {title}, {each.contender}: {_ms(found.mean)}/{_ms(found.median)}/{_ms(found.p95)}"


def _contender_lines(row: Row, each: Measured) -> Iterator[str]:
    found = each.figures()
    if found is None:
        yield f"  {each.contender:<17}{each.missing or 'no answer'}"
    else:
        cpu_s = sum(outcome.cpu_s for outcome in each.outcomes if outcome.answer)
        peak = max((outcome.peak_mb for outcome in each.outcomes), default=math.nan)
        low, high = found.interval
        interval = "" if math.isnan(low) else f"{_ms(low)}-{_ms(high)}"
        shares = "".join(f"{found.within[limit]:5.0f}" for limit in (25, 50, 100))
        verdict = f"  {goal_met(found, row.goal)}" if row.goal and each.contender == "ours" else ""
        yield (
            f"  {each.contender:<17}{_ms(found.mean):>8}{_ms(found.median):>8}{_ms(found.p95):>9}{interval:>17}"
            f"{_ms(found.largest):>9}{found.within[10]:6.0f}{shares}{found.bias:8.1f}{found.failures:5d}"
            f"{cpu_s / max(each.minutes, 1e-9):9.1f}{peak:7.0f}{verdict}"
        )
    for problem in each.problems:
        yield f"    {problem}"


def _ms(value: float) -> str:
    return f"{value:.0f}" if value >= 1000.0 else f"{value:.1f}" if value >= 1.0 else f"{value:.3g}"


def goal_met(found: Figures, goal: Triple) -> str:
    """Say whether mean, median and p95 are all within a goal."""
    limits = zip(("mean", "median", "p95"), (found.mean, found.median, found.p95), goal, strict=True)
    missed = [name for name, value, limit in limits if value > limit]
    return "target met" if not missed else f"short of the target in {', '.join(missed)}"


def as_json(row: Row, measured: Sequence[Measured]) -> dict[str, Any]:
    """Return a row's figures as JSON values."""
    return {"row": row.key, "title": row.title, "contenders": {each.contender: _values(each) for each in measured}}


def _values(each: Measured) -> dict[str, Any]:
    found = each.figures()
    if found is None:
        return {"missing": each.missing or "no answer", "problems": each.problems}
    values = {name: getattr(found, name) for name in found.__dataclass_fields__ if name not in ("within", "interval")}
    answered = [outcome for outcome in each.outcomes if outcome.answer]
    return {
        **values,
        "within": {str(limit): share for limit, share in found.within.items()},
        "mean_interval": None if math.isnan(found.interval[0]) else list(found.interval),
        "cpu_s": sum(outcome.cpu_s for outcome in answered),
        "minutes": each.minutes,
        "peak_mb": max((outcome.peak_mb for outcome in answered), default=None),
        "problems": each.problems,
        "mean_by_pair": {
            outcome.pair: float(1e3 * abs(errors.error_s).mean())
            for outcome, errors in zip(answered, each.errors, strict=True)
            if len(errors.error_s)
        },
    }
