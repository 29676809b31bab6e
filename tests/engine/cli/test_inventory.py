"""`shellac models` says of every network what it is for, what it costs, and whether its files are intact."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine import cli
from engine.inference import card


def furnish(folder: Path, room: str, tool: str, **sizes: int) -> None:
    """Make a room with files of so many bytes and a card that is right about them."""
    (folder / room).mkdir(parents=True)
    lines = [f'tool = "{tool}"', f'task = "task of {room}"', 'licence = "CC0 1.0"', 'attribution = "not required"']
    for name, size in sizes.items():
        content = name.encode() * (size // len(name))
        (folder / room / f"{name}.onnx").write_bytes(content)
        entry = f'files."{name}.onnx"'
        lines += [
            f"[{entry}]", f'sha256 = "{hashlib.sha256(content).hexdigest()}"',
            f"[{entry}.size]", "parameters = 1234567", "gmac_per_audio_second = 0.25",
            f"[{entry}.speed]", "real_time_factor_1_thread = 0.01", "real_time_factor_2_threads = 0.005",
        ]  # fmt: skip
    (folder / room / "card.toml").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(card, "models_folder", lambda: tmp_path / "models")
    furnish(tmp_path / "models", "afilm", "upsample", x2=2_000_000, x4=3_000_000)
    furnish(tmp_path / "models", "denoiser", "restore", weights=7_000_000)
    furnish(tmp_path / "models", "toy", "", weights=1_000_000)
    return tmp_path / "models"


def listed(capsys: Any) -> dict[str, Any]:
    cli.main(["models", "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.usefixtures("folder")
def test_every_file_is_listed_with_its_size_cost_speed_and_state(capsys: Any) -> None:
    rooms = {room["room"]: room for room in listed(capsys)["rooms"]}
    assert list(rooms) == ["afilm", "denoiser", "toy"]
    assert rooms["afilm"]["tool"] == "upsample"
    assert rooms["afilm"]["task"] == "task of afilm"
    assert rooms["afilm"]["licence"] == "CC0 1.0"
    two, four = rooms["afilm"]["files"]
    assert (two["file"], four["file"]) == ("x2.onnx", "x4.onnx")
    del four["sha256"]
    assert four == {
        "file": "x4.onnx", "bytes": 3_000_000, "state": "ok", "parameters": 1_234_567, "gmac_per_audio_second": 0.25,
        "real_time_factor_1_thread": 0.01, "real_time_factor_2_threads": 0.005,
    }  # fmt: skip


def test_what_learnt_from_recordings_and_is_no_file_of_a_network_names_them_too(folder: Path, capsys: Any) -> None:
    (entry,) = listed(capsys)["built_in"]
    # Recordings under CC BY are among them: whoever passes the program on has to name their authors.
    assert entry["licence"] == "CC BY 4.0"
    assert "MTG/sms-tools" in entry["attribution"]
    assert "violin (CC BY 3.0)" in entry["training_data"]
    shutil.rmtree(folder)
    cli.main(["models"])
    said = capsys.readouterr().out
    assert "band edges: " in said
    assert f"attribution {entry['attribution']}" in said


@pytest.mark.usefixtures("folder")
def test_sizes_add_up_beside_what_each_tool_may_take(capsys: Any) -> None:
    totals = listed(capsys)["totals"]
    assert totals["upsample"] == {"megabytes": pytest.approx(5.0), "budget": 75.0}
    assert totals["restore"]["megabytes"] == pytest.approx(7.0, abs=1e-5)
    assert totals["align"] == {"megabytes": 0.0, "budget": 5.0}
    assert totals["all"] == {"megabytes": pytest.approx(13.0, abs=1e-4), "budget": 185.0}


def test_a_person_reads_the_same(folder: Path, capsys: Any) -> None:
    furnish(folder, "matcher", "align", weights=6_000_000)
    assert cli.main(["models"]) == 0
    said = capsys.readouterr().out
    (row,) = [line for line in said.splitlines() if line.split()[:2] == ["x4.onnx", "3.0"]]
    assert row.split() == ["x4.onnx", "3.0", "1,234,567", "0.25", "100", "x", "200", "x", "ok"]
    assert "task of denoiser" in said
    assert "in all 19.0 of 185 MB" in said
    assert "upsample 5.0 of 75 MB" in said
    assert "align 6.0 of 5 MB (over)" in said


def test_a_changed_and_a_missing_file_are_told_apart(folder: Path, capsys: Any) -> None:
    (folder / "afilm" / "x2.onnx").write_bytes(b"another network")
    (folder / "afilm" / "x4.onnx").unlink()
    assert cli.main(["models"]) == 4
    said = capsys.readouterr().out
    assert "x2.onnx of network 'afilm' is not the file its card names" in said
    rooms = {room["room"]: room for room in listed(capsys)["rooms"]}
    assert [file["state"] for file in rooms["afilm"]["files"]] == ["changed", "missing"]
    assert (rooms["afilm"]["ok"], rooms["denoiser"]["ok"]) == (False, True)


def test_a_card_that_says_little_is_still_listed(folder: Path, capsys: Any) -> None:
    content = b"weights"
    (folder / "plain").mkdir()
    (folder / "plain" / "weights.onnx").write_bytes(content)
    (folder / "plain" / "card.toml").write_text(f'task = "t"\nsha256 = "{hashlib.sha256(content).hexdigest()}"\n')
    (room,) = [room for room in listed(capsys)["rooms"] if room["room"] == "plain"]
    assert room["ok"]
    assert room["files"][0]["parameters"] is None
    assert cli.main(["models"]) == 0
