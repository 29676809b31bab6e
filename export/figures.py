"""Takes measured figures into a card only if they belong to the weights it describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from models.noise_profile.network import NoiseProfileConfig
from training.data import runs_folder
from training.quality import measured_networks

COMMAND: Final = "python -m training.quality"
REMARKS: Final = (
    "validation shares performers and sessions with training: tedeum2 with tedeum, movement 7 of John Garner's "
    "BWV 1002 with movement 6",
    "the rendered piano of validation plays unseen pieces on the sampled piano of training",
    f"the margin of noise_profile (caution = {NoiseProfileConfig().caution:g}) was chosen on these validation clips, "
    "so the figures flatter it",
)


class ForeignReportError(ValueError):
    """A quality report that doesn't belong on the card."""


def report_path() -> Path:
    """Where `python -m training.quality` leaves its report."""
    return runs_folder() / "quality" / "quality.json"


def reported_figures(path: Path, networks: dict[str, str]) -> dict[str, Any]:
    """Return the figures of a report for a card.

    Raises
    ------
    ForeignReportError
        If there is no report, or it is a quick one, or was measured with other weights than `networks` (SHA-256 by
        room).
    """
    if not path.exists():
        raise ForeignReportError(f"nothing has been measured: run {COMMAND}")
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if report.get("networks") != networks:
        raise ForeignReportError(f"the report was measured with other weights than lie in the rooms: run {COMMAND}")
    if report.get("quick", True):
        raise ForeignReportError(f"the report is a quick one, of a few clips only: run {COMMAND} without --quick")
    figures: dict[str, Any] = report["card"]
    return {"command": COMMAND, "remarks": list(REMARKS), "networks": networks, **figures}


def figures_for_card(before: dict[str, Any]) -> dict[str, Any]:
    """Return the report's figures, else those of the card `before` if they are of these weights, else why none."""
    networks = measured_networks()
    try:
        return reported_figures(report_path(), networks)
    except ForeignReportError as reason:
        kept: dict[str, Any] = before.get("figures", {})
        if kept.get("networks") == networks:
            return kept
        return {"command": COMMAND, "missing": str(reason)}
