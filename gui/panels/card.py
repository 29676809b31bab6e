"""A device in the rack: grip, power, name, Δ, menu; scope and preset; its knobs; mix; what it is doing.

Everything is drawn from the tool's knobs. The card holds no state of its own: it shows a `Step` and says what the user
wants by signal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from engine.session.recipe import Scope, Step
from engine.tools.tool import Knob, Tool, Value, complete
from gui import icons, theme
from gui.band_edge import params_of
from gui.naming import heard_instead, idle_knobs, main_knob
from gui.numbers import clock, kilohertz
from gui.panels.controls import Chooser, ElidedLabel, IconButton, label, rule
from gui.panels.foot import Doing, Foot
from gui.panels.frequency import FoundRow, RateRow, row_of_frequency
from gui.panels.head import DeltaButton, Grip
from gui.panels.knobs import KnobRow, SliderRow, SpanRow, StageRow, is_automatic, row_for, widen_labels

PADDING, GAP = 14, 8  # px, of the body, and between its chips
INDENT = 38  # px, of a stage's own rows: under its name, beside its switch
MIX = Knob("mix", "Mix", "float", 100.0, 0.0, 100.0, 1.0, "%", hint="How much of the device is heard: 0 % is its input")


@dataclass(frozen=True)
class CardView:
    """What a card shows beside its step: all of it belongs to the document."""

    doing: Doing = field(default_factory=Doing)
    is_soloed: bool = False
    is_focused: bool = False
    has_selection: bool = False
    is_stereo: bool = False
    presets: tuple[str, ...] = ()
    is_first: bool = True
    is_last: bool = True
    rates: tuple[int, int] | None = None  # Hz of what the device is given and what it gives; None while not known
    automatic: Mapping[str, float] = field(default_factory=dict)  # by knob: what 0 stands for


def scope_text(scope: Scope) -> str:
    """Return a scope as the chip says it."""
    parts = []
    if scope.start_s is not None or scope.stop_s is not None:
        stop = clock(scope.stop_s, 1) if scope.stop_s is not None else "end"
        parts.append(f"{clock(scope.start_s or 0.0, 1)}–{stop}")
    if scope.low_hz is not None or scope.high_hz is not None:
        high = f"{scope.high_hz:.0f}" if scope.high_hz is not None else "top"
        parts.append(f"{scope.low_hz or 0:.0f}–{high} Hz")
    if scope.channels is not None:
        parts.append("left" if scope.channels == (0,) else "right" if scope.channels == (1,) else "channels")
    return ", ".join(parts) or "Whole track"


class Card(QFrame):
    """One device. Its keys work while it, or anything in it, has the focus."""

    knob_changed = Signal(str, object, str)  # name, value, gesture
    mix_changed = Signal(float, str)
    power_changed = Signal(bool)
    solo_wanted = Signal()
    scope_chosen = Signal(str)  # "whole", "selection", "left", "right", "all"
    preset_chosen = Signal(str)
    learn_wanted = Signal(str)  # name of the span knob
    focused = Signal()
    menu_chosen = Signal(str)  # "duplicate", "preset", "command", "up", "down", "remove"
    go_on_wanted = Signal()
    problem = Signal(str)

    def __init__(self, step: Step, tool: Tool | None) -> None:
        super().__init__()
        self.device_id, self.tool, self.step = step.id, tool, step
        self.view = CardView()
        self._is_shown = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.rows: dict[str, KnobRow] = {}
        self.stages: dict[str, StageRow] = {}
        self.listen: Knob | None = None
        self.more: QToolButton | None = None
        self._width_outside = 0  # of the labels that stand outside stages, where they are aligned with them
        self._parts = QVBoxLayout(self)
        self._parts.setContentsMargins(0, 0, 0, 0)
        self._parts.setSpacing(0)
        self._build_head(tool.label if tool else step.tool.capitalize())
        if tool is not None:
            self._build_body(tool)
        line = QHBoxLayout()
        line.setContentsMargins(2, 0, 2, 0)  # clear of the focus ring
        line.addWidget(rule())
        self._parts.addLayout(line)
        self.foot = Foot()
        self.foot.go_on.clicked.connect(self.go_on_wanted)
        self._parts.addWidget(self.foot)
        self.setAccessibleName(f"Device {tool.label if tool else step.tool}")

    def _build_head(self, title: str) -> None:
        head = QWidget()
        head.setFixedHeight(theme.px(40))
        row = QHBoxLayout(head)
        row.setContentsMargins(4, 0, 10, 0)
        row.setSpacing(4)
        self.grip = Grip()
        self.grip.device_id = self.device_id
        self.power = IconButton("power", f"Power of {title} (P)")
        self.power.setIcon(icons.icon("power", lambda look: look.b if self.step.enabled else look.text3))
        self.power.setProperty("kind", "boxed")
        self.power.setCheckable(True)
        self.power.clicked.connect(lambda on: self.power_changed.emit(bool(on)))
        self.title = ElidedLabel(title, "title")
        self.title.setContentsMargins(8, 0, 0, 0)
        self.delta = DeltaButton()
        self.delta.setAccessibleName(f"Hear only what {title} changes")
        self.delta.clicked.connect(self.solo_wanted)
        self.menu_button = IconButton("dots", f"More about {title}")
        self.menu_button.clicked.connect(self._show_menu)
        for widget in (self.grip, self.power, self.title, self.delta, self.menu_button):
            row.addWidget(widget, 1 if widget is self.title else 0)
        self._parts.addWidget(head)

    def _build_body(self, tool: Tool) -> None:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(PADDING, 4, PADDING, 8)
        column.setSpacing(0)
        chips = QHBoxLayout()
        chips.setSpacing(GAP)
        self.scope = Chooser(f"Scope of {tool.label}")
        self.scope.picked.connect(self.scope_chosen)
        self.preset = Chooser(f"Preset of {tool.label}")
        self.preset.picked.connect(self.preset_chosen)
        self.counted = ElidedLabel("", "second")
        self.counted.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for widget in (self.scope, self.preset, self.counted):
            chips.addWidget(widget, 1 if widget is self.counted else 0)
        chips.addStretch()  # keeps the chips at the left where there is no room for the count
        column.addLayout(chips)
        column.addSpacing(6)
        self._build_knobs(tool, column)
        self.mix = SliderRow(MIX)
        self.mix.changed.connect(lambda value, gesture: self.mix_changed.emit(float(value) / 100.0, gesture))
        self.mix.problem.connect(self.problem)
        self.mix.setVisible(tool.has_mix)
        if self._width_outside:
            self.mix.name_label.setFixedWidth(self._width_outside)
            sliders = [row for row in self.rows.values() if isinstance(row, SliderRow)]
            sliders += [row.knob for row in self.stages.values() if row.knob is not None]
            width = max(theme.px(66), *(row.field_width for row in sliders))
            for row in (*sliders, self.mix):
                row.set_field_width(width)
        if tool.knobs and tool.has_mix:
            column.addSpacing(5)
            column.addWidget(rule())
            column.addSpacing(4)
        column.addWidget(self.mix)
        self._parts.addWidget(body)

    def _build_knobs(self, tool: Tool, column: QVBoxLayout) -> None:
        stages = [knob for knob in tool.knobs if knob.kind == "bool" and knob.group == knob.name]
        names = {knob.name for knob in stages}
        listen = next((knob for knob in tool.knobs if knob.name == "listen" and knob.kind == "choice"), None)
        # Where stages can be heard they have headphones; where something else can, it is a row like any other.
        self.listen = listen if listen is not None and names & set(listen.choices) else None
        folded: list[KnobRow] = []
        # Many stages are a chain, and what is outside of it comes after it.
        ordered = tool.knobs if len(stages) == 1 else (*stages, *(knob for knob in tool.knobs if knob not in stages))
        for knob in ordered:
            if knob in stages:
                folded += self._build_stage(tool, knob, column, is_only=len(stages) == 1)
            elif knob.group not in names and knob is not self.listen:
                column.addWidget(self._knob_row(knob, 0))
        self._align(names)
        if folded:
            self._fold(column, folded)

    def _build_stage(self, tool: Tool, stage: Knob, column: QVBoxLayout, is_only: bool) -> list[KnobRow]:
        """Add a stage's rows and return those that are folded away: where there are several, the rarer ones."""
        members = [knob for knob in tool.knobs if knob.group == stage.name and knob is not stage]
        main = main_knob(stage, members)
        column.addWidget(self._stage_row(stage, main))
        first_choice = next((knob for knob in members if knob.kind == "choice"), None)
        folded = []
        for knob in (other for other in members if other is not main):
            is_shown = is_only or knob is first_choice or knob.kind == "span" or is_automatic(knob)
            row = self._knob_row(knob, INDENT if is_shown else 12)
            if is_shown:
                column.addWidget(row)
            else:
                folded.append(row)
        return folded

    def _align(self, stages: set[str]) -> None:
        """Let the controls of stages stand under each other, and with one stage those of all other rows too."""
        is_only = len(stages) == 1
        most = 76 if self.listen is not None else 68 if is_only else 104
        inside = [
            row for row in self.rows.values() if row.knob.group in stages and row.row.contentsMargins().left() == INDENT
        ]
        labels = [row.name_label for row in self.stages.values() if row.knob is not None]
        widen_labels(labels + [row.name_label for row in inside if is_only], most)
        outside = [row.name_label for row in self.rows.values() if row.knob.group not in stages]
        self._width_outside = max((one.width() for one in labels), default=0) + INDENT if is_only and labels else 0
        for one in outside if self._width_outside else ():
            one.setFixedWidth(self._width_outside)

    def _stage_row(self, stage: Knob, main: Knob | None) -> StageRow:
        row = StageRow(stage, main, self.listen is not None and stage.name in self.listen.choices)
        row.changed.connect(self.knob_changed)
        row.problem.connect(self.problem)
        row.listen_wanted.connect(self._listen)
        self.stages[stage.name] = row
        return row

    def _knob_row(self, knob: Knob, indent: int) -> KnobRow:
        row = row_of_frequency(knob, "", indent) or row_for(knob, indent=indent)
        row.changed.connect(lambda value, gesture, name=knob.name: self.knob_changed.emit(name, value, gesture))
        row.problem.connect(self.problem)
        if isinstance(row, SpanRow):
            row.learn_wanted.connect(lambda name=knob.name: self.learn_wanted.emit(name))
        self.rows[knob.name] = row
        return row

    def _fold(self, column: QVBoxLayout, rows: list[KnobRow]) -> None:
        """Put the rarer knobs behind a button, under the name of their stage where there is more than one."""
        assert self.tool is not None
        button = QToolButton()
        labels = {knob.name: knob.label for knob in self.tool.knobs}
        stages = list(dict.fromkeys(row.knob.group for row in rows))
        names = ", ".join(row.title for row in rows)
        spoken = ", ".join(f"{labels[row.knob.group]} {row.title.lower()}" for row in rows)
        button.setText(f"{len(rows)} more settings" if len(stages) > 1 else names)
        button.setIcon(icons.icon("chevron-right"))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(f"More settings: {spoken}")
        column.addWidget(button)
        inside = QWidget()
        inside.setVisible(False)
        lines = QVBoxLayout(inside)
        lines.setContentsMargins(0, 0, 0, 4)
        lines.setSpacing(0)
        for stage in stages:
            if len(stages) > 1:
                heading = label(labels[stage], "small")
                heading.setContentsMargins(0, 6, 0, 0)
                lines.addWidget(heading)
            for row in (row for row in rows if row.knob.group == stage):
                lines.addWidget(row)
        widen_labels([row.name_label for row in rows], 116)
        column.addWidget(inside)
        self.more = button

        def toggle(is_open: bool) -> None:
            button.setIcon(icons.icon("chevron-down" if is_open else "chevron-right"))
            inside.setVisible(is_open)

        button.toggled.connect(toggle)

    def _listen(self, stage: str) -> None:
        if self.listen is not None:
            heard = self._values().get("listen")
            self.knob_changed.emit("listen", self.listen.choices[0] if heard == stage else stage, "")

    def _heard(self) -> str:
        """Return what this device hands on instead of its result, "" if it is the result."""
        return heard_instead(self.tool, self._values()) if self.tool and self.step.enabled else ""

    def _values(self) -> dict[str, Value]:
        return params_of(self.tool, self.step) if self.tool else {}

    def show_step(self, step: Step, view: CardView) -> None:
        """Show a step and what goes with it. While only its progress changes, only the foot is touched."""
        is_same = self._is_shown and step == self.step and replace(view, doing=self.view.doing) == self.view
        self.step, self.view = step, view
        self.foot.show_doing(view.doing)
        if is_same:
            return
        self._is_shown = True
        self.foot.show_heard(self._heard())
        self.power.setChecked(step.enabled)
        self.power.update()
        self.delta.setChecked(view.is_soloed)
        if self.tool is not None:
            self._show_body(self.tool, step, view)
        self.update()

    def _show_body(self, tool: Tool, step: Step, view: CardView) -> None:
        values = self._values()
        heard = str(values.get("listen", ""))
        for row in self.stages.values():
            row.show_values(values, heard)
        switches = {knob.name for knob in tool.knobs if knob.kind == "bool" and knob.group == knob.name}
        idle = idle_knobs(tool, values)
        for name, knob_row in self.rows.items():
            knob_row.show_value(values[name])
            if isinstance(knob_row, (FoundRow, RateRow)):
                knob_row.show_automatic(view.automatic.get(name), view.rates[0] if view.rates else None)
            knob_row.set_lit(knob_row.knob.group not in switches or bool(values[knob_row.knob.group]))
            knob_row.show_idle(idle.get(name, ""))
        self.mix.show_value(step.mix * 100.0)
        self._show_scope(step, view)
        names = (*tool.presets, *view.presets)
        chosen = self._preset_in_force(tool, values)
        own = [("", "Custom")] if not chosen else []
        self.preset.show_choices([*own, *((name, _capital(name)) for name in names)], chosen)
        self.preset.setVisible(bool(names))
        self.preset.fit_to_current()
        on = sum(bool(values[name]) for name in self.stages)
        counted = f"{on} of {len(self.stages)} on" if len(self.stages) > 1 else ""
        if view.rates is not None and view.rates[0] != view.rates[1]:
            counted = f"{view.rates[0] / 1000:g} → {kilohertz(view.rates[1])}"
        self.counted.setText(counted)
        self._fit_counted()

    def _fit_counted(self) -> None:
        """Leave out what stands beside the chips where it would be cut off."""
        room = self.width() - 2 * PADDING - 2 * GAP - self.scope.width()
        room -= self.preset.width() if not self.preset.isHidden() else 0
        words = QFontMetrics(theme.ui_font(12)).horizontalAdvance(self.counted.full_text())
        self.counted.setVisible(0 < words <= room)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.tool is not None:
            self._fit_counted()

    def _preset_in_force(self, tool: Tool, values: Mapping[str, Value]) -> str:
        heard = {"listen"}
        for name, preset in tool.presets.items():
            full = complete(tool, preset)
            if all(full[key] == values[key] for key in full if key not in heard):
                return name
        return ""

    def _show_scope(self, step: Step, view: CardView) -> None:
        choices = [("whole", "Whole track")]
        if view.has_selection:
            choices.append(("selection", "Selection"))
        if view.is_stereo:
            choices += [("left", "Left channel"), ("right", "Right channel")]
        chosen = "whole" if step.scope.is_whole else ""
        if step.scope.channels in ((0,), (1,)) and step.scope.start_s is None and step.scope.stop_s is None:
            chosen = "left" if step.scope.channels == (0,) else "right"
        if not chosen:
            choices.insert(1, ("own", chip_text(step.scope)))
            chosen = "own"
        self.scope.show_choices(choices, chosen)
        self.scope.fit_to_current()
        self.scope.setToolTip(f"Where this device acts: {scope_text(step.scope)}")

    def _show_menu(self) -> None:
        menu = self.menu()
        menu.exec(self.menu_button.mapToGlobal(QPoint(0, self.menu_button.height() + 2)))
        menu.deleteLater()

    def menu(self) -> QMenu:
        """Return the menu of this device."""
        menu = QMenu(self)
        for key, text, shortcut in (
            ("up", "Move up", "Alt+Up"), ("down", "Move down", "Alt+Down"), ("", "", ""),
            ("duplicate", "Duplicate", ""), ("preset", "Save as preset…", ""),
            ("command", "Copy as command line", ""), ("", "", ""), ("remove", "Remove", "Del"),
        ):  # fmt: skip
            if not key:
                menu.addSeparator()
                continue
            action = menu.addAction(f"{text}\t{shortcut}" if shortcut else text)
            action.triggered.connect(lambda _checked=False, chosen=key: self.menu_chosen.emit(chosen))
            action.setEnabled(not ((key == "up" and self.view.is_first) or (key == "down" and self.view.is_last)))
        return menu

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = 2.0 if self.view.is_focused else 1.0
        painter.setPen(QPen(theme.color(look.accent if self.view.is_focused else look.border), width))
        painter.setBrush(theme.color(look.card))
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 8, 8)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.focused.emit()
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = {Qt.Key.Key_Up: "up", Qt.Key.Key_Down: "down"}
        if event.modifiers() == Qt.KeyboardModifier.AltModifier and event.key() in keys:
            self.menu_chosen.emit(keys[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_Delete:
            self.menu_chosen.emit("remove")
        else:
            super().keyPressEvent(event)

    def centre(self) -> QPointF:
        """Return the middle of the card in its parent, for dropping between cards."""
        return QPointF(self.geometry().center())


def chip_text(scope: Scope) -> str:
    """Return a scope as short as a chip needs it; the tooltip has it all."""
    whole = scope_text(scope)
    return "Box " + whole.split(",")[0] if scope.is_box and scope.start_s is not None else whole


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
