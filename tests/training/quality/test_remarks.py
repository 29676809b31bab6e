"""The remarks on a card follow from what was trained on and what was measured."""

from __future__ import annotations

import pytest

from training.data import Recording, recordings
from training.data.splits import ADMITTED
from training.quality.remarks import Seen, remarks, rendered, seen_on, shared


def recording(path: str, set_: str, speaker: str = "") -> Recording:
    return Recording(path, set_, "train", 44_100, 1.0, "CC0", "owner/name", 22_050.0, "", speaker=speaker)


def test_whoever_is_trained_on_and_measured_is_named_with_both_counts() -> None:
    trained = [recording(f"speech_single/{n}.flac", "speech_single") for n in range(3)]
    trained += [recording("violin/ann_mov1.mp3", "violin"), recording("own/x.wav", "own", speaker="Bo")]
    clean = [recording("speech_single/8.flac", "speech_single"), recording("violin/eve_mov2.mp3", "violin")]
    hiss = [recording("own/y.wav", "own", speaker="Bo"), *clean[:1]]
    assert shared(trained, {"under hiss": hiss, "clean": clean}) == [
        "training and validation share the speaker Bo (trained on 1 recording; measured: 1 under hiss): "
        "admitted by nobody",
        "training and validation share the speaker speech_single (trained on 3 recordings; measured: 1 under hiss, "
        "1 clean): one speaker is all there is; the sentences differ",
    ]


def test_the_sampled_piano_is_remarked_on_only_where_it_was_trained_on() -> None:
    (line,) = rendered([recording(f"piano_samples/{n}.flac", "piano_samples") for n in range(2)])
    assert "2 recordings" in line
    assert not rendered([recording("music/a.flac", "music")])


def test_a_card_that_isnt_of_the_weights_counts_as_trained_on_everything() -> None:
    card = {
        "files": {"weights.onnx": {"sha256": "aa", "training": {"licences": "clean"}}},
        "data": [
            {"name": "music", "licence": "CC0", "files": ["weights.onnx"]},
            {"name": "singing", "licence": "CC0", "files": ["other.onnx"]},
            {"name": "own", "licence": "own", "recordings": 12, "files": ["weights.onnx"]},
        ],
    }
    assert seen_on(card, "aa") == Seen("clean", frozenset({"music"}), own=12)
    assert seen_on(card, "bb") == Seen("all", None)
    assert seen_on({}, "aa") == Seen("all", None)


@pytest.mark.usefixtures("development_data")
def test_of_networks_trained_on_everything_every_admitted_overlap_is_told() -> None:
    lines = shared(recordings("train", "all"), {"clean": recordings("validation", "all")})
    assert {group for group in ADMITTED if any(f"share the {group} (" in line for line in lines)} == set(ADMITTED)
    assert len(lines) == len(ADMITTED)


@pytest.mark.usefixtures("development_data")
def test_what_restoration_says_of_itself_names_its_reader_and_its_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    seen = Seen("clean", frozenset({"speech_single", "piano_samples"}), own=4)
    monkeypatch.setattr("training.quality.remarks.seen_by", lambda room: seen)
    reader, piano, own, margin = remarks(["denoiser"])
    assert "speaker speech_single" in reader
    assert "sampled piano" in piano
    assert own.startswith("denoiser was also trained on 4 recordings")
    assert "caution = 3" in margin
