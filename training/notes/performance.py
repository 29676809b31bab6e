"""Plays a score as people do: tempo that breathes, chords that don't quite strike together, a tune that leads.

What comes back is the performed list, where each of its notes stands in the score, and the exact map of time between
the two. Two performances of one score are thus a pair of recordings whose alignment is known.

Sources of the habits and their sizes: Repp, *Patterns of note onset asynchronies in expressive piano performance*
(1996) and Goebl, *Melody lead in piano performance* (2001) for chords and leads; Todd, *A model of expressive timing*
(1985) for the arches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from training.notes.note import HIGHEST_PITCH, LOWEST_PITCH, Note, NoteList, end_s, pedalled
from training.notes.timecurve import TimeCurve, Times

GRID_S: Final = 0.05  # between knots of a tempo curve
FASTEST, SLOWEST = 2.2, 0.45  # tempo against the score's, fermatas apart
TOGETHER_S: Final = 1e-3  # notes of the score this close are one chord
SHORTEST_S: Final = 0.03


@dataclass(frozen=True)
class Style:
    """How freely somebody plays. The defaults are an average pianist."""

    rate: float = 1.0  # overall tempo against the score's
    walk: float = 0.08  # SD of the wandering of log tempo
    walk_s: float = 4.0  # for how long it remembers
    arch: float = 0.12  # log tempo at a phrase's ends under that of its middle
    steps: float = 0.1  # chance that a phrase takes another tempo
    step: float = 0.15  # SD of log tempo of such a step
    fermatas: float = 0.15  # chance of a hold at a phrase's end
    ritardando: float = 0.25  # log tempo lost over the last two seconds
    chord_spread_s: float = 0.012  # SD of the notes of a chord
    melody_lead_s: float = 0.015  # by which the highest note of a chord comes early
    rolled: float = 0.05  # share of chords of three or more that are arpeggiated
    lost: float = 0.0  # share of notes not played
    added: float = 0.0  # wrong or doubled notes, as a share
    articulation: float = 1.0  # factor on the notes' lengths
    velocity_spread: float = 0.05  # SD
    dynamics: float = 1.0  # factor on the distance of a velocity from the piece's mean
    lead_in_s: float = 0.3  # before the first note


def draw_style(rng: np.random.Generator) -> Style:
    """Draw a player, from strict to very free."""
    freedom = rng.uniform(0.3, 1.5)
    return Style(
        rate=float(np.exp(rng.uniform(np.log(0.75), np.log(1.35)))),
        walk=0.08 * freedom,
        walk_s=float(rng.uniform(2.0, 8.0)),
        arch=0.12 * freedom * rng.uniform(0.3, 1.5),
        steps=float(rng.uniform(0.0, 0.3)),
        fermatas=float(rng.uniform(0.0, 0.4)),
        ritardando=float(rng.uniform(0.0, 0.5)),
        chord_spread_s=float(rng.uniform(0.005, 0.025)),
        melody_lead_s=float(rng.uniform(0.0, 0.03)),
        rolled=float(rng.uniform(0.0, 0.2)),
        lost=float(rng.uniform(0.0, 0.05)),
        added=float(rng.uniform(0.0, 0.05)),
        articulation=float(rng.uniform(0.6, 1.1)),
        velocity_spread=float(rng.uniform(0.02, 0.08)),
        dynamics=float(rng.uniform(0.6, 1.4)),
        lead_in_s=float(rng.uniform(0.0, 2.0)),
    )


@dataclass(frozen=True)
class Performance:
    """A score as somebody played it."""

    notes: NoteList  # by onset
    origins: tuple[int, ...]  # index of each note in the score, -1 for an added one
    time: TimeCurve  # from score to performance


def time_between(first: Performance, second: Performance) -> TimeCurve:
    """The true map from one performance's seconds to another's, both of the same score."""
    return first.time.inverse().then(second.time)


def draw_curve(
    rng: np.random.Generator,
    seconds: float,
    style: Style,
    phrase_starts_s: Sequence[float] = (),
    holds: Sequence[tuple[float, float]] = (),
) -> TimeCurve:
    """Draw the tempo of a performance, as a map from score to performance.

    Parameters
    ----------
    rng
        Decides the wandering, the steps and the length of the holds.
    seconds
        Length of the score.
    style
        How free.
    phrase_starts_s
        Where the phrases begin; without any, lengths of 4 to 10 s are drawn.
    holds
        Stretches (start, stop) of the score that are held for 1.5 to 3 times as long.
    """
    knots = np.linspace(0.0, seconds, max(2, round(seconds / GRID_S)) + 1)
    middle = (knots[:-1] + knots[1:]) / 2.0
    starts = [*(s for s in phrase_starts_s if 0.0 < s < seconds)] if phrase_starts_s else _drawn_starts(rng, seconds)
    edges = [0.0, *starts, seconds]
    log_tempo = np.log(style.rate) + _walk(rng, len(middle), seconds / len(middle), style)
    for start, stop in pairwise(edges):
        inside = (middle >= start) & (middle < stop)
        place = (middle[inside] - start) / max(stop - start, 1e-9)
        log_tempo[inside] += style.arch * (1.0 / 3.0 - (2.0 * place - 1.0) ** 2)
        if start > 0.0 and rng.random() < style.steps:
            log_tempo[middle >= start] += rng.normal(0.0, style.step)
    log_tempo -= style.ritardando * np.clip(1.0 - (seconds - middle) / 2.0, 0.0, 1.0) ** 2
    pace = 1.0 / np.clip(np.exp(log_tempo), SLOWEST, FASTEST)
    for start, stop in holds:
        pace[(middle >= start) & (middle < stop)] *= rng.uniform(1.5, 3.0)
    return TimeCurve(knots, np.concatenate([[0.0], np.cumsum(pace * np.diff(knots))]))


def _drawn_starts(rng: np.random.Generator, seconds: float) -> list[float]:
    starts = [float(rng.uniform(4.0, 10.0))]
    while starts[-1] < seconds:
        starts.append(starts[-1] + float(rng.uniform(4.0, 10.0)))
    return starts[:-1]


def _walk(rng: np.random.Generator, count: int, step_s: float, style: Style) -> Times:
    """A random walk that is drawn back to 0 (Ornstein and Uhlenbeck's), standard deviation `style.walk`."""
    keep = float(np.exp(-step_s / style.walk_s))
    kicks = rng.standard_normal(count) * np.sqrt(1.0 - keep**2)
    value, walk = float(rng.standard_normal()), np.empty(count)
    for place, kick in enumerate(kicks):
        value = keep * value + kick
        walk[place] = value
    return walk * style.walk


def follow(notes: NoteList, curve: TimeCurve) -> NoteList:
    """Play notes exactly along a curve, and change nothing else."""
    onsets = curve.at([note.onset_s for note in notes])
    ends = curve.at([note.end_s for note in notes])
    return tuple(
        replace(note, onset_s=float(onset), seconds=float(end - onset))
        for note, onset, end in zip(notes, onsets, ends, strict=True)
    )


def perform(
    rng: np.random.Generator, score: NoteList, style: Style | None = None, phrase_starts_s: Sequence[float] = ()
) -> Performance:
    """Play a score.

    Parameters
    ----------
    rng
        Decides everything: the same state gives the same performance.
    score
        Notes at constant tempo, by onset.
    style
        How; None draws one.
    phrase_starts_s
        Where phrases begin (`Score.phrase_starts_s`); without any, they are drawn.

    Raises
    ------
    ValueError
        If there is nothing to play.
    """
    if not score:
        raise ValueError("a performance needs at least one note")
    style = style or draw_style(rng)
    chords = _chords(score)
    holds = [(score[chord[0]].onset_s, _next_onset(score, chords, place)) for place, chord in enumerate(chords)]
    last_s = end_s(score)
    edges = [start for start in phrase_starts_s if start > 0.0]
    held = [hold for hold in holds if any(abs(hold[1] - edge) < TOGETHER_S for edge in edges) or hold is holds[-1]]
    curve = draw_curve(
        rng, last_s, style, phrase_starts_s, [hold for hold in held if rng.random() < style.fermatas]
    )  # fmt: skip
    curve = TimeCurve(curve.source_s, curve.target_s + style.lead_in_s)
    onsets = _onsets(rng, score, chords, curve, style)
    played = [_played(rng, note, onset, curve, style, score) for note, onset in zip(score, onsets, strict=True)]
    kept = [(note, place) for place, note in enumerate(played) if rng.random() >= style.lost] or [(played[0], 0)]
    extra = [(_added(rng, note), -1) for note, _ in kept if rng.random() < style.added]
    every = _once_a_key(sorted([*kept, *extra], key=lambda pair: (pair[0].onset_s, pair[0].pitch)))
    return Performance(tuple(note for note, _ in every), tuple(origin for _, origin in every), curve)


def with_pedal(performance: Performance, changes_s: Sequence[float], late_s: float = 0.08) -> Performance:
    """Hold a piano's notes by the pedal, changed a little after each of `changes_s`.

    Parameters
    ----------
    performance
        As `perform` gave it.
    changes_s
        Seconds of the score: `Score.harmony_starts_s`.
    late_s
        How long after a change of harmony the pedal is lifted: so long the two chords sound into each other.
    """
    held = pedalled(performance.notes, performance.time.at(changes_s) + late_s)
    return replace(performance, notes=held)


def _chords(score: NoteList) -> list[list[int]]:
    """Indices of the notes that the score strikes together."""
    chords: list[list[int]] = []
    for place, note in sorted(enumerate(score), key=lambda pair: (pair[1].onset_s, pair[1].pitch)):
        if chords and note.onset_s - score[chords[-1][0]].onset_s < TOGETHER_S:
            chords[-1].append(place)
        else:
            chords.append([place])
    return chords


def _next_onset(score: NoteList, chords: list[list[int]], place: int) -> float:
    return score[chords[place + 1][0]].onset_s if place + 1 < len(chords) else end_s(score)


def _onsets(
    rng: np.random.Generator, score: NoteList, chords: list[list[int]], curve: TimeCurve, style: Style
) -> Times:
    """When every note is struck: the curve, and the hands' own deviations; chords never overtake each other."""
    exact = curve.at([score[chord[0]].onset_s for chord in chords])
    gaps = np.diff(exact, prepend=exact[0] - 1.0, append=exact[-1] + 1.0)
    onsets = np.empty(len(score))
    for place, chord in enumerate(chords):
        order = sorted(chord, key=lambda index: score[index].pitch)
        deviations = rng.normal(0.0, style.chord_spread_s, len(order))
        if len(order) > 1:
            deviations[-1] -= style.melody_lead_s
        if len(order) >= 3 and rng.random() < style.rolled:
            deviations += np.arange(len(order)) * rng.uniform(0.015, 0.07)
        bounded = np.clip(deviations, -0.45 * gaps[place], 0.45 * gaps[place + 1])
        onsets[order] = np.maximum(0.0, exact[place] + bounded)
    return onsets


def _played(
    rng: np.random.Generator, note: Note, onset: float, curve: TimeCurve, style: Style, score: NoteList
) -> Note:
    mean = 0.6
    velocity = mean + style.dynamics * (note.velocity - mean) + rng.normal(0.0, style.velocity_spread)
    length = float(curve.at(note.end_s) - curve.at(note.onset_s)) * style.articulation * rng.uniform(0.92, 1.05)
    return replace(
        note,
        onset_s=float(onset),
        seconds=max(SHORTEST_S, length),
        velocity=float(np.clip(velocity, 0.05, 1.0)),
    )


def _added(rng: np.random.Generator, note: Note) -> Note:
    """A slip of the finger: a neighbouring key, or the octave, a little beside the note that was meant."""
    pitch = note.pitch + int(rng.choice((-2, -1, 1, 2, -12, 12)))
    pitch = min(max(pitch, LOWEST_PITCH), HIGHEST_PITCH)
    onset = max(0.0, note.onset_s + float(rng.normal(0.0, 0.02)))
    return replace(
        note, pitch=pitch, onset_s=onset, seconds=max(SHORTEST_S, 0.5 * note.seconds), velocity=0.7 * note.velocity
    )


def _once_a_key(played: list[tuple[Note, int]]) -> list[tuple[Note, int]]:
    """Release a key before it is struck again."""
    following: dict[int, float] = {}
    released = []
    for note, origin in reversed(played):
        again = following.get(note.pitch)
        if again is not None and again > note.onset_s and note.end_s > again:
            note = replace(note, seconds=again - note.onset_s)
        following[note.pitch] = note.onset_s
        released.append((note, origin))
    return released[::-1]
