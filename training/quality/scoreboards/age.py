"""Whether Age does the damage it states, and how much of that damage Restore finds and repairs.

Age knows the truth about what it did: every event, and the speed at every moment.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from engine.audio.signal import ArraySignal, Format, Span
from engine.tools.age.tool import AGE, events, speed_curve, stems
from engine.tools.tool import Value
from training import validation
from training.quality.cases import Case, Material, Samples
from training.quality.contenders import Answer, Contender, Run, tool_contender, untouched
from training.quality.harness import Round, measure_rounds
from training.quality.measures import SpeedCurve, named
from training.quality.measures.speed import cents_of_tone
from training.quality.pictures import draw_strips
from training.quality.report import Verdict, absence, printed, write_json
from training.quality.scoreboards import Options
from training.quality.scoreboards.restore import DECLICKER, MUSIC
from training.quality.table import Report
from training.validation import Clip

SUMMARY = "whether Age does what it states, and what Restore finds of it"
TONE_HZ: Final = 1_000.0
RATE: Final = 44_100
SEED: Final = 2000
SILENT: Final[Mapping[str, Value]] = dict.fromkeys(
    ("distortion", "resonance", "band", "wow", "hum", "rumble", "hiss", "crackle", "clicks", "thumps"), False
)
SPEEDS: Final[Mapping[str, Mapping[str, Value]]] = {
    "wow 0.3 %": {"wow": True, "wow_percent": 0.3, "flutter_percent": 0.0},
    "wow and flutter": {"wow": True, "wow_percent": 0.3, "flutter_percent": 0.1},
    "no wow": {"wow": True, "wow_percent": 0.0, "flutter_percent": 0.0},
}
DAMAGES: Final[Mapping[str, Mapping[str, Value]]] = {
    "clicks 5/s": {"clicks": True, "clicks_per_s": 5.0},
    "clicks 5/s, hiss": {"clicks": True, "clicks_per_s": 5.0, "hiss": True},
    "crackle 20/s": {"crackle": True, "crackle_per_s": 20.0},
    "1920s 78 rpm": AGE.presets["1920s 78 rpm"],
}
SPEED_FLOOR_CENTS: Final = 0.1  # a tenth of what anyone hears
RECALL_FLOOR: Final = 65.0  # percent, of clicks under hiss (specification of Restore)


@dataclass(frozen=True)
class _Followed:
    """Any contender whose answer to a tone is followed in pitch."""

    run: Run
    hertz: float

    def __call__(self, material: Material, /) -> Answer:
        answer = self.run(material)
        curve = cents_of_tone(answer.samples, answer.rate, self.hertz)
        return Answer(answer.samples, answer.rate, {**answer.facts, "speed_cents": curve})


def run(options: Options) -> int:
    """Measure, print, draw and write; 1 if a floor was missed or something failed."""
    began, everything, absent = time.monotonic(), rounds(options.quick), validation.left_out()
    report = measure_rounds(everything, options.jobs, options.progress)
    judged = verdicts(report)
    write_json(
        {"quick": options.quick, "left_out": absent, "verdicts": [str(line) for line in judged]} | report.as_json(),
        options.json or options.out / "age.json",
    )
    print(printed(report))
    print("", *judged, "", absence(absent), sep="\n")
    draw_strips(everything, report, "1920s 78 rpm", "SNR gain", "declick", options.out / "age.png")
    print(f"{report.cases} measurements in {time.monotonic() - began:.0f} s; report and pictures in {options.out}")
    return int(bool(report.failures) or any(line.fails for line in judged))


def rounds(quick: bool = False) -> list[Round]:
    """Return the tones that Age plays unevenly, and the music it scratches."""
    music = [clip for clip in validation.denoising_clips() if clip.kind in MUSIC][:: 5 if quick else 1]
    scratched = [
        Case(kind, clip, partial(_scratched, values=values), SEED + number)
        for kind, values in DAMAGES.items()
        for number, clip in enumerate(music)
    ]
    repaired = ("SNR gain", "clicked SNR")
    return [
        *rounds_of_tones(4.0 if quick else 12.0),
        Round(scratched, [DECLICKER], named(*repaired, "click recall", "click precision")),
        Round(scratched, [MEDIAN, untouched()], named(*repaired)),  # they list no clicks
    ]


def rounds_of_tones(seconds: float) -> list[Round]:
    """Return one steady tone, to be played at every kind of uneven speed."""
    tone = Clip("tone", "tone", RATE, _tone(seconds))
    return [
        Round([Case(kind, tone, partial(_untold, values=values), SEED)], _speed_contenders(values), named("wow left"))
        for kind, values in SPEEDS.items()
    ]


def verdicts(report: Report) -> list[Verdict]:
    """Judge what was promised, also where it couldn't be measured."""
    lines = []
    for kind in SPEEDS:
        heard = report.cell(kind, "wow left", "age")
        text, value = f"{kind}: speed heard, less speed stated", heard.mean if heard else None
        lines.append(Verdict(text, value, SPEED_FLOOR_CENTS, "cents RMS", better="lower"))
    found = report.cell("clicks 5/s, hiss", "click recall", "declick")
    lines.append(Verdict("clicks 5/s, hiss: recall", found.mean if found else None, RECALL_FLOOR, "%"))
    return lines


def _speed_contenders(values: Mapping[str, Value]) -> list[Contender]:
    aged = tool_contender("age", {**SILENT, "seed": SEED, **values})
    plain = untouched("steady tone")
    return [
        Contender(plain.name, "floor", _Followed(plain.run, TONE_HZ)),
        Contender(aged.name, "ours", _Followed(aged.run, TONE_HZ)),
    ]


def _tone(seconds: float) -> Samples:
    time_s = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(0.3 * np.sin(2.0 * np.pi * TONE_HZ * time_s), dtype=np.float32)


def _untold(clip: Clip, seed: int, values: Mapping[str, Value]) -> Material:
    """Give the steady tone; the truth is the speed Age states for it."""
    wobble = speed_curve(Format(clip.rate, 1, len(clip.samples)), {**SILENT, "seed": seed, **values})
    moments = np.arange(0.0, len(clip.samples) / clip.rate, 0.001)
    return Material(
        clip.samples, clip.samples, clip.rate, facts={"speed_cents": SpeedCurve(moments, wobble.cents_at(moments))}
    )


def _scratched(clip: Clip, seed: int, values: Mapping[str, Value]) -> Material:
    """Age a clip; the target is what stood before the first crackle, so that hiss and band limits belong to it."""
    signal = ArraySignal(clip.samples[:, None].copy(), clip.rate)
    params = {**SILENT, **values, "seed": seed}
    after = stems(signal, params, Span(0, signal.frames))
    hits = [e for e in events(Format(clip.rate, 1, signal.frames), params) if e.kind != "thump"]
    bursts = np.array([_frames(e.time_s, e.length_s, clip.rate) for e in hits], dtype=np.int64).reshape(-1, 2)
    return Material(
        after["thumps"][:, 0], after["hiss"][:, 0], clip.rate, facts={"clicks": np.minimum(bursts, signal.frames)}
    )


def _frames(time_s: float, length_s: float, rate: int) -> tuple[int, int]:
    start = round(time_s * rate)
    return start, start + max(1, round(length_s * rate))


MEDIAN: Final = tool_contender(
    "restore",
    {"declick": False, "dehum": False, "engine": "classical", "classical_method": "median"},
    "median",
    "peer",
)
