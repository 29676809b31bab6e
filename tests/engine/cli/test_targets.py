"""No command replaces what it wasn't told to replace, and none ever replaces a recording that it reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from engine import cli
from engine.session.project import save_project
from engine.session.recipe import Recipe, Scope, Step
from engine.session.session import Session, SourceRef, Track

RATE = 8000
RECIPE = Recipe((Step("age", {"seed": 1}, id="a"),))


def shellac(*words: object) -> int:
    return cli.main([str(word) for word in words])


def recording(path: Path, seconds: float = 1.0, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.random.default_rng(seed).standard_normal((round(seconds * RATE), 1))
    soundfile.write(path, samples, RATE, "PCM_16")
    return path


def project(path: Path, *sources: SourceRef) -> Path:
    save_project(Session(tuple(Track(source.path.stem, source, RECIPE) for source in sources)), path)
    return path


def recipe_file(path: Path, recipe: Recipe = RECIPE) -> Path:
    path.write_text(recipe.dumps())
    return path


def errors(capsys: Any) -> str:
    return str(capsys.readouterr().err)


@pytest.mark.parametrize("link", ["name", "hard link", "symlink"])
def test_no_track_of_a_project_is_overwritten_by_the_result_of_another(tmp_path: Path, link: str, capsys: Any) -> None:
    first = recording(tmp_path / "a" / "x.wav", seed=1)
    second = recording(tmp_path / "out" / "x.wav", seed=2)
    if link != "name":
        second = second.rename(tmp_path / "original.wav")
        here = tmp_path / "out" / "x.wav"
        here.hardlink_to(second) if link == "hard link" else here.symlink_to(second)
    before = second.read_bytes()
    tracks = project(tmp_path / "p.shellac", SourceRef(first), SourceRef(second))
    assert shellac("run", tracks, "--out", tmp_path / "out", "--force", "--quiet") == 0
    assert second.read_bytes() == before
    names = ["x-2.wav", "x-3.wav"] if link == "name" else ["x-2.wav", "original.wav"]
    assert capsys.readouterr().out.split("\n")[:2] == [str(tmp_path / "out" / name) for name in names]


def test_a_batch_numbers_the_result_where_only_its_report_would_replace_something(tmp_path: Path) -> None:
    source = recording(tmp_path / "x.wav")
    kept = tmp_path / "out" / "x.wav-report.json"
    kept.parent.mkdir()
    kept.write_text("KEEP")
    words = ("run", recipe_file(tmp_path / "r.json"), source, "--out", kept.parent, "--report", "json", "--quiet")
    assert shellac(*words) == 0
    assert kept.read_text() == "KEEP"
    assert sorted(path.name for path in kept.parent.iterdir()) == [
        "x-2.wav", "x-2.wav-report.json", "x.wav-report.json",
    ]  # fmt: skip
    assert shellac(*words, "--force") == 0
    assert json.loads(kept.read_text())


@pytest.mark.parametrize("name", ["report.txt", "report.json"])
def test_a_report_that_cannot_be_written_is_said_before_the_work(tmp_path: Path, name: str, capsys: Any) -> None:
    source = recording(tmp_path / "x.wav")
    (tmp_path / name).write_text("KEEP")
    assert shellac("age", source, "-o", tmp_path / "y.wav", "--report", tmp_path / name) == 2
    assert name in errors(capsys)
    assert not (tmp_path / "y.wav").exists()
    assert (tmp_path / name).read_text() == "KEEP"


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_folder_is_called_one_at_once_whether_replacing_is_allowed_or_not(
    tmp_path: Path, force: list[str], capsys: Any
) -> None:
    source, folder = recording(tmp_path / "x.wav"), tmp_path / "results"
    folder.mkdir()
    assert shellac("age", source, "-o", f"{folder}/", *force) == 2
    said = errors(capsys)
    assert f"{folder} is a folder" in said
    assert "file name" in said
    assert "--force" not in said
    assert not list(folder.iterdir())


def test_measuring_replaces_pictures_only_when_told(tmp_path: Path, capsys: Any) -> None:
    source, folder = recording(tmp_path / "x.wav"), tmp_path / "plots"
    folder.mkdir()
    kept = folder / "spectrogram_comparison.png"
    kept.write_text("KEEP")
    assert shellac("measure", source, "--plots", folder, "--quiet") == 2
    assert "--force" in errors(capsys)
    assert [path.read_text() for path in folder.iterdir()] == ["KEEP"]
    assert shellac("measure", source, "--plots", folder, "--force", "--quiet") == 0
    assert kept.read_bytes().startswith(b"\x89PNG")


def test_the_other_recording_of_a_step_is_never_the_target(tmp_path: Path, capsys: Any) -> None:
    source, other = recording(tmp_path / "x.wav", seed=1), recording(tmp_path / "out" / "x.wav", seed=2)
    before = other.read_bytes()
    recipe = Recipe((Step("age", {"seed": 1}, inputs={"reference": str(other)}, id="a"),))
    out = tmp_path / "out"
    assert shellac("run", recipe_file(tmp_path / "r.json", recipe), source, "--out", out, "--force", "--quiet") == 0
    assert other.read_bytes() == before
    assert (out / "x-2.wav").is_file()


def test_a_project_refuses_another_recording_under_the_old_name(tmp_path: Path, capsys: Any) -> None:
    source = recording(tmp_path / "x.wav", 2.0)
    tracks = project(tmp_path / "p.shellac", SourceRef(source, "feed", RATE, RATE, 1))
    assert shellac("run", tracks, "--out", tmp_path / "out") == 3
    assert f"x.wav is another recording ({2 * RATE} frames at {RATE} Hz instead of {RATE}" in errors(capsys)
    assert not list((tmp_path / "out").iterdir())


def test_a_project_says_that_a_recording_has_changed(tmp_path: Path, capsys: Any) -> None:
    from engine.audio.files import fingerprint

    source = recording(tmp_path / "x.wav", seed=1)
    tracks = project(tmp_path / "p.shellac", SourceRef(source, fingerprint(source), RATE, RATE, 1))
    assert shellac("run", tracks, "--out", tmp_path / "out") == 0
    assert "has changed" not in errors(capsys)
    recording(source, seed=2)
    assert shellac("run", tracks, "--out", tmp_path / "out") == 0
    assert "x.wav has changed since the project was saved" in errors(capsys)


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (Scope(start_s=100.0), "its scope begins at 100 s and the recording ends at 1 s"),
        (Scope(channels=(1,)), "names no channel of the recording, which has 1"),
        (Scope(low_hz=5000.0, high_hz=9000.0), "holds no frequency of the recording, which ends at 4000 Hz"),
    ],
)
def test_a_scope_that_touches_nothing_is_said(tmp_path: Path, scope: Scope, said: str, capsys: Any) -> None:
    recipe = Recipe((Step("age", {"seed": 1}, scope=scope, id="a"),))
    source = recording(tmp_path / "x.wav")
    assert shellac("run", recipe_file(tmp_path / "r.json", recipe), source, "--out", tmp_path / "out") == 0
    assert said in errors(capsys)
    assert np.array_equal(soundfile.read(source)[0], soundfile.read(tmp_path / "out" / "x.wav")[0])
