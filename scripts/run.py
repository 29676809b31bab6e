"""`make run`: restore the demo recording into out/, and open the window where there is a display."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HAS_DISPLAY = sys.platform in ("darwin", "win32") or bool(
    os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
)


def main() -> int:
    """Return the exit status of whatever was run last."""
    from engine import cli

    out = Path("out")
    # With a display the demo is made once: afterwards `make run` is simply how the window is opened.
    if not (HAS_DISPLAY and (out / "demo-report.json").is_file()):
        status = cli.main(["demo", "--out", str(out), "--force"])
        if status or not HAS_DISPLAY:
            return status
    from gui.main import main as open_window

    return open_window(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
