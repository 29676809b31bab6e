"""The spectrogram on screen: readout, box, unfinished parts, difference, colour bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from engine.audio.signal import Span
from gui.views.annotations import BandEdge
from gui.views.view_state import Hover, Selection

if TYPE_CHECKING:
    from conftest import Stage

RATE, FRAMES = 44_100, 88_200  # of the stage


def saturation(image: object, x: int, y: int) -> int:
    colour = QColor(image.pixel(x, y))  # type: ignore[attr-defined]
    parts = (colour.red(), colour.green(), colour.blue())
    return max(parts) - min(parts)


def test_the_readout_names_frequency_note_and_level(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    stage.picture(view)
    place = view.hover(QPointF(view.x_of(RATE / 4), view.y_of(1000)))
    assert place.hz == pytest.approx(1000, rel=0.02)
    assert place.note.startswith(("B5", "C6"))
    assert place.seconds == pytest.approx(0.25, abs=2e-3)
    # 0.25 is −12 dBFS; scalloping up to 1.4 dB, half a byte 0.25 dB.
    assert place.db == pytest.approx(-12.7, abs=1.0)


def test_what_b_has_not_finished_is_grey_and_the_rest_is_not(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    image = stage.picture(view)
    y = round(view.y_of(1000))
    assert saturation(image, round(view.x_of(RATE * 0.75)), y) > 60
    assert saturation(image, round(view.x_of(RATE * 1.5)), y) < 40
    stage.b.set_finished([Span(0, FRAMES)])
    stage.b.refresh(Span(RATE, FRAMES))
    assert saturation(stage.picture(view), round(view.x_of(RATE * 1.5)), y) > 60


def test_the_view_shows_the_side_that_is_heard(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    assert view.shown == "B"
    stage.canvas.set_monitor("A")
    assert view.shown == "A"
    stage.canvas.set_monitor("delta")
    assert view.shown == "delta"
    stage.state.set_view_follows_monitor(False)
    assert view.shown == "B"
    stage.canvas.set_blind(True)
    assert view.shown == "A"


def test_the_removed_click_is_a_violet_line_in_the_difference(stage: Stage) -> None:
    stage.canvas.set_monitor("delta")
    view = stage.canvas.spectrogram
    image = stage.picture(view)
    x, y = round(view.x_of(RATE / 2)), round(view.y_of(6000))
    colour = QColor(image.pixel(x, y))
    assert colour.blue() > 90
    assert colour.blue() > colour.green() + 25
    assert view.level_at(RATE / 2, 6000) < -20  # type: ignore[operator]
    assert view.level_at(RATE * 0.8, 1000) == pytest.approx(0, abs=0.5)


def test_a_box_is_drawn_with_handles_and_its_size(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    stage.state.set_selection(Selection(RATE // 4, RATE, 500, 4000))
    image = stage.picture(view)
    for x in (view.x_of(RATE // 4), view.x_of(RATE)):
        for hz in (500, 4000):
            assert QColor(image.pixel(round(x), round(view.y_of(hz)))).lightness() > 220
    assert view.accessibleDescription().startswith("Selection 0.25–1.00 s, 500–4000 Hz")


def test_alt_drag_selects_a_box_and_drag_a_span(stage: Stage, qtbot: QtBot) -> None:
    view = stage.canvas.spectrogram
    start, stop = QPoint(200, 300), QPoint(400, 120)
    drag(qtbot, view, start, stop, Qt.KeyboardModifier.AltModifier)
    chosen = stage.state.selection
    assert chosen is not None
    assert chosen.low_hz == pytest.approx(view.hz_at(300))
    assert chosen.high_hz == pytest.approx(view.hz_at(120))
    assert chosen.start == pytest.approx(view.frame_at(200), abs=1)
    assert chosen.stop == pytest.approx(view.frame_at(400), abs=1)
    drag(qtbot, view, QPoint(500, 50), QPoint(600, 60))
    assert stage.state.selection is not None
    assert not stage.state.selection.is_box


@pytest.mark.parametrize(
    ("edge", "at", "to"),
    [("low_hz", (0.5, 500), (0.5, 200)), ("high_hz", (0.5, 4000), (0.5, 9000)), ("stop", (1.0, 1500), (1.4, 1500))],
)
def test_each_edge_of_a_box_can_be_moved_alone(
    stage: Stage, qtbot: QtBot, edge: str, at: tuple[float, float], to: tuple[float, float]
) -> None:
    view = stage.canvas.spectrogram
    before = Selection(RATE // 4, RATE, 500, 4000)
    stage.state.set_selection(before)
    points = [QPoint(round(view.x_of(s * RATE)), round(view.y_of(hz))) for s, hz in (at, to)]
    drag(qtbot, view, *points)
    after = stage.state.selection
    assert after is not None
    for name in ("start", "stop", "low_hz", "high_hz"):
        if name != edge:
            assert getattr(after, name) == getattr(before, name)
    wanted = to[0] * RATE if edge == "stop" else to[1]
    assert getattr(after, edge) == pytest.approx(wanted, rel=0.02)


def test_a_corner_moves_two_edges(stage: Stage, qtbot: QtBot) -> None:
    view = stage.canvas.spectrogram
    stage.state.set_selection(Selection(RATE // 4, RATE, 500, 4000))
    corner = QPoint(round(view.x_of(RATE)), round(view.y_of(4000)))
    drag(qtbot, view, corner, corner + QPoint(60, -40))
    after = stage.state.selection
    assert after is not None
    assert (after.start, after.low_hz) == (RATE // 4, 500)
    assert after.stop > RATE + 1000
    assert after.high_hz is not None
    assert after.high_hz > 4500


def test_ctrl_and_wheel_zoom_the_frequencies_at_the_pointer(stage: Stage, turn_wheel: Callable[..., None]) -> None:
    view, state = stage.canvas.spectrogram, stage.state
    span, hz = (state.start, state.stop), view.hz_at(200)
    turn_wheel(view, 300, 200, 3, Qt.KeyboardModifier.ControlModifier)
    assert state.high_hz - state.low_hz < RATE / 2 - 60
    assert view.hz_at(200) == pytest.approx(hz, rel=1e-3)
    assert (state.start, state.stop) == span


def test_nothing_stands_before_a_minus_sign_of_the_colour_bar(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    bar = view.bar.bar(view.right_gutter)
    image = stage.picture(view)
    heights = range(bar.top(), bar.bottom())
    seen = {image.pixelColor(bar.right() + x, y).name() for x in (2, 3) for y in heights}
    assert len(seen) == 1


def test_the_colour_bar_takes_both_ends_of_the_range(stage: Stage, qtbot: QtBot) -> None:
    view, state = stage.canvas.spectrogram, stage.state
    x = view.width() - 30
    drag(qtbot, view, QPoint(x, 20), QPoint(x, 80))
    assert state.ceiling_db < -15  # the bright end was pulled down to quieter levels
    assert state.floor_db == -100
    ceiling = state.ceiling_db
    drag(qtbot, view, QPoint(x, view.height() - 20), QPoint(x, view.height() - 80))
    assert state.floor_db > -95
    assert state.ceiling_db == ceiling
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(x, 100))
    assert (state.floor_db, state.ceiling_db) == (-100, -10)
    assert state.selection is None


def test_another_map_needs_no_other_tiles(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    view = stage.canvas.spectrogram
    before = stage.picture(view)
    tiles = stage.b.tiles()
    monkeypatch.setattr(tiles, "tile", lambda *_, **__: pytest.fail("a tile was computed"))
    stage.state.set_map("Viridis")
    after = stage.picture(view)
    x, y = round(view.x_of(RATE / 4)), round(view.y_of(1000))
    assert QColor(before.pixel(x, y)) != QColor(after.pixel(x, y))


def test_compare_points_at_one_place_in_three_views(stage: Stage, qtbot: QtBot) -> None:
    stage.state.set_layout("compare")
    stage.settle()
    seen: list[Hover | None] = []
    stage.canvas.hovered.connect(seen.append)
    a, b, delta = stage.canvas.compared
    for below in (-2, -1, 0, 1, 2):  # a row of this low view is 24 Hz high
        qtbot.mouseMove(a, QPoint(round(a.x_of(RATE / 4)), round(a.y_of(1000)) + below))
    levels = [(place.db_a, place.db_b) for place in seen if place is not None]
    assert max(a_db for a_db, _ in levels if a_db is not None) == pytest.approx(-12.7, abs=1.0)
    assert all(a_db == b_db for a_db, b_db in levels)
    place = seen[-1]
    assert place is not None
    assert a.crosshair == b.crosshair == delta.crosshair
    assert b.crosshair is not None
    assert b.crosshair.hz == place.hz


def test_the_generated_band_is_tinted_above_its_dashed_line(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    plain = stage.picture(view)
    stage.state.edge.show(BandEdge(8000.0, 8000.0, generated_to_hz=RATE / 2))
    tinted = stage.picture(view)
    x = round(view.x_of(RATE * 0.6))
    above, below = round(view.y_of(12_000)), round(view.y_of(5000))
    assert QColor(tinted.pixel(x, above)).blue() > QColor(plain.pixel(x, above)).blue() + 10
    assert QColor(tinted.pixel(x, below)) == QColor(plain.pixel(x, below))


def test_overlay_draws_the_waveform_over_the_spectrogram(stage: Stage, count_near: Callable[..., int]) -> None:
    stage.state.set_layout("overlay")
    stage.state.set_opacity(0.0)
    only_wave = stage.picture(stage.canvas.spectrogram)
    assert count_near(only_wave, "#4CC9F0", 60, 430) > 5000
    stage.state.set_opacity(1.0)
    assert count_near(stage.picture(stage.canvas.spectrogram), "#4CC9F0", 60, 430) < 200


def drag(
    qtbot: QtBot,
    widget: QWidget,
    start: QPoint,
    stop: QPoint,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    button: Qt.MouseButton = Qt.MouseButton.LeftButton,
) -> None:
    qtbot.mousePress(widget, button, keys, start)
    for share in (0.3, 0.7, 1.0):
        qtbot.mouseMove(widget, start + (stop - start) * share)
    qtbot.mouseRelease(widget, button, keys, stop)


def test_a_chunk_stays_grey_until_its_own_picture_is_there(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    y, x = round(view.y_of(1000)), round(view.x_of(RATE * 1.5))
    stage.picture(view)
    stage.canvas.set_busy_tiles(True)  # no tile is computed from here on
    stage.b.set_finished([Span(0, FRAMES)])
    stage.b.refresh(Span(RATE, FRAMES))
    assert stage.b.wait()
    QApplication.processEvents()
    assert saturation(view.grab().toImage(), x, y) < 40  # what is drawn there is still A
    stage.canvas.set_busy_tiles(False)
    assert saturation(stage.picture(view), x, y) > 60


def test_a_new_result_doesnt_flash_black(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    x, y = round(view.x_of(RATE * 0.5)), round(view.y_of(1000))
    stage.picture(view)
    stage.canvas.set_busy_tiles(True)
    stage.b.reset(stage.b.signal, [Span(0, RATE)])  # its chunks may be in the store already
    QApplication.processEvents()
    colour = QColor(view.grab().toImage().pixel(x, y))
    assert colour.lightness() > 40  # the old picture
    assert saturation(view.grab().toImage(), x, y) < 40  # in grey: nothing of the new result is drawn
    stage.canvas.set_busy_tiles(False)


def test_chunks_that_land_while_tiles_are_computed_are_all_drawn(stage: Stage) -> None:
    """A tile that was begun before a chunk landed must be asked for again, whenever its thread ends."""
    view = stage.canvas.spectrogram
    x, y = round(view.x_of(RATE * 1.9)), round(view.y_of(1000))
    for part in range(10):
        span = Span(RATE + part * RATE // 10, RATE + (part + 1) * RATE // 10)
        stage.b.set_finished([Span(0, span.stop)])
        stage.b.refresh(span)
        for _ in range(3):
            QApplication.processEvents()
    assert saturation(stage.picture(view), x, y) > 60
    assert view.is_sharp
