"""The table of what was measured: figures are those of the sound that is there now, or there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from gui.measuring import MEASURING
from tests.gui.conftest import Desk

PATIENCE_MS = 60_000  # it is measured at the lowest priority


def test_figures_of_b_are_taken_back_as_soon_as_b_is_to_change(desk: Desk, recording: Path) -> None:
    dock, table = desk.window.measured_dock.head, desk.window.table

    def is_measured() -> bool:
        return dock.second.full_text() not in ("", MEASURING)

    desk.open(recording)
    desk.add()
    desk.wait(is_measured, PATIENCE_MS)
    shown = {row.name: row for row in desk.commands.measuring.shown.rows}
    assert shown["Loudness"].b - shown["Loudness"].a == pytest.approx(-6.02, abs=0.01), "the device halves"
    desk.do("undo")
    assert dock.second.full_text() == MEASURING
    for name, column in (("Loudness", "B –"), ("True peak", "B –")):
        assert any(column in words for words in table.spoken() if words.startswith(name))
    assert {row.name: row.a for row in desk.commands.measuring.shown.rows} == {
        name: row.a for name, row in shown.items()
    }, "A is what it was"
    desk.do("redo")
    desk.settle()
    desk.wait(is_measured, PATIENCE_MS)
    assert {row.name: row.b for row in desk.commands.measuring.shown.rows} == pytest.approx(
        {name: row.b for name, row in shown.items()}, nan_ok=True
    )
