"""A performance breathes, and says exactly how: its map of time is the truth an aligner is judged by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.notes.composer import Score, compose_score
from training.notes.note import Note, NoteList
from training.notes.performance import Style, draw_curve, draw_style, perform, time_between, with_pedal
from training.notes.timecurve import TimeCurve

SEEDS = range(10)
STRICT = Style(
    walk=0.0, arch=0.0, steps=0.0, fermatas=0.0, ritardando=0.0, chord_spread_s=0.0, melody_lead_s=0.0, rolled=0.0,
    velocity_spread=0.0, lead_in_s=0.0,
)  # fmt: skip


def a_score(seed: int = 0) -> Score:
    return compose_score(np.random.default_rng(seed), "chorale", 30.0, 4, 40, 84)


def chords(count: int, notes: int = 4) -> NoteList:
    return tuple(Note(float(at), 0.9, 60 + 4 * part, 0.6) for at in range(count) for part in range(notes))


@pytest.mark.parametrize("seed", SEEDS)
def test_time_runs_forwards_on_both_sides(seed: int) -> None:
    score = a_score(seed)
    curve = perform(np.random.default_rng(seed), score.notes, None, score.phrase_starts_s).time
    assert (np.diff(curve.source_s) > 0.0).all()
    assert (np.diff(curve.target_s) > 0.0).all()
    at = np.linspace(0.0, 30.0, 5001)
    assert (np.diff(curve.at(at)) > 0.0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_tempo_is_never_constant_and_never_absurd(seed: int) -> None:
    curve = draw_curve(np.random.default_rng(seed), 40.0, draw_style(np.random.default_rng(seed)))
    tempo = np.diff(curve.source_s) / np.diff(curve.target_s)
    assert np.std(np.log(tempo)) > 0.01
    # Nowhere do ten seconds pass at one rate.
    for start in range(0, len(tempo) - 200, 100):
        assert np.ptp(np.log(tempo[start : start + 200])) > 0.01
    assert tempo.min() > 0.4
    assert tempo.max() < 2.5


def test_a_strict_player_plays_what_is_written() -> None:
    score = a_score().notes
    performance = perform(np.random.default_rng(0), score, STRICT)
    assert performance.origins == tuple(range(len(score)))
    np.testing.assert_allclose([n.onset_s for n in performance.notes], [n.onset_s for n in score], atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_note_lies_where_the_map_says_but_for_the_hands(seed: int) -> None:
    """Spread 12 ms, lead 15 ms, rolls up to 3 x 70 ms: nothing beyond that, and no note far from its chord."""
    score = a_score(seed).notes
    style = Style(lost=0.03, added=0.03)
    performance = perform(np.random.default_rng(seed), score, style)
    off = [
        note.onset_s - float(performance.time.at(score[origin].onset_s))
        for note, origin in zip(performance.notes, performance.origins, strict=True)
        if origin >= 0
    ]
    assert abs(np.median(off)) < 0.006
    assert max(map(abs, off)) < 0.3
    for note, origin in zip(performance.notes, performance.origins, strict=True):
        assert origin < 0 or note.pitch == score[origin].pitch


@pytest.mark.parametrize("spread_s", [0.005, 0.025])
def test_chords_spread_as_wide_as_asked(spread_s: float) -> None:
    score = chords(400)
    style = replace(STRICT, chord_spread_s=spread_s)
    performance = perform(np.random.default_rng(1), score, style)
    order = np.argsort(performance.origins)
    off = np.array([performance.notes[i].onset_s for i in order]) - np.array([note.onset_s for note in score])
    # 1600 draws: the standard error of a standard deviation is 1.8 %; the first chord can't come before 0.
    assert np.std(off[4:]) == pytest.approx(spread_s, rel=0.08)


def test_the_tune_leads_its_chord() -> None:
    performance = perform(np.random.default_rng(1), chords(200), replace(STRICT, melody_lead_s=0.02, lead_in_s=1.0))
    order = np.argsort(performance.origins)
    onsets = np.array([performance.notes[i].onset_s for i in order]).reshape(-1, 4)
    np.testing.assert_allclose(onsets[:, 3] - onsets[:, 0], -0.02, atol=1e-9)


def test_a_rolled_chord_rises() -> None:
    performance = perform(np.random.default_rng(1), chords(20), replace(STRICT, rolled=1.0))
    order = np.argsort(performance.origins)
    onsets = np.array([performance.notes[i].onset_s for i in order]).reshape(-1, 4)
    assert (np.diff(onsets, axis=1) >= 0.015 - 1e-9).all()


def test_a_fermata_holds_its_chord() -> None:
    plain = draw_curve(np.random.default_rng(3), 20.0, STRICT)
    held = draw_curve(np.random.default_rng(3), 20.0, STRICT, holds=[(8.0, 9.0)])
    longer = float(held.at(9.0) - held.at(8.0))
    assert 1.5 <= longer <= 3.0
    assert float(held.at(20.0) - plain.at(20.0)) == pytest.approx(longer - 1.0)


def test_notes_are_lost_and_added_at_the_rate_asked_for() -> None:
    score = chords(500)
    performance = perform(np.random.default_rng(2), score, replace(STRICT, lost=0.05, added=0.03))
    kept = sum(origin >= 0 for origin in performance.origins)
    added = len(performance.origins) - kept
    # 2000 notes: one standard deviation is 10 and 8 notes; four of them.
    assert 2000 - kept == pytest.approx(100, abs=40)
    assert added == pytest.approx(57, abs=32)


def test_a_key_is_released_before_it_is_struck_again() -> None:
    for seed in SEEDS:
        performance = perform(np.random.default_rng(seed), a_score(seed).notes)
        ends: dict[int, float] = {}
        for note in performance.notes:
            assert note.onset_s >= ends.get(note.pitch, 0.0) - 1e-9
            ends[note.pitch] = note.end_s


def test_the_pedal_changes_with_the_harmony() -> None:
    """Every note rings to just after the next chord, unless its key is struck again before."""
    score = compose_score(np.random.default_rng(5), "arpeggio", 20.0, 1, 36, 84)
    plain = perform(np.random.default_rng(1), score.notes, STRICT, score.phrase_starts_s)
    held = with_pedal(plain, score.harmony_starts_s, late_s=0.05)
    assert held.origins == plain.origins
    lifts = np.array([*score.harmony_starts_s, np.inf]) + 0.05
    for before, after in zip(plain.notes, held.notes, strict=True):
        assert (before.onset_s, before.pitch) == (after.onset_s, after.pitch)
        lift = lifts[np.searchsorted(lifts, before.end_s)]
        again = [note.onset_s for note in plain.notes if note.pitch == before.pitch and note.onset_s > before.onset_s]
        expected = min([lift, *again]) if np.isfinite(lift) else min([before.end_s, *again])
        assert after.end_s == pytest.approx(expected)


def test_the_map_between_two_performances_joins_their_maps() -> None:
    score = a_score().notes
    one, other = (perform(np.random.default_rng(seed), score) for seed in (1, 2))
    between = time_between(one, other)
    at = np.linspace(0.0, 30.0, 1001)
    # The chain of two piecewise linear maps is one: equal everywhere, up to rounding.
    np.testing.assert_allclose(between.at(one.time.at(at)), other.time.at(at), atol=1e-6)
    np.testing.assert_allclose(between.inverse().at(other.time.at(at)), one.time.at(at), atol=1e-6)
    assert np.abs(one.time.at(at) - other.time.at(at)).max() > 0.1


def test_a_curve_that_does_not_increase_is_refused() -> None:
    with pytest.raises(ValueError, match="increase strictly"):
        TimeCurve(np.array([0.0, 1.0, 1.0]), np.array([0.0, 1.0, 2.0]))


def test_a_seed_repeats_and_nothing_cannot_be_played() -> None:
    score = a_score().notes
    one, again, other = (perform(np.random.default_rng(seed), score) for seed in (1, 1, 2))
    assert one.notes == again.notes
    assert one.notes != other.notes
    with pytest.raises(ValueError, match="one note"):
        perform(np.random.default_rng(0), ())
