"""Exported files hold what was heard: the same bits, without level match or Δ gain, and never over the source."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import demo
from engine.cli import main
from gui.export_dialog import ExportDialog
from gui.exporting import fill_pattern, folder_beside, format_notes, free_name
from gui.views.view_state import Selection
from tests.gui.conftest import RATE, Desk


def dialog_of(desk: Desk) -> ExportDialog:
    desk.do("export")
    return next(child for child in desk.window.children() if isinstance(child, ExportDialog))


def go(desk: Desk, dialog: ExportDialog) -> Path:
    path = dialog.plan().path
    dialog.go.click()
    desk.wait(lambda: any("Exported" in text for text in desk.messages()))
    return path


def test_the_result_is_written_in_the_format_of_the_source(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add()
    desk.commands.listening.set_matched(True)
    path = go(desk, dialog_of(desk))
    assert path == recording.with_name("side one_gain.wav")
    info = soundfile.info(path)
    assert (info.samplerate, info.subtype, info.frames) == (RATE, "PCM_16", 12 * RATE)
    written, _rate = soundfile.read(path, dtype="float32")
    # Half of 16-bit samples needs 17 bits: TPDF dither moves a sample by at most 1.5 steps.
    assert np.abs(written - desk.result()[:, 0]).max() <= 2 / 32768
    assert "verified" in desk.messages()[0]


def test_the_selection_of_the_original_is_cut_to_the_sample(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add()
    desk.commands.ensure_canvas().state.set_selection(Selection(1000, 9000))
    dialog = dialog_of(desk)
    dialog.sides.picked.emit("A")
    dialog.parts.picked.emit("selection")
    path = go(desk, dialog)
    written, _rate = soundfile.read(path, dtype="int16")
    original, _rate = soundfile.read(recording, dtype="int16")
    assert np.array_equal(written, original[1000:9000])


def test_the_difference_has_no_gain_of_its_own(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add()
    desk.commands.listening.next_delta_gain()
    dialog = dialog_of(desk)
    dialog.sides.picked.emit("delta")
    dialog.bits.setCurrentIndex(dialog.bits.findData("FLOAT"))
    path = go(desk, dialog)
    assert path.name == "side one_gain-difference.wav"
    written, _rate = soundfile.read(path, dtype="float32")
    original, _rate = soundfile.read(recording, dtype="float32")
    assert np.array_equal(written, original * np.float32(0.5) - original)


def test_a_conflict_adds_a_number_and_the_source_is_never_taken(desk: Desk, recording: Path, tmp_path: Path) -> None:
    desk.open(recording)
    dialog = dialog_of(desk)
    dialog.pattern.setText("{name}")
    assert dialog.plan().path == recording.with_name("side one-2.wav")
    recording.with_name("side one-2.wav").write_bytes(b"")
    assert dialog.plan().path == recording.with_name("side one-3.wav")
    dialog.reject()


def test_the_demo_is_exported_to_the_home_folder_not_into_the_program(tmp_path: Path) -> None:
    assert folder_beside(demo.paths().aged) == Path.home()
    assert folder_beside(tmp_path / "side.wav") == tmp_path


def test_the_reports_stand_beside_the_file(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add()
    dialog = dialog_of(desk)
    dialog.page.setChecked(True)
    dialog.json.setChecked(True)
    path = go(desk, dialog)
    assert "<html" in path.with_name(path.stem + "-report.html").read_text(encoding="utf-8")
    assert '"shellac_report"' in path.with_name(path.stem + "-report.json").read_text(encoding="utf-8")


def test_the_command_that_does_the_same_is_shown(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    device = desk.add()
    desk.commands.document.set_knob(device, "factor", 1.25)
    dialog = dialog_of(desk)
    assert dialog.command.toPlainText().startswith("shellac gain ")
    assert "--set factor=1.25" in dialog.command.toPlainText()
    dialog.reject()


def test_the_command_writes_the_same_reports(desk: Desk, recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk.open(recording)
    desk.commands.document.set_knob(desk.add(), "factor", 1.25)
    dialog = dialog_of(desk)
    dialog.page.setChecked(True)
    dialog.json.setChecked(True)
    dialog.bits.setCurrentIndex(dialog.bits.findData("PCM_24"))
    dialog.bits.picked.emit("PCM_24")
    shown = dialog.command.toPlainText()
    path = go(desk, dialog)
    page, data = (path.with_name(f"side one_gain-report{suffix}") for suffix in (".html", ".json"))
    theirs = json.loads(data.read_text(encoding="utf-8"))
    for written in (path, page):
        written.unlink()
    words = shlex.split(shown)
    assert words[-2:] == [">", str(data)], "the other report goes to the standard output"
    capsys.readouterr()
    assert main(words[1:-2]) == 0
    ours = json.loads(capsys.readouterr().out)
    assert page.is_file()
    assert soundfile.info(path).subtype == "PCM_24"
    assert ours.keys() == theirs.keys()
    assert [step["params"] for step in ours["recipe"]["steps"]] == [
        step["params"] for step in theirs["recipe"]["steps"]
    ]


def test_the_command_of_a_whole_rack_writes_what_was_chosen_and_says_what_it_lacks(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    desk.add()
    desk.add()
    dialog = dialog_of(desk)
    dialog.page.setChecked(True)
    dialog.format.setCurrentIndex(dialog.format.findData(".flac"))
    dialog.format.picked.emit(".flac")
    shown = dialog.command.toPlainText()
    assert shown.startswith("shellac run - ")
    assert " --format FLAC --report html <<" in shown
    dialog.json.setChecked(True)
    first, second = dialog.command.toPlainText().splitlines()[:2]
    assert first == "# A run writes reports of one kind: here html, for the other say --report json"
    assert second.startswith("shellac run - ")
    dialog.loudness.setCurrentIndex(dialog.loudness.findData("-16"))
    dialog.loudness.picked.emit("-16")
    assert dialog.command.toPlainText() == "The command line leaves the loudness as it is."
    assert not dialog.copy.isEnabled()
    dialog.reject()


def test_a_folder_that_is_not_there_is_said_before_anything_starts(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    dialog = dialog_of(desk)
    dialog.folder.setText("/there/is/no/such/folder")
    assert not dialog.go.isEnabled()
    assert "no folder" in dialog.said.full_text()
    dialog.reject()


def test_what_a_format_cannot_hold_is_said() -> None:
    from engine.audio.formats import WRITE_FORMATS

    opus, mp3, flac = WRITE_FORMATS[".opus"], WRITE_FORMATS[".mp3"], WRITE_FORMATS[".flac"]
    assert format_notes(opus, 44_100, 2, "PCM_16", "") == (["Opus can't hold 44.1 kHz: 48 kHz is written"], True)
    notes, is_possible = format_notes(mp3, 44_100, 6, "PCM_16", "")
    assert not is_possible
    assert "6 channels" in notes[0]
    assert format_notes(flac, 48_000, 2, "PCM_24", "") == ([], True)


@pytest.mark.parametrize(
    ("pattern", "name"), [("{name}_{tool}", "a_b"), ("", "a"), ("../{name}", "-a"), ("{tool}: new?", "b- new-")]
)
def test_patterns_become_names_that_every_disk_takes(pattern: str, name: str, tmp_path: Path) -> None:
    assert fill_pattern(pattern, "a", "b") == name
    assert free_name(tmp_path, name, ".wav", tmp_path / "x.wav") == tmp_path / f"{name}.wav"


def test_a_knob_turned_just_before_exporting_is_in_the_file(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    device = desk.add()
    desk.commands.document.set_knob(device, "factor", 0.25, "drag")
    desk.commands.rendering._rest.stop()  # B stays the old sound
    assert desk.commands.rendering.is_stale
    written, _rate = soundfile.read(go(desk, dialog_of(desk)), dtype="float32")
    assert np.abs(written).max() == pytest.approx(0.125, abs=0.001)


def test_a_headphone_that_is_on_is_said_before_its_residue_is_written(desk: Desk, recording: Path) -> None:
    desk.open(recording)
    device = desk.add()
    desk.commands.document.set_knob(device, "listen", "flip")
    desk.settle()
    dialog = dialog_of(desk)
    assert "only what Flip takes away" in dialog.said.text()
    dialog.sides.picked.emit("A")
    assert "takes away" not in dialog.said.text()
