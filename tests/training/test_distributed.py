"""Two processes that share a batch learn what one process learns from the whole of it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from tests.training.runs import environment, start  # noqa: E402
from training import distributed  # noqa: E402
from training.distributed import part  # noqa: E402
from training.recipe import Settings, TrainingError  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this torch has no gloo")


def two_processes(runs: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `torchrun --nproc-per-node 2 -m training` with these words."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    quiet = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [*launcher, "-m", "training", *words, "--device", "cpu", "--threads", "1"],
        cwd=ROOT, env=os.environ | environment(runs) | quiet, text=True, capture_output=True, timeout=240, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["toy_plain", "toy_pair"])
def test_two_processes_learn_the_weights_of_one(name: str, tmp_path: Path) -> None:
    words = (name, "--steps", "40", "--log-steps", "10")
    alone = start(tmp_path / "one", *words)
    together = two_processes(tmp_path / "two", *words)
    assert together.returncode == 0, together.stderr
    alone.finish()
    files = [tmp_path / run / name / "checkpoint.pt" for run in ("one", "two")]
    one, two = (torch.load(file, weights_only=True) for file in files)
    # The mean of two halves is that of the whole up to rounding (1e-7); forty steps of Adam multiply that.
    for part_of_state in ("model", "average", "critic"):
        for weight in one[part_of_state] or {}:
            torch.testing.assert_close(two[part_of_state][weight], one[part_of_state][weight], atol=2e-5, rtol=1e-4)
    assert two["machines"] == '["2 x cpu, 1 threads"]'
    assert len(two["randomness"]) == 2
    assert not torch.equal(two["randomness"][0]["torch"], two["randomness"][1]["torch"])
    assert together.stdout.count("step 10 ") == 1  # one of them speaks
    if name == "toy_plain":  # and what is written can be gone on with
        assert two_processes(tmp_path / "two", *words, "--resume").returncode == 0


@pytest.mark.parametrize("name", ["toy_holes", "toy_holes_judged"])
def test_what_is_no_number_in_one_process_is_skipped_by_both(name: str, tmp_path: Path) -> None:
    words = (name, "--steps", "30", "--log-steps", "30")
    alone = start(tmp_path / "one", *words)
    assert two_processes(tmp_path / "two", *words).returncode == 0
    alone.finish()
    files = [tmp_path / run / name / "checkpoint.pt" for run in ("one", "two")]
    one, two = (torch.load(file, weights_only=True) for file in files)
    assert one["skipped"] == two["skipped"] == 2
    for part_of_state in ("model", "average", "critic"):
        for weight in one[part_of_state] or {}:
            torch.testing.assert_close(two[part_of_state][weight], one[part_of_state][weight], atol=2e-5, rtol=1e-4)


def test_the_others_wait_for_hours_while_the_first_builds_items(monkeypatch: pytest.MonkeyPatch) -> None:
    joining: dict[str, object] = {}
    for name, value in {"WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "x"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed.dist, "init_process_group", lambda backend, **named: joining.update(named))
    monkeypatch.setattr(distributed.dist, "get_rank", lambda: 1)
    monkeypatch.setattr(distributed.dist, "destroy_process_group", lambda: None)
    with distributed.joined(Settings()) as settings:
        assert (settings.processes, settings.rank) == (2, 1)
    assert joining["timeout"] >= timedelta(hours=2)  # 20 minutes of training want 7100 items: 20 minutes on 2 cores


def test_a_batch_is_shared_out_whole_and_once() -> None:
    batch = {"x": torch.arange(12).reshape(6, 2)}
    parts = [part(batch, Settings(processes=3, rank=rank))["x"] for rank in range(3)]
    assert torch.equal(torch.cat(parts), batch["x"])
    with pytest.raises(TrainingError, match="6 items can't be shared equally by 4 processes"):
        part(batch, Settings(processes=4))


def test_what_cannot_be_shared_is_said_in_one_sentence() -> None:
    single = {"x": torch.zeros(4, 2), "level": torch.tensor(1.0)}
    with pytest.raises(TrainingError, match=r"'level' in a batch is one number .* repeat it for every item"):
        part(single, Settings(processes=2))
    uneven = {"x": torch.zeros(4, 2), "y": torch.zeros(2)}
    with pytest.raises(TrainingError, match=r"different numbers of items .*'x': 4, 'y': 2"):
        part(uneven, Settings(processes=2))
