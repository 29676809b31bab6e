"""`python -m training.align.bench`: everybody aligns the same pairs, and the table says how well.

robustness      instead: noise, transposition and constant rates, music and a chirp (8 s each)
headline        instead: the published comparison as it was, and repaired
--quick         three pieces of 60 s, one variant of each damage: minutes instead of hours
--rows 1,2,5    only these
--only NAME,..  only these contenders
--json FILE     the figures for programs
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.align import table
from training.align.accuracy import errors_of
from training.align.contenders import CONTENDERS, Contender
from training.align.findings import FINDINGS
from training.align.measuring import Outcome, Worker, workers
from training.align.pair import Pair
from training.align.protocols import HEADLINE, ROBUSTNESS
from training.align.rows import QUICK, ROWS, Row, Scale
from training.align.table import Measured
from training.errors import TrainingError


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.align.bench", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("table", nargs="?", choices=("rows", "robustness", "headline"), default="rows")
    parser.add_argument("--quick", action="store_true", help="three pieces of 60 s, one variant of each damage")
    parser.add_argument("--rows", default="", help=f"some of {', '.join(row.key for row in ROWS)}, parted by commas")
    parser.add_argument("--only", default="", help=f"some of {', '.join(c.name for c in CONTENDERS)}")
    parser.add_argument("--seconds", type=float, help="length of a piece; default 300, 60 with --quick")
    parser.add_argument("--pieces", type=int, help="how many; default all, 3 with --quick")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args(arguments)


def chosen_rows(names: str) -> tuple[Row, ...]:
    """Return the rows of a list such as "1,2,5"; all of them for none.

    Raises
    ------
    TrainingError
        If there is no such row.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = sorted(set(wanted) - {row.key for row in ROWS})
    if unknown:
        raise TrainingError(f"there is no row {', '.join(unknown)}: choose from {', '.join(row.key for row in ROWS)}")
    return tuple(row for row in ROWS if not wanted or row.key in wanted)


def chosen_contenders(names: str) -> tuple[Contender, ...]:
    """Return the contenders of a list of names; all of them for none.

    Raises
    ------
    TrainingError
        If there is no such contender.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = sorted(set(wanted) - {contender.name for contender in CONTENDERS})
    if unknown:
        raise TrainingError(
            f"nobody is called {', '.join(unknown)}: choose from {', '.join(c.name for c in CONTENDERS)}"
        )  # fmt: skip
    return tuple(contender for contender in CONTENDERS if not wanted or contender.name in wanted)


def measure_row(
    row: Row, scale: Scale, contenders: Sequence[Contender], processes: dict[str, Worker]
) -> tuple[list[Pair], dict[str, list[Outcome]]]:
    """Have everybody align every pair of a row, one after another."""
    pairs: list[Pair] = []
    outcomes: dict[str, list[Outcome]] = {contender.name: [] for contender in contenders}
    for case in row.cases(scale):
        pair = case.make()
        for name, worker in processes.items():
            outcomes[name].append(worker.align(pair))
        # The sound has been heard; only the truth is needed from here on.
        facts = {**pair.facts, "reference_s": pair.reference_s, "target_s": pair.target_s}
        pairs.append(replace(pair, reference=pair.reference[:0], target=pair.target[:0], facts=facts))
        print(f"row {row.key}: {case.name} done", file=sys.stderr, flush=True)
    return pairs, outcomes


def summed(
    pairs: Sequence[Pair],
    contender: Contender,
    outcomes: Sequence[Outcome],
    stretch: tuple[float, float] = (0.0, float("inf")),
) -> Measured:
    """Put one contender's answers against the truth, within a stretch of the reference."""
    answered = [(pair, outcome) for pair, outcome in zip(pairs, outcomes, strict=False) if outcome.answer]
    errors = tuple(
        errors_of(pair, outcome.answer, *from_start(pair, stretch)) for pair, outcome in answered if outcome.answer
    )
    minutes = sum(pair.facts["reference_s"] + pair.facts["target_s"] for pair, _ in answered) / 120.0
    return Measured(contender.name, errors, tuple(outcomes), minutes, contender.missing())


def from_start(pair: Pair, stretch: tuple[float, float]) -> tuple[float, float]:
    """Return a stretch of a reference in seconds from its start, where negative ones count from its end."""
    end = pair.facts["reference_s"]
    first, last = (moment + end if moment < 0.0 else moment for moment in stretch)
    return first, last


def run(rows: Sequence[Row], scale: Scale, contenders: Sequence[Contender]) -> list[dict[str, Any]]:
    """Measure and print row by row; returns the figures as JSON values."""
    print(table.DEFINITIONS, end="\n\n")
    values: list[dict[str, Any]] = []
    pooled: list[tuple[Pair, Outcome]] = []  # ours, for row 9
    with workers(tuple(contender for contender in contenders if not contender.missing())) as processes:
        for row in rows:
            if row.is_ours_alone:
                asked = pooled if row.finding == "confidence" else []
                if not asked and "ours" in processes:
                    pairs, outcomes = measure_row(row, scale, contenders, {"ours": processes["ours"]})
                    asked = list(zip(pairs, outcomes["ours"], strict=True))
                values.append(_told(row, asked))
                continue
            pairs, outcomes = measure_row(row, scale, contenders, processes)
            if row.is_pooled and "ours" in processes:
                pooled += zip(pairs, outcomes["ours"], strict=True)
            values.append(_shown(row, contenders, pairs, outcomes))
    return values


def _shown(
    row: Row, contenders: Sequence[Contender], pairs: Sequence[Pair], outcomes: dict[str, list[Outcome]]
) -> dict[str, Any]:
    """Print one row and return it as JSON values."""
    measured = [summed(pairs, contender, outcomes[contender.name], row.main) for contender in contenders]
    print("\n".join(table.row_lines(row, measured, len(pairs))))
    for title, stretch in row.slices.items():
        parts = [summed(pairs, contender, outcomes[contender.name], stretch) for contender in contenders]
        print("\n".join(table.slice_lines(title, parts)))
    value = table.as_json(row, measured)
    for contender in contenders if row.finding else ():
        answered = list(zip(pairs, outcomes[contender.name], strict=False))
        if answered and contender.kind != "control":
            lines, found = FINDINGS[row.finding](contender.name, answered)
            print("".join(f"{line}\n" for line in lines), end="")
            value["contenders"][contender.name] |= found
    print(flush=True)
    return value


def _told(row: Row, pooled: Sequence[tuple[Pair, Outcome]]) -> dict[str, Any]:
    """Print a row of what peers say nothing about."""
    lines, found = FINDINGS[row.finding]("ours", pooled)
    print("\n".join([table.title_line(row, len(pooled)), table.standards_line(row), *lines]), end="\n\n", flush=True)
    return {"row": row.key, "title": row.title, "contenders": {"ours": found}}


def run_matrix(rows: Sequence[Row], scale: Scale, contenders: Sequence[Contender]) -> list[dict[str, Any]]:
    """Measure every condition and print them as one matrix; returns the figures as JSON values."""
    measured = []
    with workers(tuple(contender for contender in contenders if not contender.missing())) as processes:
        for row in rows:
            pairs, outcomes = measure_row(row, scale, contenders, processes)
            measured.append([summed(pairs, contender, outcomes[contender.name]) for contender in contenders])
    print("\n".join(table.matrix_lines([row.title for row in rows], measured)), flush=True)
    return [table.as_json(row, each) for row, each in zip(rows, measured, strict=True)]


def main(arguments: list[str] | None = None) -> int:
    """Run the bench; returns the exit status."""
    options = _arguments(arguments)
    scale = QUICK if options.quick else Scale()
    scale = replace(scale, seconds=options.seconds or scale.seconds, pieces=options.pieces or scale.pieces)
    try:
        contenders = chosen_contenders(options.only)
        if options.table == "robustness":
            values = run_matrix(ROBUSTNESS, scale, contenders)
        else:
            values = run(HEADLINE if options.table == "headline" else chosen_rows(options.rows), scale, contenders)
    except TrainingError as error:
        print(f"training.align.bench: {error}", file=sys.stderr)
        return 3
    if options.json:
        options.json.write_text(json.dumps(values, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
