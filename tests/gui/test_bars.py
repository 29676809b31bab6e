"""The two bars on top: at no width and no size of type does anything stand on anything else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from gui import actions, theme
from gui.program import application
from gui.topbar import Head, TopBar
from gui.transport import FormatNote, Transport


@pytest.fixture
def usual_type() -> Iterator[None]:
    yield
    theme.apply("dark", 100)


@pytest.mark.parametrize("percent", [90, 100, 150])
@pytest.mark.parametrize("width", [960, 1100, 1280, 1440, 2200])
def test_in_the_bars_on_top_nothing_overlaps_however_large_the_type(
    qtbot: QtBot, usual_type: None, percent: int, width: int
) -> None:
    application()
    top_actions = QMainWindow()
    qtbot.addWidget(top_actions)
    named = actions.build(top_actions, QSettings())
    top, bar = TopBar(named), Transport(named)
    actions.fill(top.menus, named)
    head = Head(top, bar)
    qtbot.addWidget(head)
    head.show()
    theme.apply("dark", percent)  # in the running window, as Preferences does
    head.resize(width, head.sizeHint().height())
    top.show_title("A long name of a recording that somebody made of the first side of a record", False)
    bar.show_open(3725.0, FormatNote(8000, 48_000, 2, "24-bit"))
    bar.match.show_match(True, "B −12.3 dB")
    QApplication.processEvents()
    for row, least in ((bar, 6), (top, 3)):
        parts = [child for child in row.children() if isinstance(child, QWidget) and child.isVisible()]
        parts.sort(key=lambda part: part.x())
        assert len(parts) >= least
        for left, right in itertools.pairwise(parts):
            assert left.geometry().right() < right.x(), (left.accessibleName(), right.accessibleName())
        if head.width() == width:
            assert parts[-1].geometry().right() < width
        for part in parts:
            assert 0 <= part.y() <= part.geometry().bottom() < row.height(), part.accessibleName()
    above, below = bar.match.lines()
    assert above.bottom() <= below.top()
    assert QFontMetrics(theme.ui_font(11)).ascent() <= above.height()
    assert QFontMetrics(theme.ui_font(12, 600)).ascent() <= below.height()
    assert below.bottom() <= bar.match.height()
    assert bar.corner.isVisible() is (width >= 1100 or percent < 150)
    assert bar.rates.text() == "8 → 48 kHz"
