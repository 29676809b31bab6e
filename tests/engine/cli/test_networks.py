"""A network whose files aren't those its card names never runs: the command says which, and writes nothing."""

from __future__ import annotations

import shutil
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from engine import cli
from engine.inference import card, network


@pytest.fixture
def rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the installed rooms, which the program takes for the installed ones."""
    folder = tmp_path / "models"
    shutil.copytree(card.models_folder(), folder)
    monkeypatch.setattr(card, "models_folder", lambda: folder)
    monkeypatch.setattr(network, "_loaded", OrderedDict())
    return folder


def flip_a_bit(weights: Path) -> None:
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)


HARMS = {
    "is not the file its card names": flip_a_bit,
    "is missing": Path.unlink,
    "card": lambda weights: (weights.parent / "card.toml").write_text("task = ["),
}


@pytest.mark.parametrize(("said", "harm"), HARMS.items())
def test_restoring_with_a_damaged_network_is_status_4(
    rooms: Path, tmp_path: Path, said: str, harm: Any, capsys: Any
) -> None:
    source = tmp_path / "x.wav"
    soundfile.write(source, 0.1 * np.random.default_rng(1).standard_normal((16_000, 1)), 16_000)
    for room in ("denoiser", "noise_profile"):
        harm(rooms / room / "weights.onnx")
    assert cli.main(["restore", str(source), "-o", str(tmp_path / "y.wav"), "--quiet"]) == 4
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.count("\n") == 1
    assert said in found.err
    assert not (tmp_path / "y.wav").exists()
    assert cli.main(["models"]) == 4
    assert said in capsys.readouterr().out
