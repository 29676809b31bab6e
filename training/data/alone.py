"""Keeps two commands from making the same file at once, on machines and disks that know locks."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from training.errors import TrainingError


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a file that is to be made; the lock goes with the process, however that ends.

    Raises
    ------
    TrainingError
        If another command is making it.
    OSError
        If nothing can be written beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    descriptor = _hold(lock, path)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _hold(lock: Path, path: Path) -> int:
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise TrainingError(
                f"{path} is being made by another command: wait until that has finished, or name another file"
            ) from error
        except OSError:
            return descriptor  # a disk without locks: two commands at once are then the person's care
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        os.close(descriptor)  # its holder removed it in between: it keeps nobody out any more
