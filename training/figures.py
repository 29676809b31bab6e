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
# The rows that a card of restoration has to carry, and of how many clips each.
RESTORE_ROWS: Final[Mapping[str, int]] = {
    **{f"{hiss} {at_db} dB": 21 for hiss in ("white", "coloured") for at_db in (5, 10, 20, 30)},
    **{f"with crackle {at_db} dB": 21 for at_db in (5, 10, 20)},
    "clean": 121,
}
BASIS: Final = "measured_by"  # what figures follow from besides weights and recordings; in reports and on cards
_BASIS_WORDS: Final = {
    "measures_sha256": "definition of the measures", "tool": "version of the tool",
    "band_edge_sha256": "judge of band edges",
}  # fmt: skip
UPSAMPLE_COMMAND: Final = "python -m training.quality upsample"
_LOWERED_ROWS: Final[Mapping[str, int]] = {
    f"{speakers} {khz}-16k decimate": clips for speakers, clips in (("single", 30), ("others", 16)) for khz in (8, 4, 2)
}
_FILM_ROWS: Final[Mapping[str, int]] = {**_LOWERED_ROWS, **{f"single {khz}-16k aliased": 30 for khz in (8, 4, 2)}}
# The rows that a card of Upsample has to carry, by room, and of how many clips each.
UPSAMPLE_ROWS: Final[Mapping[str, Mapping[str, int]]] = {
    "afilm": _FILM_ROWS,
    "tfilm": _FILM_ROWS,
    "bwe16": {
        **_LOWERED_ROWS,
        **{f"single {khz}-16k sharp": 30 for khz in (8, 4, 2)},
        **{f"{which} filters 16k": 16 for which in ("seen", "unseen")},
    },
    "bwe48": {
        **{f"speech {khz}-48k": 76 for khz in (24, 12, 8)},
        **{"music 24-48k": 14, "music 8-48k": 15, "music under 4k": 15, "music under 8k": 15, "music under 16k": 11},
        **{f"{which} filters 48k": 27 for which in ("seen", "unseen")},
        **{"music mp3 V7": 4, "music mp3 V9": 5, "speech mp3 V9": 4, "speech opus 11k": 4},
    },
}


class ForeignReportError(TrainingError):
    """A quality report that doesn't belong on the card."""


def reported(
    path: Path, networks: Mapping[str, str], command: str, rows: Mapping[str, int], part: str = "",
    basis: Figures | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the figures of a report for a card: `networks`, `measured_by`, `remarks` and `card` of its JSON.

    Parameters
    ----------
    networks
        SHA-256 by room, or by file where the report has parts.
    part
        The room whose part of the report it is; "" for a report that belongs to its rooms together.
    rows
        What the report has to hold: the number of clips by row.
    basis
        What it must have been measured by, besides weights and recordings: definitions, the tool's version; None where
        reports don't say.

    Raises
    ------
    ForeignReportError
        If there is no report, or it is a quick one, or was measured with other weights than `networks` or by something
        else than `basis`, or something failed or was left out while measuring.
    """
    if not path.exists():
        raise ForeignReportError(f"nothing has been measured: run {command}")
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ForeignReportError(f"the report in {path.name} can't be read: run {command}") from error
    if part:
        report = {**report, **{key: report.get(key, {}).get(part, {}) for key in ("networks", "card")}}
    if report.get("networks") != dict(networks):
        raise ForeignReportError(f"the report was measured with other weights than lie in the rooms: run {command}")
    if basis is not None and (changed := _changed(report.get(BASIS), basis)):
        raise ForeignReportError(f"the report was measured by another {changed} than there is now: run {command}")
    if report.get("quick", True):
        raise ForeignReportError(f"the report is a quick one, of a few clips only: run {command} without --quick")
    if problem := _gap(report, rows):
        raise ForeignReportError(f"{problem}: mend that, then run {command}")
    known = {"networks": dict(networks), **({} if basis is None else {BASIS: dict(basis)})}
    return {"command": command, "remarks": list(report["remarks"]), **known, **report["card"]}


def _changed(before: object, now: Figures) -> str:
    """Return what a report was measured by that isn't so now, or nothing."""
    then = before if isinstance(before, Mapping) else {}
    names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    return ", ".join(_BASIS_WORDS.get(name, name) for name in names)


def _gap(report: Figures, rows: Mapping[str, int]) -> str:
    """Return what a report lacks, or nothing."""
    if not {"failures", "left_out", "remarks", "card"} <= set(report):
        return "the report is of an older form, which doesn't say what failed"
    if report["failures"]:
        return f"{report['failures']} measurements of the report failed"
    if report["left_out"]:
        return f"{len(report['left_out'])} recordings were left out of the report"
    for name, clips in rows.items():
        found = report["card"].get(name, {}).get("clips", 0)
        if found != clips:
            return f"{name} in the report stands on {found} clips instead of {clips}"
    return ""


def reported_or_kept(
    before: Figures, path: Path, networks: Mapping[str, str], command: str, rows: Mapping[str, int], part: str = "",
    basis: Figures | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the report's figures, else those of the card `before` if they are of these weights, else why none.

    Where a `basis` is given, figures of the same weights that were measured by another one aren't kept either.
    """
    try:
        return reported(path, networks, command, rows, part, basis)
    except ForeignReportError as reason:
        is_current = basis is None or before.get(BASIS) == dict(basis)
        if before.get("networks") == dict(networks) and is_current:
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
        return reported_or_kept(before, restore_report(), networks, RESTORE_COMMAND, RESTORE_ROWS)

    return figures


def upsample_report() -> Path:
    """Where `python -m training.quality upsample` leaves its report."""
    return runs_folder() / "quality" / "upsample.json"


def upsample_figures(room: str) -> Callable[[Figures, Mapping[str, str]], dict[str, Any]]:
    """Return what fills the figures of one of Upsample's rooms: those of the files that are about to lie there.

    Raises
    ------
    KeyError
        If Upsample has no such room.
    """
    rows = UPSAMPLE_ROWS[room]

    def figures(before: Figures, hashes: Mapping[str, str]) -> dict[str, Any]:
        from training.quality.scoreboards.upsample_cards import measured_by  # here: who trains needs no scoreboard

        return reported_or_kept(before, upsample_report(), hashes, UPSAMPLE_COMMAND, rows, room, measured_by())

    return figures


def _sha256_or_none(room: str) -> str:
    try:
        return weights_sha256(room)
    except FileNotFoundError:
        return "none yet"
