"""`python -m training.quality [SCOREBOARD]`: measures a tool and prints floor, peers, ours and ceiling side by side."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from training.data import data_folder, runs_folder
from training.errors import TrainingError
from training.quality import scoreboards


def main() -> int:
    """Run the command line; 1 if a floor was missed or a measurement failed."""
    lines = "\n".join(f"  {name:10} {scoreboards.find(name).SUMMARY}" for name in scoreboards.names())
    parser = argparse.ArgumentParser(
        prog="python -m training.quality",
        description="Measure a tool beside its baselines and bounds.",
        epilog=f"scoreboards:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scoreboard", nargs="?", default="restore", choices=scoreboards.names(), metavar="SCOREBOARD")
    parser.add_argument("--json", type=Path, help="where the report goes (default: OUT, beside the pictures)")
    parser.add_argument("--out", type=Path, help="folder for report and pictures (default: runs/quality)")
    parser.add_argument("--quick", action="store_true", help="a few clips only")
    parser.add_argument("--visqol", action="store_true", help="the slow measures on all clips instead of a few")
    parser.add_argument("--jobs", "--workers", type=int, default=os.cpu_count() or 1, help="processes")
    arguments = parser.parse_args()
    if arguments.jobs < 1:
        parser.error(f"--jobs must be at least 1, got {arguments.jobs}")
    board = scoreboards.find(arguments.scoreboard)
    if getattr(board, "NEEDS_DATA", True) and not (data_folder() / "manifest.csv").exists():
        print("no development data here (SHELLAC_DATA, or ../shared/data): nothing measured")
        return 0
    out: Path = arguments.out or runs_folder() / "quality"
    out.mkdir(parents=True, exist_ok=True)
    try:
        return board.run(scoreboards.Options(out, arguments.json, arguments.quick, arguments.jobs, arguments.visqol))
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
