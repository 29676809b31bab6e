"""`shellac demo`: restores the recording that comes with Shellac and says how close it came to the clean original."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from engine.cli import say
from engine.cli.progress import interruptibly, shown
from engine.cli.targets import check_target
from engine.errors import OutputError
from engine.session.recipe import Recipe, Step
from engine.tools.tool import Job

RESULT, PICTURE = "restored.wav", "before-after.png"
PAGE, REPORT = "demo-report.html", "demo-report.json"


def demo_command(arguments: argparse.Namespace) -> int:
    """Process the demo recording into a folder and print a short table."""
    with shown("Demo", arguments.quiet) as job:
        report = interruptibly(job, lambda: demo(arguments.out, arguments.force, arguments, job))
    if arguments.json:
        say.out_json(report)
        return 0
    say.out(f"{report['source']['name']} restored into {arguments.out}/")
    say.out(say.table(_rows(report)))
    say.out(f"  {RESULT}, {PICTURE}, {PAGE}, {REPORT}")
    return 0


def demo(folder: Path, force: bool, arguments: argparse.Namespace, job: Job) -> dict[str, Any]:
    """Write result, picture and report into `folder`; return the report, with figures against the truth.

    Raises
    ------
    OutputExistsError
        If the folder holds an earlier demo and `force` is off.
    """
    from engine.audio.files import WriteOptions, open_signal
    from engine.cli.process import process, settings_of, write_report
    from engine.demo import paths
    from engine.session.picture import before_after

    _prepare(folder, force)
    files, settings = paths(), settings_of(arguments)
    recipe = Recipe((Step("restore", id="restore-1"),))
    options = WriteOptions(force=force)
    done = process(files.aged, recipe, folder / RESULT, options, settings, job.part(0.0, 0.8), wants_report=True)
    report: dict[str, Any] = dict(done.report or {})
    with (
        closing(open_signal(files.clean, settings)) as clean,
        closing(open_signal(files.aged, settings)) as aged,
        closing(open_signal(done.result, settings)) as restored,
    ):
        report["against_the_clean_original"] = {"before": _against(clean, aged), "after": _against(clean, restored)}
        png = before_after(aged, restored, folder / PICTURE, "The demo recording, before and after Restore",
                           job=job.part(0.85, 1.0))  # fmt: skip
    write_report(report, folder / REPORT, True)
    write_report(report, folder / PAGE, True, png)
    return report


def _prepare(folder: Path, force: bool) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {folder} can't be made ({error.strerror})", "choose another with --out"
        ) from error
    for name in (RESULT, PICTURE, PAGE, REPORT):
        check_target(folder / name, force)


def _against(clean: Any, other: Any) -> dict[str, float]:
    from engine.measure import compare

    figures = compare(clean, other)
    return {name: round(float(figures[name]), 3) for name in ("snr_db", "si_sdr_db", "log_spectral_distance_db")}


def _rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    before, after = (report["measured"][side] for side in ("before", "after"))
    truth = report["against_the_clean_original"]
    rows: list[tuple[str, ...]] = [("", "before", "after")]
    for name, label in (("noise_floor_db", "noise floor, dB"), ("clicks_per_s", "clicks per second"),
                        ("bandwidth_hz", "bandwidth, Hz"), ("loudness_lufs", "loudness, LUFS")):  # fmt: skip
        rows.append((label, *("–" if m[name] is None else f"{m[name]:.1f}" for m in (before, after))))
    for name, label in (("snr_db", "SNR against the clean original, dB"),
                        ("log_spectral_distance_db", "log-spectral distance, dB")):  # fmt: skip
        rows.append((label, *(f"{truth[side][name]:.2f}" for side in ("before", "after"))))
    return rows
