"""Opening, adding, saving, closing, recovery: what the menus File, drops and cards of recent files do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMessageBox

from engine.audio.files import OPEN_SUFFIXES
from engine.session.journal import Recovery
from engine.session.project import SUFFIX
from gui.banner import Message
from gui.parts import Parts


class FilesLink(QObject):
    """Asks for names, and before edits are lost."""

    def __init__(self, parts: Parts, ensure_canvas: Callable[[], object], add_device: Callable[[str], None]) -> None:
        super().__init__(parts.window)
        self.window, self.jobs, self.document = parts.window, parts.jobs, parts.document
        self._ensure_canvas, self._add_device = ensure_canvas, add_device

    def open(self, path: Path, others: Sequence[Path] = ()) -> None:
        """Open a recording or project, and others as its further tracks; asks first if an edit would be lost."""
        self.unless_unsaved(lambda: self._open_now(path, others))

    def _open_now(self, path: Path, others: Sequence[Path]) -> None:
        self._ensure_canvas()
        self.window.close_messages("open")
        self.document.open(path, others=others)

    def ask_open(self) -> None:
        """Ask for a file and open it."""
        chosen = self._ask_file("Open")
        if chosen is not None:
            self.open(chosen)

    def ask_add_track(self) -> None:
        """Ask for a file and add it as a track."""
        chosen = self._ask_file("Add as track")
        if chosen is not None:
            self.document.add_track(chosen)

    def ask_relink(self) -> None:
        """Ask where the recording of this track has gone."""
        chosen = self._ask_file("Where is this recording now?")
        if chosen is not None:
            self.document.relink(chosen)

    def _ask_file(self, title: str) -> Path | None:
        patterns = " ".join(f"*{suffix}" for suffix in (*OPEN_SUFFIXES, SUFFIX))
        filters = f"Recordings and projects ({patterns});;All files (*)"
        folder = str(self.window.stored.value("folder", ""))
        name, _filter = QFileDialog.getOpenFileName(self.window, title, folder, filters)
        if name:
            self.window.stored.setValue("folder", str(Path(name).parent))
        return Path(name) if name else None

    def open_demo(self) -> None:
        """Open the aged recording that ships with the program, with Restore in its rack."""

        def now() -> None:
            from engine.demo import paths

            self._ensure_canvas()
            self.document.open(paths().aged, then=self._add_restore)

        self.unless_unsaved(now)

    def _add_restore(self) -> None:
        if "restore" in self.document.tool_by_name:
            self._add_device("restore")

    def take_drop(self, paths: list[Path], add: bool) -> None:
        """Open what was dropped, or add it as tracks."""
        self._ensure_canvas()
        if not add:
            self.open(paths[0], paths[1:])
            return
        for path in paths:
            self.document.add_track(path)

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Save the project under its name, or ask for one."""
        if self.document.project_path is None:
            self.save_as(then)
        else:
            self.document.save(self.document.project_path, then)

    def save_as(self, then: Callable[[], None] | None = None) -> None:
        """Ask for a name and save the project."""
        track = self.document.track
        if track is None:
            return
        usual = Path(track.source.path).with_suffix(SUFFIX)
        name, _filter = QFileDialog.getSaveFileName(self.window, "Save project", str(usual), f"Projects (*{SUFFIX})")
        if name:
            self.document.save(Path(name), then)

    def close_file(self) -> None:
        """Close what is open; asks first if an edit would be lost."""
        self.unless_unsaved(self.document.close)

    def unless_unsaved(self, then: Callable[[], None]) -> None:
        """Do something that would lose unsaved edits, once the user has decided about them."""
        if not self.document.is_changed:
            then()
            return
        answer = self.ask_unsaved()
        if answer == QMessageBox.StandardButton.Save:
            self.save(lambda: self.unless_unsaved(then))  # edits made while saving are asked about
        elif answer == QMessageBox.StandardButton.Discard:
            then()

    def ask_unsaved(self) -> QMessageBox.StandardButton:
        """Ask what shall happen with unsaved edits. The one modal question there is."""
        box = QMessageBox(self.window)
        box.setWindowTitle("Unsaved edits")
        box.setText(f"Save the edits of {self.document.title}?")
        box.setInformativeText("The recording itself is never changed. Without saving, rack and history are lost.")
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        return QMessageBox.StandardButton(box.exec())

    def ask_stop(self, names: Sequence[str]) -> bool:
        """Ask whether running tasks shall be stopped, for the window is being closed."""
        box = QMessageBox(self.window)
        box.setWindowTitle("Still working")
        box.setText(f"Stop “{names[0]}” and close?" if len(names) == 1 else f"Stop {len(names)} tasks and close?")
        box.setInformativeText(f"Unfinished: {', '.join(names)}. What is stopped leaves no file.")
        stop = box.addButton("Stop and close", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton("Keep working", QMessageBox.ButtonRole.RejectRole))
        box.exec()
        return box.clickedButton() is stop

    def offer_recovery(self) -> None:
        """Offer what was open when the program ended without being asked to."""

        def found(recovery: object) -> None:
            if not isinstance(recovery, Recovery) or self.document.session is not None:
                return
            actions = (
                ("Reopen", lambda: self._reopen(recovery)),
                ("Forget it", lambda: self.document.journal.forget(recovery)),
            )
            self.window.show_message(Message(recovery.question, "", "info", "", actions, "recovery"))

        self.jobs.start("Recovery", lambda _job: self.document.journal.recover(), found, lambda _error: None, False)

    def _reopen(self, recovery: Recovery) -> None:
        self._ensure_canvas()
        self.document.take_recovery(recovery)
