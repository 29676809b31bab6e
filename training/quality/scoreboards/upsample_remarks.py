"""What a reader of Upsample's figures has to know: what training and measuring share, and where a target ends early."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from training.data import RATE, Recording, performances, recordings
from training.data.walls import BAND_HZ, FALL_DB, OVER_HZ, PASSED, UNDER_HZ, Wall, find_wall
from training.quality.harness import Round
from training.quality.remarks import rendered, shared
from training.quality.scoreboards.upsample_clips import CYMBALS
from training.rooms import room_folder
from training.validation import RENDERED, Clip


def remarks(rooms: Iterable[str], everything: Sequence[Round]) -> list[str]:
    """Return the remarks that belong beside the figures of these rooms as their cards describe them."""
    clips = {(case.clip.name, case.clip.rate): case.clip for turn in everything for case in turn.cases}
    cards = {room: _card(room) for room in rooms}
    trained = {row: None for card in cards.values() for row in _trained(card)}
    measured = [row for row in recordings("validation", "all") if row.path in {name for name, _ in clips}]
    lines = [*shared(trained, {"here": measured}), *rendered(trained)]
    for room, card in cards.items():
        if card.get("trained_on", "all") != "clean":
            lines.append(f"{room} was trained on non-commercial recordings too, among them perhaps {CYMBALS}")
    rates = {row.path: row.rate for row in measured} | {f"rendered {name}": RATE for name in RENDERED}
    return [*lines, *masked(walls(clips.values(), rates))]


def masked(lines: list[str]) -> list[str]:
    """Return the lines on walls, and behind them where the thresholds come from by which walls are told."""
    if not lines:
        return []
    return [
        *lines,
        f"a wall is a fall of {FALL_DB:g} dB within {UNDER_HZ + OVER_HZ - BAND_HZ:g} Hz: this and the other thresholds "
        "of training/data/walls.py were chosen on the very validation recordings that they mask here, so no figure "
        "counts what they hide",
    ]


def walls(clips: Iterable[Clip], rates: Mapping[str, int]) -> list[str]:
    """Return a line on the targets that are compared only up to a wall of their own, and what wall that is.

    `rates` says at which rate a clip of this name was stored; clips of other names, at their own.
    """
    found: dict[str, tuple[Wall, int]] = {}
    for clip in clips:
        wall = find_wall(clip.samples, clip.rate)
        # One recording takes part at several rates: the lower wall is the recording's, the other a rate's.
        if wall and (clip.name not in found or wall.begins_hz < found[clip.name][0].begins_hz):
            found[clip.name] = wall, clip.rate
    named = [
        f"{name.rsplit('/', 1)[-1]} {wall.begins_hz / 1000.0:.1f} kHz ({_why(wall, rates.get(name, rate), rate)})"
        for name, (wall, rate) in sorted(found.items())
    ]
    return [f"compared up to their own wall only: {', '.join(named)}"] if named else []


def _why(wall: Wall, stored: int, rate: int) -> str:
    if stored < rate and wall.middle_hz > PASSED * stored / 2.0:
        return f"stored at {stored / 1000.0:g} kHz"
    return "a filter or an encoder" if wall.frames == "all" else "an encoder, in most frames"


def _trained(card: dict[str, Any]) -> tuple[Recording, ...]:
    licences = str(card.get("trained_on", "all"))
    sets = {row["name"] for row in card.get("data", ())}
    rows = (*recordings("train", licences), *performances("train", licences))
    return tuple(row for row in rows if not sets or row.set in sets)


def _card(room: str) -> dict[str, Any]:
    return tomllib.loads((room_folder(room) / "card.toml").read_text(encoding="utf-8"))
