"""A session as a `.shellac` file: a few hundred bytes of JSON that say which recordings and what is done to them.

Tools and fields that this version doesn't know, and recordings that aren't there, survive loading and saving.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from engine.audio.signal import Signal
from engine.errors import MissingFileError, ProjectError
from engine.session.atomic import dump_json, write_atomically
from engine.session.fields import check_format, damaged, list_of, number, parse_json, table_of, text
from engine.session.networks import network_changes, pin_networks
from engine.session.recipe import Recipe, Scope
from engine.session.session import Session, SourceRef, Track

SUFFIX: Final = ".shellac"
PROJECT_FORMAT: Final = 1
_LARGEST_BYTES: Final = 64 << 20
_SESSION_FIELDS: Final = ("shellac_project", "tracks", "current", "selection", "loop", "cursor_s")
_TRACK_FIELDS: Final = ("name", "source", "recipe")
_MOST_FRAMES: Final = 1 << 50


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with an opened project and can be mended."""

    track: int  # index, -1 for the project as a whole
    sentence: str


def save_project(session: Session, path: Path) -> None:
    """Write the session, replacing an older file only once the new one is complete.

    Raises
    ------
    OutputError
        If it can't be written; an older file is still there.
    """
    write_atomically(path, dump_json(session_to_json(session, path.parent)))


def load_project(path: Path) -> tuple[Session, tuple[Problem, ...]]:
    """Read a `.shellac` file.

    Returns
    -------
    session
        Sources are looked for beside the project first, then where they were.
    problems
        What is missing or will sound different; the tracks concerned are kept.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ProjectError
        If it is no project or is damaged.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ProjectError(f"{path.name} is too large for a project", "choose another file")
        data = path.read_bytes()
    except OSError as error:
        raise MissingFileError(f"{path} can't be read ({error.strerror or error})", "choose another file") from error
    session = session_from_json(parse_json(data, f"project {path.name}"), path.parent)
    return session, source_problems(session) + network_problems(session)


def network_problems(session: Session) -> tuple[Problem, ...]:
    """Return which devices will sound different because other weights are installed."""
    return tuple(
        Problem(index, sentence)
        for index, track in enumerate(session.tracks)
        for sentence in network_changes(track.recipe)
    )


def source_problems(session: Session) -> tuple[Problem, ...]:
    """Return which recordings aren't where the session says."""
    return tuple(
        Problem(index, f"the recording {track.source.path.name} of track {track.name!r} is missing: relink it")
        for index, track in enumerate(session.tracks)
        if not _is_file(track.source.path)
    )


def relink(session: Session, index: int, signal: Signal, path: Path) -> Session:
    """Return a session in which a track reads its recording from another place.

    Raises
    ------
    ProjectError
        If the recording's length or rate differ from the lost one's, because scopes would point elsewhere.
    """
    _check_shape(session.tracks[index].source, signal, path)
    found = SourceRef(path, str(getattr(signal, "fingerprint", "")), signal.frames, signal.rate, signal.channels)
    return session.with_track(index, replace(session.tracks[index], source=found))


def source_change(source: SourceRef, signal: Signal) -> str:
    """Return a sentence if the file isn't what it was when the session was saved, nothing if it is.

    Raises
    ------
    ProjectError
        If its length or rate differ, because scopes would point elsewhere.
    """
    _check_shape(source, signal, source.path)
    if is_same_recording(source, signal):
        return ""
    return f"{source.path.name} has changed since the project was saved"


def _check_shape(source: SourceRef, signal: Signal, path: Path) -> None:
    if source.frames and (signal.frames, signal.rate) != (source.frames, source.rate):
        raise ProjectError(
            f"{path.name} is another recording ({signal.frames} frames at {signal.rate} Hz instead of "
            f"{source.frames} at {source.rate})",
            "choose the original, or open this file as a new track",
        )


def is_same_recording(source: SourceRef, signal: Signal) -> bool:
    """Return False if the file has changed since the session was saved."""
    from engine.audio.opening import is_same_content

    fingerprint = str(getattr(signal, "fingerprint", ""))
    return not source.fingerprint or not fingerprint or is_same_content(source.fingerprint, fingerprint)


def session_to_json(session: Session, folder: Path | None = None) -> dict[str, Any]:
    """Return a session as JSON values; paths are also given relative to `folder`."""
    return {
        **session.extra,
        "shellac_project": PROJECT_FORMAT,
        "tracks": [_track_to_json(track, folder) for track in session.tracks],
        "current": session.current,
        "selection": None if session.selection is None else session.selection.to_json(),
        "loop": None if session.loop is None else list(session.loop),
        "cursor_s": session.cursor_s,
    }


def session_from_json(data: object, folder: Path | None = None) -> Session:
    """Read what `session_to_json` wrote. Raises ProjectError."""
    table = table_of(data, "project")
    check_format(table, "shellac_project", PROJECT_FORMAT, "project")
    tracks = tuple(_track_from_json(entry, folder) for entry in list_of(table.get("tracks", []), "tracks"))
    selection = table.get("selection")
    loop = table.get("loop")
    return Session(
        tracks=tracks,
        current=min(_whole(table, "current"), max(0, len(tracks) - 1)),
        selection=None if selection is None else Scope.from_json(selection),
        loop=None if loop is None else _loop(loop),
        cursor_s=number(table, "cursor_s", 0.0, 1e9, default=0.0),
        extra={name: value for name, value in table.items() if name not in _SESSION_FIELDS},
    )


def _track_to_json(track: Track, folder: Path | None) -> dict[str, Any]:
    source = track.source
    return {
        **track.extra,
        "name": track.name,
        "source": {
            "path": str(source.path.absolute()),
            "relative": _relative(source.path, folder),
            "fingerprint": source.fingerprint,
            "frames": source.frames,
            "rate": source.rate,
            "channels": source.channels,
        },
        "recipe": pin_networks(track.recipe).to_json(),
    }


def _track_from_json(data: object, folder: Path | None) -> Track:
    table = table_of(data, "track")
    source = table_of(table.get("source"), "source")
    return Track(
        name=text(table, "name", ""),
        source=SourceRef(
            _find(text(source, "path"), text(source, "relative", ""), folder, text(source, "fingerprint", "")),
            text(source, "fingerprint", ""),
            *(_whole(source, name) for name in ("frames", "rate", "channels")),
        ),
        recipe=Recipe.from_json(table.get("recipe", Recipe().to_json())),
        extra={name: value for name, value in table.items() if name not in _TRACK_FIELDS},
    )


def _relative(path: Path, folder: Path | None) -> str:
    if folder is None:
        return ""
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:
        return ""  # another drive


def _find(absolute: str, relative: str, folder: Path | None, known: str) -> Path:
    """Prefer the place beside the project: a folder that was copied as a whole still fits together.

    Only where the file there is another recording than the project knew, and the old place still has it, that wins.
    """
    there = Path(absolute)
    if folder is None or not relative:
        return there
    beside = Path(os.path.normpath(folder / relative))
    if not _is_file(beside):
        return there
    if not known or not _is_file(there) or beside.samefile(there):
        return beside
    return there if _has_content(there, known) and not _has_content(beside, known) else beside


def _has_content(path: Path, known: str) -> bool:
    from engine.audio.opening import fingerprint, is_same_content

    try:
        return is_same_content(fingerprint(path), known)
    except OSError:
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name no file can have
        return False


def _whole(table: dict[str, Any], name: str) -> int:
    value = table.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_FRAMES:
        raise damaged(name, value)
    return value


def _loop(data: object) -> tuple[float, float]:
    ends = list_of(data, "loop")
    if len(ends) != 2:
        raise damaged("loop", data)
    start, stop = (number({"loop": end}, "loop", 0.0, 1e9, default=0.0) for end in ends)
    if stop <= start:
        raise damaged("loop", data)
    return start, stop
