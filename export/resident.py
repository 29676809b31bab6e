"""How much memory a network takes in a process that does nothing else.

Runs in a process of its own, started by `resident_megabytes`: what torch holds would hide it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.inference.network import CPU, session_options
from export.errors import ExportError

_STATUS = Path("/proc/self/status")
_PROGRAM = "import sys; from export.resident import measure; measure(*sys.argv[1:])"


def resident_megabytes(path: Path, inputs: Mapping[str, NDArray[Any]], optimise: str) -> float | None:
    """Return by how many megabytes a process grows that opens a file and runs it once; None where no /proc tells.

    Raises
    ------
    ExportError
        If the process fails.
    """
    if not _STATUS.exists():
        return None
    root = str(Path(__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "inputs.npz"
        np.savez(given, **dict(inputs))  # type: ignore[arg-type]
        command = [sys.executable, "-c", _PROGRAM, str(path), str(given), optimise]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ExportError(f"the memory that {path} takes couldn't be measured: {said}")
    return round(float(done.stdout), 1)


def measure(path: str, inputs: str, optimise: str) -> None:
    """Open a file, run it once on one thread and print the growth of this process in megabytes."""
    import onnxruntime

    with np.load(inputs) as held:
        given = dict(held)
    before = _resident_bytes()
    session = onnxruntime.InferenceSession(path, session_options(1, optimise), providers=[CPU])
    answers = session.run(None, given)
    print((_resident_bytes() - before) / 1e6)
    del answers


def _resident_bytes() -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
