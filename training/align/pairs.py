"""Makers of pairs whose truth is exact: notes played twice, notes bent in time, a recording read at another speed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import numpy as np

from engine.audio.signal import ArraySignal
from engine.audio.warp import warp
from training.align.curves import SpeedCurve
from training.align.material import LEAD_S, TAIL_S, Voice, bent, sounded
from training.align.pair import Pair, Samples, Seconds
from training.data import RATE
from training.notes import NoteList, Performance, TimeCurve
from training.notes.midi import PlayedNote
from training.notes.note import end_s, transpose

GRID_S: Final = 0.05  # between the points of truth of a recording that is read at another speed
TOGETHER_S: Final = 1e-4  # points of truth this close are one


def played_bent(
    name: str,
    piece: str,
    notes: NoteList,
    curve: SpeedCurve | TimeCurve,
    voices: tuple[Voice, Voice],
    semitones: int = 0,
) -> Pair:
    """Play notes, and once more along a curve (from the reference's seconds to the target's) and transposed.

    The truth is every onset, as both instruments can play it.
    """
    move = curve.target_at if isinstance(curve, SpeedCurve) else curve.at
    onsets = np.array([note.onset_s for note in notes])
    ends = np.array([note.end_s for note in notes])
    second = transpose(bent(notes, move(onsets), move(ends)), semitones)
    reference = sounded(notes, voices[0], _length(notes))
    target = sounded(second, voices[1], _length(second))
    truth = distinct(voices[0].onset_s(onsets), voices[1].onset_s(move(onsets)))
    cents = 100.0 * semitones + voices[1].cents - voices[0].cents
    return Pair(name, piece, reference, target, RATE, *truth, cents=cents)


def performed_twice(
    name: str,
    piece: str,
    score: NoteList,
    performances: tuple[Performance, Performance],
    voices: tuple[Voice, Voice],
) -> Pair:
    """Play a score of ours as two people did; the truth is each chord's median onset over the notes both played."""
    sounds = [sounded(p.notes, v, _length(p.notes)) for p, v in zip(performances, voices, strict=True)]
    played = [
        {origin: note.onset_s for origin, note in zip(each.origins, each.notes, strict=True) if origin >= 0}
        for each in performances
    ]
    common = sorted(played[0].keys() & played[1].keys())
    points = _medians([(score[origin].onset_s, played[0][origin], played[1][origin]) for origin in common])
    truth = distinct(voices[0].onset_s(points[0]), voices[1].onset_s(points[1]))
    return Pair(name, piece, sounds[0], sounds[1], RATE, *truth)


def played_by_two(
    name: str,
    piece: str,
    performances: tuple[Sequence[PlayedNote], Sequence[PlayedNote]],
    voices: tuple[Voice, Voice],
    *,
    by_chord: bool = True,
) -> Pair:
    """Play two pianists' performances of one score (Vienna 4x22).

    Parameters
    ----------
    by_chord
        The truth is each chord's median onset; else every note's own, which no map of time alone can follow: where two
        notes come in another order, only the later of them is kept.
    """
    played = [tuple(row.note for row in rows if row.note is not None) for rows in performances]
    sounds = [sounded(notes, v, end_s(notes) + TAIL_S) for notes, v in zip(played, voices, strict=True)]
    points = chord_onsets(*performances) if by_chord else note_onsets(*performances)
    truth = distinct(voices[0].onset_s(points[0]), voices[1].onset_s(points[1]))
    return Pair(name, piece, sounds[0], sounds[1], RATE, *truth)


def note_onsets(first: Sequence[PlayedNote], second: Sequence[PlayedNote]) -> tuple[Seconds, Seconds]:
    """Return the onsets of the notes that both played, by the first's time."""
    there = {row.score_id: row.note.onset_s for row in second if row.note and row.score_id}
    both = [(r.note.onset_s, there[r.score_id]) for r in first if r.note and r.score_id in there and r.score_id]
    table = np.array(sorted(both))
    return table[:, 0], table[:, 1]


def chord_onsets(first: Sequence[PlayedNote], second: Sequence[PlayedNote]) -> tuple[Seconds, Seconds]:
    """Return the median onset of each chord of the score, over the notes that both played."""
    there = {row.score_id: row.note.onset_s for row in second if row.note and row.score_id}
    both = [
        (r.onset_beat, r.note.onset_s, there[r.score_id])
        for r in first
        if r.note and r.score_id in there and r.onset_beat is not None
    ]
    return _medians(both)


def _medians(notes: Sequence[tuple[float, float, float]]) -> tuple[Seconds, Seconds]:
    """Return the median onsets in both performances of the notes that stand at one place of the score."""
    chords = [np.array(list(chord)) for _, chord in groupby(sorted(notes), key=lambda row: row[0])]
    table = np.array([np.median(chord[:, 1:], axis=0) for chord in chords])
    return table[:, 0], table[:, 1]


def read_at_speed(name: str, piece: str, sound: Samples, rate: int, curve: SpeedCurve) -> Pair:
    """Read a recording along a curve that maps the copy's seconds to the recording's; truth on a grid of 50 ms."""
    seconds = len(sound) / rate
    length_s = float(curve.source_at(seconds))
    copy = warp(ArraySignal(sound[:, None].view(), rate), curve, round(length_s * rate)).read(0, round(length_s * rate))
    grid = np.arange(GRID_S, seconds - GRID_S, GRID_S)
    moved = curve.source_at(grid)
    kept = (moved > 0.0) & (moved < length_s)
    return Pair(name, piece, sound, copy[:, 0], rate, grid[kept], moved[kept])


def distinct(reference_s: Seconds, target_s: Seconds) -> tuple[Seconds, Seconds]:
    """Return the points by the reference's time, those together as one."""
    order = np.lexsort((target_s, reference_s))
    reference_s, target_s = reference_s[order], target_s[order]
    last = np.concatenate([np.diff(reference_s) > TOGETHER_S, [True]])
    return reference_s[last], target_s[last]


def _length(notes: NoteList) -> float:
    return max(note.onset_s for note in notes) + TAIL_S + LEAD_S
