"""Colours that can be read, type that ships, icons that draw, names for those who can't see them."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from importlib import resources
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontDatabase, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QWidget,
)

from gui import icons, theme
from gui.actions import TABLE
from gui.numbers import clock, depth, kilohertz, knob_value, signed, size, when
from gui.program import application
from tests.gui.conftest import Desk


def luminance(colour: str) -> float:
    """WCAG 2.1, relative luminance."""
    parts = [channel / 255 for channel in QColor(colour).getRgb()[:3]]  # type: ignore[index,operator]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("look", theme.THEMES.values(), ids=theme.THEMES)
def test_text_and_side_colours_can_be_read_on_panels_and_cards(look: theme.Tokens) -> None:
    for name in ("text", "text2", "text3", "a", "b", "delta", "ok", "warn", "error"):
        for ground in ("panel", "card"):
            # WCAG AA for text of this size is 4.5.
            assert contrast(getattr(look, name), getattr(look, ground)) >= 4.5, (name, ground)
    for side in (look.a, look.b, look.delta):
        assert contrast(look.on_side, side) >= 4.5
    assert contrast(look.on_primary, look.primary) >= 4.5


def test_the_dark_tokens_have_the_contrasts_of_the_specification() -> None:
    wanted = {"text": 13.6, "text2": 8.0, "text3": 5.1, "a": 7.9, "b": 8.3, "delta": 6.6, "ok": 8.8, "warn": 11.1}
    for name, ratio in wanted.items():
        assert contrast(getattr(theme.DARK, name), theme.DARK.panel) == pytest.approx(ratio, abs=0.1)


def test_type_ships_with_its_licence() -> None:
    application()
    assert {"Inter", "JetBrains Mono"} <= set(theme.load_fonts()) | set(QFontDatabase.families())
    names = {entry.name for entry in resources.files("gui.fonts").iterdir()}
    for licence in ("OFL-Inter.txt", "OFL-JetBrainsMono.txt"):
        assert "SIL OPEN FONT LICENSE" in (resources.files("gui.fonts") / licence).read_text(encoding="utf-8")
    sizes = [len((resources.files("gui.fonts") / name).read_bytes()) for name in names if name.endswith(("otf", "ttf"))]
    assert sum(sizes) < 3_000_000


def test_every_icon_draws_something_inside_its_grid() -> None:
    application()
    for name in icons.paths():
        picture = QPixmap(32, 32)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        icons.paint(painter, name, QRectF(8, 8, 16, 16), "#FF0000")
        painter.end()
        image = picture.toImage()
        inside = [(x, y) for x in range(32) for y in range(32) if image.pixelColor(x, y).alpha() > 128]
        assert len(inside) >= 10, name
        assert all(7 <= x <= 24 and 7 <= y <= 24 for x, y in inside), name
    assert {entry.icon for entry in TABLE if entry.icon} <= set(icons.paths())


def test_a_theme_changes_every_colour_at_once_and_back(desk: Desk) -> None:
    heard: list[str] = []
    theme.CHANGES.changed.connect(lambda: heard.append(theme.tokens().name))
    desk.do("light_theme")
    assert theme.tokens() is theme.LIGHT
    assert desk.window.palette().windowText().color() == QColor(theme.LIGHT.text)
    desk.do("light_theme")
    assert heard == ["light", "dark"]


def test_everything_that_can_be_used_has_a_name(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add("restore")
    desk.add("age")
    kinds = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QAbstractItemView)
    nameless = []
    for widget in desk.window.findChildren(QWidget):
        parent = widget.parentWidget()
        if parent is not None and parent.inherits("QComboBoxPrivateContainer"):
            continue  # Qt's own list under a combo box
        inner = isinstance(widget, QScrollBar) or widget.objectName().startswith("qt_")
        if isinstance(widget, kinds) and not inner and not isinstance(widget.parentWidget(), QComboBox):
            text = widget.text() if isinstance(widget, QAbstractButton) else ""
            if not (widget.accessibleName() or text):
                nameless.append(f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}")
    assert not nameless, nameless


def test_what_is_painted_small_is_still_28_pixels_high_to_the_mouse(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add()
    card = desk.commands.rack_link.rack.cards[0]
    for widget in (card.power, card.delta, card.menu_button, card.stages["flip"].switch, card.stages["flip"].listen):
        assert widget.height() >= 28
        assert widget.width() >= 28


def test_keys_are_used_once() -> None:
    used = [key for entry in TABLE for key in entry.keys]
    assert len(used) == len(set(used))


def test_the_users_own_key_replaces_ours(desk: Desk) -> None:
    desk.window.stored.setValue("keys/loop", "Ctrl+L")
    desk.commands.windows._set_keys()
    assert desk.window.actions_by_name["loop"].shortcut().toString() == "Ctrl+L"
    desk.window.stored.setValue("keys/loop", "")
    desk.commands.windows._set_keys()
    assert desk.window.actions_by_name["loop"].shortcut().toString() == "L"


def test_preferences_come_back_and_nonsense_in_the_file_is_ignored(desk: Desk) -> None:
    from gui import preferences

    wanted = preferences.Preferences(theme="light", type_percent=110, latency_ms=300, cache_limit_gb=3, threads=1)
    preferences.store(desk.window.stored, wanted)
    assert preferences.load(desk.window.stored) == wanted
    for name in vars(wanted):
        desk.window.stored.setValue(f"preferences/{name}", "%&!")
    plain = preferences.load(desk.window.stored)
    assert (plain.theme, plain.type_percent, plain.cache_limit_gb) == ("dark", 100, 8)


def test_all_actions_are_found_by_any_of_their_words(desk: Desk) -> None:
    from gui.dialogs import AllActions

    dialog = AllActions(list(desk.window.actions_by_name.values()), desk.window)
    dialog.field.setText("demo try")
    assert dialog.list.topLevelItemCount() == 1
    assert dialog.list.topLevelItem(0).text(0) == "Try the demo"  # type: ignore[union-attr]
    dialog.deleteLater()


def test_about_names_the_licence_of_every_shipped_network(desk: Desk) -> None:
    from engine.inference.card import rooms
    from engine.measure.taught import judge_account
    from gui.dialogs import about_text

    text = about_text()
    assert "Apache-2.0" in text
    assert "SIL Open Font License" in text
    for name, card in rooms().items():
        assert name in text
        assert card.licence in text
        assert card.attribution in text
    # The judge of band edges is no room, and learnt from recordings that want their authors named.
    assert "band edges" in text
    assert judge_account().attribution in text


def test_diagnostics_say_what_doctor_says(desk: Desk) -> None:
    from gui.diagnostics import report

    text = report(desk.commands.document.settings, ())
    assert "Qt 6." in text
    assert "libportaudio2" in text or "sound" in text


def test_numbers_are_written_as_people_write_them() -> None:
    assert clock(54.8734) == "0:54.873"
    assert clock(3723.4567) == "1:02:03.456"
    assert clock(59.9996, 0) == "0:59"
    assert signed(-2.34) == "−2.3"
    assert signed(-0.04) == "0.0"
    assert signed(5.2, plus=True) == "+5.2"
    assert signed(float("-inf")) == "−∞"
    assert kilohertz(22_050) == "22.05 kHz"
    assert size(4_100_000_000) == "4.1 GB"
    assert depth("PCM_24") == "24-bit"
    assert depth("FLOAT") == "32-bit float"
    assert knob_value(18.0, 1.0, "dB") == "18 dB"
    assert knob_value(0.5, 0.01) == "0.50"
    now = datetime(2026, 11, 21, 15, 0)
    assert when(datetime(2026, 11, 21, 14, 6), now) == "today 14:06"
    assert when(datetime(2026, 11, 20, 9, 0), now) == "yesterday"
    assert when(datetime(2025, 1, 2, 9, 0), now) == "2 Jan 2025"


CLOSED_WINDOWS = """
import gc
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget
from gui import theme

app = QApplication([])
theme.apply("dark")


class Open(QWidget):
    def changeEvent(self, event):
        if event.type() == QEvent.Type.FontChange:
            self.comes_next = True  # the style sheet is the last thing to be set
        elif event.type() == QEvent.Type.StyleChange and getattr(self, "comes_next", False):
            self.comes_next = False
            gc.set_threshold(1, 1, 1)
            self.made = [[] for _ in range(100)]  # enough objects for the collector to start by itself


open_windows = [Open() for _ in range(5)]
for window in open_windows:
    window.show()
for turn in range(10):
    gc.set_threshold(0)
    closed = QWidget()
    rows = QVBoxLayout(closed)
    for _ in range(300):
        rows.addWidget(QPushButton("x"))
    closed.cycle = closed  # only the collector can free it
    closed.show()
    app.processEvents()
    closed.close()
    del closed, rows
    theme.apply("light" if turn % 2 else "dark", 100 + 10 * (turn % 2))
    gc.collect()
print("survived")
"""


def test_a_theme_changes_while_closed_windows_wait_to_be_collected() -> None:
    """Qt tells every widget in a list of its new style; one that was deleted on the way took the program along."""
    done = subprocess.run([sys.executable, "-c", CLOSED_WINDOWS], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "survived"
