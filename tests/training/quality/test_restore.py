"""The quality run judges what it measured: a missed floor is said and fails the command."""

from __future__ import annotations

from typing import Any

import pytest

from training.quality.scoreboards.restore_table import verdicts


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
