"""What nobody foresaw, a mistake of ours or of a foreign tool, ends as one sentence like every other error.

This is the command line's last resort, as the window has one: nowhere else does it catch what it can't name.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from engine.errors import Cancelled, ShellacError

TRACEBACK: Final = "SHELLAC_TRACEBACK"  # set to anything, the way to the fault is printed too


@contextmanager
def spoken() -> Iterator[None]:
    """Turn whatever is no sentence yet into one.

    Raises
    ------
    ShellacError
        Instead of any other error.
    """
    try:
        yield
    except (ShellacError, Cancelled, BrokenPipeError):
        raise
    except MemoryError as error:
        raise ShellacError(
            "there isn't enough memory", "close other programs or process a shorter part (--start, --stop)"
        ) from error
    except Exception as error:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        raise ShellacError(
            f"a fault of Shellac or of a tool: {type(error).__name__} ({error})",
            f"report it, with what is printed when {TRACEBACK}=1 is set",
            "your recordings are untouched",
        ) from error
