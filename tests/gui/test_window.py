"""Opening, dropping, closing: what is open, and what the window says when something can't be."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import soundfile
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDropEvent
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from engine.tools.tool import Job
from gui.program import LastResort
from tests.gui.conftest import RATE, Desk, close_desk, make_desk, tone


def drop(desk: Desk, paths: list[Path], x: float) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(x, 300), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    desk.window.dropEvent(event)
    assert event.isAccepted()


def test_without_a_file_the_window_says_what_can_be_done(desk: Desk) -> None:
    assert desk.window.pages.currentWidget() is desk.window.empty
    assert desk.window.transport.kind.text() == "No file open"
    assert not desk.window.actions_by_name["play"].isEnabled()
    assert {tile.tool.name for tile in desk.commands.rack_link.rack.tiles} >= {"restore", "age"}
    desk.do("add-gain")
    assert desk.commands.document.session is None


def test_a_small_window_shows_all_of_its_width(desk: Desk, recording: Path) -> None:
    window = desk.window
    window.resize(960, 600)
    desk.wait(lambda: window.empty.horizontalScrollBar().maximum() == 0)
    desk.open(recording)
    desk.add()
    assert (window.width(), window.height()) == (960, 600)
    assert window.transport.corner.isVisible(), "the rate stays"
    for name in ("rack", "measured"):
        dock = window.docks[name]
        assert dock.geometry().right() < window.width()
        assert dock.width() >= dock.minimumSizeHint().width()


def test_an_opened_recording_shows_its_facts(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    assert desk.window.transport.length.text() == "/ 0:12.000"
    assert desk.window.transport.rates.text() == "8 kHz"
    assert desk.window.transport.kind.text() == "16-bit · mono"
    assert desk.window.top.title.text() == "side one"
    assert desk.names() == ["Open side one.wav"]
    assert desk.window.pages.currentWidget() is not desk.window.empty


def test_a_drop_on_the_empty_window_opens(desk: Desk, recording: Path) -> None:
    drop(desk, [recording], 100)
    desk.wait(lambda: desk.commands.document.source is not None)
    assert desk.window.tracks.count() == 1


def test_a_drop_on_the_left_half_adds_a_track_and_on_the_right_opens(desk: Desk, recording: Path, stereo: Path) -> None:
    desk.open(recording)
    drop(desk, [stereo], 10)
    desk.wait(lambda: desk.window.tracks.count() == 2)
    session = desk.commands.document.session
    assert session is not None
    assert session.current == 1
    assert desk.window.transport.kind.text() == "24-bit · stereo"
    desk.settle()
    desk.commands.document._saved = session  # nothing to ask about
    drop(desk, [stereo], desk.window.width() - 10)
    desk.wait(lambda: desk.window.tracks.count() == 1)


def test_tracks_keep_racks_of_their_own(desk: Desk, recording: Path, stereo: Path) -> None:
    desk.open(recording)
    desk.add()
    desk.commands.document.add_track(stereo)
    desk.wait(lambda: desk.window.tracks.count() == 2)
    desk.settle()
    assert desk.commands.rack_link.rack.cards == []
    desk.window.tracks.chosen.emit(0)
    desk.settle()
    assert len(desk.commands.rack_link.rack.cards) == 1
    assert desk.commands.document.source is not None
    assert desk.commands.document.source.path == recording


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.wav", None, "There is no file"),
        ("letter.wav", b"Dear Sir, " * 500, "letter.wav"),
        ("empty.flac", b"", "empty.flac"),
        ("broken.shellac", b"{]", "project"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence_and_loses_nothing(
    desk: Desk, recording: Path, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    desk.open(recording)
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    desk.commands.files.open(path)
    desk.wait(lambda: bool(desk.messages()))
    assert len(desk.messages()) == 1
    assert said in desk.messages()[0]
    assert "Traceback" not in desk.messages()[0]
    assert desk.commands.document.source is not None
    assert desk.commands.document.source.path == recording


def test_an_empty_recording_can_be_open_and_played(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "nothing.wav"
    soundfile.write(path, tone(0.0), RATE, subtype="PCM_16")
    desk.open(path)
    desk.add()
    desk.do("play_return")
    assert desk.window.transport.length.text() == "/ 0:00.000"


def test_a_fault_of_ours_is_a_banner_with_details_to_copy(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    error = RuntimeError("a wheel came off")
    LastResort(desk.window)(RuntimeError, error, None)
    desk.wait(lambda: bool(desk.messages()))
    banner = desk.window.shown_banners()[0]
    assert "a wheel came off" not in desk.messages()[0]
    assert "a wheel came off" in banner.message.copyable
    assert "a wheel came off" in capsys.readouterr().err


def test_closing_asks_only_when_an_edit_would_be_lost(
    desk: Desk, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def answer() -> QMessageBox.StandardButton:
        asked.append(True)
        return QMessageBox.StandardButton.Cancel

    monkeypatch.setattr(desk.commands.files, "ask_unsaved", answer)
    desk.open(recording)
    desk.commands.files.close_file()
    assert not asked
    desk.open(recording)
    desk.add()
    event = QCloseEvent()
    desk.window.closeEvent(event)
    assert asked
    assert not event.isAccepted()
    assert desk.window.isVisible()


def test_a_window_whose_edits_are_discarded_closes_at_once(
    desk: Desk, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.commands.files, "ask_unsaved", lambda: QMessageBox.StandardButton.Discard)
    desk.open(recording)
    desk.add()
    desk.window.close()
    assert not desk.window.isVisible()


@pytest.mark.parametrize("is_stopped", [False, True])
def test_closing_asks_once_before_it_stops_an_export(
    desk: Desk, recording: Path, monkeypatch: pytest.MonkeyPatch, is_stopped: bool
) -> None:
    asked: list[list[str]] = []

    def answer(names: list[str]) -> bool:
        asked.append(names)
        return is_stopped

    def work(job: Job) -> None:
        while True:
            job.check()
            time.sleep(0.001)

    monkeypatch.setattr(desk.commands.files, "ask_stop", answer)
    desk.open(recording)
    task = desk.commands.jobs.start("Export x.wav", work)
    desk.window.close()
    assert asked == [["Export x.wav"]]
    assert desk.window.isVisible() is not is_stopped
    assert task.job.is_cancelled is is_stopped
    task.cancel()


def test_recent_recordings_come_back_as_cards(qtbot: QtBot, gain_tool: None, recording: Path) -> None:
    first = make_desk(qtbot)
    first.open(recording)
    first.add()
    first.wait(lambda: bool(first.commands.document.recordings.pictures))
    close_desk(first)
    second = make_desk(qtbot)
    second.wait(lambda: bool(second.window.empty._items))
    item = second.window.empty._items[0]
    assert (item.name, item.seconds, item.devices) == ("side one", 12.0, "Gain")
    assert max(item.picture) == 100
    second.window.empty.file_wanted.emit(item.path)
    second.wait(lambda: second.commands.document.source is not None)
    close_desk(second)


def test_layout_focus_leaves_the_canvas_alone_and_work_brings_the_docks_back(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    before = {name for name, dock in desk.window.docks.items() if not dock.isHidden()}
    desk.do("layout_focus")
    assert all(dock.isHidden() for dock in desk.window.docks.values())
    desk.do("layout_focus")
    assert {name for name, dock in desk.window.docks.items() if not dock.isHidden()} == before


def test_a_dock_that_was_closed_stays_closed_at_the_next_start(qtbot: QtBot, recording: Path) -> None:
    first = make_desk(qtbot)
    first.open(recording)
    first.window.docks["meters"].hide()
    close_desk(first)
    second = make_desk(qtbot)
    second.open(recording)
    assert second.window.docks["meters"].isHidden()
    assert not second.window.docks["file"].isHidden()
    close_desk(second)
