"""What was begun for one document never lands in the next: slow disks, cancelled questions, closed windows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from PySide6.QtWidgets import QMessageBox

from engine.audio.files import FileSignal
from engine.errors import NetworkError
from engine.session.project import load_project, save_project
from engine.session.session import Session
from engine.settings import Settings
from engine.tools.tool import Job
from gui.recordings import load_sound
from tests.gui.conftest import RATE, Desk, tone

Answer = QMessageBox.StandardButton


@pytest.fixture
def others(tmp_path: Path) -> list[Path]:
    """Three short recordings."""
    paths = [tmp_path / f"{name}.wav" for name in "xyz"]
    for path in paths:
        soundfile.write(path, tone(1.0), RATE, subtype="PCM_16")
    return paths


class Gate:
    """Holds threads until it is opened, as a slow disk does."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def pass_through(self) -> None:
        self.reached.set()
        assert self.open.wait(20)


@pytest.fixture
def slow_save(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Saving waits at a gate."""
    gate = Gate()

    def late(session: Session, path: Path) -> None:
        gate.pass_through()
        save_project(session, path)

    monkeypatch.setattr("gui.document.save_project", late)
    yield gate
    gate.open.set()


@pytest.fixture
def slow_load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Opening a recording waits at a gate, and hears of no cancel there."""
    gate = Gate()

    def late(path: Path, settings: Settings, job: Job) -> FileSignal:
        gate.pass_through()
        return load_sound(path, settings, job)

    monkeypatch.setattr("gui.document.load_sound", late)
    yield gate
    gate.open.set()


def answer(desk: Desk, monkeypatch: pytest.MonkeyPatch, wanted: QMessageBox.StandardButton) -> None:
    """Answer the question about unsaved edits."""
    monkeypatch.setattr(desk.commands.files, "ask_unsaved", lambda: wanted)


def names(desk: Desk) -> list[str]:
    session = desk.commands.document.session
    return [track.name for track in session.tracks] if session is not None else []


def rest(desk: Desk) -> None:
    """Wait until all background work has been delivered."""
    desk.wait(lambda: not desk.commands.jobs.running)


def test_a_save_that_ends_after_another_file_was_opened_gives_it_no_name(
    desk: Desk, recording: Path, others: list[Path], tmp_path: Path, slow_save: Gate
) -> None:
    document = desk.commands.document
    desk.open(recording)
    desk.add()
    continued: list[bool] = []
    document.save(tmp_path / "first.shellac", lambda: continued.append(True))
    document.open(others[0])
    desk.wait(lambda: names(desk) == ["x"])
    slow_save.open.set()
    rest(desk)
    assert (tmp_path / "first.shellac").is_file()
    assert document.project_path is None
    assert not continued
    assert document.title == "x"


def test_an_edit_made_while_saving_is_still_unsaved_and_kept_for_a_crash(
    desk: Desk, recording: Path, tmp_path: Path, slow_save: Gate
) -> None:
    document = desk.commands.document
    desk.open(recording)
    device = desk.add()
    document.save(tmp_path / "first.shellac")
    assert slow_save.reached.wait(10)
    document.set_knob(device, "factor", 1.5)
    slow_save.open.set()
    desk.wait(lambda: document.project_path is not None)
    assert document.is_changed
    desk.wait(lambda: not document._journal_rest.isActive())
    rest(desk)
    assert '"factor": 1.5' in (document.journal._folder / "session.json").read_text()


def test_of_two_saves_the_later_one_stays_on_the_disk(
    desk: Desk, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, first = desk.commands.document, threading.Event()

    def late(session: Session, path: Path) -> None:
        if not first.is_set():
            first.set()
            time.sleep(0.5)
        save_project(session, path)

    monkeypatch.setattr("gui.document.save_project", late)
    desk.open(recording)
    device = desk.add()
    path = tmp_path / "first.shellac"
    document.save(path)
    assert first.wait(10)
    document.set_knob(device, "factor", 1.5)
    document.save(path)
    rest(desk)
    assert load_project(path)[0].tracks[0].recipe.steps[0].params == {"factor": 1.5}
    assert not document.is_changed


def test_what_waited_for_a_save_asks_again_about_edits_made_meanwhile(
    desk: Desk, recording: Path, others: list[Path], tmp_path: Path, slow_save: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = desk.commands.document
    desk.open(recording)
    device = desk.add()
    document.project_path = tmp_path / "first.shellac"
    answer(desk, monkeypatch, Answer.Save)
    desk.commands.files.open(others[0])
    document.set_knob(device, "factor", 1.5)
    answer(desk, monkeypatch, Answer.Cancel)
    slow_save.open.set()
    rest(desk)
    assert names(desk) == ["side one"]
    assert document.recipe.steps[0].params == {"factor": 1.5}


def test_a_cancelled_drop_of_several_files_adds_nothing(
    desk: Desk, recording: Path, others: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open(recording)
    desk.add()
    answer(desk, monkeypatch, Answer.Cancel)
    desk.commands.files.take_drop(others, False)
    rest(desk)
    assert names(desk) == ["side one"]


def test_a_drop_of_several_files_after_saving_opens_all_of_them_together(
    desk: Desk, recording: Path, others: list[Path], tmp_path: Path, slow_save: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open(recording)
    desk.add()
    path = tmp_path / "first.shellac"
    desk.commands.document.project_path = path
    answer(desk, monkeypatch, Answer.Save)
    desk.commands.files.take_drop(others, False)
    slow_save.open.set()
    desk.wait(lambda: names(desk) == ["x", "y", "z"])
    assert len(load_project(path)[0].tracks) == 1


def test_of_several_files_one_that_is_no_sound_leaves_the_others(
    desk: Desk, recording: Path, others: list[Path]
) -> None:
    desk.open(recording)
    others[0].write_bytes(b"no sound at all" * 10)
    desk.commands.files.take_drop(others, False)
    desk.wait(lambda: names(desk) == ["y", "z"])
    assert "x.wav" in desk.messages()[0]


@pytest.mark.parametrize("is_finished", [False, True])
def test_a_file_that_was_being_opened_does_not_appear_after_closing(
    desk: Desk, recording: Path, slow_load: Gate, is_finished: bool
) -> None:
    document = desk.commands.document
    document.open(recording)
    task = document.opening
    assert task is not None
    assert slow_load.reached.wait(10)
    if is_finished:
        slow_load.open.set()
        assert task.join(10)  # the thread has ended, the window hasn't heard of it yet
    document.close()
    assert document.opening is None
    slow_load.open.set()
    rest(desk)
    assert document.session is None


def test_an_opening_that_was_overtaken_is_not_taken(desk: Desk, others: list[Path]) -> None:
    document = desk.commands.document
    document.open(others[0])
    task = document.opening
    assert task is not None
    assert task.join(10)
    document.open(others[1])
    seen: list[list[str]] = []
    document.changed.connect(lambda: seen.append(names(desk)))
    rest(desk)
    assert seen
    assert all(tracks == ["y"] for tracks in seen)


@pytest.mark.parametrize("is_finished", [False, True])
def test_tracks_added_in_a_row_all_arrive_in_their_order(
    desk: Desk, recording: Path, others: list[Path], slow_load: Gate, is_finished: bool
) -> None:
    document = desk.commands.document
    slow_load.open.set()
    desk.open(recording)
    if not is_finished:
        slow_load.open.clear()
    for path in others:
        document.add_track(path)
        assert document.opening is not None
        document.opening.join(0.2)
    slow_load.open.set()
    desk.wait(lambda: document.opening is None)
    assert names(desk) == ["side one", "x", "y", "z"]


def finish_unheard(desk: Desk) -> None:
    """Let B be rendered to its end without the window hearing of it."""
    rendering = desk.commands.rendering
    rendering.go_on()
    assert rendering.task is not None
    assert rendering.task.join(20)


def test_the_sound_of_an_older_rack_is_not_taken_for_the_new_one(desk: Desk, recording: Path) -> None:
    document, rendering = desk.commands.document, desk.commands.rendering
    desk.open(recording)
    device = document.add_device("gain")
    finish_unheard(desk)
    document.set_knob(device, "factor", 1.5)
    rendering._rest.stop()  # the new rendering isn't begun: only the old one can answer
    rest(desk)
    assert rendering.is_stale
    assert not rendering.effects


def test_a_failure_of_an_older_rack_is_not_said_of_the_new_one(
    desk: Desk, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object) -> None:
        raise NetworkError("the old rack fell over", "mend it")

    document, rendering = desk.commands.document, desk.commands.rendering
    desk.open(recording)
    monkeypatch.setattr(rendering.renderer, "work", fail)
    device = document.add_device("gain")
    finish_unheard(desk)
    document.set_knob(device, "factor", 1.5)
    rendering._rest.stop()
    rest(desk)
    assert rendering.error is None
    assert not desk.messages()


def test_a_closed_recording_is_not_brought_back_by_its_rendering(desk: Desk, recording: Path) -> None:
    document, rendering = desk.commands.document, desk.commands.rendering
    desk.open(recording)
    document.add_device("gain")
    finish_unheard(desk)
    document.close()
    rest(desk)
    assert rendering.rendered is None
    assert not rendering.finished
