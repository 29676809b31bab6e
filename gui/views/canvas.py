"""The canvas as a whole: view bar, overview, ruler, the views of the chosen layout, number row, one crew for all."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSplitter, QSplitterHandle, QVBoxLayout, QWidget

from engine.audio.resample import ResampledSignal
from engine.audio.signal import Span
from engine.settings import Settings, cores
from gui import theme
from gui.views.crew import Crew
from gui.views.lane import Difference, Lane
from gui.views.number_row import NumberRow
from gui.views.overview import OverviewView
from gui.views.ruler import RulerView
from gui.views.spectrogram import SpectrogramView
from gui.views.view_bar import ViewBar
from gui.views.view_state import Hover, Mark, ViewState
from gui.views.waveform import WaveformView


class Handle(QSplitterHandle):
    """The grip between waveform and spectrogram."""

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.tokens()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(look.window))
        painter.fillRect(0, 0, self.width(), 1, QColor(look.line))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(look.line))
        painter.fillRect(self.width() // 2 - 14, self.height() // 2 - 1, 28, 2, QColor(look.text3))
        painter.end()


class ViewSplitter(QSplitter):
    """Views above each other."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self.setHandleWidth(6)
        self.setChildrenCollapsible(False)

    def createHandle(self) -> QSplitterHandle:
        return Handle(self.orientation(), self)


class CanvasArea(QWidget):
    """Everything between the docks that shows sound. It renders nothing and knows no document."""

    hovered = Signal(object)  # Hover | None
    failed = Signal(str)

    def __init__(self, state: ViewState, settings: Settings | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self._settings = settings or Settings()
        self._tiles_crew = Crew(max(1, cores() - 1), self)
        self._samples_crew = Crew(2, self)
        for crew in (self._tiles_crew, self._samples_crew):
            crew.failed.connect(self.failed)
        self.a: Lane | None = None
        self.b: Lane | None = None
        self._delta: Lane | None = None
        self._a_like_b: Lane | None = None
        self.monitor = "B"
        self.view_bar = ViewBar(state)
        self.overview = OverviewView(state)
        self.ruler = RulerView(state)
        self.waveform = WaveformView(state, self._samples_crew)
        self.spectrogram = SpectrogramView(state, self._tiles_crew, curves=self.waveform.curves)
        self.compared = tuple(SpectrogramView(state, self._tiles_crew, side) for side in ("A", "B", "delta"))
        self.number_row = NumberRow(state)
        self._banner: QWidget | None = None
        self._assemble()
        for view in (self.waveform, self.spectrogram, *self.compared):
            view.hovered.connect(self._point_at)
        state.layout_changed.connect(self._lay_out)
        self._lay_out()

    def _assemble(self) -> None:
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.splitter = ViewSplitter()
        for view in (self.waveform, self.spectrogram, *self.compared):
            self.splitter.addWidget(view)
        for part in (self.view_bar, self.overview, self.ruler):
            self._column.addWidget(part)
        self._column.addWidget(self.splitter, 1)
        self._column.addWidget(self.number_row)

    def _lay_out(self) -> None:
        layout = self.state.layout
        self.waveform.setVisible(layout in ("split", "waveform"))
        self.spectrogram.setVisible(layout in ("split", "spectrogram", "overlay"))
        for view in self.compared:
            view.setVisible(layout == "compare")
        height = max(300, self.splitter.height())
        shares = (0.3, 0.7) if layout == "split" else (1.0, 1.0)
        self.splitter.setSizes([round(share * height) for share in (*shares, 0.4, 0.4, 0.2)])
        for index, weight in enumerate((3, 7, 4, 4, 2)):
            self.splitter.setStretchFactor(index, weight)
        self._make_a_like_b()

    # --- what is shown -------------------------------------------------------------------------------------------

    def set_lanes(self, a: Lane | None, b: Lane | None) -> None:
        """Show an original and a result; `b` None (or `a` itself) shows the original alone."""
        self._drop_delta()
        self._drop_a_like_b()
        if self.b is not None:
            self.b.reset_done.disconnect(self._compare_anew)
        for lane in (self.a, self.b):
            if lane is not None:
                lane.failed.disconnect(self.failed)
        self.a, self.b = a, b if b is not a else None
        for lane in (self.a, self.b):
            if lane is not None:
                lane.failed.connect(self.failed)
        if self.b is not None:
            self.b.reset_done.connect(self._compare_anew)
        self.overview.set_lanes(self.a, self.b)
        self.waveform.set_lanes(self.a, self.b, self.monitor)
        for view in (self.spectrogram, *self.compared):
            view.set_lanes(self.a, self.b, self.monitor)
        self._make_a_like_b()
        self._make_delta()

    def set_monitor(self, monitor: str) -> None:
        """Say which side is heard: "A", "B" or "delta"."""
        self.monitor = monitor
        self.view_bar.set_monitor(monitor)
        self._make_a_like_b()
        self._make_delta()
        self.waveform.set_monitor(monitor)
        for view in (self.spectrogram, *self.compared):
            view.set_monitor(monitor)

    def _make_delta(self) -> None:
        """Begin to read the difference, when it is heard for the first time."""
        if self.monitor != "delta" or self._delta is not None or self.a is None or self.b is None:
            return
        self._delta = Lane(self._difference(self.a, self.b), "Difference", "delta", self._settings, self)
        self._delta.failed.connect(self.failed)
        self.b.peaks_changed.connect(self._delta_landed)
        self.waveform.curves.set_delta(self._delta)
        for span in self.b.finished:
            self._delta_landed(*span)

    def _make_a_like_b(self) -> None:
        """Resample A for the difference where B has another rate, once a difference is looked at."""
        a, b = self.a, self.b
        is_compared = self.monitor == "delta" or self.state.layout == "compare"
        if not is_compared or a is None or b is None or a.rate == b.rate or self._a_like_b is not None:
            return
        self._a_like_b = Lane(ResampledSignal(a.source(), b.rate), a.name, "A", self._settings, self)
        self._a_like_b.failed.connect(self.failed)
        for view in (self.spectrogram, *self.compared):
            view.set_a_like_b(self._a_like_b)

    def _drop_a_like_b(self) -> None:
        if self._a_like_b is not None:
            for view in (self.spectrogram, *self.compared):
                view.set_a_like_b(None)
            self._a_like_b.close()
            self._a_like_b.deleteLater()
            self._a_like_b = None

    def _difference(self, a: Lane, b: Lane) -> Difference:
        return Difference((self._a_like_b or a).source(), b.source())

    def _delta_landed(self, start: int, stop: int) -> None:
        if self._delta is not None and self.b is not None:
            self._delta.set_finished(self.b.finished)
            self._delta.refresh(Span(start, stop))

    def _compare_anew(self) -> None:
        """B is another result, perhaps at another rate."""
        if self._a_like_b is not None and self.b is not None and self._a_like_b.rate != self.b.rate:
            self._drop_a_like_b()
        self._make_a_like_b()
        self._drop_delta()
        self._make_delta()

    def _drop_delta(self) -> None:
        if self._delta is not None and self.b is not None:
            self.b.peaks_changed.disconnect(self._delta_landed)
            self.waveform.curves.set_delta(None)
            self._delta.close()
            self._delta.deleteLater()
            self._delta = None

    def set_meters(self, peaks_db: tuple[float, ...], holds_db: tuple[float, ...]) -> None:
        """Show the peaks of what plays, one per channel, dBFS."""
        self.waveform.set_meters(peaks_db, holds_db)

    def set_generated(self, spans: Sequence[Span]) -> None:
        """Tint whole spans (project frames) as generated."""
        for view in (self.spectrogram, *self.compared):
            view.set_generated(spans)

    def set_marks(self, marks: tuple[Mark, ...]) -> None:
        """Show where the rendered sound is in doubt, and why."""
        self.overview.set_marks(tuple(marks))
        self.ruler.set_marks(tuple(marks))

    def set_blind(self, is_blind: bool) -> None:
        """During a blind test show nothing that tells the sides apart."""
        self.overview.set_blind(is_blind)
        self.waveform.set_blind(is_blind)
        for view in (self.spectrogram, *self.compared):
            view.set_blind(is_blind)

    def set_banner(self, banner: QWidget | None) -> None:
        """Put a widget between view bar and overview, or take it away; the old one is deleted."""
        if self._banner is not None:
            self._column.removeWidget(self._banner)
            self._banner.deleteLater()
        self._banner = banner
        if banner is not None:
            self._column.insertWidget(1, banner)

    def _point_at(self, place: Hover | None) -> None:
        if self.state.layout == "compare":
            for view in self.compared:
                view.set_crosshair(place)
            if place is not None and place.hz is not None:
                a, b, _ = (view.level_at(place.frame, place.hz) for view in self.compared)
                place = Hover(place.frame, place.seconds, place.hz, place.note, place.db, a, b)
        self.hovered.emit(place)

    # --- workers -------------------------------------------------------------------------------------------------

    def set_busy_tiles(self, is_paused: bool) -> None:
        """Stop computing spectrograms, so that playing on few cores has them for itself."""
        self._tiles_crew.pause(is_paused)

    @property
    def _lanes(self) -> tuple[Lane | None, ...]:
        return self.a, self.b, self._delta, self._a_like_b

    def wait_idle(self, timeout_s: float = 20.0) -> bool:
        """Block until all that was asked for is computed; for pictures."""
        lanes = all(lane.wait(timeout_s) for lane in self._lanes if lane is not None)
        return lanes and self._tiles_crew.wait_idle(timeout_s) and self._samples_crew.wait_idle(timeout_s)

    def close_workers(self) -> bool:
        """End all threads; False if one was still busy after 2 s."""
        closers = [lane.close for lane in self._lanes if lane is not None]
        ended = [close() for close in (*closers, self._tiles_crew.close, self._samples_crew.close)]
        return all(ended)
