"""The benchmark's own arithmetic: verdicts, the table, and rows that are cheap enough to run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from bench.__main__ import table
from bench.material import RATE, recording
from bench.rows import Conditions, Figure, Row, all_rows

ROOT = Path(__file__).parent.parent.parent
ABOUT = {"processor": "some processor", "cores": 2, "python": "3.11", "load": 0.0}


def nothing(_conditions: Conditions) -> Figure:
    return Figure(0.0)


def test_a_verdict_says_which_limit_was_reached() -> None:
    less = Row("a", "a", 1.0, 2.0, "s", nothing)
    assert [less.verdict(value) for value in (0.5, 1.0, 1.5, 2.5)] == ["target", "target", "floor", "below"]
    more = Row("b", "b", 15.0, 10.0, "×", nothing, "more")
    assert [more.verdict(value) for value in (20.0, 12.0, 5.0)] == ["target", "floor", "below"]


def test_every_figure_the_issue_asks_for_has_a_row() -> None:
    names = {row.name for row in all_rows()}
    assert names >= {
        "first-paint", "open", "peaks", "zoom-waveform", "zoom-split", "first-tiles",
        "restore-stereo", "restore-mono", "first-sound", "cancel", "memory", "undo", "long-play",
        "upsample-mono", "upsample-stereo", "upsample-film", "upsample-hour",
    }  # fmt: skip
    assert len(names) == len(all_rows())


def test_the_table_names_target_floor_and_what_was_missed() -> None:
    result = {
        "name": "a", "what": "window painted", "target": 1.5, "floor": 3.0, "unit": "s", "better": "less",
        "value": 3.456, "note": "seven starts", "rss_mb": 120, "verdict": "below",
    }  # fmt: skip
    text = table([result, {**result, "error": "exit status 1"}], {**ABOUT, "load": 4.0}, is_quick=True)
    assert "≤ 1.5 s" in text
    assert "3.46 s" in text
    assert "MISSED" in text
    assert "seven starts" in text
    assert "not measured: exit status 1" in text
    assert "quick: not for the record" in text
    assert "busy" in text


@pytest.mark.parametrize("channels", [1, 2])
def test_the_material_has_the_length_asked_for(channels: int) -> None:
    info = soundfile.info(recording(30.0, channels))  # longer than the demo it repeats
    assert (info.frames, info.channels, info.samplerate) == (30 * RATE, channels, RATE)
    info = soundfile.info(recording(30.0, channels, rate=24_000))
    assert (info.frames, info.channels, info.samplerate) == (30 * 24_000, channels, 24_000)


def test_a_row_runs_in_a_process_of_its_own_and_prints_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "toggle", "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (row,) = json.loads(done.stdout)["rows"]
    assert row["verdict"] == "target"
    assert 0 < row["value"] <= 1.2e-7
    assert row["rss_mb"] > 20


def test_an_unknown_row_is_a_wrong_usage() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "nonsense"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "nonsense" in done.stderr
