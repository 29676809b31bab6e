"""Tells whether a run that goes on still learns from what it was begun with."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor


def files_digest(paths: Iterable[Path]) -> str:
    """What follows from the names and contents of .npz files, wherever they lie; the checksums in them are believed."""
    digest = hashlib.sha256()
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            checksums = [f"{member.filename} {member.CRC:08x}" for member in archive.infolist()]
        digest.update(f"{path.name} {' '.join(checksums)}\n".encode())
    return digest.hexdigest()


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """What follows from the values of weights."""
    digest = hashlib.sha256()
    for name, tensor in weights.items():
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
