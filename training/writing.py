"""Writes a file whole or not at all, so that a full disk or a sudden end never costs what was there before."""

from __future__ import annotations

import os
from pathlib import Path

from training.errors import TrainingError


def write_whole(path: Path, content: bytes | memoryview, advice: str, *, is_shared: bool = False) -> None:
    """Write a file that never exists half.

    Parameters
    ----------
    path
        Its folder has to be there.
    content
        All of it.
    advice
        What to do if the disk doesn't take it; ends the error's sentence.
    is_shared
        Whether several processes may write this file at the same time; the last one wins.

    Raises
    ------
    TrainingError
        If the disk doesn't take it; what lay there before is untouched.
    """
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp" if is_shared else f"{path.name}.tmp")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise TrainingError(f"{path} could not be written ({error.strerror}); {advice}") from error
