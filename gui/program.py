"""Starts Qt, dresses it, opens the window, and catches what nobody else caught."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from engine.settings import Settings
from gui import icons, preferences, theme
from gui.banner import message_of
from gui.commands import Commands
from gui.jobs import Fault
from gui.main import FIRST_PAINT, seconds_since_start
from gui.window import MainWindow

WARM_UP_MS = 30


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


def build() -> tuple[MainWindow, Commands]:
    """Return a window ready to be shown, dressed as the user prefers."""
    app = application()
    stored = preferences.open_store(Settings().state_folder)
    wanted = preferences.load(stored)
    theme.apply(wanted.theme, wanted.type_percent)
    app.setWindowIcon(icons.icon("logo", lambda look: look.a))
    window = MainWindow(stored)
    return window, Commands(window, wanted)


def run(paths: Sequence[Path]) -> int:
    """Open the window with files, and return when it is closed."""
    app = application()
    window, commands = build()
    hook = LastResort(window)
    sys.excepthook = hook
    window.painted.connect(lambda: _after_first_paint(commands))
    window.show()
    for index, path in enumerate(paths):
        QTimer.singleShot(0, lambda path=path, index=index: _open(commands, path, index))
    if not paths:
        commands.offer_recovery()
    signal.signal(signal.SIGINT, lambda *_: window.close())
    ticking = QTimer()  # lets Python see Ctrl+C between Qt's events
    ticking.timeout.connect(lambda: None)
    ticking.start(500)
    status = app.exec()
    sys.excepthook = sys.__excepthook__
    return status


def _open(commands: Commands, path: Path, index: int) -> None:
    if index == 0:
        commands.open(path)
    else:
        commands._add_when_open(path)


def _after_first_paint(commands: Commands) -> None:
    if os.environ.get(FIRST_PAINT):
        sys.stdout.write(f"{seconds_since_start():.3f}\n")
        sys.stdout.flush()
    QTimer.singleShot(WARM_UP_MS, commands.ensure_canvas)


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
