"""The walls between the rooms stand: each contract holds today, and is seen to fail when broken on purpose."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINTER = Path(sys.executable).with_name("lint-imports")

# contract id -> (module that breaks it, the line that does)
BREACHES = {
    "engine": ("engine/audio/breach.py", "import torch"),
    "gui": ("gui/breach.py", "import sounddevice"),
    "models": ("models/breach.py", "import numpy"),
    "training": ("training/breach.py", "import PySide6"),
    "export": ("export/breach.py", "import gui.main"),
    "floors": ("engine/audio/breach.py", "import engine.session.recipe"),
    "rooms": ("models/bwe16/breach.py", "import models.bwe48.network"),
    "tools": ("engine/tools/age/breach.py", "import engine.tools.restore"),
}


def lint(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    # A wall that nobody built can't be broken: the linter must come with the development packages.
    command = [str(LINTER), "--no-cache", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy_of_the_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    house = tmp_path_factory.mktemp("house")
    for room in ("engine", "gui", "models", "training", "export"):
        shutil.copytree(ROOT / room, house / room, ignore=shutil.ignore_patterns("*.onnx", "*.flac", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", house)
    return house


def test_all_walls_stand() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("contract", BREACHES)
def test_a_breach_is_noticed(contract: str, copy_of_the_house: Path) -> None:
    place, line = BREACHES[contract]
    breach = copy_of_the_house / place
    breach.write_text(f'"""A breach, made on purpose."""\n\n{line}\n')
    try:
        done = lint(copy_of_the_house, "--contract", contract)
    finally:
        breach.unlink()
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout
    assert "breach" in done.stdout


def test_every_contract_has_a_breach() -> None:
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {contract["id"] for contract in contracts} == set(BREACHES)


def test_every_room_has_its_wall() -> None:
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    walled = next(contract["modules"] for contract in contracts if contract["id"] == "rooms")
    assert walled == sorted(f"models.{place.parent.name}" for place in (ROOT / "models").glob("*/__init__.py"))
