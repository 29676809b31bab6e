"""The rows of the table: which pairs each has, what is known to be reachable, and what is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np

from training.align import damage, pairs
from training.align.curves import SpeedCurve, disc_speed, drawn_tempo
from training.align.material import Voice, asap_performance, opening, vienna_performance
from training.align.pair import Pair
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
VIENNA: Final = (("Schubert D 783", "Schubert_D783_no15"), ("Mozart K 331", "Mozart_K331_1st-mov"))
PIANISTS: Final = ((1, 10), (4, 17))
COMPOSED: Final = ("chorale", "counterpoint", "phrase", "arpeggio", "chords")
NOISES: Final = ("", *damage.RECORDED)  # the first is white
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
    slices: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # stretches shown apart, in s


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


def seed_pair(piece: int, start_s: float, number: int, rate: float = 0.0, shift: int | None = None) -> Pair:
    """Eight seconds at one constant rate, transposed by MIDI; the ends of both are the ends of the music."""
    name, archive = PIECES[piece]
    notes = opening(asap_performance(archive), 8.0 + 2.5, start_s)
    factor = rate or SEED_RATES[number % len(SEED_RATES)]
    semitones = SEED_SHIFTS[number % len(SEED_SHIFTS)] if shift is None else shift
    curve = SpeedCurve(factor)
    return pairs.played_bent(f"{name} x{factor} {semitones:+d}", name, notes, curve, VOICES[0], semitones)


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
)  # fmt: skip
