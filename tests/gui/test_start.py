"""Starting: a command loads no Qt, a window without a screen says so, the first paint needs no engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gui.main import main

HOUSE = Path(__file__).parents[2]


def run(code: str, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **extra}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=HOUSE, env=environment, timeout=120
    )


def test_a_command_loads_no_qt() -> None:
    done = run(
        "import sys; from gui.main import main; status = main(['--version']);"
        "print(status, [name for name in sys.modules if name.startswith('PySide6')])"
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stdout + done.stderr


def test_without_a_screen_one_sentence_says_what_to_do() -> None:
    environment = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"), "")
    done = run("import sys; from gui.main import main; sys.exit(main([]))", **environment)
    assert done.returncode == 4
    assert done.stderr.strip().startswith("shellac: there is no screen")
    assert "Traceback" not in done.stderr


def test_the_first_paint_is_said_and_needs_no_numpy() -> None:
    code = """
import sys
import gui.program
loaded = {"numpy", "scipy", "onnxruntime", "sounddevice"} & set(sys.modules)
print("loaded", sorted(loaded), flush=True)
from PySide6.QtCore import QTimer
app = gui.program.application()
def look():
    app.closeAllWindows()
    app.quit()
QTimer.singleShot(1500, look)
sys.exit(gui.program.run([]))
"""
    done = run(code, SHELLAC_PRINT_FIRST_PAINT="1", QT_QPA_PLATFORM="offscreen", SHELLAC_AUDIO="null")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "loaded []"
    assert 0 < float(lines[1]) < 60


def test_the_window_never_imports_what_belongs_to_the_engine() -> None:
    code = """
import sys, pkgutil, importlib
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "soundfile", "sounddevice", "onnxruntime"):
            caller = next(f for f in frames() if f.startswith(("gui", "engine")))
            assert not caller.startswith("gui"), (name, caller)
        return None
def frames():
    frame = sys._getframe(1)
    while frame:
        yield frame.f_globals.get("__name__", "")
        frame = frame.f_back
sys.meta_path.insert(0, Refuse())
import gui
for module in pkgutil.walk_packages(gui.__path__, "gui."):
    importlib.import_module(module.name)
print("all imported")
"""
    done = run(code, QT_QPA_PLATFORM="offscreen")
    assert done.stdout.strip() == "all imported", done.stderr


def test_an_audio_option_without_a_name_is_wrong_usage() -> None:
    done = run("import sys; from gui.main import main; sys.exit(main(['--audio']))", QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 2
    assert "--audio needs a name" in done.stderr


def test_a_mistyped_command_is_refused_and_opens_no_window(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restroe"]) == 2
    assert "restroe" in capsys.readouterr().err
