"""A recipe says which weights it was heard with, and opening it elsewhere tells the difference."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import NetworkError
from engine.inference.card import load_card
from engine.session.command import run_command
from engine.session.keys import network_hashes
from engine.session.networks import network_changes, pin_networks
from engine.session.project import load_project, save_project
from engine.session.recipe import NetworkRef, Recipe, Step
from engine.session.session import Session, SourceRef, Track

RESTORE = Recipe((Step("restore", id="a"),))
CLASSICAL = Recipe((Step("restore", {"engine": "classical"}, id="a"),))


def test_a_pinned_recipe_names_every_network_it_uses_by_the_hash_on_its_card() -> None:
    pinned = {network.room: network.sha256 for network in pin_networks(RESTORE).steps[0].networks}
    cards = {f"{room}/{f.name}": f.sha256 for room in ("denoiser", "noise_profile") for f in load_card(room).files}
    assert pinned == cards


def test_of_a_room_all_files_are_meant_and_of_a_file_itself() -> None:
    every = network_hashes(("afilm",))
    assert [name for name, _ in every] == ["afilm/x2.onnx", "afilm/x4.onnx", "afilm/x8.onnx"]
    assert network_hashes(("afilm/x4.onnx",)) == every[1:2]
    with pytest.raises(NetworkError, match="names no file"):
        network_hashes(("afilm/x3.onnx",))


def test_the_same_weights_need_no_word() -> None:
    assert network_changes(pin_networks(RESTORE)) == ()


def test_other_weights_are_told() -> None:
    step = replace(RESTORE.steps[0], networks=(NetworkRef("denoiser/weights.onnx", "0" * 64),))
    (sentence,) = network_changes(Recipe((step,)))
    assert "denoiser/weights.onnx" in sentence
    assert "000000000000" in sentence


def test_a_step_without_networks_and_an_unknown_tool_keep_what_they_say() -> None:
    assert pin_networks(CLASSICAL).steps[0].networks == ()
    foreign = Recipe((Step("from_elsewhere", networks=(NetworkRef("room/file", "f" * 64),), id="b"),))
    assert pin_networks(foreign) == foreign
    assert network_changes(foreign) == ()


def test_a_project_made_with_other_weights_opens_and_says_so(tmp_path: Path) -> None:
    recording = tmp_path / "side.wav"
    recording.write_bytes(b"sound")
    session = Session((Track("side", SourceRef(recording, "f", 1, 1, 1), RESTORE),))
    save_project(session, tmp_path / "side.shellac")
    data = json.loads((tmp_path / "side.shellac").read_text())
    for network in data["tracks"][0]["recipe"]["steps"][0]["networks"]:
        network["sha256"] = "0" * 64
    (tmp_path / "side.shellac").write_text(json.dumps(data))
    again, problems = load_project(tmp_path / "side.shellac")
    assert again.tracks[0].recipe.steps[0].tool == "restore"
    assert problems
    assert all("will sound a little different" in problem.sentence for problem in problems)


def test_a_copied_command_carries_the_hashes() -> None:
    assert load_card("denoiser").files[0].sha256 in run_command(RESTORE, [Path("in.wav")], Path("out"))
