"""A project says which recordings and what is done to them; nothing in it gets lost."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.signal import SilentSignal
from engine.errors import MissingFileError, OutputError, ProjectError, ShellacError
from engine.session.networks import pin_networks
from engine.session.project import load_project, relink, save_project, session_from_json, session_to_json
from engine.session.recipe import Recipe, Scope, Step
from engine.session.session import Session, SourceRef, Track


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """Return a session with one recording that is there and one that isn't."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "side 1.wav").write_bytes(b"sound")
    recipe = pin_networks(Recipe((Step("restore", {"floor_db": -9.0}, scope=Scope(1.0, 2.0), id="a"),)))
    here = Track("side 1", SourceRef(folder / "side 1.wav", "f1", 48_000, 48_000, 2), recipe)
    gone = Track("take 2", SourceRef(Path("/nowhere/take 2.flac"), "f2", 44_100, 44_100, 1))
    return Session((here, gone), 1, Scope(0.5, 1.0, 300.0, 900.0), (0.25, 0.75), 0.3)


def test_a_project_comes_back_as_it_was(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "work" / "record.shellac"
    save_project(session, path)
    again, problems = load_project(path)
    assert again == session
    assert [problem.track for problem in problems] == [1]
    assert "take 2.flac" in problems[0].sentence


def test_a_copied_folder_finds_its_own_recordings(session: Session, tmp_path: Path) -> None:
    save_project(session, tmp_path / "work" / "record.shellac")
    shutil.copytree(tmp_path / "work", tmp_path / "copy")
    again, _ = load_project(tmp_path / "copy" / "record.shellac")
    assert again.tracks[0].source.path == tmp_path / "copy" / "side 1.wav"


def test_a_project_that_was_moved_alone_finds_its_recordings_where_they_were(session: Session, tmp_path: Path) -> None:
    save_project(session, tmp_path / "work" / "record.shellac")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "work" / "record.shellac").rename(tmp_path / "elsewhere" / "record.shellac")
    again, _ = load_project(tmp_path / "elsewhere" / "record.shellac")
    assert again.tracks[0].source.path == tmp_path / "work" / "side 1.wav"


def test_unknown_tools_and_fields_survive_loading_and_saving(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "record.shellac"
    data = session_to_json(session, tmp_path)
    data["shelf"] = [{"slot": 1}]
    data["tracks"][0]["colour"] = "violet"
    data["tracks"][0]["recipe"]["steps"].append({"tool": "nobody's", "params": {"x": 1}, "id": "n", "lfo": [1, 2]})
    path.write_text(json.dumps(data))
    again, _ = load_project(path)
    save_project(again, path)
    saved = json.loads(path.read_text())
    assert saved["shelf"] == [{"slot": 1}]
    assert saved["tracks"][0]["colour"] == "violet"
    assert saved["tracks"][0]["recipe"]["steps"][1]["lfo"] == [1, 2]
    assert saved["tracks"][0]["recipe"]["steps"][1]["tool"] == "nobody's"


def test_file_names_that_are_no_unicode_survive(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.wav")
    (tmp_path / name).write_bytes(b"")
    session = Session((Track("café", SourceRef(tmp_path / name)),))
    save_project(session, tmp_path / "record.shellac")
    again, problems = load_project(tmp_path / "record.shellac")
    assert again == session
    assert not problems


def test_a_lost_recording_can_be_relinked(session: Session) -> None:
    found = SilentSignal(44_100, 1, 44_100)
    again = relink(session, 1, found, Path("/found/take 2.flac"))
    assert again.tracks[1].source.path == Path("/found/take 2.flac")
    assert again.tracks[1].recipe == session.tracks[1].recipe
    with pytest.raises(ProjectError, match="another recording"):
        relink(session, 1, SilentSignal(44_100, 1, 44_099), Path("/found/other.flac"))


def test_a_project_that_cannot_be_saved_leaves_the_older_one(
    session: Session, tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "record.shellac"
    save_project(session, path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        save_project(replace(session, current=0), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["record.shellac"]


def test_missing_and_damaged_projects_are_said(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        load_project(tmp_path / "none.shellac")
    with pytest.raises(MissingFileError):
        load_project(tmp_path)
    for text in ("", "{}", "not json", '{"shellac_project": 99}', '{"shellac_project": 1, "tracks": [{}]}'):
        (tmp_path / "bad.shellac").write_text(text)
        with pytest.raises(ProjectError):
            load_project(tmp_path / "bad.shellac")


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=20,
)
TRACK: dict[str, Any] = {
    "name": "n",
    "source": {"path": "/a", "frames": 1, "rate": 1, "channels": 1},
    "recipe": Recipe().to_json(),
}


@given(st.sampled_from(["tracks", "current", "selection", "loop", "cursor_s", "shellac_project"]), json_values)
def test_any_field_of_a_project_loads_or_is_refused(name: str, value: Any) -> None:
    load_or_refuse({"shellac_project": 1, "tracks": [TRACK], name: value})


@given(st.sampled_from(["name", "source", "recipe"]), json_values)
def test_any_field_of_a_track_loads_or_is_refused(name: str, value: Any) -> None:
    load_or_refuse({"shellac_project": 1, "tracks": [TRACK | {name: value}]})


@given(st.sampled_from(["path", "relative", "fingerprint", "frames", "rate", "channels"]), json_values)
def test_any_field_of_a_source_loads_or_is_refused(name: str, value: Any) -> None:
    load_or_refuse({"shellac_project": 1, "tracks": [TRACK | {"source": TRACK["source"] | {name: value}}]})


def load_or_refuse(data: Any) -> None:
    """Load, and if that worked, save and load again: nothing may have changed."""
    try:
        session = session_from_json(data, Path("/somewhere"))
    except ShellacError:
        return
    assert session_from_json(json.loads(json.dumps(session_to_json(session, Path("/somewhere")))), Path("/somewhere"))


def test_where_two_recordings_have_the_name_the_one_that_was_meant_is_taken(tmp_path: Path) -> None:
    """The project was saved in one folder and then moved to another, where a file of that name stands already."""
    from engine.audio.files import fingerprint

    paths = [tmp_path / folder / "side 1.wav" for folder in ("work", "moved")]
    for path, content in zip(paths, (b"meant", b"other"), strict=True):
        path.parent.mkdir()
        path.write_bytes(content)
    meant, other = paths
    for known, found in ((fingerprint(meant), meant), (fingerprint(other), other), ("neither", other), ("", other)):
        save_project(Session((Track("side 1", SourceRef(meant, known)),)), meant.parent / "p.shellac")
        (meant.parent / "p.shellac").rename(other.parent / "p.shellac")
        session, _ = load_project(other.parent / "p.shellac")
        assert session.tracks[0].source.path == found
