"""What a list or a folder says is what training gets: splits, licences, and one clear sentence where it can't be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.data.recordings_on_disk import tone, write, write_manifest
from training import data
from training.errors import TrainingError

ROWS = (
    "a.flac,music,train,44100,1,3.0,CC BY 4.0,x/y,12000,",
    "b.flac,music,train,44100,1,3.0,CC BY-NC 3.0,x/y,12000,NON-COMMERCIAL",
    "c.flac,speech_multi,train,48000,1,3.0,CC BY-NC-SA 4.0,x/y,12000,NON-COMMERCIAL",
    "d.flac,music,validation,44100,1,3.0,public domain,x/y,12000,",
    "e.mid,performances,train,,,3.0,none stated,x/y,,",
    "f.zip,performances,train,,,3.0,CC BY-NC-SA 4.0,x/y,,NON-COMMERCIAL",
    "g.mid,performances,validation,,,3.0,none stated,x/y,,",
)


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_manifest(tmp_path, *ROWS)
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path))
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    return tmp_path


@pytest.mark.usefixtures("listed")
def test_weights_that_are_sold_see_no_non_commercial_material() -> None:
    assert [row.path for row in data.recordings("train")] == ["a.flac"]
    assert [row.path for row in data.recordings("train", "all")] == ["a.flac", "b.flac", "c.flac"]


@pytest.mark.usefixtures("listed")
def test_splits_are_those_of_the_manifest() -> None:
    assert [row.path for row in data.recordings("validation", "all")] == ["d.flac"]


@pytest.mark.usefixtures("listed")
def test_performances_without_a_licence_are_measured_on_and_never_trained_on() -> None:
    assert [row.path for row in data.performances("train", "all")] == ["f.zip"]
    assert not data.performances("train")
    assert [row.path for row in data.performances("validation", "all")] == ["g.mid"]


@pytest.mark.usefixtures("listed")
def test_note_lists_count_among_what_weights_are_trained_on() -> None:
    rows = data.training_rows("all", ("music", "performances"))
    assert [row.path for row in rows] == ["a.flac", "b.flac", "f.zip"]
    with pytest.raises(TrainingError, match=r"performances .* hold nothing to train on \(clean licences\)"):
        data.training_rows("clean", ("performances",))


@pytest.mark.usefixtures("listed")
def test_a_misspelt_set_is_refused_and_one_that_only_isnt_at_hand_is_not() -> None:
    with pytest.raises(TrainingError, match="there is no set musik"):
        data.training_rows("clean", ("musik", "music"))
    assert [row.path for row in data.training_rows("clean", ("violin", "music"))] == ["a.flac"]


def test_an_unknown_choice_of_licences_is_refused(listed: Path) -> None:
    with pytest.raises(TrainingError, match='"clean" or "all", got \'some\''):
        data.recordings("train", "some")


def test_a_licence_nobody_knows_is_refused_with_its_recording(listed: Path) -> None:
    write_manifest(listed, *ROWS, "h.flac,music,train,44100,1,3.0,all rights reserved,x/y,12000,")
    with pytest.raises(TrainingError, match=r"'all rights reserved' of h\.flac"):
        data.recordings("train")
    assert len(data.recordings("validation")) == 1  # the other split is none the worse


def test_no_development_data_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(TrainingError, match="set SHELLAC_DATA to their folder"):
        data.recordings("train")
    with pytest.raises(FileNotFoundError):  # as whoever goes on without them asks
        data.read_manifest()


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("file,split", "a.wav,train", 'no column "path"'),
        ("path,split", "a.wav,test", "line 2: the split is 'test'"),
        ("path,split", ",train", "line 2: the path is missing"),
        ("path,split,sample_rate", "a.wav,train,44.1k", "line 2: sample_rate is '44.1k', not a number"),
        ("path,split,sample_rate", "a.wav,train,-44100", "line 2: sample_rate is '-44100', not a number of 0 or more"),
        ("path,split,seconds", "a.wav,train,nan", "line 2: seconds is 'nan', not a number of 0 or more"),
    ],
)
def test_a_mistake_in_a_manifest_is_named_with_its_line(tmp_path: Path, header: str, row: str, said: str) -> None:
    write_manifest(tmp_path, row, header=header)
    with pytest.raises(TrainingError) as caught:
        data.read_manifest(tmp_path)
    assert said in str(caught.value)


def test_a_manifest_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes("path,split\nBizet – Carmen é.wav,train\n".encode("cp1252"))
    with pytest.raises(TrainingError, match="save it as CSV in UTF-8"):
        data.read_manifest(tmp_path)


def test_a_short_manifest_of_a_person_takes_rate_and_length_from_the_files(tmp_path: Path) -> None:
    write(tmp_path / "one.wav", tone(1.5, rate=22_050), 22_050)
    write(tmp_path / "two.wav", tone(0.5))
    write_manifest(tmp_path, "one.wav,train", "two.wav,validation", header="\ufeffpath,split")  # as spreadsheets write
    (row,) = data.recordings("train", folder=tmp_path)
    assert (row.rate, row.seconds, row.licence, row.channels) == (22_050, 1.5, "own", 1)
    assert row.file == tmp_path / "one.wav"
    assert row.is_clean


FULL = {"sample_rate": "22050", "channels": "2", "seconds": "1.5"}


@pytest.mark.parametrize(
    ("is_own", "blank"),
    [*((True, [name]) for name in FULL), (True, [*FULL]), (False, ["seconds"]), (False, ["channels"])],
)
def test_what_a_list_leaves_open_is_read_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_own: bool, blank: list[str]
) -> None:
    monkeypatch.setenv("SHELLAC_DATA", str(tmp_path))
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    write(tmp_path / "one.wav", np.stack([tone(1.5, rate=22_050)] * 2, axis=1), 22_050)
    stated = ",".join("" if name in blank else value for name, value in FULL.items())
    write_manifest(tmp_path, f"one.wav,train,CC0 1.0,{stated}", header=f"path,split,licence,{','.join(FULL)}")
    (row,) = data.usable_recordings("train", folder=tmp_path if is_own else None)
    assert (row.rate, row.channels, row.seconds) == (22_050, 2, 1.5)


def test_a_row_of_a_person_without_a_rate_is_said_where_it_is_no_sound(tmp_path: Path) -> None:
    (tmp_path / "notes.mid").write_bytes(b"MThd")
    write_manifest(tmp_path, "notes.mid,train,,", header="path,split,sample_rate,seconds")
    result = data.audit(data.read_manifest(tmp_path))
    assert ["notes.mid can't be read as audio" in reason for _, reason in result.bad] == [True]


def test_a_folder_without_a_manifest_is_read_as_it_lies(tmp_path: Path) -> None:
    for name in ("Aida/take 1.wav", "Aida/take 2.flac", "Tosca/side.WAV", "Carmen.aiff", "Norma.ogg"):
        write(tmp_path / name, tone(0.3))
    write(tmp_path / ".hidden.wav", tone(0.3))
    (tmp_path / "notes.txt").write_text("not a recording")
    rows = data.read_manifest(tmp_path)
    assert [row.path for row in rows] == ["Aida/take 1.wav", "Aida/take 2.flac", "Carmen.aiff", "Norma.ogg",
                                          "Tosca/side.WAV"]  # fmt: skip
    assert {row.licence for row in rows} == {"own"}
    assert rows[0].split == rows[1].split  # two takes of a piece
    splits = [data.recordings(split, folder=tmp_path) for split in ("train", "validation")]
    assert len(splits[0]) + len(splits[1]) == 5
    assert all(splits)


def test_the_real_manifest_keeps_shipped_weights_clean(development_data: Path) -> None:
    rows = data.recordings("train")
    assert len(rows) > 500
    assert not [row.path for row in rows if "NC" in row.licence or "NON-COMMERCIAL" in row.note]
    assert not {"singing", "speech_multi", "performances"} & {row.set for row in rows}
