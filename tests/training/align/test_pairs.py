"""What is known of a pair is true: clicks lie where the truth says, in every way of making one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from training.align import damage, material, pairs
from training.align.curves import SpeedCurve, disc_speed, drawn_tempo
from training.align.material import Voice, levelled, opening
from training.align.pair import Pair, Samples
from training.data import RATE
from training.notes import Note, Performance, Style, TimeCurve, fluidsynth, perform
from training.notes.midi import PlayedNote

CLICKS = (Voice(recorded="a click"), Voice(recorded="another"))
NOTES = tuple(Note(0.5 + 0.37 * k, 0.1, 60 + k % 12) for k in range(50))


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))


@pytest.fixture
def clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Play every note as one sample."""

    def clicked(notes: Sequence[Note], voice: Voice, seconds: float) -> Samples:
        sound = np.zeros(round(seconds * RATE), dtype=np.float32)
        sound[[round(note.onset_s * RATE) for note in notes]] = 1.0
        return sound

    monkeypatch.setattr(pairs, "sounded", clicked)


def clicks_at(sound: Samples) -> np.ndarray:
    return np.flatnonzero(sound) / RATE


@pytest.mark.usefixtures("clicks")
@pytest.mark.parametrize(
    "curve", [drawn_tempo(np.random.default_rng(1)), TimeCurve(np.array([0.0, 9.0, 20.0]), np.array([1.0, 8.0, 23.0]))]
)
def test_notes_that_are_bent_lie_where_the_truth_says(curve: SpeedCurve | TimeCurve) -> None:
    pair = pairs.played_bent("x", "x", NOTES, curve, CLICKS, semitones=2)
    np.testing.assert_allclose(clicks_at(pair.reference), pair.truth_reference_s, atol=1e-9)
    np.testing.assert_allclose(clicks_at(pair.target), pair.truth_target_s, atol=1e-9)
    assert len(pair.truth_reference_s) == len(NOTES)
    assert pair.cents == 200.0


def test_fluidsynth_begins_each_note_at_the_block_that_the_truth_names() -> None:
    if not fluidsynth.is_available():
        pytest.skip("FluidSynth or FluidR3 is missing here")
    notes = tuple(Note(0.3 + 1.1 * k + 0.0003 * k, 0.1, 72, 0.9) for k in range(6))
    pair = pairs.played_bent("x", "x", notes, SpeedCurve(1.1), (Voice(0), Voice(6)))
    for sound, truth in ((pair.reference, pair.truth_reference_s), (pair.target, pair.truth_target_s)):
        for moment in truth:
            frame = round(moment * RATE)
            # A struck string speaks within 2 ms; before it, what rings on of the note before has died away.
            assert np.abs(sound[frame - 200 : frame]).max() < 0.02 * np.abs(sound[frame : frame + 4000]).max()
            assert np.abs(sound[frame : frame + 90]).max() > 0.02 * np.abs(sound[frame : frame + 4000]).max()


@pytest.mark.parametrize(
    "curve", [drawn_tempo(np.random.default_rng(4)), disc_speed(np.random.default_rng(5), 4.0, 0.3)]
)
def test_a_recording_that_is_read_at_another_speed_has_its_clicks_where_the_truth_says(curve: SpeedCurve) -> None:
    moments = np.arange(1.0, 19.0, 0.25)
    time = np.arange(20 * RATE) / RATE
    sound = np.zeros(20 * RATE, dtype=np.float32)
    for moment in moments:
        near = slice(round((moment - 0.01) * RATE), round((moment + 0.01) * RATE))
        sound[near] = np.exp(-0.5 * ((time[near] - moment) / 0.0005) ** 2)
    pair = pairs.read_at_speed("x", "x", sound, RATE, curve)
    expected = np.interp(moments, pair.truth_reference_s, pair.truth_target_s)
    for moment, place in zip(moments, expected, strict=True):
        first = round((place - 0.01) * RATE)
        heard = pair.target[first : first + round(0.02 * RATE)].astype(np.float64)
        centre = (first + (heard @ np.arange(len(heard))) / heard.sum()) / RATE
        # The truth between two points of the grid, 50 ms apart, is a chord of the curve: up to 20 us off.
        assert centre == pytest.approx(place, abs=3e-5), moment
    on_grid = curve.target_at(pair.truth_target_s)
    np.testing.assert_allclose(on_grid, pair.truth_reference_s, atol=1e-10)


@pytest.mark.usefixtures("clicks")
def test_a_score_played_twice_alike_is_the_diagonal_and_spread_chords_are_at_their_medians() -> None:
    chords = tuple(Note(1.0 * k, 0.5, pitch) for k in range(1, 9) for pitch in (60, 64, 67))
    strict = Style(
        walk=0, arch=0, steps=0, fermatas=0, ritardando=0, chord_spread_s=0, melody_lead_s=0, rolled=0, lead_in_s=0
    )
    plain = perform(np.random.default_rng(0), chords, strict)
    late = tuple(Note(n.onset_s + (0.5 + 0.02 * (i % 3)), n.seconds, n.pitch) for i, n in enumerate(plain.notes))
    spread = Performance(late, plain.origins, TimeCurve(np.array([0.0, 1.0]), np.array([0.5, 1.5])))
    same = pairs.performed_twice("x", "x", chords, (plain, plain), CLICKS)
    np.testing.assert_array_equal(same.truth_reference_s, same.truth_target_s)
    other = pairs.performed_twice("x", "x", chords, (plain, spread), CLICKS)
    assert len(other.truth_reference_s) == 8
    # The middle note of three is 0.52 s later; both sides are rounded to samples.
    np.testing.assert_allclose(other.truth_target_s - other.truth_reference_s, 0.52, atol=1.0 / RATE)


def test_pianists_are_compared_by_the_chords_and_notes_that_both_played() -> None:
    def row(name: str | None, beat: float | None, onset: float | None) -> PlayedNote:
        return PlayedNote(None if onset is None else Note(onset, 0.2, 60), name, beat)

    first = [row("a", 0.0, 1.00), row("b", 0.0, 1.02), row("c", 0.0, 1.01), row("d", 1.0, 2.0), row(None, None, 2.5)]
    second = [row("a", 0.0, 5.00), row("b", 0.0, 5.06), row("c", 0.0, None), row("d", 1.0, 6.0)]
    chords = pairs.chord_onsets(first, second)
    np.testing.assert_allclose(chords[0], [1.01, 2.0])
    np.testing.assert_allclose(chords[1], [5.03, 6.0])
    np.testing.assert_allclose(pairs.note_onsets(first, second), [[1.0, 1.02, 2.0], [5.0, 5.06, 6.0]])


def test_noise_has_the_ratio_that_is_asked_for_in_the_band_that_is_heard() -> None:
    tone = np.sin(2.0 * np.pi * 1000.0 * np.arange(RATE) / RATE).astype(np.float32)
    noise = np.random.default_rng(0).standard_normal(RATE, dtype=np.float32)
    added = damage.with_noise(tone, noise, 6.0, RATE) - tone
    # White noise up to 22.05 kHz has half of its power below 11.025 kHz.
    heard = 0.5 * np.mean(added.astype(np.float64) ** 2)
    assert 10.0 * np.log10(0.5 / heard) == pytest.approx(6.0, abs=0.1)


def test_the_chain_of_a_disc_moves_nothing() -> None:
    burst = np.zeros(3 * RATE, dtype=np.float32)
    rng = np.random.default_rng(1)
    for start in range(RATE // 2, 3 * RATE - 4000, RATE // 3):
        burst[start : start + 2000] = rng.standard_normal(2000)
    nothing = np.zeros(0)
    pair = damage.on_disc(Pair("x", "x", burst, burst, RATE, nothing, nothing), seed=2)
    size = 2 * len(burst)
    likeness = np.fft.irfft(np.fft.rfft(pair.target, size) * np.conj(np.fft.rfft(burst, size)))
    assert int(np.argmax(np.abs(likeness))) == 0
    assert not np.allclose(pair.target, burst)


def test_an_excerpt_begins_half_a_second_after_its_start_and_keeps_its_tail_free() -> None:
    notes = opening(tuple(Note(0.1 + 0.5 * k, 3.0, 60) for k in range(100)), 20.0, start_s=5.0)
    assert notes[0].onset_s == pytest.approx(material.LEAD_S)
    assert max(note.onset_s for note in notes) < 20.0 - material.TAIL_S


def test_silence_is_not_made_louder() -> None:
    assert not levelled(np.zeros(10, dtype=np.float32)).any()
    assert np.sqrt(np.mean(levelled(np.ones(10, dtype=np.float32)) ** 2)) == pytest.approx(0.1)


def test_truth_that_runs_backwards_is_refused() -> None:
    sound = np.zeros(10, dtype=np.float32)
    with pytest.raises(ValueError, match="increase"):
        Pair("x", "x", sound, sound, RATE, np.array([1.0, 1.0]), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="1 and 2"):
        Pair("x", "x", sound, sound, RATE, np.array([1.0]), np.array([1.0, 2.0]))
