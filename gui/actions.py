"""Everything the window can do, by name: words, keys, place in the menus. The window connects what happens."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from gui import icons


@dataclass(frozen=True)
class Entry:
    """One action. `keys` are Qt key names, the first one is shown."""

    name: str
    text: str
    menu: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    is_checkable: bool = False
    starts_group: bool = False
    needs_file: bool = True


TABLE: tuple[Entry, ...] = (
    Entry("open", "Open…", "File", ("Ctrl+O",), "folder", needs_file=False),
    Entry("add_track", "Add as track…", "File", ("Ctrl+Shift+O",), "plus"),
    Entry("demo", "Try the demo", "File", (), "play", needs_file=False),
    Entry("save", "Save project", "File", ("Ctrl+S",), "save", starts_group=True),
    Entry("save_as", "Save project as…", "File", ("Ctrl+Shift+S",)),
    Entry("export", "Export audio…", "File", ("Ctrl+Shift+E",), "export"),
    Entry("close_file", "Close", "File", ("Ctrl+W",), starts_group=True),
    Entry("preferences", "Preferences…", "File", ("Ctrl+,",), "sliders", needs_file=False),
    Entry("quit", "Quit", "File", ("Ctrl+Q",), needs_file=False),
    Entry("undo", "Undo", "Edit", ("Ctrl+Z",), "undo"),
    Entry("redo", "Redo", "Edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
    Entry("select_all", "Select all", "Edit", ("Ctrl+A",), starts_group=True),
    Entry("escape", "Cancel job, then clear selection", "Edit", ("Esc",)),
    Entry("copy_command", "Copy rack as command line", "Edit", (), "copy", starts_group=True),
    Entry("tool_time", "Select time", "View", ("T",), "span-tool", is_checkable=True),
    Entry("tool_box", "Select a time and frequency box", "View", ("R",), "box-tool", is_checkable=True),
    Entry("tool_hand", "Move the view", "View", ("H",), "hand-tool", is_checkable=True),
    Entry("tool_zoom", "Zoom", "View", ("Z",), "zoom-tool", is_checkable=True),
    Entry("view_overlay", "Overlay", "View", (), "view-overlay", is_checkable=True, starts_group=True),
    Entry("view_split", "Split", "View", (), "view-split", is_checkable=True),
    Entry("view_waveform", "Waveform", "View", (), "view-wave", is_checkable=True),
    Entry("view_spectrogram", "Spectrogram", "View", (), "view-spectrum", is_checkable=True),
    Entry("zoom_in", "Zoom in", "View", ("+", "="), "plus", starts_group=True),
    Entry("zoom_out", "Zoom out", "View", ("-",), "minus"),
    Entry("fit", "Fit whole track", "View", ("Ctrl+0",), "fit-time"),
    Entry("zoom_selection", "Zoom to selection", "View", ("Ctrl+E",), "fit-all"),
    Entry("zoom_hz_in", "Zoom in on frequency", "View", ("Ctrl+Up",)),
    Entry("zoom_hz_out", "Zoom out on frequency", "View", ("Ctrl+Down",)),
    Entry("follow", "Follow the playhead", "View", ("F",), "follow", is_checkable=True),
    Entry("play_return", "Play / stop and return", "Transport", ("Space",)),
    Entry("play", "Play / pause", "Transport", ("Return", "Enter"), "play"),
    Entry("play_selection", "Play selection once", "Transport", ("Shift+Space",)),
    Entry("stop", "Stop", "Transport", (), "stop"),
    Entry("loop", "Loop", "Transport", ("L",), "loop", is_checkable=True),
    Entry("to_start", "Go to start", "Transport", ("Home",), "to-start", starts_group=True),
    Entry("to_end", "Go to end", "Transport", ("End",)),
    Entry("left", "Cursor left", "Transport", ("Left",)),
    Entry("right", "Cursor right", "Transport", ("Right",)),
    Entry("left_second", "One second left", "Transport", ("Ctrl+Left",)),
    Entry("right_second", "One second right", "Transport", ("Ctrl+Right",)),
    Entry("extend_left", "Extend selection left", "Transport", ("Shift+Left",)),
    Entry("extend_right", "Extend selection right", "Transport", ("Shift+Right",)),
    Entry("extend_start", "Extend selection to start", "Transport", ("Shift+Home",)),
    Entry("extend_end", "Extend selection to end", "Transport", ("Shift+End",)),
    Entry("frame_left", "One spectrogram frame left", "Transport", (",",)),
    Entry("frame_right", "One spectrogram frame right", "Transport", (".",)),
    Entry("device_power", "Power of focused device", "Tools", ("P",), "power", starts_group=True),
    Entry("device_solo", "Δ of focused device", "Tools", ("Alt+D",)),
    Entry("device_up", "Move device up", "Tools", ("Alt+Up",)),
    Entry("device_down", "Move device down", "Tools", ("Alt+Down",)),
    Entry("device_remove", "Remove device", "Tools", ("Del",), "trash"),
    Entry("edge_up", "Raise band edge", "Tools", ("Ctrl+Shift+Up",), starts_group=True),
    Entry("edge_down", "Lower band edge", "Tools", ("Ctrl+Shift+Down",)),
    Entry("edge_found", "Band edge as found", "Tools", ("Ctrl+Shift+Home",)),
    Entry("hear_a", "Hear A, original", "Compare"),
    Entry("hear_b", "Hear B, result", "Compare"),
    Entry("toggle_ab", "A ↔ B (hold X: other side while held)", "Compare", ("B",), starts_group=True),
    Entry("hear_delta", "Δ, difference on/off", "Compare", ("D",)),
    Entry("delta_gain", "Δ gain 0 / 6 / 12 / 20 dB", "Compare", ("Shift+D",)),
    Entry("match", "Level match", "Compare", ("G",), is_checkable=True),
    Entry("layout_work", "Work", "Window", (), is_checkable=True, needs_file=False),
    Entry("layout_focus", "Focus", "Window", ("F11",), is_checkable=True, needs_file=False),
    Entry("layout_reset", "Reset layout", "Window", (), needs_file=False),
    Entry("light_theme", "Light theme", "Window", (), "sun", is_checkable=True, starts_group=True, needs_file=False),
    Entry("all_actions", "All actions…", "Help", ("Ctrl+K",), "search", needs_file=False),
    Entry("key_sheet", "Keys and mouse", "Help", ("?",), needs_file=False),
    Entry("diagnostics", "Diagnostics…", "Help", (), "info", starts_group=True, needs_file=False),
    Entry("about", "About Shellac", "Help", (), "logo", needs_file=False),
)
MENUS = ("File", "Edit", "View", "Transport", "Tools", "Compare", "Window", "Help")
DEVICE_KEYS = {"align": "F5", "upsample": "F6", "restyle": "F7", "restore": "F8", "age": "F9"}
DEVICE_ICONS = {"align": "align", "upsample": "bars-up", "restyle": "note", "restore": "eraser", "age": "disc"}
MOUSE = (
    ("Drag", "select time; with the box tool, or Alt, a time and frequency box"),
    ("Wheel", "zoom time at the pointer; Shift pans"),
    ("Ctrl+wheel", "zoom frequency, or amplitude on the waveform"),
    ("Middle drag", "move the view"),
    ("Right drag on a ruler", "zoom to that range"),
    ("Drag the dashed line", "move the band edge; Esc puts it back, a double-click finds it again"),
    ("Double-click a knob", "back to its default"),
    ("Hold X", "hear the other side while held"),
)


def keys_of(entry: Entry, stored: QSettings | None = None) -> list[QKeySequence]:
    """Return the keys of an action: the user's own where there are some."""
    own = str(stored.value(f"keys/{entry.name}", "")) if stored is not None else ""
    return [QKeySequence(text) for text in ((own,) if own else entry.keys)]


def build(parent: QWidget, stored: QSettings | None = None) -> dict[str, QAction]:
    """Return all actions by name, added to `parent` so that their keys work."""
    made: dict[str, QAction] = {}
    for entry in TABLE:
        action = QAction(entry.text, parent)
        action.setObjectName(entry.name)
        action.setShortcuts(keys_of(entry, stored))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setCheckable(entry.is_checkable)
        if entry.icon:
            action.setIcon(icons.icon(entry.icon))
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{entry.text} ({keys})" if keys else entry.text)
        parent.addAction(action)
        made[entry.name] = action
    return made


def fill(bar: QMenuBar, actions: dict[str, QAction]) -> dict[str, QMenu]:
    """Put the actions into menus and return the menus by name."""
    menus = {name: bar.addMenu(name) for name in MENUS}
    for entry in TABLE:
        menu = menus[entry.menu]
        if entry.starts_group and not menu.isEmpty():
            menu.addSeparator()
        menu.addAction(actions[entry.name])
    return menus
