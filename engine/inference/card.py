"""A room's card says what its network is for and which exact files it consists of.

Rooms are found by their `card.toml`; nothing registers them. A card needs `task`, `licence` and the SHA-256 of each
ONNX file; whatever else it says is kept in `facts`, of the room and of each file.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import threading
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from engine.errors import NetworkError

CARD: Final = "card.toml"
WEIGHTS: Final = "weights.onnx"
# What a card may say of how ONNX Runtime is to run a file, as `optimise`.
AS_WRITTEN: Final = "none"
OPTIMISED: Final = "all"
# Megabytes that the networks of a tool may take together.
BUDGET_MB: Final[Mapping[str, float]] = {"upsample": 75.0, "restyle": 55.0, "restore": 50.0, "align": 5.0}
_READ_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class CardFile:
    """One ONNX file of a room."""

    name: str
    sha256: str  # lower-case hex
    facts: Mapping[str, Any] = field(default_factory=dict)  # all that the card says of it

    @property
    def parameters(self) -> int | None:
        """How many weights it has, None if the card doesn't say."""
        value = self._number("size", "parameters")
        return None if value is None else int(value)

    @property
    def gmac_per_audio_second(self) -> float | None:
        """Billions of multiply-accumulates for a second of audio, None if the card doesn't say."""
        return self._number("size", "gmac_per_audio_second")

    @property
    def real_time_factors(self) -> tuple[float | None, float | None]:
        """Seconds per second of audio on one and on two threads, as measured at export; None: not said."""
        return self._number("speed", "real_time_factor_1_thread"), self._number("speed", "real_time_factor_2_threads")

    @property
    def optimise(self) -> str:
        """`OPTIMISED` where the card says so; else `AS_WRITTEN`, which takes the least memory and is always right."""
        return OPTIMISED if self.facts.get("optimise") == OPTIMISED else AS_WRITTEN

    def _number(self, table: str, key: str) -> float | None:
        entries = self.facts.get(table)
        value = entries.get(key) if isinstance(entries, dict) else None
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


@dataclass(frozen=True)
class Card:
    """What `card.toml` of one room says."""

    room: str
    folder: Path
    task: str
    licence: str  # of the weights
    files: tuple[CardFile, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)  # the whole card

    def file(self, name: str = WEIGHTS) -> CardFile:
        """Return the entry of one ONNX file. Raises NetworkError if the card has none of that name."""
        for entry in self.files:
            if entry.name == name:
                return entry
        raise NetworkError(f"the card of network {self.room!r} names no file {name!r}", _REINSTALL)

    @property
    def tool(self) -> str:
        """The tool that runs it, one of `BUDGET_MB`; empty if the card doesn't say."""
        return str(self.facts.get("tool", ""))

    @property
    def attribution(self) -> str:
        """Whom a user of the weights has to name, empty if nobody."""
        return str(self.facts.get("attribution", ""))

    @property
    def data_licences(self) -> tuple[str, ...]:
        """The licences of the training data as `name (licence)`, in the card's order."""
        data = self.facts.get("data", ())
        entries = data if isinstance(data, list) else ()
        return tuple(f"{d.get('name', '?')} ({d.get('licence', '?')})" for d in entries if isinstance(d, dict))


_REINSTALL: Final = "install Shellac again, or put the room's files back"


def models_folder() -> Path:
    """Return the folder that holds the rooms."""
    return Path(str(importlib.resources.files("models")))


def rooms(folder: Path | None = None) -> dict[str, Card]:
    """Return the cards of all rooms, by name. A room whose card can't be read is left out; `doctor` tells of it."""
    found: dict[str, Card] = {}
    for name in room_names(folder):
        try:
            found[name] = load_card(name, folder)
        except NetworkError:
            continue
    return found


def room_names(folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of all folders that hold a card, sorted."""
    base = folder or models_folder()
    return tuple(sorted(path.parent.name for path in base.glob(f"*/{CARD}")))


def load_card(room: str, folder: Path | None = None) -> Card:
    """Read the card of `room`.

    Raises
    ------
    NetworkError
        If there is no such room, or its card can't be understood.
    """
    path = (folder or models_folder()) / room / CARD
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NetworkError(f"the network {room!r} is not installed", _REINSTALL) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NetworkError(f"the card of network {room!r} can't be read ({error})", _REINSTALL) from error
    files = _files(facts)
    if not files:
        raise NetworkError(f"the card of network {room!r} names no ONNX file with its sha256", _REINSTALL)
    licence = facts.get("licence") or facts.get("license") or ""
    return Card(room, path.parent, str(facts.get("task", "")), str(licence), files, facts)


def _files(facts: Mapping[str, Any]) -> tuple[CardFile, ...]:
    """Read `[files."NAME"] sha256 = ...`, or the short form `file` and `sha256` of a room with one network."""
    table = facts.get("files")
    if isinstance(table, dict):
        entries = ((name, entry if isinstance(entry, dict) else {"sha256": entry}) for name, entry in table.items())
        return tuple(CardFile(name, str(e["sha256"]).lower(), e) for name, e in entries if e.get("sha256"))
    if facts.get("sha256"):
        return (CardFile(str(facts.get("file", WEIGHTS)), str(facts["sha256"]).lower()),)
    return ()


def weights_path(card: Card, name: str = WEIGHTS) -> Path:
    """Return the path of one ONNX file of `card`. Raises NetworkError if the card doesn't name it."""
    return card.folder / card.file(name).name


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in lower-case hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def file_state(card: Card, name: str = WEIGHTS) -> str:
    """Return "ok" if a file is the one its card names, else "changed" or "missing"."""
    try:
        verify(card, name)
    except NetworkError:
        return "changed" if (card.folder / name).is_file() else "missing"
    return "ok"


# (path, size, mtime) of files whose hash was right: each is read once per process, again only if it changed.
_verified: set[tuple[Path, int, int]] = set()
_verified_lock = threading.Lock()


def verify(card: Card, name: str = "") -> None:
    """Check that the room's files are those its card names: one file, or all of them if `name` is empty.

    Raises
    ------
    NetworkError
        If a file is missing or its SHA-256 differs.
    """
    for entry in card.files if not name else (card.file(name),):
        path = card.folder / entry.name
        try:
            state = path.stat()
            mark = (path, state.st_size, state.st_mtime_ns)
            with _verified_lock:
                if mark in _verified:
                    continue
            actual = file_sha256(path)
        except OSError as error:
            raise NetworkError(f"{entry.name} of network {card.room!r} is missing", _REINSTALL) from error
        if actual != entry.sha256:
            raise NetworkError(
                f"{entry.name} of network {card.room!r} is not the file its card names "
                f"(sha256 {actual[:12]}…, expected {entry.sha256[:12]}…)",
                _REINSTALL,
            )
        with _verified_lock:
            _verified.add(mark)
