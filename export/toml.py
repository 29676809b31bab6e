"""Writes nested tables as TOML, which Python can read but not write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def toml(table: Mapping[str, Any], prefix: str = "") -> str:
    """Write plain values first, then tables, then arrays of tables."""
    plain = {key: value for key, value in table.items() if not _is_table(value)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        name = f"{prefix}{_key(key)}"
        if isinstance(value, Mapping):
            lines += ["", f"[{name}]", toml(value, f"{name}.").rstrip()]
        elif _is_table(value):
            for entry in value:
                lines += ["", f"[[{name}]]", toml(entry, f"{name}.").rstrip()]
    return "\n".join(lines).lstrip("\n") + "\n"


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    # JSON and TOML spell strings, finite numbers, booleans and flat lists alike.
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
