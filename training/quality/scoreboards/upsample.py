"""Upsample on recordings that no network was trained on, beside resampling, spline and flat tail.

Everything called by a network's name goes through the product's own tool, which finds the cutoff by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from training import validation
from training.quality.cases import Case, Material
from training.quality.contenders import Contender
from training.quality.harness import Round, measure_rounds
from training.quality.measures import Measure, named
from training.quality.pictures import draw_bars, draw_examples, draw_strips
from training.quality.report import absence, missing, printed, write_json
from training.quality.scoreboards import Options
from training.quality.scoreboards.upsample_cards import card_figures, measured_by
from training.quality.scoreboards.upsample_clips import (
    CYMBALS,
    cymbals,
    music,
    speech_full_band,
    speech_of_one,
    speech_of_others,
    with_room_above,
)
from training.quality.scoreboards.upsample_codecs import coded, with_room
from training.quality.scoreboards.upsample_contenders import (
    FLAT_TAIL,
    NOISE_AT_LEVEL,
    ROOM_FILES,
    SINC,
    SPLINE,
    TRUE_MAGNITUDE,
    files_here,
    films,
    network,
    why_absent,
)
from training.quality.scoreboards.upsample_damage import SEEN, UNSEEN, limited, lowered
from training.quality.scoreboards.upsample_levels import levels
from training.quality.scoreboards.upsample_remarks import remarks
from training.quality.scoreboards.upsample_table import CUTOFFS_KHZ, ELSEWHERE, LOWERED, judged, table
from training.quality.table import Report
from training.validation import Clip

SUMMARY = "what Upsample puts into a missing band, beside resampling and spline, in both metric families"
SPEECH_KHZ: Final = (24, 12, 8)
MUSIC_KHZ: Final = (24, 8)
FILTERED_AT_HZ: Final = {16: 3_400.0, 48: 8_000.0}  # cutoff of the seen and unseen filters, by rate in kHz
QUICK: Final = 8  # every so many clips
LEVELS: Final = (
    "BWE LSD", "BWE LSD-HF", "BWE LSD-LF", "SNR", "SI-SDR",
    "seam", "level bias", "seam by frame", "level bias by frame",
)  # fmt: skip
SAFETY: Final = ("kept band", "delay", "cutoff error")
SHOWN: Final = ("sinc", "spline", "flat tail", "afilm", "tfilm", "bwe16", "bwe48")
# What to look at: name, row, clip. Cymbals and sibilants are noise, a violin is lines, an orchestra both.
EXAMPLES: Final = (
    ("cymbals", "cymbals under 8k", CYMBALS),
    ("jazz", "music under 8k", "Vibe_Ace.hq.ogg"),
    ("orchestra", "music under 4k", "orchestra.flac"),
    ("solo violin", "music under 4k", "john-garner_bwv1002_mov7.mp3"),
)
SIBILANTS: Final = (
    ("sibilants", "speech 8-48k", "03-01-03-02-02-01-13.flac"),
    ("sibilants", "speech 24-48k", "03-01-05-02-02-01-14.flac"),
)
SENTENCES: Final = tuple((f"{16 // khz}x", f"single {khz}-16k decimate", "LJ003-0069.flac") for khz in LOWERED)


def run(options: Options) -> int:
    """Measure, print, draw and write; 1 if a floor was missed, something failed, or a network isn't there."""
    began, absent, left_out = time.monotonic(), why_absent(), validation.left_out()
    networks, basis, everything = measured_networks(), measured_by(), rounds(options.quick, options.visqol)
    said = remarks(networks, everything)
    report = measure_rounds(everything, options.jobs, options.progress)
    lines, changed = judged(report), (measured_networks(), measured_by()) != (networks, basis)
    # First of all: what took so long to measure must not hang on a table or a picture.
    written = {
        # A card must not take figures of which nobody knows the weights.
        "networks": {} if changed else networks, "measured_by": basis,
        "absent": absent, "quick": options.quick, "left_out": left_out, "remarks": said,
        "card": card_figures(report), "lines": [line.as_json() for line in lines],
    }  # fmt: skip
    write_json(written | report.as_json(), options.json or options.out / "upsample.json")
    print(printed(report), "", levels(report), "", table(lines), "", ELSEWHERE, sep="\n")
    print(*(f"absent: {room}: {reason}" for room, reason in absent.items()), *said, sep="\n")
    print(absence(left_out))
    draw(everything, report, options.out)
    print(f"{report.cases} measurements in {time.monotonic() - began:.0f} s; report and pictures in {options.out}")
    if report.failures:
        print(f"{len(report.failures)} failed: the figures lack them", missing(report), sep="\n")
    if changed:
        print(
            "the weights in models/ or what judges edges changed while they were measured, so no card takes these "
            "figures: measure again"
        )
    return int(changed or bool(report.failures) or any(line.fails for line in lines))


def measured_networks() -> dict[str, dict[str, str]]:
    """SHA-256 of the weights that take part, by room and file."""
    from training.rooms import weights_sha256  # here: the processes that measure need no torch

    return {
        room: {file: weights_sha256(room, file) for file in files} for room in ROOM_FILES if (files := files_here(room))
    }


def rounds(quick: bool = False, visqol: bool = False) -> list[Round]:
    """Return everything to be measured; `quick` takes every eighth clip."""
    step = QUICK if quick else 1
    one, others = speech_of_one()[::step], speech_of_others()[::step]
    voices, full, high = speech_full_band()[::step], music(48_000)[:: min(step, 4)], music(44_100)[:: min(step, 4)]
    heard = ("ViSQOL speech",) if visqol else ()
    return [
        *to_16k("single", one, "decimate", films, ("K-LSD natural log", *heard)),
        *to_16k("single", one, "sharp", bounds=True),
        *to_16k("others", others, "decimate", films, heard),
        *aliased("single", one),
        *to_48k("speech", voices, SPEECH_KHZ),
        *to_48k("music", full, MUSIC_KHZ),
        *(under("music", high, khz) for khz in CUTOFFS_KHZ),
        *(under("cymbals", cymbals(44_100), khz) for khz in CUTOFFS_KHZ),
        *codecs("music", high, 1 if quick else 3, ("mp3 V7", "mp3 V9")),
        *codecs("speech", voices, 5 if quick else 19, ("mp3 V9", "opus 11k")),
        *filters(one[::3] + others[::3], 16),
        *filters([*voices[::6], *with_room_above(full, 10_000.0)], 48),
    ]  # fmt: skip


def to_16k(
    speakers: str, clips: Sequence[Clip], way: str, others: Callable[[int], list[Contender]] | None = None,
    further: Sequence[str] = (), bounds: bool = False,
) -> list[Round]:  # fmt: skip
    """Return the rounds from 8, 4 and 2 kHz to 16 kHz."""
    found = []
    for khz in LOWERED:
        cases = _cases(f"{speakers} {khz}-16k {way}", clips, partial(lowered, rate=1000 * khz, filtered=way))
        field = [SINC, SPLINE, FLAT_TAIL, *(others(16 // khz) if others else ())]
        field += network("bwe16", 16_000, is_edge_given=True)
        found.append(Round(cases, [*field, *_ceilings(bounds)], _measures(*further)))
    return found


def aliased(speakers: str, clips: Sequence[Clip]) -> list[Round]:
    """Return the rounds to 16 kHz from rates that were picked without a low-pass: what the films' papers prepare."""
    found = []
    for khz in LOWERED:
        cases = _cases(f"{speakers} {khz}-16k aliased", clips, partial(lowered, rate=1000 * khz, filtered="aliased"))
        field = [SINC, SPLINE, *films(16 // khz, kept=(False,))]
        found.append(Round(cases, field, _measures("K-LSD natural log")))
    return found


def to_48k(kind: str, clips: Sequence[Clip], rates_khz: Sequence[int]) -> list[Round]:
    """Return the rounds from lower rates to 48 kHz, each with the clips that hold something above."""
    found = []
    for khz in rates_khz:
        some = with_room_above(clips, 500.0 * khz)
        cases = _cases(f"{kind} {khz}-48k", some, partial(lowered, rate=1000 * khz, filtered="sharp"))
        field = [SINC, SPLINE, FLAT_TAIL, *network("bwe48", 48_000, is_edge_given=True), *_ceilings(True)]
        found.append(Round(cases, field, _measures()))
    return found


def under(kind: str, clips: Sequence[Clip], khz: int) -> Round:
    """Return the round of one sharp cutoff at the recording's own rate."""
    cutoff_hz = 1000.0 * khz
    some = with_room_above(clips, cutoff_hz)
    cases = _cases(f"{kind} under {khz}k", some, partial(limited, cutoff_hz=cutoff_hz, filtered="cheby1"))
    field = [SINC, FLAT_TAIL, *network("bwe48", 44_100, is_edge_given=True), *_ceilings(True)]
    return Round(cases, field, _measures())


def codecs(kind: str, clips: Sequence[Clip], every: int, settings: Sequence[str]) -> list[Round]:
    """Return the rounds of real encoders at the recordings' own rates, each with every so many of the clips."""
    found = []
    for setting in settings:
        some = with_room(clips, setting)[::every]
        cases = _cases(f"{kind} {setting}", some, partial(coded, codec=setting))
        field = [SINC, FLAT_TAIL, *network("bwe48", some[0].rate, is_edge_given=True)] if some else []
        found.append(Round(cases, field, _measures()))
    return found


def filters(clips: Sequence[Clip], khz: int) -> list[Round]:
    """Return the same clips under filters that training draws, and under others."""
    field = [SINC, FLAT_TAIL, *network(f"bwe{khz}", 1000 * khz, is_edge_given=True)]
    found = []
    for which, kinds in (("seen", SEEN), ("unseen", UNSEEN)):
        cases = [
            Case(
                f"{which} filters {khz}k", clip,
                partial(limited, cutoff_hz=FILTERED_AT_HZ[khz], filtered=kinds[number % len(kinds)]),
            )
            for number, clip in enumerate(clips)
        ]  # fmt: skip
        found.append(Round(cases, field, _measures()))
    return found


def _cases(kind: str, clips: Sequence[Clip], damage: Callable[[Clip, int], Material]) -> list[Case]:
    return [Case(kind, clip, damage) for clip in clips]


def _measures(*further: str) -> tuple[Measure, ...]:
    return named(*LEVELS, *further, *SAFETY)


def _ceilings(wanted: bool) -> list[Contender]:
    return [NOISE_AT_LEVEL, TRUE_MAGNITUDE] if wanted else []


def draw(everything: Sequence[Round], report: Report, out: Path) -> None:
    """Draw the bars of both rates, worst and median cases, and the recordings that were to be looked at."""
    present = [c.name for c in report.contenders if c.name in SHOWN]
    kinds = [kind for kind in report.kinds if "-16k" in kind or "-48k" in kind]
    draw_bars(report, "BWE LSD", kinds, present, out / "upsample_lsd.png")
    pictures: Mapping[str, tuple[Sequence[tuple[str, str, str]], Sequence[str]]] = {
        "upsample_music.png": (EXAMPLES, ("flat tail", "bwe48")),
        "upsample_sibilants.png": (SIBILANTS, ("spline", "flat tail", "bwe48")),
        "upsample_speech.png": (SENTENCES, ("spline", "afilm", "tfilm", "bwe16")),
    }
    for name, (examples, contenders) in pictures.items():
        draw_examples(everything, report, examples, contenders, "BWE LSD", out / name)
    for room, kind in (("bwe16", "single 4-16k sharp"), ("bwe48", "speech 8-48k"), ("bwe48", "music 8-48k")):
        draw_strips(everything, report, kind, "BWE LSD", room, out / f"upsample_{kind.replace(' ', '_')}.png")
