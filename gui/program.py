"""Starts Qt, dresses it, opens the window, and catches what nobody else caught."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from engine.allocator import give_memory_back
from engine.settings import Settings
from gui import icons, preferences, theme
from gui.banner import message_of
from gui.jobs import Fault
from gui.main import FIRST_PAINT, seconds_since_start
from gui.window import MainWindow

if TYPE_CHECKING:
    from gui.commands import Commands


def application() -> QApplication:
    """Return the running application, or start one under the program's name."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    QGuiApplication.setDesktopFileName("shellac")  # without it there is no icon on Wayland
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Shellac")
    app.setOrganizationName("Shellac")
    return app


def build_window() -> tuple[MainWindow, preferences.Preferences]:
    """Return a window dressed as the user prefers, which can't do anything yet. Imports no NumPy."""
    give_memory_back()
    app = application()
    stored = preferences.open_store(Settings().state_folder)
    wanted = preferences.load(stored)
    theme.apply(wanted.theme, wanted.type_percent)
    app.setWindowIcon(icons.icon("logo", lambda look: look.a))
    return MainWindow(stored), wanted


def bring_to_life(window: MainWindow, wanted: preferences.Preferences) -> Commands:
    """Load the engine and connect the window with it."""
    from gui.commands import Commands

    return Commands(window, wanted)


def build() -> tuple[MainWindow, Commands]:
    """Return a window that works."""
    window, wanted = build_window()
    return window, bring_to_life(window, wanted)


def run(paths: Sequence[Path]) -> int:
    """Open the window with files, and return when it is closed."""
    app = application()
    window, wanted = build_window()
    sys.excepthook = LastResort(window)
    # What is seen at once needs no engine; loading that takes longer than a first paint may.
    window.painted.connect(lambda: _after_first_paint(window, wanted, paths))
    window.show()
    signal.signal(signal.SIGINT, lambda *_: window.close())
    ticking = QTimer()  # lets Python see Ctrl+C between Qt's events
    ticking.timeout.connect(lambda: None)
    ticking.start(500)
    status = app.exec()
    sys.excepthook = sys.__excepthook__
    return status


def _after_first_paint(window: MainWindow, wanted: preferences.Preferences, paths: Sequence[Path]) -> None:
    if os.environ.get(FIRST_PAINT):
        sys.stdout.write(f"{seconds_since_start():.3f}\n")
        sys.stdout.flush()
    commands = bring_to_life(window, wanted)
    commands.ensure_canvas()
    if paths:
        commands.files.open(paths[0], paths[1:])
    else:
        commands.files.offer_recovery()


class LastResort:
    """Shows a fault of ours as a banner with details to copy. The window lives on."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        details = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(details)
        if isinstance(error, KeyboardInterrupt):
            self._window.close()
            return
        sentence = "Something went wrong inside Shellac: nothing was lost, save the project and copy the details"
        QTimer.singleShot(0, self._window, lambda: self._window.show_message(message_of(Fault(sentence, details))))
