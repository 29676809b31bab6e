"""Takes measured figures onto a card only if they belong to the weights it describes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from training.data import runs_folder
from training.errors import TrainingError
from training.rooms import weights_sha256

Figures = Mapping[str, Any]
RESTORE_COMMAND: Final = "python -m training.quality"
RESTORE_ROOMS: Final = ("denoiser", "noise_profile")  # that restoration runs with
RESTORE_REMARKS: Final = (
    "validation shares performers and sessions with training: tedeum2 with tedeum, movement 7 of John Garner's "
    "BWV 1002 with movement 6",
    "the rendered piano of validation plays unseen pieces on the sampled piano of training",
    "the margin of noise_profile (caution = 3) was chosen on these validation clips, so the figures flatter it",
)


class ForeignReportError(TrainingError):
    """A quality report that doesn't belong on the card."""


def reported(path: Path, networks: Mapping[str, str], command: str, remarks: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the figures of a report for a card: `networks`, `quick` and `card` of its JSON.

    Raises
    ------
    ForeignReportError
        If there is no report, or it is a quick one, or was measured with other weights than `networks` (SHA-256 by
        room).
    """
    if not path.exists():
        raise ForeignReportError(f"nothing has been measured: run {command}")
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if report.get("networks") != dict(networks):
        raise ForeignReportError(f"the report was measured with other weights than lie in the rooms: run {command}")
    if report.get("quick", True):
        raise ForeignReportError(f"the report is a quick one, of a few clips only: run {command} without --quick")
    return {"command": command, "remarks": list(remarks), "networks": dict(networks), **report["card"]}


def reported_or_kept(
    before: Figures, path: Path, networks: Mapping[str, str], command: str, remarks: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the report's figures, else those of the card `before` if they are of these weights, else why none."""
    try:
        return reported(path, networks, command, remarks)
    except ForeignReportError as reason:
        if before.get("networks") == dict(networks):
            return dict(before)
        return {"command": command, "missing": str(reason)}


def restore_report() -> Path:
    """Where `python -m training.quality` leaves its report."""
    return runs_folder() / "quality" / "quality.json"


def restore_figures(room: str) -> Callable[[Figures, Mapping[str, str]], dict[str, Any]]:
    """Return what fills the figures of one of restoration's rooms: its own weights are those about to be put there."""

    def figures(before: Figures, hashes: Mapping[str, str]) -> dict[str, Any]:
        here = {room: hashes["weights.onnx"]}
        networks = {name: here.get(name) or _sha256_or_none(name) for name in RESTORE_ROOMS}
        return reported_or_kept(before, restore_report(), networks, RESTORE_COMMAND, RESTORE_REMARKS)

    return figures


def _sha256_or_none(room: str) -> str:
    try:
        return weights_sha256(room)
    except FileNotFoundError:
        return "none yet"
