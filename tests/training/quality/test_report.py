"""What a reader sees: roles side by side, worst cases by name, definitions, verdicts, pictures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from training.quality import (
    Case,
    Figure,
    Material,
    Miss,
    Report,
    Round,
    Verdict,
    blind,
    bound,
    measure_rounds,
    named,
    printed,
)
from training.quality import untouched as doing_nothing
from training.quality.pictures import draw_bars, draw_strips
from training.quality.report import write_json
from training.quality.table import summarised
from training.validation import Clip

RATE = 8_000


def halved(samples: np.ndarray, rate: int) -> np.ndarray:
    return samples * np.float32(0.5)


def truth(given: np.ndarray, target: np.ndarray, rate: int) -> np.ndarray:
    return target


def damage(clip: Clip, seed: int) -> Material:
    hiss = np.random.default_rng(seed).standard_normal(len(clip.samples)) * 0.01 * (seed + 1)
    return Material((clip.samples + hiss).astype(np.float32), clip.samples, clip.rate)


@pytest.fixture(scope="module")
def round_() -> Round:
    tone = (0.3 * np.sin(2 * np.pi * 440.0 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    clips = [Clip(f"folder/clip {n}.flac", "music", RATE, tone * np.float32(n != 3)) for n in range(4)]
    field = [
        bound("oracle", truth), blind("mine", "ours", halved), blind("theirs", "peer", halved), doing_nothing("noisy"),
    ]  # fmt: skip
    return Round([Case("hiss", c, damage, n) for n, c in enumerate(clips)], field, named("SNR", "loudness deviation"))


@pytest.fixture(scope="module")
def report(round_: Round) -> Report:
    return measure_rounds([round_])


def test_roles_stand_from_floor_to_ceiling_whatever_the_order_they_were_given_in(report: Report) -> None:
    lines = printed(report).splitlines()
    assert lines[0] == "SNR (dB, higher is better)"
    assert "10 log10(sum y^2" in lines[1]  # what it is stands over the numbers
    lines = lines[1:]
    assert [part.strip() for part in lines[1].split("|")[1:]] == ["floor", "peers", "ours", "ceiling"]
    assert lines[2].split()[:4] == ["noisy", "theirs", "mine", "oracle"]
    # Each name ends in the column in which its figure ends.
    names = [found.end() for found in re.finditer(r"\S+", lines[2])][:4]
    assert names == [found.end() for found in re.finditer(r"-?\d+\.\d\d", lines[3])][:4]
    assert "(clip 2.flac)" in lines[3]  # of the three that sound, the one with most hiss


def test_what_was_left_out_is_said_with_its_number_and_reason(report: Report) -> None:
    text = printed(report)
    assert "left out: SNR, 4 times: the target is silent" in text
    assert "loudness deviation (LU, nearer to 0 is better)\nIntegrated loudness" in text
    assert not report.failures


def test_worst_follows_the_direction_of_the_measure() -> None:
    entries = [("a", -3.0), ("b", 1.0), ("c", 2.0)]
    higher, lower, zero = named("SNR", "LSD", "loudness deviation")
    assert [summarised(entries, m).worst_clip for m in (higher, lower, zero)] == ["a", "c", "a"]
    middle = summarised(entries, higher)
    assert (middle.mean, middle.median_clip, middle.count) == (0.0, "b", 3)


def test_the_report_is_json_that_holds_every_figure_and_definition(report: Report, tmp_path: Path) -> None:
    write_json(report.as_json(), tmp_path / "report.json")
    read = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert read["contenders"] == {"noisy": "floor", "theirs": "peer", "mine": "ours", "oracle": "ceiling"}
    assert len(read["figures"]) == len(report.figures) == 12 + 12  # three sounding clips, four contenders, two measures
    assert read["measures"]["SNR"]["better"] == "higher"
    assert read["cells"]["hiss"]["SNR"]["oracle"]["worst"] == pytest.approx(200.0)
    assert {miss["reason"] for miss in read["misses"]} >= {"the target is silent"}
    assert read["failures"] == 0


def test_a_report_that_cant_be_written_leaves_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_json({"figure": 1.0}, path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"figure": float("nan")}, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {"figure": 1.0}


def test_failures_are_printed_one_by_one(report: Report) -> None:
    failed = Miss("hiss", "x.flac", "mine", "", "RuntimeError: no", True)
    incomplete = Report(report.figures, (failed,), report.contenders, report.measures, 5, 1.0)
    text = printed(incomplete)
    assert incomplete.as_json()["failures"] == 1  # what makes a report unfit for a card
    assert "FAILED: hiss, x.flac, mine: RuntimeError: no" in text


def test_verdicts_say_floor_or_target_and_which_way() -> None:
    assert str(Verdict("gain", 3.0, 2.5)) == "met    gain: 3.00 dB, floor 2.5 dB"
    assert str(Verdict("gain", 2.0, 2.5)).startswith("MISSED gain")
    assert str(Verdict("gain", 2.0, 2.5, kind="target")).startswith("short ")
    assert Verdict("wow", 1.0, 1.9, "cents", better="lower").is_met
    assert not Verdict("wow", 2.0, 1.9, "cents", better="lower").is_met


def test_worst_and_median_case_are_drawn(round_: Round, report: Report, tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image")
    assert draw_strips([round_], report, "hiss", "SNR", "noisy", tmp_path / "strips.png")
    pixels = image.imread(tmp_path / "strips.png")
    # Two rows of given, theirs, mine, target: 4 panels of 4.2 x 8 inches at 70 dots.
    assert pixels.shape[:2] == (560, 1176)
    assert np.ptp(pixels[..., :3]) > 0.9
    assert not draw_strips([round_], report, "clicks", "SNR", "noisy", tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_bars_are_drawn_also_where_a_figure_is_missing(report: Report, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_bars(report, "SNR", ["hiss", "clicks"], ["noisy", "mine"], tmp_path / "bars.png")
    assert (tmp_path / "bars.png").stat().st_size > 5_000


def test_a_figure_knows_where_it_comes_from(report: Report) -> None:
    assert report.figures[0] == Figure("hiss", "folder/clip 0.flac", "oracle", "SNR", pytest.approx(200.0))
