"""The rooms stay where design says, and nothing installed stands in front of them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("engine", "gui", "models", "training", "export")


@pytest.mark.parametrize("room", ROOMS)
def test_no_installed_package_shadows_a_room(room: str) -> None:
    spec = importlib.util.find_spec(room)
    assert spec is not None, f"{room} can't be found"
    assert spec.origin is not None
    assert Path(spec.origin).is_relative_to(ROOT)


@pytest.mark.parametrize("room", ROOMS)
def test_no_distribution_but_ours_brings_a_top_level_name_of_ours(room: str) -> None:
    owners = set(importlib.metadata.packages_distributions().get(room, ()))
    assert owners <= {"shellac"}


HEAVY = ("PySide6", "torch", "torchaudio", "librosa", "sounddevice", "onnxruntime", "matplotlib")


@pytest.mark.parametrize("module", ["engine", "engine.cli", "engine.tools", "engine.session.render"])
def test_importing_the_engine_brings_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_command_imports_no_qt() -> None:
    code = "import sys\nfrom gui.main import main\nmain(['models'])\nassert 'PySide6.QtCore' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)


def test_the_lock_files_name_no_package_index() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "index-url" not in text
        assert "://" not in text


def test_the_runtime_lock_brings_no_torch_and_agrees_with_the_full_lock() -> None:
    def pins(name: str) -> set[str]:
        lines = (ROOT / "requirements" / name).read_text().splitlines()
        return {line.split(" ")[0] for line in lines if line and line[0].isalnum()}

    runtime = pins("runtime.txt")
    assert not [pin for pin in runtime if pin.startswith(("torch", "librosa", "nvidia"))]
    assert runtime <= pins("test.txt")
