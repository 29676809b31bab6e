"""The scoreboards: found by name, honest without data, and the measures pass their own controls."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.training.data.recordings_on_disk import write_manifest
from training.quality import Report, measure_rounds, scoreboards
from training.quality.__main__ import main
from training.quality.scoreboards import age, controls, restore
from training.quality.scoreboards.controls import EXPECTATIONS, Expectation


@pytest.fixture(scope="module")
def measured() -> Report:
    return measure_rounds(controls.rounds())


@pytest.mark.parametrize("expected", EXPECTATIONS, ids=lambda e: f"{e.measure}, {e.control}")
def test_every_measure_says_of_a_known_fault_what_arithmetic_says(measured: Report, expected: Expectation) -> None:
    if expected.measure.startswith("ViSQOL"):
        pytest.importorskip("visqol")
    assert controls.measured(measured, expected) == pytest.approx(expected.value, abs=max(expected.within, 1e-12))


def test_every_measure_has_a_control(measured: Report) -> None:
    assert {measure.name for measure in measured.measures} == {expected.measure for expected in EXPECTATIONS}


def test_scoreboards_are_found_by_name_and_say_what_they_are() -> None:
    assert set(scoreboards.names()) >= {"age", "controls", "restore", "upsample"}
    for name in scoreboards.names():
        assert scoreboards.find(name).SUMMARY
    with pytest.raises(ValueError, match="no scoreboard 'upsmaple': choose from age, controls"):
        scoreboards.find("upsmaple")


def test_without_development_data_nothing_is_measured_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["quality", "--out", str(tmp_path / "out")])
    assert main() == 0
    assert "nothing measured" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("scoreboard", ["restore", "age", "upsample"])
def test_a_folder_whose_recordings_are_gone_is_told_in_a_sentence(
    scoreboard: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_manifest(tmp_path / "data", "music/lost.flac,music,validation,44100,1,2,CC0,owner/name,22050,")
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("sys.argv", ["quality", scoreboard, "--out", str(tmp_path / "out")])
    assert main() == 1
    told = capsys.readouterr().err
    assert "all 1 recordings are unusable" in told.splitlines()[-1]
    assert "lost.flac is missing" in told
    assert not list((tmp_path / "out").iterdir())


def test_what_age_promises_and_nobody_measured_is_missed() -> None:
    lines = age.verdicts(Report((), (), (), (), 0, 0.0))
    assert len(lines) == len(age.SPEEDS) + 1
    assert all(line.fails and str(line).endswith("not measured") for line in lines)


@pytest.mark.parametrize("arguments", [["upsmaple"], ["--jobs", "0"]])
def test_wrong_usage_is_refused(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["quality", *arguments])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert leaving.value.code == 2


def test_controls_fail_the_command_when_a_measure_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], measured: Report
) -> None:
    monkeypatch.setattr(controls, "measure_rounds", lambda *_: measured)
    options = scoreboards.Options(tmp_path, progress=False)
    assert controls.run(options) == 0
    assert json.loads((tmp_path / "controls.json").read_text(encoding="utf-8"))["cases"] == 2
    monkeypatch.setattr(controls, "EXPECTATIONS", (Expectation("SNR", "half volume", 3.0, 0.1, "a wrong belief"),))
    assert controls.run(options) == 1
    assert "WRONG: a wrong belief" in capsys.readouterr().out


def test_age_plays_a_tone_at_the_speed_it_states() -> None:
    report = measure_rounds(age.rounds_of_tones(seconds=4.0))
    for kind in age.SPEEDS:
        heard = report.cell(kind, "wow left", "age")
        assert heard is not None
        assert heard.mean < 0.1
    steady = report.cell("wow 0.3 %", "wow left", "steady tone")
    assert steady is not None
    assert steady.mean == pytest.approx(3.7, abs=0.3)  # 0.3 % peak: 5.19 cents / sqrt 2, over a few turns


@pytest.mark.usefixtures("development_data")
def test_restore_is_measured_under_every_promised_damage_from_its_own_seed() -> None:
    rounds = restore.rounds(quick=True)
    kinds = {case.kind for turn in rounds for case in turn.cases}
    assert kinds >= {"white 10 dB", "coloured 20 dB", "with crackle 10 dB", "clean", "clicks medium", "percussion"}
    case = next(case for turn in rounds for case in turn.cases if case.kind == "clicks strong")
    first, again = case.material(), case.material()
    np.testing.assert_array_equal(first.given, again.given)
    before = 10 * np.log10(np.sum(first.target**2.0) / np.sum((first.given - first.target) ** 2.0))
    assert before == pytest.approx(15.5, abs=0.01)  # the specification's 15.5 dB
    changed = np.flatnonzero(first.given != first.target)
    covered = np.concatenate([np.arange(start, stop) for start, stop in first.facts["clicks"]])
    assert set(changed) <= set(covered)
