"""The dashed line at the edge of a recording's band: where it stands, how it is taken, what is tinted above it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from engine.audio.signal import Span
from gui.views.annotations import BandEdge
from gui.views.axes import Scale
from gui.views.edge_line import EdgeLine, edge_hz
from gui.views.view_state import Selection

if TYPE_CHECKING:
    from conftest import Stage

RATE, FRAMES = 44_100, 88_200  # of the stage; B has finished its first second
EDGE = BandEdge(8000.0, 7600.0, 0.86, is_set=True, lowest_hz=100.0, highest_hz=11_025.0, generated_to_hz=RATE / 2)


def at(stage: Stage, second: float, hertz: float) -> QPoint:
    view = stage.canvas.spectrogram
    return QPoint(round(view.x_of(second * RATE)), round(view.y_of(hertz)))


def is_tinted(plain: QImage, tinted: QImage, point: QPoint) -> bool:
    before, after = QColor(plain.pixel(point)), QColor(tinted.pixel(point))
    return after.blue() > before.blue() + 10


@pytest.mark.parametrize("scale", ["linear", "log", "mel", "bark"])
@pytest.mark.parametrize("zoom", [(0.0, RATE / 2), (5000.0, 9000.0)])
def test_the_line_is_drawn_where_the_axis_has_its_frequency(
    stage: Stage, scale: Scale, zoom: tuple[float, float]
) -> None:
    view = stage.canvas.spectrogram
    stage.state.set_scale(scale)
    stage.state.set_frequency(*zoom)
    stage.state.edge.show(EDGE)
    image = stage.picture(view)
    y = round(view.y_of(8000))
    whites = [x for x in range(view.plot.left(), view.plot.right()) if QColor(image.pixel(x, y)).lightness() > 200]
    assert 0.4 < len(whites) / view.plot.width() < 0.7  # dashes of 5, gaps of 4
    assert view.hz_at(y) == pytest.approx(8000, rel=0.01)


def test_every_channel_has_its_line_and_a_zoom_past_it_shows_none(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    stage.state.edge.show(EDGE)
    stage.state.set_channels("each")
    assert len(view.edge_heights()) == 2
    stage.state.set_frequency(60, 4000)
    assert view.edge_heights() == []
    stage.state.set_frequency(60, 20_000)
    stage.canvas.set_blind(True)
    assert view.edge_heights() == []


def test_only_what_b_has_generated_is_tinted(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    stage.state.set_scale("linear")
    plain = stage.picture(view)
    stage.state.edge.show(EDGE)
    tinted = stage.picture(view)
    assert is_tinted(plain, tinted, at(stage, 0.6, 12_000))
    assert not is_tinted(plain, tinted, at(stage, 0.6, 5000))
    assert not is_tinted(plain, tinted, at(stage, 1.4, 12_000))  # plays A
    stage.state.edge.show(BandEdge(8000.0, 8000.0, generated_to_hz=16_000.0, generated_in=Span(0, RATE // 2)))
    part = stage.picture(view)
    assert is_tinted(plain, part, at(stage, 0.3, 12_000))
    assert not is_tinted(plain, part, at(stage, 0.3, 18_000))  # above what was generated
    assert not is_tinted(plain, part, at(stage, 0.8, 12_000))  # outside the scope


def test_a_has_the_line_but_no_tint(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    stage.canvas.set_monitor("A")
    plain = stage.picture(view)
    stage.state.edge.show(EDGE)
    tinted = stage.picture(view)
    assert not is_tinted(plain, tinted, at(stage, 0.6, 14_000))
    assert len(view.edge_heights()) == 1


def test_a_drag_asks_once_and_only_at_its_end(stage: Stage) -> None:
    view, line = stage.canvas.spectrogram, stage.state.edge
    line.show(EDGE)
    asked: list[float | None] = []
    line.wanted.connect(asked.append)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at(stage, 0.5, 8000))
    for hertz in (7000, 6000, 5000):
        QTest.mouseMove(view, at(stage, 0.5, hertz))
        assert line.hz == pytest.approx(hertz, rel=0.02)
        assert line.is_dragged
    assert asked == []
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(stage, 0.5, 5000))
    assert asked == [pytest.approx(5000, rel=0.02)]
    assert asked[0] == round(float(asked[0] or 0))
    assert stage.state.selection is None


def test_a_drag_stays_where_an_edge_can_be(stage: Stage) -> None:
    view, line = stage.canvas.spectrogram, stage.state.edge
    line.show(EDGE)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at(stage, 0.5, 8000))
    QTest.mouseMove(view, at(stage, 0.5, 20_000))
    assert line.hz == EDGE.highest_hz
    line.cancel()


def test_escape_during_a_drag_puts_the_line_back_and_the_mouse_lets_go(stage: Stage) -> None:
    view, line = stage.canvas.spectrogram, stage.state.edge
    line.show(EDGE)
    asked: list[float | None] = []
    line.wanted.connect(asked.append)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at(stage, 0.5, 8000))
    QTest.mouseMove(view, at(stage, 0.5, 5000))
    assert line.cancel()
    assert line.hz == 8000
    QTest.mouseMove(view, at(stage, 0.5, 4000))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(stage, 0.5, 4000))
    assert (line.hz, asked, stage.state.is_held) == (8000, [], False)
    assert not line.cancel()  # the next Escape is for others


def test_a_click_or_double_click_doesnt_move_it_and_the_second_asks_for_the_found_one(stage: Stage) -> None:
    view, line = stage.canvas.spectrogram, stage.state.edge
    line.show(EDGE)
    asked: list[float | None] = []
    line.wanted.connect(asked.append)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(stage, 0.5, 8000))
    assert asked == []
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=at(stage, 0.5, 8000))
    assert asked == [None]
    assert stage.state.selection is None


def hover(view: QWidget, point: QPoint) -> None:
    """Move the pointer without a button: Qt's own test function does that only if the screen has a pointer."""
    no_button = Qt.MouseButton.NoButton
    position = QPointF(point)
    move_event = QMouseEvent(
        QEvent.Type.MouseMove,
        position,
        view.mapToGlobal(position),
        no_button,
        no_button,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(view, move_event)


def test_the_pointer_says_where_the_line_can_be_taken(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    stage.state.edge.show(EDGE)
    hover(view, at(stage, 0.5, 8000) + QPoint(0, 3))
    assert view.cursor().shape() == Qt.CursorShape.SizeVerCursor
    hover(view, at(stage, 0.5, 8000) + QPoint(0, 30))
    assert view.cursor().shape() == Qt.CursorShape.IBeamCursor
    stage.state.set_tool("hand")
    hover(view, at(stage, 0.5, 8000))
    assert view.cursor().shape() == Qt.CursorShape.OpenHandCursor


def test_the_line_is_solid_only_while_the_pointer_is_on_it(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    stage.state.edge.show(EDGE)
    dashed = stage.picture(view)
    row = at(stage, 0.5, 8000).y()
    hover(view, at(stage, 0.5, 8000))
    solid = stage.picture(view)
    assert lit_in(solid, row) > 1.2 * lit_in(dashed, row)
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert lit_in(stage.picture(view), row) == lit_in(dashed, row)


def lit_in(picture: QImage, row: int) -> int:
    """Return how many pixels of a row are nearly white."""
    return sum(QColor(picture.pixel(x, row)).lightness() > 150 for x in range(picture.width()))


def test_an_edge_of_a_box_on_the_line_is_taken_before_the_line(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    stage.state.edge.show(EDGE)
    stage.state.set_selection(Selection(RATE // 4, RATE // 2, 500, 8000))
    assert not view.is_on_edge(QPointF(at(stage, 0.4, 8000)))
    assert view.is_on_edge(QPointF(at(stage, 1.5, 8000)))


def test_the_menu_puts_the_edge_here_or_back(stage: Stage) -> None:
    view, line = stage.canvas.spectrogram, stage.state.edge
    assert view.edge_menu(QPointF(at(stage, 0.5, 4000))) is None
    line.show(EDGE)
    asked: list[float | None] = []
    line.wanted.connect(asked.append)
    menu = view.edge_menu(QPointF(at(stage, 0.5, 4000)))
    assert menu is not None
    here, back = menu.actions()
    assert here.text().startswith("Put the band edge here, ")
    assert back.text() == "Use the found edge, 7.60 kHz"
    here.trigger()
    back.trigger()
    assert asked == [pytest.approx(4000, rel=0.02), None]
    assert len(view.edge_menu(QPointF(at(stage, 0.5, 8000))).actions()) == 1  # type: ignore[union-attr]


def test_the_line_says_how_it_is_known() -> None:
    line = EdgeLine()
    assert line.words == ""
    for edge, words in (
        (BandEdge(7627.0, 7627.0, 0.864), "7.63 kHz edge · 86 % sure"),
        (BandEdge(8000.0, 8000.0, 0.1), "8.00 kHz · no clear edge"),
        (BandEdge(8200.0, 7627.0, 0.864, is_set=True), "8.20 kHz edge · set by hand"),
        (BandEdge(16_000.0, 16_000.0), "16.0 kHz edge · found"),
    ):
        line.show(edge)
        assert line.words == words
    line.drag(850.4)
    assert line.words == "850 Hz edge"
    assert edge_hz(999.6) == "1.00 kHz"


def test_the_edge_is_spoken(stage: Stage) -> None:
    view = stage.canvas.spectrogram
    stage.state.edge.show(EDGE)
    assert "8.00 kHz edge · set by hand; generated up to 22.1 kHz, not recovered" in view.accessibleDescription()
    stage.state.edge.show(None)
    assert "edge" not in view.accessibleDescription()
