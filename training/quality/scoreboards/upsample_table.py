"""The table of Upsample: what was promised of each case, beside what was measured and what peers print.

Figures of peers are published ones, of their own data and never of these files; a line says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from training.quality.report import HEADINGS, NAME_WIDTH
from training.quality.scoreboards.upsample_contenders import (
    EDGE_GIVEN,
    FILMS,
    FLAT_TAIL,
    KEPT,
    trained_ways,
)
from training.quality.scoreboards.upsample_levels import NETWORKS, row_of
from training.quality.table import Report

LOWERED: Final = (8, 4, 2)  # kHz, to 16
AFILM_LSD: Final = {8: 1.24, 4: 1.63, 2: 1.79}  # published, VCTK: the floor of bwe16
AP_BWE_16_LSD: Final = {8: 0.69, 4: 0.87, 2: 0.99}  # published, VCTK
BWE16_TARGET: Final = {8: 0.95, 4: 1.10, 2: 1.25}
AP_BWE_48_LSD: Final = {24: 0.62, 12: 0.79, 8: 0.85}  # published, VCTK
NU_WAVE_LSD: Final = {24: 0.72, 12: 0.94, 8: 1.09}  # published, VCTK
SPEECH_TARGET: Final = {24: 0.75, 12: 1.00, 8: 1.12}
MUSIC_TARGET: Final = {24: 0.72, 8: 1.15}
CUTOFFS_KHZ: Final = (4, 8, 16)
FILM_FLOOR_DB: Final = {2: 0.1, 4: 0.5, 8: 0.3}
FILM_TARGET_DB: Final = {2: 0.5, 4: 1.2, 8: 0.7}
TFILM_SNR_DB: Final = {2: 19.5, 4: 16.8}  # published, VCTK single speaker
NONE: Final = "none published on such data"
EVERYBODY: Final = "all"
CLEARLY: Final = 0.2  # LSD by which our networks should be ahead of the films
FILM_LSD: Final = 0.1  # by which the films should be ahead of the spline
TAIL_LSD: Final = 0.1  # by which our network should be ahead of the flat tail, which needs no training
CODED: Final = ("music mp3 V7", "music mp3 V9", "speech mp3 V9", "speech opus 11k")  # rows of real encoders
METRIC_WIDTH: Final = 44
WORST_WIDTH: Final = 34
TRAINED_SPEAKERS: Final = "single"  # that the films have heard
# Way, speakers, settings; without a low-pass only what the films' authors measured: one speaker, the network alone.
_FILM_ROWS: Final = (
    ("decimate", "single", (KEPT, "")),
    ("decimate", "others", (KEPT, "")),
    ("aliased", "single", ("",)),
)
ELSEWHERE: Final = (
    "measured elsewhere: the cutoff finder by python -m training.quality cutoff, speed and memory by make bench"
)


@dataclass(frozen=True)
class Line:
    """One promise: floor and target of a figure, and what became of it."""

    case: str
    metric: str  # a measure's name, and of whom
    value: float | None  # None: not measured
    floor: float | None  # None: nobody measured what it derives from
    target: float
    unit: str = ""
    better: Literal["lower", "higher", "zero"] = "lower"
    peers: str = ""
    clips: int = 0
    worst: str = ""
    is_promised: bool = True  # else it stands there for comparison

    @property
    def state(self) -> Literal["met", "short", "MISSED", "not measured", "no promise"]:
        """Whether the target is met, or the floor alone, or not even that."""
        if self.value is None or self.floor is None:
            return "not measured"
        if not self.is_promised:
            return "no promise"
        if self._reaches(self.target):
            return "met"
        return "short" if self._reaches(self.floor) else "MISSED"

    @property
    def fails(self) -> bool:
        """Whether the run fails by it."""
        return self.is_promised and self.state in ("MISSED", "not measured")

    def _reaches(self, bound: float) -> bool:
        assert self.value is not None
        if self.better == "zero":
            return abs(self.value) <= bound
        return self.value <= bound if self.better == "lower" else self.value >= bound

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"state": self.state}


def judged(report: Report) -> list[Line]:
    """Judge everything that was promised, also where it couldn't be measured."""
    lines = [*_bwe16(report), *_speech(report), *_music(report), *_cutoffs(report), *_tails(report), *_films(report)]
    lines += [_filters(report, name) for name in NETWORKS]
    for name in NETWORKS:
        lines += _worst_rows(report, name, "seam", 3.0, 1.0, "trial: 0 to 10 dB low")
        lines += _worst_rows(report, name, "level bias", 4.0, 1.5, "trial: 4 to 17 dB low")
        lines.append(_worst_clip(report, name, "kept band", -60.0, -90.0, "lower"))
    lines.append(_worst_clip(report, EVERYBODY, "delay", 0.5, 0.05, "zero"))
    return lines


def _bwe16(report: Report) -> list[Line]:
    lines = []
    for speakers, way in (("single", "decimate"), ("single", "sharp"), ("others", "decimate")):
        for rate in LOWERED:
            kind = f"{speakers} {rate}-16k {way}"
            peers = f"AP-BWE {AP_BWE_16_LSD[rate]}, AFiLM {AFILM_LSD[rate]} (published, VCTK)"
            lines.append(_lsd(report, kind, "bwe16", AFILM_LSD[rate], BWE16_TARGET[rate], peers))
            if way == "decimate":
                lines += [_less(report, kind, "BWE LSD", "bwe16", film, 0.0, -CLEARLY) for film in FILMS]
    return lines


def _speech(report: Report) -> list[Line]:
    return [
        _lsd(
            report, f"speech {rate}-48k", "bwe48", _mean(report, f"speech {rate}-48k", "BWE LSD", "flat tail"), target,
            f"AP-BWE {AP_BWE_48_LSD[rate]}, NU-Wave 2 {NU_WAVE_LSD[rate]} (published, VCTK)",
        )
        for rate, target in SPEECH_TARGET.items()
    ]  # fmt: skip


def _music(report: Report) -> list[Line]:
    return [
        _lsd(report, kind, "bwe48", _mean(report, kind, "BWE LSD", "flat tail"), target, _spline(report, kind))
        for rate, target in MUSIC_TARGET.items()
        for kind in (f"music {rate}-48k",)
    ]


def _cutoffs(report: Report) -> list[Line]:
    lines = []
    for cutoff in CUTOFFS_KHZ:
        kind = f"music under {cutoff}k"
        ours, sinc = report.in_common(kind, "BWE LSD-HF", "bwe48", "sinc")
        change = 100.0 * (float(np.mean(ours)) / float(np.mean(sinc)) - 1.0) if ours else None
        metric = "BWE LSD-HF bwe48 / sinc"
        lines.append(Line(kind, metric, change, -30.0, -50.0, "%", peers=NONE, clips=len(ours)))
    return lines


def _tails(report: Report) -> list[Line]:
    """Judge whether the network is no worse than the flat tail, which is told the true edge; blind and told it, too."""
    kinds = [f"music {rate}-48k" for rate in MUSIC_TARGET]
    kinds += [f"{what} under {cutoff}k" for what in ("music", "cymbals") for cutoff in CUTOFFS_KHZ]
    return [
        _less(report, kind, measure, name, FLAT_TAIL.name, 0.0, -TAIL_LSD)
        for kind in (*kinds, *CODED)
        for measure in ("BWE LSD", "BWE LSD-HF")
        for name in ("bwe48", "bwe48" + EDGE_GIVEN)
    ]


def _films(report: Report) -> list[Line]:
    """Judge both films for every way and factor, with the tool's own setting first, then the network alone."""
    return [
        line
        for way, speakers, settings in _FILM_ROWS
        for setting in settings
        for film in FILMS
        for factor in FILM_FLOOR_DB
        for line in _film(report, f"{speakers} {16 // factor}-16k {way}", film, factor, setting)
    ]


def _film(report: Report, kind: str, film: str, factor: int, setting: str) -> list[Line]:
    """Judge a film by what it gains over the spline; promised for the speaker and the ways that it was trained on."""
    published, (speakers, _, way) = TFILM_SNR_DB.get(factor), kind.split()
    peers = f"TFiLM full {published} dB absolute (published, VCTK)" if published else NONE
    floor, target = FILM_FLOOR_DB[factor], FILM_TARGET_DB[factor]
    lines = [
        _less(report, kind, "SNR", film + setting, "spline", floor, target, "higher", "dB", peers),
        _less(report, kind, "BWE LSD", film + setting, "spline", 0.0, -FILM_LSD),
    ]
    is_promised = speakers == TRAINED_SPEAKERS and way in trained_ways(film, factor)
    return [replace(line, is_promised=is_promised) for line in lines]


def _filters(report: Report, name: str) -> Line:
    """Say how much worse unseen filters are than seen ones, on the same clips."""
    rate = name.removeprefix("bwe") + "k"
    seen, unseen = (_mean(report, f"{which} filters {rate}", "BWE LSD", name) for which in ("seen", "unseen"))
    rise = None if seen is None or unseen is None else unseen - seen
    cell = report.cell(f"unseen filters {rate}", "BWE LSD", name)
    case = f"unseen less seen, {rate}"
    return Line(case, f"BWE LSD {name}", rise, 0.15, 0.05, peers="none", clips=cell.count if cell else 0)


def _lsd(report: Report, kind: str, name: str, floor: float | None, target: float, peers: str) -> Line:
    cell = report.cell(kind, "BWE LSD", name)
    if cell is None:
        return Line(kind, f"BWE LSD {name}", None, floor, target, peers=peers)
    worst = f"{cell.worst:.2f} {Path(cell.worst_clip).name}"
    return Line(kind, f"BWE LSD {name}", cell.mean, floor, target, peers=peers, clips=cell.count, worst=worst)


def _less(
    report: Report, kind: str, measure: str, one: str, other: str, floor: float, target: float,
    better: Literal["lower", "higher"] = "lower", unit: str = "", peers: str = "",
) -> Line:  # fmt: skip
    """Judge the difference of two contenders' means, on the clips that both answered."""
    first, second = report.in_common(kind, measure, one, other)
    value = float(np.mean(first) - np.mean(second)) if first else None
    return Line(kind, f"{measure} {one} - {other}", value, floor, target, unit, better, peers, len(first))


def _worst_rows(report: Report, name: str, measure: str, floor: float, target: float, peers: str) -> list[Line]:
    """Judge the row that is worst in the mean; show beside it the worst with the edge given, and frame by frame."""
    empty = Line("", "", None, floor, target, "dB", "zero", peers)
    beside = replace(empty, is_promised=False, peers="")
    return [
        _worst_row(report, name, measure, empty),
        _worst_row(report, name + EDGE_GIVEN, measure, beside),
        _worst_row(report, name, f"{measure} by frame", beside),
    ]


def _worst_row(report: Report, name: str, measure: str, empty: Line) -> Line:
    rows = {kind: row for kind in report.kinds if (row := row_of(report, kind, measure, name))}
    line = replace(empty, case="worst row", metric=f"{measure} {name}")
    if not rows:
        return line
    kind = max(rows, key=lambda kind: abs(rows[kind].mean))
    row = rows[kind]
    worst = f"{kind}: median {row.median:+.1f}, worst {row.worst:+.1f} {Path(row.worst_clip).name}"
    return replace(line, value=row.mean, clips=row.count, worst=worst)


def _worst_clip(
    report: Report, name: str, measure: str, floor: float, target: float, better: Literal["lower", "zero"]
) -> Line:
    figures = [f for f in report.figures if f.measure == measure and name in (f.contender, EVERYBODY)]
    unit = next((m.unit for m in report.measures if m.name == measure), "")
    if not figures:
        return Line("worst clip", f"{measure} {name}", None, floor, target, unit, better)
    worst = max(figures, key=lambda f: abs(f.value) if better == "zero" else f.value)
    where = f"{Path(worst.clip).name}, {worst.kind}" + (f", {worst.contender}" if name == EVERYBODY else "")
    return Line(
        "worst clip", f"{measure} {name}", worst.value, floor, target, unit, better, clips=len(figures), worst=where
    )


def _mean(report: Report, kind: str, measure: str, name: str) -> float | None:
    cell = report.cell(kind, measure, name)
    return cell.mean if cell else None


def _spline(report: Report, kind: str) -> str:
    value = _mean(report, kind, "BWE LSD", "spline")
    return NONE if value is None else f"{NONE}; spline {value:.2f} here"


def table(lines: Sequence[Line]) -> str:
    """Return the promises as a table: case, metric, floor, ours, target, verdict, clips, worst, peers."""
    numbers = "".join(f"{title:>9}" for title in ("floor", HEADINGS["ours"], "target"))
    head = f"{'case':{NAME_WIDTH}}  {'metric':{METRIC_WIDTH}}{numbers}  {'verdict':13}{'n':>4}"
    rows = [f"{head}  {'worst':{WORST_WIDTH}}  peers"]
    for line in lines:
        numbers = "".join(f"{_shown(value):>9}" for value in (line.floor, line.value, line.target))
        rows.append(
            f"{line.case:{NAME_WIDTH}}  {_named(line):{METRIC_WIDTH}}{numbers}  {line.state:13}{line.clips:>4}  "
            f"{line.worst:{WORST_WIDTH}}  {line.peers}".rstrip()
        )
    return "\n".join(rows)


def _named(line: Line) -> str:
    return f"{line.metric} ({line.unit})" if line.unit else line.metric


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
