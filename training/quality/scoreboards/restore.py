"""Restore on recordings that no network was trained on, beside the Wiener filter, the classical engine and the bounds.

Everything called "neural" or "declick" goes through the product's own tool.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.tools.restore.knobs import NO_FLOOR_DB
from engine.tools.tool import Analysis, Value
from training import validation
from training.quality.cases import Case, Samples, undamaged
from training.quality.contenders import Contender, blind, bound, tool_contender, untouched
from training.quality.damage import CLICKS_AT_DB, clicked, hissed
from training.quality.harness import Round, measure_rounds
from training.quality.measures import named
from training.quality.pictures import draw_bars, draw_strips
from training.quality.remarks import remarks
from training.quality.report import absence, missing, printed, write_json
from training.quality.scoreboards import Options
from training.quality.scoreboards.restore_table import card_figures, print_summary, rows, verdicts
from training.quality.table import Report
from training.validation import Clip

SUMMARY = "what restoration gains over the classical baselines"
LEVELS_DB: Final = (5, 10, 20, 30)
SEED: Final = 1000
DENOISE: Final[Mapping[str, Value]] = {"declick": False, "dehum": False, "floor_db": NO_FLOOR_DB}
DECLICK: Final[Mapping[str, Value]] = {"dehum": False, "denoise": False}
MUSIC: Final = ("music", "violin", "piano")
ATTACKS: Final = ("bendir", "mridangam", "vibraphone", "trumpet")
ROOMS: Final = ("denoiser", "noise_profile")  # the networks that take part in every figure
SECOND_LOOK: Final = named(
    "ViSQOL audio", "MR-STFT", "LSD log10", "K-LSD natural log", "loudness deviation", "true peak deviation"
)
EXAMPLE: Final = "coloured 10 dB"


def run(options: Options) -> int:
    """Measure, print, draw and write; 1 if a floor was missed or something failed."""
    began, networks, everything = time.monotonic(), measured_networks(), rounds(options.quick, options.visqol)
    absent, said = validation.left_out(), remarks(ROOMS)
    report = measure_rounds(everything, options.jobs, options.progress)
    table = rows(report)
    judged = verdicts(table, levels_db(options.quick))
    # First of all: what took so long to measure must not hang on a table or a picture.
    written = {
        "networks": networks, "quick": options.quick, "left_out": absent, "remarks": said, "rows": table,
        "card": card_figures(table), "verdicts": [str(line) for line in judged],
    }  # fmt: skip
    write_json(written | report.as_json(), options.json or options.out / "quality.json")
    print_summary(table)
    print(*judged, sep="\n")
    print(f"\nA second look, and the clicks found:\n\n{printed(report, SHOWN)}")
    print(absence(absent))
    draw(everything, report, options.out)
    print(f"{report.cases} measurements in {time.monotonic() - began:.0f} s; report and pictures in {options.out}")
    if report.failures:
        print(f"{len(report.failures)} failed: the figures lack them", missing(report), sep="\n")
    return int(bool(report.failures) or any(line.fails for line in judged))


SHOWN: Final = (
    *(measure.name for measure in SECOND_LOOK), "ViSQOL speech", "click recall", "click precision", "clicked SNR",
)  # fmt: skip


def rounds(quick: bool = False, visqol: bool = False) -> list[Round]:
    """Return everything to be measured; `quick` takes every fifth clip and two levels."""
    hissy, clean = validation.denoising_clips(), validation.clean_clips()
    music = [clip for clip in hissy if clip.kind in MUSIC]
    attacks = [clip for clip in music if any(name in clip.name for name in ATTACKS)]
    if quick:
        hissy, clean, music = hissy[::5], clean[::12], music[::5]
    levels = levels_db(quick)
    gains = named("SNR gain", "SI-SDR", "LSD")
    plain = [case for hiss in ("white", "coloured") for at_db in levels for case in hiss_cases(hissy, hiss, at_db)]
    crackling = [case for at_db in levels if at_db <= 20 for case in hiss_cases(hissy, "with crackle", at_db)]
    clicked_music = [case for strength in CLICKS_AT_DB for case in click_cases(music, strength)]
    clicked_music += click_cases(music, "medium", hiss_db=30.0)
    long_enough = [clip for clip in clean if len(clip.samples) >= 1.2 * clip.rate]
    return [
        Round(plain, denoisers(), gains),
        Round(crackling, [*denoisers(), DECLICK_FIRST], gains),
        Round([Case("clean", clip, undamaged) for clip in long_enough], [DENOISER_ALONE], named("SNR")),
        Round(clicked_music, [DECLICKER], named("SNR gain", "clicked SNR", "click recall", "click precision")),
        Round(clicked_music, [untouched("noisy")], named("clicked SNR")),  # it lists no clicks
        Round([Case("percussion", clip, undamaged) for clip in attacks], [DECLICKER], named("SNR", "touched")),
        *second_look(hissy, everywhere=visqol, quick=quick),
    ]  # fmt: skip


def levels_db(quick: bool) -> tuple[int, ...]:
    """Return the signal-to-noise ratios at which hiss is measured."""
    return LEVELS_DB[1:3] if quick else LEVELS_DB


def second_look(clips: Sequence[Clip], everywhere: bool, quick: bool) -> list[Round]:
    """Return the slow measures: on a few clips of coloured hiss at 10 dB, or on all."""
    numbered = list(enumerate(clips))
    music = [(n, clip) for n, clip in numbered if clip.kind in MUSIC]
    voices = [(n, clip) for n, clip in numbered if clip.kind == "speech"]
    step = 1 if everywhere or quick else 4
    damage = partial(hissed, hiss="coloured", at_db=10.0)
    speech = named("ViSQOL speech", *(m.name for m in SECOND_LOOK[1:]))
    chosen = (("music, 10 dB", music[::step], SECOND_LOOK), ("speech, 10 dB", voices[:: max(1, step // 2)], speech))
    return [
        Round([Case(kind, clip, damage, SEED + n) for n, clip in some], denoisers(), measures)
        for kind, some, measures in chosen
        if some
    ]


def hiss_cases(clips: Sequence[Clip], hiss: str, at_db: float) -> list[Case]:
    """Return one row of hiss."""
    damage = partial(hissed, hiss=hiss, at_db=at_db)
    return [Case(f"{hiss} {at_db:g} dB", clip, damage, SEED + number) for number, clip in enumerate(clips)]


def click_cases(clips: Sequence[Clip], strength: str, hiss_db: float | None = None) -> list[Case]:
    """Return one row of clicks."""
    damage = partial(clicked, at_db=CLICKS_AT_DB[strength], hiss_db=hiss_db)
    kind = f"clicks {strength}" if hiss_db is None else f"clicks + hiss {hiss_db:g} dB"
    return [Case(kind, clip, damage, SEED + number) for number, clip in enumerate(clips)]


def denoisers() -> list[Contender]:
    """Return who takes part wherever there is hiss."""
    return [
        untouched("noisy"),
        blind("wiener", "peer", _wiener),
        tool_contender("restore", {**DENOISE, "engine": "classical"}, "classical", "peer"),
        tool_contender("restore", DENOISE, "neural"),
        tool_contender("restore", {**DENOISE, "floor_db": -18.0}, "neural, floor -18 dB"),
        bound("oracle mask", _oracle),
    ]


def measured_networks() -> dict[str, str]:
    """SHA-256 of the weights that restoration uses now, by room."""
    from training.rooms import weights_sha256  # here: the processes that measure need no torch

    return {room: weights_sha256(room) for room in ROOMS}


def draw(everything: Sequence[Round], report: Report, out: Path) -> None:
    """Draw the bars of the rows of hiss, and strips of worst and median cases."""
    kinds = [kind for kind in report.kinds if report.cell(kind, "SNR gain", "neural")]
    shown = ("wiener", "classical", "neural", "oracle mask")
    draw_bars(report, "SNR gain", kinds, shown, out / "quality.png")
    draw_strips(everything, report, EXAMPLE, "SNR gain", "neural", out / "example.png")
    draw_strips(everything, report, "with crackle 10 dB", "SNR gain", "declick + neural", out / "crackle.png")
    draw_strips(everything, report, "clicks medium", "SNR gain", "declick", out / "clicks.png")


def found_clicks(analysis: Analysis) -> dict[str, Any]:
    """Return the clicks that the tool lists, first frame and the one after the last."""
    starts = np.asarray(analysis.arrays["declick.starts"], dtype=np.int64)
    return {"clicks": np.stack([starts, starts + analysis.arrays["declick.lengths"]], axis=1)}


def _wiener(samples: Samples, rate: int) -> Samples:
    return validation.wiener(samples)


def _oracle(given: Samples, target: Samples, rate: int) -> Samples:
    return validation.oracle(given, target)


DENOISER_ALONE: Final = tool_contender("restore", DENOISE, "denoise")
DECLICK_FIRST: Final = tool_contender("restore", {**DENOISE, "declick": True}, "declick + neural")
DECLICKER: Final = tool_contender("restore", DECLICK, "declick", read=found_clicks)
