"""What was open when the program died: the session, written after every edit and found again at the next start.

Each running program holds a lock on its own journal; a journal that nobody holds was left behind by a crash. The
lock goes with the process, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import weakref
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from engine.errors import ProjectError
from engine.session.atomic import dump_json, write_atomically
from engine.session.fields import parse_json, table_of, text
from engine.session.project import session_from_json, session_to_json
from engine.session.session import Session
from engine.settings import Settings

_NOW: Final = "session.json"
_BEFORE: Final = "before.json"
_BROKEN: Final = "broken.json"
_LOCK: Final = "lock"


@dataclass(frozen=True)
class Recovery:
    """A session that was not saved when its program ended."""

    session: Session
    time: datetime  # of the last edit, local
    project_path: Path | None  # the project it was opened from
    folder: Path

    @property
    def steps(self) -> int:
        return sum(len(track.recipe.steps) for track in self.session.tracks)

    @property
    def question(self) -> str:
        """The question a window asks at start."""
        steps = f"{self.steps} step" + ("" if self.steps == 1 else "s")
        today = self.time.date() == datetime.now().astimezone().date()
        when = f"{self.time:%H:%M}" if today else f"{self.time:%d %B, %H:%M}"
        return f"Reopen unsaved session from {when} ({steps})?"


class Journal:
    """The journal of this program, and what others left behind."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.state_folder / "journal"
        self._folder = self._base / f"{os.getpid()}-{uuid4().hex[:8]}"
        self._unlock: weakref.finalize[[int], Journal] | None = None

    def write(self, session: Session, project_path: Path | None = None) -> None:
        """Keep the session; the state before it stays as a reserve.

        Raises
        ------
        OutputError
            If the state folder can't be written.
        """
        self._claim()
        now = self._folder / _NOW
        data = {
            "saved": datetime.now(UTC).isoformat(),
            "project": "" if project_path is None else str(project_path),
            "session": session_to_json(session),
        }
        write_atomically(now, dump_json(data), keep=self._folder / _BEFORE)

    def clear(self) -> None:
        """Forget the session: it was saved, or its end was wished for."""
        _delete(self._folder)
        if self._unlock is not None:
            self._unlock()
            self._unlock = None

    def recover(self) -> Recovery | None:
        """Return the newest session that a dead program left behind. A broken journal is set aside."""
        found = [r for folder in self._orphans() if (r := _read(folder)) is not None]
        return max(found, key=lambda recovery: recovery.time, default=None)

    def forget(self, recovery: Recovery) -> None:
        """Delete what was recovered, or what nobody wants back."""
        _delete(recovery.folder)

    def _claim(self) -> None:
        if self._unlock is not None and self._folder.is_dir():
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._unlock = weakref.finalize(self, os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # `write` says what is wrong; without locks every journal looks left behind, which loses nothing

    def _orphans(self) -> list[Path]:
        try:
            folders = sorted(self._base.iterdir())
        except OSError:
            return []  # there is none, or nobody may look into it
        return [f for f in folders if f.is_dir() and f != self._folder and not _is_held(f)]


def _is_held(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # no lock, or a disk without locks: nobody knows who lives, and asking loses nothing
    return False


def _read(folder: Path) -> Recovery | None:
    """Read a journal, or the reserve if it is broken."""
    for name in (_NOW, _BEFORE):
        path = folder / name
        try:
            table = table_of(parse_json(path.read_bytes(), "journal"), "journal")
            project = text(table, "project", "")
            time = datetime.fromisoformat(text(table, "saved")).astimezone()
            session = session_from_json(table.get("session"))
            return Recovery(session, time, Path(project) if project else None, folder)
        except OSError:
            continue
        except (ProjectError, ValueError, OverflowError):
            with contextlib.suppress(OSError):  # where nothing may be moved it is only passed over
                path.replace(folder / _BROKEN)
    return None


def _delete(folder: Path) -> None:
    """Delete a journal. What can't be deleted is offered again at the next start, which loses nothing."""
    with contextlib.suppress(OSError):
        for name in (_NOW, _BEFORE, _BROKEN, _LOCK):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
