"""What the export dialog decides, and the work that follows: cut, write, check, report. No widgets here."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from engine import demo
from engine.audio.files import FileSignal, WriteOptions, WriteReport, write
from engine.audio.formats import WriteFormat
from engine.audio.resample import ResampledSignal
from engine.audio.signal import Signal, Span
from engine.playback.match import Spliced
from engine.session.command import run_command, step_command
from engine.session.recipe import Recipe
from engine.session.render import RenderedSignal
from engine.tools.tool import Job, Tool
from gui.naming import heard_instead
from gui.views.lane import Difference

What = Literal["A", "B", "delta"]
LOUDNESS = (("", "Unchanged"), ("-14", "−14 LUFS"), ("-16", "−16 LUFS"), ("-23", "−23 LUFS (EBU R 128)"))
ONE_REPORT = "# A run writes reports of one kind: here {0}, for the other say --report {1}"
SAME = ""  # "same as source"


@dataclass(frozen=True)
class ExportPlan:
    """One export, decided."""

    what: What
    span: Span | None  # frames of B; None: the whole track
    path: Path
    container: str  # as `WriteOptions.container`
    subtype: str = SAME
    rate: int | None = None
    loudness_lufs: float | None = None
    keeps_tags: bool = True
    notes_processing: bool = True
    reports: tuple[str, ...] = ()  # suffixes: .json, .html


@dataclass(frozen=True)
class Exported:
    """A finished export."""

    report: WriteReport
    reports: tuple[Path, ...]


def folder_beside(source: Path) -> Path:
    """Return where a result is expected: beside its source, unless that folder is the program's own or read-only."""
    is_demo = source.parent == demo.paths().aged.parent
    return Path.home() if is_demo or not os.access(source.parent, os.W_OK) else source.parent


def free_name(folder: Path, stem: str, suffix: str, taken: Path) -> Path:
    """Return a path in `folder` that doesn't exist and isn't the source: a number is added where needed."""
    path = folder / f"{stem}{suffix}"
    number = 2
    while path.exists() or path == taken:
        path = folder / f"{stem}-{number}{suffix}"
        number += 1
    return path


def fill_pattern(pattern: str, name: str, tool: str) -> str:
    """Return a file name from a pattern with {name} and {tool}; characters no disk likes become dashes."""
    text = pattern.replace("{name}", name).replace("{tool}", tool).strip() or name
    return "".join("-" if letter in '/\\:*?"<>|' or ord(letter) < 32 else letter for letter in text).strip(". ") or name


def tool_word(recipe: Recipe, what: What) -> str:
    """Return what {tool} stands for: the devices of the rack, or the side."""
    if what == "A":
        return "original"
    words = "-".join(dict.fromkeys(step.tool for step in recipe.steps if step.is_heard)) or "copy"
    return f"{words}-difference" if what == "delta" else words


def at_rate(plan: ExportPlan, rate: int, new_rate: int) -> ExportPlan:
    """Return the plan with its span, which is in frames at `rate`, in frames at `new_rate`."""
    if plan.span is None or rate == new_rate:
        return plan
    return replace(plan, span=Span(*(round(frame * new_rate / rate) for frame in plan.span)))


def residue_notes(recipe: Recipe, tools: Mapping[str, Tool]) -> list[str]:
    """Return a sentence for every device that hands on something else than its result, which would be written."""
    notes = []
    for step in recipe.steps:
        tool = tools.get(step.tool)
        what = heard_instead(tool, step.params) if tool is not None and step.is_heard else ""
        if tool is not None and what:
            is_stage = what.startswith("what")
            how = "switch its headphones off" if is_stage else "choose its result"
            notes.append(f"{tool.label} gives {'only ' if is_stage else ''}{what}: {how}")
    return notes


def signal_of(plan: ExportPlan, source: Signal, rendered: RenderedSignal, job: Job) -> Signal:
    """Return what is written, before any change of format: never with level match or Δ gain."""
    whole: Signal = rendered.under(job)
    if plan.what == "delta":
        whole = Difference(source if source.rate == rendered.rate else ResampledSignal(source, rendered.rate), whole)
    elif plan.what == "A":
        whole, plan = source, at_rate(plan, rendered.rate, source.rate)
    if plan.span is None:
        return whole
    cut = plan.span.intersect(Span(0, whole.frames))
    return Spliced(whole, (cut,))


def export(plan: ExportPlan, source: FileSignal, rendered: RenderedSignal, recipe: Recipe, job: Job) -> Exported:
    """Render what is missing, write it beside its name, read it back, write the reports. Raises OutputError."""
    from engine.cli.process import make_report, write_report
    from engine.session.report import processing_note

    tags = dict(source.info.tags) if plan.keeps_tags else {}
    if plan.notes_processing and plan.what != "A":
        note = processing_note(recipe, rendered, job.part(0.0, 0.0))
        side = "difference between result and original; " if plan.what == "delta" else ""
        tags["comment"] = "; ".join(text for text in (tags.get("comment", ""), side + note) if text)
    options = WriteOptions(
        container=plan.container,
        subtype=plan.subtype or None,
        rate=plan.rate,
        tags=tags,
        loudness_lufs=plan.loudness_lufs,
    )
    writing = job.part(0.0, 0.85 if plan.reports else 1.0)
    signal = signal_of(plan, source, rendered, writing)
    written = write(signal, plan.path, options, source.info, job.check, writing.progress)
    paths = report_paths(plan)
    if paths:
        report = make_report(rendered, recipe, source, written, job.part(0.85, 1.0))
        for path in paths:
            write_report(report, path, True)
    return Exported(written, paths)


def lacking(plan: ExportPlan, changes_rate: bool = False) -> str:
    """Return in a sentence what of a plan the command line can't do, "" if it can do all of it."""
    if plan.what != "B" or plan.span is not None:
        return "The command line writes whole results (B) only."
    if changes_rate and plan.rate is not None:
        return "The command line writes this result at its own rate only."
    return "The command line leaves the loudness as it is." if plan.loudness_lufs is not None else ""


def command_of(plan: ExportPlan, recipe: Recipe, source: Path, changes_rate: bool = False) -> str:
    """Return the command line that writes the same file, where there is one.

    Where a device changes the rate there is none for a further rate: `--rate` is the device's own there.
    """
    if lacking(plan, changes_rate):
        return ""
    heard = [step for step in recipe.steps if step.is_heard]
    if len(heard) != 1 or heard[0].mix != 1.0 or not _spans_only(recipe):
        kinds = [suffix.removeprefix(".") for suffix in plan.reports]
        options = [] if plan.path.suffix.lower() == source.suffix.lower() else ["--format", plan.container]
        options += [*_writing_words(plan), *(["--report", kinds[0]] if kinds else [])]
        command = run_command(recipe, (source,), plan.path.parent, options)
        return f"{ONE_REPORT.format(*kinds)}\n{command}" if len(kinds) > 1 else command
    words = [step_command(heard[0], source, plan.path), shlex.join(_writing_words(plan)), *_report_words(plan)]
    return " ".join(word for word in words if word)


def _writing_words(plan: ExportPlan) -> list[str]:
    words = ["--rate", str(plan.rate)] if plan.rate is not None else []
    return words + (["--subtype", plan.subtype] if plan.subtype else [])


def report_paths(plan: ExportPlan) -> tuple[Path, ...]:
    """Return where the reports are written: beside the file."""
    return tuple(plan.path.with_name(f"{plan.path.stem}-report{suffix}") for suffix in plan.reports)


def _report_words(plan: ExportPlan) -> list[str]:
    """Return the options that write the reports: `--report` takes one file, `--json` puts the same on the output."""
    paths = [shlex.quote(str(path)) for path in report_paths(plan)]
    if len(paths) < 2:
        return [f"--report {path}" for path in paths]
    by_suffix = dict(zip(plan.reports, paths, strict=True))
    return [f"--report {by_suffix['.html']}", "--json", f"> {by_suffix['.json']}"]


def _spans_only(recipe: Recipe) -> bool:
    return all(step.scope.low_hz is None and step.scope.channels is None for step in recipe.steps)


def bytes_needed(frames: int, channels: int, subtype: str) -> int:
    """Return about how much an uncompressed file needs; compressed ones need less."""
    size = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}.get(subtype, 3)
    return frames * channels * size


def format_notes(chosen: WriteFormat, rate: int, channels: int, subtype: str, wanted: str) -> tuple[list[str], bool]:
    """Return what the format changes, in sentences, and whether it can be written at all."""
    notes = []
    if channels > chosen.max_channels:
        return [f"{chosen.label} can't hold {channels} channels: choose WAV, FLAC (up to 8) or CAF"], False
    nearest = chosen.nearest_rate(rate)
    if nearest != rate:
        notes.append(f"{chosen.label} can't hold {rate / 1000:g} kHz: {nearest / 1000:g} kHz is written")
    if wanted == SAME and subtype not in chosen.subtypes and chosen.is_lossless:
        notes.append(
            f"{chosen.label} has no {subtype.replace('_', ' ')}: {chosen.subtypes[0].replace('_', ' ')} is written"
        )
    return notes, True
