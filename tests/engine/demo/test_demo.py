"""The demo's recordings are there, small, attributed, and what they are said to be."""

from __future__ import annotations

import numpy as np
import soundfile

from engine.demo import paths
from engine.demo.make import AGED, RATE, SECONDS, aged_from


def test_two_recordings_of_24_seconds_take_less_than_3_mb() -> None:
    demo = paths()
    for path in (demo.clean, demo.aged):
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.frames, info.subtype) == (RATE, 1, SECONDS * RATE, "PCM_16")
    assert demo.clean.stat().st_size + demo.aged.stat().st_size < 3_000_000


def test_player_source_and_licence_are_named() -> None:
    text = paths().attribution.read_text(encoding="utf-8")
    for said in ("John Garner", "BWV 1002", "creativecommons.org/licenses/by/3.0", "bach-violin-dataset", "Age"):
        assert said in text
    assert f"seed {AGED['seed']}" in text
    assert f"hiss level {AGED['hiss_level']}" in text


def test_the_aged_recording_is_the_clean_one_through_age() -> None:
    clean, _ = soundfile.read(paths().clean, dtype="float32", always_2d=True)
    aged, _ = soundfile.read(paths().aged, dtype="float32", always_2d=True)
    # Another processor may round a sine differently, which can turn one step of 16 bits.
    assert np.abs(aged_from(clean) - aged).max() < 1.5 / 32768
    assert np.abs(aged).max() < 1.0
