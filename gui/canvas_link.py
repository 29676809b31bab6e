"""Between the document and the canvas: which lanes there are, where the playhead is, what is selected and looped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.audio.signal import Span
from engine.session.recipe import Scope
from engine.session.sanity import SanityMark
from engine.session.session import Session
from gui.document import Document
from gui.listening import Listening
from gui.rendering import Rendering
from gui.views.canvas import CanvasArea
from gui.views.lane import Lane
from gui.views.view_state import Mark, Selection, ViewState

PLAYING_MS, RESTING_MS = 16, 80


class CanvasLink(QObject):
    """Owns the lanes and the view state. All times it hands out are seconds or frames of B."""

    hovered = QtSignal(object)
    ticked = QtSignal(float)  # position in seconds
    selection_changed = QtSignal()

    def __init__(self, document: Document, rendering: Rendering, listening: Listening, parent: QObject) -> None:
        super().__init__(parent)
        self._document, self._rendering, self._listening = document, rendering, listening
        self.state = ViewState(self)
        self.lane_a: Lane | None = None
        self.lane_b: Lane | None = None
        self.holder = QWidget()
        column = QVBoxLayout(self.holder)
        column.setContentsMargins(0, 0, 0, 0)
        self.canvas = CanvasArea(self.state, document.settings)
        column.addWidget(self.canvas)
        self.canvas.hovered.connect(self.hovered)
        document.view_scope = self.scope
        document.view_state = self.with_view
        listening.set_spans(self.spans_to_match)
        document.source_changed.connect(self._take_source)
        document.changed.connect(lambda: rendering.follow())
        rendering.ready.connect(self._take_result)
        rendering.chunk_landed.connect(self._take_chunk)
        rendering.settled.connect(listening.rest_match)
        rendering.marks_found.connect(self._show_marks)
        listening.changed.connect(self._show_monitor)
        listening.state_changed.connect(self._show_playing)
        self.state.seek_requested.connect(self._seek)
        self.state.loop_changed.connect(self._take_loop)
        self.state.selection_changed.connect(self._take_selection)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._timer.start(RESTING_MS)

    # --- lanes ----------------------------------------------------------------------------------------------------

    def _take_source(self) -> None:
        self._drop_lanes()
        source = self._document.source
        if source is None:
            self._listening.clear()
            self.state.set_recording(0, 48_000)
            self.canvas.set_lanes(None, None)
            self._rendering.follow(is_new_source=True)
            return
        self.lane_a = Lane(source, "Original", "A", settings=self._document.settings, parent=self)
        self.canvas.set_lanes(self.lane_a, None)
        self.state.set_recording(0, source.rate)  # another recording starts with a view of all of it
        self.state.set_recording(source.frames, source.rate)
        self.lane_a.load()
        self._listening.player.stop()
        self._listening.set_pair(source, None)
        self._listening.player.seek(0)
        self._restore_view()
        self._rendering.follow(is_new_source=True)
        self._show_monitor()

    def _restore_view(self) -> None:
        session, rate = self._document.session, self.state.rate
        if session is None:
            return
        scope = session.selection
        if scope is not None and scope.start_s is not None and scope.stop_s is not None:
            span = (round(scope.start_s * rate), round(scope.stop_s * rate))
            self.state.set_selection(Selection(*span, scope.low_hz, scope.high_hz))
        if session.loop is not None:
            self.state.set_loop(Span(round(session.loop[0] * rate), round(session.loop[1] * rate)))
        if session.cursor_s:
            self._seek(session.cursor_s * rate)

    def _drop_lanes(self) -> None:
        self.canvas.set_lanes(None, None)
        for lane in (self.lane_a, self.lane_b):
            if lane is not None:
                lane.close()
                lane.deleteLater()
        self.lane_a = self.lane_b = None

    def _take_result(self) -> None:
        rendered, source = self._rendering.rendered, self._document.source
        if rendered is None or source is None or self.lane_a is None:
            return
        position_s = self._listening.seconds()
        self.state.set_recording(rendered.frames, rendered.rate)  # everything on the canvas keeps its place in seconds
        if not rendered.devices:
            if self.lane_b is not None:
                self.canvas.set_lanes(self.lane_a, None)
                self.lane_b.close()
                self.lane_b.deleteLater()
                self.lane_b = None
        elif self.lane_b is None:
            self.lane_b = Lane(rendered, "Result", "B", settings=self._document.settings, parent=self)
            self.lane_b.reset(rendered, self._rendering.finished)
            self.canvas.set_lanes(self.lane_a, self.lane_b)
        else:
            self.lane_b.reset(rendered, self._rendering.finished)
        self._listening.set_pair(source, rendered)
        if not self._listening.is_playing:
            self._listening.seek(position_s)
        self.canvas.set_marks(())
        self._show_monitor()

    def _take_chunk(self, span: Span) -> None:
        if self.lane_b is not None:
            self.lane_b.set_finished(self._rendering.finished)
            self.lane_b.refresh(span)
        self._listening.refresh(span.start / self.state.rate, span.stop / self.state.rate)

    def _show_marks(self, marks: Sequence[SanityMark]) -> None:
        self.canvas.set_marks(tuple(Mark(mark.span.start, mark.span.stop, mark.reason) for mark in marks))

    def _show_monitor(self) -> None:
        self.canvas.set_monitor(self._listening.heard)

    def _show_playing(self) -> None:
        is_playing = self._listening.is_playing
        self.state.set_playing(is_playing)
        self._timer.start(PLAYING_MS if is_playing else RESTING_MS)

    # --- time -----------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Move the playhead to what is heard now."""
        seconds = self._listening.poll()
        position = min(seconds * self.state.rate, float(self.state.frames))
        self.state.set_playhead(position)
        self._rendering.cursor_frame = round(position)
        self.ticked.emit(seconds)

    def _seek(self, frame: float) -> None:
        self._listening.seek(frame / self.state.rate)
        self.state.set_cursor(frame)
        self.tick()

    def go_to(self, frame: float) -> None:
        """Put the cursor and the playhead at `frame` and bring it into view."""
        self._seek(min(max(0.0, frame), float(self.state.frames)))
        if not self.state.start <= frame <= self.state.stop:
            self.state.pan(frame - (self.state.start + self.state.stop) / 2)

    def step(self, frames: float, extend: bool = False) -> None:
        """Move the cursor by `frames`; the playhead goes with it."""
        self.state.move_cursor(frames, extend)
        self._listening.seek(self.state.cursor / self.state.rate)
        self.tick()

    # --- selection and loop ---------------------------------------------------------------------------------------

    def scope(self) -> Scope | None:
        """Return the selection as the scope of a device, None if nothing is selected."""
        chosen, rate = self.state.selection, self.state.rate
        if chosen is None:
            return None
        return Scope(
            chosen.start / rate, chosen.stop / rate, chosen.low_hz, chosen.high_hz, feather_ms=self.state.feather_ms
        )

    def with_view(self, session: Session) -> Session:
        """Return `session` with what is selected and looped, to be saved."""
        rate, loop = self.state.rate, self.state.loop
        pair = (loop.start / rate, loop.stop / rate) if loop is not None else None
        return replace(session, selection=self.scope(), loop=pair, cursor_s=self.state.cursor / rate)

    def _take_loop(self) -> None:
        loop, rate = self.state.loop, self.state.rate
        self._listening.set_loop((loop.start / rate, loop.stop / rate) if loop is not None else None)
        self._rendering.loop = loop
        self._listening.rest_match()

    def _take_selection(self) -> None:
        self._listening.rest_match()
        self.selection_changed.emit()

    def toggle_loop(self) -> None:
        """Loop the selection, else everything; or stop looping."""
        if self.state.loop is not None:
            self.state.set_loop(None)
        else:
            chosen = self.state.selection
            self.state.set_loop(chosen.span if chosen is not None else Span(0, self.state.frames))

    def spans_to_match(self) -> Sequence[Span]:
        """Return the loop, else the selection, else everything, cut to what is finished in B."""
        chosen = self.state.selection
        wanted = self.state.loop or (chosen.span if chosen is not None else Span(0, self.state.frames))
        cut = (span.intersect(wanted) for span in self._rendering.finished)
        return tuple(span for span in cut if span.frames)

    def close(self) -> None:
        """Stop the views' threads."""
        self._timer.stop()
        self._drop_lanes()
        self.canvas.close_workers()
