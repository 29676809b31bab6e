"""`shellac align` from end to end: two players, one piece, and the answer on paper and in the sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from engine import cli
from engine.audio.signal import ArraySignal
from engine.audio.timemap import TimeMap
from tests.engine.tools.align.playing import RATE, beats, played, tempo

SECONDS = 24.0


def shellac(*words: object) -> int:
    return cli.main([str(word) for word in words])


def written(path: Path, signal: ArraySignal) -> Path:
    soundfile.write(path, signal.samples, signal.rate, "PCM_16")
    return path


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return written(tmp_path / "reference.wav", played(SECONDS, 0))


def test_two_players_meet_in_the_table_and_in_the_sound(reference: Path, tmp_path: Path, capsys: Any) -> None:
    target = written(tmp_path / "target.wav", played(SECONDS, 1))
    out, map_ = tmp_path / "out.wav", tmp_path / "map.csv"
    assert shellac("align", reference, target, "-o", out, "--map", map_, "--json", "--quiet") == 0
    told = json.loads(capsys.readouterr().out)["align"]
    assert told["p_unrelated"] < 0.01
    assert told["verdict"]
    onsets = beats(SECONDS, 1)
    errors = np.abs(TimeMap.load(map_).target_at(onsets) - tempo(onsets))
    assert np.median(errors) < 0.010
    sound = soundfile.read(out)[0]
    assert len(sound) == round(SECONDS * RATE)
    # In the result every chord begins where the first player's does: the treble rises there as nowhere around.
    power = np.square(np.diff(sound))[: len(sound) // 240 * 240 - 240].reshape(-1, 240).sum(axis=1)  # of 10 ms
    before, after = (np.array([power[round(t * 100) + a : round(t * 100) + b].sum() for t in onsets])
                     for a, b in ((-6, -2), (2, 6)))  # fmt: skip
    assert np.mean(after > before) > 0.9


def test_a_cut_is_named_where_it_was_made(tmp_path: Path) -> None:
    whole = played(40.0, 0)
    shorter = np.concatenate([whole.samples[: 14 * RATE], whole.samples[24 * RATE :]]) * np.float32(0.7)
    pair = written(tmp_path / "whole.wav", whole), written(tmp_path / "cut.wav", ArraySignal(shorter, RATE))
    map_ = tmp_path / "map.json"
    assert shellac("align", *pair, "-o", tmp_path / "out.wav", "--map", map_, "--quiet") == 0
    (missing,) = [s for s in json.loads(map_.read_text())["segments"] if s["kind"] == "missing"]
    assert missing["reference_s"] == pytest.approx([14.0, 24.0], abs=0.5)
    sound = soundfile.read(tmp_path / "out.wav")[0]
    assert np.abs(sound[15 * RATE : 23 * RATE]).max() < 1e-4
    assert np.abs(sound[10 * RATE : 13 * RATE]).max() > 0.01


def test_another_piece_is_refused_and_can_be_forced(reference: Path, tmp_path: Path, capsys: Any) -> None:
    target = written(tmp_path / "target.wav", played(SECONDS, 1, piece=7))
    assert shellac("align", reference, target, "-o", tmp_path / "out.wav") == 3
    said = capsys.readouterr().err
    assert "do not seem to share music (p = " in said
    assert not (tmp_path / "out.wav").exists()
    assert shellac("align", reference, target, "-o", tmp_path / "out.wav", "--set", "force=true", "--quiet") == 0


def test_noise_shares_no_music(reference: Path, tmp_path: Path, capsys: Any) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, (round(SECONDS * RATE), 1)).astype(np.float32)
    assert (
        shellac("align", reference, written(tmp_path / "n.wav", ArraySignal(noise, RATE)), "-o", tmp_path / "o.wav")
        == 3
    )
    assert "do not seem to share music" in capsys.readouterr().err
