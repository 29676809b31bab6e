"""What was wrong in auraloss 0.4.0 and is mended here, and how fast and lean these losses are beside it.

`python -m training.losses.report` prints the faults, with `--bench` speed and memory too; exit code 1 if a fault isn't
mended or a floor is missed. auraloss's side is shown if it is installed; nothing here needs it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from training.losses import bench, faults


def environment() -> dict[str, str | int]:
    """Return what the figures depend on."""
    return {
        "torch": torch.__version__,
        "machine": platform.machine(),
        "cores": os.cpu_count() or 0,
        "threads": bench.THREADS,
        "rounds": bench.ROUNDS,
    }


def _shown(rows: Iterable[bench.Row]) -> list[bench.Row]:
    print("\n" + bench.HEADING)
    found = []
    for row in rows:
        print(bench.line(row), flush=True)
        found.append(row)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 0 if all is mended and every floor met, 2 if there is nothing to compare with."""
    parser = argparse.ArgumentParser(
        prog="python -m training.losses.report", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--bench", action="store_true", help="measure speed and memory as well (minutes)")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    wanted: Any = parser.parse_args(arguments)
    module = bench.peer()
    if wanted.bench and module is None:
        print(
            "auraloss is not installed, so there is nothing to compare with: install auraloss==0.4.0", file=sys.stderr
        )
        return 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's own, and ours about empty mel bands
        findings = faults.find(module)
        print(faults.table(findings), flush=True)
        rows = _shown(bench.bench(module)) if wanted.bench else []
    if wanted.json:
        figures = {
            "environment": environment(),
            "faults": [asdict(row) for row in findings],
            "bench": [
                {**asdict(row), "meets_floor": row.meets_floor, "meets_target": row.meets_target} for row in rows
            ],
        }
        wanted.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0 if all(row.holds for row in findings) and all(row.meets_floor for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
