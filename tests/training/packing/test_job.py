"""A job finds the latest state there is, and says what it does with the others."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.training.toy_recipes import toys
from training import loop
from training.packing import job as jobs
from training.packing.halves import pack_checkpoint
from training.packing.job import Job, command, environment, fix_times, leave_parts, restore
from training.packing.parts import find_parts
from training.packing.plan import Plan, read_plan
from training.recipe import Settings, TrainingError
from training.state import checkpoint


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "state" / "runs"))
    plan = Plan("toy_plain", "toy_plain", "clean", 3, 20.0, None, "", "", True, "abc")
    (tmp_path / "pack").mkdir()
    plan.write(tmp_path / "pack")
    return Job(tmp_path / "pack", plan, tmp_path / "out", tmp_path / "state", "cpu", 480.0, None)


def train_to(job: Job, steps: int) -> None:
    """Leave a checkpoint of so many steps in the state folder."""
    job.checkpoint.unlink(missing_ok=True)
    loop.run(toys.RECIPES[0], Settings(steps=steps, log_steps=2))


def test_a_plan_is_read_as_it_was_written(job: Job) -> None:
    assert read_plan(job.pack) == job.plan
    (job.pack / "pack.json").write_text("{}")
    with pytest.raises(TrainingError, match="is no pack of a training run"):
        read_plan(job.pack)


def test_without_anything_a_job_begins_at_the_beginning(job: Job) -> None:
    assert restore(job) == 0


def test_the_state_folder_wins_and_stays_exact(job: Job) -> None:
    train_to(job, 6)
    before = job.checkpoint.read_bytes()
    leave_parts(job)
    assert restore(job) == 6
    assert job.checkpoint.read_bytes() == before


def test_parts_that_are_further_on_win(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    train_to(job, 8)
    leave_parts(job)
    train_to(job, 4)
    assert restore(job) == 8
    assert checkpoint(job.checkpoint)["step"] == 8
    assert "going on from parts" in capsys.readouterr().out


def test_what_an_earlier_job_brought_back_is_found_in_the_pack(job: Job) -> None:
    train_to(job, 6)
    leave_parts(job)
    job.out.rename(job.pack / "earlier")
    job.checkpoint.unlink()
    assert restore(job) == 6


def test_damaged_parts_never_make_a_job_begin_anew_unawares(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    train_to(job, 6)
    leave_parts(job)
    (part,) = find_parts([job.out])
    part.path.write_bytes(part.path.read_bytes()[:-9] + b"123456789")
    train_to(job, 4)
    assert restore(job) == 4
    assert "isn't used" in capsys.readouterr().out
    job.checkpoint.unlink()
    with pytest.raises(TrainingError, match="is damaged"):
        restore(job)


def test_what_a_job_leaves_is_at_most_eight_files_with_the_log(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.packing import parts

    train_to(job, 6)
    content = pack_checkpoint(checkpoint(job.checkpoint), 2**20)[0]
    monkeypatch.setattr(parts, "PART_BYTES", -(-len(content) // 6))
    leave_parts(job)
    assert len(list(job.out.iterdir())) <= 8
    assert (job.out / "log.csv").read_text() == job.checkpoint.with_name("log.csv").read_text()


def test_the_training_command_is_that_of_home(job: Job) -> None:
    words = command(job, 300.0)
    assert words[:4] == [sys.executable, "-m", "training", "toy_plain"]
    told = dict(zip(words[5::2], words[6::2], strict=False))
    assert told == {"--device": "cpu", "--data": "clean", "--seed": "3", "--stop-after": "5.000",
                    "--checkpoint-minutes": "2.0", "--minutes": "20.0"}  # fmt: skip
    on_gpu = Job(job.pack, job.plan, job.out, job.state, "cuda", 480.0, None)
    assert "--bf16" in command(on_gpu, 300.0)
    assert environment(job)["SHELLAC_DATA"] == str(job.pack / "data")
    assert "SHELLAC_PRESETS" not in environment(job)


def test_a_pack_that_is_copied_anew_keeps_the_times_of_its_recordings(job: Job) -> None:
    path = job.pack / "data" / "music" / "a.flac"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"1")
    fix_times(job.pack)
    first = path.stat().st_mtime_ns
    os.utime(path, (5, 5))
    fix_times(job.pack)
    assert path.stat().st_mtime_ns == first


def test_readers_are_taken_from_the_pack_only_where_they_are_missing(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    (job.pack / "site").mkdir()
    before = list(sys.path)
    jobs.add_packed_site(job.pack)
    assert sys.path == before
    monkeypatch.setattr(jobs.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "path", list(before))
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    jobs.add_packed_site(job.pack)
    assert sys.path == [*before, str(job.pack / "site")]
    assert os.environ["PYTHONPATH"] == os.pathsep.join(["elsewhere", str(job.pack / "site")])
