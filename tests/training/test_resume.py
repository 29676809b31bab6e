"""A run that was killed and resumed is the run that never was: every weight, average and moment, to the bit."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tests.training.runs import start  # noqa: E402


def differences(one: Any, other: Any, name: str = "") -> list[str]:
    """Where two checkpoints differ, by path; nothing is rounded."""
    if isinstance(one, torch.Tensor):
        same = isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
        return [] if same else [name]
    if isinstance(one, dict):
        keys = [f"{name} keys"] if one.keys() != other.keys() else []
        return keys + [
            d for key in one.keys() & other.keys() for d in differences(one[key], other[key], f"{name}/{key}")
        ]
    if isinstance(one, (list, tuple)):
        length = [f"{name} length"] if len(one) != len(other) else []
        return length + [d for n, pair in enumerate(zip(one, other)) for d in differences(*pair, f"{name}/{n}")]  # noqa: B905
    return [] if one == other else [name]


@pytest.mark.parametrize(
    ("name", "kills"),
    [("toy_dropout", (33, 60)), ("toy_adversary", (41,)), ("toy_phases", (50,)), ("toy_random", (40,))],
)
def test_killed_and_resumed_equals_undisturbed(name: str, kills: tuple[int, ...], tmp_path: Path) -> None:
    words = (name, "--steps", "90", "--log-steps", "3")
    undisturbed = start(tmp_path / "undisturbed", *words)
    often = ("--checkpoint-minutes", "0.0005")  # every 30 ms: at steps that no two runs share
    for number, step in enumerate(kills):
        resume = ("--resume",) if number else ()
        start(tmp_path / "killed", *words, *often, *resume, step_seconds=0.01).kill_at(step)
    said = start(tmp_path / "killed", *words, *often, "--resume").finish()
    undisturbed.finish()
    assert "step 3 " not in said  # it went on, it didn't begin anew
    files = [tmp_path / run / name / "checkpoint.pt" for run in ("undisturbed", "killed")]
    one, other = (torch.load(file, weights_only=True) for file in files)
    assert one["step"] == other["step"] == 90
    for clockwork in ("seconds", "rows"):  # what the clock says, and how often it validated
        del one[clockwork], other[clockwork]
    assert {"model", "average", "optimiser", "critic", "critic_optimiser", "randomness"} <= one.keys()
    assert differences(one, other) == []
    if name == "toy_adversary":
        assert one["critic_step"] == 90 - 36  # it learned in its own phase only


def test_a_run_by_minutes_keeps_the_plan_it_once_made(tmp_path: Path) -> None:
    words = ("toy_plain", "--minutes", "0.02", "--log-steps", "10")
    start(tmp_path, *words, "--checkpoint-minutes", "0.001", step_seconds=0.01).kill_at(50)
    path = tmp_path / "toy_plain" / "checkpoint.pt"
    planned = torch.load(path, weights_only=True)["steps"]
    said = start(tmp_path, "toy_plain", "--resume", "--minutes", "5").finish()  # twenty times as fast now
    assert f"planned for {planned} steps (for the 0.02 minutes it was begun with), whatever --minutes says now" in said
    content = torch.load(path, weights_only=True)
    assert content["step"] == content["steps"] == planned
    finished = path.read_bytes()
    said = start(tmp_path, "toy_plain", "--resume", "--minutes", "5").finish()
    assert "all of them are taken: begin a new run for more" in said
    assert path.read_bytes() == finished  # no further validation either


def test_ctrl_c_saves_the_step_it_stands_at(tmp_path: Path) -> None:
    run = start(tmp_path, "toy_plain", "--steps", "5000", "--log-steps", "5", step_seconds=0.01)
    run.wait_for_step(10)
    assert run.process.pid is not None
    os.kill(run.process.pid, signal.SIGINT)
    assert "--resume goes on" in run.finish()
    content = torch.load(tmp_path / "toy_plain" / "checkpoint.pt", weights_only=True)
    assert 10 <= content["step"] < 5000
