"""What the cards of Upsample carry: their rows in short, and what those follow from besides weights and recordings.

A card keeps its figures only as long as the same definitions, tool and finder of edges would measure them again.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from engine.measure.band_edge import JUDGE
from engine.tools.upsample import UPSAMPLE
from training.quality.measures import named
from training.quality.scoreboards.upsample_contenders import EDGE_GIVEN, FILMS, FLAT_TAIL, KEPT
from training.quality.scoreboards.upsample_levels import NETWORKS
from training.quality.table import Report

_EDGED: Final = ("lsd", "seam_db", "level_bias_db")  # on a card with the edge given, too


def measured_by() -> dict[str, str]:
    """Return what figures follow from besides weights and recordings: what they mean, and what made the answers.

    `measures_sha256` is of the definitions of all measures on the cards, `tool` names Upsample's version, which is
    raised when it would sound different, and `band_edge_sha256` is of the network that judges where a band ends.
    """
    definitions = [[m.name, m.unit, m.better, m.definition] for m in named(*measures_on_cards())]
    return {
        "measures_sha256": hashlib.sha256(json.dumps(definitions).encode()).hexdigest(),
        "tool": f"{UPSAMPLE.name} {UPSAMPLE.version}",
        "band_edge_sha256": hashlib.sha256(JUDGE.read_bytes()).hexdigest(),
    }


def card_figures(report: Report) -> dict[str, dict[str, Any]]:
    """Return the short form that the cards carry, by room: its rows, each with the number of clips."""
    cards: dict[str, dict[str, Any]] = {}
    for name in NETWORKS:
        cards[name] = {kind: row for kind in report.kinds if (row := _network_row(report, kind, name))}
    for name in FILMS:
        cards[name] = {kind: row for kind in report.kinds if (row := _film_row(report, kind, name))}
    return cards


def measures_on_cards() -> tuple[str, ...]:
    """Return the names of the measures whose figures the cards carry."""
    return tuple(
        sorted({measure for whose in (_of_network("bwe48"), _of_film("afilm")) for measure, _ in whose.values()})
    )


def _network_row(report: Report, kind: str, name: str) -> dict[str, Any]:
    return _row(report, kind, _of_network(name), ("BWE LSD", name), "lsd_worst")


def _film_row(report: Report, kind: str, name: str) -> dict[str, Any]:
    return _row(report, kind, _of_film(name), ("SNR", name), "snr_db_worst")


def _of_network(name: str) -> dict[str, tuple[str, str]]:
    """Return measure and contender of every figure on a network's card."""
    whose = {"lsd": ("BWE LSD", name), "lsd_hf": ("BWE LSD-HF", name), "snr_db": ("SNR", name)}
    whose |= {"seam_db": ("seam", name), "level_bias_db": ("level bias", name)}
    whose |= {f"{key}_edge_given": (of, name + EDGE_GIVEN) for key, (of, _) in whose.items() if key in _EDGED}
    return whose | {"sinc_lsd": ("BWE LSD", "sinc"), "flat_tail_lsd": ("BWE LSD", FLAT_TAIL.name)}


def _of_film(name: str) -> dict[str, tuple[str, str]]:
    whose = {"snr_db": ("SNR", name), "spline_snr_db": ("SNR", "spline"), "lsd": ("BWE LSD", name)}
    whose |= {"spline_lsd": ("BWE LSD", "spline"), "k_lsd": ("K-LSD natural log", name)}
    return whose | {"snr_db_band_kept": ("SNR", name + KEPT), "lsd_band_kept": ("BWE LSD", name + KEPT)}


def _row(
    report: Report, kind: str, whose: dict[str, tuple[str, str]], main: tuple[str, str], worst: str
) -> dict[str, Any]:
    """Return a row of a card: means, the worst of the main figure, and the count of the thinnest figure."""
    cells = {key: cell for key, where in whose.items() if (cell := report.cell(kind, *where))}
    first = report.cell(kind, *main)
    if first is None:
        return {}
    row: dict[str, Any] = {key: round(cell.mean, 2) for key, cell in cells.items()}
    return row | {worst: round(first.worst, 2), "clips": first.count}
