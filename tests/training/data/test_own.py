"""A person's folder of noise, music or whole transfers becomes material, and what can't be used is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from tests.training.data.recordings_on_disk import Samples, tone, write, write_manifest
from training.data import auditing
from training.data.own import Stretch, is_tonal, own_folder
from training.errors import TrainingError

RATE = 44_100


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    auditing._told.clear()
    own_folder.cache_clear()


def hiss(seconds: float, rate: int = RATE, level: float = 0.02, seed: int = 0) -> Samples:
    """Low-passed noise; truth made with another filter than the product's."""
    white = np.random.default_rng(seed).standard_normal(round(seconds * rate))
    return level * sosfilt(butter(2, 4000.0, fs=rate, output="sos"), white)


def intervals(stretches: tuple[Stretch, ...]) -> list[tuple[str, int, int]]:
    return [(s.recording.path, s.begin, s.begin + s.frames) for s in stretches]


def share_a_sample(one: tuple[Stretch, ...], other: tuple[Stretch, ...]) -> bool:
    return any(
        a[0] == b[0] and a[1] < b[2] and b[1] < a[2] for a in intervals(one) for b in intervals(other)
    )  # fmt: skip


def test_noise_of_any_rate_and_width_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "noise" / "a.wav", hiss(2.0, 48_000), 48_000)
    write(tmp_path / "Noise" / "b.flac", np.stack([hiss(0.6, 22_050)] * 2, axis=1), 22_050)
    write(tmp_path / "noise" / "c.ogg", hiss(1.0, seed=2))
    found = own_folder(tmp_path)
    assert {row.path for row in found.rows()} == {"noise/a.wav", "Noise/b.flac", "noise/c.ogg"}
    assert all(found.noise)
    assert not found.music[0]
    seconds = {s.recording.path: s.frames / RATE for side in found.noise for s in side}
    assert seconds["noise/a.wav"] == pytest.approx(2.0, abs=0.01)
    assert seconds["Noise/b.flac"] == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("files", [1, 2, 7])
def test_training_and_validation_share_no_sample(tmp_path: Path, files: int) -> None:
    for number in range(files):
        write(tmp_path / "noise" / f"side {chr(97 + number)}.wav", hiss(4.0, seed=number))
        write(tmp_path / "music" / f"tune {chr(97 + number)}.wav", tone(5.0, 200.0 + number))
    found = own_folder(tmp_path)
    for train, validation in (found.noise, found.music):
        assert train
        assert validation
        assert not share_a_sample(train, validation)


@pytest.mark.parametrize("seconds", [1.0, 1.7, 2.4, 2.6])
def test_a_second_of_noise_is_enough_for_both_splits(
    tmp_path: Path, seconds: float, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "noise" / "a.wav", hiss(seconds))
    train, validation = own_folder(tmp_path).noise
    assert not share_a_sample(train, validation)
    assert all(stretch.frames >= 0.5 * RATE for stretch in (*train, *validation))
    assert sum(stretch.frames for stretch in (*train, *validation)) == round(seconds * RATE)
    assert capsys.readouterr().err == ""


def test_two_passages_too_short_to_be_cut_go_into_one_split_each(tmp_path: Path) -> None:
    pauses = [hiss(0.7, level=0.005, seed=1), tone(2.0), hiss(0.8, level=0.005, seed=2), tone(2.0, 660.0)]
    write(tmp_path / "side.wav", np.concatenate(pauses))
    train, validation = own_folder(tmp_path).noise
    assert [len(train), len(validation)] == [1, 1]
    assert not share_a_sample(train, validation)


def test_noise_that_both_splits_must_hear_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "noise" / "a.wav", hiss(0.9))
    train, validation = own_folder(tmp_path).noise
    assert train == validation != ()
    own_folder(tmp_path)
    said = capsys.readouterr().err
    assert said.count("lasts 0.90 s, too short to be divided: validation hears the noise that is trained on") == 1


def test_the_lead_in_and_the_pause_of_a_transfer_are_its_noise(tmp_path: Path) -> None:
    music = np.concatenate([np.zeros(2 * RATE), tone(3.0), np.zeros(RATE), tone(3.0, 660.0), np.zeros(RATE // 4)])
    write(tmp_path / "side.wav", music + hiss(len(music) / RATE, level=0.005))
    found = own_folder(tmp_path)
    assert not found.music[0]
    begins_and_ends = sorted((s.begin / RATE, (s.begin + s.frames) / RATE) for side in found.noise for s in side)
    heard = np.zeros(len(music), dtype=bool)
    for begin, end in begins_and_ends:
        heard[round(begin * RATE) : round(end * RATE)] = True
    truth = np.zeros(len(music), dtype=bool)
    truth[: 2 * RATE] = truth[5 * RATE : 6 * RATE] = True  # the run-out of 0.25 s is too short
    assert not (heard & ~truth).any()
    assert (heard & truth).sum() > 0.9 * truth.sum()  # blocks of 50 ms at four edges


def test_held_tones_are_no_noise(tmp_path: Path) -> None:
    time = np.arange(3 * RATE) / RATE
    organ = sum(0.1 * np.sin(2 * np.pi * hertz * time) for hertz in (523.0, 659.0, 784.0))
    assert is_tonal((organ + hiss(3.0, level=0.001)).astype(np.float32))
    assert not is_tonal(hiss(0.5).astype(np.float32))
    hum = 0.1 * np.sin(2 * np.pi * 100.0 * time)
    assert not is_tonal((hum + hiss(3.0)).astype(np.float32))  # hum belongs to the noise
    write(tmp_path / "organ.wav", organ + hiss(3.0, level=0.001))
    with pytest.raises(TrainingError, match=r"nothing in .* can be used"):
        own_folder(tmp_path)


def test_what_cant_be_used_is_printed_with_a_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "noise" / "good.wav", hiss(1.0))
    write(tmp_path / "noise" / "short.wav", hiss(0.4))
    write(tmp_path / "noise" / "silent.wav", np.zeros(RATE))
    write(tmp_path / "music" / "quiet.wav", np.zeros(RATE))
    (tmp_path / "noise" / "text.wav").write_text("no audio")
    assert [row.path for row in own_folder(tmp_path).rows()] == ["noise/good.wav"]
    said = capsys.readouterr().err
    assert "4 of 5 recordings are left out:" in said
    assert "noise/short.wav lasts 0.40 s: noise must last 0.5 s or longer" in said
    assert "noise/silent.wav is silent" in said
    assert "music/quiet.wav is silent" in said
    assert "text.wav can't be read as audio" in said


def test_an_empty_or_missing_folder_is_said_with_what_to_put_there(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there is no folder"):
        own_folder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match=r"0 recordings found\): put noise alone"):
        own_folder(tmp_path / "empty")


def test_a_manifest_says_which_is_noise_and_which_split(tmp_path: Path) -> None:
    for name in ("x.wav", "y.wav"):
        write(tmp_path / name, hiss(1.0))
    write(tmp_path / "tune.wav", tone(4.0))
    write_manifest(tmp_path, "x.wav,noise,validation", "y.wav,noise,train", "tune.wav,songs,train",
                   header="path,set,split")  # fmt: skip
    found = own_folder(tmp_path)
    assert [s.recording.path for side in found.noise for s in side] == ["y.wav", "x.wav"]
    assert found.music_in("train")[0].recording.path == "tune.wav"


LICENSED = "path,set,split,licence,source_repository,note"


def licensed(folder: Path, *more: str) -> None:
    """A folder whose manifest states licences."""
    for number, name in enumerate(("mine", "free", "sold", "marked")):
        write(folder / f"{name}.wav", hiss(1.0, seed=number))
    write_manifest(
        folder, "mine.wav,noise,train,,,", "free.wav,noise,train,CC BY 4.0,some/one,",
        "sold.wav,noise,train,CC BY-NC 4.0,some/two,", "marked.wav,noise,train,CC0 1.0,,NON-COMMERCIAL", *more,
        header=LICENSED,
    )  # fmt: skip


def test_a_manifest_of_ones_own_separates_clean_from_non_commercial_recordings(tmp_path: Path) -> None:
    licensed(tmp_path)
    clean, everything = own_folder(tmp_path, "clean"), own_folder(tmp_path, "all")
    assert [(row.path, row.licence) for row in clean.rows()] == [("mine.wav", "own"), ("free.wav", "CC BY 4.0")]
    assert [row.path for row in everything.rows()] == ["mine.wav", "free.wav", "sold.wav", "marked.wav"]
    assert clean.listing_digest() != everything.listing_digest()


def test_another_licence_makes_another_listing(tmp_path: Path) -> None:
    licensed(tmp_path)
    before = own_folder(tmp_path).listing_digest()
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("CC BY 4.0", "CC BY 3.0"))
    own_folder.cache_clear()
    assert own_folder(tmp_path).listing_digest() != before


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("mine.wav,noise,train,all rights reserved,,", "nothing is known of the licence 'all rights reserved'"),
        ("mine.wav,noise,train,CC BY 4.0,,", "wants its author named"),
        (
            "side 1.wav,noise,train,,,\nside 2.wav,noise,validation,,,",
            "a piece or speaker stands in both splits, piece side",
        ),
    ],
)
def test_a_mistake_in_a_manifest_of_ones_own_is_said(row: str, said: str, tmp_path: Path) -> None:
    for name in ("mine", "side 1", "side 2"):
        write(tmp_path / f"{name}.wav", hiss(1.0))
    write_manifest(tmp_path, *row.split("\n"), header=LICENSED)
    with pytest.raises(TrainingError, match=said):
        own_folder(tmp_path)


def test_a_folder_of_non_commercial_recordings_alone_is_told_from_an_empty_one(tmp_path: Path) -> None:
    write(tmp_path / "sold.wav", hiss(1.0))
    write_manifest(tmp_path, "sold.wav,noise,train,CC BY-NC 4.0,some/two,", header=LICENSED)
    with pytest.raises(TrainingError, match=r"all 1 recordings .* take --data all"):
        own_folder(tmp_path)
    assert own_folder(tmp_path, "all").noise_in("train")


def test_other_recordings_make_another_listing(tmp_path: Path) -> None:
    write(tmp_path / "noise" / "a.wav", hiss(1.0))
    before = own_folder(tmp_path).listing_digest()
    assert own_folder(tmp_path).listing_digest() == before
    own_folder.cache_clear()
    write(tmp_path / "noise" / "b.wav", hiss(1.0, seed=1))
    assert own_folder(tmp_path).listing_digest() != before
