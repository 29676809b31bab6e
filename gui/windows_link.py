"""The dialogs: export, preferences, all actions, keys, diagnostics, about. Each is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QMenu

from engine.settings import choose
from engine.tools import tool_problems
from gui import preferences, theme
from gui.actions import DEVICE_KEYS, TABLE, keys_of
from gui.parts import Parts
from gui.sound import SoundChoice


class WindowsLink(QObject):
    """Shows dialogs, and puts preferences into force."""

    def __init__(self, parts: Parts, prefs: preferences.Preferences, show_all: Callable[[], None]) -> None:
        super().__init__(parts.window)
        self.parts, self.prefs = parts, prefs
        self.window, self.jobs, self.document = parts.window, parts.jobs, parts.document
        self.rendering, self.listening = parts.rendering, parts.listening
        self._show_all = show_all

    def export(self) -> None:
        """Show the export dialog."""
        from gui.export_dialog import ExportDialog

        if self.document.source is not None and self.rendering.rendered is not None and self.parts.link is not None:
            ExportDialog(self.document, self.rendering, self.parts.link, self.jobs, self.window).open()

    def show_preferences(self) -> None:
        """Show the preferences, once it is known what this machine has."""
        store = self.rendering.renderer.store

        def look(_job: object) -> preferences.Machine:
            return preferences.look_at_machine(store.size_bytes())

        def show(machine: preferences.Machine) -> None:
            dialog = preferences.PreferencesDialog(self.prefs, self.window.stored, machine, self.window)
            dialog.accepted.connect(lambda: self._take_preferences(dialog))
            dialog.open()

        self.jobs.start("Preferences", look, show, is_shown=False)

    def _take_preferences(self, dialog: preferences.PreferencesDialog) -> None:
        wanted = dialog.chosen()
        for name, keys in dialog.chosen_keys().items():
            self.window.stored.setValue(f"keys/{name}", keys)
        self._set_keys()
        self.take_preferences(wanted)

    def _set_keys(self) -> None:
        for entry in TABLE:
            self.window.actions_by_name[entry.name].setShortcuts(keys_of(entry, self.window.stored))

    def take_preferences(self, wanted: preferences.Preferences) -> None:
        """Put preferences into force and keep them."""
        before, self.prefs = self.prefs, wanted
        preferences.store(self.window.stored, wanted)
        if (before.theme, before.type_percent) != (wanted.theme, wanted.type_percent):
            theme.apply(wanted.theme, wanted.type_percent)
            self.window.actions_by_name["light_theme"].setChecked(wanted.theme == "light")
            self._show_all()
        if before.sound != wanted.sound:
            self.listening.use(SoundChoice(wanted.device, wanted.latency_ms / 1000))
        self.listening.player.cursor_offset_ms = wanted.cursor_offset_ms
        self.document.settings = choose(wanted.settings())
        if before.settings() != self.document.settings:
            self.rendering.use(self.document.settings)
        self._show_all()

    def toggle_theme(self) -> None:
        """Dark to light and back."""
        self.take_preferences(replace(self.prefs, theme="dark" if self.prefs.theme == "light" else "light"))

    def reset_layout(self) -> None:
        """Put every dock where it was at first."""
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
        self.jobs.start(
            "Diagnostics", lambda _job: report(self.document.settings, problems), dialog.show_text, is_shown=False
        )
        dialog.show()

    def show_sound_menu(self) -> None:
        """Offer to try the sound card again, or another one."""
        menu = QMenu(self.window)
        menu.addAction("Try again").triggered.connect(lambda: self.listening.use(self.listening.choice))
        menu.addAction("Choose a device…").triggered.connect(self.show_preferences)
        menu.exec(self.window.status.sound.mapToGlobal(QPoint(0, -70)))
        menu.deleteLater()
