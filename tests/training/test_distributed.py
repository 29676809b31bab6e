"""Two processes that share a batch learn what one process learns from the whole of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from tests.training.runs import environment, start  # noqa: E402
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


def test_a_batch_is_shared_out_whole_and_once() -> None:
    batch = {"x": torch.arange(12).reshape(6, 2)}
    parts = [part(batch, Settings(processes=3, rank=rank))["x"] for rank in range(3)]
    assert torch.equal(torch.cat(parts), batch["x"])
    with pytest.raises(TrainingError, match="6 items can't be shared equally by 4 processes"):
        part(batch, Settings(processes=4))
