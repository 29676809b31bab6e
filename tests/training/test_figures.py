"""Figures come onto a card only if they were measured with the weights that it describes."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from engine.tools.upsample import UPSAMPLE
from training import figures
from training.quality import MEASURES
from training.quality.scoreboards import upsample_cards
from training.quality.scoreboards.upsample_cards import measured_by
from training.rooms import weights_sha256

OURS = {"denoiser": "aa", "noise_profile": "bb"}


ROWS = {"white 5 dB": 21, "clean": 121}


def report(path: Path, networks: dict[str, str], quick: bool = False, **other: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    card = {name: {"gain_db": 9.0, "clips": clips} for name, clips in figures.RESTORE_ROWS.items()}
    content = {"networks": networks, "quick": quick, "failures": 0, "left_out": {}, "remarks": ["a"], "card": card}
    path.write_text(json.dumps(content | other))
    return path


def test_figures_of_other_weights_and_of_a_quick_run_stay_off_the_card(tmp_path: Path) -> None:
    path = report(tmp_path / "quality.json", OURS)
    taken = figures.reported(path, OURS, "measure", ROWS)
    assert taken["white 5 dB"] == {"gain_db": 9.0, "clips": 21}
    assert taken["remarks"] == ["a"]
    for other in ({"denoiser": "cc", "noise_profile": "bb"}, {"denoiser": "aa", "noise_profile": "cc"}):
        with pytest.raises(figures.ForeignReportError, match="other weights"):
            figures.reported(path, other, "measure", ROWS)
    with pytest.raises(figures.ForeignReportError, match="quick"):
        figures.reported(report(path, OURS, quick=True), OURS, "measure", ROWS)
    path.write_text(json.dumps({"card": {}}))  # as reports were before they named the networks
    with pytest.raises(figures.ForeignReportError, match="other weights"):
        figures.reported(path, OURS, "measure", ROWS)
    with pytest.raises(figures.ForeignReportError, match="run measure"):
        figures.reported(tmp_path / "none.json", OURS, "measure", ROWS)
    path.write_text("{")
    with pytest.raises(figures.ForeignReportError, match="can't be read"):
        figures.reported(path, OURS, "measure", ROWS)


@pytest.mark.parametrize(
    ("gap", "told"),
    [
        ({"failures": 3}, "3 measurements of the report failed"),
        ({"left_out": {"music/a.flac": "missing"}}, "1 recordings were left out"),
        ({"card": {"white 5 dB": {"clips": 21}}}, "clean in the report stands on 0 clips instead of 121"),
        ({"card": {"white 5 dB": {"clips": 20}, "clean": {"clips": 121}}}, "white 5 dB .* 20 clips instead of 21"),
    ],
)
def test_an_incomplete_report_stays_off_the_card(gap: dict[str, Any], told: str, tmp_path: Path) -> None:
    path = report(tmp_path / "quality.json", OURS, **gap)
    with pytest.raises(figures.ForeignReportError, match=told):
        figures.reported(path, OURS, "measure", ROWS)


def test_a_report_that_doesnt_say_what_failed_stays_off_the_card(tmp_path: Path) -> None:
    path = tmp_path / "quality.json"
    path.write_text(json.dumps({"networks": OURS, "quick": False, "card": {"clean": {"clips": 121}}}))
    with pytest.raises(figures.ForeignReportError, match="older form"):
        figures.reported(path, OURS, "measure", {"clean": 121})


@pytest.mark.usefixtures("development_data")
def test_a_card_asks_for_every_clip_that_a_whole_run_measures() -> None:
    from training.quality.scoreboards import restore

    rounds = restore.rounds()
    measured = Counter(case.kind for turn in rounds for case in turn.cases)
    assert {name: measured[name] for name in figures.RESTORE_ROWS} == figures.RESTORE_ROWS
    hissy = {kind for kind in measured if kind.endswith("dB") and kind.split()[0] in ("white", "coloured", "with")}
    assert hissy | {"clean"} == set(figures.RESTORE_ROWS)


def test_without_a_fitting_report_a_card_keeps_figures_of_the_same_weights_only(tmp_path: Path) -> None:
    fitting, none = {"networks": OURS, "clean": {"clips": 1}}, tmp_path / "none.json"
    assert figures.reported_or_kept(fitting, none, OURS, "measure", ROWS) == fitting
    foreign = {"networks": {"denoiser": "cc"}, "clean": {"clips": 1}}
    assert set(figures.reported_or_kept(foreign, none, OURS, "measure", ROWS)) == {"command", "missing"}


def test_the_weights_about_to_be_placed_are_those_that_must_have_been_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))
    new = {"denoiser": "dd", "noise_profile": weights_sha256("noise_profile")}
    report(figures.restore_report(), new)
    assert figures.restore_figures("denoiser")({}, {"weights.onnx": "dd"})["networks"] == new
    assert "missing" in figures.restore_figures("denoiser")({}, {"weights.onnx": "ee"})


def upsample_report(path: Path, networks: dict[str, dict[str, str]], quick: bool = False, **other: Any) -> None:
    rows = {room: {name: {"clips": n} for name, n in rows.items()} for room, rows in figures.UPSAMPLE_ROWS.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"networks": networks, "quick": quick, "failures": 0, "left_out": {}, "remarks": ["a"], "card": rows}
    path.write_text(json.dumps(content | {"measured_by": measured_by()} | other))


def test_a_card_of_upsample_takes_its_own_rooms_part_and_asks_for_its_own_weights_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))
    films = {f"x{factor}.onnx": f"{factor}{factor}" for factor in (2, 4, 8)}
    upsample_report(figures.upsample_report(), {"bwe48": {"weights.onnx": "dd"}, "afilm": films})
    taken = figures.upsample_figures("afilm")({}, films)
    assert taken["networks"] == films
    assert taken["measured_by"] == measured_by()
    assert set(taken) == {"command", "remarks", "networks", "measured_by", *figures.UPSAMPLE_ROWS["afilm"]}
    assert figures.upsample_figures("bwe48")({}, {"weights.onnx": "dd"})["speech 8-48k"] == {"clips": 76}
    for room, hashes in (("afilm", films | {"x2.onnx": "ee"}), ("bwe48", {"weights.onnx": "ee"}), ("bwe16", films)):
        assert "other weights" in figures.upsample_figures(room)({}, hashes)["missing"]
    upsample_report(figures.upsample_report(), {"afilm": films}, quick=True)
    assert "quick" in figures.upsample_figures("afilm")({}, films)["missing"]
    with pytest.raises(KeyError):
        figures.upsample_figures("denoiser")


FILMS = {f"x{factor}.onnx": f"{factor}{factor}" for factor in (2, 4, 8)}


def another_definition(monkeypatch: pytest.MonkeyPatch, _: Path) -> None:
    other = dataclasses.replace(MEASURES["BWE LSD"], definition="RMS over time, then mean over frequency.")
    monkeypatch.setitem(MEASURES, "BWE LSD", other)


def another_tool(monkeypatch: pytest.MonkeyPatch, _: Path) -> None:
    monkeypatch.setattr(type(UPSAMPLE), "version", UPSAMPLE.version + 1)


def another_finder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "band_edge.json").write_text('{"layers": {}}')
    monkeypatch.setattr(upsample_cards, "JUDGE", folder / "band_edge.json")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (another_definition, "another definition of the measures than"),
        (another_tool, "another version of the tool than"),
        (another_finder, "another judge of band edges than"),
    ],
)
def test_figures_measured_by_something_else_than_today_neither_come_onto_a_card_nor_stay_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, told: str
) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))
    upsample_report(figures.upsample_report(), {"afilm": FILMS})
    taken = figures.upsample_figures("afilm")({}, FILMS)
    assert "missing" not in taken
    figures.upsample_report().unlink()
    assert figures.upsample_figures("afilm")(taken, FILMS) == taken  # of these weights, by what is there: kept
    upsample_report(figures.upsample_report(), {"afilm": FILMS})
    change(monkeypatch, tmp_path)
    assert told in figures.upsample_figures("afilm")({}, FILMS)["missing"]
    assert told in figures.upsample_figures("afilm")(taken, FILMS)["missing"]


def test_a_report_or_card_that_doesnt_say_by_what_it_was_measured_counts_as_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))
    upsample_report(figures.upsample_report(), {"afilm": FILMS}, measured_by=None)
    card = {"networks": FILMS, "single 8-16k decimate": {"clips": 30}}
    missing = figures.upsample_figures("afilm")(card, FILMS)["missing"]
    assert "another definition of the measures, version of the tool, judge of band edges than" in missing
