"""Makes the window act: connects actions and widgets with document, player, rendering and canvas.

Every slot here is a line or two: ask the document, or start a job.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QMessageBox

from engine.audio.files import OPEN_SUFFIXES, FileInfo
from engine.errors import ShellacError
from engine.session.command import step_command
from engine.session.project import SUFFIX
from engine.session.recipe import Scope, Step
from engine.tools import tool_problems
from engine.tools.tool import complete
from gui import icons, preferences, theme
from gui.actions import DEVICE_ICONS, DEVICE_KEYS, keys_of
from gui.banner import Message, message_of
from gui.canvas_link import CanvasLink
from gui.docks.lists import TrackRow
from gui.document import Document
from gui.focus_keys import FocusKeys
from gui.jobs import Jobs, Task
from gui.listening import Listening
from gui.loudness_link import LoudnessLink
from gui.measuring import Measured, Measuring
from gui.numbers import channels, clock, depth, kilohertz, size
from gui.panels.card import Card, CardView
from gui.presets import Presets
from gui.rack import Rack
from gui.rendering import Rendering
from gui.sound import SoundChoice
from gui.transport import FormatNote
from gui.views.view_state import Hover
from gui.window import MainWindow

SPECTROGRAM_HOP = 512  # frames of one column, for , and .


class Commands(QObject):
    """One per window."""

    def __init__(self, window: MainWindow, prefs: preferences.Preferences) -> None:
        super().__init__(window)
        self.window, self.prefs = window, prefs
        self.settings = prefs.settings()
        self.jobs = Jobs(self)
        self.document = Document(self.settings, self.jobs, self)
        self.rendering = Rendering(self.document, self.jobs, self)
        self.listening = Listening(self.jobs, prefs.sound, self)
        self.listening.player.cursor_offset_ms = prefs.cursor_offset_ms
        self.presets = Presets(self.settings.state_folder)
        self.focused_device = ""
        self._is_closing = False
        self.link: CanvasLink | None = None
        self.loudness: LoudnessLink | None = None
        self._build_rack()
        self._connect_window()
        self._connect_engine()
        self._connect_actions()
        self.keys = FocusKeys(window)
        self.keys.held.connect(self.listening.hold)
        window.actions_by_name["light_theme"].setChecked(prefs.theme == "light")
        self._show_threads()
        self._show_recents()
        self.show_rack()

    # --- building -------------------------------------------------------------------------------------------------

    def _build_rack(self) -> None:
        self.rack = Rack(self.document.tools, self._connect_card)
        self.window.rack_dock.column.addWidget(self.rack)
        self.window.add_button.clicked.connect(self._show_add_menu)
        self.rack.moved.connect(self.document.move_device)
        self.rack.tool_chosen.connect(self.add_device)
        menu = self.window.menus["Tools"]
        first = menu.actions()[0] if menu.actions() else None
        for tool in self.document.tools:
            action = icons_action(tool.label, DEVICE_ICONS.get(tool.name, "device"), self.window)
            key = DEVICE_KEYS.get(tool.name)
            if key:
                action.setShortcut(QKeySequence(key))
            action.setObjectName(f"add-{tool.name}")
            action.setToolTip(tool.summary)
            action.triggered.connect(partial(self.add_device, tool.name))
            menu.insertAction(first, action)  # type: ignore[arg-type]
            self.window.addAction(action)
            self.window.actions_by_name[f"add-{tool.name}"] = action

    def ensure_canvas(self) -> CanvasLink:
        """Build the canvas: after the first paint, or when the first file comes before that."""
        if self.link is None:
            link = CanvasLink(self.document, self.rendering, self.listening, self)
            self.link = link
            self.window.add_canvas(link.holder)
            self.loudness = LoudnessLink(self.listening, self.window, link.canvas, self)
            self.document.source_changed.connect(self.loudness.clear)
            link.hovered.connect(self._show_pointer)
            link.ticked.connect(self._tick)
            link.selection_changed.connect(self.show_rack)
            link.state.loop_changed.connect(self._show_loop)
            link.state.tool_changed.connect(self._show_view)
            link.state.layout_changed.connect(self._show_view)
            link.state.follow_changed.connect(self._show_view)
            self._show_view()
            self.listening.look_for_card()
        return self.link

    def _connect_window(self) -> None:
        window = self.window
        window.transport.monitor_picked.connect(self.listening.hear)
        window.transport.match_clicked.connect(lambda: self.listening.set_matched(not self.listening.is_matched))
        window.empty.open_wanted.connect(self.ask_open)
        window.empty.demo_wanted.connect(self.open_demo)
        window.empty.file_wanted.connect(lambda path: self.open(Path(path)))
        window.files_dropped.connect(self._take_drop)
        window.close_asked.connect(self._close_window)
        window.tracks.chosen.connect(self.document.show_track)
        window.history.chosen.connect(self.document.go_to)
        window.add_track_button.clicked.connect(self.ask_add_track)
        window.undo_button.clicked.connect(self.document.undo)
        window.status.pill.cancel_wanted.connect(self.cancel)
        window.job_list.cancel_wanted.connect(self.cancel)
        window.status.sound.clicked.connect(self._show_sound_menu)

    def _connect_engine(self) -> None:
        document = self.document
        document.changed.connect(self._show_document)
        document.source_changed.connect(self._show_source)
        document.opening_changed.connect(self._show_opening)
        document.message.connect(self.window.show_message)
        document.said.connect(self.window.say)
        document.recents_changed.connect(self._show_recents)
        document.pictures_changed.connect(self._show_tracks)
        document.relink_wanted.connect(self.ask_relink)
        self.jobs.changed.connect(self._show_jobs)
        self.jobs.failed.connect(lambda error: self.window.show_message(message_of(error)))
        self.rendering.changed.connect(self.show_rack)
        self.rendering.ready.connect(self._show_format)
        self.rendering.message.connect(self.window.show_message)
        self.rendering.begun.connect(lambda: self.window.close_messages("render"))
        self.rendering.begun.connect(lambda: self.window.close_messages("device"))
        self.listening.changed.connect(self._show_heard)
        self.listening.state_changed.connect(self._show_playing)
        self.listening.sound_changed.connect(self._show_sound)
        self.listening.message.connect(self.window.show_message)
        self.listening.said.connect(self.window.say)
        self.measuring = Measuring(document, self.rendering, self.jobs, self)
        self.measuring.measured.connect(self._show_measured)

    def _connect_actions(self) -> None:
        view: Callable[[str], Callable[..., None]] = lambda name: partial(self._view, name)  # noqa: E731
        player = self.listening.player
        slots: dict[str, Callable[..., object]] = {
            "open": self.ask_open, "add_track": self.ask_add_track, "demo": self.open_demo, "save": self.save,
            "save_as": self.save_as, "export": self.export, "close_file": self.close_file,
            "preferences": self.show_preferences, "quit": self.window.close, "undo": self.document.undo,
            "redo": self.document.redo, "select_all": view("select_all"), "escape": self.escape,
            "copy_command": self.copy_command, "play_return": self.play_return, "play": self.play_pause,
            "play_selection": self.play_selection, "stop": player.stop, "loop": self._toggle_loop,
            "to_start": lambda: self._go(0.0), "to_end": lambda: self._go(1.0),
            "left": lambda: self._step(-self._small()), "right": lambda: self._step(self._small()),
            "left_second": lambda: self._step(-self._rate()), "right_second": lambda: self._step(self._rate()),
            "extend_left": lambda: self._step(-self._small(), True),
            "extend_right": lambda: self._step(self._small(), True),
            "extend_start": lambda: self._step(-1e12, True), "extend_end": lambda: self._step(1e12, True),
            "frame_left": lambda: self._step(-SPECTROGRAM_HOP), "frame_right": lambda: self._step(SPECTROGRAM_HOP),
            "device_power": lambda: self._on_device("power"), "device_solo": lambda: self._on_device("solo"),
            "device_up": lambda: self._on_device("up"), "device_down": lambda: self._on_device("down"),
            "device_remove": lambda: self._on_device("remove"), "hear_a": lambda: self.listening.hear("A"),
            "hear_b": lambda: self.listening.hear("B"), "toggle_ab": self.listening.toggle,
            "hear_delta": self.listening.toggle_delta, "delta_gain": self.listening.next_delta_gain,
            "match": lambda: self.listening.set_matched(not self.listening.is_matched),
            "layout_work": lambda: self.window.set_focus_layout(False),
            "layout_focus": lambda: self.window.set_focus_layout(not self.window._focus_hidden),
            "layout_reset": self._reset_layout, "light_theme": self._toggle_theme,
            "all_actions": self.show_all_actions, "key_sheet": self.show_keys, "diagnostics": self.show_diagnostics,
            "about": self.show_about, "fit": view("fit"), "zoom_selection": view("zoom_to_selection"),
            "zoom_in": lambda: self._view("zoom", 2.0), "zoom_out": lambda: self._view("zoom", 0.5),
            "zoom_hz_in": lambda: self._view("zoom_frequency", 1.5),
            "zoom_hz_out": lambda: self._view("zoom_frequency", 1 / 1.5),
            "follow": lambda: self._toggle_follow(),
        }  # fmt: skip
        for tool in ("time", "box", "hand", "zoom"):
            slots[f"tool_{tool}"] = partial(self._view, "set_tool", tool)
        for layout in ("overlay", "split", "waveform", "spectrogram"):
            slots[f"view_{layout}"] = partial(self._view, "set_layout", layout)
        for name, slot in slots.items():
            self.window.actions_by_name[name].triggered.connect(lambda _checked=False, slot=slot: slot())
        self._fill_menus()

    def _fill_menus(self) -> None:
        self.recent_menu = QMenu("Open recent", self.window)
        file = self.window.menus["File"]
        file.insertMenu(self.window.actions_by_name["demo"], self.recent_menu)
        window_menu = self.window.menus["Window"]
        window_menu.addSeparator()
        for dock in self.window.docks.values():
            window_menu.addAction(dock.toggleViewAction())

    # --- opening and saving ---------------------------------------------------------------------------------------

    def open(self, path: Path) -> None:
        """Open a recording or project; asks first if an edit would be lost."""
        self._unless_unsaved(lambda: self._open_now(path))

    def _open_now(self, path: Path) -> None:
        self.ensure_canvas()
        self.window.close_messages("open")
        self.document.open(path)

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

            self.ensure_canvas()
            self.document.open(paths().aged, then=self._add_restore)

        self._unless_unsaved(now)

    def _add_restore(self) -> None:
        if "restore" in self.document.tool_by_name:
            self.add_device("restore")

    def _take_drop(self, paths: list[Path], add: bool) -> None:
        self.ensure_canvas()
        if add:
            for path in paths:
                self.document.add_track(path)
            return
        self.open(paths[0])
        for path in paths[1:]:
            QTimer.singleShot(0, partial(self.add_when_open, path))

    def add_when_open(self, path: Path) -> None:
        """Add a track once what is being opened is open."""
        if self.document.opening is not None:
            QTimer.singleShot(50, partial(self.add_when_open, path))
        else:
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
        self._unless_unsaved(self.document.close)

    def _unless_unsaved(self, then: Callable[[], None]) -> None:
        if not self.document.is_changed:
            then()
            return
        answer = self.ask_unsaved()
        if answer == QMessageBox.StandardButton.Save:
            self.save(then)
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

    def offer_recovery(self) -> None:
        """Offer what was open when the program ended without being asked to."""

        def found(recovery: object) -> None:
            from engine.session.journal import Recovery

            if not isinstance(recovery, Recovery) or self.document.session is not None:
                return
            actions = (
                ("Reopen", lambda: self._reopen(recovery)),
                ("Forget it", lambda: self.document.journal.forget(recovery)),
            )
            self.window.show_message(Message(recovery.question, "", "info", "", actions, "recovery"))

        self.jobs.start("Recovery", lambda _job: self.document.journal.recover(), found, lambda _error: None, False)

    def _reopen(self, recovery: object) -> None:
        from engine.session.journal import Recovery

        if isinstance(recovery, Recovery):
            self.ensure_canvas()
            self.document.take_recovery(recovery)

    # --- the rack -------------------------------------------------------------------------------------------------

    def add_device(self, tool: str, *_ignored: object) -> None:
        """Put a device into the rack; without a file there is nothing to put it on."""
        if self.document.session is None:
            self.window.say("Open a recording first")
            return
        self.focused_device = self.document.add_device(tool)
        self.show_rack()
        if self.listening.monitor == "A":
            self.listening.hear("B")

    def _show_add_menu(self) -> None:
        menu = QMenu(self.window)
        for tool in self.document.tools:
            menu.addAction(self.window.actions_by_name[f"add-{tool.name}"])
        menu.exec(self.window.add_button.mapToGlobal(QPoint(0, self.window.add_button.height() + 2)))
        menu.deleteLater()

    def _connect_card(self, card: Card) -> None:
        device, document = card.device_id, self.document
        card.knob_changed.connect(partial(document.set_knob, device))
        card.mix_changed.connect(partial(document.set_mix, device))
        card.power_changed.connect(partial(document.set_power, device))
        card.solo_wanted.connect(partial(self.listening.toggle_solo, device))
        card.scope_chosen.connect(partial(self._set_scope, device))
        card.preset_chosen.connect(partial(self._use_preset, device))
        card.learn_wanted.connect(partial(self._learn, device))
        card.menu_chosen.connect(partial(self._card_menu, device))
        card.focused.connect(partial(self._focus_device, device))
        card.problem.connect(lambda text: self.window.show_message(_message_of_words(text)))

    def _focus_device(self, device: str) -> None:
        if self.focused_device != device:
            self.focused_device = device
            self.show_rack()

    def _set_scope(self, device: str, chosen: str) -> None:
        selection = self.link.scope() if self.link is not None else None
        scopes = {
            "whole": Scope(), "selection": selection or Scope(),
            "left": Scope(channels=(0,)), "right": Scope(channels=(1,)),
        }  # fmt: skip
        if chosen in scopes:
            self.document.set_scope(device, scopes[chosen])

    def _use_preset(self, device: str, name: str) -> None:
        step = self.document.step(device)
        tool = self.document.tool_by_name.get(step.tool) if step is not None else None
        if tool is not None and name:
            values = tool.presets.get(name) or self.presets.of(tool.name).get(name, {})
            self.document.use_preset(device, name, values)

    def _learn(self, device: str, knob: str) -> None:
        scope = self.link.scope() if self.link is not None else None
        if scope is None or scope.start_s is None or scope.stop_s is None:
            detail = "Drag over a stretch of the waveform that holds only noise, then press the button again"
            self.window.show_message(Message("Nothing is selected", detail, "info", topic="learn"))
            return
        self.window.close_messages("learn")
        self.document.set_knob(device, knob, f"{scope.start_s:.3f}-{scope.stop_s:.3f}")

    def _card_menu(self, device: str, chosen: str) -> None:
        step = self.document.step(device)
        if step is None:
            return
        place = self.document.recipe.index(device)
        {
            "up": lambda: self.document.move_device(device, place - 1),
            "down": lambda: self.document.move_device(device, place + 1),
            "duplicate": lambda: self.document.duplicate_device(device),
            "remove": lambda: self.document.remove_device(device),
            "preset": lambda: self._save_preset(step),
            "command": lambda: self._copy_step(step),
        }[chosen]()

    def _save_preset(self, step: Step) -> None:
        tool = self.document.tool_by_name.get(step.tool)
        if tool is None:
            return
        name, is_ok = QInputDialog.getText(self.window, "Save preset", f"Name of the {tool.label} preset")
        if is_ok and name.strip():
            try:
                self.presets.save(tool.name, name.strip(), complete(tool, step.params))
            except ShellacError as error:
                self.window.show_message(message_of(error))
            self.show_rack()

    def _copy_step(self, step: Step) -> None:
        track = self.document.track
        if track is not None:
            source = Path(track.source.path)
            result = source.with_name(f"{source.stem}_{step.tool}{source.suffix}")
            QGuiApplication.clipboard().setText(step_command(step, source, result))
            self.window.say("Command copied")

    def copy_command(self) -> None:
        """Copy the command line that does what the whole rack does."""
        QGuiApplication.clipboard().setText(self.document.command())
        self.window.say("Command copied")

    def _on_device(self, what: str) -> None:
        device = self.focused_device
        step = self.document.step(device)
        if step is None:
            return
        if what == "power":
            self.document.set_power(device, not step.enabled)
        elif what == "solo":
            self.listening.toggle_solo(device)
        else:
            self._card_menu(device, what)

    def show_rack(self) -> None:
        """Show the devices and what they are doing."""
        document = self.document
        steps = document.recipe.steps
        if steps and self.focused_device not in {step.id for step in steps}:
            self.focused_device = steps[-1].id
        self.rack.show_steps(steps, self._card_view, document.session is not None)

    def _card_view(self, index: int, step: Step) -> CardView:
        track, count = self.document.track, len(self.document.recipe.steps)
        return CardView(
            doing=self.rendering.doing(step),
            is_soloed=self.listening.solo == step.id,
            is_focused=self.focused_device == step.id,
            has_selection=self.link is not None and self.link.state.selection is not None,
            is_stereo=track is not None and track.source.channels == 2,
            presets=tuple(self.presets.of(step.tool)),
            is_first=index == 0,
            is_last=index == count - 1,
        )

    # --- transport ------------------------------------------------------------------------------------------------

    def _has_file(self) -> bool:
        return self.document.source is not None and self.link is not None

    def play_return(self) -> None:
        """Play from the cursor; if playing, stop and return there."""
        if not self._has_file() or self.link is None:
            return
        if self.listening.is_playing:
            self.listening.player.stop()
        else:
            self.listening.player.play(round(self.link.state.cursor))

    def play_pause(self) -> None:
        """Play on, or pause in place."""
        if self._has_file():
            (self.listening.player.pause if self.listening.is_playing else self.listening.player.play)()

    def play_selection(self) -> None:
        """Play the selection once."""
        chosen = self.link.state.selection if self.link is not None else None
        if chosen is not None:
            self.listening.player.play_once(chosen.span)

    def _toggle_loop(self) -> None:
        if self.link is not None:
            self.link.toggle_loop()

    def _go(self, share: float) -> None:
        if self.link is not None:
            self.link.go_to(share * self.link.state.frames)

    def _step(self, frames: float, extend: bool = False) -> None:
        if self.link is not None:
            self.link.step(frames, extend)

    def _small(self) -> float:
        return max(1.0, self.link.state.span_frames / 100) if self.link is not None else 1.0

    def _rate(self) -> float:
        return float(self.link.state.rate) if self.link is not None else 0.0

    def _view(self, name: str, *values: object) -> None:
        if self.link is not None:
            getattr(self.link.state, name)(*values)
            self._show_view()

    def _toggle_follow(self) -> None:
        if self.link is not None:
            self.link.state.set_follow(not self.link.state.follow)

    def escape(self) -> None:
        """Cancel the job that is shown, else clear the selection."""
        if self.jobs.shown:
            self.cancel(self.jobs.shown[0])
        elif self.link is not None:
            self.link.state.set_selection(None)

    def cancel(self, task: Task | None) -> None:
        """Cancel a job. What it has finished stays."""
        if task is None:
            return
        if task is self.rendering.task:
            self.rendering.stop()
        else:
            task.cancel()

    # --- showing --------------------------------------------------------------------------------------------------

    def _show_document(self) -> None:
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
        self._show_tracks()
        self.show_rack()

    def _show_tracks(self) -> None:
        session = self.document.session
        if session is None:
            self.window.show_tracks([])
            return
        rows = []
        for index, track in enumerate(session.tracks):
            key = str(track.source.path)
            source = self.document.sources.get(key)
            seconds = track.source.frames / track.source.rate if track.source.rate else 0.0
            bits = depth(source.info.subtype) if source is not None else ""
            parts = (clock(seconds, 0), kilohertz(track.source.rate), bits)
            facts = " · ".join(part for part in parts if part)
            picture = self.document.pictures.get(key, ())
            rows.append(TrackRow(track.name, facts, picture, index == session.current, source is None))
        self.window.show_tracks(rows)

    def _show_source(self) -> None:
        source = self.document.source
        self.window.show_file(self.document.session is not None)
        if source is None:
            self.window.show_facts({})
            self.window.transport.show_empty()
            self.window.status.heard.show_monitor("")
            return
        self.window.show_facts(facts_of(source.info))
        self._show_format()
        self._show_heard()
        self._show_playing()

    def _show_format(self) -> None:
        source, rendered = self.document.source, self.rendering.rendered
        if source is None:
            return
        rate = rendered.rate if rendered is not None else source.rate
        frames = rendered.frames if rendered is not None else source.frames
        note = FormatNote(source.rate, rate, source.channels, depth(source.info.subtype))
        self.window.transport.show_open(frames / rate, note)

    def _show_opening(self) -> None:
        task = self.document.opening
        name = task.name.removeprefix("Open ") if task is not None else ""
        self.window.empty.zone.show_opening(name, task.fraction if task is not None else 0.0)

    def _show_heard(self) -> None:
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
        self.show_rack()

    def _show_playing(self) -> None:
        self.window.transport.show_playing(self.listening.is_playing)

    def _tick(self, seconds: float) -> None:
        if self.document.source is not None:
            self.window.transport.show_position(seconds)

    def _show_loop(self) -> None:
        if self.link is not None:
            self.window.actions_by_name["loop"].setChecked(self.link.state.loop is not None)

    def _show_view(self) -> None:
        if self.link is None:
            return
        state, actions = self.link.state, self.window.actions_by_name
        for tool in ("time", "box", "hand", "zoom"):
            actions[f"tool_{tool}"].setChecked(state.tool == tool)
        for layout in ("overlay", "split", "waveform", "spectrogram"):
            actions[f"view_{layout}"].setChecked(state.layout == layout)
        actions["follow"].setChecked(state.follow)

    def _show_pointer(self, place: Hover | None) -> None:
        if place is None:
            self.window.status.show_pointer(())
            return
        parts = [clock(place.seconds)]
        if place.hz is not None:
            parts += [f"{place.hz:.0f} Hz", place.note]
        if place.db is not None:
            parts.append(f"{place.db:.1f} dB".replace("-", "−"))
        self.window.status.show_pointer(tuple(part for part in parts if part))

    def _show_jobs(self) -> None:
        shown = self.jobs.shown
        self.window.status.pill.show_task(shown[0] if shown else None, len(shown) - 1)
        self.window.job_list.show_tasks(shown, list(self.jobs.ended))
        if self.document.opening is not None:
            self._show_opening()

    def _show_measured(self, measured: Measured) -> None:
        self.window.table.show_rows(measured.rows)
        self.window.measured_dock.head.second.setText(measured.note)

    def _show_recents(self) -> None:
        self.jobs.start("Recent", lambda _job: self.document.recents.read(), self._take_recents, lambda _e: None, False)

    def _take_recents(self, items: list) -> None:  # type: ignore[type-arg]
        self.window.empty.show_recent(items)
        self.recent_menu.clear()
        for item in items[:10]:
            self.recent_menu.addAction(item.name).triggered.connect(partial(self.open, Path(item.path)))
        self.recent_menu.setEnabled(bool(items))

    def _show_threads(self) -> None:
        provider = self.settings.providers[0].removesuffix("ExecutionProvider")
        count = self.settings.threads
        self.window.status.threads.setText(f"{provider} · {count} thread{'' if count == 1 else 's'}")

    def _show_sound(self) -> None:
        self.window.status.show_sound(self.listening.problem)

    def _show_sound_menu(self) -> None:
        menu = QMenu(self.window)
        menu.addAction("Try again").triggered.connect(lambda: self.listening.use(self.listening.choice))
        menu.addAction("Choose a device…").triggered.connect(self.show_preferences)
        menu.exec(self.window.status.sound.mapToGlobal(QPoint(0, -70)))
        menu.deleteLater()

    # --- windows --------------------------------------------------------------------------------------------------

    def export(self) -> None:
        """Show the export dialog."""
        from gui.export_dialog import ExportDialog

        if self.document.source is not None and self.rendering.rendered is not None and self.link is not None:
            ExportDialog(self.document, self.rendering, self.link, self.jobs, self.window).open()

    def show_preferences(self) -> None:
        """Show the preferences and take what was chosen."""
        from engine.playback.output import list_devices

        def names() -> list[str]:
            return [device.name for device in list_devices()]

        used = self.rendering.renderer.store.size_bytes
        dialog = preferences.PreferencesDialog(self.prefs, self.window.stored, names, used, self.window)
        dialog.accepted.connect(lambda: self._take_preferences(dialog))
        dialog.open()

    def _take_preferences(self, dialog: preferences.PreferencesDialog) -> None:
        wanted = dialog.chosen()
        for name, keys in dialog.chosen_keys().items():
            self.window.stored.setValue(f"keys/{name}", keys)
        self._set_keys()
        self.take_preferences(wanted)

    def _set_keys(self) -> None:
        from gui.actions import TABLE

        for entry in TABLE:
            self.window.actions_by_name[entry.name].setShortcuts(keys_of(entry, self.window.stored))

    def take_preferences(self, wanted: preferences.Preferences) -> None:
        """Put preferences into force and keep them."""
        before, self.prefs = self.prefs, wanted
        preferences.store(self.window.stored, wanted)
        if (before.theme, before.type_percent) != (wanted.theme, wanted.type_percent):
            theme.apply(wanted.theme, wanted.type_percent)
            self.window.actions_by_name["light_theme"].setChecked(wanted.theme == "light")
            self.show_rack()
        if before.sound != wanted.sound:
            self.listening.use(SoundChoice(wanted.device, wanted.latency_ms / 1000))
        self.listening.player.cursor_offset_ms = wanted.cursor_offset_ms
        self.settings = wanted.settings()
        self.document.settings = self.settings
        self._show_threads()

    def _toggle_theme(self) -> None:
        self.take_preferences(replace(self.prefs, theme="dark" if self.prefs.theme == "light" else "light"))

    def _reset_layout(self) -> None:
        self.window.set_focus_layout(False)
        self.window.place_docks()

    def show_all_actions(self) -> None:
        """Show everything that can be done, to search in."""
        from gui.dialogs import AllActions

        AllActions(list(self.window.actions_by_name.values()), self.window).open()

    def show_keys(self) -> None:
        """Show the key sheet."""
        from gui.dialogs import KeySheet

        devices = [
            (f"Add {tool.label}", DEVICE_KEYS[tool.name]) for tool in self.document.tools if tool.name in DEVICE_KEYS
        ]
        KeySheet(self.window.actions_by_name, devices, self.window).show()

    def show_about(self) -> None:
        """Show versions and licences."""
        from gui.dialogs import TextWindow, about_text

        dialog = TextWindow("About Shellac", "…", self.window)
        self.jobs.start("About", lambda _job: about_text(), dialog.show_text, is_shown=False)
        dialog.show()

    def show_diagnostics(self) -> None:
        """Show what `shellac doctor` prints."""
        from gui.diagnostics import report
        from gui.dialogs import TextWindow

        dialog = TextWindow("Diagnostics", "Looking…", self.window)
        problems = tool_problems()
        self.jobs.start("Diagnostics", lambda _job: report(self.settings, problems), dialog.show_text, is_shown=False)
        dialog.show()

    # --- the end --------------------------------------------------------------------------------------------------

    def _close_window(self, event: QCloseEvent) -> None:
        if not self._is_closing and self.document.is_changed:
            event.ignore()
            self._unless_unsaved(self.close_now)
            return
        self.shut_down()
        event.accept()

    def close_now(self) -> None:
        """Close without a question."""
        self._is_closing = True
        self.document.forget_journal()
        self.window.close()

    def shut_down(self) -> None:
        """Stop every thread, let go of the sound card, remember the layout."""
        self.window.save_layout()
        self.rendering.stop_quietly()
        if self.link is not None:
            self.link.close()
        self.jobs.close()
        self.listening.close()
        self.document.forget_journal()


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


def icons_action(text: str, name: str, parent: QObject):  # type: ignore[no-untyped-def]
    from PySide6.QtGui import QAction

    return QAction(icons.icon(name), text, parent)


def _message_of_words(text: str) -> Message:
    what, _colon, todo = text.partition(": ")
    return Message(what[:1].upper() + what[1:], todo, "warn", topic="knob")
