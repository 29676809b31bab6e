"""The quality run judges what it measured: a missed floor is said and fails the command."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training import validation
from training.data import Samples
from training.quality import Case, Figure, Material, Miss, Report, Round, blind, named, scoreboards, untouched
from training.quality.scoreboards import restore
from training.quality.scoreboards.restore_table import AHEAD, card_figures, print_summary, rows, verdicts
from training.validation import Clip

LEVELS_DB = (5, 10, 20, 30)


def figure(mean: float, worst: float | None = None) -> dict[str, Any]:
    return {"mean": mean, "worst": mean if worst is None else worst, "worst clip": "folder/clip.flac", "count": 1}


@pytest.mark.parametrize(
    ("name", "row", "met"),
    [
        ("white 5 dB", {AHEAD: {"mean": 2.5, "count": 1}}, True),
        ("white 5 dB", {AHEAD: {"mean": 2.4, "count": 1}}, False),
        ("coloured 20 dB", {AHEAD: {"mean": 3.9, "count": 1}}, False),
        ("clean", {"snr denoise": figure(90.0, 59.9)}, False),
        ("clean", {"snr denoise": figure(90.0, 60.0)}, True),
        ("clicks medium", {"gain declick": figure(7.9)}, False),
        ("clicks strong", {"gain declick": figure(12.0)}, True),
        ("percussion", {"snr declick": figure(60.0, 39.0)}, False),
    ],
)
def test_a_floor_is_met_or_missed(name: str, row: dict[str, Any], met: bool) -> None:
    (line,) = (line for line in verdicts({name: row}, LEVELS_DB) if line.value is not None)
    assert str(line).startswith("met" if met else "MISSED")
    assert "floor" in str(line)
    assert line.fails is not met


def test_a_target_falls_short_without_failing_the_run() -> None:
    table = {"white 30 dB": {"gain neural": figure(5.0, -17.0)}}
    (line,) = (line for line in verdicts(table, LEVELS_DB) if line.value is not None)
    assert str(line).startswith("short")
    assert "target" in str(line)
    assert not line.fails


def test_what_was_promised_and_not_measured_is_missed() -> None:
    lines = verdicts({"white 5 dB": {"count": 0}}, LEVELS_DB)
    assert len(lines) == 12  # white and coloured hiss at four levels, clean input, two kinds of clicks, percussion
    assert all(line.fails for line in lines)
    assert str(lines[0]) == "MISSED white 5 dB: neural ahead of Wiener: not measured"


def report_of(value: float, silent: Collection[str] = ()) -> Report:
    """Every contender has the same figure on one clip; those who are `silent` failed."""
    contenders = (untouched("noisy"), *(blind(name, "ours", lambda s, r: s) for name in NAMES))
    figures = tuple(
        Figure("white 5 dB", "a.flac", contender.name, measure.name, value)
        for contender in contenders
        for measure in named("SNR gain", "LSD")
        if contender.name not in silent
    )
    misses = tuple(Miss("white 5 dB", "a.flac", name, "", "RuntimeError: no", True) for name in silent)
    return Report(figures, misses, contenders, named("SNR gain", "LSD"), 1, 0.0)


NAMES = ("neural", "neural, floor -18 dB", "wiener", "classical", "oracle mask")


def test_cards_and_readme_find_their_figures_under_the_names_they_know() -> None:
    table = rows(report_of(7.126))
    assert table["white 5 dB"]["gain neural"] == {"mean": 7.13, "worst": 7.13, "worst clip": "a.flac", "count": 1}
    assert "lsd noisy" in table["white 5 dB"]
    assert "gain noisy" not in table["white 5 dB"]  # 0 by definition
    assert card_figures(table)["white 5 dB"] == {
        "gain_db": 7.13, "gain_db_worst": 7.13, "gain_db_floor_18": 7.13, "wiener_db": 7.13, "classical_db": 7.13,
        "oracle_db": 7.13, "lsd_db": 7.13, "clips": 1,
    }  # fmt: skip


def test_the_summary_prints_a_line_per_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(rows(report_of(7.126)))
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.split()[:4] == ["white", "5", "dB", "7.13"]


@pytest.mark.parametrize("silent", NAMES)
def test_one_contender_that_fails_leaves_a_gap_and_no_card(silent: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = rows(report_of(7.126, [silent]))
    print_summary(table)
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("white 5 dB")
    assert " - " in line
    assert line.endswith(" 0-1")
    assert not card_figures(table)


def test_a_row_nobody_could_answer_stands_in_the_table_as_empty(capsys: pytest.CaptureFixture[str]) -> None:
    table = rows(report_of(7.126, ["noisy", *NAMES]))
    assert table == {"white 5 dB": {"count": 0}}
    print_summary(table)
    assert capsys.readouterr().out.splitlines()[-1].split()[3:] == ["-"] * 12 + ["0"]


def test_ahead_of_wiener_counts_the_clips_that_both_answered() -> None:
    values = {("a", "neural"): 10.0, ("a", "wiener"): 6.0, ("b", "neural"): 30.0, ("c", "wiener"): -30.0}
    figures = tuple(Figure("white 5 dB", clip, name, "SNR gain", value) for (clip, name), value in values.items())
    contenders = tuple(blind(name, "ours", lambda s, r: s) for name in ("neural", "wiener"))
    row = rows(Report(figures, (), contenders, named("SNR gain"), 3, 0.0))["white 5 dB"]
    assert row[AHEAD] == {"mean": 4.0, "count": 1}
    assert row["gain neural"]["count"] == 2


RATE = 44_100


def hissy(clip: Clip, seed: int) -> Material:
    hiss = 0.01 * np.random.default_rng(seed).standard_normal(len(clip.samples))
    return Material((clip.samples + hiss).astype(np.float32), clip.samples, clip.rate)


def halved(samples: Samples, rate: int) -> Samples:
    return samples * np.float32(0.5)


def broken(samples: Samples, rate: int) -> Samples:
    raise RuntimeError("no such filter")


def half_broken(samples: Samples, rate: int) -> Samples:
    """Fail on the quieter clip only."""
    return samples if np.abs(samples).max() > 0.2 else broken(samples, rate)


@pytest.mark.parametrize("neural", [broken, half_broken])
def test_a_run_in_which_one_contender_fails_keeps_the_figures_of_the_others(
    neural: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    tone = np.sin(2 * np.pi * 440.0 * np.arange(RATE) / RATE).astype(np.float32)
    clips = [Clip(f"clip {level}.flac", "music", RATE, tone * np.float32(level)) for level in (0.1, 0.4)]
    field = [untouched("noisy"), blind("wiener", "peer", halved), blind("neural", "ours", neural)]
    everything = [Round([Case("coloured 10 dB", clip, hissy) for clip in clips], field, named("SNR gain", "LSD"))]
    monkeypatch.setattr(restore, "rounds", lambda *_: everything)
    monkeypatch.setattr(restore, "measured_networks", dict)
    monkeypatch.setattr(restore, "remarks", list)
    monkeypatch.setattr(validation, "left_out", lambda: {"lost.flac": "lost.flac is missing"})
    assert restore.run(scoreboards.Options(tmp_path, progress=False)) == 1
    read = json.loads((tmp_path / "quality.json").read_text(encoding="utf-8"))
    assert read["rows"]["coloured 10 dB"]["gain wiener"]["count"] == 2
    assert read["failures"] == (2 if neural is broken else 1)
    assert read["left_out"] == {"lost.flac": "lost.flac is missing"}
    out = capsys.readouterr().out
    assert "FAILED: coloured 10 dB, clip 0.1.flac, neural: RuntimeError: no such filter" in out
    assert "1 recordings of validation are left out:\n  lost.flac" in out
    assert ("MISSED coloured 10 dB: neural ahead of Wiener: not measured" in out) is (neural is broken)
    assert (tmp_path / "example.png").exists() is (neural is half_broken)
