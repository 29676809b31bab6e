"""Write a small file completely or not at all: beside its name, flushed to the disk, then renamed."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from uuid import uuid4

from engine.errors import OutputError


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data`; whoever reads at any moment finds the old or the new content, whole.

    Raises
    ------
    OutputError
        If the folder can't be written or the disk is full. The old content is still there.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}-{uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise OutputError(
            f"{path} can't be written ({error.strerror or error})", "choose another folder or free some space"
        ) from error


def dump_json(data: object, indent: int | None = 1) -> bytes:
    """Return JSON in UTF-8 with sorted keys. File names that are no valid Unicode are escaped, so they survive."""
    try:
        return json.dumps(data, sort_keys=True, indent=indent, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        return json.dumps(data, sort_keys=True, indent=indent, allow_nan=False).encode()
