"""Runs in a pack on the other machine: trains for a few minutes, leaves what came of it in parts, goes on next time.

    sh run.sh [--job-minutes 8] [--out FOLDER] [--state FOLDER] [--device cuda|cpu]

Training itself runs in a process of its own, exactly as at home; this one watches over the clock and turns every
checkpoint into parts, so that a job that is killed has lost two minutes at most.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from training.packing.plan import DATA, EARLIER, OWN, PRESETS, RECIPES, SITE, Plan, read_plan

CHECKPOINT_MINUTES: Final = 2.0
LOG: Final = "log.csv"
_LOOK_SECONDS: Final = 1.0  # between two looks at the checkpoint
_LEAVE_SECONDS: Final = 30.0  # before the end of a job, for the last checkpoint and its parts
_GRACE_SECONDS: Final = 40.0  # for a process that was asked to stop
_FIXED_TIME: Final = 1_000_000_000  # of all recordings: a copy has other times, and is still the same recording


@dataclass(frozen=True)
class Job:
    """Where this job finds and leaves things."""

    pack: Path
    plan: Plan
    out: Path
    state: Path  # what survives between two jobs, if the machine lets it
    device: str
    seconds: float  # the job may take
    threads: int | None

    @property
    def checkpoint(self) -> Path:
        """The run's own checkpoint."""
        return self.state / "runs" / self.plan.run / "checkpoint.pt"

    @property
    def own(self) -> Path | None:
        """The person's own folder as packed."""
        return self.pack / OWN / self.plan.folder if self.plan.folder else None


def add_packed_site(pack: Path) -> None:
    """Bring in the packages that are missing here, for this process and those it starts."""
    site = pack / SITE
    if site.is_dir() and importlib.util.find_spec("soundfile") is None:
        sys.path.append(str(site))
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH", ""), str(site)]))
        importlib.invalidate_caches()


def job_of(arguments: argparse.Namespace) -> Job:
    """Put together where things lie."""
    import torch

    pack: Path = arguments.pack.resolve()
    plan = read_plan(pack)
    out = arguments.out or Path(os.environ.get("OUT") or pack / "out")
    state = arguments.state or Path(os.environ.get("TMPDIR", "/tmp")) / f"shellac-{plan.recipe}-{plan.id}"
    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    return Job(pack, plan, out.resolve(), state.resolve(), device, 60.0 * arguments.job_minutes, arguments.threads)


def environment(job: Job) -> dict[str, str]:
    """What the training process finds in its environment."""
    values = {"SHELLAC_DATA": str(job.pack / DATA), "SHELLAC_RUNS": str(job.state / "runs")}
    if (job.pack / PRESETS).is_dir():
        values["SHELLAC_PRESETS"] = str(job.pack / PRESETS)
    if (job.pack / RECIPES).is_dir():
        values["SHELLAC_RECIPES"] = str(job.pack / RECIPES)
    return values


def command(job: Job, seconds: float) -> list[str]:
    """The training command of this job."""
    plan = job.plan
    words = [sys.executable, "-m", "training", plan.recipe, "--resume", "--device", job.device, "--data", plan.licences,
             "--seed", str(plan.seed), "--stop-after", f"{seconds / 60.0:.3f}",
             "--checkpoint-minutes", str(CHECKPOINT_MINUTES)]  # fmt: skip
    words += ["--steps", str(plan.steps)] if plan.steps else ["--minutes", str(plan.minutes)]
    words += ["--threads", str(job.threads)] if job.threads else []
    words += ["--folder", str(job.own)] if job.own else []
    words += ["--bf16"] if job.device.startswith("cuda") and plan.bf16 else []
    return words


def fix_times(pack: Path) -> None:
    """Give all recordings one time: what was made from them is then found again after the pack was copied anew."""
    for folder in (DATA, OWN, PRESETS):
        for path in (pack / folder).rglob("*.*"):
            try:
                os.utime(path, (_FIXED_TIME, _FIXED_TIME))
            except OSError:
                return  # a pack that can't be written to keeps the times it has


def restore(job: Job) -> int:
    """Go back to the latest state there is; the step it stands at, 0 for none.

    The state folder is exact and wins; parts count where they are further on.

    Raises
    ------
    TrainingError
        If there are parts, and nothing that can be gone on from: nobody wants to begin anew unawares.
    """
    from training.packing.parts import find_parts, join
    from training.recipe import TrainingError
    from training.state import checkpoint

    step, refused = -1, None
    if job.checkpoint.exists():
        step = int(checkpoint(job.checkpoint)["step"])
        print(f"state folder {job.state}: step {step}")
    for place in (job.out, job.pack / EARLIER):
        try:
            parts = [part for part in find_parts([place] if place.is_dir() else []) if part.header.run == job.plan.run]
            if not parts or max(part.header.step for part in parts) <= step:
                continue
            header, payload = join(parts)
        except TrainingError as error:
            print(f"what lies in {place} isn't used: {error}")
            refused = error
            continue
        step = header.step
        write_state(job, payload)
        print(f"going on from parts in {place}: step {step} ({header.level})")
    if refused is not None and step < 0:
        raise refused
    return max(step, 0)


def write_state(job: Job, payload: bytes) -> None:
    """Make parts the run's checkpoint again."""
    import io

    import torch

    from training.loop import folder_facts
    from training.packing.halves import unpack_checkpoint
    from training.writing import write_whole

    content = unpack_checkpoint(payload)
    content["folder"] = folder_facts(job.own, job.plan.licences)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    job.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    write_whole(job.checkpoint, buffer.getbuffer(), "make room in the state folder")


def leave_parts(job: Job) -> int:
    """Turn the checkpoint as it is now into parts in the out folder, with the log; its step."""
    from training.packing.halves import pack_checkpoint
    from training.packing.parts import MOST_PARTS, PART_BYTES, write_parts
    from training.state import checkpoint

    content = checkpoint(job.checkpoint)
    content["folder"] = job.plan.folder_facts
    payload, level = pack_checkpoint(content, MOST_PARTS * PART_BYTES)
    step = int(content["step"])
    facts: dict[str, str | int] = {
        "run": job.plan.run, "recipe": job.plan.recipe, "pack": job.plan.id, "step": step, "level": level.name,
    }  # fmt: skip
    paths = write_parts(job.out, payload, facts)
    log = job.checkpoint.with_name(LOG)
    if log.exists():
        shutil.copyfile(log, job.out / LOG)
    planned = content["steps"] or "a number yet to be measured"
    print(f"kept step {step} of {planned} in {len(paths)} parts, {len(payload) / 2**20:.1f} MiB: {level.meaning}")
    return step


def train(job: Job, began: float) -> int:
    """Let training run until the job's time is up or someone ends it, keeping what it saves; its exit status."""
    ends = began + job.seconds - min(_LEAVE_SECONDS, 0.2 * job.seconds)
    kept = _stamp(job.checkpoint)
    process = subprocess.Popen(command(job, max(1.0, ends - time.monotonic())), start_new_session=True)
    asked = None
    is_ended = _told_to_end()
    try:
        while process.poll() is None:
            time.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            stamp = _stamp(job.checkpoint)
            if stamp != kept:
                kept = stamp
                leave_parts(job)
            if asked is None and (now >= ends or is_ended()):
                process.terminate()  # it ends its step and saves
                asked = now
            if asked is not None and now >= asked + _GRACE_SECONDS:
                os.killpg(process.pid, signal.SIGKILL)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if _stamp(job.checkpoint) != kept:
        leave_parts(job)
    return 0 if asked is not None and process.returncode == -signal.SIGTERM else process.returncode


def _told_to_end() -> Callable[[], bool]:
    """Let Ctrl-C and a polite kill end the job as its clock does; what is returned says whether one came."""
    came: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: came.append(number))
    return lambda: bool(came)


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def run(job: Job) -> int:
    """One job from beginning to end.

    Raises
    ------
    TrainingError
        If the pack is damaged, or what an earlier job left can't be used.
    """
    from training.data.resampling import has_soxr
    from training.packing.hashes import check_hashes

    began = time.monotonic()
    check_hashes(job.pack)
    has_soxr()  # says what resamples here; the processes that make examples stay silent
    fix_times(job.pack)
    job.out.mkdir(parents=True, exist_ok=True)
    for path in job.out.glob("*.tmp"):  # of a job that was killed while it wrote
        path.unlink()
    os.environ.update(environment(job))
    step = restore(job)
    print(f"{job.plan.run} on {job.device}, from step {step}, for {job.seconds / 60.0:g} minutes", flush=True)
    status = train(job, began)
    if status:
        print("training stopped with an error; what was kept before stays")
    elif job.checkpoint.exists():
        tell_what_is_left(job)
    else:
        print("no step was taken yet: the examples that were made are kept in the state folder; run this again")
    return status


def tell_what_is_left(job: Job) -> None:
    """Say whether another job is wanted."""
    from training.state import checkpoint

    content = checkpoint(job.checkpoint)
    if content["steps"] is not None and content["step"] >= content["steps"]:
        print(f"the run is complete. At home: python -m training unpack FOLDER, with what lies in {job.out}")
    else:
        print("steps are left: run this again to go on")


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="run.sh", description="Train for a few minutes in this pack.")
    parser.add_argument("pack", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--job-minutes", type=float, default=8.0, help="this job may take (8)")
    parser.add_argument("--out", type=Path, help="where parts and log go ($OUT, else out/ in the pack)")
    parser.add_argument("--state", type=Path, help="what survives between jobs (/tmp/shellac-...)")
    parser.add_argument("--device", help="cuda or cpu (cuda if there is one)")
    parser.add_argument("--threads", type=int, help="of training (all cores)")
    arguments = parser.parse_args(words)
    add_packed_site(arguments.pack.resolve())
    from training.recipe import TrainingError

    try:
        return run(job_of(arguments))
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
