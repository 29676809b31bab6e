"""The program `shellac`: commands go to the engine without a window being loaded; files, or nothing, open one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

FIRST_PAINT = "SHELLAC_PRINT_FIRST_PAINT"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, or open the window with the files named. Returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] != "--audio":
        import engine.cli  # light, but a window without files needn't even have it

        if engine.cli.is_command(words):
            return engine.cli.main(words)
    return open_window(words)


def open_window(words: Sequence[str]) -> int:
    """Open the window with the files named in `words`; `--audio NAME` chooses a sound device."""
    files = list(words)
    if "--audio" in files:
        place = files.index("--audio")
        if place + 1 >= len(files):
            sys.stderr.write("shellac: --audio needs a name: give a device, or null\n")
            return 2
        os.environ["SHELLAC_AUDIO"] = files[place + 1]
        del files[place : place + 2]
    paths = [Path(word) for word in files if word != "--"]
    if not _has_screen():
        sys.stderr.write("shellac: there is no screen: use a command, such as `shellac demo`, or set DISPLAY\n")
        return 4
    try:
        from gui.program import run
    except ImportError as error:
        sys.stderr.write(f"shellac: the window can't be loaded ({error}): run `shellac doctor`\n")
        return 4
    return run(paths)


def _has_screen() -> bool:
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def seconds_since_start() -> float:
    """Return the age of this process in seconds, interpreter start included."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, ValueError, AttributeError, IndexError):
        return time.process_time()


if __name__ == "__main__":
    sys.exit(main())
