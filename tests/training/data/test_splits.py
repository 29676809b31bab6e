"""No piece, speaker or session is heard in training and judged in validation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.data.recordings_on_disk import write_manifest
from training.data.manifest import Recording, read_manifest, recordings
from training.data.splits import ADMITTED, groups_of, overlaps, piece_of, split_by_piece
from training.errors import TrainingError


def row(path: str, split: str, set_: str = "music", source: str = "x/y") -> Recording:
    return Recording(path, set_, split, 44_100, 1.0, "CC0", source, 20_000.0, "")


def test_the_development_data_mix_nothing_but_what_their_readme_admits(development_data: Path) -> None:
    rows = read_manifest()
    assert overlaps(rows) == {}
    # Each admitted name is really needed: the list can't grow beyond the data.
    splits: dict[str, set[str]] = {}
    for one in rows:
        for group in groups_of(one):
            splits.setdefault(group, set()).add(one.split)
    assert {group for group, found in splits.items() if len(found) > 1} == set(ADMITTED)


@pytest.mark.parametrize(
    ("path", "set_", "group"),
    [
        ("speech_multi/actor_03/03-01-01-01-01-01-03.flac", "speech_multi", "speaker actor_03"),
        ("singing/actor_02/03-02-01-01-01-01-02.flac", "singing", "speaker actor_02"),
        ("violin/audio/minji-kim/minji-kim_bwv1003_mov3.opus", "violin", "performer minji-kim"),
        ("music/sms-tools/carnatic.flac", "music", "piece music/sms-tools/carnatic"),
    ],
)
def test_a_planted_overlap_is_found(development_data: Path, path: str, set_: str, group: str) -> None:
    rows = read_manifest()
    (original,) = [one for one in rows if one.path == path]
    other = "validation" if original.split == "train" else "train"
    moved = replace(original, path=path.replace(".flac", "-2.flac").replace(".opus", "-2.opus"), split=other)
    assert original.set == set_
    assert group in overlaps([*rows, moved])


def test_a_manifest_that_mixes_a_piece_is_refused(tmp_path: Path) -> None:
    lines = ("side 1.wav,train,44100,1", "side 2.wav,validation,44100,1")
    write_manifest(tmp_path, *lines, header="path,split,sample_rate,seconds")
    with pytest.raises(TrainingError, match=r"piece side \(side 1.wav, side 2.wav\): give each one split"):
        recordings("train", folder=tmp_path)


def test_a_manifest_that_names_pieces_and_speakers_is_believed(tmp_path: Path) -> None:
    header = "path,split,sample_rate,seconds,piece,speaker"
    write_manifest(tmp_path, "side 1.wav,train,44100,1,Aida,", "side 2.wav,validation,44100,1,Tosca,", header=header)
    assert len(recordings("train", folder=tmp_path)) == 1
    write_manifest(tmp_path, "a.wav,train,44100,1,x,Ann", "b.wav,validation,44100,1,y,Ann", header=header)
    with pytest.raises(TrainingError, match="speaker Ann"):
        recordings("train", folder=tmp_path)


def test_the_piece_is_the_name_up_to_its_last_number() -> None:
    assert piece_of("Aida/side 2 take 13.wav") == piece_of("Aida/Side 2 take 14.flac").replace(".flac", ".wav")
    assert piece_of("tone.wav") == "tone.wav".removesuffix(".wav")
    assert piece_of("01.wav") != piece_of("02.wav")
    assert piece_of("op27 no2 (take 3b).wav") == "op27 no2 (take"
    assert piece_of("A/x 1.wav") != piece_of("B/x 1.wav")


names = st.lists(
    st.text(alphabet="abcXYZ 0123456789-_()", min_size=1, max_size=12).map(lambda name: f"{name}.wav"),
    min_size=1,
    max_size=30,
    unique_by=str.lower,
)


@given(names)
def test_any_folder_is_divided_by_piece_into_two_splits(paths: list[str]) -> None:
    splits = split_by_piece(paths)
    assert splits == split_by_piece(paths[::-1])
    sides = [{path for path in paths if splits[path] == split} for split in ("train", "validation")]
    assert all(sides) or len(paths) == 1
    pieces = [{piece_of(path) for path in side} for side in sides]
    if len(pieces[0] | pieces[1]) > 1:
        assert not pieces[0] & pieces[1]


def test_about_a_fifth_is_kept_for_validation_and_a_new_recording_moves_no_other() -> None:
    paths = [f"piece {chr(97 + n // 26)}{chr(97 + n % 26)}.wav" for n in range(600)]
    before = split_by_piece(paths)
    share = sum(split == "validation" for split in before.values()) / 600
    assert share == pytest.approx(0.2, abs=0.05)  # binomial, n = 600: three standard deviations
    after = split_by_piece([*paths, "another.wav"])
    assert {path: after[path] for path in paths} == before


def test_rows_of_the_same_split_never_count_as_an_overlap() -> None:
    assert overlaps([row("a 1.wav", "train"), row("a 2.wav", "train")]) == {}
    assert list(overlaps([row("a 1.wav", "train"), row("a 2.wav", "validation")])) == ["piece a"]
