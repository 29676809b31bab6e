"""What is taught and what is held out are different recordings, and the judge's file says which they were."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.measure.band_edge import JUDGE
from engine.measure.taught import judge_account
from training.band_edge import __main__ as command
from training.band_edge import sources as sources_module
from training.band_edge.__main__ import account, made, main, written
from training.band_edge.examples import Example
from training.band_edge.network import Judge
from training.band_edge.sources import LONG_SECONDS, SECONDS, Source, held_out, sources
from training.data import Recording
from training.data.licences import data_table, licence_class, terms_of
from training.data.manifest import training_rows

RATE = 8_000


def recording(path: str, seconds: float = 20.0, licence: str = "CC BY 4.0", whose: str = "somebody/music") -> Recording:
    return Recording(path, "music", "train", RATE, seconds, licence, whose, RATE / 2.0, "")


def sound(row: Recording, rate: int) -> np.ndarray:
    rng = np.random.default_rng(len(row.path))
    return (0.1 * rng.standard_normal(round(row.seconds * rate))).astype(np.float32)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Source]:
    """Twelve short recordings, and among them a long one that gives three excerpts."""
    rows = [recording(f"music/{number}") for number in range(12)]
    rows.insert(6, recording("music/long", LONG_SECONDS + 1.0, "CC BY 3.0", "another/music"))
    monkeypatch.setattr(sources_module, "usable_recordings", lambda split, licences: rows)
    monkeypatch.setattr(sources_module, "read_mono", sound)
    monkeypatch.setattr(sources_module, "MADE", 0)
    return [source for source in sources() if source.rows]


def test_a_long_recording_gives_excerpts_of_its_own_and_is_held_out_whole(found: list[Source]) -> None:
    long = [source for source in found if source.name == "music/long"]
    assert len(long) == 3
    assert all(source.rows[0].seconds > 3.0 * SECONDS for source in long)
    held = held_out(found)
    assert held == {"music/0", "music/long", "music/11"}
    paths = [{row.path for s in found if (s.name in held) is is_held for row in s.rows} for is_held in (False, True)]
    assert not paths[0] & paths[1]
    assert len(paths[0] | paths[1]) == 13


def test_no_example_of_a_recording_held_out_is_learnt_from(
    found: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "draw", lambda source, rng: source.name)
    taught, held = made(found, 400, seed=0)
    assert set(held) == held_out(found)
    assert set(taught) == {source.name for source in found} - held_out(found)
    assert len(taught) + len(held) == 400


def test_the_account_counts_each_recording_once_and_names_who_must_be_named(found: list[Source]) -> None:
    stated = account(found)
    assert [(row["licence"], row["recordings"]) for row in stated["data"]] == [("CC BY 3.0", 1), ("CC BY 4.0", 12)]
    assert stated["licence"] == "CC BY 4.0"
    assert stated["attribution"] == "required: name another/music, somebody/music"
    only_free = [replace(source, rows=(recording("x", licence="CC0 1.0"),)) for source in found]
    assert account(only_free)["attribution"] == "not required"


def test_the_file_says_by_which_arguments_it_was_taught_and_how_well(
    found: list[Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "sources", lambda: found)
    assert main(["--examples", "100", "--epochs", "1", "--seed", "4", "--out", str(tmp_path / "judge.json")]) == 0
    stored = json.loads((tmp_path / "judge.json").read_text(encoding="utf-8"))
    assert stored["command"] == "python -m training.band_edge --examples 100 --epochs 1 --seed 4"
    taught = {row.path for source in found if source.name not in held_out(found) for row in source.rows}
    assert sum(row["recordings"] for row in stored["data"]) == len(taught)
    assert stored["held out"]["loss"] > 0.0
    assert sum(kind["of"] for kind in stored["held out"]["right"].values()) == stored["held out"]["examples"] > 0


@pytest.mark.parametrize("asked", [["--examples", "30"], ["--examples", "100", "--epochs", "0"]])
def test_a_judge_that_was_taught_nothing_is_not_written(
    found: list[Source],
    asked: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "sources", lambda: found)
    example = Example(np.array([10.0]), np.zeros((10, 1), dtype=np.float32), 0.0, 0.0, "none", False)
    monkeypatch.setattr(command, "draw", lambda source, rng: example)
    with pytest.raises(SystemExit) as refused:
        main([*asked, "--out", str(tmp_path / "judge.json")])
    assert refused.value.code == 2
    assert "teach nothing: ask for 96 examples and 1 pass at least" in capsys.readouterr().err
    assert not (tmp_path / "judge.json").exists()


def test_what_is_written_is_what_was_stated_and_learnt() -> None:
    torch.manual_seed(0)
    stored = json.loads(written({"command": "c", "data": []}, Judge()))
    assert (stored["command"], stored["data"]) == ("c", [])
    assert stored["layers"]["0.bias"]["shape"] == [16]


def test_the_shipped_numbers_stand_under_the_licence_that_their_recordings_ask_for() -> None:
    stored = json.loads(JUDGE.read_text(encoding="utf-8"))
    for row in stored["data"]:
        assert licence_class(row["licence"], row["name"]).is_clean
        assert row["recordings"] > 0
        assert row["sources"]
    rows = [
        Recording(row["name"], row["name"], "train", 0, 0.0, row["licence"], source, 0.0, "")
        for row in stored["data"]
        for source in row["sources"]
    ]
    terms = terms_of(rows)
    shown = judge_account()
    assert (shown.licence, shown.attribution) == (terms.licence, terms.attribution)
    assert "MTG/sms-tools" in shown.attribution


@pytest.mark.usefixtures("development_data")
def test_the_shipped_numbers_saw_nothing_but_what_the_manifest_lists_for_training() -> None:
    stored = json.loads(JUDGE.read_text(encoding="utf-8"))["data"]
    listed = data_table(training_rows("clean", {row["name"] for row in stored}))
    known = {(row["name"], row["licence"]): row for row in listed}
    for row in stored:
        whole = known[row["name"], row["licence"]]
        assert row["recordings"] <= whole["recordings"]
        assert set(row["sources"]) <= set(whole["sources"])
