"""Archives of pairs: whole recordings on one side of a split, float32 of shape (patches, 8192, 1)."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.data.recordings_on_disk import write, write_manifest
from training.data.archive import PatchArchive
from training.errors import TrainingError
from training.upsample import pairs, prepare
from training.upsample.pairs import decimated, level_gain, raised
from training.upsample.prepare import main
from training.upsample.train import check_pairs


def speech(seconds: float, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.asarray(0.1 * np.cumsum(rng.standard_normal(round(16_000 * seconds))) / 40.0).clip(-0.9, 0.9)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One speaker under a clean licence in both splits, and two actors under another."""
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "data"))
    rows = []
    listed = [("single/a.wav", "speech_single", "train", "Apache-2.0"),
              ("single/b.wav", "speech_single", "train", "Apache-2.0"),
              ("single/c.wav", "speech_single", "validation", "Apache-2.0"),
              ("multi/Actor_01/d.wav", "speech_multi", "train", "CC BY-NC-SA 4.0"),
              ("multi/Actor_02/e.wav", "speech_multi", "validation", "CC BY-NC-SA 4.0")]  # fmt: skip
    for number, (path, name, split, licence) in enumerate(listed):
        write(tmp_path / "data" / path, speech(2.0, number), 16_000)
        rows.append(f"{path},{name},{split},16000,1,2.0,{licence},someone/somewhere,8000,")
    write_manifest(tmp_path / "data", *rows)
    return tmp_path / "data"


@pytest.mark.usefixtures("data")
def test_pairs_lie_in_the_archive_as_the_networks_of_others_expect_them(tmp_path: Path, data: Path) -> None:
    main([str(tmp_path / "x4.h5"), "--r", "4"])
    with h5py.File(tmp_path / "x4.h5") as file:  # read without our reader
        low, high = file["data"][:], file["label"][:]
        sources = [json.loads(line)["path"] for line in file["sources"].asstr()]
        origin, first = file["source"][:], file["start"][:]
    # 32,000 samples give patches at 0, 4096, ... 20480 and the last one at 23,808; of each of two recordings.
    assert low.shape == high.shape == (14, 8192, 1)
    assert low.dtype == high.dtype == np.float32
    assert sources == ["single/a.wav", "single/b.wav"]
    assert first.tolist() == [0, 4096, 8192, 12288, 16384, 20480, 23808] * 2
    whole = speech(2.0, 1)  # written with 16 bits
    for at in (7, 10, 13):
        assert origin[at] == 1
        start = int(first[at])
        gain = level_gain(whole.astype(np.float32))
        np.testing.assert_allclose(
            high[at, :, 0], gain * whole[start : start + 8192], atol=gain * 4e-5
        )  # a step of 16 bits is 3e-5
    gained = (level_gain(whole.astype(np.float32)) * whole).astype(np.float32)
    np.testing.assert_allclose(low[12, :, 0], raised(decimated(gained, 4), 4)[20480:28672], atol=2e-4)


@pytest.mark.usefixtures("data")
def test_a_patch_is_cut_out_of_the_whole_recordings_pair(tmp_path: Path) -> None:
    main([str(tmp_path / "x2.h5"), "--r", "2"])
    archive = PatchArchive.open(tmp_path / "x2.h5")
    for name in ("data", "label"):
        patches = archive.read(name, range(7))
        # Neighbours overlap by half: no patch was filtered by itself.
        np.testing.assert_array_equal(patches[0][4096:], patches[1][:4096])


@pytest.mark.usefixtures("data")
def test_splits_share_nothing_and_say_which_they_are(tmp_path: Path) -> None:
    for split in ("train", "validation"):
        main([str(tmp_path / f"{split}.h5"), "--r", "2", "--split", split])
    found = []
    for split in ("train", "validation"):
        archive = PatchArchive.open(tmp_path / f"{split}.h5")
        archive.expect(split=split, licences="clean", sets="speech_single", licence="Apache-2.0", stride=4096)
        with h5py.File(archive.path) as file:
            found.append(set(file["sources"].asstr()))
    assert not found[0] & found[1]


@pytest.mark.usefixtures("data")
def test_many_speakers_are_cut_sparsely_and_only_for_those_who_may(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([str(tmp_path / "m.h5"), "--r", "2", "--set", "multi"])
    assert 'take --data "all"' in str(end.value)
    main([str(tmp_path / "m.h5"), "--r", "2", "--set", "multi", "--data", "all", "--share", "1"])
    archive = PatchArchive.open(tmp_path / "m.h5")
    archive.expect(stride=8192, licence="CC BY-NC-SA 4.0")
    with h5py.File(archive.path) as file:
        assert ["Actor_01" in line for line in file["sources"].asstr()] == [True]
    assert prepare.pair_plan("multi", "train", 2).share == 0.25
    assert "4 patches of 8192 samples" in capsys.readouterr().out


@pytest.mark.usefixtures("data")
def test_the_way_down_is_part_of_what_an_archive_is(tmp_path: Path) -> None:
    contents = []
    for number, option in enumerate(("--low-pass", "--no-low-pass")):
        main([str(tmp_path / f"{number}.h5"), "--r", "2", option])
        archive = PatchArchive.open(tmp_path / f"{number}.h5")
        contents.append(archive.read("data", [1])[0])
        assert ("aliased" in str(archive.attributes["content"])) == (option == "--no-low-pass")
    assert np.abs(contents[0] - contents[1]).max() > 1e-4


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(("name", "value"), [("VERSION", 0), ("LEVEL_DBFS", -20.0)])
def test_an_archive_of_other_pairs_is_cut_anew_and_not_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: float
) -> None:
    path = tmp_path / "x2.h5"
    with monkeypatch.context() as before:
        before.setattr(pairs, name, value)
        main([str(path), "--r", "2"])
        old = str(PatchArchive.open(path).attributes["content"])
        check_pairs(path, 2)
    with pytest.raises(TrainingError, match="cut it anew"):
        check_pairs(path, 2)
    main([str(path), "--r", "2"])
    assert str(PatchArchive.open(path).attributes["content"]) != old
    check_pairs(path, 2)


def test_a_folder_of_ones_own_is_cut_without_a_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    for name in ("one", "two", "three"):
        write(tmp_path / "own" / f"{name}.wav", speech(1.0, 7), 48_000)
    main([str(tmp_path / "own.h5"), "--r", "8", "--folder", str(tmp_path / "own")])
    PatchArchive.open(tmp_path / "own.h5").expect(folder="own", rate=16_000)


@pytest.mark.parametrize(
    "names",
    [
        ("LJ001-0001", "LJ001-0002", "LJ001-0003"),
        ("LJ001-0001", "LJ001-0002", "LJ002-0001", "LJ002-0002"),
        ("tone", "tone__0123abc", "other"),
    ],
)
def test_a_folder_that_the_tool_divides_is_never_refused_for_how_it_was_divided(
    names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    for number, name in enumerate(names):
        write(tmp_path / "own" / f"{name}.flac", speech(1.0, number), 16_000)
    found = []
    for split in ("train", "validation"):
        path = tmp_path / f"{split}.h5"
        main([str(path), "--r", "4", "--set", "single", "--split", split, "--folder", str(tmp_path / "own")])
        with h5py.File(path) as file:
            found.append({json.loads(line)["path"] for line in file["sources"].asstr()})
    assert found[0] | found[1] == {f"{name}.flac" for name in names}
    assert not found[0] & found[1]
    assert all(found)


def test_who_has_no_archive_of_pairs_is_told_what_cuts_one(tmp_path: Path) -> None:
    path = tmp_path / "x4.h5"
    with pytest.raises(TrainingError, match="there is no archive") as error:
        check_pairs(path, 4)
    assert f"python -m training.upsample.prepare {path} --r 4" in str(error.value)
    assert "training.data.patches" not in str(error.value)
