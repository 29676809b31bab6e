"""What every picture over time has in common: gutters, the way from frames to pixels, playhead, selection, focus ring.

The still part is painted once into a pixmap; the moving playhead only copies a narrow strip of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QBrush,
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from engine.audio.signal import Span
from gui import theme
from gui.numbers import clock
from gui.views.lane import Lane, merged
from gui.views.view_state import Selection, ViewState

GUTTER = 48  # px, left (numbers) and right (meters, colour bar)
HATCH_PX = 8
NOT_RENDERED = "Not rendered yet, plays A"


class TimeCanvas(QWidget):
    """A widget whose plot between the gutters shows the visible span of a `ViewState`."""

    def __init__(self, state: ViewState, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.is_blind = False
        self._still: QPixmap | None = None
        self._playhead_x: float | None = None
        self._cursor_x: float | None = None
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        shown = (state.span_changed, state.selection_changed, state.look_changed, state.loop_changed)
        rarely = (state.markers_changed, state.recording_changed, state.follow_changed, theme.CHANGES.changed)
        for signal in (*shown, *rarely):
            signal.connect(self.renew)
        state.playhead_changed.connect(self._move_playhead)
        state.cursor_changed.connect(self._move_cursor)
        state.selection_changed.connect(self.describe)
        state.span_changed.connect(self.describe)
        state.loop_changed.connect(self.describe)
        self.describe()

    # --- geometry ------------------------------------------------------------------------------------------------

    @property
    def plot(self) -> QRect:
        """The part between the gutters."""
        return QRect(self.gutter, 0, max(1, self.width() - 2 * self.gutter), max(1, self.height()))

    @property
    def gutter(self) -> int:
        """The width of each gutter, px; it grows with the type."""
        return max(GUTTER, theme.px(GUTTER))

    def x_of(self, frame: float) -> float:
        """Return where a project frame lies, in pixels of this widget."""
        state = self.state
        return self.plot.left() + (frame - state.start) / state.span_frames * self.plot.width()

    def frame_at(self, x: float) -> float:
        """Return the project frame under a pixel."""
        state = self.state
        return state.start + (x - self.plot.left()) / self.plot.width() * state.span_frames

    @property
    def seconds_per_px(self) -> float:
        return self.state.span_frames / self.state.rate / self.plot.width()

    # --- painting ------------------------------------------------------------------------------------------------

    def renew(self) -> None:
        """Paint everything again at the next occasion."""
        self._still = None
        self.update()

    def paint_still(self, painter: QPainter) -> None:
        """Paint all that doesn't move with the playhead."""
        raise NotImplementedError

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._still is None or self._still.devicePixelRatio() != ratio:
            self._still = QPixmap(math.ceil(self.width() * ratio), math.ceil(self.height() * ratio))
            self._still.setDevicePixelRatio(ratio)
            inner = QPainter(self._still)
            self.paint_still(inner)
            inner.end()
        painter = QPainter(self)
        box = event.rect()
        source = QRectF(box.x() * ratio, box.y() * ratio, box.width() * ratio, box.height() * ratio)
        painter.drawPixmap(QRectF(box), self._still, source)
        self.paint_playhead(painter)
        if self.hasFocus():
            paint_focus(painter, self.rect())
        painter.end()

    def paint_playhead(self, painter: QPainter) -> None:
        """Draw the play position: one pixel of text colour in a halo of canvas; and the cursor, dotted."""
        self.paint_cursor(painter)
        x = self._playhead_x = self.x_of(self.state.playhead)
        if self.state.frames and self.plot.left() - 1 <= x <= self.plot.right() + 1:
            look = theme.tokens()
            at = round(x)
            line, halo = self.playhead_colours(look)
            painter.fillRect(QRect(at - 1, self.plot.top(), 3, self.plot.height()), halo)
            painter.fillRect(QRect(at, self.plot.top(), 1, self.plot.height()), line)

    def playhead_colours(self, look: theme.Tokens) -> tuple[QColor, QColor]:
        """Return line and halo."""
        if look.name == "dark":
            return QColor("#FFFFFF"), theme.color("#000000", 0.6)
        return QColor(look.text), theme.color("#FFFFFF", 0.6)

    def paint_cursor(self, painter: QPainter) -> None:
        """Draw where playing starts and selections grow, unless the playhead stands there."""
        x = self._cursor_x = self.x_of(self.state.cursor)
        is_seen = self.plot.left() <= x <= self.plot.right() + 1
        if self.state.frames and is_seen and abs(x - self.x_of(self.state.playhead)) >= 1.5:
            line, halo = self.playhead_colours(theme.tokens())
            for colour, offset in ((halo, 1), (line, 0)):
                pen = QPen(colour, 1)
                pen.setDashPattern([2, 3])
                painter.setPen(pen)
                painter.drawLine(round(x) + offset, self.plot.top(), round(x) + offset, self.plot.bottom())

    def _move_playhead(self) -> None:
        self._update_strips(self._playhead_x, self.x_of(self.state.playhead))

    def _move_cursor(self) -> None:
        self._update_strips(self._cursor_x, self.x_of(self.state.cursor))

    def _update_strips(self, old: float | None, new: float) -> None:
        if old is not None and round(old) == round(new):
            return
        for x in (old, new):
            if x is not None and -8 <= x <= self.width() + 8:
                self.update(QRect(round(x) - 8, 0, 17, self.height()))

    def paint_selection(self, painter: QPainter, chosen: Selection | None) -> None:
        """Draw the selected span over the whole height: a light veil with an edge on both sides."""
        if chosen is None:
            return
        look, plot = theme.tokens(), self.plot
        left, right = self.x_of(chosen.start), self.x_of(chosen.stop)
        cut_left, cut_right = max(left, plot.left()), min(right, plot.right() + 1)
        if cut_right < cut_left:
            return
        veil = theme.color("#FFFFFF", 0.12) if look.name == "dark" else theme.color(look.primary, 0.12)
        edge = QColor("#FFFFFF") if look.name == "dark" else QColor(look.text)
        edge.setAlphaF(0.85)
        first = round(cut_left)
        painter.fillRect(QRect(first, plot.top(), max(1, round(cut_right) - first), plot.height()), veil)
        for x in (left, right):
            if plot.left() <= x <= plot.right() + 1:
                painter.fillRect(QRect(round(x), plot.top(), 1, plot.height()), edge)

    def paint_hatch(self, painter: QPainter, lane: Lane | None, colour: QColor) -> list[QRect]:
        """Hatch what isn't rendered; returns the hatched rectangles from left to right."""
        hatched = [QRect(left, self.plot.top(), right - left, self.plot.height())
                   for left, right in self.unfinished_px(lane)]  # fmt: skip
        for rect in hatched:
            paint_hatching(painter, rect, colour)
        return hatched

    def unfinished_px(self, lane: Lane | None) -> list[tuple[int, int]]:
        """Return the pixel columns (left, right) in which `lane` isn't finished."""
        if lane is None or not self.state.frames or lane.side == "A":
            return []
        factor = self.state.rate / lane.rate
        first, last = max(0, int(self.state.start / factor)), min(lane.frames, int(self.state.stop / factor))
        return self.columns_of(lane, lane.unfinished(first, last))

    def columns_of(self, lane: Lane, spans: Iterable[Span]) -> list[tuple[int, int]]:
        """Return the visible pixel columns (left, right) of spans in a lane's own frames, in order, joined."""
        factor, plot = self.state.rate / lane.rate, self.plot
        edges = [
            (max(plot.left(), round(self.x_of(span.start * factor))),
             min(plot.right() + 1, round(self.x_of(span.stop * factor))))
            for span in merged(spans)
        ]  # fmt: skip
        return [(left, right) for left, right in edges if right > left]

    # --- spoken --------------------------------------------------------------------------------------------------

    def describe(self) -> None:
        """Keep the accessible description current."""
        state = self.state
        words = [f"Shows {clock(state.start / state.rate, 2)} to {clock(state.stop / state.rate, 2)}"]
        words.insert(0, spoken_selection(state))
        text = ". ".join(words)
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
            if QAccessible.isActive():
                QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    # --- Qt ------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._still = None
        super().resizeEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.EnabledChange):
            self.renew()
        super().changeEvent(event)


def spoken_selection(state: ViewState) -> str:
    """Return "Selection 12.34–15.12 s, 300–8000 Hz", or that there is none."""
    chosen = state.selection
    if chosen is None:
        return "No selection"
    text = f"Selection {chosen.start / state.rate:.2f}–{chosen.stop / state.rate:.2f} s"
    if chosen.low_hz is not None and chosen.high_hz is not None:
        text += f", {chosen.low_hz:.0f}–{chosen.high_hz:.0f} Hz"
    return text


def paint_focus(painter: QPainter, rect: QRect) -> None:
    """Draw the 2-px ring of the widget that has the keyboard."""
    painter.setPen(QPen(QColor(theme.tokens().accent), 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(QRectF(rect).adjusted(1, 1, -1, -1))


def paint_unrendered_label(painter: QPainter, part: QRect) -> None:
    """Say in the lower right corner of an unfinished part what it plays, if there is room."""
    width = label_width(NOT_RENDERED)
    if part.width() >= width + 8 and part.height() >= 60:
        paint_label(painter, part.right() - width - 7, part.bottom() - theme.px(17), NOT_RENDERED)


def paint_hatching(painter: QPainter, rect: QRect, colour: QColor) -> None:
    """Fill `rect` with thin diagonals that don't move when the rectangle grows."""
    painter.save()
    painter.setClipRect(rect)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1))
    height = rect.height()
    first = (rect.left() - height) // HATCH_PX * HATCH_PX
    x = first
    while x < rect.right() + 1:
        painter.drawLine(QPointF(x, rect.bottom() + 1), QPointF(x + height, rect.top()))
        x += HATCH_PX
    painter.restore()


def label_width(text: str) -> int:
    """Return the width of a label's plate, px."""
    return math.ceil(QFontMetricsF(theme.ui_font(12, 600)).horizontalAdvance(text)) + 14


def paint_label(painter: QPainter, left: float, middle: float, text: str, alpha: float = 0.8) -> QRectF:
    """Draw a label on a dark plate (readable on data in both themes); returns the plate."""
    painter.setFont(theme.ui_font(12, 600))
    height = theme.px(19)
    plate = QRectF(round(left), round(middle - height / 2), label_width(text), height)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(theme.color("#0E1116", alpha)))
    painter.drawRoundedRect(plate, 4, 4)
    painter.setPen(QColor("#E8EDF2"))
    painter.drawText(plate.adjusted(7, 0, -7, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    return plate
