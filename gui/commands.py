"""Makes the window act: one of each part, and every action connected with what it does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QCloseEvent

from engine.settings import choose
from gui import preferences
from gui.banner import message_of
from gui.canvas_link import CanvasLink
from gui.document import Document
from gui.edge_link import EdgeLink
from gui.files_link import FilesLink
from gui.focus_keys import FocusKeys
from gui.jobs import Jobs, Task
from gui.listening import Listening
from gui.loudness_link import LoudnessLink
from gui.measuring import Measuring
from gui.parts import Parts
from gui.rack_link import RackLink
from gui.rendering import Rendering
from gui.showing import Showing
from gui.transport_link import SPECTROGRAM_HOP, TransportLink
from gui.view_menus import ViewMenus
from gui.window import MainWindow
from gui.windows_link import WindowsLink

Slot = Callable[[], object]


def warm_up() -> None:
    """Import what the first play and the first device would otherwise wait for, on a thread of its own."""
    import scipy.signal  # noqa: F401 - the meters' filters; takes a second


class Commands(QObject):
    """One per window."""

    def __init__(self, window: MainWindow, prefs: preferences.Preferences) -> None:
        super().__init__(window)
        self.window = window
        self.jobs = Jobs(self)
        self.document = Document(choose(prefs.settings()), self.jobs, self)
        self.rendering = Rendering(self.document, self.jobs, self)
        self.listening = Listening(self.jobs, prefs.sound, self)
        self.listening.player.cursor_offset_ms = prefs.cursor_offset_ms
        self.parts = Parts(window, self.jobs, self.document, self.rendering, self.listening)
        self.rack_link = RackLink(self.parts)
        self.edge = EdgeLink(self.parts)
        self.rack_link.shown.connect(self.edge.show)
        self.files = FilesLink(self.parts, self.ensure_canvas, self.rack_link.add_device)
        self.showing = Showing(self.parts, self.rack_link.show, self.files.open)
        self.windows = WindowsLink(self.parts, prefs, self._show_all)
        self.transport = TransportLink(self.parts)
        self.measuring = Measuring(self.document, self.rendering, self.jobs, self)
        self.loudness: LoudnessLink | None = None
        self._is_closing = False
        self._is_asking = False
        self._connect_window()
        self._connect_engine()
        self._connect_actions()
        self.keys = FocusKeys(window)
        self.keys.held.connect(self.listening.hold)
        window.actions_by_name["light_theme"].setChecked(prefs.theme == "light")
        self.showing.show_recents()
        self.showing.show_document()
        self._show_all()

    def _show_all(self) -> None:
        self.showing.show_threads(self.document.settings)
        self.rack_link.show()

    def ensure_canvas(self) -> CanvasLink:
        """Build the canvas: after the first paint, or when the first file comes before that."""
        if self.parts.link is None:
            link = CanvasLink(self.document, self.rendering, self.listening, self)
            self.parts.link = link
            self.window.add_canvas(link.holder)
            self.loudness = LoudnessLink(self.listening, self.window, link.canvas, self)
            self.document.source_changed.connect(self.loudness.clear)
            link.hovered.connect(self.showing.show_pointer)
            link.ticked.connect(self.showing.show_position)
            link.selection_changed.connect(self.rack_link.show)
            link.state.loop_changed.connect(self.showing.show_loop)
            link.state.edge.wanted.connect(self.edge.put)
            for changed in (link.state.tool_changed, link.state.layout_changed, link.state.follow_changed):
                changed.connect(self.showing.show_view)
            link.canvas.failed.connect(self.window.say)
            ViewMenus(self.window.menus["View"], link.state)
            self.showing.show_view()
            self.listening.look_for_card()
            self.jobs.start("Warm up", lambda _job: warm_up(), is_shown=False)
        return self.parts.link

    @property
    def link(self) -> CanvasLink | None:
        """The canvas, once there is one."""
        return self.parts.link

    # --- connecting -----------------------------------------------------------------------------------------------

    def _connect_window(self) -> None:
        window, files = self.window, self.files
        window.transport.monitor_picked.connect(self.listening.hear)
        window.transport.match_clicked.connect(self._toggle_match)
        window.empty.open_wanted.connect(files.ask_open)
        window.empty.demo_wanted.connect(files.open_demo)
        window.empty.file_wanted.connect(lambda path: files.open(Path(path)))
        window.files_dropped.connect(files.take_drop)
        window.close_asked.connect(self._close_window)
        window.tracks.chosen.connect(self.document.show_track)
        window.history.chosen.connect(self.document.go_to)
        window.add_track_button.clicked.connect(files.ask_add_track)
        window.undo_button.clicked.connect(self.document.undo)
        window.status.pill.cancel_wanted.connect(self.cancel)
        window.job_list.cancel_wanted.connect(self.cancel)
        window.status.sound.clicked.connect(self.windows.show_sound_menu)

    def _connect_engine(self) -> None:
        document, window, showing = self.document, self.window, self.showing
        document.changed.connect(showing.show_document)
        document.source_changed.connect(showing.show_source)
        document.opening_changed.connect(showing.show_opening)
        document.message.connect(window.show_message)
        document.said.connect(window.say)
        document.recents_changed.connect(showing.show_recents)
        document.pictures_changed.connect(showing.show_tracks)
        document.relink_wanted.connect(self.files.ask_relink)
        self.jobs.changed.connect(showing.show_jobs)
        self.jobs.failed.connect(lambda error: window.show_message(message_of(error)))
        self.rendering.changed.connect(self.rack_link.show)
        self.rendering.changed.connect(showing.show_stale)
        self.rendering.ready.connect(showing.show_format)
        self.rendering.message.connect(window.show_message)
        for topic in ("render", "device"):
            self.rendering.begun.connect(partial(window.close_messages, topic))
        self.listening.changed.connect(showing.show_heard)
        self.listening.state_changed.connect(showing.show_playing)
        self.listening.sound_changed.connect(showing.show_sound)
        self.listening.message.connect(window.show_message)
        self.listening.said.connect(window.announce)  # what is heard stands at the left already
        self.measuring.measured.connect(showing.show_measured)

    def _connect_actions(self) -> None:
        slots = self._file_slots() | self._transport_slots() | self._view_slots() | self._other_slots()
        for name, slot in slots.items():
            self.window.actions_by_name[name].triggered.connect(lambda _checked=False, slot=slot: slot())
        menu = self.window.menus["Window"]
        menu.addSeparator()
        for dock in self.window.docks.values():
            menu.addAction(dock.toggleViewAction())

    def _file_slots(self) -> dict[str, Slot]:
        files, document = self.files, self.document
        return {
            "open": files.ask_open,
            "add_track": files.ask_add_track,
            "demo": files.open_demo,
            "save": files.save,
            "save_as": files.save_as,
            "export": self.windows.export,
            "close_file": files.close_file,
            "quit": self.window.close,
            "undo": document.undo,
            "redo": document.redo,
            "escape": self.escape,
            "copy_command": self.rack_link.copy_command,
        }

    def _transport_slots(self) -> dict[str, Slot]:
        transport, listening = self.transport, self.listening
        step = transport.step
        return {
            "play_return": transport.play_return,
            "play": transport.play_pause,
            "play_selection": transport.play_selection,
            "stop": listening.player.stop,
            "loop": transport.toggle_loop,
            "to_start": lambda: transport.go(0.0),
            "to_end": lambda: transport.go(1.0),
            "left": lambda: step(-transport.small()),
            "right": lambda: step(transport.small()),
            "left_second": lambda: step(-transport.second()),
            "right_second": lambda: step(transport.second()),
            "extend_left": lambda: step(-transport.small(), True),
            "extend_right": lambda: step(transport.small(), True),
            "extend_start": lambda: step(-1e12, True),
            "extend_end": lambda: step(1e12, True),
            "frame_left": lambda: step(-SPECTROGRAM_HOP),
            "frame_right": lambda: step(SPECTROGRAM_HOP),
            "hear_a": lambda: listening.hear("A"),
            "hear_b": lambda: listening.hear("B"),
            "toggle_ab": listening.toggle,
            "hear_delta": listening.toggle_delta,
            "delta_gain": listening.next_delta_gain,
            "match": self._toggle_match,
        }

    def _view_slots(self) -> dict[str, Slot]:
        slots: dict[str, Slot] = {
            "select_all": partial(self._view, "select_all"),
            "fit": partial(self._view, "fit"),
            "zoom_selection": partial(self._view, "zoom_to_selection"),
            "zoom_in": partial(self._view, "zoom", 2.0),
            "zoom_out": partial(self._view, "zoom", 0.5),
            "zoom_hz_in": partial(self._view, "zoom_frequency", 1.5),
            "zoom_hz_out": partial(self._view, "zoom_frequency", 1 / 1.5),
            "follow": self._toggle_follow,
        }
        for tool in ("time", "box", "hand", "zoom"):
            slots[f"tool_{tool}"] = partial(self._view, "set_tool", tool)
        for layout in ("overlay", "split", "waveform", "spectrogram"):
            slots[f"view_{layout}"] = partial(self._view, "set_layout", layout)
        return slots

    def _other_slots(self) -> dict[str, Slot]:
        windows, window = self.windows, self.window
        slots: dict[str, Slot] = {
            "preferences": windows.show_preferences,
            "layout_work": lambda: window.set_focus_layout(False),
            "layout_focus": lambda: window.set_focus_layout(not window.is_focus_layout),
            "layout_reset": windows.reset_layout,
            "light_theme": windows.toggle_theme,
            "all_actions": windows.show_all_actions,
            "key_sheet": windows.show_keys,
            "diagnostics": windows.show_diagnostics,
            "about": windows.show_about,
        }
        slots |= {
            "edge_up": partial(self.edge.step, 1),
            "edge_down": partial(self.edge.step, -1),
            "edge_found": self.edge.reset,
        }
        for what in ("power", "solo", "up", "down", "remove"):
            slots[f"device_{what}"] = partial(self.rack_link.act_on_focused, what)
        return slots

    # --- small ones -----------------------------------------------------------------------------------------------

    def _toggle_match(self) -> None:
        self.listening.set_matched(not self.listening.is_matched)

    def _view(self, name: str, *values: object) -> None:
        if self.parts.link is not None:
            getattr(self.parts.link.state, name)(*values)
            self.showing.show_view()

    def _toggle_follow(self) -> None:
        if self.parts.link is not None:
            self.parts.link.state.set_follow(not self.parts.link.state.follow)

    def escape(self) -> None:
        """Put back what is being dragged, else cancel the job that is shown, else clear the selection."""
        if self.parts.link is not None and self.parts.link.state.edge.cancel():
            return
        if self.jobs.shown:
            self.cancel(self.jobs.shown[0])
        elif self.parts.link is not None:
            self.parts.link.state.set_selection(None)

    def cancel(self, task: Task | None) -> None:
        """Cancel a job. What it has finished stays."""
        if task is None:
            return
        if task is self.rendering.task:
            self.rendering.stop()
        else:
            task.cancel()

    # --- the end --------------------------------------------------------------------------------------------------

    def _close_window(self, event: QCloseEvent) -> None:
        if not self._is_closing:
            self._is_asking = True
            self.files.unless_unsaved(self._close_unless_busy)
            self._is_asking = False
        event.setAccepted(self._is_closing)
        if self._is_closing:
            self.shut_down()

    def _unfinished(self) -> list[str]:
        """Return the names of the tasks whose work would be lost: not rendering, which goes on at the next start."""
        kept = (self.rendering.task, self.document.opening)
        return [task.name for task in self.jobs.shown if task not in kept]

    def _close_unless_busy(self) -> None:
        names = self._unfinished()
        if not names or self.files.ask_stop(names):
            self.close_now()

    def close_now(self) -> None:
        """Close without a question."""
        self._is_closing = True
        self.document.forget_journal()
        if not self._is_asking:  # else the window is closing already, and Qt ignores a second wish within the first
            self.window.close()

    def shut_down(self) -> None:
        """Stop every thread, let go of the sound card, remember the layout."""
        self.window.save_layout()
        self.document.remember()
        self.rendering.stop_quietly()
        if self.parts.link is not None:
            self.parts.link.close()
        self.jobs.close()
        self.listening.close()
        self.document.forget_journal()
