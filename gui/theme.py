"""One table of colours per theme; palette, style sheet and painters all take theirs from it.

Everybody who paints asks `tokens()` at the moment of painting and repaints on `CHANGES.changed`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import Literal

from PySide6.QtCore import QObject, QTemporaryDir, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

ThemeName = Literal["dark", "light"]


@dataclass(frozen=True)
class Tokens:
    """The colours of one theme, as #rrggbb. Contrast against `panel` stands in `specs/app.md` §7."""

    name: ThemeName
    canvas: str
    window: str
    panel: str
    card: str
    control: str
    hover: str
    border: str
    line: str  # separators inside a panel
    grid: str  # lines on the canvas
    text: str
    text2: str
    text3: str
    a: str
    b: str
    delta: str
    ok: str
    warn: str
    error: str
    primary: str
    on_primary: str
    accent: str  # primary as a line: focus ring, loop brace, links
    on_side: str  # text on A, B and Δ fills
    knob: str  # the round end of a slider
    selected: str  # the chosen field of a segmented control
    banner: str


DARK = Tokens(
    name="dark", canvas="#0E1116", window="#151A21", panel="#1C222B", card="#151A21", control="#262E39",
    hover="#313B48", border="#3A4654", line="#2A333F", grid="#1D2530", text="#E8EDF2", text2="#AEB9C5",
    text3="#8793A1", a="#F2A65A", b="#4CC9F0", delta="#C792EA", ok="#5BD6A0", warn="#FFD166", error="#FF7B7B",
    primary="#1F6FEB", on_primary="#FFFFFF", accent="#5B9DFF", on_side="#06222C", knob="#E8EDF2",
    selected="#3A4654", banner="#3A3526",
)  # fmt: skip
LIGHT = Tokens(
    name="light", canvas="#FBFCFD", window="#E6EAEF", panel="#F4F6F8", card="#FFFFFF", control="#E1E7ED",
    hover="#D3DBE3", border="#B4BFCA", line="#D5DCE3", grid="#E8EDF1", text="#17202A", text2="#435160",
    text3="#5D6A78", a="#AA5908", b="#00719A", delta="#7A3DB8", ok="#0B7A4B", warn="#8F5E00", error="#C22F2F",
    primary="#1F6FEB", on_primary="#FFFFFF", accent="#1F6FEB", on_side="#FFFFFF", knob="#17202A",
    selected="#FFFFFF", banner="#FBF1D6",
)  # fmt: skip
THEMES: dict[str, Tokens] = {"dark": DARK, "light": LIGHT}

UI = "Inter"
MONO = "JetBrains Mono"


class Changes(QObject):
    """Says that the colours or the size of type changed."""

    changed = Signal()


CHANGES = Changes()
_current: Tokens = DARK
_percent = 100


def tokens() -> Tokens:
    """Return the colours in force."""
    return _current


def color(value: str, alpha: float = 1.0) -> QColor:
    """Return `value` (#rrggbb) as a QColor of the given opacity, 0 to 1."""
    made = QColor(value)
    made.setAlphaF(alpha)
    return made


def px(size: float) -> int:
    """Return a length in pixels at the chosen size of type (90 to 150 %)."""
    return round(size * _percent / 100)


def ui_font(size_px: float = 13, weight: int = QFont.Weight.Normal) -> QFont:
    """Return Inter with figures of one width, so that counting numbers don't dance."""
    font = QFont(UI)
    font.setPixelSize(px(size_px))
    font.setWeight(QFont.Weight(weight))
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def mono_font(size_px: float = 12, weight: int = QFont.Weight.Medium) -> QFont:
    """Return JetBrains Mono, for times and meters."""
    font = QFont(MONO)
    font.setPixelSize(px(size_px))
    font.setWeight(QFont.Weight(weight))
    font.setFeature(QFont.Tag("calt"), 0)
    return font


@cache
def load_fonts() -> tuple[str, ...]:
    """Register the shipped fonts with Qt once, and return the families found. Needs a QGuiApplication."""
    families: list[str] = []
    for entry in sorted(resources.files("gui.fonts").iterdir(), key=lambda item: item.name):
        if entry.name.endswith((".otf", ".ttf")):
            number = QFontDatabase.addApplicationFontFromData(entry.read_bytes())
            families += QFontDatabase.applicationFontFamilies(number)
    return tuple(dict.fromkeys(families))


def palette(look: Tokens) -> QPalette:
    """Return the Qt palette of a theme, for whatever the style sheet leaves to Fusion."""
    made = QPalette()
    role = QPalette.ColorRole
    for part, value in {
        role.Window: look.panel, role.WindowText: look.text, role.Base: look.control,
        role.AlternateBase: look.panel, role.Text: look.text, role.Button: look.control,
        role.ButtonText: look.text, role.ToolTipBase: look.control, role.ToolTipText: look.text,
        role.PlaceholderText: look.text3, role.Highlight: look.primary, role.HighlightedText: look.on_primary,
        role.Link: look.accent, role.BrightText: look.error, role.Light: look.hover, role.Midlight: look.control,
        role.Mid: look.border, role.Dark: look.line, role.Shadow: look.canvas, role.Accent: look.primary,
    }.items():  # fmt: skip
        made.setColor(part, QColor(value))
    for part in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, part, QColor(look.text3))
    return made


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Keep Python's garbage collector waiting.

    Qt walks a list of widgets here and lets each know. If the collector runs in one's answer, it may delete a closed
    window that comes later in the list, and Qt reads what is no longer there.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def apply(name: str = "dark", percent: int = 100) -> None:
    """Dress the running application in a theme, with type at `percent` (90 to 150) of its size."""
    global _current, _percent
    app = QGuiApplication.instance()
    if not isinstance(app, QApplication):
        raise TypeError("a theme needs a running QApplication")
    _current, _percent = THEMES[name], max(90, min(150, percent))
    load_fonts()
    with nothing_collected():
        app.setStyle("Fusion")
        app.setPalette(palette(_current))
        app.setFont(ui_font(13))
        app.setStyleSheet(style_sheet(_current))
    CHANGES.changed.emit()


@cache
def _pictures() -> QTemporaryDir:
    return QTemporaryDir()


def _picture(name: str, colour: str, size: int) -> str:
    """Return the path of an icon as a file: a style sheet can't be handed a picture in memory."""
    from gui import icons  # icons asks this module for colours

    stem = f"{_pictures().path()}/{name}-{colour[1:]}"
    icons.pixmap(name, colour, size).save(f"{stem}.png")
    icons.pixmap(name, colour, size, 2.0).save(f"{stem}@2x.png")
    return f"{stem}.png"


def style_sheet(look: Tokens) -> str:
    """Return the style sheet of a theme: the template `theme.qss` with colours and sizes put in."""
    template = Template((resources.files("gui") / "theme.qss").read_text(encoding="utf-8"))
    values = {key: value for key, value in vars(look).items() if isinstance(value, str)}
    values |= {"chevron": _picture("chevron-down", look.text2, 12), "check": _picture("check", "#FFFFFF", 12)}
    sizes = {f"px{size}": f"{px(size)}px" for size in (10, 11, 12, 13, 14, 15, 20)}
    return template.substitute(values | sizes)
