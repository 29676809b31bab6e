"""What Help ▸ Diagnostics shows: the same as `shellac doctor`, and what the window knows besides."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import PySide6
from PySide6.QtGui import QGuiApplication

from engine.settings import Settings
from engine.tools import ToolProblem


def report(settings: Settings, problems: Sequence[ToolProblem]) -> str:
    """Return the report as plain text."""
    lines = [
        f"Python {platform.python_version()}, Qt {PySide6.__version__} on {QGuiApplication.platformName()}",
        f"State folder {settings.state_folder}",
    ]
    lines += [str(problem) for problem in problems]
    return "\n".join([*lines, "", _doctor(settings)])


def _doctor(settings: Settings) -> str:
    import contextlib
    import io

    from engine.cli import main

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main(["doctor"])
    return out.getvalue()
