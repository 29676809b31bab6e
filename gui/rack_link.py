"""Between the rack's cards and the document: what a card asks for, and what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QTimer, Signal
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QInputDialog, QMenu

from engine.errors import ShellacError
from engine.session.command import step_command
from engine.session.recipe import Scope, Step
from engine.tools.tool import complete
from gui import icons, theme
from gui.actions import DEVICE_ICONS, DEVICE_KEYS
from gui.band_edge import edge_knob, edge_of
from gui.banner import Message, message_of
from gui.panels.card import Card, CardView
from gui.panels.knobs import is_automatic
from gui.parts import Parts
from gui.presets import Presets
from gui.rack import Rack


class RackLink(QObject):
    """Builds the rack and one menu entry per tool, whoever the tool comes from."""

    shown = Signal(str)  # the devices, their progress or the focus are shown anew; id of the focused device

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts.window)
        self.parts = parts
        self.window, self.jobs, self.document = parts.window, parts.jobs, parts.document
        self.rendering, self.listening = parts.rendering, parts.listening
        self.presets = Presets(parts.document.settings.state_folder)
        self.focused_device = ""
        self._generated: tuple[str, ...] = ()
        self._build()

    def _build(self) -> None:
        self.rack = Rack(self.document.tools, self._connect_card, self.document.tool_by_name)
        self.window.rack_dock.column.addWidget(self.rack)
        self.window.add_button.clicked.connect(self._show_add_menu)
        self.rack.moved.connect(self.document.move_device)
        self.rack.tool_chosen.connect(self.add_device)
        menu = self.window.menus["Tools"]
        first = menu.actions()[0] if menu.actions() else None
        for tool in self.document.tools:
            action = QAction(icons.icon(DEVICE_ICONS.get(tool.name, "device")), tool.label, self.window)
            key = DEVICE_KEYS.get(tool.name)
            if key:
                action.setShortcut(QKeySequence(key))
            action.setObjectName(f"add-{tool.name}")
            action.setToolTip(tool.summary)
            action.triggered.connect(partial(self.add_device, tool.name))
            if first is not None:
                menu.insertAction(first, action)
            self.window.addAction(action)
            self.window.actions_by_name[f"add-{tool.name}"] = action

    def add_device(self, tool: str, *_ignored: object) -> None:
        """Put a device into the rack; without a file there is nothing to put it on."""
        if self.document.session is None:
            self.window.say("Open a recording first")
            return
        self.focused_device = self.document.add_device(tool)
        self.show()
        QTimer.singleShot(0, self, self._reveal)
        if self.listening.monitor == "A":
            self.listening.hear("B")

    def _reveal(self) -> None:
        card = next((card for card in self.rack.cards if card.device_id == self.focused_device), None)
        if card is not None:
            self.rack.ensureWidgetVisible(card, 0, 8)
            self.rack.ensureWidgetVisible(card.title, 0, theme.px(20))  # of a card taller than the rack, its head

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
        card.go_on_wanted.connect(self.rendering.go_on)
        card.focused.connect(partial(self._focus_device, device))
        card.problem.connect(lambda text: self.window.show_message(_message_of_words(text)))

    def _focus_device(self, device: str) -> None:
        if self.focused_device != device:
            self.focused_device = device
            self.show()

    def _set_scope(self, device: str, chosen: str) -> None:
        selection = self.parts.link.scope() if self.parts.link is not None else None
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
        scope = self.parts.link.scope() if self.parts.link is not None else None
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
            self.show()

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

    def act_on_focused(self, what: str) -> None:
        """Do to the focused device what a key or menu entry says."""
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

    def show(self) -> None:
        """Show the devices and what they are doing."""
        document = self.document
        steps = document.recipe.steps
        if steps and self.focused_device not in {step.id for step in steps}:
            self.focused_device = steps[-1].id
        self._show_generated(steps)
        self.rack.show_steps(steps, self._card_view, document.session is not None)
        self.shown.emit(self.focused_device if steps else "")

    def _show_generated(self, steps: Sequence[Step]) -> None:
        """Say by a banner which devices add sound that was never recorded, as long as they stand in the rack."""
        tools = [self.document.tool_by_name.get(step.tool) for step in steps if step.is_heard]
        labels = tuple(dict.fromkeys(tool.label for tool in tools if tool is not None and tool.is_generative))
        if labels == self._generated:
            return
        self._generated = labels
        if not labels:
            self.window.close_messages("generated")
            return
        verb = "adds" if len(labels) == 1 else "add"
        detail = f"{' and '.join(labels)} {verb} sound that was never recorded; exported files say so"
        self.window.show_message(Message("Generated sound", detail, "info", topic="generated"))

    def _card_view(self, index: int, step: Step) -> CardView:
        track, count = self.document.track, len(self.document.recipe.steps)
        return CardView(
            doing=self.rendering.doing(step),
            is_soloed=self.listening.solo == step.id,
            is_focused=self.focused_device == step.id,
            has_selection=self.parts.link is not None and self.parts.link.state.selection is not None,
            is_stereo=track is not None and track.source.channels == 2,
            presets=tuple(self.presets.of(step.tool)),
            is_first=index == 0,
            is_last=index == count - 1,
            rates=self._rates(step),
            automatic=self._automatic(step),
        )

    def _rates(self, step: Step) -> tuple[int, int] | None:
        rendered = self.rendering.rendered
        device = rendered.device(step.id) if rendered is not None else None
        return (device.below.format.rate, device.format.rate) if device is not None else None

    def _automatic(self, step: Step) -> dict[str, float]:
        """Return what the knobs come to that leave it to the tool: the edge it found, the rate that it gives."""
        rendered = self.rendering.rendered
        device = rendered.device(step.id) if rendered is not None else None
        if device is None:
            return {}
        analysis = self.rendering.analysis(step)
        edge = edge_of(device, analysis)
        edge_name = knob.name if analysis and (knob := edge_knob(device.tool, analysis.facts)) else ""
        found = {edge_name: edge.found_hz} if edge is not None else {}
        rates = [knob.name for knob in device.tool.knobs if knob.kind == "int" and is_automatic(knob)]
        return {**dict.fromkeys(rates, float(device.format.rate)), **found}


def _message_of_words(text: str) -> Message:
    what, _colon, todo = text.partition(": ")
    return Message(what[:1].upper() + what[1:], todo, "warn", topic="knob")
