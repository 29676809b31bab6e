"""A run goes to another machine in a pack, is stopped there, goes on from its parts alone, comes home and is exported.

The other machine is played by a folder of its own and an interpreter that can't import what a bare machine hasn't.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from tests.training.data.recordings_on_disk import tone, write, write_manifest  # noqa: E402
from training.packing.parts import find_parts  # noqa: E402
from training.state import checkpoint  # noqa: E402

ROOT = Path(__file__).parents[3]
STEPS = 60
PATIENCE_SECONDS = 200.0
MISSING = ("soxr", "librosa", "matplotlib", "pyloudnorm", "onnx", "onnxruntime", "onnxscript", "fluidsynth", "tqdm",
           "mido", "sounddevice", "PySide6", "av", "psutil")  # fmt: skip

BARE = f'''
"""Hides what a bare machine hasn't, as if it weren't installed."""

import importlib.machinery
import sys


class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {MISSING!r} else super().find_spec(name, path, target)


sys.meta_path = [Finder if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path]
'''

RECIPE = '''
"""Learns to halve recordings."""

import os
import time

import numpy as np
import torch

from training.data import cached_mono, usable_recordings
from training.packing.needs import Needs
from training.recipe import Recipe
from training.room import Port, Room

RATE = 16000


def recordings(split):
    return [np.asarray(cached_mono(row, RATE)) for row in usable_recordings(split)]


def batches(settings, step):
    sources = recordings("train")
    while True:
        time.sleep(float(os.environ.get("TOY_STEP_SECONDS", "0")))
        rng = np.random.default_rng((settings.seed, step))
        source = sources[int(rng.integers(len(sources)))]
        starts = rng.integers(0, len(source) - 256, 8)
        audio = torch.from_numpy(np.stack([source[at : at + 256] for at in starts]))[:, None]
        yield {"given": audio, "wanted": 0.5 * audio}
        step += 1


def terms(model, batch, phase):
    return {"loss": (model(batch["given"]) - batch["wanted"]).square().mean()}


def validate(model, settings):
    audio = torch.from_numpy(recordings("validation")[0][:512].copy())[None, None]
    return {"loss": float((model(audio) - 0.5 * audio).square().mean())}


def build():
    return torch.nn.Sequential(torch.nn.Conv1d(1, 64, 5, padding=2), torch.nn.Conv1d(64, 64, 5, padding=2),
                               torch.nn.Conv1d(64, 1, 5, padding=2))


def room():
    lengths = (99, 999, 9999)
    trials = {f"noise, {n}": (torch.randn(1, 1, n, generator=torch.Generator().manual_seed(n)),) for n in lengths}
    silence = {f"silence, {n}": (torch.zeros(1, 1, n),) for n in lengths}
    return Room(
        name="toy",
        task="half as loud",
        given=(Port("audio", (1, 1, "samples"), "as it is"),),
        answer=(Port("answer", (1, 1, "samples"), "half as loud"),),
        trials=lambda: trials | silence,
        seconds=lambda given: given[0].shape[-1] / RATE,
        normalisation="none",
        sample_rates_hz=(RATE,),
        trained_sets=("music",),
    )


RECIPE = Recipe("toy_journey", build, batches, terms, validate, room=room, peak_rate=0.005, warmup_steps=5, ema=0.9,
                needs=Needs(rate=44100, sets=("music",)))
'''


@dataclass
class Journey:
    """The two machines, and what was said on them."""

    home: Path
    away: Path
    said: list[str] = field(default_factory=list)

    def at_home(self, *words: str, runs: str = "runs") -> subprocess.CompletedProcess[str]:
        """Run a command of the working tree."""
        environment = os.environ | {
            "SHELLAC_DATA": str(self.home / "data"), "SHELLAC_RUNS": str(self.home / runs),
            "SHELLAC_RECIPES": str(self.home / "recipes"),
        }  # fmt: skip
        command = [sys.executable, "-m", *words]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    def job(self, **more: str) -> subprocess.Popen[str]:
        """Start run.sh on the bare machine, where nothing of home can be reached."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHELLAC_")}
        environment = kept | {
            "PYTHONPATH": str(self.away / "bare"), "PYTHON": sys.executable, "OUT": str(self.away / "out"),
            "PYTHONPYCACHEPREFIX": str(self.away / "pycache"), "OMP_NUM_THREADS": "1", **more,
        }  # fmt: skip
        command = ["sh", str(self.away / "pack" / "run.sh"), "--state", str(self.away / "state"), "--threads", "1",
                   "--device", "cpu"]  # fmt: skip
        return subprocess.Popen(
            command, cwd=self.away, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def finish(self, process: subprocess.Popen[str]) -> str:
        """Wait for a job; what it said."""
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        self.said.append(said)
        return said


def wait_for_a_step(process: subprocess.Popen[str]) -> str:
    """Return what was said up to the first row of the log."""
    assert process.stdout is not None
    said, began = "", time.monotonic()
    while "step 20 " not in said:
        line = process.stdout.readline()
        assert line, said
        assert time.monotonic() - began < PATIENCE_SECONDS, said
        said += line
    return said


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    folder = tmp_path_factory.mktemp("journey")
    travelling = Journey(folder / "home", folder / "away")
    data = travelling.home / "data"
    rows = []
    for name, split, hertz in (("low", "train", 220.0), ("middle", "train", 330.0), ("high", "validation", 550.0)):
        write(data / f"music/{name}.wav", tone(3.0, hertz, 48_000), 48_000)
        rows.append(f"music/{name}.wav,music,{split},48000,1,3.0,CC0 1.0,us/tones,24000,a tone")
    write_manifest(data, *rows)
    (travelling.home / "recipes").mkdir()
    (travelling.home / "recipes" / "toy_journey.py").write_text(RECIPE)
    (travelling.away / "bare").mkdir(parents=True)
    (travelling.away / "bare" / "sitecustomize.py").write_text(BARE)
    done = travelling.at_home("training", "pack", "toy_journey", "--steps", str(STEPS), "--no-packages")
    assert done.returncode == 0, done.stderr
    shutil.move(travelling.home / "runs" / "pack" / "toy_journey", travelling.away / "pack")
    assert "music, train" in done.stdout
    return travelling


@pytest.fixture(scope="module")
def came_home(journey: Journey) -> dict[str, Any]:
    """Two jobs with a stop between them, the second from the parts of the first alone; the checkpoint at home."""
    first = journey.job(TOY_STEP_SECONDS="0.05")
    said = wait_for_a_step(first)
    first.send_signal(signal.SIGTERM)
    said += journey.finish(first)
    assert first.returncode == 0, said
    assert "soxr isn't installed" in said
    assert "steps are left" in said
    brought = find_parts([journey.away / "out"])
    stopped_at = brought[0].header.step
    assert 20 <= stopped_at < STEPS
    assert sorted(path.name for path in (journey.away / "out").iterdir()) == ["log.csv", "toy_journey.1of1.shellac"]

    shutil.rmtree(journey.away / "state")  # the machine went back, and only the parts are left
    second = journey.job()
    said = journey.finish(second)
    assert second.returncode == 0, said
    assert f"going on from parts in {journey.away / 'out'}: step {stopped_at} (whole)" in said
    assert "step 20 " not in said
    assert "the run is complete" in said

    home = journey.at_home("training", "unpack", str(journey.away / "out"))
    assert home.returncode == 0, home.stderr
    return checkpoint(journey.home / "runs" / "toy_journey" / "checkpoint.pt")


def test_a_run_that_came_home_is_whole_and_can_be_exported(journey: Journey, came_home: dict[str, Any]) -> None:
    content = came_home
    assert (content["step"], content["steps"], content["licences"]) == (STEPS, STEPS, "clean")
    assert (journey.home / "runs" / "toy_journey" / "log.csv").read_text().count("\n") >= 4
    resumed = journey.at_home("training", "toy_journey", "--steps", str(STEPS), "--resume", "--device", "cpu")
    assert resumed.returncode == 0, resumed.stderr
    exported = journey.at_home("export", "toy_journey", "--into", str(journey.home / "models"))
    assert exported.returncode == 0, exported.stderr
    onnx = journey.home / "models" / "toy" / "weights.onnx"
    assert onnx.stat().st_size > 0
    card = (onnx.parent / "card.toml").read_text()
    assert "CC0 1.0" in card


def test_a_run_that_never_left_learns_the_same(journey: Journey, came_home: dict[str, Any]) -> None:
    """Float16 between two jobs, 16-bit recordings and another resampler change no weight by a hundredth."""
    words = ("training", "toy_journey", "--steps", str(STEPS), "--device", "cpu", "--threads", "1")
    done = journey.at_home(*words, runs="undisturbed")
    assert done.returncode == 0, done.stderr
    here = checkpoint(journey.home / "undisturbed" / "toy_journey" / "checkpoint.pt")["average"]
    for name, tensor in here.items():
        assert float((came_home["average"][name] - tensor).abs().max()) < 0.01, name


def test_a_damaged_copy_of_a_pack_is_refused_before_anything_is_done(journey: Journey, tmp_path: Path) -> None:
    shutil.copytree(journey.away / "pack", tmp_path / "pack")
    (tmp_path / "bare").mkdir()
    victim = next((tmp_path / "pack" / "data").rglob("*.flac"))
    victim.write_bytes(victim.read_bytes()[:-1])
    job = Journey(journey.home, tmp_path).job()
    said, _ = job.communicate(timeout=PATIENCE_SECONDS)
    assert job.returncode == 1
    assert f"1 of {len((tmp_path / 'pack' / 'hashes.txt').read_text().splitlines())} files of the pack" in said
    assert victim.name in said
    assert not (tmp_path / "state").exists()


def test_a_pack_states_licence_origin_and_hash_of_what_it_holds(journey: Journey) -> None:
    pack = journey.away / "pack"
    manifest = (pack / "data" / "manifest.csv").read_text()
    assert "music/low.flac,music,train,44100,1,3.0000,CC0 1.0,us/tones" in manifest
    assert not list(pack.rglob("*.onnx"))
    readme = (pack / "README.txt").read_text()
    assert "sh run.sh" in readme
    assert "python -m training unpack" in readme
    listed = {line.split("  ", 1)[1] for line in (pack / "hashes.txt").read_text().splitlines()}
    here = {
        str(path.relative_to(pack)) for path in pack.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert here - listed == {"hashes.txt"}
    assert sum(path.stat().st_size for path in pack.rglob("*") if path.is_file()) < 60 * 2**20
