"""Whether the cutoff finder finds known cutoffs, and leaves recordings alone that have none.

Forty cutoffs, six kinds of filters, hiss at 30 dB, on real recordings: that is what was promised. The same without
hiss is judged apart, and so are recordings that `scipy.signal.decimate` brought to a lower rate, and recordings that
nobody filtered. For filters of kinds that the judge was never shown nothing is promised, and the share is printed.
Beside the finder stand the simpler ways to say where a recording ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engine.audio.signal import Signal
from engine.measure import bandwidth_hz, find_cutoff
from engine.measure.levels import long_term_spectrum_db
from engine.measure.taught import judge_account
from training.quality.cases import Case, Material, undamaged
from training.quality.contenders import Answer, Contender, Role
from training.quality.harness import Round, measure_rounds
from training.quality.measures import Measure, NotMeasurableError
from training.quality.report import Verdict, printed, write_json
from training.quality.scoreboards import Options
from training.quality.scoreboards.cutoff_cases import (
    ABOVE_NOISE_DB,
    DECIMATED,
    KINDS,
    OWN_FALL_DB,
    UNDER_PEAK_DB,
    UNSEEN_KINDS,
    decimated_cases,
    filtered_cases,
    full_band_clips,
    programmes,
)
from training.quality.table import Report

SUMMARY = "whether the band edge of a recording is found blind"
FLOOR, TARGET = (8, 90.0), (5, 95.0)  # percent off the true edge, percent of the cases
HISS: Final = ", hiss"
# What is judged: the rows' names. The first is the spec's.
JUDGED: Final[dict[str, tuple[str, ...]]] = {
    "with hiss at 30 dB": tuple(kind + HISS for kind in KINDS),
    "without hiss": KINDS,
    "after decimate": (DECIMATED, DECIMATED + HISS),
}
UNPROMISED: Final[dict[str, tuple[str, ...]]] = {
    "by filters never shown": tuple(kind + hiss for hiss in ("", HISS) for kind in UNSEEN_KINDS),
}
FULL_BAND: Final = "unfiltered"
LEFT_ALONE: Final = 95.0  # percent of the recordings that nobody filtered
SURE_WITHIN: Final = 12  # percent off the true edge: what a confidence is the probability of
SURE: Final = ((0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.0))  # confidences that are counted together
GREY_DB: Final = 3.0  # a noise this near to the limit may be called either
NOISY_DB: Final = 20.0


@dataclass(frozen=True)
class _Finder:
    """A way to say where a recording ends, and its facts."""

    find: Callable[[Signal], dict[str, float | bool]]

    def __call__(self, material: Material, /) -> Answer:
        return Answer(material.given, material.rate, self.find(material.signal))


@dataclass(frozen=True)
class _Within:
    percent: float

    def __call__(self, material: Material, answer: Answer) -> float:
        return 100.0 * (_error_percent(material, answer) <= self.percent)


@dataclass(frozen=True)
class _Reliable:
    """How often an answer of a confidence between two is right."""

    least: float
    most: float

    def __call__(self, material: Material, answer: Answer) -> float:
        error_percent = _error_percent(material, answer)
        if "confidence" not in answer.facts:
            raise NotMeasurableError("it states no confidence")
        confidence = float(answer.facts["confidence"])
        if not (self.least <= confidence < self.most or confidence == self.most == 1.0):
            raise NotMeasurableError("its confidence is another")
        return 100.0 * (error_percent <= SURE_WITHIN)


def run(options: Options) -> int:
    """Measure, print and write; 1 if the floor was missed or something failed."""
    began = time.monotonic()
    report = measure_rounds(rounds(options.quick), options.jobs, options.progress)
    judged = verdicts(report)
    write_json(
        {"quick": options.quick, "verdicts": [str(line) for line in judged]} | report.as_json(),
        options.json or options.out / "cutoff.json",
    )
    print(printed(_without_reliability(report)))
    print("", *pooled_lines(report), *reliability_lines(report), "", *judged, sep="\n")
    if remark := judge_account().remark:
        print(f"of the judge: {remark}")
    print(f"{report.cases} measurements in {time.monotonic() - began:.0f} s; report in {options.out}")
    return int(bool(report.failures) or any(line.fails for line in judged))


def rounds(quick: bool = False) -> list[Round]:
    """Return the filtered recordings, and those that nobody filtered."""
    clips, whole = programmes(), full_band_clips()
    cases = filtered_cases(clips, each=1, step=5) if quick else filtered_cases(clips)
    cases += filtered_cases(clips, each=1, step=5 if quick else 1, kinds=UNSEEN_KINDS)
    unfiltered = [Case(FULL_BAND, clip, undamaged) for clip in whole[:: 8 if quick else 1]]
    cases += decimated_cases(clips[:: 4 if quick else 1])
    return [Round(cases, CONTENDERS, MEASURES), Round(unfiltered, CONTENDERS[-1:], [CALLED_FULL])]


def verdicts(report: Report) -> list[Verdict]:
    """Judge what was promised, over all filters: with hiss, as the spec asks, and apart what it doesn't ask."""
    lines = []
    for rows, kinds in JUDGED.items():
        for kind, (percent, bound) in zip(("floor", "target"), (FLOOR, TARGET), strict=True):
            shares = pooled(report, f"within {percent} %", "shellac", kinds)
            value = float(np.mean(shares)) if shares else None
            text = f"share of the cutoffs found within {percent} %, {rows}, {len(shares)} cases"
            lines.append(Verdict(text, value, bound, "%", "floor" if kind == "floor" else "target"))
    left = pooled(report, CALLED_FULL.name, "shellac", (FULL_BAND,))
    text = f"share of the recordings that nobody filtered called full band, {len(left)} recordings"
    return [*lines, Verdict(text, float(np.mean(left)) if left else None, LEFT_ALONE, "%")]


def pooled(report: Report, measure: str, contender: str, kinds: Collection[str]) -> list[float]:
    """Return the figures of all rows of these names."""
    return [
        figure.value
        for figure in report.figures
        if figure.measure == measure and figure.contender == contender and figure.kind in kinds
    ]


def pooled_lines(report: Report) -> list[str]:
    """Say how often each contender is right over all rows of a group, and in which of them it is worst."""
    lines = []
    for rows, kinds in (JUDGED | UNPROMISED).items():
        for contender in CONTENDERS:
            five, eight = (pooled(report, f"within {p} %", contender.name, kinds) for p in (5, 8))
            if five:
                shares = f"{np.mean(five):.1f} % within 5 %, {np.mean(eight):.1f} % within 8 %"
                worst, share, count = worst_kind(report, contender.name, kinds)
                worst = f"worst {worst}: {share:.1f} % within 8 % of {count}"
                lines.append(f"{rows}, {contender.name}: {shares} of {len(five)}; {worst}")
    return lines


def worst_kind(report: Report, contender: str, kinds: Collection[str]) -> tuple[str, float, int]:
    """Return which row of a group has the lowest share within 8 %, that share in percent, and its cases."""
    rows = {kind: pooled(report, "within 8 %", contender, (kind,)) for kind in kinds}
    measured = [(float(np.mean(hits)), kind, len(hits)) for kind, hits in rows.items() if hits]
    share, kind, count = min(measured)
    return kind, share, count


def reliability_lines(report: Report) -> list[str]:
    """Say how often an edge is where the finder says, by how sure it is."""
    promised = tuple(kind for kinds in JUDGED.values() for kind in kinds)
    lines = []
    for rows, kinds in (("promised", promised), *UNPROMISED.items()):
        hits = [(measure.name, pooled(report, measure.name, "shellac", kinds)) for measure in RELIABILITY]
        shares = [f"{name} {np.mean(right):.1f} % of {len(right)}" for name, right in hits if right]
        if shares:
            lines.append(f"within {SURE_WITHIN} % of where shellac says, {rows}: {', '.join(shares)}")
    return lines


def _without_reliability(report: Report) -> Report:
    names = {measure.name for measure in RELIABILITY}
    measures = tuple(measure for measure in report.measures if measure.name not in names)
    figures = tuple(figure for figure in report.figures if figure.measure not in names)
    misses = tuple(miss for miss in report.misses if miss.is_failure or miss.measure not in names)
    return replace(report, figures=figures, measures=measures, misses=misses)


def _error_percent(material: Material, answer: Answer) -> float:
    if not material.facts["answerable"]:
        raise NotMeasurableError("the clean source holds too little near the edge (see the definition)")
    return 100.0 * abs(float(answer.facts["cutoff_hz"]) / float(material.facts["cutoff_hz"]) - 1.0)


def _capped_error(material: Material, answer: Answer) -> float:
    return min(100.0, _error_percent(material, answer))


def _noise_told(material: Material, answer: Answer) -> float:
    if "is_noisy" not in answer.facts:
        raise NotMeasurableError("it says nothing about noise")
    _error_percent(material, answer)
    over_db = float(material.facts["over_noise_db"])
    if abs(over_db - NOISY_DB) < GREY_DB:
        raise NotMeasurableError(f"the noise is within {GREY_DB:g} dB of the limit")
    return 100.0 * (bool(answer.facts["is_noisy"]) == (over_db < NOISY_DB))


def _called_full(material: Material, answer: Answer) -> float:
    return 100.0 * bool(answer.facts["is_full_band"])


def _ours(signal: Signal) -> dict[str, float | bool]:
    found = find_cutoff(signal)
    return {
        "cutoff_hz": found.cutoff_hz,
        "is_noisy": found.is_noisy,
        "is_full_band": found.is_full_band,
        "confidence": found.confidence,
    }


def _bandwidth(signal: Signal) -> dict[str, float | bool]:
    return {"cutoff_hz": bandwidth_hz(signal)}


def _rolloff(signal: Signal) -> dict[str, float | bool]:
    """Return the frequency under which 99 % of the energy lies, as music information retrieval has it."""
    hertz, power_db = long_term_spectrum_db(signal)
    energy = np.cumsum(10.0 ** (power_db / 10.0))
    return {"cutoff_hz": float(hertz[np.searchsorted(energy, 0.99 * energy[-1])])}


def _contender(name: str, role: Role, find: Callable[[Signal], dict[str, float | bool]]) -> Contender:
    return Contender(name, role, _Finder(find))


CONTENDERS: Final[Sequence[Contender]] = (
    _contender("99 % rolloff", "floor", _rolloff),
    _contender("bandwidth", "peer", _bandwidth),
    _contender("shellac", "ours", _ours),
)
_ANSWERABLE: Final = (
    f"cases whose clean source, in the half octave under the edge, stands {ABOVE_NOISE_DB:g} dB over 16-bit noise and "
    f"hiss, lies at most {UNDER_PEAK_DB:g} dB under its peak and falls by less than {OWN_FALL_DB:g} dB to the half "
    "octave above"
)
RELIABILITY: Final = tuple(
    Measure(
        f"confident {least:g} to {most:g}",
        "% of cases",
        "higher",
        f"how often an answer of such a confidence is within {SURE_WITHIN} % of the truth; the same cases",
        _Reliable(least, most),
    )
    for least, most in SURE
)
MEASURES: Final = (
    *(
        Measure(
            f"within {p} %",
            "% of cases",
            "higher",
            f"how often the answer is within {p} % of where the filter is 6 dB down; {_ANSWERABLE}",
            _Within(p),
        )
        for p in (5, 8)
    ),
    Measure("error", "%", "lower", "|answer / truth - 1|, 100 % at most, the same cases", _capped_error),
    Measure(
        "noise told",
        "% of cases",
        "higher",
        "how often is_noisy is right, the same cases; noisy: the programme in the third of an octave under the edge "
        f"stands under {NOISY_DB:g} dB over hiss and rounding; left out within {GREY_DB:g} dB of that",
        _noise_told,
    ),
    *RELIABILITY,
)
CALLED_FULL: Final = Measure(
    "called full band",
    "% of recordings",
    "higher",
    "how often a lossless recording in which the manifest notes no wall is called full band",
    _called_full,
)
