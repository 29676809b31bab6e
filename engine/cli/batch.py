"""`shellac run`: one recipe on any number of recordings. A file that fails stops no other."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from engine.cli import say
from engine.cli.faults import spoken
from engine.cli.progress import interruptibly, shown
from engine.cli.targets import check_target, identities, read_by
from engine.errors import InputError, MissingFileError, OutputError, OutputExistsError, ShellacError, UsageError
from engine.session.recipe import Recipe
from engine.session.session import SourceRef

_LARGEST_BYTES = 64 << 20


@dataclass(frozen=True)
class Task:
    """One recording and what is to be done to it."""

    source: Path
    recipe: Recipe
    expected: SourceRef | None = None  # the recording as its project knew it


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
    names = _Names(arguments, tasks)
    results: list[dict[str, Any]] = []
    for number, task in enumerate(tasks, 1):
        title = f"{task.source.name} ({number} of {len(tasks)})"
        with shown(title, arguments.quiet) as job:
            result = interruptibly(job, partial(_one, task, arguments, options, renderer, names, job))
        results.append(result)
        _say(result, arguments)
        if number < len(tasks):
            job.check()  # a wish to stop that came after the file's last step
    failed = [result for result in results if not result["ok"]]
    if arguments.json:
        say.out_json({"results": results, "failed": len(failed)})
    elif len(tasks) > 1:
        say.out(f"{len(tasks) - len(failed)} of {len(tasks)} done")
    statuses = {int(result["exit_status"]) for result in failed} or {0}
    return statuses.pop() if len(statuses) == 1 else InputError.exit_status


def _tasks(recipe: str, inputs: list[Path]) -> list[Task]:
    """Return what is to be done: the recipe on every input, or a project's own tracks."""
    is_project = recipe.lower().endswith(".shellac")
    if is_project:
        from engine.session.project import load_project

        session, _ = load_project(Path(recipe))
        if not session.tracks:
            raise InputError(f"{recipe} has no track", "choose another project")
        if not inputs:
            return [Task(track.source.path, track.recipe, track.source) for track in session.tracks]
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
    task: Task, arguments: argparse.Namespace, options: Any, renderer: Any, names: _Names, job: Any
) -> dict[str, Any]:
    """Process one file; a failure becomes part of the result."""
    from engine.cli.process import process, settings_of, write_report

    target, report = names.choose(task.source)
    try:
        with spoken():
            done = process(
                task.source, task.recipe, target, options, settings_of(arguments), job,
                wants_report=arguments.json or report is not None, renderer=renderer, expected=task.expected,
            )  # fmt: skip
            if report is not None and done.report is not None:
                write_report(done.report, report, arguments.force)
    except ShellacError as error:
        return {"source": str(task.source), "ok": False, "error": str(error), "exit_status": error.exit_status}
    out = {"source": str(task.source), "ok": True, "result": str(done.result), "notes": list(done.notes)}
    return out | ({"report": done.report} if done.report is not None else {})


class _Names:
    """Gives every result a name in the output folder: no file that this run reads, none it wrote, none that is there.

    Only the last of these gives way to --force; where a name is taken, the next number is.
    """

    def __init__(self, arguments: argparse.Namespace, tasks: list[Task]) -> None:
        self._arguments = arguments
        read = [path for task in tasks for path in (task.source, *read_by(task.recipe))]
        self._taken = identities([Path(arguments.recipe), *read])

    def choose(self, source: Path) -> tuple[Path, Path | None]:
        """Return the name of a result, and of its report if there is to be one."""
        suffix, number = self._suffix(source), 1
        while True:
            number_text = "" if number == 1 else f"-{number}"
            target: Path = self._arguments.out / f"{source.stem}{number_text}{suffix}"
            wanted = self._arguments.report
            report = None if wanted is None else target.with_name(f"{target.name}-report.{wanted}")
            both = [path for path in (target, report) if path is not None]
            if all(self._is_free(path) for path in both):
                self._taken |= identities(both)
                return target, report
            number += 1

    def _is_free(self, path: Path) -> bool:
        try:
            check_target(path, self._arguments.force, self._taken)
        except OutputExistsError:
            return False
        return True

    def _suffix(self, source: Path) -> str:
        from engine.audio.files import OPEN_SUFFIXES, WRITE_FORMATS
        from engine.cli.process import format_suffixes

        suffix = source.suffix
        if self._arguments.format:
            return format_suffixes()[self._arguments.format.upper()]
        if suffix.lower() in OPEN_SUFFIXES and suffix.lower() not in WRITE_FORMATS:
            return ".wav"  # what can be read but not written
        return suffix


def _say(result: dict[str, Any], arguments: argparse.Namespace) -> None:
    if not result["ok"]:
        say.note(result["error"] if result["source"] in result["error"] else f"{result['source']}: {result['error']}")
    elif not arguments.json:
        say.out(result["result"])
        for text in result["notes"] if not arguments.quiet else ():
            say.note(f"{result['source']}: {text}")
