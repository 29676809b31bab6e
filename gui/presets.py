"""The user's own presets, one small JSON file in the state folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from engine.errors import OutputError
from engine.tools.tool import Value


class Presets:
    """Presets by tool and name. A damaged file is an empty one and is replaced at the next save."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "presets.json"
        self._known: dict[str, dict[str, dict[str, Value]]] | None = None

    def _read(self) -> dict[str, dict[str, dict[str, Value]]]:
        if self._known is None:
            try:
                found = json.loads(self._path.read_text(encoding="utf-8"))
                self._known = {
                    str(tool): {str(name): dict(values) for name, values in by_name.items()}
                    for tool, by_name in found.items()
                }
            except (OSError, ValueError, AttributeError, TypeError):
                self._known = {}
        return self._known

    def of(self, tool: str) -> Mapping[str, Mapping[str, Value]]:
        """Return the presets of a tool by name."""
        return self._read().get(tool, {})

    def save(self, tool: str, name: str, values: Mapping[str, Value]) -> None:
        """Keep a preset under a name; one of that name is replaced. Raises OutputError."""
        known = self._read()
        known.setdefault(tool, {})[name] = dict(values)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_suffix(".new")
            beside.write_text(json.dumps(known, indent=1, ensure_ascii=False), encoding="utf-8")
            beside.replace(self._path)
        except OSError as error:
            raise OutputError(
                f"the preset {name!r} can't be saved ({error})", "free some space or check the folder"
            ) from error
