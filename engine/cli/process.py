"""One recording through one recipe into one file: what every processing command does."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli import say
from engine.cli.progress import interruptibly, shown
from engine.cli.targets import check_report_target, check_target, identities, read_by
from engine.errors import EmptyRecordingError, UsageError
from engine.session.recipe import Recipe, Scope, Step
from engine.settings import Settings, choose, cores
from engine.tools.tool import Job, Tool, Value

if TYPE_CHECKING:
    from engine.audio.files import FileSignal, WriteOptions, WriteReport
    from engine.session.render import RenderedSignal, Renderer
    from engine.session.session import SourceRef


@dataclass(frozen=True)
class Processed:
    """One finished file."""

    report: Mapping[str, Any] | None  # the change report, where it was asked for
    notes: tuple[str, ...]
    result: Path


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Choose and return the settings of a command: all processor threads unless told otherwise."""
    return choose(Settings(threads=arguments.threads or cores()))


def tool_command(arguments: argparse.Namespace) -> int:
    """Apply one tool to one recording."""
    tool: Tool = arguments.tool
    if arguments.list_knobs:
        from engine.cli.parser import knob_list

        say.out(knob_list(tool))
        return 0
    if arguments.input is None:
        raise UsageError("there is no recording to process", f"see `shellac {tool.name} --help`")
    if arguments.output is None:
        raise UsageError("there is no name for the result", "give one with -o")
    recipe = Recipe((step_of(arguments, tool),))
    if arguments.report is not None:  # before minutes of work, not after
        check_report_target(
            arguments.report, arguments.force, identities([arguments.input, arguments.output, *read_by(recipe)])
        )
    with shown(tool.label, arguments.quiet) as job:
        done = interruptibly(
            job,
            lambda: process(
                arguments.input, recipe, arguments.output, options_of(arguments), settings_of(arguments), job,
                wants_report=arguments.json or arguments.report is not None, is_typed=True,
            ),
        )  # fmt: skip
    finish(done, arguments)
    return 0


def finish(done: Processed, arguments: argparse.Namespace) -> None:
    """Say what there is to say of a finished file, and write its report."""
    if not arguments.quiet:
        for text in done.notes:
            say.note(text)
    if done.report is not None:
        if arguments.report is not None:
            write_report(done.report, arguments.report, arguments.force)
        if arguments.json:
            say.out_json(done.report)
    if not arguments.json and not arguments.quiet:
        say.out(str(done.result))


def step_of(arguments: argparse.Namespace, tool: Tool) -> Step:
    """Return the step that the options describe. Later options win: preset, then the knobs' own options, then --set."""
    knobs = {knob.name: knob for knob in tool.knobs}
    params: dict[str, Value] = {}
    if arguments.preset is not None:
        if arguments.preset not in tool.presets:
            known = ", ".join(repr(name) for name in tool.presets) or "none"
            raise UsageError(f"{tool.label} has no preset {arguments.preset!r}", f"choose from {known}")
        params |= tool.presets[arguments.preset]
    for name, knob in knobs.items():
        text = getattr(arguments, f"knob_{name}", None) if knob.option else None
        if text is not None:
            params[name] = knob.parse(text)
            for other in knob.excludes:
                params.pop(other, None)
    for text in arguments.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set {text!r} has no value", "write it as KNOB=VALUE")
        if name not in knobs:
            raise UsageError(f"{tool.label} has no knob {name!r}", f"choose from {', '.join(knobs)}")
        params[name] = knobs[name].parse(value)
    given = {name: getattr(arguments, f"input_{name}") for name in tool.inputs}
    inputs = {name: str(path) for name, path in given.items() if path is not None}
    if arguments.start is not None and arguments.stop is not None and arguments.stop <= arguments.start:
        raise UsageError(f"--stop {arguments.stop:g} isn't after --start {arguments.start:g}", "swap them")
    scope = Scope(start_s=arguments.start, stop_s=arguments.stop)
    return Step(tool.name, params, scope, mix=getattr(arguments, "mix", 1.0), inputs=inputs, id=f"{tool.name}-1")


def options_of(arguments: argparse.Namespace) -> WriteOptions:
    """Return how the result is to be written."""
    from engine.audio.files import WriteOptions

    name = arguments.format.upper() if arguments.format else None
    known = format_suffixes()
    if name is not None and name not in known:
        raise UsageError(f"there is no format {arguments.format!r}", f"choose from {', '.join(known)}")
    return WriteOptions(name, arguments.subtype, arguments.rate, force=arguments.force)


def format_suffixes() -> dict[str, str]:
    """Return the names --format takes, and the ending of each."""
    from engine.audio.files import WRITE_FORMATS

    return {entry.suffix[1:].upper(): entry.suffix for entry in WRITE_FORMATS.values()}


def process(
    source: Path, recipe: Recipe, result: Path, options: WriteOptions, settings: Settings, job: Job,
    wants_report: bool = False, renderer: Renderer | None = None, expected: SourceRef | None = None,
    is_typed: bool = False, also: Callable[[RenderedSignal, Job], None] = lambda rendered, job: None,
) -> Processed:  # fmt: skip
    """Render `recipe` over a recording and write it.

    Parameters
    ----------
    expected
        The recording as a project knew it, where there is one.
    is_typed
        The steps are what the options of this very command say, and no recipe from elsewhere.
    also
        Called when the result is written, to write more from what was learnt.

    Raises
    ------
    UsageError
        If typed steps don't fit the recording.
    InputError
        If the recording is empty, can't be read or isn't the expected one, or the recipe needs what isn't installed.
    OutputError
        If the result can't be written.
    Cancelled
        If the job was cancelled; nothing is left behind.
    """
    from engine.audio.files import open_signal, write
    from engine.session.ahead import reading_ahead
    from engine.session.networks import network_changes
    from engine.session.project import source_change
    from engine.session.render import Renderer, check_recipe
    from engine.session.report import processing_note

    check_target(result, options.force, identities([source, *read_by(recipe)]))  # before minutes of work, not after
    opening, reading, writing, reporting = (job.part(a, b) for a, b in ((0, 0.1), (0.1, 0.4), (0.4, 0.9), (0.9, 1.0)))
    renderer = renderer or Renderer(settings)
    with closing(open_signal(source, settings, job.check, opening.progress)) as signal:
        if signal.frames == 0:
            raise EmptyRecordingError(f"{source} is empty (0 frames of sound)", "choose a recording with sound in it")
        changed = source_change(expected, signal) if expected is not None else ""
        rendered = renderer.render(signal, recipe)
        check_recipe(rendered, is_typed)
        note = processing_note(recipe, rendered, reading)
        comment = "; ".join(text for text in (signal.info.tags.get("comment", ""), note) if text)
        options = replace(options, tags={**(options.tags or signal.info.tags), "comment": comment})
        with reading_ahead(rendered, reading, settings.threads) as sound:
            written = write(sound, result, options, signal.info, job.check, writing.progress)
        also(rendered, reporting)
        report = make_report(rendered, recipe, signal, written, reporting) if wants_report else None
        notes = (*network_changes(recipe), *_notes(rendered, signal, written, changed))
    return Processed(report, notes, written.path)


def make_report(
    rendered: RenderedSignal, recipe: Recipe, signal: FileSignal, written: WriteReport, job: Job
) -> dict[str, Any]:
    """Return the change report of a written file."""
    from engine.session.report import Subject, change_report

    info = signal.info
    repairs = [{"start_s": r.span.start / info.rate, "stop_s": r.span.stop / info.rate} for r in signal.repairs]
    source_facts = {
        "path": str(info.path), "container": info.container, "subtype": info.subtype, "note": info.note,
        "repairs": repairs,
    }  # fmt: skip
    result_facts = {
        "path": str(written.path), "container": written.format, "subtype": written.subtype, "rate": written.rate,
        "frames": written.frames, "seconds": written.frames / written.rate, "overs": written.overs,
        "note": written.note,
    }  # fmt: skip
    return change_report(rendered, recipe, Subject(info.path.name, written.path.name, source_facts, result_facts), job)


def _notes(rendered: RenderedSignal, signal: FileSignal, written: WriteReport, changed: str) -> tuple[str, ...]:
    from engine.inference.network import notes

    found = [changed, signal.info.note, written.note, *notes()]
    found += [text for device in rendered.devices for text in device.remarks]
    if signal.repairs:
        found.append(f"{len(signal.repairs)} run(s) of non-finite samples were repaired while reading")
    for mark in rendered.marks:
        at = f"{mark.span.start / rendered.rate:.2f}–{mark.span.stop / rendered.rate:.2f} s"
        found.append(f"worth a second look at {at}: {mark.reason}")
    return tuple(text for text in found if text)


def write_report(report: Mapping[str, Any], path: Path, force: bool, picture_png: bytes | None = None) -> None:
    """Write a report as JSON or as a page, by the ending of its name."""
    from engine.session.atomic import write_atomically
    from engine.session.report import to_json
    from engine.session.report_page import to_html

    check_report_target(path, force)
    is_json = path.suffix.lower() == ".json"
    write_atomically(path, (to_json(report) if is_json else to_html(report, picture_png)).encode())
