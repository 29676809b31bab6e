"""A new network costs one room and one recipe file: it trains, is exported, found, listed and run, and nobody lists it.

Everything happens in a copy of the sources, through the commands that a person would use.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

ROOT = Path(__file__).parent.parent.parent
STEPS = 300

NETWORK = '''
"""Turns a signal round and halves it, once it has learned to."""

import torch
from torch import Tensor, nn


class Toy(nn.Module):
    """(batch, 1, samples) to the same."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Conv1d(1, 1, 3, padding=1)

    def forward(self, audio: Tensor) -> Tensor:
        answer: Tensor = self.line(audio)
        return answer
'''

RECIPE = '''
"""Trains the toy on noise that is made up as it goes."""

import torch

from models.toy.network import Toy
from training.recipe import Recipe
from training.room import Port, Room


def batches(settings, step):
    while True:
        audio = torch.randn(8, 1, 256, generator=torch.Generator().manual_seed(step))
        yield {"given": audio.to(settings.device), "wanted": (-0.5 * audio).to(settings.device)}
        step += 1


def terms(model, batch, phase):
    return {"loss": (model(batch["given"]) - batch["wanted"]).square().mean()}


def validate(model, settings):
    audio = torch.randn(4, 1, 512, generator=torch.Generator().manual_seed(-1))
    return {"loss": float((model(audio) + 0.5 * audio).square().mean())}


def trials():
    lengths = (100, 1000, 16000)
    noise = {f"noise, {n}": (torch.randn(1, 1, n, generator=torch.Generator().manual_seed(n)),) for n in lengths}
    return noise | {f"silence, {n}": (torch.zeros(1, 1, n),) for n in lengths}


def room():
    return Room(
        name="toy",
        task="half as loud and upside down",
        given=(Port("audio", (1, 1, "samples"), "as it is"),),
        answer=(Port("answer", (1, 1, "samples"), "half as loud"),),
        trials=trials,
        seconds=lambda given: given[0].shape[-1] / 16000,
        normalisation="none",
        sample_rates_hz=(16000,),
        trained_sets=(),
    )


RECIPE = Recipe("toy", Toy, batches, terms, validate, room=room, peak_rate=0.05, warmup_steps=10, ema=0.95)
'''

ENGINE = """
import json, sys
import numpy as np
from engine.inference.card import rooms
from engine.inference.network import network
from engine.settings import Settings
audio = np.random.default_rng(3).standard_normal((1, 1, 4321)).astype(np.float32)
answer = network("toy", Settings()).run({"audio": audio})["answer"]
print(json.dumps({
    "rooms": list(rooms()),
    "error": float(np.abs(answer + 0.5 * audio).max()),
    "shape": list(answer.shape),
    "torch": "torch" in sys.modules,
}))
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with a room and a recipe more."""
    house = tmp_path_factory.mktemp("house")
    for part in ("engine", "gui", "models", "training", "export"):
        shutil.copytree(ROOT / part, house / part, ignore=shutil.ignore_patterns("__pycache__"))
    (house / "models" / "toy").mkdir()
    (house / "models" / "toy" / "network.py").write_text(NETWORK.lstrip(), encoding="utf-8")
    (house / "training" / "recipes" / "toy.py").write_text(RECIPE.lstrip(), encoding="utf-8")
    return house


def run(house: Path, *command: str) -> str:
    """Run Python in the copy, without any development data; return what it printed."""
    environment = os.environ | {
        "PYTHONPATH": str(house),
        "SHELLAC_RUNS": str(house / "runs"),
        "SHELLAC_DATA": str(house / "no data"),
    }
    done = subprocess.run([sys.executable, *command], cwd=house, env=environment, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_one_room_and_one_recipe_file_are_a_network(house: Path) -> None:
    run(house, "-m", "training", "toy", "--steps", str(STEPS), "--device", "cpu", "--threads", "1")
    assert (house / "runs" / "toy" / "checkpoint.pt").is_file()
    said = run(house, "-m", "export", "toy")
    assert str(house / "models" / "toy" / "weights.onnx") in said

    found = json.loads(run(house, "-c", ENGINE))
    assert found["rooms"] == sorted([path.parent.name for path in (ROOT / "models").glob("*/card.toml")] + ["toy"])
    assert found["shape"] == [1, 1, 4321]
    assert found["error"] < 0.05, "what was learned didn't arrive"
    assert found["torch"] is False

    listed = json.loads(run(house, "-c", "import sys; from gui.main import main; sys.exit(main(['models', '--json']))"))
    toy = next(room for room in listed["rooms"] if room["room"] == "toy")
    (file,) = toy["files"]
    assert (toy["ok"], toy["licence"], toy["task"]) == (True, "Apache-2.0", "half as loud and upside down")
    assert (file["state"], file["parameters"]) == ("ok", 4)
    assert file["gmac_per_audio_second"] == pytest.approx(3 * 16_000e-9)
    assert file["real_time_factor_1_thread"] > 0.0
