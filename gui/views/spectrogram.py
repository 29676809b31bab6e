"""The spectrogram of A, B or their difference: tiles loaded in the background, boxes drawn on it with the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from engine.audio.signal import Span
from gui import theme
from gui.views.axes import frequency_ticks, hz_at_position, note_name, position_of_hz, short_hz
from gui.views.byte_picture import byte_picture
from gui.views.colour_maps import DELTA_STEP_DB, LOWEST_DB, UNFINISHED, colours_of_changes, colours_of_levels
from gui.views.crew import Crew
from gui.views.curves import Curves
from gui.views.edge_line import edge_hz
from gui.views.edged_canvas import EdgedCanvas
from gui.views.lane import Lane
from gui.views.spectrogram_marks import (
    paint_box,
    paint_crosshair,
    paint_edge,
    paint_generated,
    paint_generated_label,
    paint_generated_span,
    paint_nothing_above,
    paint_side,
)
from gui.views.spectrogram_scene import SpectrogramScene
from gui.views.time_canvas import paint_hatching, paint_unrendered_label
from gui.views.view_state import Hover, Selection, ViewState

Shown = Literal["A", "B", "delta"]
NAMES: dict[Shown | None, str] = {
    None: "Spectrogram",
    "A": "Spectrogram of the original",
    "B": "Spectrogram of the result",
    "delta": "Difference spectrogram",
}


class SpectrogramView(EdgedCanvas):
    """Level over time and frequency of one side, or how it changed."""

    def __init__(
        self,
        state: ViewState,
        crew: Crew | None = None,
        fixed_side: Shown | None = None,
        curves: Curves | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, NAMES[fixed_side], parent)
        self._scene = SpectrogramScene(state, crew or Crew(1, self), self)
        self._scene.arrived.connect(self.renew)
        self._fixed_side = fixed_side
        self._curves = curves  # drawn on top in the overlay layout
        self.a: Lane | None = None
        self.b: Lane | None = None
        self.a_like_b: Lane | None = None  # A at B's rate, where the rates differ: what B is compared with
        self.monitor: str = "B"
        self.generated_spans: tuple[Span, ...] = ()
        self.crosshair: Hover | None = None
        self._pictures: list[NDArray[np.uint8]] = []
        state.frequency_changed.connect(self.renew)
        if curves is not None:
            curves.changed.connect(self._curves_changed)
        self.setMinimumHeight(60)

    # --- what is shown -------------------------------------------------------------------------------------------

    def set_lanes(self, a: Lane | None, b: Lane | None, monitor: str = "B") -> None:
        """Show two sides, of which `monitor` ("A", "B" or "delta") is heard."""
        for lane in self._lanes:
            lane.peaks_changed.disconnect(self._landed)
            lane.finished_changed.disconnect(self.renew)
            lane.reset_done.disconnect(self._inherit)
        self.a, self.b, self.monitor = a, b if b is not a else None, monitor
        for lane in self._lanes:
            lane.peaks_changed.connect(self._landed)
            lane.finished_changed.connect(self.renew)
            lane.reset_done.connect(self._inherit)
        self._forget()

    def set_monitor(self, monitor: str) -> None:
        """Say which side is heard."""
        if monitor != self.monitor:
            self.monitor = monitor
            self.renew()

    def set_a_like_b(self, lane: Lane | None) -> None:
        """Say what B is compared with where A has another rate: transforms of two rates can't be compared."""
        if lane is not self.a_like_b:
            self.a_like_b = lane
            self.renew()

    def set_generated(self, spans: Sequence[Span]) -> None:
        """Tint whole spans in project frames as generated."""
        self.generated_spans = tuple(spans)
        self.renew()

    def set_crosshair(self, place: Hover | None) -> None:
        """Draw a cross at a place that another view points at."""
        if place != self.crosshair:
            self.crosshair = place
            self.update()

    def set_blind(self, is_blind: bool) -> None:
        """Show nothing that tells the sides apart."""
        self.is_blind = is_blind
        self.renew()

    @property
    def _lanes(self) -> list[Lane]:
        return [lane for lane in (self.a, self.b) if lane is not None]

    @property
    def shown(self) -> Shown:
        """Which side the view shows now."""
        if self.b is None or self.is_blind:
            return "A"
        if self._fixed_side is not None:
            return self._fixed_side
        if not self.state.view_follows_monitor or self.monitor not in ("A", "delta"):
            return "B"
        return "A" if self.monitor == "A" else "delta"

    @property
    def lane(self) -> Lane | None:
        """The side that is shown; of a difference, B."""
        return self.a if self.shown == "A" or self.b is None else self.b

    def _forget(self) -> None:
        self._scene.clear()
        self.renew()

    def _inherit(self) -> None:
        lane = self.sender()
        if isinstance(lane, Lane):
            self._scene.inherit(lane)
        self.renew()

    def _landed(self, start: int, stop: int) -> None:
        lane = self.sender()
        if isinstance(lane, Lane) and (lane.side != "A" or self._is_waiting):
            factor = self.state.rate / lane.rate
            if start * factor < self.state.stop and stop * factor > self.state.start:
                self.renew()

    def _curves_changed(self) -> None:
        if self.state.layout == "overlay":
            self.renew()

    @property
    def is_sharp(self) -> bool:
        """Return whether the picture on screen is of the present view and no tile of it is stretched."""
        return self._still is not None and self._scene.is_sharp

    @property
    def _is_waiting(self) -> bool:
        return not self._pictures

    # --- geometry ------------------------------------------------------------------------------------------------

    @property
    def rows(self) -> int:
        """How many channels stand above each other."""
        return self.lane.channels if self.lane is not None and self.state.channels != "mixed" else 1

    def _row_rect(self, index: int) -> QRect:
        plot = self.plot
        top = round(index * plot.height() / self.rows)
        return QRect(plot.left(), top, plot.width(), round((index + 1) * plot.height() / self.rows) - top)

    def _row_at(self, y: float) -> QRect:
        return self._row_rect(min(max(int(y / self.plot.height() * self.rows), 0), self.rows - 1))

    def hz_at(self, y: float) -> float | None:
        row, state = self._row_at(y), self.state
        place = min(max((row.top() + row.height() - y) / row.height(), 0.0), 1.0)
        return float(hz_at_position(place, state.scale, state.low_hz, state.high_hz))

    def y_of(self, hz: float) -> float:
        return self._y_in(self._row_rect(0), hz)

    def _y_in(self, row: QRect, hz: float) -> float:
        state = self.state
        place = float(position_of_hz(hz, state.scale, state.low_hz, state.high_hz))
        return row.top() + (1 - place) * row.height()

    def zoom_vertically(self, factor: float, y: float) -> None:
        self.state.zoom_frequency(factor, self.hz_at(y))

    def hover(self, point: QPointF) -> Hover:
        frame, hz = self.frame_at(point.x()), self.hz_at(point.y())
        assert hz is not None
        return Hover(frame, frame / self.state.rate, hz, note_name(hz), self.level_at(frame, hz))

    def level_at(self, frame: float, hz: float) -> float | None:
        """Return the level shown at a place, dBFS (Δ: dB of change), None where nothing is shown."""
        lane = self.lane
        if not self._pictures or lane is None or hz > lane.rate / 2:
            return None
        picture = self._pictures[0]
        row = self._row_rect(0)
        x = int((self.x_of(frame) - row.left()) / row.width() * picture.shape[1])
        y = int((self._y_in(row, hz) - row.top()) / row.height() * picture.shape[0])
        if not (0 <= x < picture.shape[1] and 0 <= y < picture.shape[0]):
            return None
        byte = int(picture[y, x])
        return (byte - 128) * DELTA_STEP_DB if self.shown == "delta" else LOWEST_DB + byte * DELTA_STEP_DB

    # --- painting ------------------------------------------------------------------------------------------------

    def paint_still(self, painter: QPainter) -> None:
        look, plot = theme.tokens(), self.plot
        painter.fillRect(self.rect(), QColor(look.window))
        painter.fillRect(plot, QColor("#06080C"))
        self._pictures = []
        lane = self.lane
        if lane is not None and self.state.frames:
            painter.save()
            painter.setClipRect(plot)
            self._paint_pictures(painter, lane)
            painter.restore()
        self._paint_ruler(painter, look)
        self.bar.is_delta = self.shown == "delta"
        self.bar.paint(painter, self.right_gutter)
        self._paint_chosen(painter)

    def _paint_pictures(self, painter: QPainter, lane: Lane) -> None:
        ratio = self.devicePixelRatioF()
        is_overlay = self.state.layout == "overlay" and self._curves is not None
        if is_overlay:
            painter.setOpacity(min(1.0, 2 * self.state.opacity))
        sides = [lane]
        if self.shown == "delta" and self.a is not None and self.b is not None:
            sides = [self.a_like_b or self.a, self.b]
        rects = [self._row_rect(row) for row in range(self.rows)]
        sizes = [(round(rect.width() * ratio), round(rect.height() * ratio)) for rect in rects]
        self._pictures = self._scene.pictures(sides, sizes)
        gaps = self._gaps()
        for rect, picture in zip(rects, self._pictures, strict=True):
            self._draw(painter, picture, rect, ratio, gaps)
        painter.setOpacity(1.0)
        self._paint_over(painter, gaps, is_overlay)

    def _gaps(self) -> list[tuple[int, int]]:
        """Return the columns that don't show B's result: not rendered, or rendered since the tile was computed."""
        if self.shown == "A" or self.b is None:
            return []
        factor = self.b.rate / self.state.rate
        first, last = max(0, int(self.state.start * factor)), min(self.b.frames, int(self.state.stop * factor))
        return self.columns_of(self.b, [*self.b.unfinished(first, last), *self._scene.outdated])

    def _paint_over(self, painter: QPainter, gaps: list[tuple[int, int]], is_overlay: bool) -> None:
        plot = self.plot
        self._paint_emptiness(painter)
        for left, right in gaps:
            paint_hatching(painter, QRect(left, plot.top(), right - left, plot.height()), theme.color("#FFFFFF", 0.10))
        if is_overlay and self._curves is not None:
            painter.setOpacity(min(1.0, 2 * (1 - self.state.opacity)))
            self._curves.paint(painter, plot, self.devicePixelRatioF(), gaps)
            painter.setOpacity(1.0)
        for span in self.generated_spans if self.shown == "B" else ():
            left, right = (min(max(round(self.x_of(x)), plot.left()), plot.right() + 1) for x in span)
            paint_generated_span(painter, QRect(left, plot.top(), right - left, plot.height()))
        self._paint_band(painter, gaps)
        if gaps and self.shown != "delta":
            left, right = gaps[-1]
            paint_unrendered_label(painter, QRect(left, plot.top(), right - left, plot.height()))
        if self._fixed_side is not None and not self.is_blind:
            paint_side(painter, plot, self._fixed_side, is_heard=self.monitor == self._fixed_side)

    def describe(self) -> None:
        super().describe()
        line = self.state.edge
        if line.shown is not None and not self.is_blind:
            band = line.generated_hz
            above = f"; generated up to {edge_hz(band[1])}, not recovered" if band is not None else ""
            self.setAccessibleDescription(f"{self.accessibleDescription()}. {line.words}{above}")

    def _paint_emptiness(self, painter: QPainter) -> None:
        """Where A ends at half its rate and the axis, for B, goes on: nothing, and why."""
        lane = self.a
        if lane is None or self.shown != "A" or self.is_blind or lane.rate / 2 >= self.state.high_hz - 1:
            return
        for row in range(self.rows):
            rect = self._row_rect(row)
            words = f"A ends at {lane.rate / 2000:g} kHz, half its rate"
            paint_nothing_above(painter, rect, self._y_in(rect, lane.rate / 2), words)

    def edge_heights(self) -> list[float]:
        hz = self.state.edge.hz
        if hz is None or self.is_blind or not self.state.low_hz < hz < self.state.high_hz:
            return []
        return [self._y_in(self._row_rect(row), hz) for row in range(self.rows)]

    def _paint_band(self, painter: QPainter, gaps: list[tuple[int, int]]) -> None:
        """Tint what was generated, and draw the edge that it begins at."""
        line, band = self.state.edge, self.state.edge.generated_hz
        done = self._generated_columns(gaps) if self.shown == "B" else []
        if band is not None and done:
            for row in range(self.rows):
                self._tint(painter, row, band, done)
        for row, y in enumerate(self.edge_heights()):
            paint_edge(painter, self._row_rect(row), round(y), line.words, line.is_dragged or self.is_edge_hovered)

    def _tint(self, painter: QPainter, row: int, band_hz: tuple[float, float], done: list[tuple[int, int]]) -> None:
        rect = self._row_rect(row)
        bottom, top = (min(max(round(self._y_in(rect, hz)), rect.top()), rect.bottom() + 1) for hz in band_hz)
        paint_generated(painter, QRect(rect.left(), top, rect.width(), bottom - top), done)
        if bottom > top and (row == 0 or rect.height() > 90):
            indent = theme.px(92) if self._fixed_side else 0
            paint_generated_label(painter, rect, edge_hz(band_hz[0]), max(indent, done[0][0] - rect.left()))

    def _generated_columns(self, gaps: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return the columns (left, right) that show finished sound inside the scope of what generates."""
        edge, plot = self.state.edge.shown, self.plot
        span = edge.generated_in if edge is not None else None
        first, last = plot.left(), plot.right() + 1
        if span is not None:
            first, last = (min(max(round(self.x_of(frame)), first), last) for frame in span)
        bounds = [first, *(min(max(x, first), last) for gap in gaps for x in gap), last]
        pairs = zip(bounds[::2], bounds[1::2], strict=True)
        return [(left, right) for left, right in pairs if right > left]

    def _draw(
        self, painter: QPainter, picture: NDArray[np.uint8], rect: QRect, ratio: float, gaps: list[tuple[int, int]]
    ) -> None:
        floor, ceiling = self.state.floor_db, self.state.ceiling_db
        is_delta = self.shown == "delta"
        colours = colours_of_changes() if is_delta else colours_of_levels(self.state.map_name, floor, ceiling)
        painter.drawImage(QPointF(rect.left(), rect.top()), byte_picture(picture, colours, ratio))
        for left, right in gaps:
            gap = QRect(left, rect.top(), right - left, rect.height())
            if is_delta:  # nothing is known to have changed
                painter.fillRect(gap, QColor.fromRgb(colours[128]))
                continue
            first = round((left - rect.left()) * ratio)
            part = picture[:, first : first + round((right - left) * ratio)]
            grey = byte_picture(part, colours_of_levels(UNFINISHED, floor, ceiling), ratio)
            painter.drawImage(QRectF(gap), grey)

    def _paint_ruler(self, painter: QPainter, look: theme.Tokens) -> None:
        painter.setFont(theme.ui_font(11, 500))
        painter.setPen(QColor(look.text3))
        painter.drawText(QRectF(8, 4, self.gutter, 16), Qt.AlignmentFlag.AlignVCenter, "Hz")
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row in range(self.rows):
            rect = self._row_rect(row)
            if row:
                painter.fillRect(QRect(0, rect.top(), self.width(), 1), QColor(look.line))
            for hz in frequency_ticks(self.state.scale, self.state.low_hz, self.state.high_hz, rect.height()):
                y = self._y_in(rect, hz)
                if row == 0 and y < 26:
                    continue
                painter.fillRect(QRect(self.plot.left() - 5, round(y), 5, 1), QColor(look.text3))
                painter.drawText(QRectF(0, y - 8, self.gutter - 9, 16), right, short_hz(hz))

    def _paint_chosen(self, painter: QPainter) -> None:
        chosen: Selection | None = self.state.selection
        if chosen is None:
            return
        if chosen.low_hz is None or chosen.high_hz is None:
            self.paint_selection(painter, chosen)
            return
        painter.save()
        painter.setClipRect(self.plot)
        for row in range(self.rows):
            rect = self._row_rect(row)
            box = QRectF(
                QPointF(self.x_of(chosen.start), max(self._y_in(rect, chosen.high_hz), rect.top() - 4.0)),
                QPointF(self.x_of(chosen.stop), min(self._y_in(rect, chosen.low_hz), rect.bottom() + 4.0)),
            )
            paint_box(painter, box, chosen, self.state.rate, rect)
        painter.restore()

    def paint_playhead(self, painter: QPainter) -> None:
        super().paint_playhead(painter)
        place = self.crosshair
        if place is not None and place.hz is not None:
            at = QPointF(self.x_of(place.frame), self.y_of(place.hz))
            level = self.level_at(place.frame, place.hz) if self._fixed_side else None
            paint_crosshair(painter, self.plot, at, self.shown, level)

    def playhead_colours(self, look: theme.Tokens) -> tuple[QColor, QColor]:
        # The map is data and stays dark in the light theme, so its marks stay white.
        return QColor("#FFFFFF"), theme.color("#000000", 0.6)
