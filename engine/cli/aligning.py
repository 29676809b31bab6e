"""`shellac align`: a target put on a reference's timeline, with its map in files for other programs and a picture."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli import say
from engine.cli.progress import interruptibly, shown
from engine.cli.targets import check_report_target, check_target, identities
from engine.errors import UsageError
from engine.tools.align.exports import ENDINGS, writer_of
from engine.tools.align.fitness import UnrelatedError, check_usable
from engine.tools.tool import Job

if TYPE_CHECKING:
    from engine.cli.process import Processed
    from engine.session.render import RenderedSignal

_FIGURES = (".png", ".svg")


def add_align_options(parser: argparse.ArgumentParser) -> None:
    """Add what `shellac align` can write beside the recording."""
    parser.add_argument(
        "--map", action="append", type=Path, default=[], metavar="FILE",
        help=f"write the map, by the ending of the name: {ENDINGS}; may be given several times",
    )  # fmt: skip
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw map and corridor (.svg or .png)")


def align_command(arguments: argparse.Namespace) -> int:
    """Align one target to one reference."""
    from engine.cli.process import finish

    if arguments.list_knobs:
        from engine.cli.parser import knob_list

        say.out(knob_list(arguments.tool))
        return 0
    _check(arguments)
    with shown(arguments.tool.label, arguments.quiet) as job:
        done = interruptibly(job, lambda: _aligned(arguments, job))
    finish(done, arguments)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what can't be meant before minutes of work, not after."""
    read: Sequence[Path | None] = (arguments.input_reference, arguments.input)
    if None in read:
        raise UsageError("two recordings are needed, the reference and the target", "see `shellac align --help`")
    if arguments.output is None:
        raise UsageError("there is no name for the result", "give one with -o")
    protected = identities([path for path in read if path is not None])
    check_target(arguments.output, arguments.force, protected)
    protected |= identities([arguments.output])
    for path in arguments.map:
        writer_of(path)
    if arguments.figure is not None and arguments.figure.suffix.lower() not in _FIGURES:
        raise UsageError(f"a figure can't be called {arguments.figure.name!r}", "end its name in .svg or .png")
    for path in (*arguments.map, *([arguments.figure] if arguments.figure is not None else [])):
        check_target(path, arguments.force, protected)
        protected |= identities([path])
    if arguments.report is not None:
        check_report_target(arguments.report, arguments.force, protected)


def _aligned(arguments: argparse.Namespace, job: Job) -> Processed:
    from engine.audio.files import open_signal
    from engine.cli.process import options_of, process, settings_of, step_of
    from engine.session.recipe import Recipe

    settings = settings_of(arguments)
    names = (str(arguments.input_reference), str(arguments.input))
    for path in (arguments.input_reference, arguments.input):  # here they have names, in the tool they are sounds
        with closing(open_signal(path, settings, job.check)) as signal:
            check_usable(signal, str(path), job)
    told: dict[str, Any] = {}

    def also(rendered: RenderedSignal, part: Job) -> None:
        told.update(_write_beside(arguments, rendered, part))

    wants_report = arguments.json or arguments.report is not None
    try:
        done = process(
            arguments.input, Recipe((step_of(arguments, arguments.tool),)), arguments.output, options_of(arguments),
            settings, job, wants_report=wants_report, is_typed=True, also=also,
        )  # fmt: skip
    except UnrelatedError as error:
        raise UnrelatedError(*names, error.p_unrelated) from error
    return done if done.report is None else replace(done, report={**done.report, "align": told})


def _write_beside(arguments: argparse.Namespace, rendered: RenderedSignal, job: Job) -> dict[str, Any]:
    """Write maps and figure; return what the report says of the alignment as a whole."""
    from engine.audio.signal import Format
    from engine.session.atomic import write_atomically
    from engine.tools.align.account import account_of
    from engine.tools.align.tool import alignment_of

    (device,) = rendered.devices
    alignment = alignment_of(device.analysis(job))
    made = device.format
    reference = Format(made.rate, made.channels, made.frames)
    for path in arguments.map:
        write_atomically(path, writer_of(path)(alignment, reference).encode())
    if arguments.figure is not None:
        from engine.tools.align.figure import draw

        title = f"{arguments.input.name} on the time of {arguments.input_reference.name}"
        write_atomically(arguments.figure, draw(alignment, arguments.figure.suffix.lower(), title))
    source = rendered.source
    told = account_of(alignment, source.frames / source.rate, made.frames / made.rate)
    files = {"maps": [str(path) for path in arguments.map]}
    return told | files | {"figure": None if arguments.figure is None else str(arguments.figure)}
