"""`shellac models`: the networks of this installation, what they cost, under which licence, and whether intact."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from engine.cli import say
from engine.errors import NetworkError

if TYPE_CHECKING:
    from engine.inference.card import Card, CardFile

_HEADINGS: Final = ("file", "MB", "parameters", "GMAC/s", "1 thread", "2 threads", "state")


def rooms_checked() -> list[dict[str, Any]]:
    """Return every room with what its card says and whether its files are those the card names."""
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
            "tool": card.tool,
            "task": card.task,
            "licence": card.licence,
            "attribution": card.attribution,
            "training_data": list(card.data_licences),
            "files": [_file(card, file) for file in card.files],
            "ok": True,
            "problem": "",
        }
        try:
            verify(card)
        except NetworkError as error:
            entry |= {"ok": False, "problem": str(error)}
        found.append(entry)
    return found


def built_in() -> list[dict[str, Any]]:
    """Return what the networks' files don't hold and was learnt from recordings all the same, as rooms are listed."""
    from engine.measure.taught import judge_account

    account = judge_account()
    return [
        {
            "name": "band edges",
            "task": "judges where the band of a recording ends; built into the engine",
            "licence": account.licence,
            "attribution": account.attribution,
            "training_data": list(account.data),
        }
    ]


def _file(card: Card, file: CardFile) -> dict[str, Any]:
    from engine.inference.card import file_state

    path = card.folder / file.name
    one, two = file.real_time_factors
    return {
        "file": file.name,
        "sha256": file.sha256,
        "bytes": path.stat().st_size if path.is_file() else None,
        "state": file_state(card, file.name),
        "parameters": file.parameters,
        "gmac_per_audio_second": file.gmac_per_audio_second,
        "real_time_factor_1_thread": one,
        "real_time_factor_2_threads": two,
    }


def totals(rooms: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Megabytes of networks beside what they may take, by tool and in all; a network without a tool counts there."""
    from engine.inference.card import BUDGET_MB

    used = dict.fromkeys(BUDGET_MB, 0.0)
    alone = 0.0
    for room in rooms:
        megabytes = sum(file["bytes"] or 0 for file in room.get("files", ())) / 1e6
        if room.get("tool") in used:
            used[room["tool"]] += megabytes
        else:
            alone += megabytes
    table = {tool: {"megabytes": used[tool], "budget": BUDGET_MB[tool]} for tool in used}
    return table | {"all": {"megabytes": sum(used.values()) + alone, "budget": sum(BUDGET_MB.values())}}


def models_command(arguments: argparse.Namespace) -> int:
    """List the rooms; a damaged one makes the exit status 4."""
    rooms = rooms_checked()
    if arguments.json:
        say.out_json({"rooms": rooms, "built_in": built_in(), "totals": totals(rooms)})
    else:
        for room in rooms:
            _say_room(room)
        if not rooms:
            say.out("no network is installed")
        for entry in built_in():
            say.out(f"{entry['name']}: {entry['task']}")
            _say_terms(entry)
        if rooms:
            _say_totals(totals(rooms))
    return NetworkError.exit_status if any(not room["ok"] for room in rooms) else 0


def _say_room(room: Mapping[str, Any]) -> None:
    say.out(f"{room['room']}: {room['task'] if room['ok'] else room['problem']}")
    if room.get("files"):
        say.out(say.table([_HEADINGS, *(_row(file) for file in room["files"])]))
    for file in room.get("files", ()):
        say.out(f"  sha256 {file['sha256'][:16]}…  {file['file']}")
    _say_terms(room)


def _say_terms(room: Mapping[str, Any]) -> None:
    if room.get("licence"):
        say.out(f"  weights: {room['licence']}")
    if room.get("attribution"):
        say.out(f"  attribution {room['attribution']}")


def _row(file: Mapping[str, Any]) -> tuple[str, ...]:
    megabytes = None if file["bytes"] is None else file["bytes"] / 1e6
    parameters = file["parameters"]
    return (
        file["file"],
        "–" if megabytes is None else f"{megabytes:.1f}",
        "–" if parameters is None else f"{parameters:,}",
        _short(file["gmac_per_audio_second"]),
        *(_times(file[f"real_time_factor_{threads}"]) for threads in ("1_thread", "2_threads")),
        file["state"],
    )


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _times(factor: float | None) -> str:
    """How many times faster than real time."""
    return "–" if not factor else f"{1.0 / factor:.0f} x"


def _say_totals(table: Mapping[str, Mapping[str, float]]) -> None:
    parts = [
        f"{name} {total['megabytes']:.1f} of {total['budget']:g} MB" + (" (over)" if _over(total) else "")
        for name, total in table.items()
    ]
    say.out("in all " + ", ".join([parts[-1].removeprefix("all "), *parts[:-1]]))


def _over(total: Mapping[str, float]) -> bool:
    return total["megabytes"] > total["budget"]
