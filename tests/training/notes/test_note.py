"""Plain changes to note lists do what their names say, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.notes import note as notes_
from training.notes.note import Note

CHORD = (Note(0.0, 1.0, 60, 0.5), Note(0.0, 2.0, 64, 0.6), Note(1.0, 0.5, 67, 0.7))
NOTES = st.lists(
    st.builds(
        Note,
        onset_s=st.floats(0.0, 60.0),
        seconds=st.floats(0.01, 10.0),
        pitch=st.integers(0, 127),
        velocity=st.floats(0.0, 1.0),
    ),
    max_size=20,
).map(tuple)


@pytest.mark.parametrize(
    ("values", "said"),
    [((-0.1, 1.0, 60), "-0.1"), ((0.0, 0.0, 60), "0.0"), ((0.0, 1.0, 128), "128"), ((0.0, 1.0, 60, 1.2), "1.2"),
     ((float("nan"), 1.0, 60), "nan"), ((0.0, float("inf"), 60), "inf")],
)  # fmt: skip
def test_an_impossible_note_is_refused_with_its_value(values: tuple[float, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Note(*values)  # type: ignore[arg-type]


def test_transposing_and_stretching_by_hand() -> None:
    assert [note.pitch for note in notes_.transpose(CHORD, -12)] == [48, 52, 55]
    assert [(note.onset_s, note.seconds) for note in notes_.stretch(CHORD, 2.0)] == [(0, 2), (0, 4), (2, 1)]
    assert [note.onset_s for note in notes_.delay(CHORD, 0.5)] == [0.5, 0.5, 1.5]
    with pytest.raises(ValueError, match="127"):
        notes_.transpose(CHORD, 64)
    with pytest.raises(ValueError, match="-1"):
        notes_.stretch(CHORD, -1.0)


def test_an_excerpt_counts_from_its_start_and_ends_there() -> None:
    assert notes_.excerpt(CHORD, 0.5, 1.25) == (Note(0.5, 0.25, 67, 0.7),)


@given(NOTES, st.integers(0, 100))
def test_octaves_bring_every_note_into_the_range_and_keep_its_name(notes: notes_.NoteList, low: int) -> None:
    folded = notes_.within_range(notes, low, low + 11)
    assert all(low <= note.pitch <= low + 11 for note in folded)
    assert [note.pitch % 12 for note in folded] == [note.pitch % 12 for note in notes]


def test_a_note_inside_the_range_stays_where_it_is() -> None:
    assert notes_.within_range(CHORD, 60, 80) == CHORD
    assert [note.pitch for note in notes_.within_range(CHORD, 62, 74)] == [72, 64, 67]
    with pytest.raises(ValueError, match="60 to 70"):
        notes_.within_range(CHORD, 60, 70)


def test_the_pedal_holds_until_it_is_lifted_or_the_key_struck_again() -> None:
    played = (Note(0.0, 0.2, 60), Note(0.5, 0.2, 60), Note(0.6, 0.1, 64), Note(3.0, 0.5, 67))
    assert [note.end_s for note in notes_.pedalled(played, [2.0])] == [0.5, 2.0, 2.0, 3.5]


@settings(max_examples=50)
@given(NOTES)
def test_polyphony_is_the_deepest_overlap(notes: notes_.NoteList) -> None:
    """Counted another way: the overlap is deepest just when some note begins."""
    depths = [sum(other.onset_s <= note.onset_s < other.end_s for other in notes) for note in notes]
    assert notes_.polyphony(notes) == max(depths, default=0)


def test_the_fingerprint_knows_every_value() -> None:
    prints = {
        notes_.fingerprint(notes)
        for notes in ((Note(1, 1, 60),), (Note(2, 1, 60),), (Note(1, 2, 60),), (Note(1, 1, 61),),
                      (Note(1, 1, 60, 0.5),), (Note(1, 1, 60, voice=1),), ())
    }  # fmt: skip
    assert len(prints) == 7
    assert notes_.fingerprint(CHORD) == notes_.fingerprint(tuple(CHORD))
