"""Packed notes stand in for FluidSynth: in tune, on time, as loud, and held as long as they are asked for."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.data import Samples
from training.errors import TrainingError
from training.notes import fluidsynth
from training.notes.note import Note
from training.packing import presets

RATE = 44_100


def hertz_of(pitch: float) -> float:
    return 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """One held and one struck instrument, a sine every four semitones, three seconds each."""
    time = np.arange(round(3.3 * RATE)) / RATE
    rows = []
    for program, is_struck in ((40, 0), (0, 1)):
        for pitch in (60, 64, 68):
            decay = 10.0**-time if is_struck else np.ones_like(time)
            path = tmp_path / f"{program:03d}-{pitch}.flac"
            soundfile.write(path, 0.5 * np.sin(2 * np.pi * hertz_of(pitch) * time) * decay, RATE)
            rows.append(dict(zip(presets.COLUMNS, (path.name, program, pitch, 0.5, 3.0, is_struck, "MIT", "test"),
                                 strict=True)))  # fmt: skip
    with (tmp_path / presets.LISTING).open("w", newline="") as file:
        writer = csv.DictWriter(file, presets.COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def frequency(samples: Samples) -> float:
    """Of a sine: the peak of its spectrum, by parabola through three bins."""
    power = np.log(np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples))) + 1e-12)
    at = int(power.argmax())
    left, middle, right = power[at - 1 : at + 2]
    return float((at + 0.5 * (left - right) / (left - 2 * middle + right)) * RATE / (8 * len(samples)))


@pytest.mark.parametrize("pitch", [59, 60, 62, 66, 70])
def test_a_note_has_its_pitch(packed: Path, pitch: int) -> None:
    sound = presets.play(packed, (Note(0.0, 1.0, pitch, 0.5),), 40, 1.0, RATE)[:, 0]
    assert 1200 * abs(np.log2(frequency(sound[4410:39690]) / hertz_of(pitch))) < 1.0  # cents


def test_an_onset_is_on_time_and_a_release_ends(packed: Path) -> None:
    sound = presets.play(packed, (Note(0.5, 0.5, 60, 0.5),), 40, 2.0, RATE)
    assert sound.shape == (2 * RATE, 2)
    assert not sound[: RATE // 2].any()
    assert np.abs(sound[RATE // 2 : RATE // 2 + 100]).max() > 0.1
    assert not sound[round(1.26 * RATE) :].any()


def test_velocity_is_a_gain_of_its_square(packed: Path) -> None:
    soft, loud = (presets.play(packed, (Note(0.0, 1.0, 60, v),), 40, 1.0, RATE) for v in (0.25, 0.5))
    np.testing.assert_allclose(4.0 * soft, loud, atol=1e-6)


def test_a_held_instrument_is_held_without_gaps_and_a_struck_one_dies_away(packed: Path) -> None:
    held = presets.play(packed, (Note(0.0, 9.0, 60, 0.5),), 40, 9.0, RATE)[:, 0]
    blocks = np.sqrt(np.mean(held[: 88 * 4410].reshape(88, 4410) ** 2, axis=1))
    assert blocks.min() > 0.5 * 0.5 / np.sqrt(2.0)  # a seam of a sine may cancel to the half, no further
    struck = presets.play(packed, (Note(0.0, 9.0, 60, 0.5),), 0, 9.0, RATE)[:, 0]
    assert np.abs(struck[4 * RATE :]).max() == 0.0


def test_vibrato_swings_the_pitch_as_far_as_asked(packed: Path) -> None:
    vibrato = fluidsynth.Vibrato(rate_hz=5.0, depth_cents=50.0, delay_s=0.0)
    sound = presets.play(packed, (Note(0.0, 2.0, 60, 0.5),), 40, 2.0, RATE, vibrato=vibrato)[:, 0]
    # Around the crest at 1.05 s and the trough at 1.15 s of a 5 Hz swing.
    crest, trough = (frequency(sound[round((t - 0.02) * RATE) : round((t + 0.02) * RATE)]) for t in (1.05, 1.15))
    assert 1200 * np.log2(crest / trough) == pytest.approx(100.0, abs=10.0)


def test_fluidsynth_is_replaced_where_presets_are_packed(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_PRESETS", str(packed))
    assert fluidsynth.is_available()
    notes = (Note(0.0, 1.0, 62, 0.5),)
    np.testing.assert_array_equal(fluidsynth.render(notes, 40, 1.0), presets.play(packed, notes, 40, 1.0, RATE))
    with pytest.raises(TrainingError, match="program 73 isn't in this pack"):
        fluidsynth.render(notes, 73, 1.0)


def test_recorded_notes_of_fluidr3_sound_as_fluidsynth_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fluidsynth.is_available():
        pytest.skip("FluidSynth or FluidR3 isn't installed")
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    chosen = [s for s in presets.preset_sources((73,), RATE, 1) if s.facts["pitch"] in ("69", "73")]
    folder = tmp_path / "presets"
    folder.mkdir()
    count, size = presets.write_presets(folder, chosen, RATE, 10**7, 0)
    assert (count, len(list(folder.rglob("*.flac")))) == (len(chosen), len(chosen))
    assert size == sum(path.stat().st_size for path in folder.rglob("*.flac"))
    notes = (Note(0.1, 2.0, 71, 0.7),)
    ours, truth = presets.play(folder, notes, 73, 2.0, RATE), fluidsynth.render(notes, 73, 2.0)
    levels = [20 * np.log10(np.sqrt(np.mean(sound[RATE : round(1.8 * RATE)] ** 2))) for sound in (ours, truth)]
    assert abs(levels[0] - levels[1]) < 2.0
    pitches = [frequency(sound[RATE : round(1.8 * RATE)].sum(axis=1)) for sound in (ours, truth)]
    assert 1200 * abs(np.log2(pitches[0] / pitches[1])) < 15.0
