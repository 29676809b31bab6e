"""The curves of both sides, painted into any rectangle: by the waveform view, and over the spectrogram in overlay.

A stands behind, B in front; each has its extremes (pale) and its RMS (full). Up close the samples themselves are drawn.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen

from engine.audio.peaks import CELL
from engine.audio.signal import Samples
from gui import theme
from gui.views.byte_picture import byte_picture
from gui.views.crew import Crew
from gui.views.envelope import (
    ColumnGrid,
    Envelope,
    Picture,
    empty_envelope,
    envelope_of_peaks,
    envelope_of_samples,
    filled,
    mark_columns,
)
from gui.views.lane import Lane, merged
from gui.views.sample_pages import SamplePages
from gui.views.view_state import ViewState

LINE_FRAMES = 2.0  # below so many samples per pixel the curve itself is drawn
DOT_PX = 4.0  # dots once samples lie so far apart
PALE = 0.62  # extremes: ink on canvas
BACK, BACK_RMS, FRONT, FRONT_RMS = 1, 2, 4, 8  # bits of the picture; the highest wins, 0 is transparent


class Curves(QObject):
    """Paints the waveforms of two lanes for the visible span of a `ViewState`."""

    changed = Signal()

    def __init__(self, state: ViewState, crew: Crew, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._crew = crew
        self.a: Lane | None = None
        self.b: Lane | None = None
        self._delta: Lane | None = None
        self.monitor = "B"
        self.is_blind = False
        self._pages: dict[tuple[int, int, bool], SamplePages] = {}

    def set_lanes(self, a: Lane | None, b: Lane | None) -> None:
        """Show two sides, either of which may be missing."""
        for lane in self.lanes:
            lane.peaks_changed.disconnect(self._peaks_landed)
            lane.finished_changed.disconnect(self.changed)
            lane.reset_done.disconnect(self._forget_pages)
        self.a, self.b = a, b if b is not a else None
        for lane in self.lanes:
            lane.peaks_changed.connect(self._peaks_landed)
            lane.finished_changed.connect(self.changed)
            lane.reset_done.connect(self._forget_pages)
        self._forget_pages()

    def set_delta(self, delta: Lane | None) -> None:
        """Show the difference instead of both sides while it is heard."""
        if self._delta is not None:
            self._delta.peaks_changed.disconnect(self._peaks_landed)
        self._delta = delta
        if delta is not None:
            delta.peaks_changed.connect(self._peaks_landed)
        self.changed.emit()

    @property
    def lanes(self) -> list[Lane]:
        return [lane for lane in (self.a, self.b) if lane is not None]

    @property
    def delta(self) -> Lane | None:
        """The difference, if that is what is shown."""
        is_shown = self.monitor == "delta" and self._state.view_follows_monitor and not self.is_blind
        return self._delta if is_shown else None

    @property
    def rows(self) -> int:
        """How many curves stand above each other: one, or one per channel."""
        if self._state.channels == "mixed" or not self.lanes:
            return 1
        return max(lane.channels for lane in self.lanes)

    def row(self, index: int, rect: QRect) -> tuple[float, float]:
        """Return the height of zero and the way to ±1 of a row inside `rect`, px."""
        height = rect.height() / self.rows
        return rect.top() + (index + 0.5) * height, height / 2 - 1

    def _forget_pages(self) -> None:
        self._pages.clear()
        self.changed.emit()

    def _peaks_landed(self, start: int, stop: int) -> None:
        lane = self.sender()
        if not isinstance(lane, Lane):
            return
        for (owner, _, _), pages in self._pages.items():
            if owner == id(lane) and lane.side != "A":  # A's samples don't change while its peaks grow
                pages.forget(start, stop)
        factor = self._state.rate / lane.rate
        if start * factor < self._state.stop and stop * factor > self._state.start:
            self.changed.emit()

    # --- extremes and RMS ----------------------------------------------------------------------------------------

    @property
    def _is_a_heard(self) -> bool:
        return self.monitor == "A" and self._state.view_follows_monitor and self.b is not None and self.a is not None

    def paint(self, painter: QPainter, rect: QRect, ratio: float, gaps: list[tuple[int, int]]) -> None:
        """Paint into `rect`; `gaps` are the columns (left, right), px of the widget, where B isn't rendered."""
        frames_per_px = self._state.span_frames / rect.width()
        if frames_per_px < LINE_FRAMES and self._paint_lines(painter, rect):
            return
        width, height = round(rect.width() * ratio), round(rect.height() * ratio)
        edges: Picture = np.zeros((height + 1, width), dtype=np.uint8)
        known = np.ones(width, dtype=np.bool_)
        for left, right in gaps:
            known[round((left - rect.left()) * ratio) : round((right - rect.left()) * ratio)] = False
        self._mark(edges, known, ratio, rect)
        image = byte_picture(filled(edges), self._colour_table(), ratio)
        painter.drawImage(QPointF(rect.left(), rect.top()), image)
        for row in range(self.rows):
            middle = round(self.row(row, rect)[0])
            painter.fillRect(QRect(rect.left(), middle, rect.width(), 1), theme.color(theme.tokens().canvas, 0.5))

    def _mark(self, edges: Picture, rendered: NDArray[np.bool_], ratio: float, rect: QRect) -> None:
        back, front, hidden = self._sides(rendered, ratio)
        for row in range(self.rows):
            middle, half = self.row(row, QRect(0, 0, rect.width(), rect.height()))
            gain = half * ratio * self._state.amplitude_zoom
            for envelope, value in ((back, BACK), (front, FRONT)):
                if envelope is not None:
                    low, high = (part[:, min(row, envelope.rows - 1)] for part in (envelope.minimum, envelope.maximum))
                    mark_columns(edges, low, high, gain, value, middle * ratio)
            bare = back.where(~hidden) if back is not None else None
            for envelope, value in ((bare, BACK_RMS), (front, FRONT_RMS)):
                if envelope is not None:
                    rms = envelope.rms[:, min(row, envelope.rows - 1)]
                    mark_columns(edges, -rms, rms, gain, value, middle * ratio)

    def _sides(
        self, rendered: NDArray[np.bool_], ratio: float
    ) -> tuple[Envelope | None, Envelope | None, NDArray[np.bool_]]:
        """Return what stands behind and in front, and in which columns the front hides the back's RMS."""
        if self.delta is not None:
            return None, self._envelope(self.delta, len(rendered), ratio).where(rendered), np.ones_like(rendered)
        a = self._envelope(self.a, len(rendered), ratio) if self.a else None
        if self.b is None or self.is_blind:
            return a, None, np.zeros_like(rendered)
        b = self._envelope(self.b, len(rendered), ratio).where(rendered)
        if self._is_a_heard:
            return b, a, np.ones_like(rendered)
        return a, b, rendered & ~np.isnan(b.rms[:, 0])

    def _envelope(self, lane: Lane, width: int, ratio: float) -> Envelope:
        factor = lane.rate / self._state.rate
        grid = ColumnGrid.over(self._state.start * factor, self._state.stop * factor, width)
        mid_side = self._state.channels == "mid_side"
        envelope = self._envelope_of_samples(lane, grid, mid_side) if grid.frames * ratio < CELL else None
        if envelope is None:
            envelope = envelope_of_peaks(lane.peaks(mid_side), grid)
        return envelope if self.rows > 1 else envelope.mixed()

    def _envelope_of_samples(self, lane: Lane, grid: ColumnGrid, mid_side: bool) -> Envelope | None:
        edges = grid.edges
        start, stop = max(0, int(edges[0])), min(lane.frames, int(edges[-1]))
        if stop <= start:
            return empty_envelope(grid.count, lane.channels)
        samples = self.pages(lane, mid_side).read(start, stop)
        return None if samples is None else envelope_of_samples(samples, start, grid)

    def pages(self, lane: Lane, mid_side: bool) -> SamplePages:
        """Return the sample cache of a lane."""
        key = (id(lane), lane.epoch, mid_side)
        if key not in self._pages:
            self._pages[key] = SamplePages(lane.source(mid_side), self._crew, f"samples {lane.side}", self.changed.emit)
        return self._pages[key]

    def _colour_table(self) -> list[int]:
        look = theme.tokens()
        back, front = QColor(look.a), QColor(look.b)
        if self.is_blind:
            back = front = QColor(look.text2)
        elif self.delta is not None:
            front = QColor(look.delta)
        elif self._is_a_heard:
            back, front = front, back
        canvas = QColor(look.canvas)
        return colours_of_bits([blend(back, canvas, PALE), back, blend(front, canvas, PALE), front])

    # --- close up: the samples -----------------------------------------------------------------------------------

    def _paint_lines(self, painter: QPainter, rect: QRect) -> bool:
        """Draw the curves through the samples; False while samples are still being read."""
        look = theme.tokens()
        sides = [(self.a, look.text2 if self.is_blind else look.a), (None if self.is_blind else self.b, look.b)]
        if self.delta is not None:
            sides = [(self.delta, look.delta)]
        elif self._is_a_heard:
            sides.reverse()
        found = [(lane, self._samples_around(lane), colour) for lane, colour in sides if lane is not None]
        if any(samples is None for _, (_, samples), _ in found):
            return False
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row in range(self.rows):
            middle = round(self.row(row, rect)[0])
            painter.fillRect(QRect(rect.left(), middle, rect.width(), 1), QColor(look.border))
        for lane, (start, samples), colour in found:
            assert samples is not None
            self._paint_lane(painter, rect, lane, start, samples, QColor(colour))
        return True

    def _samples_around(self, lane: Lane) -> tuple[int, Samples | None]:
        factor = lane.rate / self._state.rate
        start = max(0, math.floor(self._state.start * factor) - 1)
        stop = max(start, min(lane.frames, math.ceil(self._state.stop * factor) + 2))
        return start, self.pages(lane, self._state.channels == "mid_side").read(start, stop)

    def _paint_lane(
        self, painter: QPainter, rect: QRect, lane: Lane, start: int, samples: Samples, colour: QColor
    ) -> None:
        factor = self._state.rate / lane.rate
        px_per_frame = rect.width() / self._state.span_frames
        xs = rect.left() + ((start + np.arange(len(samples))) * factor - self._state.start) * px_per_frame
        curves = samples if self.rows > 1 else samples.mean(axis=1, keepdims=True)
        pieces = _finished_pieces(lane, start, len(samples))
        for row in range(min(self.rows, curves.shape[1])):
            middle, half = self.row(row, rect)
            ys = middle - curves[:, row] * half * self._state.amplitude_zoom
            for piece in pieces:
                points = [QPointF(x, y) for x, y in zip(xs[piece].tolist(), ys[piece].tolist(), strict=True)]
                _paint_curve(painter, points, colour, factor * px_per_frame)


def _finished_pieces(lane: Lane, start: int, count: int) -> list[slice]:
    if lane.side == "A":
        return [slice(0, count)]
    cut = [(max(span.start - start, 0), min(span.stop - start, count)) for span in merged(lane.finished)]
    return [slice(first, last) for first, last in cut if last > first]


def _paint_curve(painter: QPainter, points: list[QPointF], colour: QColor, apart_px: float) -> None:
    # A pen of one pixel has a path of its own in Qt's painter, many times as fast for a dense curve.
    painter.setPen(QPen(colour, 1.25 if apart_px >= DOT_PX else 1.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(points)
    if apart_px < DOT_PX:
        return
    radius = 2.5 if apart_px > 8 else 1.5
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    for point in points:
        painter.drawEllipse(point, radius, radius)


def colours_of_bits(inks: list[QColor]) -> list[int]:
    """Return the colour table of a picture of bits: the highest bit's ink, nothing for 0."""
    return [inks[value.bit_length() - 1].rgba() if value else 0 for value in range(1 << len(inks))]


def blend(ink: QColor, paper: QColor, share: float) -> QColor:
    """Return `share` of ink on paper, opaque."""
    inks, papers = (colour.getRgb()[:3] for colour in (ink, paper))  # type: ignore[index]
    return QColor(*(round(share * i + (1 - share) * p) for i, p in zip(inks, papers, strict=True)))
