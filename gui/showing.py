"""Puts what document, player, rendering and jobs say into the widgets of the window. It changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from engine.audio.files import FileInfo
from engine.settings import Settings
from gui.docks.lists import TrackRow
from gui.measuring import Measured
from gui.numbers import channels, clock, depth, kilohertz, size
from gui.parts import Parts
from gui.recent import Recent
from gui.transport import FormatNote
from gui.views.view_state import Hover


class Showing(QObject):
    """One method for each thing that is shown."""

    def __init__(self, parts: Parts, show_rack: Callable[[], None], open_file: Callable[[Path], None]) -> None:
        super().__init__(parts.window)
        self.parts = parts
        self.window, self.jobs, self.document = parts.window, parts.jobs, parts.document
        self.rendering, self.listening = parts.rendering, parts.listening
        self._show_rack, self._open_file = show_rack, open_file
        self._history = self.document.history  # another one stands for another file
        self.recent_menu = QMenu("Open recent", parts.window)
        file = parts.window.menus["File"]
        file.insertMenu(parts.window.actions_by_name["demo"], self.recent_menu)

    def show_document(self) -> None:
        """Show title, history, tracks and rack."""
        document, window = self.document, self.window
        history = document.history
        window.top.show_title(document.title, document.is_changed)
        window.setWindowTitle(f"{document.title} – Shellac" if document.title else "Shellac")
        entries = [(entry.name, entry.time) for entry in document.entries]
        window.show_history(entries, history.index if history is not None else 0)
        can_undo, can_redo = bool(history and history.can_undo), bool(history and history.can_redo)
        undo, redo = window.actions_by_name["undo"], window.actions_by_name["redo"]
        undo.setEnabled(can_undo)
        redo.setEnabled(can_redo)
        window.undo_button.setEnabled(can_undo)
        undo.setText(f"Undo {entries[history.index][0]}" if history is not None and can_undo else "Undo")
        redo.setText(f"Redo {entries[history.index + 1][0]}" if history is not None and can_redo else "Redo")
        self.show_tracks()
        self._show_rack()

    def show_tracks(self) -> None:
        """Show the recordings of the project."""
        session = self.document.session
        if session is None:
            self.window.show_tracks([])
            return
        rows = []
        for index, track in enumerate(session.tracks):
            source = self.document.recordings.of(track)
            seconds = track.source.frames / track.source.rate if track.source.rate else 0.0
            bits = depth(source.info.subtype) if source is not None else ""
            parts = (clock(seconds, 0), kilohertz(track.source.rate), bits)
            facts = " · ".join(part for part in parts if part)
            picture = self.document.recordings.picture(track)
            rows.append(TrackRow(track.name, facts, picture, index == session.current, source is None))
        self.window.show_tracks(rows)

    def show_source(self) -> None:
        """Show the recording in front, or that there is none."""
        source = self.document.source
        if self.document.history is not self._history:
            self._history = self.document.history
            self.window.close_messages_of_file()
        self.window.show_file(self.document.session is not None)
        if source is None:
            self.window.show_facts({})
            self.window.transport.show_empty()
            self.window.status.heard.show_monitor("")
            return
        self.window.show_facts(facts_of(source.info))
        self.show_format()
        self.show_heard()
        self.show_playing()

    def show_format(self) -> None:
        """Show length, rate and depth."""
        source, rendered = self.document.source, self.rendering.rendered
        if source is None:
            return
        rate = rendered.rate if rendered is not None else source.rate
        frames = rendered.frames if rendered is not None else source.frames
        note = FormatNote(source.rate, rate, source.channels, depth(source.info.subtype))
        self.window.transport.show_open(frames / rate, note)

    def show_opening(self) -> None:
        """Show what is being opened."""
        task = self.document.opening
        name = task.name.removeprefix("Open ") if task is not None else ""
        self.window.empty.zone.show_opening(name, task.fraction if task is not None else 0.0)

    def show_heard(self) -> None:
        """Show which side is heard, and how it is matched."""
        listening, transport = self.listening, self.window.transport
        if self.document.source is None:
            return
        transport.sides.show_monitor(listening.heard)
        transport.match.show_match(listening.is_matched, listening.match_text)
        self.window.actions_by_name["match"].setChecked(listening.is_matched)
        words = ""
        if listening.solo:
            step = self.document.step(listening.solo)
            words = f"Δ {self.document.label_of(step)} only" if step is not None else ""
        elif listening.heard == "delta" and listening.delta_gain_db:
            words = f"Δ Difference +{listening.delta_gain_db:.0f} dB"
        self.window.status.heard.show_monitor(listening.heard, words)
        self._show_rack()

    def show_playing(self) -> None:
        """Show the pause sign while playing."""
        self.window.transport.show_playing(self.listening.is_playing)

    def show_position(self, seconds: float) -> None:
        """Show the play position."""
        if self.document.source is not None:
            self.window.transport.show_position(seconds)

    def show_loop(self) -> None:
        """Show whether there is a loop."""
        if self.parts.link is not None:
            self.window.actions_by_name["loop"].setChecked(self.parts.link.state.loop is not None)

    def show_view(self) -> None:
        """Show tool and layout of the canvas in the menus."""
        if self.parts.link is None:
            return
        state, actions = self.parts.link.state, self.window.actions_by_name
        for tool in ("time", "box", "hand", "zoom"):
            actions[f"tool_{tool}"].setChecked(state.tool == tool)
        for layout in ("overlay", "split", "waveform", "spectrogram"):
            actions[f"view_{layout}"].setChecked(state.layout == layout)
        actions["follow"].setChecked(state.follow)

    def show_pointer(self, place: Hover | None) -> None:
        """Show what is under the pointer."""
        if place is None:
            self.window.status.show_pointer(())
            return
        parts = [clock(place.seconds)]
        if place.hz is not None:
            parts += [f"{place.hz:.0f} Hz", place.note]
        if place.db is not None:
            parts.append(f"{place.db:.1f} dB".replace("-", "−"))
        self.window.status.show_pointer(tuple(part for part in parts if part))

    def show_stale(self) -> None:
        """Show whether B is older than the knobs say."""
        self.window.transport.sides.buttons["B"].set_stale(self.rendering.is_stale)

    def show_jobs(self) -> None:
        """Show the running tasks."""
        shown = self.jobs.shown
        self.window.status.pill.show_task(shown[0] if shown else None, len(shown) - 1)
        self.window.job_list.show_tasks(shown, list(self.jobs.ended))
        if self.document.opening is not None:
            self.show_opening()

    def show_measured(self, measured: Measured) -> None:
        """Show the measurements."""
        self.window.table.show_rows(measured.rows)
        self.window.measured_dock.head.second.setText(measured.note)

    def show_recents(self) -> None:
        """Show the recordings opened last."""
        self.jobs.start("Recent", lambda _job: self.document.recents.read(), self._take_recents, lambda _e: None, False)

    def _take_recents(self, items: list[Recent]) -> None:
        self.window.empty.show_recent(items)
        self.recent_menu.clear()
        for item in items[:10]:
            self.recent_menu.addAction(item.name).triggered.connect(partial(self._open_path, item.path))
        self.recent_menu.setEnabled(bool(items))

    def show_threads(self, settings: Settings) -> None:
        """Show where networks run, on how many threads."""
        provider = settings.providers[0].removesuffix("ExecutionProvider")
        count = settings.threads
        self.window.status.threads.setText(f"{provider} · {count} thread{'' if count == 1 else 's'}")

    def show_sound(self) -> None:
        """Show whether there is a sound card."""
        self.window.status.show_sound(self.listening.problem)

    def _open_path(self, path: str, _checked: bool = False) -> None:
        self._open_file(Path(path))


def facts_of(info: FileInfo) -> dict[str, str]:
    """Return the rows of the file dock."""
    return {
        "Format": f"{info.container} {depth(info.subtype)}".strip(),
        "Length": clock(info.seconds),
        "Channels": f"{channels(info.channels)} · {kilohertz(info.rate)}",
        "Size": size(info.bytes),
        "Title": info.tags.get("title", ""),
        "Note": info.note,
    }
