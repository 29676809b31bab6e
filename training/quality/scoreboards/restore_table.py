"""The table of restoration: its rows as cards and README know them, and what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from training.quality.damage import HISSES
from training.quality.report import Verdict
from training.quality.table import Report, Summary

FLOORS_DB: Final = {5: 2.5, 10: 3.0, 20: 4.0}  # what neural has to be ahead of Wiener by
CLEAN_FLOOR_DB: Final = 60.0
DECLICK_FLOORS_DB: Final = {"clicks medium": 8.0, "clicks strong": 12.0}  # mean SNR gain
PERCUSSION_FLOOR_DB: Final = 40.0  # SNR of the worst clip
JUDGED: Final = ("white", "coloured")  # the kinds of hiss that promises were made for
LOSS_TARGET_DB: Final = -1.0  # what no clip should lose at 30 dB; the only line that is a target, not a floor
SHORT: Final = {"SNR gain": "gain", "LSD": "lsd", "SNR": "snr", "SI-SDR": "si-sdr"}
NOT_IN_ROWS: Final = ("SNR gain", "noisy")  # 0 by definition
AHEAD: Final = "gain ahead"  # of neural over Wiener, on the clips that both answered
# What a card says of a row of hiss: key of the row, and which of its numbers.
ON_CARDS: Final = {
    "gain_db": ("gain neural", "mean"),
    "gain_db_worst": ("gain neural", "worst"),
    "gain_db_floor_18": ("gain neural, floor -18 dB", "mean"),
    "wiener_db": ("gain wiener", "mean"),
    "classical_db": ("gain classical", "mean"),
    "oracle_db": ("gain oracle mask", "mean"),
    "lsd_db": ("lsd neural", "mean"),
}


def rows(report: Report) -> dict[str, Any]:
    """Return mean, worst and count of every figure of every row, rounded: "gain neural", "lsd noisy", ...

    The count of a row is that of its fullest figure; a row of which nothing could be measured has a count of 0.
    """
    table: dict[str, Any] = {}
    for kind in report.kinds:
        row: dict[str, Any] = {}
        counts = []
        for measure in report.measures:
            for contender in report.contenders:
                cell = report.cell(kind, measure.name, contender.name)
                if cell is None or (measure.name, contender.name) == NOT_IN_ROWS:
                    continue
                row[_key(measure.name, contender.name)] = _rounded(cell)
                counts.append(cell.count)
        if ahead := _ahead(report, kind):
            row[AHEAD] = ahead
        table[kind] = {"count": max(counts, default=0), **row}
    return table


def _ahead(report: Report, kind: str) -> dict[str, Any]:
    ours, theirs = report.in_common(kind, "SNR gain", "neural", "wiener")
    if not ours:
        return {}
    # Of rounded means, so that the printed columns add up.
    return {"mean": round(_mean(ours) - _mean(theirs), 2), "count": len(ours)}


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 2)


def _key(measure: str, contender: str) -> str:
    return "touched %" if measure == "touched" else f"{SHORT.get(measure, measure)} {contender}"


def _rounded(cell: Summary) -> dict[str, Any]:
    return {
        "mean": round(cell.mean, 2),
        "worst": round(cell.worst, 2),
        "worst clip": cell.worst_clip,
        "count": cell.count,
    }


def is_hiss(name: str) -> bool:
    """Whether a row is one of hiss: "white 5 dB"."""
    return name.rsplit(" ", 2)[0] in HISSES


def print_summary(table: dict[str, Any]) -> None:
    """Print the rows of hiss as one table, the others line by line; "-" is what wasn't measured."""
    print("SNR gain in dB (mean; worst of neural; with a floor of -18 dB), then LSD in dB (mean), n clips.")
    print("wiener: decision-directed on the 0.10 quantile; ahead: neural over it; classic: the product's other engine.")
    print(f"{'row':20}{'neural':>8}{'worst':>8}{'-18 dB':>8}{'wiener':>8}{'ahead':>7}{'classic':>8}{'oracle':>8}"
          f"{'|  noisy':>9}{'neural':>8}{'wiener':>8}{'classic':>8}{'oracle':>8}{'n':>5}")  # fmt: skip
    for name, row in table.items():
        if is_hiss(name):
            _print_hiss(name, row)
    for name, row in table.items():
        # The rest stands in the general tables.
        shown = {k: v for k, v in row.items() if k in ("snr denoise", "gain declick", "snr declick", "touched %")}
        if is_hiss(name):
            continue
        if shown:
            figures = [f"{k} {v['mean']} (worst {v['worst']}: {Path(v['worst clip']).name})" for k, v in shown.items()]
            print(f"{name:20}{'; '.join(figures)}; n {row['count']}")
        elif not row["count"]:
            print(f"{name:20}-")


def _print_hiss(name: str, row: dict[str, Any]) -> None:
    columns = (
        ("gain neural", "mean", 8), ("gain neural", "worst", 8), ("gain neural, floor -18 dB", "mean", 8),
        ("gain wiener", "mean", 8), (AHEAD, "mean", 7), ("gain classical", "mean", 8), ("gain oracle mask", "mean", 8),
        ("lsd noisy", "mean", 9), ("lsd neural", "mean", 8), ("lsd wiener", "mean", 8), ("lsd classical", "mean", 8),
        ("lsd oracle mask", "mean", 8),
    )  # fmt: skip
    counts = {row[key]["count"] if key in row else 0 for key, _, _ in columns}
    count = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)}-{max(counts)}"
    print(
        f"{name:20}" + "".join(f"{_shown(row, key, which):>{width}}" for key, which, width in columns) + f"{count:>5}"
    )
    if "gain declick + neural" in row:
        print(f"{'':20}{_shown(row, 'gain declick + neural', 'mean'):>8}   with declick before it")


def _shown(row: dict[str, Any], key: str, which: str) -> str:
    value = _number(row, key, which)
    return "-" if value is None else f"{value:.2f}"


def _number(row: dict[str, Any], key: str, which: str) -> float | None:
    return row[key][which] if key in row else None


def verdicts(table: dict[str, Any], levels_db: Sequence[int]) -> list[Verdict]:
    """Judge every floor at these levels of hiss, also where its row or its figure is missing."""
    return [
        *(line for hiss in JUDGED for at_db in levels_db for line in _of_hiss(table, hiss, at_db)),
        _worst(table, "clean", "snr denoise", "clean input", CLEAN_FLOOR_DB),
        *(
            Verdict(f"{name}: mean gain", _number(table.get(name, {}), "gain declick", "mean"), floor)
            for name, floor in DECLICK_FLOORS_DB.items()
        ),
        _worst(table, "percussion", "snr declick", "percussion", PERCUSSION_FLOOR_DB),
    ]


def _of_hiss(table: dict[str, Any], hiss: str, at_db: int) -> list[Verdict]:
    name = f"{hiss} {at_db} dB"
    if at_db in FLOORS_DB:
        ahead = _number(table.get(name, {}), AHEAD, "mean")
        return [Verdict(f"{name}: neural ahead of Wiener", ahead, FLOORS_DB[at_db])]
    if at_db == 30:
        return [_worst(table, name, "gain neural", f"{name}: worst clip", LOSS_TARGET_DB, "target")]
    return []


def _worst(
    table: dict[str, Any], name: str, key: str, text: str, bound: float, kind: Literal["floor", "target"] = "floor"
) -> Verdict:
    cell = table.get(name, {}).get(key)
    if cell is None:
        return Verdict(text, None, bound, kind=kind)
    return Verdict(f"{text} ({Path(cell['worst clip']).name})", cell["worst"], bound, kind=kind)


def card_figures(table: dict[str, Any]) -> dict[str, Any]:
    """Return the short form that the cards carry: the whole rows, each with the count of its thinnest figure."""
    figures: dict[str, Any] = {}
    for name, row in table.items():
        if is_hiss(name) and all(key in row for key, _ in ON_CARDS.values()):
            figures[name] = {label: row[key][which] for label, (key, which) in ON_CARDS.items()}
            figures[name]["clips"] = min(row[key]["count"] for key, _ in ON_CARDS.values())
        elif name == "clean" and "snr denoise" in row:
            figures[name] = {"snr_db_worst": row["snr denoise"]["worst"], "clips": row["snr denoise"]["count"]}
    return figures
