"""What a command says: results on standard output, everything else on standard error, in whole lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

_PROGRAM = "shellac"


def out(text: str = "") -> None:
    """Write one line of result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def out_json(data: Any) -> None:
    """Write a machine-readable result, alone on standard output."""
    out(json.dumps(data, indent=1, sort_keys=True, allow_nan=False))


def note(text: str) -> None:
    """Write one line that is no result."""
    sys.stderr.write(f"{_PROGRAM}: {one_line(text)}\n")
    sys.stderr.flush()


def error_line(error: object) -> None:
    """Write the one line of an error: what happened, what to do."""
    note(str(error))


def one_line(text: str) -> str:
    """Return `text` without line breaks and control characters, which file names may hold."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Return rows as aligned text; all columns but the first are aligned right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        lines.append((indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)
