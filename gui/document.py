"""The document: the one owner of what is open. It holds the engine's History, and says when it has changed.

Every edit is a method here that puts one named entry into the history. Widgets read, ask, and listen to `changed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from engine.audio.files import FileSignal
from engine.errors import ShellacError
from engine.session.command import run_command
from engine.session.history import Entry, History
from engine.session.journal import Journal, Recovery
from engine.session.project import SUFFIX, relink, save_project
from engine.session.recipe import Recipe, Scope, Step, new_id
from engine.session.session import Session, Track
from engine.settings import Settings
from engine.tools import all_tools
from engine.tools.tool import Job, Knob, Tool, Value, complete
from gui.banner import Message, message_of
from gui.jobs import Fault, Jobs, Task
from gui.naming import name_of_change
from gui.recent import Recent, RecentFiles
from gui.recordings import Opened, Recordings, load_saved, load_session, load_sound, track_of

JOURNAL_REST_MS = 150
T = TypeVar("T")


class Document(QObject):
    """What is open: recordings, their racks, the history. Nothing here waits for a disk."""

    changed = Signal()  # another entry of the history is in force
    source_changed = Signal()  # another recording is in front, or none
    opening_changed = Signal()
    message = Signal(object)  # Message for the banner
    said = Signal(str)  # a short note for status bar and screen reader
    recents_changed = Signal()
    pictures_changed = Signal()
    relink_wanted = Signal()

    def __init__(self, settings: Settings, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.jobs = jobs
        self.tool_by_name: Mapping[str, Tool] = {tool.name: tool for tool in all_tools()}
        # No other recording can be chosen here yet, so what can't do without one isn't offered; a project may hold it.
        self.tools: tuple[Tool, ...] = tuple(t for t in self.tool_by_name.values() if not getattr(t, "needs", ()))
        self.history: History | None = None
        self.project_path: Path | None = None
        self.recordings = Recordings(jobs, self)
        self.recordings.pictures_changed.connect(self._take_picture)
        self.opening: Task | None = None
        self._waiting: list[Callable[[], None]] = []  # what is opened after that
        self.recents = RecentFiles(settings.state_folder)
        self.journal = Journal(settings)
        self.view_scope: Callable[[], Scope | None] = lambda: None  # the selection, as the scope of a new device
        self.view_state: Callable[[Session], Session] = lambda session: session  # adds selection, loop, cursor
        self._saved: Session | None = None
        self._journal_rest = QTimer(self)
        self._journal_rest.setSingleShot(True)
        self._journal_rest.setInterval(JOURNAL_REST_MS)
        self._journal_rest.timeout.connect(self._write_journal)
        self._journal_task: Task | None = None
        self._save_task: Task | None = None

    # --- what there is --------------------------------------------------------------------------------------------

    @property
    def session(self) -> Session | None:
        return self.history.current if self.history is not None else None

    @property
    def track(self) -> Track | None:
        session = self.session
        return session.tracks[session.current] if session is not None and session.tracks else None

    @property
    def recipe(self) -> Recipe:
        track = self.track
        return track.recipe if track is not None else Recipe()

    @property
    def source(self) -> FileSignal | None:
        """The recording in front, None while it is missing."""
        track = self.track
        return self.recordings.of(track)

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.history.entries if self.history is not None else ()

    @property
    def is_changed(self) -> bool:
        """True if closing would lose an edit: a rack or track list other than what was saved or opened."""
        session = self.session
        if session is None:
            return False
        if self._saved is None:
            return any(track.recipe.steps for track in session.tracks) or len(session.tracks) > 1
        return session.tracks != self._saved.tracks

    @property
    def title(self) -> str:
        """What the first line of the window says."""
        if self.project_path is not None:
            return self.project_path.name
        track = self.track
        return track.name if track is not None else ""

    # --- opening --------------------------------------------------------------------------------------------------

    def open(self, path: Path, then: Callable[[], None] | None = None, others: Sequence[Path] = ()) -> None:
        """Open a recording or a project in the place of what is open, and `others` as further tracks of it.

        If it can't be opened that is said, and the first of the others takes its place.
        """
        self._stop_opening()

        def opened() -> None:
            self._waiting[:0] = [partial(self.add_track, other) for other in others]
            if then is not None:
                then()

        def instead() -> None:
            if others:
                self._waiting.insert(0, partial(self.open, others[0], then, others[1:]))

        if path.suffix.lower() == SUFFIX:
            load = partial(load_saved, path, self.settings)
            self._start_opening(path.name, load, self._take_project, opened, instead)
        else:
            self._start_opening(path.name, partial(self._load_sound, path), self._take_sound, opened, instead)

    def add_track(self, path: Path) -> None:
        """Open a recording as one more track, after what is being opened."""
        if self.opening is not None:
            self._waiting.append(partial(self.add_track, path))
        elif self.session is None:
            self.open(path)
        else:
            self._start_opening(path.name, partial(self._load_sound, path), self._add_sound)

    def _start_opening(
        self,
        name: str,
        load: Callable[[Job], T],
        take: Callable[[T], None],
        then: Callable[[], None] = lambda: None,
        instead: Callable[[], None] = lambda: None,
    ) -> None:
        """Load in a task. Its result is taken only if nothing else was opened or closed meanwhile."""

        def done(result: T) -> None:
            if self.opening is not task or task.job.is_cancelled:
                return
            self.opening = None
            take(result)
            then()
            self._go_on_opening()

        def failed(error: ShellacError | Fault) -> None:
            if self.opening is not task:
                return
            self.opening = None
            instead()
            self.message.emit(message_of(error))
            self._go_on_opening()

        task = self.jobs.start(f"Open {name}", load, done, failed)
        self.opening = task
        task.ended.connect(lambda: self._forget_opening(task))
        self.opening_changed.emit()

    def _go_on_opening(self) -> None:
        if self._waiting and self.opening is None:
            self._waiting.pop(0)()
        self.opening_changed.emit()

    def _forget_opening(self, task: Task) -> None:
        """The user has cancelled it: what waits for it is cancelled too."""
        if self.opening is task:
            self._stop_opening()
            self.opening_changed.emit()

    def _stop_opening(self) -> None:
        if self.opening is not None:
            self.opening.cancel()
        self.opening = None
        self._waiting.clear()

    def _load_sound(self, path: Path, job: Job) -> FileSignal:
        return load_sound(path, self.settings, job)

    def _take_sound(self, signal: FileSignal) -> None:
        self._let_go()
        self.recordings.keep(signal)
        track = track_of(signal)
        self.project_path, self._saved = None, None
        self.history = History(Session((track,)), f"Open {signal.path.name}")
        self._after_opening(signal)
        self._say_state_of(signal)

    def _take_project(self, opened: Opened) -> None:
        self._take_session(opened, f"Open {opened.path.name}" if opened.path else "Open")
        self._saved = opened.session

    def take_recovery(self, recovery: Recovery) -> None:
        """Reopen what was open when the program ended without being asked to."""

        def load(job: Job) -> Opened:
            return load_session(recovery.session, recovery.project_path, self.settings, job)

        def take(opened: Opened) -> None:
            self._take_session(opened, "Reopen unsaved session")

        self._stop_opening()
        self._start_opening("unsaved session", load, take)

    def _take_session(self, opened: Opened, name: str) -> None:
        self._let_go()
        for signal in opened.signals:
            self.recordings.keep(signal)
        self.project_path, self._saved = opened.path, None
        self.history = History(opened.session, name)
        self._after_opening(self.source)
        self._say_problems(opened.sentences)

    def _say_problems(self, sentences: Sequence[str]) -> None:
        if not sentences:
            return
        more = f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else ""
        what, _colon, todo = sentences[0].partition(": ")
        actions: tuple[tuple[str, Callable[[], None]], ...] = ()
        if self.source is None:
            actions = (("Relink…", self.relink_wanted.emit),)
        self.message.emit(
            Message(what[:1].upper() + what[1:] + more, todo, "warn", "\n".join(sentences), actions, "open")
        )

    def relink(self, path: Path) -> None:
        """Read the current track from another file, which must be the same recording."""
        if self.opening is not None:
            self._waiting.append(partial(self.relink, path))
            return

        def take(signal: FileSignal) -> None:
            session = self.session
            if session is None:
                return
            try:
                self.push("Relink source", relink(session, session.current, signal, path))
            except ShellacError as error:
                self.message.emit(message_of(error))
                return
            self.recordings.keep(signal)
            self.source_changed.emit()
            self.changed.emit()

        self._start_opening(path.name, partial(self._load_sound, path), take)

    def _add_sound(self, signal: FileSignal) -> None:
        session = self.session
        if session is None:
            return
        self.recordings.keep(signal)
        tracks = (*session.tracks, track_of(signal))
        self.push(f"Add {signal.path.name}", replace(session, tracks=tracks, current=len(tracks) - 1))
        self.source_changed.emit()
        self.changed.emit()
        self._remember(signal)

    def _after_opening(self, signal: FileSignal | None) -> None:
        self._settle_journal()
        self.source_changed.emit()
        self.changed.emit()
        if signal is not None:
            self._remember(signal)

    def _say_state_of(self, signal: FileSignal) -> None:
        if signal.info.is_truncated:
            self.message.emit(Message(signal.info.note or "The file breaks off", "", "warn", topic="open"))
        elif signal.repairs:
            self.message.emit(
                Message(f"{len(signal.repairs)} damaged places were repaired while opening", signal.info.note, "warn")
            )

    def _take_picture(self, signal: FileSignal) -> None:
        self.pictures_changed.emit()
        if signal is self.source:
            self._remember(signal)

    def _remember(self, signal: FileSignal) -> None:
        path = self.project_path or signal.path
        devices = ", ".join(self.label_of(step) for step in self.recipe.steps)
        seconds = signal.frames / signal.rate
        picture = self.recordings.pictures.get(str(signal.path), ())
        moment = datetime.now().isoformat(timespec="seconds")
        self.recents.add(Recent(str(path.resolve()), path.stem, seconds, signal.rate, moment, devices, picture))
        self.recents_changed.emit()

    def close(self) -> None:
        """Close everything, what is being opened as well; the window is empty then."""
        self._stop_opening()
        self._let_go()
        self.history, self.project_path, self._saved = None, None, None
        self.forget_journal()
        self.opening_changed.emit()
        self.source_changed.emit()
        self.changed.emit()

    def _let_go(self) -> None:
        self.remember()
        self.recordings.clear()

    def remember(self) -> None:
        """Put what is open in front of the recent files, with the devices it has now."""
        if self.source is not None:
            self._remember(self.source)

    # --- edits ----------------------------------------------------------------------------------------------------

    def push(self, name: str, session: Session, gesture: str = "") -> None:
        """Put an entry into the history. Emits nothing."""
        if self.history is not None:
            self.history.push(name, session, gesture)
            self._journal_rest.start()

    def edit(self, recipe: Recipe, name: str = "", gesture: str = "") -> None:
        """Give the current track another rack, as one entry; entries of one gesture are one."""
        session, history = self.session, self.history
        if session is None or history is None or recipe == self.recipe:
            return
        before = self.recipe
        if gesture and history.entries[history.index].gesture == gesture and history.index > 0:
            earlier = history.entries[history.index - 1].session
            before = earlier.tracks[earlier.current].recipe
        title = name or name_of_change(before, recipe, self.tool_by_name)
        self.push(title, session.with_recipe(session.current, recipe), gesture)
        self.changed.emit()

    def label_of(self, step: Step) -> str:
        """Return the name of a device as shown."""
        tool = self.tool_by_name.get(step.tool)
        return tool.label if tool is not None else step.tool.capitalize()

    def step(self, device: str) -> Step | None:
        """Return the device of that id, if it is in the rack."""
        return next((step for step in self.recipe.steps if step.id == device), None)

    def add_device(self, tool_name: str) -> str:
        """Add a device at the end of the rack and return its id. It takes the selection as its scope."""
        tool = self.tool_by_name[tool_name]
        scope = self.view_scope() if tool.has_mix else None
        step = Step(tool=tool_name, id=new_id(), scope=scope or Scope())
        self.edit(self.recipe.insert(step))
        self.said.emit(f"{tool.label} added")
        return step.id

    def change_step(self, device: str, change: Callable[[Step], Step], name: str = "", gesture: str = "") -> None:
        """Replace one device by what `change` makes of it."""
        step = self.step(device)
        if step is not None:
            self.edit(self.recipe.replace_step(device, change(step)), name, gesture)

    def set_knob(self, device: str, knob: str, value: Value, gesture: str = "") -> None:
        """Turn a knob. Values equal to the default aren't written down, nor is what the new value rules out."""
        step = self.step(device)
        tool = self.tool_by_name.get(step.tool) if step is not None else None
        if step is None or tool is None:
            return
        found = next((item for item in tool.knobs if item.name == knob), None)
        if found is None:
            return
        turned = replace(step, params=_with_value(step.params, found, value))
        name = name_of_change(self.recipe, self.recipe.replace_step(device, turned), self.tool_by_name)
        is_own = knob in turned.params  # and not the default, which rules nothing out
        excluded = [other for other in found.excludes if is_own and other in turned.params]
        kept = {other: old for other, old in turned.params.items() if other not in excluded}
        self.change_step(device, lambda _old: replace(turned, params=kept), name if excluded else "", gesture)

    def set_mix(self, device: str, mix: float, gesture: str = "") -> None:
        """Set how much of a device is heard, 0 to 1."""
        self.change_step(device, lambda step: replace(step, mix=min(1.0, max(0.0, mix))), "", gesture)

    def set_power(self, device: str, is_on: bool) -> None:
        self.change_step(device, lambda step: replace(step, enabled=is_on))

    def set_scope(self, device: str, scope: Scope) -> None:
        self.change_step(device, lambda step: replace(step, scope=scope))

    def use_preset(self, device: str, name: str, values: Mapping[str, Value]) -> None:
        """Set all knobs of a device as a preset says."""
        step = self.step(device)
        tool = self.tool_by_name.get(step.tool) if step is not None else None
        if tool is None:
            return
        full = complete(tool, values)
        wanted = {knob.name: full[knob.name] for knob in tool.knobs if full[knob.name] != knob.default}
        self.change_step(device, lambda old: replace(old, params=wanted), f"{tool.label}: {name}")

    def move_device(self, device: str, to: int) -> None:
        if self.step(device) is not None:
            self.edit(self.recipe.move(device, to))

    def remove_device(self, device: str) -> None:
        if self.step(device) is not None:
            self.edit(self.recipe.remove(device))

    def duplicate_device(self, device: str) -> None:
        step = self.step(device)
        if step is not None:
            place = self.recipe.index(device) + 1
            self.edit(self.recipe.insert(replace(step, id=new_id()), place), f"Duplicate {self.label_of(step)}")

    def show_track(self, index: int) -> None:
        """Bring another recording to the front. It is no edit of a rack, but it is remembered."""
        session = self.session
        if session is not None and index != session.current and 0 <= index < len(session.tracks):
            self.push(f"Show {session.tracks[index].name}", replace(session, current=index), "show track")
            self.source_changed.emit()
            self.changed.emit()

    # --- history --------------------------------------------------------------------------------------------------

    def _after_travel(self, before: Session | None) -> None:
        session = self.session
        if before is None or session is None:
            return
        if (before.current, [t.source for t in before.tracks]) != (session.current, [t.source for t in session.tracks]):
            self.source_changed.emit()
        self._journal_rest.start()
        self.changed.emit()

    def undo(self) -> None:
        if self.history is not None and self.history.can_undo:
            before, name = self.session, self.history.entries[self.history.index].name
            self.history.undo()
            self._after_travel(before)
            self.said.emit(f"Undone: {name}")

    def redo(self) -> None:
        if self.history is not None and self.history.can_redo:
            before = self.session
            self.history.redo()
            self._after_travel(before)
            self.said.emit(f"Redone: {self.history.entries[self.history.index].name}")

    def go_to(self, index: int) -> None:
        """Go to an entry of the history."""
        if self.history is not None and 0 <= index < len(self.history.entries) and index != self.history.index:
            before = self.session
            self.history.go_to(index)
            self._after_travel(before)

    # --- saving ---------------------------------------------------------------------------------------------------

    def save(self, path: Path, then: Callable[[], None] | None = None) -> None:
        """Write the project. `then` follows only if it is still this document that is open."""
        session, history, before = self.session, self.history, self._save_task
        if session is None:
            return
        written = self.view_state(session)
        path = path if path.suffix.lower() == SUFFIX else path.with_name(path.name + SUFFIX)

        def work(_job: Job) -> None:
            if before is not None:
                before.join()  # or an older state might be written last
            save_project(written, path)

        def done(_result: object) -> None:
            self.said.emit(f"Saved {path.name}")
            if self.history is not history:
                return
            self.project_path, self._saved = path, session
            self._settle_journal()
            self.remember()
            self.changed.emit()
            if then is not None:
                then()

        self._save_task = self.jobs.start(f"Save {path.name}", work, done, self._say)

    def _say(self, error: ShellacError | Fault) -> None:
        self.message.emit(message_of(error))

    def _write_journal(self) -> None:
        session = self.session
        if session is None or not self.is_changed:
            self.forget_journal()
            return
        if self._journal_task is not None and self._journal_task.state == "running":
            self._journal_rest.start()
            return
        project = self.project_path
        self._journal_task = self.jobs.start(
            "Journal", lambda _job: self.journal.write(session, project), None, lambda _error: None, is_shown=False
        )

    def _settle_journal(self) -> None:
        """Forget the journal, unless there are edits: made while the project was being written, or recovered."""
        if self.is_changed:
            self._journal_rest.start()
        else:
            self.forget_journal()

    def forget_journal(self) -> None:
        """Nothing is unsaved any more."""
        self._journal_rest.stop()
        if self._journal_task is not None:
            self._journal_task.join(1.0)
        self.journal.clear()

    def command(self) -> str:
        """Return the command line that does what the rack does."""
        track = self.track
        if track is None:
            return ""
        source = Path(track.source.path)
        return run_command(track.recipe, (source,), source.parent)


def _with_value(params: Mapping[str, Value], knob: Knob, value: Value) -> dict[str, Value]:
    made = {name: old for name, old in params.items() if name != knob.name}
    checked = knob.check(value)
    if checked != knob.default:
        made[knob.name] = checked
    return made
