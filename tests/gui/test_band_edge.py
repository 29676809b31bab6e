"""The band edge in the whole window: found by a tool, moved by hand or keys, one named step each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

import engine.tools
from engine.audio.signal import Format, Signal
from engine.tools.tool import NO_JOB, Analysis, Inputs, Job, Params
from gui.exporting import residue_notes
from gui.panels.frequency import FoundRow
from tests.gui.conftest import Desk, Gain, close_desk, make_desk
from tests.gui.lift import CONFIDENCE, FOUND_HZ, Lift

GIVEN, MADE = 16_000, 48_000


class Spoken(Lift):
    """The same with everything such a tool may say of itself."""

    def generated_band(self, given: Format, params: Params, analysis: Analysis) -> tuple[float, float] | None:
        edge_hz = float(params["cutoff_hz"]) or analysis.facts["cutoff_hz"]
        return (min(edge_hz, 0.95 * given.rate / 2), 20_000.0) if params["generate"] else None

    def edge_bounds(self, given: Format, params: Params) -> tuple[float, float]:
        self.output_format(given, params)
        return 400.0, 0.9 * given.rate / 2

    def remarks(self, given: Format, params: Params, analysis: Analysis) -> tuple[str, ...]:
        return ("nothing above 20000 Hz was generated",)

    def account(
        self, before: Signal, after: Signal, params: Params, analysis: Analysis, job: Job = NO_JOB
    ) -> dict[str, float | None]:
        return {"generated_db": -29.03, "kept_up_to_hz": 4300.0, "kept_null_db": -118.4, "lsd_lf_db": 0.0}


class Blunt(Lift):
    """The same without an edge."""

    def analyse(self, signal: Signal, params: Params, inputs: Inputs, job: Job = NO_JOB) -> Analysis:
        return Analysis({"cutoff_hz": "unknown"})


def opened(bot: QtBot, monkeypatch: pytest.MonkeyPatch, folder: Path, tool: Lift) -> Desk:
    path = folder / "slow.wav"
    wave = 0.25 * np.sin(2 * np.pi * 1000 * np.arange(3 * GIVEN) / GIVEN)
    soundfile.write(path, wave.astype(np.float32), GIVEN, subtype="FLOAT")
    monkeypatch.setattr(engine.tools, "TOOLS", (*engine.tools.TOOLS, Gain(), tool))
    desk = make_desk(bot)
    desk.open(path)
    desk.add("lift")
    return desk


@pytest.fixture
def lifted(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Desk]:
    desk = opened(qtbot, monkeypatch, tmp_path, Lift())
    yield desk
    close_desk(desk)


def test_dragging_the_line_is_one_step_that_escape_calls_off_and_undo_takes_back(lifted: Desk) -> None:
    state = lifted.commands.ensure_canvas().state
    view = lifted.commands.ensure_canvas().canvas.spectrogram
    assert state.edge.shown is not None
    assert (state.edge.shown.hz, state.edge.shown.confidence) == (FOUND_HZ, CONFIDENCE)
    assert state.edge.generated_hz == (FOUND_HZ, MADE / 2)

    def drag(to_hz: float, is_called_off: bool = False) -> None:
        points = [QPoint(view.plot.left() + 200, round(view.y_of(hz))) for hz in (state.edge.hz or 0.0, 4000.0, to_hz)]
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=points[0])
        for point in points[1:]:
            QTest.mouseMove(view, point)
        if is_called_off:
            lifted.do("escape")
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=points[-1])

    drag(3000.0, is_called_off=True)
    assert (state.edge.hz, lifted.names()) == (FOUND_HZ, ["Open slow.wav", "Add Lift"])
    drag(3000.0)
    hz = float(lifted.commands.document.recipe.steps[0].params["cutoff_hz"])
    assert hz == pytest.approx(3000, rel=0.03)
    assert (state.edge.hz, state.edge.shown.is_set) == (hz, True)
    assert lifted.names()[2:] == [f"Cutoff {hz:.0f} Hz"]
    assert state.selection is None
    lifted.do("undo")
    assert (state.edge.hz, state.edge.shown.is_set) == (FOUND_HZ, False)


def test_keys_raise_and_lower_the_edge_in_one_step_and_find_it_again(lifted: Desk) -> None:
    state = lifted.commands.ensure_canvas().state
    for _press in range(3):
        lifted.do("edge_up")
    assert state.edge.hz == pytest.approx(FOUND_HZ * 2 ** (3 / 48), abs=2)
    lifted.do("edge_down")
    assert state.edge.hz == pytest.approx(FOUND_HZ * 2 ** (2 / 48), abs=2)
    assert len(lifted.names()) == 3
    lifted.do("edge_found")
    assert state.edge.hz == FOUND_HZ
    assert lifted.names()[3:] == ["Cutoff automatic"]


def test_the_card_shows_the_found_edge_takes_another_and_gives_it_back(lifted: Desk) -> None:
    card = lifted.commands.rack_link.rack.cards[0]
    row = card.rows["cutoff_hz"]
    assert isinstance(row, FoundRow)
    assert (row.field.text(), row.slider.is_lit, row.forget.isVisible()) == ("5000 Hz", False, False)
    row.take("6200")
    assert lifted.commands.ensure_canvas().state.edge.hz == 6200
    assert (row.field.text(), row.slider.is_lit, row.forget.isVisible()) == ("6200 Hz", True, True)
    row.forget.click()
    assert row.field.text() == "5000 Hz"
    assert lifted.commands.document.recipe.steps[0].params == {}


def test_the_cards_foot_says_what_was_found_and_what_is_in_doubt(lifted: Desk) -> None:
    foot = lifted.commands.rack_link.rack.cards[0].foot
    assert foot.learnt.text() == "Edge at 5.00 kHz, 86 % sure"
    assert foot.warned.text() == "The noise is loud: restore the recording first"
    assert any("Generated sound" in text for text in lifted.messages())


def test_the_line_is_that_of_the_focused_device_and_goes_with_it(lifted: Desk) -> None:
    state = lifted.commands.ensure_canvas().state
    first = lifted.commands.document.recipe.steps[0].id
    second = lifted.add("lift")
    lifted.commands.document.set_knob(second, "cutoff_hz", 9000.0)
    lifted.settle()
    assert state.edge.hz == 9000
    lifted.commands.rack_link._focus_device(first)
    assert state.edge.hz == FOUND_HZ
    gain = lifted.add("gain")  # has the focus now, and no edge: the last one that has is shown
    assert lifted.commands.rack_link.focused_device == gain
    assert state.edge.words.startswith("9.00 kHz")
    for device in (second, first):
        lifted.commands.document.set_power(device, False)
    lifted.settle()
    assert state.edge.hz is None
    lifted.do("edge_up")
    assert "No device here has a band edge" in lifted.window.status.note.full_text()


def test_what_a_device_plays_instead_of_its_result_is_said(lifted: Desk) -> None:
    device = lifted.commands.document.recipe.steps[0].id
    card = lifted.commands.rack_link.rack.cards[0]
    assert card.listen is None  # no stage to hear, so no headphones: a row like any other
    lifted.commands.document.set_knob(device, "listen", "generated")
    lifted.settle()
    assert card.foot.heard.text() == "B plays the generated sound alone"
    assert lifted.names()[-1] == "Hear the generated sound alone"
    document = lifted.commands.document
    assert residue_notes(document.recipe, document.tool_by_name) == [
        "Lift gives the generated sound alone: choose its result"
    ]


def test_a_tool_that_says_more_of_itself_is_believed(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    desk = opened(qtbot, monkeypatch, tmp_path, Spoken())
    document, state = desk.commands.document, desk.commands.ensure_canvas().state
    device = document.recipe.steps[0].id
    assert state.edge.generated_hz == (FOUND_HZ, 20_000.0)
    foot = desk.commands.rack_link.rack.cards[0].foot
    desk.wait(lambda: foot.did.full_text() == "generated −29.0 dBFS")
    assert foot.learnt.text().splitlines()[1] == "Below 4.30 kHz: Δ −118 dB, LSD 0.00 dB"
    assert foot.warned.text() == "Nothing above 20000 Hz was generated"
    document.set_knob(device, "generate", False)
    desk.settle()
    assert state.edge.generated_hz is None
    assert state.edge.hz == FOUND_HZ
    close_desk(desk)


def test_the_line_goes_where_the_tool_takes_an_edge_as_it_is_set(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    desk = opened(qtbot, monkeypatch, tmp_path, Spoken())
    edge = desk.commands.ensure_canvas().state.edge

    def ends() -> list[float | None]:
        found = []
        for hz in (20.0, 7_900.0):
            edge.drag(hz)
            found.append(edge.hz)
        edge.cancel()
        return found

    assert ends() == [400.0, 7_200.0]
    close_desk(desk)


def test_facts_of_another_kind_are_no_edge(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    desk = opened(qtbot, monkeypatch, tmp_path, Blunt())
    assert desk.commands.ensure_canvas().state.edge.shown is None
    row = desk.commands.rack_link.rack.cards[0].rows["cutoff_hz"]
    assert isinstance(row, FoundRow)
    assert row.field.text() == "auto"
    close_desk(desk)


def test_a_device_on_a_part_is_tinted_there_only(lifted: Desk) -> None:
    document, state = lifted.commands.document, lifted.commands.ensure_canvas().state
    step = document.recipe.steps[0]
    document.set_scope(step.id, replace(step.scope, start_s=1.0, stop_s=2.0))
    lifted.settle()
    assert state.edge.shown is not None
    assert state.edge.shown.generated_in == (MADE, 2 * MADE)
