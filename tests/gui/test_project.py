"""Saving, reopening, recovery: the rack comes back, whatever happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from engine.audio.signal import Span
from gui.views.view_state import Selection
from tests.gui.conftest import RATE, Desk, close_desk, make_desk, tone


def save(desk: Desk, path: Path) -> None:
    desk.commands.document.save(path)
    desk.wait(lambda: desk.commands.document.project_path is not None and not desk.commands.document.is_changed)


def test_a_saved_project_brings_back_rack_selection_and_loop(
    qtbot: QtBot, gain_tool: None, recording: Path, tmp_path: Path
) -> None:
    first = make_desk(qtbot)
    first.open(recording)
    device = first.add()
    first.commands.document.set_knob(device, "factor", 1.5)
    link = first.commands.ensure_canvas()
    link.state.set_selection(Selection(RATE, 2 * RATE, 200.0, 900.0))
    link.state.set_loop(Span(3 * RATE, 4 * RATE))
    first.settle()
    bits = first.result()
    save(first, tmp_path / "work")
    assert first.window.top.title.text() == "work.shellac"
    close_desk(first)
    second = make_desk(qtbot)
    second.open(tmp_path / "work.shellac")
    assert second.commands.document.recipe.steps[0].params == {"factor": 1.5}
    assert np.array_equal(second.result(), bits)
    state = second.commands.ensure_canvas().state
    assert state.selection == Selection(RATE, 2 * RATE, 200.0, 900.0)
    assert state.loop == Span(3 * RATE, 4 * RATE)
    close_desk(second)


def test_a_step_of_an_unknown_tool_is_greyed_and_survives_saving(desk: Desk, recording: Path, tmp_path: Path) -> None:
    desk.open(recording)
    desk.add()
    path = tmp_path / "work.shellac"
    save(desk, path)
    text = json.loads(path.read_text())
    text["tracks"][0]["recipe"]["steps"][0]["tool"] = "telepathy"
    path.write_text(json.dumps(text))
    desk.open(path)
    card = desk.commands.rack_link.rack.cards[0]
    assert card.tool is None
    assert card.foot.state.text() == "Not installed"
    desk.commands.document.move_device(card.device_id, 0)
    save(desk, path)
    assert json.loads(path.read_text())["tracks"][0]["recipe"]["steps"][0]["tool"] == "telepathy"


def test_a_moved_source_is_said_and_can_be_relinked(desk: Desk, recording: Path, tmp_path: Path) -> None:
    desk.open(recording)
    desk.add()
    path = tmp_path / "work.shellac"
    save(desk, path)
    desk.commands.document.close()
    moved = tmp_path / "elsewhere" / "renamed.wav"
    moved.parent.mkdir()
    recording.rename(moved)
    desk.commands.document.open(path)
    desk.wait(lambda: bool(desk.messages()))
    assert desk.commands.document.source is None
    assert "side one.wav" in desk.messages()[0]
    assert len(desk.commands.document.recipe.steps) == 1
    desk.commands.document.relink(moved)
    desk.wait(lambda: desk.commands.document.source is not None)
    desk.settle()
    assert np.abs(desk.result()).max() == pytest.approx(0.25, abs=0.001)


def test_a_folder_that_cannot_be_written_is_said_and_the_edit_stays(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add()
    desk.commands.document.save(Path("/proc/nowhere/work.shellac"))
    desk.wait(lambda: bool(desk.messages()))
    assert desk.commands.document.is_changed
    assert len(desk.commands.document.recipe.steps) == 1


def test_after_a_kill_the_next_start_offers_the_rack(
    qtbot: QtBot, gain_tool: None, recording: Path, tmp_path: Path
) -> None:
    script = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        import engine.tools
        from tests.gui.conftest import Gain
        engine.tools.TOOLS = (*engine.tools.TOOLS, Gain())
        from gui.program import application, build
        app = application()
        window, commands = build()
        commands.files.open(Path({str(recording)!r}))
        until = time.monotonic() + 60
        while time.monotonic() < until:
            app.processEvents()
            time.sleep(0.01)
            if commands.document.source is not None and not commands.document.recipe.steps:
                commands.rack_link.add_device("gain")
            task = commands.document._journal_task
            if task is not None and task.state == "done":
                print("journal written", flush=True)
                time.sleep(60)
    """)
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        env={**os.environ},
    )  # fmt: skip
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline().strip() == "journal written"
    child.send_signal(signal.SIGKILL)
    child.wait()
    desk = make_desk(qtbot)
    desk.commands.files.offer_recovery()
    desk.wait(lambda: bool(desk.messages()))
    assert "Reopen unsaved session" in desk.messages()[0]
    assert "1 step" in desk.messages()[0]
    act = next(act for text, act in desk.window.shown_banners()[0].message.actions if text == "Reopen")
    act()
    desk.wait(lambda: desk.commands.document.source is not None)
    desk.settle()
    assert [step.tool for step in desk.commands.document.recipe.steps] == ["gain"]
    assert desk.commands.document.is_changed
    close_desk(desk)


def test_a_clean_end_leaves_nothing_to_recover(qtbot: QtBot, gain_tool: None, recording: Path) -> None:
    first = make_desk(qtbot)
    first.open(recording)
    first.add()
    first.wait(lambda: first.commands.document._journal_task is not None)
    close_desk(first)
    second = make_desk(qtbot)
    assert second.commands.document.journal.recover() is None
    close_desk(second)


def journal_of(desk: Desk) -> Path:
    return desk.commands.document.journal._folder / "session.json"


def test_steps_that_were_undone_are_not_offered_after_a_crash(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add()
    desk.wait(journal_of(desk).is_file)
    desk.do("undo")
    desk.wait(lambda: not journal_of(desk).exists())


def test_edits_that_were_thrown_away_are_not_offered_after_a_crash(
    desk: Desk, recording: Path, stereo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.commands.files, "ask_unsaved", lambda: QMessageBox.StandardButton.Discard)
    desk.open(recording)
    desk.add()
    desk.wait(journal_of(desk).is_file)
    desk.open(stereo)
    assert not journal_of(desk).exists()


def test_a_recording_that_has_become_another_one_is_not_taken_for_it(
    desk: Desk, recording: Path, tmp_path: Path
) -> None:
    desk.open(recording)
    desk.add()
    path = tmp_path / "work.shellac"
    save(desk, path)
    desk.commands.document.close()
    soundfile.write(recording, -tone(12.0), RATE, subtype="PCM_16")
    desk.commands.document.open(path)
    desk.wait(lambda: bool(desk.messages()))
    assert desk.commands.document.source is None
    assert "isn't the recording this project was made with" in desk.messages()[0]
    assert [text for text, _act in desk.window.shown_banners()[0].message.actions] == ["Relink…"]
