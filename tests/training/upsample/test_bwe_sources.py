"""Which sound the bandwidth networks learn from, and up to which frequency it counts."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.training.upsample.sounds import noise
from training.data import Recording, cached_mono, read_manifest, recordings
from training.upsample import bwe_sources
from training.upsample.bwe_sources import active_rms, find_wall, kind_of, sources


@pytest.mark.parametrize(("rate", "wall_hz"), [(44_100, 16_000.0), (48_000, 20_000.0), (44_100, 10_400.0)])
def test_a_wall_is_found_where_it_was_built(rate: int, wall_hz: float) -> None:
    assert find_wall(noise(3.0, rate, wall_hz), rate) == pytest.approx(wall_hz, rel=0.01)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_full_band_noise_has_no_wall(rate: int) -> None:
    assert find_wall(noise(3.0, rate), rate) == rate / 2.0


def test_a_natural_slope_is_no_wall() -> None:
    # 18 dB per octave, as a soft piano note falls.
    spectrum = np.fft.rfft(noise(3.0, 44_100))
    hertz = np.fft.rfftfreq(3 * 44_100, 1.0 / 44_100)
    falling = np.fft.irfft(spectrum / np.maximum(hertz / 500.0, 1.0) ** 3).astype(np.float32)
    assert find_wall(falling, 44_100) == 22_050.0


def test_silence_and_a_blink_have_no_wall() -> None:
    assert find_wall(np.zeros(44_100, dtype=np.float32), 44_100) == 22_050.0
    assert find_wall(np.zeros(10, dtype=np.float32), 44_100) == 22_050.0


def test_pauses_do_not_lower_the_level() -> None:
    # 8 blocks of sound, 8 of silence: the level is that of the sound.
    sound = np.concatenate([np.full(8 * 2048, 0.25), np.zeros(8 * 2048)]).astype(np.float32)
    assert active_rms(sound) == pytest.approx(0.25)


def test_the_walls_that_the_manifest_names_are_found(
    development_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path))
    named = {row: re.search(r"brick wall near ([\d.]+) kHz", row.note) for row in read_manifest()}
    # Every third: they take a tenth of a second each. Where two walls are in question the lower one is the safe one.
    rows = [(row, 1000.0 * float(found[1])) for row, found in named.items() if found and row.set in ("music", "violin")]
    assert len(rows) >= 10
    for row, wall_hz in rows[::3]:
        if wall_hz > 10_000.0:
            assert find_wall(np.asarray(cached_mono(row, row.rate)), row.rate) <= 1.02 * wall_hz, row.path


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
