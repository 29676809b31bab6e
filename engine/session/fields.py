"""Reading JSON that anybody may have written: every field is checked, and nonsense is named in a sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from engine.errors import ProjectError


def parse_json(data: str | bytes, what: str) -> object:
    """Parse JSON text, NaN and infinity refused. Raises ProjectError."""
    try:
        content = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        return json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProjectError(f"the {what} is not readable as JSON ({_short(error)})", "choose another file") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number here")


def _short(value: object) -> str:
    shown = str(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def damaged(name: str, value: object) -> ProjectError:
    """Return the error for a field whose value makes no sense."""
    return ProjectError(f"{name} can't be {_short(repr(value))}", "mend the file by hand or use an older copy")


def check_format(table: Mapping[str, Any], key: str, newest: int, what: str) -> None:
    """Raise ProjectError unless `table[key]` is a format number that this version reads."""
    found = table.get(key)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise ProjectError(f"this is no Shellac {what} (no {key!r} in it)", f"choose a {what} that Shellac wrote")
    if found > newest:
        raise ProjectError(f"the {what} was written by a newer Shellac (format {found})", "install the newest version")


def table_of(data: object, name: str) -> dict[str, Any]:
    """Return `data` if it is a JSON object, else raise ProjectError."""
    if not isinstance(data, dict):
        raise damaged(name, data)
    return data


def list_of(data: object, name: str) -> list[Any]:
    """Return `data` if it is a JSON array, else raise ProjectError."""
    if not isinstance(data, list):
        raise damaged(name, data)
    return data


def text(table: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return a string field, or raise ProjectError."""
    value = table.get(name, default)
    if not isinstance(value, str):
        raise damaged(name, value)
    return value


def number(table: Mapping[str, Any], name: str, low: float, high: float, default: float) -> float:
    """Return a finite number field between `low` and `high`, or raise ProjectError."""
    value = optional_number(table, name, low, high)
    return default if value is None else value


def optional_number(table: Mapping[str, Any], name: str, low: float, high: float) -> float | None:
    """Return a finite number field between `low` and `high`, None where it is absent, or raise ProjectError."""
    value = table.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise damaged(name, value)
    return float(value)


def is_value(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, (bool, int, str))
