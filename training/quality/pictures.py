"""Pictures of a report: bars of one measure, and spectrograms of its worst and median cases side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from training.quality.cases import Case, Samples, columns
from training.quality.contenders import ROLES, Contender, problem_with
from training.quality.harness import Round
from training.quality.table import Report

DITHER_AMPLITUDE: Final = 1e-9  # far below the picture's range: digital silence has no logarithm
FRAME_S: Final = 0.046  # of the spectrograms: 2048 samples at 44.1 and 48 kHz
RANGE_DB: Final = (-140.0, -40.0)  # of the power spectral density
EXAMPLE_RMS: Final = 0.1  # of the target of an example: some recordings are 40 dB quieter than others


def draw_bars(report: Report, measure: str, kinds: Sequence[str], contenders: Sequence[str], path: Path) -> None:
    """Draw the means of one measure, a group of bars per row of the table."""
    pyplot = _pyplot()
    figure, axis = pyplot.subplots(figsize=(11, 4.5))
    width = 0.84 / max(1, len(contenders))
    for place, name in enumerate(contenders):
        cells = [report.cell(kind, measure, name) for kind in kinds]
        heights = [cell.mean if cell else np.nan for cell in cells]
        offset = width * (place - (len(contenders) - 1) / 2)
        axis.bar(np.arange(len(kinds)) + offset, heights, 0.95 * width, label=name)
    axis.set_xticks(np.arange(len(kinds)), [kind.replace(" dB", "\ndB") for kind in kinds], fontsize=7)
    unit = next((m.unit for m in report.measures if m.name == measure), "")
    axis.set_ylabel(f"{measure} ({unit})" if unit else measure)
    axis.axhline(0.0, color="black", linewidth=0.6)
    axis.legend()
    _save(pyplot, figure, path, 90)


def draw_strips(rounds: Sequence[Round], report: Report, kind: str, measure: str, contender: str, path: Path) -> bool:
    """Draw the worst and the median case of one row, from what was given over peers and ours to the target.

    Returns whether there was something to draw. `measure` and `contender` decide which cases these are.
    """
    cell = report.cell(kind, measure, contender)
    if cell is None:
        return False
    strips = []
    for what, clip in (("worst", cell.worst_clip), ("median", cell.median_clip)):
        case, everyone = _find(rounds, kind, clip)
        shown = sorted((c for c in everyone if c.role in ("peer", "ours")), key=lambda c: ROLES.index(c.role))
        strips.append((f"{what}: {Path(clip).name}", _panels(case, shown, report, measure)))
    _draw_panels(strips, f"{kind}, by {measure} of {contender}", path)
    return True


def draw_examples(
    rounds: Sequence[Round], report: Report, examples: Sequence[tuple[str, str, str]], contenders: Sequence[str],
    measure: str, path: Path, seconds: float = 3.0,
) -> bool:  # fmt: skip
    """Draw chosen cases, a strip each, from what was given over some contenders to the target.

    Parameters
    ----------
    examples
        What to call it, row of the table, name of the clip or an end of it; what wasn't measured is passed over.
    seconds
        How much of each is drawn, from its middle.

    Returns whether there was something to draw.
    """
    strips = []
    for title, kind, name in examples:
        clips = [c.clip.name for r in rounds for c in r.cases if c.kind == kind and c.clip.name.endswith(name)]
        if not clips:
            continue
        case, everyone = _find(rounds, kind, clips[0])
        shown = [c for wanted in contenders for c in everyone if c.name == wanted]
        panels = _panels(case, shown, report, measure)
        louder = np.float32(EXAMPLE_RMS / max(float(np.sqrt(np.mean(panels[-1][1] ** 2))), 1e-9))
        cut = [(name, louder * _middle(samples, rate, seconds), rate) for name, samples, rate in panels]
        strips.append((f"{title}: {kind}", cut))
    if strips:
        _draw_panels(strips, f"given, contenders with their {measure}, target", path)
    return bool(strips)


def _draw_panels(strips: Sequence[tuple[str, list[tuple[str, Samples, int]]]], title: str, path: Path) -> None:
    pyplot = _pyplot()
    across = max(len(panels) for _, panels in strips)
    size = (4.2 * across, 4 * len(strips))
    figure, axes = pyplot.subplots(len(strips), across, figsize=size, sharey="row", squeeze=False)
    for row, (name, panels) in zip(axes, strips, strict=True):
        for axis in row[len(panels) :]:
            axis.set_axis_off()  # somebody failed here and not in the other strip
        for axis, (panel, samples, rate) in zip(row, panels, strict=False):
            _spectrogram(axis, samples, rate)
            axis.set_title(panel, fontsize=9)
        row[0].set_ylabel(name, fontsize=9)
    figure.suptitle(title)
    _save(pyplot, figure, path, 70)


def _middle(samples: Samples, rate: int, seconds: float) -> Samples:
    start = max(0, (len(samples) - round(seconds * rate)) // 2)
    return samples[start : start + round(seconds * rate)]


def _find(rounds: Sequence[Round], kind: str, clip: str) -> tuple[Case, list[Contender]]:
    """Return a case and who answers it, in all rounds together."""
    found = [(case, turn) for turn in rounds for case in turn.cases if (case.kind, case.clip.name) == (kind, clip)]
    everyone = {contender.name: contender for _, turn in found for contender in turn.contenders}
    return found[0][0], list(everyone.values())


def _panels(
    case: Case, contenders: Sequence[Contender], report: Report, measure: str
) -> list[tuple[str, Samples, int]]:
    material = case.material()
    place = (case.kind, case.clip.name)
    failed = {miss.contender for miss in report.failures if (miss.kind, miss.clip) == place and not miss.measure}
    panels = [("given", columns(material.given)[:, 0], material.given_rate or material.rate)]
    for contender in (c for c in contenders if c.name not in failed):
        answer = contender.run(material)
        if problem := problem_with(answer, material):
            raise ValueError(f"{contender.name}: {problem}")
        title = f"{contender.name}   {_value(report, case, contender, measure)}"
        panels.append((title, columns(answer.samples)[:, 0], answer.rate))
    return [*panels, ("target", columns(material.target)[:, 0], material.rate)]


def _value(report: Report, case: Case, contender: Contender, measure: str) -> str:
    key = (case.kind, case.clip.name, contender.name, measure)
    found = [f.value for f in report.figures if (f.kind, f.clip, f.contender, f.measure) == key]
    return f"{found[0]:.2f}" if found else ""


def _spectrogram(axis: Any, samples: Samples, rate: int) -> None:
    dither = np.random.default_rng(0).standard_normal(len(samples), dtype=np.float32) * np.float32(DITHER_AMPLITUDE)
    size = min(2 ** round(np.log2(rate * FRAME_S)), len(samples))
    low, high = RANGE_DB
    axis.specgram(samples + dither, NFFT=size, Fs=rate, noverlap=size * 3 // 4, vmin=low, vmax=high, cmap="magma")


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _save(pyplot: Any, figure: Any, path: Path, dpi: int) -> None:
    figure.tight_layout(rect=(0.0, 0.0, 1.0, 1.0 - 0.25 / figure.get_figheight()))  # a quarter inch for a heading
    figure.savefig(path, dpi=dpi)
    pyplot.close(figure)
