"""A at one rate and B at another: what is seen, heard, compared and written stays at its place in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

import engine.tools
from engine.audio.signal import Samples, Span
from gui.export_dialog import ExportDialog
from gui.panels.frequency import RateRow
from gui.views.view_state import Selection
from tests.gui.conftest import Desk, Gain, close_desk, make_desk
from tests.gui.lift import ADDED, ADDED_HZ, Lift

GIVEN, MADE = 16_000, 48_000
SECONDS = 6.0


def tone(hertz: float, level: float, rate: int, frames: int) -> Samples:
    return (level * np.sin(2 * np.pi * hertz * np.arange(frames) / rate)).astype(np.float32)


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """Six seconds of a low tone at 16 kHz: one chunk of the result and a part of another."""
    path = tmp_path / "slow.wav"
    soundfile.write(path, tone(1000.0, 0.25, GIVEN, round(SECONDS * GIVEN)), GIVEN, subtype="FLOAT")
    return path


@pytest.fixture
def lifted(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, slow: Path) -> Iterator[Desk]:
    """The window with the recording open and its rate raised to 48 kHz."""
    monkeypatch.setattr(engine.tools, "TOOLS", (*engine.tools.TOOLS, Gain(), Lift()))
    made = make_desk(qtbot)
    made.open(slow)
    made.add("lift")
    yield made
    close_desk(made)


def middle(samples: Samples) -> Samples:
    """Return samples without the ends, where a resampled tone begins and stops."""
    return samples[round(0.1 * MADE) : -round(0.1 * MADE)]


def picture(desk: Desk) -> QImage:
    """Return the spectrogram once all its tiles are there."""
    link = desk.commands.ensure_canvas()
    view = link.canvas.spectrogram

    def is_sharp() -> bool:
        view.grab()
        return link.canvas.wait_idle() and view.is_sharp

    desk.wait(is_sharp)
    return view.grab().toImage()


def dialog_of(desk: Desk) -> ExportDialog:
    desk.do("export")
    return next(child for child in desk.window.children() if isinstance(child, ExportDialog))


def exported(desk: Desk, what: str, part: str = "whole") -> tuple[Samples, int]:
    dialog = dialog_of(desk)
    dialog.sides.picked.emit(what)
    dialog.parts.picked.emit(part)
    path = dialog.plan().path
    desk.window.close_messages("export")
    dialog.go.click()
    desk.wait(lambda: any("Exported" in text for text in desk.messages()))
    samples, rate = soundfile.read(path, dtype="float32")
    return samples, rate


def test_the_frequency_axis_reaches_half_of_the_faster_rate_and_back(lifted: Desk) -> None:
    state = lifted.commands.ensure_canvas().state
    assert (state.rate, state.frames, state.high_hz) == (MADE, round(SECONDS * MADE), 24_000)
    lifted.do("undo")
    lifted.settle()
    assert (state.rate, state.frames, state.high_hz) == (GIVEN, round(SECONDS * GIVEN), 8000)


def test_places_selections_and_loops_keep_their_time_when_the_rate_changes(lifted: Desk) -> None:
    link, player = lifted.commands.ensure_canvas(), lifted.commands.listening.player
    link.go_to(2.0 * MADE)
    link.state.set_selection(Selection(3 * MADE, 4 * MADE))
    link.state.set_loop(Span(3 * MADE, 5 * MADE))
    lifted.do("undo")
    lifted.settle()
    link.tick()
    assert player.loop == Span(3 * GIVEN, 5 * GIVEN)
    assert link.state.selection == Selection(3 * GIVEN, 4 * GIVEN)
    assert (player.position(), link.state.playhead) == (2.0 * GIVEN, 2.0 * GIVEN)
    lifted.do("redo")
    lifted.settle()
    link.tick()
    assert player.loop == Span(3 * MADE, 5 * MADE)
    assert (player.position(), link.state.playhead) == (2.0 * MADE, 2.0 * MADE)


def test_one_device_heard_alone_at_its_own_rate_leaves_the_playhead_where_it_is(lifted: Desk) -> None:
    """Before the rate is raised the pair has 16 kHz, while the canvas counts at 48 kHz."""
    document, link, player = lifted.commands.document, lifted.commands.ensure_canvas(), lifted.commands.listening.player
    gain = lifted.add("gain")
    document.move_device(gain, 0)
    lifted.settle()
    link.go_to(2.0 * MADE)
    lifted.commands.listening.toggle_solo(gain)
    assert player.rate == GIVEN
    link.tick()
    assert link.state.playhead == 2.0 * MADE
    link.go_to(3.0 * MADE)
    assert player.position() == 3.0 * GIVEN
    link.state.set_loop(Span(MADE, 2 * MADE))
    assert player.loop == Span(GIVEN, 2 * GIVEN)
    assert lifted.commands.rendering.cursor_frame == 3 * MADE


def test_sound_goes_on_where_it_is_when_the_rate_changes_while_playing(lifted: Desk) -> None:
    link, listening = lifted.commands.ensure_canvas(), lifted.commands.listening
    link.state.set_loop(Span(MADE, 5 * MADE))  # so that a slow machine doesn't get to the end
    link.go_to(1.0 * MADE)
    lifted.do("play")
    lifted.wait(lambda: listening.seconds() > 1.1)
    lifted.do("toggle_ab")
    lifted.do("undo")
    lifted.settle()

    def is_at_the_playhead() -> bool:
        before_s = listening.seconds()
        link.tick()
        return before_s * GIVEN - 1 <= link.state.playhead <= listening.seconds() * GIVEN + 1

    lifted.wait(is_at_the_playhead)  # not in the moment in which the loop begins again
    assert listening.is_playing
    assert 1.0 <= listening.seconds() <= 5.0
    lifted.do("stop")
    assert listening.seconds() == pytest.approx(1.0)


def test_the_difference_is_what_was_added_and_nothing_else(lifted: Desk) -> None:
    link = lifted.commands.ensure_canvas()
    lifted.do("hear_delta")
    lane = link.canvas.waveform.curves.delta
    assert lane is not None
    found = middle(lane.source().read(0, lane.frames)[:, 0])
    wanted = middle(tone(ADDED_HZ, ADDED, MADE, lane.frames))
    assert np.abs(found - wanted).max() < 2e-7  # float32 sums of numbers up to 0.3


def test_what_both_sides_share_is_no_change_in_the_difference_picture(lifted: Desk) -> None:
    """Transforms of 16 and 48 kHz have other lengths: side by side the shared tone itself would look changed."""
    link = lifted.commands.ensure_canvas()
    view = link.canvas.spectrogram
    lifted.do("hear_delta")
    picture(lifted)
    at = SECONDS / 2 * MADE
    for hertz in (300.0, 900.0, 1000.0, 1100.0, 5000.0):
        assert view.level_at(at, hertz) == pytest.approx(0.0, abs=0.5)  # one byte
    above = [view.level_at(at, hertz) for hertz in np.linspace(11_800, 12_200, 41)]
    assert max(level for level in above if level is not None) > 30


def test_above_half_its_rate_a_is_empty_and_has_no_level(lifted: Desk) -> None:
    link = lifted.commands.ensure_canvas()
    view = link.canvas.spectrogram
    lifted.do("hear_a")
    image = picture(lifted)
    at = SECONDS / 2 * MADE
    assert view.level_at(at, 1000.0) == pytest.approx(-12.0, abs=1.5)  # scalloping
    assert view.level_at(at, 9000.0) is None
    x = round(view.x_of(at * 0.5))
    colours = {image.pixelColor(x, round(view.y_of(hertz))).name() for hertz in (9000, 12_000, 20_000)}
    assert len(colours) == 1


def test_results_differences_and_originals_are_written_at_their_own_rates(lifted: Desk) -> None:
    frames = round(SECONDS * MADE)
    b, rate = exported(lifted, "B")
    assert (rate, len(b)) == (MADE, frames)
    delta, rate = exported(lifted, "delta")
    assert (rate, len(delta)) == (MADE, frames)
    assert np.abs(middle(delta) - middle(tone(ADDED_HZ, ADDED, MADE, frames))).max() < 2e-7
    a, rate = exported(lifted, "A")
    assert rate == GIVEN
    assert np.array_equal(a, tone(1000.0, 0.25, GIVEN, round(SECONDS * GIVEN)))


def test_a_selection_of_the_original_is_written_without_resampling_it(lifted: Desk) -> None:
    lifted.commands.ensure_canvas().state.set_selection(Selection(MADE, 3 * MADE))
    a, rate = exported(lifted, "A", "selection")
    assert rate == GIVEN
    assert np.array_equal(a, tone(1000.0, 0.25, GIVEN, round(SECONDS * GIVEN))[GIVEN : 3 * GIVEN])


def test_the_export_page_offers_the_rate_of_what_is_written(lifted: Desk) -> None:
    dialog = dialog_of(lifted)
    assert dialog.rate.currentText() == "Same (48 kHz)"
    assert "--rate" not in dialog.command.toPlainText()
    dialog.rate.setCurrentIndex(dialog.rate.findData("44100"))
    dialog.rate.picked.emit("44100")
    assert dialog.plan().rate == 44_100
    assert "its own rate only" in dialog.command.toPlainText()
    dialog.rate.setCurrentIndex(0)
    dialog.sides.picked.emit("A")
    assert dialog.rate.currentText() == "Same (16 kHz)"
    dialog.reject()


def test_the_level_match_measures_both_over_the_same_time(lifted: Desk) -> None:
    """K-weighting (BS.1770-5, table 1) lifts a tone of 12 kHz by 4.0 dB and one of 1 kHz by 0.7 dB."""
    listening = lifted.commands.listening
    lifted.wait(lambda: listening.match.gain_b_db < 0)
    added_db = 10 * np.log10(1 + (ADDED / 0.25) ** 2 * 10 ** ((4.0 - 0.7) / 10))
    assert listening.match.gain_b_db == pytest.approx(-added_db, abs=0.05)


def test_the_transport_and_the_card_say_both_rates(lifted: Desk) -> None:
    card = lifted.commands.rack_link.rack.cards[0]
    assert card.counted.full_text() == "16 → 48 kHz"
    row = card.rows["rate_hz"]
    assert isinstance(row, RateRow)
    assert row.control.currentText() == "Automatic, 48 kHz"
    assert row.control.findData("8000") < 0  # less than the recording has can't be asked for
    row.control.picked.emit("96000")
    lifted.settle()
    assert card.counted.full_text() == "16 → 96 kHz"
    assert lifted.names()[-1] == "Sample rate 96000 Hz"
    lifted.commands.document.set_knob(card.device_id, "factor", "2")  # takes the place of the rate
    lifted.settle()
    assert card.counted.full_text() == "16 → 32 kHz"
    assert lifted.names()[-1] == "Lift factor: 2"
    lifted.do("undo")
    lifted.settle()
    assert card.counted.full_text() == "16 → 96 kHz"
