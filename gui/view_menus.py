"""The submenus of View: axis, channels, colours, length of the transform. In narrow windows they are the only way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from engine.audio.spectrogram import FFT_SIZES
from gui.views.colour_maps import MAP_NAMES
from gui.views.view_state import ViewState

AXES = (("linear", "Linear"), ("log", "Logarithmic"), ("mel", "Mel"), ("bark", "Bark"))
CHANNELS = (("mixed", "Left + right"), ("each", "Left and right"), ("mid_side", "Mid and side"))


class ViewMenus(QObject):
    """Four submenus that show what the view state holds and change it."""

    def __init__(self, menu: QMenu, state: ViewState) -> None:
        super().__init__(menu)
        menu.addSeparator()
        sizes = [(0, "By the rate"), *((size, f"{size} samples") for size in FFT_SIZES)]
        maps = [(name, name) for name in MAP_NAMES if name != "Diverging"]
        self._add(menu, "Frequency axis", AXES, state.set_scale, lambda: state.scale)
        self._add(menu, "Channels", CHANNELS, state.set_channels, lambda: state.channels)
        self._add(menu, "Colours", maps, state.set_map, lambda: state.map_name)
        self._add(menu, "Transform", sizes, state.set_fft_size, lambda: state.fft_size)

    def _add(
        self,
        menu: QMenu,
        title: str,
        choices: Sequence[tuple[Any, str]],
        choose: Callable[[Any], None],
        now: Callable[[], object],
    ) -> None:
        part = menu.addMenu(title)
        group = QActionGroup(part)
        for value, text in choices:
            action = part.addAction(text)
            action.setCheckable(True)
            action.setData(value)
            action.triggered.connect(partial(_choose, choose, value))
            group.addAction(action)
        part.aboutToShow.connect(partial(_check, group, now))


def _choose(choose: Callable[[Any], None], value: object, _checked: bool = False) -> None:
    choose(value)


def _check(group: QActionGroup, now: Callable[[], object]) -> None:
    for action in group.actions():
        action.setChecked(action.data() == now())
