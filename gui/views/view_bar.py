"""The bar above the canvas: tools, layouts, axis, channels, colours, and the zoom."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QSlider, QToolButton, QWidget

from gui import theme
from gui.icons import icon
from gui.views.axes import SCALES
from gui.views.colour_maps import MAP_NAMES
from gui.views.view_state import ViewState

HEIGHT = 36
FOLLOW_PX = 128
MARGIN = 8
TOOLS = {
    "time": ("span-tool", "Select time", "T"),
    "box": ("box-tool", "Select a box of time and frequency", "R"),
    "hand": ("hand-tool", "Move the view", "H"),
    "zoom": ("zoom-tool", "Zoom to a rectangle", "Z"),
}
LAYOUTS = {
    "overlay": ("view-overlay", "Waveform over spectrogram"),
    "split": ("view-split", "Waveform above spectrogram"),
    "waveform": ("view-wave", "Waveform alone"),
    "spectrogram": ("view-spectrum", "Spectrogram alone"),
}
SCALE_WORDS = {"linear": "Linear", "log": "Log", "mel": "Mel", "bark": "Bark"}
CHANNEL_WORDS = {"mixed": "L + R", "each": "L, R", "mid_side": "M / S"}


class Segments(QWidget):
    """Buttons of which one is down, on a common plate."""

    def __init__(self, name: str, choices: dict[str, tuple[str, str]], chosen: Callable[[str], None]) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for key, (icon_name, words) in choices.items():
            button = tool_button(icon_name, words)
            button.setCheckable(True)
            button.clicked.connect(lambda _checked=False, key=key: chosen(key))
            self._group.addButton(button)
            self._buttons[key] = button
            row.addWidget(button)

    def choose(self, key: str) -> None:
        """Show which one is down."""
        self._group.setExclusive(key in self._buttons)
        for name, button in self._buttons.items():
            button.setChecked(name == key)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.tokens().panel))
        painter.drawRoundedRect(self.rect(), 6, 6)
        painter.end()


def tool_button(icon_name: str, words: str) -> QToolButton:
    """Return a button with an icon that a click doesn't give the keyboard to."""
    button = QToolButton()
    button.setIcon(icon(icon_name))
    button.setIconSize(QSize(16, 16))
    button.setFixedSize(30, 28)
    button.setAccessibleName(words)
    button.setToolTip(words)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


class ViewBar(QWidget):
    """Shows and changes how a `ViewState` looks."""

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._widths: list[tuple[QWidget, int]] = []  # parts with text, at 100 %
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("View bar")
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN, 0, MARGIN, 0)
        row.setSpacing(8)
        tools = {key: (name, f"{words} ({letter})") for key, (name, words, letter) in TOOLS.items()}
        self.tools = Segments("Tool", tools, state.set_tool)  # type: ignore[arg-type]
        self.layouts = Segments("Layout", LAYOUTS, state.set_layout)  # type: ignore[arg-type]
        self.scale = self._box("Frequency axis", {name: SCALE_WORDS[name] for name in SCALES}, state.set_scale, 72)
        self.channels = self._box("Channels", CHANNEL_WORDS, state.set_channels, 74)
        maps = {name: name for name in MAP_NAMES if name != "Diverging"}
        self.maps = self._box("Colours", maps, state.set_map, 84)
        self.follows = self._follow_button()
        self.opacity = self._opacity_slider()
        for part in (self.tools, self.layouts, self.scale, self.channels, self.maps, self.follows, self.opacity):
            row.addWidget(part)
        row.addStretch(1)
        for name, words, act in (
            ("minus", "Zoom out", lambda: state.zoom(1 / 1.5)),
            ("plus", "Zoom in", lambda: state.zoom(1.5)),
            ("fit-time", "Zoom to the selection (Ctrl+E)", state.zoom_to_selection),
            ("fit-all", "Show everything (Ctrl+0)", state.fit),
        ):
            button = tool_button(name, words)
            button.clicked.connect(lambda _checked=False, act=act: act())
            row.addWidget(button)
        for signal in (state.tool_changed, state.layout_changed, state.look_changed, state.follow_changed):
            signal.connect(self.renew)
        theme.CHANGES.changed.connect(self._resize_type)
        self._resize_type()
        self.renew()

    def _resize_type(self) -> None:
        for part, width in self._widths:
            part.setFixedWidth(theme.px(width))
        self._make_room()
        self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(420, HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """In a narrow window leave out what the View menu offers too: first words, then colours, channels, axis."""
        self.follows.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.follows.setFixedWidth(theme.px(FOLLOW_PX))
        for part in (self.scale, self.channels, self.maps):
            part.setVisible(True)
        self.opacity.setVisible(self._state.layout == "overlay")
        if self._is_crowded():
            self.follows.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            self.follows.setFixedWidth(30)
        for part in (self.maps, self.channels, self.scale):
            if self._is_crowded():
                part.setVisible(False)

    def _is_crowded(self) -> bool:
        row = self._row
        items = [row.itemAt(index) for index in range(row.count())]
        shown = [part for item in items if item is not None and (part := item.widget()) and not part.isHidden()]
        widths = [max(part.minimumWidth(), min(part.sizeHint().width(), part.maximumWidth())) for part in shown]
        return sum(widths) + row.spacing() * len(widths) + 2 * MARGIN > self.width()

    def _box(self, name: str, choices: dict[str, str], act: Callable[..., None], width: int) -> QComboBox:
        box = QComboBox()
        for key, words in choices.items():
            box.addItem(words, key)
        box.setAccessibleName(name)
        box.setToolTip(name)
        self._widths.append((box, width))
        box.setFixedHeight(28)
        box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        box.activated.connect(lambda index: act(box.itemData(index)))
        return box

    def _follow_button(self) -> QToolButton:
        button = tool_button("follow", "The view follows the side that is heard")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setCheckable(True)
        button.setText(" View follows B")
        button.clicked.connect(self._state.set_view_follows_monitor)
        return button

    def _opacity_slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.setFixedWidth(96)
        slider.setMinimumHeight(28)
        slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        slider.setAccessibleName("Waveform to spectrogram")
        slider.setToolTip("Left: waveform, right: spectrogram")
        slider.valueChanged.connect(lambda value: self._state.set_opacity(value / 100))
        return slider

    def set_monitor(self, monitor: str) -> None:
        """Say which side the view follows."""
        self.follows.setText(" View follows " + {"delta": "Δ"}.get(monitor, monitor))

    def renew(self) -> None:
        """Show the state as it is now."""
        state = self._state
        self.tools.choose(state.tool)
        self.layouts.choose(state.layout)
        for box, value in ((self.scale, state.scale), (self.channels, state.channels), (self.maps, state.map_name)):
            box.setCurrentIndex(box.findData(value))
        self.follows.setChecked(state.view_follows_monitor)
        self._make_room()
        self.opacity.setValue(round(state.opacity * 100))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.tokens().window))
        painter.end()
