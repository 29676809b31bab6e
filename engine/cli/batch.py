"""`shellac run`: one recipe on any number of recordings. A file that fails stops no other."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from engine.cli import say
from engine.cli.progress import interruptibly, shown
from engine.errors import InputError, MissingFileError, OutputError, ShellacError, UsageError
from engine.session.recipe import Recipe

_LARGEST_BYTES = 64 << 20


@dataclass(frozen=True)
class Task:
    """One recording and what is to be done to it."""

    source: Path
    recipe: Recipe


def run_command(arguments: argparse.Namespace) -> int:
    """Apply a recipe to every input and say how each went."""
    from engine.cli.process import options_of, settings_of
    from engine.session.render import Renderer

    tasks = _tasks(arguments.recipe, arguments.inputs)
    folder: Path = arguments.out
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {folder} can't be made ({error.strerror})", "choose another place") from error
    renderer = Renderer(settings_of(arguments))
    options = options_of(arguments)
    taken: set[Path] = set()
    results: list[dict[str, Any]] = []
    for number, task in enumerate(tasks, 1):
        title = f"{task.source.name} ({number} of {len(tasks)})"
        with shown(title, arguments.quiet) as job:
            result = interruptibly(job, partial(_one, task, arguments, options, renderer, taken, job))
        results.append(result)
        _say(result, arguments)
    failed = [result for result in results if not result["ok"]]
    if arguments.json:
        say.out_json({"results": results, "failed": len(failed)})
    elif len(tasks) > 1:
        say.out(f"{len(tasks) - len(failed)} of {len(tasks)} done")
    if failed and len(tasks) == 1:
        return int(failed[0]["exit_status"])
    return InputError.exit_status if failed else 0


def _tasks(recipe: str, inputs: list[Path]) -> list[Task]:
    """Return what is to be done: the recipe on every input, or a project's own tracks."""
    is_project = recipe.lower().endswith(".shellac")
    if is_project:
        from engine.session.project import load_project

        session, _ = load_project(Path(recipe))
        if not session.tracks:
            raise InputError(f"{recipe} has no track", "choose another project")
        if not inputs:
            return [Task(track.source.path, track.recipe) for track in session.tracks]
        track = session.track
        assert track is not None
        return [Task(path, track.recipe) for path in inputs]
    if not inputs:
        raise UsageError("there is no recording to process", "give at least one after the recipe")
    loaded = Recipe.loads(_read(recipe))
    return [Task(path, loaded) for path in inputs]


def _read(recipe: str) -> bytes:
    if recipe == "-":
        return sys.stdin.buffer.read(_LARGEST_BYTES)
    path = Path(recipe)
    try:
        with path.open("rb") as stream:
            return stream.read(_LARGEST_BYTES)
    except OSError as error:
        raise MissingFileError(
            f"the recipe {recipe} can't be read ({error.strerror})", "check its name and permissions"
        ) from error


def _one(
    task: Task, arguments: argparse.Namespace, options: Any, renderer: Any, taken: set[Path], job: Any
) -> dict[str, Any]:
    """Process one file; a failure becomes part of the result."""
    from engine.cli.process import process, settings_of, write_report

    target = _target(task.source, arguments, taken)
    try:
        done = process(
            task.source, task.recipe, target, options, settings_of(arguments), job,
            wants_report=arguments.json or arguments.report is not None, renderer=renderer,
        )  # fmt: skip
        if arguments.report is not None and done.report is not None:
            write_report(done.report, target.with_name(f"{target.name}-report.{arguments.report}"), True)
    except ShellacError as error:
        return {"source": str(task.source), "ok": False, "error": str(error), "exit_status": error.exit_status}
    out = {"source": str(task.source), "ok": True, "result": str(done.result), "notes": list(done.notes)}
    return out | ({"report": done.report} if done.report is not None else {})


def _target(source: Path, arguments: argparse.Namespace, taken: set[Path]) -> Path:
    """Return a name in the output folder that is neither an input's nor, without --force, taken: else numbered."""
    from engine.audio.files import OPEN_SUFFIXES, WRITE_FORMATS
    from engine.cli.process import format_suffixes

    suffix = source.suffix
    if arguments.format:
        suffix = format_suffixes()[arguments.format.upper()]
    elif suffix.lower() in OPEN_SUFFIXES and suffix.lower() not in WRITE_FORMATS:
        suffix = ".wav"  # what can be read but not written
    sources = {_absolute(path) for path in (source, *arguments.inputs)}
    number = 1
    while True:
        number_text = "" if number == 1 else f"-{number}"
        target: Path = arguments.out / f"{source.stem}{number_text}{suffix}"
        here = _absolute(target)
        is_free = arguments.force or not target.exists()
        if here not in taken and here not in sources and is_free:
            taken.add(here)
            return target
        number += 1


def _absolute(path: Path) -> Path:
    try:
        return path.resolve()
    except OSError:
        return path.absolute()


def _say(result: dict[str, Any], arguments: argparse.Namespace) -> None:
    if not result["ok"]:
        say.note(result["error"] if result["source"] in result["error"] else f"{result['source']}: {result['error']}")
    elif not arguments.json:
        say.out(result["result"])
        for text in result["notes"] if not arguments.quiet else ():
            say.note(f"{result['source']}: {text}")
