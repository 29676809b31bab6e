"""Composed pieces obey the rules of harmony that a textbook names, and repeat with their seed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from training.notes.composer import KINDS, LED, PARTS, Score, compose, compose_score
from training.notes.instruments import INSTRUMENTS, Instrument
from training.notes.note import NoteList, polyphony

MAJOR, HARMONIC_AND_NATURAL_MINOR = {0, 2, 4, 5, 7, 9, 11}, {0, 2, 3, 5, 7, 8, 10, 11}
SEEDS = range(12)


def score_of(kind: str, seed: int, voices: int = 4, seconds: float = 24.0, low: int = 40, high: int = 88) -> Score:
    return compose_score(np.random.default_rng(seed), kind, seconds, voices, low, high)


def verticals(notes: NoteList, voices: int) -> list[list[int]]:
    """What each voice sounds, from the top, whenever anything begins; a voice holds its last note over a breath."""
    sounding: dict[int, int] = {}
    columns = []
    for _, group in itertools.groupby(notes, key=lambda note: round(note.onset_s, 6)):
        sounding |= {note.voice: note.pitch for note in group}
        columns.append([sounding[voice] for voice in range(voices)])
    return columns


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_note_is_in_the_key(kind: str, seed: int) -> None:
    score = score_of(kind, seed)
    assert score.plan is not None
    key = score.plan.key
    allowed = HARMONIC_AND_NATURAL_MINOR if key.is_minor else MAJOR
    assert {(note.pitch - key.tonic) % 12 for note in score.notes} <= allowed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("voices", range(1, 7))
def test_every_note_is_in_the_range_and_the_time(kind: str, voices: int) -> None:
    for seed, (low, high) in enumerate(((40, 88), (21, 108), (55, 103), (36, 81))):
        notes = compose(np.random.default_rng(seed), kind, 9.0, voices, low, high)
        assert notes
        assert low <= min(note.pitch for note in notes)
        assert max(note.pitch for note in notes) <= high
        assert max(note.end_s for note in notes) <= 9.0 + 1e-9


@pytest.mark.parametrize("kind", LED)
def test_ornaments_stay_in_the_narrowest_range(kind: str) -> None:
    """The bass often lies on the lowest note here, and its lower neighbour would be outside."""
    for seed in range(40):
        pitches = [note.pitch for note in compose(np.random.default_rng(seed), kind, 12.0, 1, 22, 34)]
        assert min(pitches) >= 22
        assert max(pitches) <= 34


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("voices", range(1, 7))
def test_no_more_notes_sound_at_once_than_there_are_voices(kind: str, voices: int) -> None:
    for seed in range(4):
        assert 1 <= polyphony(score_of(kind, seed, voices).notes) <= voices


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda instrument: instrument.name)
def test_a_tune_fits_every_instrument(instrument: Instrument) -> None:
    low, high = instrument.low, instrument.high
    for kind in ("melody", "phrase", "scale", "arpeggio"):
        notes = compose(np.random.default_rng(1), kind, 8.0, 1, low, high)
        assert {low <= note.pitch <= high for note in notes} == {True}


@pytest.mark.parametrize("kind", LED)
@pytest.mark.parametrize("voices", range(2, 7))
def test_led_voices_never_cross_and_never_move_in_parallel_fifths_or_octaves(kind: str, voices: int) -> None:
    checked = 0
    for seed in SEEDS:
        columns = verticals(score_of(kind, seed, voices, low=36, high=84).notes, voices)
        for column in columns:
            assert column == sorted(set(column), reverse=True)
        for before, after in itertools.pairwise(columns):
            for one, other in itertools.combinations(range(voices), 2):
                was, now = (before[one] - before[other]) % 12, (after[one] - after[other]) % 12
                checked += 1
                assert not (was == now and was in (0, 7) and before[one] != after[one]), (seed, before, after)
    assert checked > 300


@pytest.mark.parametrize("voices", range(1, 7))
def test_a_chorale_has_exactly_its_voices(voices: int) -> None:
    notes = score_of("chorale", 3, voices).notes
    assert {note.voice for note in notes} == set(range(voices))
    assert polyphony(notes) == voices


def test_chords_of_a_chorale_are_complete_triads() -> None:
    """On every beat of four voices: a root with its third and fifth, perhaps a seventh, by interval alone."""
    triads = {frozenset(c) for c in ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 8))}
    for seed in SEEDS:
        score = score_of("chorale", seed)
        assert score.plan is not None
        on_beats = [
            column
            for onset, column in zip(
                sorted({round(note.onset_s, 6) for note in score.notes}), verticals(score.notes, 4), strict=True
            )
            if abs(onset / score.plan.beat_s - round(onset / score.plan.beat_s)) < 1e-3
        ]
        for column in on_beats:
            shapes = [frozenset((pitch - root) % 12 for pitch in column) for root in column]
            assert any(shape - {10, 11} in triads or shape - {9} in triads for shape in shapes), column


def test_the_leading_tone_is_never_doubled() -> None:
    for seed in SEEDS:
        score = score_of("chorale", seed, 5)
        assert score.plan is not None
        for phrase in score.plan.phrases:
            for place, chord in enumerate(phrase.chords):
                at = (phrase.start_beat + place) * score.plan.beat_s
                struck = [note.pitch % 12 for note in score.notes if note.onset_s <= at + 1e-6 < note.end_s]
                if chord.degree == 4:
                    assert struck.count(score.plan.key.leading_tone) <= 1


@pytest.mark.parametrize("kind", ["melody", "chorale", "scale"])
def test_a_piece_ends_at_home(kind: str) -> None:
    """The last chord is the tonic: the lowest voice of a chorale ends on its root or third, a tune on a chord tone."""
    for seed in SEEDS:
        score = score_of(kind, seed)
        assert score.plan is not None
        assert score.plan.phrases[-1].chords[-1].degree == 0
        if kind != "scale":
            third = 3 if score.plan.key.is_minor else 4
            last_s = max(note.onset_s for note in score.notes)
            last = [note.pitch for note in score.notes if note.onset_s == last_s]
            assert {(pitch - score.plan.key.tonic) % 12 for pitch in last} <= {0, third, 7}


def test_phrases_return_note_for_note() -> None:
    returned = 0
    for seed in SEEDS:
        score = score_of("melody", seed, 1, 40.0)
        assert score.plan is not None
        tunes: dict[tuple[object, ...], list[int]] = {}
        for phrase in score.plan.phrases:
            start, stop = (beat * score.plan.beat_s for beat in (phrase.start_beat, phrase.start_beat + phrase.beats))
            tune = [note.pitch for note in score.notes if start - 1e-6 <= note.onset_s < stop - 1e-6]
            name = (phrase.letter, phrase.chords)
            returned += name in tunes
            assert tunes.setdefault(name, tune) == tune
    assert returned >= len(SEEDS)


def test_dynamics_rise_and_fall() -> None:
    velocities = [note.velocity for note in score_of("phrase", 2, 1).notes]
    assert np.std(velocities) > 0.05
    assert min(velocities) > 0.1


def test_a_phrase_has_rubato_and_a_melody_has_none() -> None:
    def beats(kind: str) -> set[float]:
        score = score_of(kind, 5, 1)
        assert score.plan is not None
        return {round(2 * note.onset_s / score.plan.beat_s % 1.0, 3) % 1.0 for note in score.notes}

    assert beats("melody") == {0.0} or beats("melody") == {0.0, 0.5}
    assert len(beats("phrase")) > 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_repeats_and_another_differs(kind: str) -> None:
    assert score_of(kind, 1).notes == score_of(kind, 1).notes
    assert score_of(kind, 1).notes != score_of(kind, 2).notes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("polka", 5.0, 1, 40, 80), "polka"),
        (("scale", 5.0, 7, 40, 88), "7"),
        (("chorale", 5.0, 6, 60, 80), "60 to 80"),
        (("melody", 5.0, 2, 60, 80), "60 to 80"),
        (("scale", 0.0, 1, 40, 80), "0.0"),
        (("scale", float("nan"), 1, 40, 80), "nan"),
    ],
)
def test_what_cannot_be_composed_is_refused_with_the_value(
    arguments: tuple[str, float, int, int, int], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        compose(np.random.default_rng(0), *arguments)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.3, 3.0])
def test_short_pieces_have_their_length(kind: str, seconds: float) -> None:
    notes = compose(np.random.default_rng(4), kind, seconds, 2, 48, 84)
    assert notes
    assert max(note.end_s for note in notes) <= seconds + 1e-9
