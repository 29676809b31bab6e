"""What comes home becomes an ordinary run, and the run that was there is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.training.toy_recipes import toys
from training import loop
from training import state as states
from training.packing import unpack as unpacking
from training.packing.halves import pack_checkpoint
from training.packing.parts import write_parts
from training.packing.unpack import unpack
from training.recipe import Settings, TrainingError
from training.state import checkpoint

TOYS = {recipe.name: recipe for recipe in toys.RECIPES}


@pytest.fixture(autouse=True)
def _own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(unpacking, "find_recipe", TOYS.__getitem__)


def brought(tmp_path: Path, steps: int, name: str = "toy_adversary", **changes: object) -> Path:
    """What a job brings back of a run of so many steps."""
    path = loop.run(TOYS[name], Settings(steps=steps, log_steps=2))
    content = checkpoint(path) | changes
    path.unlink()
    facts: dict[str, str | int] = {
        "run": name, "recipe": name, "pack": "0", "step": int(content["step"]), "level": "whole",
    }  # fmt: skip
    folder = tmp_path / f"back {steps}"
    write_parts(folder, pack_checkpoint(content, 2**30)[0], facts)
    return folder


def test_an_unpacked_run_goes_on(tmp_path: Path) -> None:
    folder = brought(tmp_path, 6)
    path = unpack([folder], "toy_adversary")
    assert path == tmp_path / "runs" / "toy_adversary" / "checkpoint.pt"
    state = states.start(TOYS["toy_adversary"], Settings())
    states.load(state, path)
    assert state.step == state.steps == 6
    assert (path.parent / "log.csv").read_text().startswith("step,minutes")
    assert loop.run(TOYS["toy_adversary"], Settings(steps=6, resume=True)) == path


def test_the_run_that_was_there_is_kept_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = brought(tmp_path, 4)
    many = brought(tmp_path, 8)
    path = unpack([many])
    unpack([few])
    kept = path.with_name("checkpoint-before-1.pt")
    assert f"(step 8, further on than this one) is kept as {kept}" in capsys.readouterr().out
    assert (checkpoint(kept)["step"], checkpoint(path)["step"]) == (8, 4)
    unpack([many])
    assert checkpoint(path.with_name("checkpoint-before-2.pt"))["step"] == 4
    assert checkpoint(kept)["step"] == 8
    assert path.with_name("log-before-2.csv").exists()


def test_parts_of_another_recipe_or_network_are_refused_and_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = brought(tmp_path, 4)
    with pytest.raises(TrainingError, match="parts of toy_adversary, not of denoiser"):
        unpack([folder], "denoiser")
    monkeypatch.setattr(unpacking, "find_recipe", lambda name: TOYS["toy_plain"])
    with pytest.raises(TrainingError, match="hold another network than toy_adversary builds now"):
        unpack([folder])
    assert not (tmp_path / "runs" / "toy_adversary" / "checkpoint.pt").exists()


@pytest.mark.parametrize("run", ["../elsewhere", "/tmp/elsewhere", "..", ".hidden"])
def test_parts_cannot_write_outside_the_runs_folder(tmp_path: Path, run: str) -> None:
    facts: dict[str, str | int] = {"run": run, "recipe": "toy_plain", "pack": "0", "step": 1, "level": "whole"}
    write_parts(tmp_path / "back", b"anything", facts)
    with pytest.raises(TrainingError, match="which is no folder's name"):
        unpack([tmp_path / "back"])


def test_parts_that_lie_about_their_content_are_refused(tmp_path: Path) -> None:
    folder = brought(tmp_path, 4, fingerprint="0" * 64)
    with pytest.raises(TrainingError, match="aren't those they were cut from"):
        unpack([folder])
