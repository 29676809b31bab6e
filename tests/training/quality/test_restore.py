"""The quality run judges what it measured: a missed floor is said and fails the command."""

from __future__ import annotations

from typing import Any

import pytest

from training.quality import Figure, Report, blind, named, untouched
from training.quality.scoreboards.restore_table import card_figures, print_summary, rows, verdicts


def figure(mean: float, worst: float | None = None) -> dict[str, Any]:
    return {"mean": mean, "worst": mean if worst is None else worst, "worst clip": "folder/clip.flac"}


@pytest.mark.parametrize(
    ("name", "row", "met"),
    [
        ("white 5 dB", {"gain neural": figure(10.0), "gain wiener": figure(7.5)}, True),
        ("white 5 dB", {"gain neural": figure(10.0), "gain wiener": figure(7.6)}, False),
        ("coloured 20 dB", {"gain neural": figure(7.0), "gain wiener": figure(3.1)}, False),
        ("clean", {"snr denoise": figure(90.0, 59.9)}, False),
        ("clean", {"snr denoise": figure(90.0, 60.0)}, True),
        ("clicks medium", {"gain declick": figure(7.9)}, False),
        ("clicks strong", {"gain declick": figure(12.0)}, True),
        ("percussion", {"snr declick": figure(60.0, 39.0)}, False),
    ],
)
def test_a_floor_is_met_or_missed(name: str, row: dict[str, Any], met: bool) -> None:
    (line,) = verdicts({name: row})
    assert line.startswith("met" if met else "MISSED")
    assert "floor" in line


def test_a_target_falls_short_without_failing_the_run() -> None:
    (line,) = verdicts({"white 30 dB": {"gain neural": figure(5.0, -17.0), "gain wiener": figure(-7.0)}})
    assert line.startswith("short")
    assert "target" in line


def report_of(value: float) -> Report:
    contenders = (untouched("noisy"), *(blind(name, "ours", lambda s, r: s) for name in NAMES))
    figures = tuple(
        Figure("white 5 dB", "a.flac", contender.name, measure.name, value)
        for contender in contenders
        for measure in named("SNR gain", "LSD")
    )
    return Report(figures, (), contenders, named("SNR gain", "LSD"), 1, 0.0)


NAMES = ("neural", "neural, floor -18 dB", "wiener", "classical", "oracle mask")


def test_cards_and_readme_find_their_figures_under_the_names_they_know() -> None:
    table = rows(report_of(7.126))
    assert table["white 5 dB"]["gain neural"] == {"mean": 7.13, "worst": 7.13, "worst clip": "a.flac"}
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
