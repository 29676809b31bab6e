"""The recordings that are open, with a small picture of each; loading them is work for a task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine.audio.files import FileSignal, open_signal
from engine.errors import ShellacError
from engine.session.project import is_same_recording, load_project, source_problems
from engine.session.session import Session, SourceRef, Track
from engine.settings import Settings
from engine.tools.tool import Job
from gui.jobs import Jobs
from gui.recent import picture_of


@dataclass(frozen=True)
class Opened:
    """A session whose recordings were looked for. `sentences` say what is missing or wrong."""

    session: Session
    path: Path | None  # of the project
    signals: tuple[FileSignal, ...]
    sentences: tuple[str, ...]


def load_sound(path: Path, settings: Settings, job: Job) -> FileSignal:
    """Open one recording."""
    return open_signal(path, settings, check=job.check, progress=job.progress)


def load_session(session: Session, path: Path | None, settings: Settings, job: Job) -> Opened:
    """Open every recording of a session; one that is missing or is another one by now is left out and said."""
    found: list[FileSignal] = []
    sentences: list[str] = []
    for track in session.tracks:
        try:
            signal = load_sound(Path(track.source.path), settings, job)
        except ShellacError as error:
            sentences.append(str(error))
            continue
        if is_same_recording(track.source, signal):
            found.append(signal)
        else:
            what = f"{track.source.path} isn't the recording this project was made with"
            sentences.append(f"{what}: put the old one back, or choose Relink")
    return Opened(session, path, tuple(found), tuple(dict.fromkeys(sentences)))


def load_saved(path: Path, settings: Settings, job: Job) -> Opened:
    """Open a project and its recordings."""
    session, problems = load_project(path)
    opened = load_session(session, path, settings, job)
    missing = source_problems(session)  # opening them has just said it with more precision
    others = [problem.sentence for problem in problems if problem not in missing]
    return Opened(session, path, opened.signals, tuple(dict.fromkeys([*opened.sentences, *others])))


def track_of(signal: FileSignal) -> Track:
    """Return a track without devices for a recording."""
    source = SourceRef(signal.path, signal.fingerprint, signal.frames, signal.rate, signal.channels)
    return Track(signal.path.stem, source)


class Recordings(QObject):
    """Open files by path. Threads that still read a file keep it alive after it was let go of."""

    pictures_changed = Signal(object)  # the FileSignal

    def __init__(self, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.by_path: dict[str, FileSignal] = {}
        self.pictures: dict[str, tuple[int, ...]] = {}

    def keep(self, signal: FileSignal) -> None:
        """Hold a recording and draw its picture in the background."""
        key = str(signal.path)
        self.by_path[key] = signal

        def keep_picture(picture: tuple[int, ...]) -> None:
            self.pictures[key] = picture
            self.pictures_changed.emit(signal)

        self._jobs.start("Picture", lambda _job: picture_of(signal), keep_picture, lambda _error: None, is_shown=False)

    def of(self, track: Track | None) -> FileSignal | None:
        """Return the recording of a track, None while it is missing."""
        return self.by_path.get(str(track.source.path)) if track is not None else None

    def picture(self, track: Track) -> tuple[int, ...]:
        """Return the small picture of a track, empty until it is drawn."""
        return self.pictures.get(str(track.source.path), ())

    def clear(self) -> None:
        """Let go of everything."""
        self.by_path, self.pictures = {}, {}
