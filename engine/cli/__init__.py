"""The command line: everything the window can do, without one. Other programs rely on it.

Exit status: 0 done, 2 wrong usage, 3 the input can't be used, 4 a fault of ours, 130 interrupted. Results go to
standard output, progress and notes to standard error. Never imports Qt; PortAudio, a network and Matplotlib only in
the commands that need them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from engine.errors import Cancelled, ShellacError

BUILT_IN = ("run", "measure", "models", "doctor", "demo")
LATER = ("restyle",)  # named in the contract, not in this version


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Parameters
    ----------
    argv
        The words after `shellac`.
    """
    from engine.cli.faults import spoken
    from engine.cli.say import error_line

    try:
        with spoken():
            from engine.cli.parser import parse

            arguments = parse(list(sys.argv[1:] if argv is None else argv))
            status: int = arguments.command(arguments)
            return status
    except SystemExit as stop:  # argparse after --help and --version
        return stop.code if isinstance(stop.code, int) else 0
    except ShellacError as error:
        error_line(error)
        return error.exit_status
    except (Cancelled, KeyboardInterrupt):
        error_line("interrupted: nothing was left half-written")
        return Cancelled.exit_status
    except BrokenPipeError:
        # Whoever read our output had enough; Python would complain once more when it closes the stream.
        sys.stdout = open("/dev/null", "w")  # noqa: SIM115, PTH123
        return 0


def is_command(argv: Sequence[str]) -> bool:
    """Return True if the words after `shellac` are for the command line, False if they open the window."""
    if not argv:
        return False
    if argv[0] in (*BUILT_IN, *LATER, "-h", "--help", "--version"):
        return True
    if argv[0].startswith("-") or "." in argv[0] or "/" in argv[0]:
        return False
    from engine.tools import all_tools

    # A word that is neither a tool nor a file was meant as a command: the parser says which there are.
    return any(tool.name == argv[0] for tool in all_tools()) or not Path(argv[0]).exists()
