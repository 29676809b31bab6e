"""The table of restoration: its rows as cards and README know them, and what was promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from training.quality.report import Verdict
from training.quality.table import Report, Summary

FLOORS_DB: Final = {5: 2.5, 10: 3.0, 20: 4.0}  # what neural has to be ahead of Wiener by
CLEAN_FLOOR_DB: Final = 60.0
DECLICK_FLOORS_DB: Final = {"clicks medium": 8.0, "clicks strong": 12.0}  # mean SNR gain
PERCUSSION_FLOOR_DB: Final = 40.0  # SNR of the worst clip
LOSS_TARGET_DB: Final = -1.0  # what no clip should lose at 30 dB; the only line that is a target, not a floor
SHORT: Final = {"SNR gain": "gain", "LSD": "lsd", "SNR": "snr", "SI-SDR": "si-sdr"}
NOT_IN_ROWS: Final = ("SNR gain", "noisy")  # 0 by definition


def rows(report: Report) -> dict[str, Any]:
    """Return mean, worst and count of every figure of every row, rounded: "gain neural", "lsd noisy", ..."""
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
        if row:
            table[kind] = {"count": max(counts), **row}
    return table


def _key(measure: str, contender: str) -> str:
    return "touched %" if measure == "touched" else f"{SHORT.get(measure, measure)} {contender}"


def _rounded(cell: Summary) -> dict[str, Any]:
    return {"mean": round(cell.mean, 2), "worst": round(cell.worst, 2), "worst clip": cell.worst_clip}


def print_summary(table: dict[str, Any]) -> None:
    """Print the rows of hiss as one table, the others line by line."""
    hiss = [name for name in table if "gain neural" in table[name]]
    print("SNR gain in dB (mean; worst of neural; with a floor of -18 dB), then LSD in dB (mean), n clips.")
    print("wiener: decision-directed on the 0.10 quantile; ahead: neural over it; classic: the product's other engine.")
    print(f"{'row':20}{'neural':>8}{'worst':>8}{'-18 dB':>8}{'wiener':>8}{'ahead':>7}{'classic':>8}{'oracle':>8}"
          f"{'|  noisy':>9}{'neural':>8}{'wiener':>8}{'classic':>8}{'oracle':>8}{'n':>5}")  # fmt: skip
    for name in hiss:
        row = table[name]
        gain = {k[5:]: v["mean"] for k, v in row.items() if k.startswith("gain ")}
        lsd = {k[4:]: v["mean"] for k, v in row.items() if k.startswith("lsd ")}
        print(f"{name:20}{gain['neural']:8.2f}{row['gain neural']['worst']:8.2f}{gain['neural, floor -18 dB']:8.2f}"
              f"{gain['wiener']:8.2f}{gain['neural'] - gain['wiener']:7.2f}{gain['classical']:8.2f}"
              f"{gain['oracle mask']:8.2f}{lsd['noisy']:9.2f}{lsd['neural']:8.2f}{lsd['wiener']:8.2f}"
              f"{lsd['classical']:8.2f}{lsd['oracle mask']:8.2f}"
              f"{row['count']:5}")  # fmt: skip
        if "declick + neural" in gain:
            print(f"{'':20}{gain['declick + neural']:8.2f}   with declick before it")
    for name in table:
        # The rest stands in the general tables.
        shown = {
            k: v for k, v in table[name].items() if k in ("snr denoise", "gain declick", "snr declick", "touched %")
        }
        if name not in hiss and shown:
            figures = [f"{k} {v['mean']} (worst {v['worst']}: {Path(v['worst clip']).name})" for k, v in shown.items()]
            print(f"{name:20}{'; '.join(figures)}; n {table[name]['count']}")


def verdicts(table: dict[str, Any]) -> list[str]:
    """Say for every floor whether it is met."""
    lines: list[Verdict] = []
    for name, row in table.items():
        if "gain neural" in row:
            lines += _of_hiss(name, row)
        if name == "clean":
            worst = row["snr denoise"]
            lines.append(Verdict(f"clean input ({Path(worst['worst clip']).name})", worst["worst"], CLEAN_FLOOR_DB))
        if name in DECLICK_FLOORS_DB:
            lines.append(Verdict(f"{name}: mean gain", row["gain declick"]["mean"], DECLICK_FLOORS_DB[name]))
        if name == "percussion":
            worst = row["snr declick"]
            lines.append(Verdict(f"percussion ({Path(worst['worst clip']).name})", worst["worst"], PERCUSSION_FLOOR_DB))
    return [str(line) for line in lines]


def _of_hiss(name: str, row: dict[str, Any]) -> list[Verdict]:
    level = round(float(name.split()[-2]))
    if name.startswith("with"):
        return []
    if level in FLOORS_DB:
        ahead = row["gain neural"]["mean"] - row["gain wiener"]["mean"]
        return [Verdict(f"{name}: neural ahead of Wiener", ahead, FLOORS_DB[level])]
    if level == 30:
        worst = row["gain neural"]
        text = f"{name}: worst clip ({Path(worst['worst clip']).name})"
        return [Verdict(text, worst["worst"], LOSS_TARGET_DB, kind="target")]
    return []


def card_figures(table: dict[str, Any]) -> dict[str, Any]:
    """The short form that the cards carry."""
    figures: dict[str, Any] = {}
    for name, row in table.items():
        if "gain neural" in row:
            figures[name] = {
                "gain_db": row["gain neural"]["mean"],
                "gain_db_worst": row["gain neural"]["worst"],
                "gain_db_floor_18": row["gain neural, floor -18 dB"]["mean"],
                "wiener_db": row["gain wiener"]["mean"],
                "classical_db": row["gain classical"]["mean"],
                "oracle_db": row["gain oracle mask"]["mean"],
                "lsd_db": row["lsd neural"]["mean"],
                "clips": row["count"],
            }
        elif name == "clean":
            figures[name] = {"snr_db_worst": row["snr denoise"]["worst"], "clips": row["count"]}
    return figures
