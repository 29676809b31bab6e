"""Write a small file completely or not at all: beside its name, flushed to the disk, then renamed."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path
from uuid import uuid4

from engine.errors import OutputError


def write_atomically(path: Path, data: bytes, keep: Path | None = None) -> None:
    """Replace `path` by `data`; whoever reads at any moment finds the old or the new content, whole.

    A link stays a link, and who may read the file stays as it was.

    Parameters
    ----------
    keep
        A name in the same folder under which the old content stays.

    Raises
    ------
    OutputError
        If the folder can't be written or the disk is full. The old content is still there.
    """
    beside: Path | None = None
    try:
        place = path.resolve() if path.is_symlink() else path
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".shellac-{uuid4().hex[:12]}.part")
        with beside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if place.exists():
            beside.chmod(stat.S_IMODE(place.stat().st_mode))
            if keep is not None:
                place.replace(keep)
        beside.replace(place)
    except (OSError, RuntimeError) as error:  # the second where links turn in a circle
        if beside is not None:
            with contextlib.suppress(OSError):
                beside.unlink()
        raise OutputError(
            f"{path} can't be written ({getattr(error, 'strerror', None) or error})",
            "choose another folder or free some space",
        ) from error


def dump_json(data: object, indent: int | None = 1) -> bytes:
    """Return JSON in UTF-8 with sorted keys. File names that are no valid Unicode are escaped, so they survive."""
    try:
        return json.dumps(data, sort_keys=True, indent=indent, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        return json.dumps(data, sort_keys=True, indent=indent, allow_nan=False).encode()
