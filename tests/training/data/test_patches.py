"""An archive of patches is whole or isn't there, says what it was cut from, and gives the batch of a step."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.data.recordings_on_disk import tone, write, write_manifest
from training.data import patches, resampling
from training.data.archive import PatchArchive
from training.data.decoded import Samples
from training.data.patches import PatchPlan, as_decoded, cut, starts_of, write_archive
from training.errors import TrainingError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seventy short recordings, so that there are three parts; each holds its own number."""
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    place = tmp_path / "recordings"
    for number in range(70):
        write(place / f"{chr(97 + number // 26)}{chr(97 + number % 26)}.wav", np.full(300, number / 128), 8000)
    return place


def plan(folder: Path, **changes: object) -> PatchPlan:
    values = {"rate": 8000, "length": 100, "stride": 80, "folder": str(folder)} | changes
    return PatchPlan(**values)  # type: ignore[arg-type]


@given(st.integers(1, 3000), st.integers(1, 700), st.integers(1, 700))
def test_every_sample_of_a_recording_is_in_a_patch(frames: int, length: int, stride: int) -> None:
    starts = starts_of(frames, length, stride)
    if stride <= length:
        covered = np.zeros(frames, dtype=bool)
        for start in starts:
            covered[start : start + length] = True
        assert covered.all()
    assert starts[-1] + length == max(frames, length)
    signal = np.arange(1, frames + 1, dtype=np.float32)
    for start, patch in zip(starts, cut(signal, starts, length), strict=True):
        part = signal[start : start + length]
        np.testing.assert_array_equal(patch[: len(part)], part)
        assert not patch[len(part) :].any()


def test_an_archive_holds_what_its_recordings_hold_and_says_so(folder: Path, tmp_path: Path) -> None:
    count = write_archive(tmp_path / "out.h5", plan(folder))
    archive = PatchArchive.open(tmp_path / "out.h5")
    archive.expect(rate=8000, length=100, stride=80, split="train", licences="clean")
    with h5py.File(tmp_path / "out.h5") as file:  # read without our reader
        sources = [json.loads(line) for line in file["sources"].asstr()]
        data, source, start = file["data"][:], file["source"][:], file["start"][:]
    assert len(archive) == count == len(data) == 4 * len(sources)  # 0, 80, 160, 200
    assert start[:4].tolist() == [0, 80, 160, 200]
    for patch, number in zip(data, source, strict=True):
        name = Path(sources[number]["path"]).stem
        truth = (26 * (ord(name[0]) - 97) + ord(name[1]) - 97) / 128
        np.testing.assert_allclose(patch, truth, atol=4e-5)
    assert archive.attributes["licence"] == "the user's own recordings"
    assert archive.attributes["folder"] == "recordings"  # never where it lies on this machine
    assert str(tmp_path) not in json.dumps(dict(archive.attributes))
    archive.verify()
    assert not (tmp_path / "out.h5.parts").exists()


def test_an_interrupted_cut_goes_on_where_it_stopped(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_archive(tmp_path / "whole.h5", plan(folder))
    calls: list[int] = []

    def dying(samples: Samples, rate: int) -> Mapping[str, Samples]:
        calls.append(1)
        if len(calls) == 40:
            raise KeyboardInterrupt
        return as_decoded(samples, rate)

    with pytest.raises(KeyboardInterrupt):
        write_archive(tmp_path / "out.h5", plan(folder), dying)
    assert not (tmp_path / "out.h5").exists()
    before = len(calls)
    write_archive(tmp_path / "out.h5", plan(folder), dying)
    total = len(PatchArchive.open(tmp_path / "whole.h5")) // 4
    assert len(calls) - before == total - 32  # the first part was kept
    with h5py.File(tmp_path / "whole.h5") as whole, h5py.File(tmp_path / "out.h5") as out:
        for name in ("data", "source", "start", "valid"):
            np.testing.assert_array_equal(whole[name][:], out[name][:])


def test_a_full_disk_is_one_sentence_and_what_was_cut_is_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = np.savez
    writes: list[int] = []

    def filling(file: object, **arrays: object) -> None:
        writes.append(1)
        if len(writes) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        saved(file, **arrays)  # type: ignore[arg-type]

    monkeypatch.setattr(np, "savez", filling)
    with pytest.raises(TrainingError, match="is full: what was finished is kept"):
        write_archive(tmp_path / "out.h5", plan(folder))
    assert not (tmp_path / "out.h5").exists()
    assert [part.name for part in (tmp_path / "out.h5.parts").glob("*.npz")] == ["00000.npz"]
    write_archive(tmp_path / "out.h5", plan(folder))
    PatchArchive.open(tmp_path / "out.h5").verify()


def test_another_plan_or_another_recording_begins_anew(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    calls: list[int] = []

    def counted(samples: Samples, rate: int) -> Mapping[str, Samples]:
        calls.append(1)
        return as_decoded(samples, rate)

    write_archive(path, plan(folder), counted)
    used = len(calls)
    write_archive(path, plan(folder), counted)
    assert len(calls) == used  # nothing to do
    write_archive(path, plan(folder, stride=100), counted)
    assert len(calls) == 2 * used
    PatchArchive.open(path).expect(stride=100)
    changed = next(iter(sorted(folder.iterdir())))
    write(changed, tone(0.0375, rate=8000), 8000)
    write_archive(path, plan(folder, stride=100), counted)
    assert len(calls) == 3 * used


def test_another_licence_in_the_list_makes_another_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    path, place = tmp_path / "out.h5", tmp_path / "recordings"
    write(place / "a.wav", tone(0.1, rate=8000), 8000)
    for licence, source in (("CC0 1.0", "x/y"), ("CC BY 4.0", "x/y"), ("CC BY 4.0", "x/z")):
        write_manifest(
            place, f"a.wav,music,train,{licence},{source}", header="path,set,split,licence,source_repository"
        )
        write_archive(path, plan(place))
        attributes = PatchArchive.open(path).attributes
        assert attributes["licence"] == licence
        assert (source in attributes["attribution"]) == (licence == "CC BY 4.0")


def test_another_resampler_makes_another_archive(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("soxr")
    contents = []
    for has_soxr in (True, False):
        monkeypatch.setattr(resampling, "has_soxr", lambda has_soxr=has_soxr: has_soxr)
        write_archive(tmp_path / "out.h5", plan(folder, rate=11_025))
        contents.append(PatchArchive.open(tmp_path / "out.h5").read("data", [40, 41, 42]))
    assert not np.array_equal(*contents)


def test_a_second_command_for_the_same_archive_is_told_and_harms_nothing(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    (tmp_path / ".out.h5.lock").touch()  # by a command that was killed
    told: list[str] = []

    def interrupted(samples: Samples, rate: int) -> Mapping[str, Samples]:
        for stride in (80, 50):
            with pytest.raises(TrainingError) as caught:
                write_archive(path, plan(folder, stride=stride))
            told.append(str(caught.value))
        return as_decoded(samples, rate)

    count = write_archive(path, plan(folder), interrupted)
    assert set(told) == {f"{path} is being made by another command: wait until that has finished, or name another file"}
    archive = PatchArchive.open(path)
    archive.verify()
    assert len(archive) == count
    archive.expect(stride=80)
    assert [left.name for left in tmp_path.glob("*out.h5*")] == ["out.h5"]


def test_a_truncated_archive_is_refused_and_made_again(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    write_archive(path, plan(folder))
    whole = path.read_bytes()
    for size in (0, 100, 2000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(TrainingError, match="cut off or damaged"):
            PatchArchive.open(path)
    write_archive(path, plan(folder))
    PatchArchive.open(path).verify()


def test_a_flipped_bit_in_the_patches_is_found_by_a_check(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    write_archive(path, plan(folder))
    with h5py.File(path) as file:
        offset = file["data"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[offset + 1001] ^= 4
    path.write_bytes(content)
    with pytest.raises(TrainingError, match="'data' isn't what was written"):
        PatchArchive.open(path).verify()


def test_batches_follow_from_seed_and_step_and_visit_every_patch(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    count = write_archive(path, plan(folder))
    archive, again = PatchArchive.open(path), PatchArchive.open(path)
    steps = count // 8
    seen = [archive.batch(3, step, 8, ("source", "start")) for step in range(steps)]
    pairs = {pair for batch in seen for pair in zip(batch["source"].tolist(), batch["start"].tolist(), strict=True)}
    assert len(pairs) == 8 * steps
    np.testing.assert_array_equal(archive.batch(3, 5, 8)["data"], again.batch(3, 5, 8)["data"])
    assert not np.array_equal(archive.batch(3, 5, 8)["data"], archive.batch(4, 5, 8)["data"])


def test_pairs_are_cut_from_what_is_made_of_a_whole_recording(folder: Path, tmp_path: Path) -> None:
    def pair(samples: Samples, rate: int) -> Mapping[str, Samples]:
        return {"data": 0.5 * samples, "label": samples}

    write_archive(tmp_path / "pairs.h5", plan(folder, content="half"), pair)
    batch = PatchArchive.open(tmp_path / "pairs.h5").batch(0, 0, 16, ("data", "label"))
    np.testing.assert_array_equal(2 * batch["data"], batch["label"])
    assert batch["data"].shape == (16, 100)


def test_a_share_of_the_patches_is_drawn_the_same_way_again(folder: Path, tmp_path: Path) -> None:
    whole = write_archive(tmp_path / "all.h5", plan(folder))
    quarter = write_archive(tmp_path / "quarter.h5", plan(folder, share=0.25))
    assert quarter == pytest.approx(whole / 4, rel=0.35)  # binomial, n about 220: three standard deviations
    again = write_archive(tmp_path / "again.h5", plan(folder, share=0.25))
    other = write_archive(tmp_path / "other.h5", plan(folder, share=0.25, seed=1))
    archives = [PatchArchive.open(tmp_path / f"{name}.h5") for name in ("quarter", "again", "other")]
    starts = [archive.read("start", np.arange(len(archive))).tolist() for archive in archives]
    assert starts[0] == starts[1]
    assert again == quarter
    assert starts[0] != starts[2] or other != quarter


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("chunks", [None, True])
def test_an_archive_made_elsewhere_is_read_too(tmp_path: Path, axes: int, chunks: bool | None) -> None:
    data = np.random.default_rng(0).standard_normal((40, 64)).astype(np.float32)
    with h5py.File(tmp_path / "seed.h5", "w") as file:
        for name, content in (("data", data), ("label", -data)):
            file.create_dataset(name, data=content[..., None] if axes == 3 else content, chunks=chunks)
    archive = PatchArchive.open(tmp_path / "seed.h5")
    assert not archive.is_ours
    picks = [5, 0, 39, 5]
    np.testing.assert_array_equal(archive.read("label", picks), -data[picks])
    with pytest.raises(TrainingError, match="its rate is not stated, this needs 16000"):
        archive.expect(rate=16_000)
    with pytest.raises(TrainingError, match="no dataset 'low', but data, label"):
        archive.read("low", picks)


def test_what_cant_be_cut_is_said(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    with pytest.raises(TrainingError, match="there is no archive"):
        PatchArchive.open(path)
    for wrong in ({"rate": 0}, {"stride": 0}, {"length": -1}, {"share": 0.0}, {"share": 1.5}):
        with pytest.raises(TrainingError, match="must be"):
            write_archive(path, plan(folder, **wrong))
    with pytest.raises(TrainingError, match="there is no folder"):
        write_archive(path, plan(tmp_path / "nowhere"))
    write_archive(path, plan(folder))
    with pytest.raises(TrainingError, match="its rate is 8000, this needs 16000"):
        PatchArchive.open(path).expect(rate=16_000)
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file["a"], file["b"] = np.zeros((3, 4)), np.zeros((5, 4))
    with pytest.raises(TrainingError, match="holds no patches"):
        PatchArchive.open(tmp_path / "odd.h5")


def test_the_command_cuts_checks_and_says_what_is_wrong(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "out.h5")
    options = ["--rate", "8000", "--length", "100", "--stride", "80", "--folder", str(folder)]
    monkeypatch.setattr("sys.argv", ["patches", path, *options])
    patches.main()
    assert "patches of 100 samples, rate 8000, split train" in capsys.readouterr().out
    Path(path).write_bytes(Path(path).read_bytes()[:-10])
    monkeypatch.setattr("sys.argv", ["patches", path, "--check"])
    with pytest.raises(SystemExit) as ended:
        patches.main()
    assert ended.value.code == 1
    assert "remove it and make it again" in capsys.readouterr().err


def test_what_has_channels_is_cut_with_them() -> None:
    samples = np.arange(20, dtype=np.float32).reshape(10, 2)
    patches = cut(samples, np.array([0, 4]), 6)
    assert patches.shape == (2, 6, 2)
    np.testing.assert_array_equal(patches[1], samples[4:10])
    short = cut(samples[:4, :1], np.array([0]), 6)
    np.testing.assert_array_equal(short[0, :, 0], [0, 2, 4, 6, 0, 0])
