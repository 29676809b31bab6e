"""How each kind of piece is written out over a plan: scales, arpeggios, chorales, melodies, chords."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np

from training.notes.chorale import Voicing, compass, lead, parallels
from training.notes.lines import Tone, line
from training.notes.note import Note
from training.notes.plan import Phrase, Plan
from training.notes.theory import Chord, Key

DOUBLINGS: Final = (0, 2, 4, 7, 9, 11)  # steps of the scale by which the voices of a run lie above the lowest
ORDERS: Final = ("up", "down", "wave", "alberti")
LEGATO: Final = 0.97  # share of its time a held note sounds, so that equal notes in a row stay two


def spelled(plan: Plan, phrase: Phrase, tones: list[Tone], voice: int, *, length: float = LEGATO) -> Iterator[Note]:
    """Turn tones into notes with the phrase's dynamics; strong beats and upper voices are a little louder."""
    for tone in tones:
        accent = 0.05 if tone.beat % plan.metre == 0.0 else 0.0
        velocity = min(1.0, phrase.swell(tone.beat) + accent + (0.06 if voice == 0 else 0.0))
        onset = (phrase.start_beat + tone.beat) * plan.beat_s
        yield Note(onset, tone.beats * plan.beat_s * length, tone.pitch, velocity, voice)


def scale(rng: np.random.Generator, plan: Plan, voices: int, low: int, high: int) -> Iterator[Note]:
    """Runs up and down, straight or in broken thirds; further voices run along in thirds, fifths and octaves."""
    value, length = float(rng.choice((0.25, 0.5, 0.5, 1.0))), float(rng.choice((0.5, 0.8, LEGATO)))
    for phrase in plan.phrases:
        material = phrase.material()
        lattice = plan.key.lattice(low, high)
        span = len(lattice) - DOUBLINGS[voices - 1]
        places = _run(material, round(phrase.beats / value), span)
        for voice in range(voices):
            step = DOUBLINGS[voices - 1 - voice]
            tones = [Tone(i * value, value, lattice[place + step]) for i, place in enumerate(places)]
            yield from spelled(plan, phrase, tones, voice, length=length)


def _run(rng: np.random.Generator, count: int, span: int) -> list[int]:
    """Places on a scale of `span` steps: to and fro, in one of three figures."""
    figure: tuple[int, ...] = ((0,), (0, 2), (0, 1, 2, 1))[int(rng.integers(3))]
    ladder = max(1, span - max(figure))
    width = int(rng.integers(min(7, ladder - 1), ladder)) if ladder > 1 else 0
    base = int(rng.integers(0, ladder - width))
    turn = [*range(width + 1), *range(width - 1, 0, -1)]
    start = 0 if rng.random() < 0.5 else width
    return [base + turn[(start + i // len(figure)) % len(turn)] + int(figure[i % len(figure)]) for i in range(count)]


def arpeggio(rng: np.random.Generator, plan: Plan, voices: int, low: int, high: int) -> Iterator[Note]:
    """Broken chords; each note is held until `voices` later ones have been struck."""
    value = float(rng.choice((0.25, 0.25, 0.5, 1.0 / 3.0)))
    octaves = int(rng.integers(1, 4))
    for phrase in plan.phrases:
        material = phrase.material()
        order, base = str(material.choice(ORDERS)), int(material.integers(low, max(low + 1, high - 23)))
        tones = []
        for place in range(round(phrase.beats / value)):
            chord = phrase.chord_at(place * value + 1e-9)
            ladder = _ladder(chord, base, min(high, base + 12 * octaves))
            within = place % max(1, round(phrase.chord_beats / value))
            tones.append(
                Tone(place * value, min(value * voices, phrase.beats), ladder[_rung(order, within, len(ladder))])
            )
        yield from spelled(plan, phrase, tones, 0)


def _ladder(chord: Chord, low: int, high: int) -> list[int]:
    """The chord's tones in a range, from its root where there is one low enough."""
    tones = [pitch for pitch in range(low, high + 1) if pitch % 12 in chord.pitch_classes]
    roots = [place for place, pitch in enumerate(tones) if pitch % 12 == chord.root]
    return tones[roots[0] :] if roots and len(tones) - roots[0] >= 3 else tones


def _rung(order: str, place: int, rungs: int) -> int:
    if order == "up":
        return place % rungs
    if order == "down":
        return rungs - 1 - place % rungs
    if order == "alberti":
        return min((0, 2, 1, 2)[place % 4], rungs - 1)
    turn: list[int] = [*range(rungs), *range(rungs - 2, 0, -1)]
    return turn[place % len(turn)]


def chorale(rng: np.random.Generator, plan: Plan, voices: int, low: int, high: int) -> Iterator[Note]:
    """A chord to a beat, note against note with passing notes."""
    yield from _led(rng, plan, voices, low, high, busy=float(rng.uniform(0.1, 0.4)))


def counterpoint(rng: np.random.Generator, plan: Plan, voices: int, low: int, high: int) -> Iterator[Note]:
    """The same leading, but always some voice in quavers and equal notes tied."""
    yield from _led(rng, plan, voices, low, high, busy=0.85)


def _led(rng: np.random.Generator, plan: Plan, voices: int, low: int, high: int, *, busy: float) -> Iterator[Note]:
    ranges, before = compass(voices, low, high), None
    is_tied = busy > 0.5 or rng.random() < 0.3
    known: dict[tuple[str, tuple[Chord, ...]], list[Voicing]] = {}
    for phrase in plan.phrases:
        material = phrase.material()
        key = (phrase.letter, phrase.chords)
        voicings = known.get(key)
        # A repeat is literal unless the join itself would make parallels.
        if voicings is None or (before is not None and parallels(before, voicings[0])):
            voicings = lead(material, phrase.chords, ranges, before)
            known.setdefault(key, voicings)
        before = voicings[-1]
        graced = _graced(phrase, plan.key, voicings, busy, low, high)
        for part in range(voices):
            tones = _part(voicings, graced, part, phrase.chord_beats, is_tied=is_tied)
            yield from spelled(plan, phrase, tones, voices - 1 - part)


def _graced(phrase: Phrase, key: Key, voicings: list[Voicing], busy: float, low: int, high: int) -> list[Voicing]:
    """What sounds in the second half of each chord: the same, or one or two voices on their way to the next."""
    rng = np.random.default_rng((phrase.seed, 2))
    halves = []
    for place, (now, then) in enumerate(zip(voicings, [*voicings[1:], voicings[-1]], strict=True)):
        half = now
        if place + 1 < len(voicings):
            lattice = key.lattice(low, high, raised=phrase.chords[place].is_dominant)
            for part in rng.permutation(len(now)):
                moved = _passing(half, then, int(part), lattice) if rng.random() < busy else None
                # Two voices that leave together could run in parallel on the half beat too.
                if moved and not parallels(moved, then) and not parallels(now, moved):
                    half = moved
        halves.append(half)
    return halves


def _passing(now: Voicing, then: Voicing, part: int, lattice: list[int]) -> Voicing | None:
    """Fill a third by its middle, a repeated note by its lower neighbour; None where neither fits."""
    low, high = sorted((now[part], then[part]))
    if low == high:
        between = [pitch for pitch in lattice if low - 2 <= pitch < low][-1:]
    else:
        between = [pitch for pitch in lattice if low < pitch < high]
    if len(between) != 1 or high - low > 4:
        return None
    moved = (*now[:part], between[0], *now[part + 1 :])
    return moved if all(a < b for a, b in pairwise(moved)) else None


def _part(voicings: list[Voicing], halves: list[Voicing], part: int, beats: int, *, is_tied: bool) -> list[Tone]:
    tones: list[Tone] = []
    for place, (now, half) in enumerate(zip(voicings, halves, strict=True)):
        is_same = half[part] == now[part]
        if is_tied and tones and tones[-1].pitch == now[part] and place % 4:
            last = tones.pop()
            tones.append(Tone(last.beat, last.beats + (beats if is_same else beats / 2), last.pitch))
        else:
            tones.append(Tone(place * beats, beats if is_same else beats / 2, now[part]))
        if not is_same:
            tones.append(Tone(place * beats + beats / 2, beats / 2, half[part]))
    return tones


def chords(rng: np.random.Generator, plan: Plan, voices: int, low: int, high: int) -> Iterator[Note]:
    """Chords in one of a few rhythms: held, repeated, or short after the beat."""
    yield from _accompaniment(rng, plan, voices, low, high, first_voice=0)


def _accompaniment(
    rng: np.random.Generator, plan: Plan, voices: int, low: int, high: int, first_voice: int
) -> Iterator[Note]:
    ranges, before = compass(voices, low, high), None
    length = float(rng.choice((0.5, LEGATO, LEGATO)))
    for phrase in plan.phrases:
        material = phrase.material()
        pattern = int(material.integers(3))
        voicings = lead(material, phrase.chords, ranges, before)
        before = voicings[-1]
        for place, voicing in enumerate(voicings):
            for beat, beats in _strokes(pattern, phrase.chord_beats):
                for part, pitch in enumerate(voicing):
                    tone = Tone(place * phrase.chord_beats + beat, beats, pitch)
                    yield from spelled(plan, phrase, [tone], first_voice + voices - 1 - part, length=length)


def _strokes(pattern: int, beats: int) -> list[tuple[float, float]]:
    if pattern == 0 or beats < 2:
        return [(0.0, float(beats))]
    if pattern == 1:
        return [(float(beat), 1.0) for beat in range(beats)]
    return [(0.0, 1.0), *((beat + 0.5, 0.5) for beat in range(1, beats))]


def melody(rng: np.random.Generator, plan: Plan, voices: int, low: int, high: int) -> Iterator[Note]:
    """A tune in voice 0; further voices accompany it in chords below."""
    yield from _tune(rng, plan, voices, low, high, is_fast=bool(rng.random() < 0.5))


def cantilena(rng: np.random.Generator, plan: Plan, voices: int, low: int, high: int) -> Iterator[Note]:
    """A slow tune without short notes, as a singer would shape it; rubato comes from the composer."""
    yield from _tune(rng, plan, voices, low, high, is_fast=False)


def _tune(rng: np.random.Generator, plan: Plan, voices: int, low: int, high: int, *, is_fast: bool) -> Iterator[Note]:
    floor, length = low, float(rng.choice((0.85, LEGATO)))
    if voices > 1:
        floor = low + max(13, 6 * (voices - 1) + 1, (high - low) // 2)
        yield from _accompaniment(rng, plan, voices - 1, low, floor - 1, first_voice=1)
    for part in plan.phrases:
        tones = line(part.material(), plan, part, min(floor, high - 12), high, is_fast=is_fast)
        yield from spelled(plan, part, tones, 0, length=length)
