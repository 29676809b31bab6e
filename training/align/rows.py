"""The rows of the table: which pairs each has, what is known to be reachable, and what is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np

from training.align import damage, pairs, structure
from training.align.curves import SpeedCurve, disc_speed, drawn_tempo
from training.align.material import Voice, asap_performance, levelled, opening, sounded, vienna_performance
from training.align.pair import Pair, Samples
from training.data import RATE, read_manifest
from training.data.decoded import cached_mono
from training.notes import compose_score, draw_style, perform

Triple = tuple[float, float, float]  # mean, median, p95 in ms

# Romantic and late classical pieces of ASAP's validation split.
PIECES: Final = (
    ("Liszt S 145/1", "Liszt__Concert_Etude_S145__1.zip"),
    ("Chopin op 57", "Chopin__Berceuse_op_57.zip"),
    ("Schubert D 664", "Schubert__Piano_Sonatas__664-1.zip"),
    ("Beethoven op 90", "Beethoven__Piano_Sonatas__27-1.zip"),
    ("Beethoven op 26", "Beethoven__Piano_Sonatas__26-1_no_repeat.zip"),
)
GRAND, ELECTRIC, STEINWAY = Voice(0), Voice(2), Voice(recorded="piano")
# FluidR3's program 1 is its program 0 with another filter (correlation 0.999), so it is no other instrument.
VOICES: Final = ((GRAND, STEINWAY), (STEINWAY, GRAND), (GRAND, ELECTRIC), (ELECTRIC, STEINWAY), (STEINWAY, ELECTRIC))
RECORDINGS: Final = (
    "music/librosa/Kevin_MacLeod_-_Vibe_Ace.hq.ogg", "music/librosa/Kevin_MacLeod_-_P_I_Tchaikovsky_Dance_of_the_"
    "Sugar_Plum_Fairy.hq.ogg", "music/librosa/Karissa_Hobbs_-_Lets_Go_Fishin.hq.ogg", "music/sms-tools/orchestra.flac",
)  # fmt: skip
VIENNA: Final = (("Schubert D 783", "Schubert_D783_no15"), ("Mozart K 331", "Mozart_K331_1st-mov"))
PIANISTS: Final = ((1, 10), (4, 17))
COMPOSED: Final = ("chorale", "counterpoint", "phrase", "arpeggio", "chords")
NOISES: Final = ("", *damage.RECORDED)  # the first is white
# A copy begins and ends elsewhere: with equal ends the straight line is 0.3 ms off at 1 % and 0.3 % of wow.
LATE_S, SHORT_S = 0.83, 1.7
SEED_S: Final = 8.0
SEED_RATES: Final = (0.8, 0.9, 1.1, 1.2, 1.3, 1.4)
SEED_SHIFTS: Final = (0, 1, -1, 2, -2, 4, -4)


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    seconds: float = 300.0
    pieces: int = len(PIECES)
    variants: int = 99  # of a row's damages for each piece; fewer take turns

    def turn(self, piece: int, choices: int) -> range | list[int]:
        """Which of a row's variants a piece is measured with."""
        if self.variants >= choices:
            return range(choices)
        return sorted({(piece * self.variants + each) % choices for each in range(self.variants)})


QUICK: Final = Scale(seconds=60.0, pieces=3, variants=1)


@dataclass(frozen=True)
class Case:
    """A pair that is made when it's wanted."""

    name: str
    make: Callable[[], Pair]


@dataclass(frozen=True)
class Row:
    """One row: its cases, and with which figures of others and of the specification it stands."""

    key: str
    title: str
    cases: Callable[[Scale], Iterator[Case]]
    floor: str = ""
    published: str = ""  # the best peer, as measured before on other pieces
    target: str = ""
    goal: Triple | None = None  # mean, median, p95 in ms
    slices: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # stretches shown apart, see `Row.main`
    main: tuple[float, float] = (0.0, math.inf)  # what counts of the reference, in s; under 0: from its end
    finding: str = ""  # what else is measured: a key of `findings.FINDINGS`
    is_pooled: bool = True  # whether its points count for row 9
    is_ours_alone: bool = False  # peers say nothing about it


def t1(piece: int, scale: Scale, semitones: int = 0, cents: float = 0.0) -> Pair:
    """One performance of ASAP, and the same bent smoothly between 0.75 and 1.35, on another instrument."""
    name, archive = PIECES[piece]
    notes = opening(asap_performance(archive), scale.seconds)
    curve = drawn_tempo(np.random.default_rng([1, piece]))
    first, second = VOICES[piece % len(VOICES)]
    second = Voice(second.program, second.recorded, cents)
    return pairs.played_bent(name, name, notes, curve, (first, second), semitones)


def _clean(scale: Scale) -> Iterator[Case]:
    for piece in range(scale.pieces):
        yield Case(PIECES[piece][0], partial(t1, piece, scale))


def _composed(scale: Scale) -> Iterator[Case]:
    for piece in range(scale.pieces):
        yield Case(COMPOSED[piece], partial(composed_twice, piece, min(scale.seconds, 120.0)))


def composed_twice(piece: int, seconds: float) -> Pair:
    """A piece of ours, played by two people on two instruments."""
    rng = np.random.default_rng([2, piece])
    kind = COMPOSED[piece % len(COMPOSED)]
    voices = 1 if kind == "phrase" else 4
    score = compose_score(rng, kind, seconds, voices, 40, 88)
    played = tuple(perform(rng, score.notes, draw_style(rng), score.phrase_starts_s) for _ in range(2))
    return pairs.performed_twice(
        f"{kind} {piece}", f"composed {piece}", score.notes, (played[0], played[1]), VOICES[piece % len(VOICES)]
    )


def _noisy(scale: Scale) -> Iterator[Case]:
    for piece in range(scale.pieces):
        for number in sorted({0, *scale.turn(piece, len(NOISES))}):
            yield Case(f"{PIECES[piece][0]} {NOISES[number] or 'white'}", partial(in_noise, piece, number, scale))


def in_noise(piece: int, number: int, scale: Scale) -> Pair:
    """T1 with noise as loud as the music on its target."""
    clean, seed = t1(piece, scale), 100 * piece + number
    return damage.recorded(clean, 0.0, seed, NOISES[number]) if NOISES[number] else damage.white(clean, 0.0, seed)


def _transposed(scale: Scale) -> Iterator[Case]:
    choices = ((1, 0.0), (2, 0.0), (0, 50.0), (0, -50.0))
    for piece in range(scale.pieces):
        for number in scale.turn(piece, len(choices)):
            semitones, cents = choices[number]
            name = f"{PIECES[piece][0]} {100 * semitones + cents:+.0f} cents"
            yield Case(name, partial(t1, piece, scale, semitones, cents))


def _disc(scale: Scale) -> Iterator[Case]:
    for piece in range(scale.pieces):
        yield Case(f"{PIECES[piece][0]} disc", partial(another_on_disc, piece, scale))


def another_on_disc(piece: int, scale: Scale) -> Pair:
    """T1 on a disc that runs 4 % fast with 0.3 % of wow: the played target is read along the disc's curve."""
    played = t1(piece, scale)
    curve = disc_speed(np.random.default_rng([4, piece]), 4.0, 0.3)
    copy = pairs.read_at_speed(played.name, played.piece, played.target, played.rate, curve)
    moved = Pair(
        played.name, played.piece, played.reference, copy.target, played.rate, played.truth_reference_s,
        np.asarray(curve.source_at(played.truth_target_s)), cents=1200.0 * float(np.log2(1.04)),
    )  # fmt: skip
    return damage.on_disc(moved, seed=piece, hiss_db=10.0)


def _seed_protocol(scale: Scale) -> Iterator[Case]:
    count = 0
    for piece in range(scale.pieces):
        for start in (0.0, 20.0) if scale.variants == 1 else (0.0, 20.0, 40.0, 60.0):
            yield Case(f"{PIECES[piece][0]} {start:.0f} s", partial(seed_pair, piece, start, count))
            count += 1


def seed_pair(piece: int, start_s: float, number: int) -> Pair:
    """Eight seconds at one constant rate, transposed by MIDI, cut so that their ends belong together."""
    factor, semitones = SEED_RATES[number % len(SEED_RATES)], SEED_SHIFTS[number % len(SEED_SHIFTS)]
    return excerpt_pair(piece, start_s, SpeedCurve(factor), semitones)


def excerpt_pair(piece: int, start_s: float, curve: SpeedCurve, semitones: int = 0) -> Pair:
    """Eight seconds and the same along a curve, cut so that their ends belong together."""
    name, archive = PIECES[piece]
    notes = opening(asap_performance(archive), SEED_S + 3.0, start_s)
    full = pairs.played_bent(f"{name} {start_s:.0f} s {semitones:+d}", name, notes, curve, VOICES[0], semitones)
    inside = full.truth_reference_s < SEED_S
    return replace(
        full,
        reference=full.reference[: round(SEED_S * RATE)],
        target=full.target[: round(float(curve.target_at(SEED_S)) * RATE)],
        truth_reference_s=full.truth_reference_s[inside],
        truth_target_s=full.truth_target_s[inside],
    )


def _vienna(by_chord: bool, scale: Scale) -> Iterator[Case]:
    for piece in range(len(VIENNA)):
        for number, pianists in enumerate(PIANISTS):
            name = f"{VIENNA[piece][0]} {pianists[0]:02d}-{pianists[1]:02d}"
            yield Case(name, partial(vienna_pair, piece, number, by_chord))


def vienna_pair(piece: int, number: int, by_chord: bool) -> Pair:
    """Two pianists' performances of one of Vienna's pieces."""
    title, file = VIENNA[piece]
    first, second = PIANISTS[number]
    both = (vienna_performance(file, first), vienna_performance(file, second))
    voices = (STEINWAY, GRAND) if number % 2 else (GRAND, STEINWAY)
    return pairs.played_by_two(f"{title} {first:02d}-{second:02d}", title, both, voices, by_chord=by_chord)


def _same(scale: Scale) -> Iterator[Case]:
    for number, path in enumerate(RECORDINGS[: 2 if scale.variants == 1 else None]):
        yield Case(path, partial(same_recording, number, path, scale.seconds))
    for piece in range(1 if scale.variants == 1 else scale.pieces):
        yield Case(PIECES[piece][0], partial(same_render, piece, scale))


def same_recording(number: int, path: str, seconds: float) -> Pair:
    """A real recording and its own copy from a disc that turns 1 % fast, off its centre."""
    row = next(row for row in read_manifest() if row.path == path)
    sound = np.array(cached_mono(row)[: round(seconds * RATE)])
    return _copied(row.path.rpartition("/")[2].split(".")[0], levelled(sound), 60 + number)


def same_render(piece: int, scale: Scale) -> Pair:
    """The same with T1's reference."""
    name, archive = PIECES[piece]
    notes = opening(asap_performance(archive), scale.seconds)
    return _copied(name, sounded(notes, STEINWAY, scale.seconds), 70 + piece)


def _copied(name: str, sound: Samples, seed: int) -> Pair:
    curve = disc_speed(np.random.default_rng([6, seed]), 1.0, 0.3)
    pair = structure.offset(pairs.read_at_speed(name, name, sound, RATE, curve), LATE_S, SHORT_S)
    facts = {"speed": curve.slope, "wow": 0.003, "wow_hz": curve.swings[0].hertz}
    return replace(damage.on_disc(pair, seed), facts=facts, cents=1200.0 * float(np.log2(curve.slope)))


def _edited(scale: Scale) -> Iterator[Case]:
    for piece in range(scale.pieces):
        for number in scale.turn(piece, 4) if scale.variants > 1 else (piece % 4, (piece + 2) % 4):
            yield Case(f"{PIECES[piece][0]} edit {number}", partial(edited, piece, number, scale))


def edited(piece: int, number: int, scale: Scale) -> Pair:
    """T1 with a cut of 20 s, a repeat of 15 s, two swapped stretches, or talk of 20 s before it."""
    pair = t1(piece, scale)
    # Seams between notes' starts somewhere about the middle, other ones for every piece.
    middle = pair.target_s * (0.45 + 0.04 * piece)
    if number == 0:
        return structure.cut(pair, middle - 10.0, 20.0)
    if number == 1:
        return structure.repeated(pair, middle, 15.0)
    if number == 2:
        return structure.swapped(pair, middle, min(15.0, pair.target_s / 5.0))
    return structure.talked_before(pair, 20.0)


def _verdicts(scale: Scale) -> Iterator[Case]:
    count = scale.pieces
    for piece in range(count):
        for other in range(count) if scale.variants > 1 else ((piece + 1) % count,):
            if other != piece:
                yield Case(f"{PIECES[piece][0]} and {PIECES[other][0]}", partial(strangers, piece, other, scale))
    for kind in ("noise", "speech", "hum"):
        yield Case(f"{PIECES[0][0]} and {kind}", partial(no_music, 0, kind, scale))
    for piece in range(count):
        yield Case(f"{PIECES[piece][0]} clean", partial(t1, piece, scale))
        yield Case(f"{PIECES[piece][0]} white", partial(in_noise, piece, 0, scale))
        yield Case(f"{PIECES[piece][0]} disc", partial(another_on_disc, piece, scale))


def strangers(piece: int, other: int, scale: Scale) -> Pair:
    """The reference of one piece and the target of another."""
    first, second = t1(piece, scale), t1(other, scale)
    return _unrelated(f"{first.name} and {second.name}", first, second.target)


def no_music(piece: int, kind: str, scale: Scale) -> Pair:
    """The reference of one piece, and noise, talk or hum."""
    first = t1(piece, scale)
    if kind == "noise":
        return _unrelated(f"{first.name} and noise", first, damage.noise_alone(first.reference_s, 8))
    if kind == "speech":
        return _unrelated(f"{first.name} and speech", first, structure.talk(first.rate, first.reference_s))
    time = np.arange(round(first.reference_s * first.rate)) / first.rate
    hum = sum(np.sin(2.0 * np.pi * 50.0 * (k + 1) * time) / (k + 1) for k in range(6))
    return _unrelated(f"{first.name} and hum", first, levelled(np.asarray(hum, dtype=np.float32)))


def _unrelated(name: str, pair: Pair, target: Samples) -> Pair:
    nothing = np.zeros(0)
    return Pair(name, pair.piece, pair.reference, target, pair.rate, nothing, nothing, is_related=False)


def _sure(scale: Scale) -> Iterator[Case]:
    """What rows 2, 4 and 7 hold, for whoever asks for row 9 alone."""
    for cases in (_noisy, _disc, _edited):
        yield from cases(scale)


ROWS: Final = (
    Row(
        "1", "T1 clean: ASAP, bent 0.75 to 1.35, another instrument", _clean, "0", "mel 6.8/5.9/15",
        "6/4.5/15 (step 1: 7/6/16)", (7.0, 6.0, 16.0),
    ),
    Row(
        "1c", "our own pieces, performed twice, two instruments, chord medians", _composed, "0",
        "sync 16.6/11.8/43", "no worse than sync", None,
    ),
    Row(
        "2", "T1, target in 0 dB noise: white, vinyl, rain, sea", _noisy, "-", "sync 21.7/8.0/83",
        "12/6.5/36, 0 failures", (12.0, 6.5, 36.0), {"first 5 s": (0.0, 5.0)},
    ),
    Row(
        "3", "T1 by MIDI +1, +2 semitones, ±50 cents", _transposed, "-", "sync 16.4/7.4/63", "1.2 x row 1", None,
    ),
    Row(
        "4", "T1 on a 78: 4 % fast, wow 0.3 %, 250-4500 Hz, crackle, 10 dB hiss", _disc, "-", "sync 15.7/7.6/53",
        "9/6/22", (9.0, 6.0, 22.0),
    ),
    Row(
        "4a", "seed protocol: constant rate, 8 s, up to ±4 semitones by MIDI", _seed_protocol, "the straight line",
        "Spec+DTW 5.6-7.5 (published)", "mean 6; at ±4 st 8", (6.0, float("inf"), float("inf")),
    ),
    Row(
        "5", "Vienna 4x22: two pianists, chord medians", partial(_vienna, True), "0",
        "mel 11.3/8.2/28.8, sync 11.5/8.6/31.4",
        "9/6.5/24", (9.0, 6.5, 24.0),
    ),
    Row(
        "5a", "the same, note by note", partial(_vienna, False), "smooth map",
        "mel 12.9/9.0/34.8", "mean: floor + 1", None,
    ),
    Row(
        "6", "same recording, 1 % fast, wow 0.3 %, 78 rpm chain, every 50 ms, without 3 s at both ends", _same,
        "0.02 ms", "sync 11.7/6.9/37.5, mel 9.7/7.4/26.2", "median 0.1, p95 1 (goal 0.01, 0.3); ±20 ppm, depth ±10 %",
        (math.inf, 0.1, 1.0), {"first 3 s": (0.0, 3.0), "last 3 s": (-3.0, math.inf)}, main=(3.0, -3.0),
        finding="speed", is_pooled=False,
    ),
    Row(
        "7", "T1 cut by 20 s, with a repeat of 15 s, a swap, talk at its head; points outside of the edits", _edited,
        "-", "nobody reports them", "boundary F1 0.9 at 0.5 s; rest 1.2 x row 1", None, finding="structure",
    ),
    Row(
        "8", "pairs that share nothing, and pairs that do", _verdicts, "-", "none", "no-match 100 %, false alarms 2 %",
        None, finding="verdict", is_pooled=False, is_ours_alone=True,
    ),
    Row(
        "9", "confidence against errors beyond 50 ms, at the points of rows 1 to 5 and 7", _sure, "-", "none",
        "AUROC 0.9, ECE 0.05", None, finding="confidence", is_ours_alone=True,
    ),
)  # fmt: skip
