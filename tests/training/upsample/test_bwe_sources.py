"""Which sound the bandwidth networks learn from, and up to which frequency it counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.training.upsample.sounds import noise, source_of
from training.data import Recording, recordings
from training.upsample import bwe_sources
from training.upsample.bwe_sources import active_rms, facts_of, kind_of, sources


def test_what_a_recording_teaches_ends_where_its_wall_begins(tmp_path: Path) -> None:
    walled = facts_of(source_of(tmp_path, "mp3", noise(3.0, 44_100, 16_000.0), 44_100))
    assert 15_500.0 < walled.wall_hz <= 16_000.0
    assert facts_of(source_of(tmp_path, "disc", noise(3.0, 44_100), 44_100)).wall_hz == 22_050.0


def test_pauses_do_not_lower_the_level() -> None:
    # 8 blocks of sound, 8 of silence: the level is that of the sound.
    sound = np.concatenate([np.full(8 * 2048, 0.25), np.zeros(8 * 2048)]).astype(np.float32)
    assert active_rms(sound) == pytest.approx(0.25)


def test_no_validation_recording_and_no_non_commercial_one_is_trained_on(
    development_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(split: str, licences: str, sets: tuple[str, ...]) -> tuple[Recording, ...]:
        return tuple(row for row in recordings(split, licences) if row.set in sets)  # without decoding them all

    monkeypatch.setattr(bwe_sources, "usable_recordings", listed)
    sources.cache_clear()
    kept = {source.recording for pool in sources("clean").values() for source in pool if source.recording}
    sources.cache_clear()
    assert {row.split for row in kept} == {"train"}
    assert all(row.is_clean for row in kept)
    assert not kept & set(recordings("validation", "all"))
    assert {kind_of(row) for row in kept} == {"speech", "voices", "music", "notes"}


@pytest.mark.parametrize(
    ("path", "name", "note", "kind"),
    [
        ("music/librosa/198-209-0000.hq.ogg", "music", "LibriSpeech, female reader", "voices"),
        (
            "music/librosa/renamed.ogg",
            "music",
            "LibriSpeech, female reader",
            "voices",
        ),  # what it is called is no matter
        ("music/librosa/other.ogg", "music", "song with guitar, Karissa Hobbs; brick wall near 18.3 kHz", "voices"),
        ("music/librosa/humpback.ogg", "music", "whale song, US National Park Service", "music"),
        ("music/sms-tools/nessundorma.flac", "music", "brick wall near 16.1 kHz", "voices"),
        ("music/sms-tools/piano.flac", "music", "", "music"),
        ("speeches/violin.wav", "own", "", "music"),  # a folder says nothing of what it holds
        ("singing/actor_01/a.flac", "singing", "", "voices"),
        ("single/b.wav", "speech_single", "", "speech"),
        ("keys/c.wav", "piano_samples", "", "notes"),
    ],
)
def test_the_manifest_says_what_a_recording_is(path: str, name: str, note: str, kind: str) -> None:
    assert kind_of(Recording(path, name, "train", 44_100, 1.0, "CC0", "", 22_050.0, note)) == kind
