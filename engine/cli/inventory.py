"""`shellac models`: which networks this installation has, what they are for, and whether their files are intact."""

from __future__ import annotations

import argparse
from typing import Any

from engine.cli import say
from engine.errors import NetworkError


def rooms_checked() -> list[dict[str, Any]]:
    """Return every room with its card and the result of the hash check."""
    from engine.inference.card import load_card, room_names, verify

    found: list[dict[str, Any]] = []
    for name in room_names():
        try:
            card = load_card(name)
        except NetworkError as error:
            found.append({"room": name, "ok": False, "problem": str(error)})
            continue
        entry: dict[str, Any] = {
            "room": name,
            "task": card.task,
            "licence": card.licence,
            "attribution": card.attribution,
            "training_data": list(card.data_licences),
            "files": [_file(card.folder / file.name, file.name, file.sha256) for file in card.files],
            "ok": True,
            "problem": "",
        }
        try:
            verify(card)
        except NetworkError as error:
            entry |= {"ok": False, "problem": str(error)}
        found.append(entry)
    return found


def _file(path: Any, name: str, sha256: str) -> dict[str, Any]:
    return {"file": name, "sha256": sha256, "bytes": path.stat().st_size if path.is_file() else None}


def models_command(arguments: argparse.Namespace) -> int:
    """List the rooms; a damaged one makes the exit status 4."""
    rooms = rooms_checked()
    if arguments.json:
        say.out_json({"rooms": rooms})
    elif not rooms:
        say.out("no network is installed")
    for room in () if arguments.json else rooms:
        say.out(f"{room['room']}: {room['task'] if room['ok'] else room['problem']}")
        for file in room.get("files", ()):
            size = "missing" if file["bytes"] is None else f"{file['bytes'] / 1e6:.1f} MB"
            say.out(f"  {file['file']}  {size}  sha256 {file['sha256'][:16]}…")
        if room.get("licence"):
            say.out(f"  weights: {room['licence']}")
        if room.get("attribution"):
            say.out(f"  attribution {room['attribution']}")
    return NetworkError.exit_status if any(not room["ok"] for room in rooms) else 0
