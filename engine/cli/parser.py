"""The words of the command line. Every registered tool gets a command with an option for what its knobs offer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from engine import __version__
from engine.cli import BUILT_IN, LATER
from engine.errors import UsageError
from engine.settings import cores
from engine.tools.tool import Knob, Tool

_FOOT = """\
exit status: 0 done, 2 wrong usage, 3 the input can't be used, 4 a fault of ours, 130 interrupted
Without a command, `shellac [FILE...]` opens the window.
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, f"see `{self.prog} --help`")


def parse(argv: list[str]) -> argparse.Namespace:
    """Return the parsed words; `command` is the function to call with them.

    Raises
    ------
    UsageError
        If the words make no sense.
    """
    if argv and argv[0] in LATER:
        from engine.tools import all_tools

        if argv[0] not in (tool.name for tool in all_tools()):
            raise UsageError(f"{argv[0]!r} is not in this version", "see `shellac --help` for what is")
    return _build(argv).parse_args(argv)


def _build(argv: list[str]) -> argparse.ArgumentParser:
    # allow_abbrev off: an abbreviation that is unique today may not be tomorrow, and scripts rely on it.
    parser = _Parser(
        prog="shellac",
        description="A workstation for old and damaged recordings: see, restore, compare, export.",
        epilog=_FOOT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"Shellac {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    if not argv or argv[0] not in BUILT_IN:
        from engine.tools import all_tools

        for tool in all_tools():
            _add_tool(commands, tool)
    _add_run(commands)
    _add_measure(commands)
    _add_models(commands)
    _add_doctor(commands)
    _add_demo(commands)
    return parser


def _command(commands: Any, name: str, summary: str, epilog: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=_help(summary), description=summary, epilog=epilog, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a machine-readable report to standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress and no notes")
    parser.add_argument("--threads", type=_threads, metavar="N", help="processor threads (default: all)")


def _add_writing(parser: argparse.ArgumentParser, has_rate: bool = True) -> None:
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument(
        "--format", metavar="NAME", help="WAV, FLAC, AIFF, OGG, OPUS, MP3, CAF (default: by the ending)"
    )
    if has_rate:  # a tool that chooses the rate itself has an option of that name
        parser.add_argument("--rate", type=_rate, metavar="HZ", help="sample rate (default: as the input)")
    parser.add_argument("--subtype", metavar="NAME", help="such as PCM_16, PCM_24, FLOAT (default: as the input)")


def _add_tool(commands: Any, tool: Tool) -> None:
    from engine.cli.process import tool_command

    parser = _command(commands, tool.name, tool.summary, knob_list(tool))
    needs: tuple[str, ...] = getattr(tool, "needs", ())
    for name in needs:
        parser.add_argument(f"input_{name}", nargs="?", type=Path, metavar=name.upper(), help=f"the {name}")
    parser.add_argument("input", nargs="?", type=Path, metavar="TARGET" if needs else "IN", help="the recording")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="the result")
    for name in tool.inputs:
        if name not in needs:
            parser.add_argument(f"--{name}", dest=f"input_{name}", type=Path, metavar="FILE", help="another recording")
    _add_knobs_own_options(parser, tool.knobs)
    parser.add_argument("--preset", metavar="NAME", help=_help(" or ".join(tool.presets) or "there are none"))
    parser.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="may be given several times")
    parser.add_argument("--list-knobs", action="store_true", help="print every knob with its range and default")
    if tool.has_mix:  # on another time axis nothing can be left as it is
        parser.add_argument("--start", type=_seconds, metavar="S", help="act only from here (seconds or M:SS.s)")
        parser.add_argument("--stop", type=_seconds, metavar="S", help="act only up to here")
        parser.add_argument("--mix", type=_percent, default=1.0, metavar="PERCENT", help="0 dry to 100 wet (default)")
    _add_writing(parser, has_rate=all(knob.option != "--rate" for knob in tool.knobs))
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a change report (.json or .html)")
    _add_common(parser)
    parser.set_defaults(command=tool_command, tool=tool, rate=None, start=None, stop=None)
    if tool.name == "align":
        from engine.cli.aligning import add_align_options, align_command

        add_align_options(parser)
        parser.set_defaults(command=align_command)


def _add_knobs_own_options(parser: argparse.ArgumentParser, knobs: Sequence[Knob]) -> None:
    """Add the options that knobs have of their own; of those that exclude others only one can be given."""
    either = parser.add_mutually_exclusive_group() if any(knob.option and knob.excludes for knob in knobs) else parser
    for knob in knobs:
        if knob.option:
            metavar = knob.unit.upper() or ("N" if knob.kind == "int" else "NAME")
            group = either if knob.excludes else parser
            text = _help(f"{knob.describe()}. {knob.hint}")
            group.add_argument(knob.option, dest=f"knob_{knob.name}", metavar=metavar, help=text)


def _add_run(commands: Any) -> None:
    from engine.cli.batch import run_command

    parser = _command(commands, "run", "Apply a recipe to any number of recordings.")
    parser.add_argument("recipe", metavar="RECIPE", help="a recipe (.json), a project (.shellac), or - for stdin")
    parser.add_argument("inputs", nargs="*", type=Path, metavar="IN", help="recordings (default: those of the project)")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where results go; made if missing")
    parser.add_argument("--report", choices=("json", "html"), help="write a change report beside every result")
    _add_writing(parser)
    _add_common(parser)
    parser.set_defaults(command=run_command)


def _add_measure(commands: Any) -> None:
    from engine.cli.measuring import measure_command

    parser = _command(commands, "measure", "Measure one recording, or A (the truth) against B.")
    parser.add_argument("a", type=Path, metavar="A")
    parser.add_argument("b", type=Path, nargs="?", metavar="B")
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="write audio_comparison.png, spectrogram_comparison.png"
    )
    parser.add_argument("--force", action="store_true", help="replace the pictures of an earlier measurement")
    parser.add_argument("--protocol", choices=("seed",), help="seed: 16 kHz mono, shorter length, no alignment")
    _add_common(parser)
    parser.set_defaults(command=measure_command)


def _add_models(commands: Any) -> None:
    from engine.cli.inventory import models_command

    parser = _command(commands, "models", "List the networks of this installation and check their files.")
    _add_common(parser)
    parser.set_defaults(command=models_command)


def _add_doctor(commands: Any) -> None:
    from engine.cli.doctor import doctor_command

    parser = _command(commands, "doctor", "Check this installation: libraries, sound, providers, networks, cache.")
    _add_common(parser)
    parser.set_defaults(command=doctor_command)


def _add_demo(commands: Any) -> None:
    from engine.cli.demo import demo_command

    parser = _command(commands, "demo", "Restore the recording that comes with Shellac and compare it with the truth.")
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="FOLDER", help="where it goes (default: out)")
    parser.add_argument("--force", action="store_true", help="replace what an earlier demo wrote")
    _add_common(parser)
    parser.set_defaults(command=demo_command)


def knob_list(tool: Tool) -> str:
    """Return every knob of `tool` with range, default and hint, and the presets."""
    lines = ["knobs for --set:"]
    width = max((len(knob.name) for knob in tool.knobs), default=0)
    for knob in tool.knobs:
        lines.append(f"  {knob.name.ljust(width)}  {knob.describe()} (default {_default(knob)}). {knob.hint}".rstrip())
    for name, values in tool.presets.items():
        settings = ", ".join(f"{knob}={value}" for knob, value in values.items())
        lines.append(f"preset {name!r}: {settings or 'the defaults'}")
    return "\n".join(lines)


def _help(text: str) -> str:
    return text.replace("%", "%%")  # argparse formats help texts


def _default(knob: Knob) -> str:
    if isinstance(knob.default, bool):
        return "on" if knob.default else "off"
    return f"{knob.default:g}" if isinstance(knob.default, float) else str(knob.default) or "none"


def _threads(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"threads can't be {text!r}: give 1 to {cores()}")
    return int(text)


def _rate(text: str) -> int:
    if not text.isdigit() or not 1000 <= int(text) <= 768_000:
        raise argparse.ArgumentTypeError(f"the rate can't be {text!r}: give 1000 to 768000 Hz")
    return int(text)


def _seconds(text: str) -> float:
    """Read `83.5`, `1:23.5` or `1:02:03`."""
    try:
        total = 0.0
        for part in text.split(":"):
            total = 60.0 * total + float(part)
    except ValueError:
        total = -1.0
    if not 0.0 <= total < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: give seconds or M:SS.s")
    return total


def _percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 100.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: give 0 to 100")
    return value / 100.0
