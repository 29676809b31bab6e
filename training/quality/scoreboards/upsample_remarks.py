"""What a reader of Upsample's figures has to know: what training and measuring share, and where a target ends early."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from typing import Any

from training.data import Recording, performances, recordings
from training.quality.harness import Round
from training.quality.remarks import rendered, shared
from training.quality.scoreboards.upsample_clips import CYMBALS, valid_hz
from training.rooms import room_folder
from training.validation import Clip


def remarks(rooms: Iterable[str], everything: Sequence[Round]) -> list[str]:
    """Return the remarks that belong beside the figures of these rooms as their cards describe them."""
    clips = {case.clip.name: case.clip for turn in everything for case in turn.cases}
    cards = {room: _card(room) for room in rooms}
    trained = {row: None for card in cards.values() for row in _trained(card)}
    measured = [row for row in recordings("validation", "all") if row.path in clips]
    lines = [*shared(trained, {"here": measured}), *rendered(trained)]
    for room, card in cards.items():
        if card.get("trained_on", "all") != "clean":
            lines.append(f"{room} was trained on non-commercial recordings too, among them perhaps {CYMBALS}")
    return [*lines, *walls(clips.values())]


def walls(clips: Iterable[Clip]) -> list[str]:
    """Return a line on the targets that are compared only up to a wall of their own."""
    ends = {clip.name: valid_hz(clip) for clip in clips if valid_hz(clip) < 0.97 * clip.rate / 2.0}
    if not ends:
        return []
    named = ", ".join(f"{name.rsplit('/', 1)[-1]} {hertz / 1000.0:.1f} kHz" for name, hertz in sorted(ends.items()))
    return [f"compared up to their own wall only: {named}"]


def _trained(card: dict[str, Any]) -> tuple[Recording, ...]:
    licences = str(card.get("trained_on", "all"))
    sets = {row["name"] for row in card.get("data", ())}
    rows = (*recordings("train", licences), *performances("train", licences))
    return tuple(row for row in rows if not sets or row.set in sets)


def _card(room: str) -> dict[str, Any]:
    return tomllib.loads((room_folder(room) / "card.toml").read_text(encoding="utf-8"))
