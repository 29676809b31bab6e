"""A pack keeps its budget, holds only what the licences allow, and never destroys what lies in its place."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch")

import torch

from tests.training.data.recordings_on_disk import tone, write, write_manifest
from tests.training.toy_recipes import toys
from training.data import own as own_folders
from training.data import recordings
from training.data.own import own_folder
from training.packing import carried
from training.packing.command import main
from training.packing.hashes import check_hashes
from training.packing.needs import Needs
from training.packing.pack import MIB, Wish, pack
from training.packing.parts import find_parts
from training.packing.plan import read_plan
from training.recipe import Recipe, Settings, TrainingError
from training.rooms import load_file_weights, load_room_weights

RATE = 44_100


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Recordings of several sets, rates and licences, three minutes in all."""
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("SHELLAC_RECIPES", raising=False)
    folder, rows = tmp_path / "data", []
    rng = np.random.default_rng(0)

    def add(path: str, kind: str, split: str, seconds: float, licence: str, rate: int = 48_000) -> None:
        noise = 0.1 * rng.standard_normal(round(seconds * rate))  # what FLAC can't make smaller
        write(folder / path, tone(seconds, 500.0, rate) + noise, rate)
        rows.append(f"{path},{kind},{split},{rate},1,{seconds},{licence},us/tones,20000,")

    add("music/long.wav", "music", "train", 60.0, "CC0 1.0")
    add("music/sold.wav", "music", "train", 20.0, "CC BY-NC 3.0")
    add("music/heard.wav", "music", "validation", 10.0, "CC0 1.0", 32_000)
    for name in ("amber", "birch", "cedar", "dune", "ember"):
        add(f"speech/{name}.wav", "speech_single", "train", 8.0, "Apache-2.0", RATE)
    write_manifest(folder, *rows)
    return folder


def recipe(needs: Needs) -> Recipe:
    return toys.recipe("toy_packed", needs=needs)


def wish(tmp_path: Path, needs: Needs | None = None, **changes: object) -> Wish:
    asked = Wish(recipe(needs or Needs()), tmp_path / "pack", has_packages=False, budget=60 * MIB)
    return replace(asked, **changes)  # type: ignore[arg-type]


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def listed(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("data")
def test_with_room_enough_everything_allowed_is_inside_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(wish(tmp_path))
    rows = {row["path"]: row for row in listed(tmp_path / "pack" / "data")}
    assert sorted(rows) == ["music/heard.flac", "music/long.flac", *(f"speech/{n}.flac" for n in
                            ("amber", "birch", "cedar", "dune", "ember"))]  # fmt: skip
    assert rows["music/long.flac"]["seconds"] == "60.0000"
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "pack" / "data"))
    assert len(recordings("train")) == 6  # as training reads it there
    assert {row.rate for row in recordings("validation")} == {RATE}
    pack(wish(tmp_path, licences="clean"))  # over the older pack
    check_hashes(tmp_path / "pack")


@pytest.mark.usefixtures("data")
def test_what_may_not_be_sold_comes_only_when_asked_for_and_is_said(tmp_path: Path) -> None:
    pack(wish(tmp_path, licences="all"))
    found = {row["path"]: row["licence"] for row in listed(tmp_path / "pack" / "data")}
    assert found["music/sold.flac"] == "CC BY-NC 3.0"
    assert "NON-COMMERCIAL" in (tmp_path / "pack" / "README.txt").read_text()
    assert read_plan(tmp_path / "pack").run == "toy_packed-all"


@pytest.mark.usefixtures("data")
def test_a_small_budget_is_kept_used_and_spread(tmp_path: Path) -> None:
    carried.copy_code(tmp_path / "code")
    code = size(tmp_path / "code")
    budget = code + round(4.5 * MIB)
    table = pack(wish(tmp_path, budget=budget))
    taken = size(tmp_path / "pack")
    assert budget - 1.2 * MIB < taken <= budget
    assert f"{taken / MIB:.2f} MiB" in table
    rows = listed(tmp_path / "pack" / "data")
    assert {(row["set"], row["split"]) for row in rows} == {("music", "train"), ("speech_single", "train")} | {
        (row["set"], row["split"]) for row in rows if row["split"] == "validation"
    }
    part = next(row for row in rows if row["path"].startswith("music/long from"))
    samples, rate = soundfile.read(tmp_path / "pack" / "data" / part["path"])
    assert (rate, f"{len(samples) / rate:.4f}") == (RATE, part["seconds"])
    assert "s of music/long.wav" in part["note"]


@pytest.mark.usefixtures("data")
def test_what_cannot_fit_is_refused_with_the_numbers_and_leaves_the_old_pack(tmp_path: Path) -> None:
    pack(wish(tmp_path))
    before = size(tmp_path / "pack")
    with pytest.raises(
        TrainingError, match=r"1 MiB can't hold the pack: code and packages take .* give --budget-mib \d+"
    ):
        pack(wish(tmp_path, budget=1 * MIB))
    assert size(tmp_path / "pack") == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.usefixtures("data")
def test_a_folder_that_is_no_pack_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "letters.txt").write_text("dear")
    with pytest.raises(TrainingError, match="is there and is no pack: name another folder"):
        pack(wish(tmp_path))
    assert (tmp_path / "pack" / "letters.txt").read_text() == "dear"


@pytest.mark.usefixtures("data")
def test_a_packed_recording_is_the_recording(tmp_path: Path, data: Path) -> None:
    pack(wish(tmp_path, Needs(rate=RATE, sets=("speech_single",))))
    before, _ = soundfile.read(data / "speech/amber.wav")
    after, _ = soundfile.read(tmp_path / "pack" / "data" / "speech/amber.flac")
    np.testing.assert_allclose(after, before, atol=1.0 / 32_768)  # both are 16 bits


@pytest.mark.usefixtures("data")
def test_notes_are_trimmed_to_where_they_are_over(tmp_path: Path, data: Path) -> None:
    from training.packing.recordings import NOTE_SECONDS, trimmed

    time = np.arange(10 * RATE) / RATE
    struck = (np.sin(2 * np.pi * 440 * time) * 10.0 ** (-time))[:, None].astype(np.float32)  # 20 dB a second
    note = trimmed(struck, RATE)
    assert len(note) / RATE == pytest.approx(3.1, abs=0.01)  # 60 dB down, and the fade
    assert note[-1] == 0.0
    held = np.ones((10 * RATE, 1), dtype=np.float32)
    assert len(trimmed(held, RATE)) == round(NOTE_SECONDS * RATE)
    np.testing.assert_array_equal(note[: 2 * RATE], struck[: 2 * RATE])


@pytest.mark.usefixtures("data")
def test_a_persons_own_folder_travels_with_its_splits(tmp_path: Path) -> None:
    own = tmp_path / "Aunt's discs"
    hiss = 0.01 * np.random.default_rng(1).standard_normal(4 * RATE)
    for name in ("lead-in", "run-out", "gap"):
        write(own / "noise" / f"{name}.wav", hiss)
    for name in ("aria", "waltz", "march"):
        write(own / "music" / f"{name}.wav", tone(6.0), RATE)
    pack(wish(tmp_path, own=own))
    there = tmp_path / "pack" / "own" / "Aunt's discs"
    own_folders.own_folder.cache_clear()
    here, packed = own_folder(own), own_folder(there)
    for split in ("train", "validation"):
        for kind in ("noise_in", "music_in"):
            lengths = [sorted(s.frames for s in getattr(side, kind)(split)) for side in (here, packed)]
            assert lengths[0] == lengths[1] != []
    plan = read_plan(tmp_path / "pack")
    assert plan.run == "toy_packed-own-Aunt's discs"
    assert "Aunt's discs" in plan.folder_facts


@pytest.mark.usefixtures("data")
def test_the_run_so_far_can_be_taken_along_within_what_is_reserved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import loop

    going = recipe(Needs())
    loop.run(going, Settings(steps=4, log_steps=2))
    pack(wish(tmp_path, reserve=1 * MIB, resumes=True))
    (part,) = find_parts([tmp_path / "pack" / "earlier"])
    assert (part.header.step, part.header.run) == (4, "toy_packed")


def test_a_network_that_the_data_go_through_travels_without_onnx(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    carried.copy_networks(tmp_path, Needs(networks=("noise_profile",)), "all", None)
    there = load_file_weights(tmp_path / "models" / "noise_profile" / "weights.onnx")
    source, _ = carried.trained_weights("noise_profile", "all", None)
    assert there.keys() == source.keys() == load_room_weights("noise_profile").keys()
    for name, tensor in source.items():
        torch.testing.assert_close(there[name], tensor.half().to(tensor.dtype), rtol=0, atol=0)


def test_the_command_says_what_is_wrong_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    wrong = (
        (["pack", "nothing"], "there is no recipe 'nothing'"),
        (["pack", "denoiser", "--budget-mib", "0"], "--budget-mib is 0: give a number over 0"),
        (["pack", "denoiser", "--folder", str(tmp_path / "none")], "there is no folder"),
        (["unpack", str(tmp_path)], "there is no part of a checkpoint here"),
    )
    for words, said in wrong:
        assert main(words) == 1
        message = capsys.readouterr().err
        assert said in message
        assert message.count("\n") == 1
