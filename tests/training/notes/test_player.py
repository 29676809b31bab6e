"""Recorded notes play in tune and on time; the old player's bits stay what the cached items were made of."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import soxr

from training.data import RATE, cached_mono, recordings
from training.notes import textures
from training.notes.note import Note
from training.notes.player import LayeredPlayer, layered_player, pitch_of, sample_players
from training.notes.sfz import read_regions
from training.notes.textures import ensemble


def strongest_hz(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**20))
    return float(spectrum.argmax() * RATE / 2**20)


def test_the_textures_draw_what_they_always_drew() -> None:
    """The digest was taken before the textures moved here: another one would mean other training items."""
    kinds = (textures.stride, textures.chords, textures.arpeggios, textures.melody, textures.ensemble)
    drawn = [
        [[float(n.onset_s), float(n.seconds), float(n.pitch), float(n.velocity)]
         for n in kind(np.random.default_rng(5), 10.0)] for kind in kinds
    ]  # fmt: skip
    digest = hashlib.sha256(json.dumps(drawn).encode()).hexdigest()
    assert digest == "78d05d4d067e692714eac9343c70d89dc1619c6dfae1d3520c9dfadd978abef6"


def test_the_old_player_plays_its_old_bits(development_data: Path) -> None:
    """Against the old formula, written out here: nearest sample, resampled, squared fade, summed, peak 0.5."""
    rows = {pitch_of(r): r for r in recordings("train") if r.path.startswith("violin_samples/violin/")}
    notes = ensemble(np.random.default_rng(3), 4.0)
    out = np.zeros(4 * RATE, dtype=np.float32)
    for note in notes:
        nearest = min(rows, key=lambda have, pitch=note.pitch: abs(have - pitch))
        sound = np.asarray(cached_mono(rows[nearest])[: 10 * RATE], dtype=np.float32)
        if nearest != note.pitch:
            ratio = 2.0 ** ((note.pitch - nearest) / 12.0)
            sound = np.asarray(soxr.resample(sound, RATE * ratio, RATE, quality="MQ"), dtype=np.float32)
        start, fade = round(note.onset_s * RATE), round(0.2 * RATE)
        sound = sound[: 8 * RATE][: round(note.seconds * RATE) + fade].copy()
        count = min(fade, len(sound))
        sound[len(sound) - count :] *= np.linspace(1.0, 0.0, count, dtype=np.float32) ** 2
        sound = sound[: max(0, len(out) - start)]
        out[start : start + len(sound)] += note.velocity * sound
    out = out * np.float32(0.5 / float(np.abs(out).max()))
    (violin,) = sample_players("violin")
    np.testing.assert_array_equal(violin.play(notes, 4.0, 0.2), out)
    assert len(sample_players("piano")) == 5


@pytest.mark.usefixtures("synthetic_notes")
@pytest.mark.parametrize("pitch", [57, 60, 65, 66, 67, 72, 78])
def test_a_resampled_note_is_in_tune(pitch: int) -> None:
    wanted = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    layered = layered_player("violin").play((Note(0.0, 1.5, pitch),), 1.4)
    plain = sample_players("violin")[0].play((Note(0.0, 1.5, pitch),), 1.4, 0.1)
    # A bin of the padded FFT is 0.04 Hz: 0.4 cents at the lowest note here.
    for sound in (layered, plain):
        assert abs(1200.0 * np.log2(strongest_hz(sound) / wanted)) < 0.5
    sharp = layered_player("violin").play((Note(0.0, 1.5, pitch),), 1.4, cents=30.0)
    assert 1200.0 * np.log2(strongest_hz(sharp) / wanted) == pytest.approx(30.0, abs=0.5)


@pytest.mark.usefixtures("synthetic_notes")
def test_a_layered_note_begins_on_time_and_falls_silent() -> None:
    sound = layered_player("violin").play((Note(0.5, 1.0, 60, 1.0),), 3.0)
    assert not sound[: round(0.499 * RATE)].any()
    # The recording's 20 ms of silence are left out, but for the millisecond before its attack.
    assert np.argmax(np.abs(sound) > 0.25) / RATE == pytest.approx(0.501, abs=1e-4)
    assert np.abs(sound[RATE : round(1.45 * RATE)]).max() > 0.2
    assert not sound[round(1.5 * RATE) + round(0.2 * RATE) + 1 :].any()


@pytest.mark.usefixtures("synthetic_notes")
def test_notes_add_up_and_velocity_is_squared() -> None:
    player = layered_player("violin")
    one, other = Note(0.0, 0.5, 60, 0.8), Note(0.3, 0.5, 67, 0.4)
    np.testing.assert_allclose(
        player.play((one, other), 1.0), player.play((one,), 1.0) + player.play((other,), 1.0), atol=1e-7
    )
    loud, soft = (np.abs(player.play((Note(0.0, 0.5, 60, v),), 1.0)).max() for v in (1.0, 0.5))
    assert loud / soft == pytest.approx(4.0, rel=1e-4)
    assert player.play((Note(2.0, 1.0, 60),), 1.0).shape == (RATE,)


@pytest.mark.usefixtures("synthetic_notes")
def test_an_instrument_that_was_not_recorded_is_refused() -> None:
    with pytest.raises(ValueError, match="tuba"):
        layered_player("tuba")
    with pytest.raises(ValueError, match="one recorded note"):
        LayeredPlayer([])


def test_the_map_of_a_small_instrument(tmp_path: Path) -> None:
    (tmp_path / "Data").mkdir()
    (tmp_path / "Data" / "FF.txt").write_text(
        "<region> lokey=021 hikey=60 pitch_keycenter=59 sample=$DYN B2.$EXT tune=-5 // a comment\n"
        "<region> lokey=61 hikey=108 pitch_keycenter=62 sample=$DYN C#3.$EXT offset=325 volume=1.5\n",
        encoding="utf-8",
    )
    (tmp_path / "a.sfz").write_text(
        "#define $EXT flac\n<control>\ndefault_path=Samples/\n<global>\nampeg_attack=1\n"
        '<group>\nlocc64=65\n#include "Data/FF.txt"\n'
        '<group>\nlovel=101\nhivel=127\n#define $DYN FF\n#include "Data/FF.txt"\n',
        encoding="utf-8",
    )
    low, high = read_regions(tmp_path / "a.sfz")
    assert (low.low, low.high, low.root, low.tune_cents) == (21, 60, 59, -5.0)
    assert (high.low_velocity, high.high_velocity, high.offset, high.volume_db) == (101, 127, 325, 1.5)
    assert low.sample.endswith("/Samples/FF B2.flac")
    assert high.sample.endswith("/Samples/FF C#3.flac")


def test_the_piano_s_map_covers_the_keyboard_in_every_dynamic(development_data: Path) -> None:
    regions = read_regions()
    assert {region.sample for region in regions} <= {row.path for row in recordings("train")}
    for velocity in (1, 40, 41, 67, 68, 84, 85, 100, 101, 127):
        for key in range(21, 109):
            fitting = [
                region for region in regions
                if region.low <= key <= region.high and region.low_velocity <= velocity <= region.high_velocity
            ]  # fmt: skip
            assert len(fitting) == 1, (velocity, key)


@pytest.mark.parametrize("pitch", [45, 60, 69, 81])
def test_the_recorded_piano_is_in_tune_and_on_time(development_data: Path, pitch: int) -> None:
    player = layered_player("piano")
    for velocity in (0.25, 0.6, 0.75, 0.95):
        sound = player.play((Note(0.25, 2.0, pitch, velocity),), 2.0)
        assert np.argmax(np.abs(sound) > 0.05 * np.abs(sound).max()) / RATE == pytest.approx(0.25, abs=0.004)
        wanted = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
        spectrum = np.abs(np.fft.rfft(sound[RATE // 2 :] * np.hanning(len(sound) - RATE // 2), 2**20))
        low, high = round(wanted / 1.03 * 2**20 / RATE), round(wanted * 1.03 * 2**20 / RATE)
        found = (low + spectrum[low:high].argmax()) * RATE / 2**20
        # A piano's tuning is stretched by a few cents.
        assert abs(1200.0 * np.log2(found / wanted)) < 10.0
