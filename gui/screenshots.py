"""Drives the real window through real actions and writes pictures of it: `python -m gui.screenshots FOLDER`.

Without a display Qt draws off screen, and one more picture goes through xcb if Xvfb is there. Sound runs on the null
clock.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

WIDTH, HEIGHT = 1440, 900
PATIENCE_S = 120.0


class Photographer:
    """One window, a folder, and a way to wait for things to happen."""

    def __init__(self, folder: Path, width: int = WIDTH, height: int = HEIGHT) -> None:
        from gui.program import application, build

        self.app = application()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.window, self.commands = build()
        self.window.resize(width, height)
        self.window.show()
        self.rest(0.3)

    def rest(self, seconds: float) -> None:
        """Let Qt work for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.app.processEvents()
            time.sleep(0.005)

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Let Qt work until something is so. Raises TimeoutError."""
        until = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > until:
                running = ", ".join(f"{task.name} {task.fraction:.0%}" for task in self.commands.jobs.running)
                said = "; ".join(banner.message.copyable for banner in self.window.shown_banners())
                raise TimeoutError(f"the window didn't get there; running: {running or 'nothing'}; said: {said}")
            self.rest(0.02)
        self.rest(0.05)

    def do(self, action: str) -> None:
        """Trigger an action of the menus by its name."""
        self.window.actions_by_name[action].trigger()
        self.rest(0.05)

    def shoot(self, name: str, of_dialog: bool = False) -> Path:
        """Write a picture of the window, or of the window with the dialog that stands on it."""
        link = self.commands.link
        if link is not None and self.commands.document.source is not None:
            for _round in range(3):  # painting asks for tiles, tiles ask for painting
                link.canvas.wait_idle(20.0)
                self.rest(0.1)
        picture = self.window.grab()
        dialog = self.app.activeModalWidget() or self.app.activeWindow()
        if of_dialog and dialog is not None and dialog is not self.window:
            from PySide6.QtCore import QPoint
            from PySide6.QtGui import QPainter

            from gui import theme

            middle = (picture.deviceIndependentSize().toSize() - dialog.size()) / 2
            painter = QPainter(picture)
            painter.fillRect(self.window.rect(), theme.color("#000000", 0.35))
            painter.drawPixmap(QPoint(middle.width(), middle.height()), dialog.grab())
            painter.end()
        path = self.folder / f"{name}.png"
        picture.save(str(path))
        sys.stdout.write(f"{path}\n")
        return path

    def close_dialog(self) -> None:
        """Close the dialog on top."""
        for widget in self.app.topLevelWidgets():
            if widget is not self.window and widget.isVisible():
                widget.close()
        self.rest(0.1)

    def is_settled(self) -> bool:
        """True once B is finished and measured."""
        from gui.measuring import MEASURING

        rendering = self.commands.rendering
        return (
            rendering.rendered is not None
            and not rendering.is_stale
            and not rendering.is_running
            and not self.commands.jobs.running
            and self.window.measured_dock.head.second.full_text() not in ("", MEASURING)
        )

    def close(self) -> None:
        """Close without a question."""
        self.commands.document.close()
        self.window.close()
        self.rest(0.1)


def photograph(folder: Path) -> None:
    """Write all pictures into `folder`."""
    from engine.audio.signal import Span
    from engine.demo import paths
    from gui.views.view_state import Selection

    camera = Photographer(folder)
    commands = camera.commands
    camera.shoot("empty")
    _loading(camera)
    camera.do("demo")
    camera.wait(lambda: commands.link is not None and commands.document.source is not None)
    link = commands.ensure_canvas()
    camera.wait(lambda: len(commands.document.recipe.steps) == 1 and commands.rendering.rendered is not None)
    camera.wait(lambda: commands.rendering.fraction > 0.15 or camera.is_settled())
    camera.shoot("rendering")
    camera.wait(camera.is_settled)
    rate = link.state.rate
    link.state.show(6.0 * rate, 18.0 * rate)
    link.go_to(11.2 * rate)
    link.state.set_loop(Span(round(8.0 * rate), round(15.5 * rate)))
    camera.do("play")
    camera.rest(1.6)
    camera.shoot("work")
    camera.do("hear_a")
    camera.shoot("hears-a")
    camera.do("hear_delta")
    camera.shoot("hears-delta")
    camera.do("play")
    camera.do("hear_b")
    link.state.set_selection(Selection(round(9.0 * rate), round(12.0 * rate), 300.0, 6000.0))
    camera.shoot("box-selected")
    camera.do("view_overlay")
    camera.shoot("overlay")
    camera.do("view_split")
    camera.do("add-age")
    camera.wait(camera.is_settled)
    camera.shoot("two-devices")
    camera.do("undo")
    camera.wait(camera.is_settled)
    camera.do("export")
    camera.shoot("export", of_dialog=True)
    camera.close_dialog()
    camera.do("preferences")
    camera.shoot("preferences", of_dialog=True)
    camera.close_dialog()
    camera.do("all_actions")
    camera.shoot("all-actions", of_dialog=True)
    camera.close_dialog()
    _errors(camera, folder)
    camera.do("light_theme")
    camera.wait(camera.is_settled)
    camera.shoot("light")
    camera.do("layout_focus")
    camera.shoot("focus")
    camera.do("layout_work")
    commands.document.close()
    camera.rest(0.3)
    camera.shoot("light-empty")
    camera.do("light_theme")
    commands.files.open(paths().clean)
    camera.wait(lambda: commands.document.source is not None)
    camera.wait(camera.is_settled)
    camera.shoot("no-devices")
    _upsample(camera)
    camera.close()


def _upsample(camera: Photographer) -> None:
    """Photograph a dull recording of 22 kHz that is given 48: edge, generated band, both sides, their difference."""
    commands, rendering = camera.commands, camera.commands.rendering
    with tempfile.TemporaryDirectory() as place:
        if not _open_dull(camera, Path(place)):
            return
        camera.wait(lambda: rendering.fraction > 0.3 or camera.is_settled())
        camera.shoot("upsample-rendering")
        camera.wait(camera.is_settled)
        camera.shoot("upsample")
        for monitor in ("a", "delta", "b"):
            camera.do(f"hear_{monitor}")
            camera.shoot(f"upsample-hears-{monitor}")
        line = commands.ensure_canvas().state.edge
        line.drag(4500.0)
        camera.shoot("upsample-drag")
        line.drop()
        camera.wait(camera.is_settled)
        camera.do("light_theme")
        camera.shoot("upsample-light")
        camera.do("light_theme")
        camera.do("export")
        camera.shoot("upsample-export", of_dialog=True)
        camera.close_dialog()
        commands.document.close()


def _open_dull(camera: Photographer, folder: Path) -> bool:
    """Open a recording whose band ends at 5 kHz and put Upsample on it; False if its networks aren't installed."""
    from engine.audio.files import open_signal, write
    from engine.audio.resample import ResampledSignal
    from engine.demo import paths

    document, rendering = camera.commands.document, camera.commands.rendering
    path = folder / "Side 1, dull.wav"
    write(ResampledSignal(ResampledSignal(open_signal(paths().clean), 11_025), 22_050), path)
    camera.commands.files.open(path)
    camera.wait(lambda: document.opening is None and document.title == path.stem)
    camera.do("add-upsample")
    camera.wait(lambda: not rendering.is_stale and rendering.rendered is not None)
    problems = rendering.rendered.problems if rendering.rendered is not None else ()
    if problems:
        sys.stdout.write(f"no pictures of Upsample: {problems[0]}\n")
        document.close()
    return not problems


def photograph_large_type(folder: Path) -> None:
    """Write a picture with type of 150 %. Sizes of panels follow at the next start, so there are two."""
    camera = Photographer(folder)
    preferences = camera.commands.windows.prefs
    camera.commands.windows.take_preferences(replace(preferences, type_percent=150))
    camera.close()
    camera = Photographer(folder, round(1.25 * WIDTH), round(1.25 * HEIGHT))
    with tempfile.TemporaryDirectory() as place:
        if _open_dull(camera, Path(place)):
            camera.wait(camera.is_settled)
            camera.shoot("upsample-large-type")
        camera.commands.windows.take_preferences(preferences)
        camera.close()


def _loading(camera: Photographer) -> None:
    """Photograph a long compressed recording while it is being read."""
    from engine.audio.files import open_signal, write
    from engine.audio.signal import Span
    from engine.demo import paths
    from engine.playback.match import Spliced

    commands = camera.commands
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "Side 1, transfer.ogg"
        short = open_signal(paths().aged)
        write(Spliced(short, (Span(0, short.frames),) * 40), path)
        commands.files.open(path)
        camera.wait(lambda: commands.document.opening is None or commands.document.opening.fraction > 0.3)
        camera.shoot("loading")
        commands.escape()
        camera.wait(lambda: commands.document.opening is None)
        commands.document.close()


def _errors(camera: Photographer, folder: Path) -> None:
    """Provoke the errors a user meets, and photograph their banners."""
    commands = camera.commands
    bad = folder / "not-sound.wav"
    bad.write_bytes(b"this is no sound" * 100)
    commands.document.add_track(bad)
    camera.wait(lambda: bool(camera.window.shown_banners()))
    commands.document.add_track(folder / "missing.flac")
    camera.wait(lambda: len(camera.window.shown_banners()) >= 2)
    camera.shoot("errors")
    for banner in camera.window.shown_banners():
        camera.window._close_banner(banner)
    bad.unlink()


def photograph_on_x(folder: Path) -> None:
    """Write one picture taken through X11, from a server of our own: fonts and focus differ from off screen."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=(writing,), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        with os.fdopen(reading) as answer:
            display = answer.readline().strip()
        environment = {**os.environ, "DISPLAY": f":{display}", "QT_QPA_PLATFORM": "xcb"}
        subprocess.run([sys.executable, "-m", "gui.screenshots", str(folder), "--one"], env=environment, check=True)
    finally:
        server.terminate()
        server.wait()


def photograph_one(folder: Path) -> None:
    """Write the picture of the demo, restored."""
    camera = Photographer(folder)
    camera.do("demo")
    camera.wait(lambda: len(camera.commands.document.recipe.steps) == 1)
    camera.wait(camera.is_settled)
    camera.shoot("work-xcb")
    camera.close()


def main(words: Sequence[str]) -> int:
    """Write the pictures into the folder named, with state and cache of their own."""
    names = [word for word in words if not word.startswith("-")]
    folder = Path(names[0] if names else "out/screenshots").resolve()
    has_display = bool(os.environ.get("DISPLAY"))
    if not (has_display or os.environ.get("QT_QPA_PLATFORM")):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("SHELLAC_AUDIO", "null")
    with tempfile.TemporaryDirectory() as place:
        os.environ["SHELLAC_STATE"] = str(Path(place) / "state")
        os.environ["SHELLAC_CACHE"] = str(Path(place) / "cache")
        (photograph_one if "--one" in words else photograph)(folder)
        if "--one" not in words:
            photograph_large_type(folder)
        if not has_display and shutil.which("Xvfb"):
            photograph_on_x(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
