"""What the canvas shows and what is selected on it: one object that every view watches and every key changes.

Times are project frames (float where a part of a sample matters), frequencies Hz. Nothing here paints.
"""

from __future__ import annotations

import bisect
from dataclasses import replace
from typing import Literal, get_args

from PySide6.QtCore import QObject, Signal

from engine.audio.signal import Span
from engine.audio.spectrogram import FFT_SIZES
from gui.views.annotations import Hover, Mark, Marker, Selection
from gui.views.axes import LOWEST_LOG_HZ, Scale, hz_at_position, position_of_hz
from gui.views.edge_line import EdgeLine

__all__ = ["Hover", "Mark", "Marker", "Selection", "ViewState"]

Tool = Literal["time", "box", "hand", "zoom"]
Layout = Literal["overlay", "split", "waveform", "spectrogram", "compare"]
Channels = Literal["mixed", "each", "mid_side"]

SHORTEST_VIEW = 32.0  # frames
DEFAULT_LOW_HZ = 60.0
NARROWEST_BAND_HZ = 40.0  # of the view
NARROWEST_BOX_HZ = 1.0


class ViewState(QObject):
    """The visible span, the selection and the look of the canvas."""

    recording_changed = Signal()
    span_changed = Signal()
    frequency_changed = Signal()
    selection_changed = Signal()
    loop_changed = Signal()
    playhead_changed = Signal()
    cursor_changed = Signal()
    tool_changed = Signal()
    layout_changed = Signal()
    look_changed = Signal()
    follow_changed = Signal()
    markers_changed = Signal()
    seek_requested = Signal(float)
    marker_activated = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rate = 48_000
        self.frames = 0
        self.start = 0.0
        self.stop = 1.0
        self.low_hz = DEFAULT_LOW_HZ
        self.high_hz = 24_000.0
        self.scale: Scale = "log"
        self.selection: Selection | None = None
        self.feather_ms = 10.0
        self.loop: Span | None = None
        self.playhead = 0.0
        self.cursor = 0.0
        self.is_playing = False
        self.tool: Tool = "time"
        self.layout: Layout = "split"
        self.channels: Channels = "mixed"
        self.map_name = "Ember"
        self.floor_db = -100.0
        self.ceiling_db = -10.0
        self.fft_size = 0  # samples of one transform (longer parts tones, shorter onsets); 0: by the rate
        self.opacity = 0.6  # of the spectrogram over the waveform
        self.amplitude_zoom = 1.0
        self.follow = True
        self.view_follows_monitor = True
        self.is_held = False  # a drag is under way: following waits
        self.markers: tuple[Marker, ...] = ()
        self.edge = EdgeLine(self)

    # --- the recording -------------------------------------------------------------------------------------------

    def set_recording(self, frames: int, rate: int) -> None:
        """Show another recording, or the same one at another rate: then what was visible and selected stays."""
        same = self.frames > 0 and abs(frames / rate - self.frames / self.rate) < 0.01
        if same and (frames, rate) == (self.frames, self.rate):
            return
        factor = rate / self.rate
        full_band = self.high_hz >= self.rate / 2 - 1
        self.frames, self.rate = frames, rate
        if same:
            self._rescale(factor, full_band)
        else:
            self._start_afresh()
        self.recording_changed.emit()
        for signal in (self.span_changed, self.frequency_changed, self.selection_changed, self.loop_changed):
            signal.emit()
        self.playhead_changed.emit()
        self.markers_changed.emit()

    def _start_afresh(self) -> None:
        self.start, self.stop = 0.0, float(max(self.frames, 1))
        self.low_hz, self.high_hz = self.lowest_hz_shown, self.rate / 2
        self.selection, self.loop, self.markers = None, None, ()
        self.playhead = self.cursor = 0.0

    def _rescale(self, factor: float, full_band: bool) -> None:
        self.start, self.stop = self.start * factor, min(self.stop * factor, float(max(self.frames, 1)))
        self.playhead, self.cursor = self.playhead * factor, self.cursor * factor
        nyquist = self.rate / 2
        self.high_hz = nyquist if full_band else min(self.high_hz, nyquist)

        def moved(frame: int) -> int:
            return min(self.frames, round(frame * factor))

        if self.selection:
            self.selection = replace(self.selection, start=moved(self.selection.start), stop=moved(self.selection.stop))
        if self.loop:
            self.loop = Span(moved(self.loop.start), moved(self.loop.stop))
        self.markers = tuple(
            replace(m, frame=moved(m.frame), stop=None if m.stop is None else moved(m.stop)) for m in self.markers
        )

    # --- visible time --------------------------------------------------------------------------------------------

    @property
    def span_frames(self) -> float:
        return self.stop - self.start

    def show(self, start: float, stop: float) -> None:
        """Make a span visible, kept inside the recording and no shorter than a few samples."""
        whole = float(max(self.frames, 1))
        length = min(max(stop - start, min(SHORTEST_VIEW, whole)), whole)
        middle = (start + stop) / 2
        begin = min(max(middle - length / 2, 0.0), whole - length)
        if (begin, begin + length) != (self.start, self.stop):
            self.start, self.stop = begin, begin + length
            self.span_changed.emit()

    def zoom(self, factor: float, at: float | None = None) -> None:
        """Show `factor` times less time (> 1 zooms in) with the frame `at` staying where it is on screen."""
        if at is None:
            inside = self.start <= self.playhead <= self.stop
            at = self.playhead if inside else (self.start + self.stop) / 2
        whole = float(max(self.frames, 1))
        length = min(max(self.span_frames / factor, min(SHORTEST_VIEW, whole)), whole)
        share = (at - self.start) / self.span_frames
        begin = at - share * length
        self.show(begin, begin + length)

    def pan(self, frames: float) -> None:
        """Move the visible span, positive towards the end."""
        whole = float(max(self.frames, 1))
        begin = min(max(self.start + frames, 0.0), whole - self.span_frames)
        self.show(begin, begin + self.span_frames)

    def pan_fraction(self, share: float) -> None:
        """Move the visible span by a share of its own length."""
        self.pan(share * self.span_frames)

    def fit(self) -> None:
        """Show the whole recording, and all frequencies."""
        self.show(0.0, float(max(self.frames, 1)))
        self.set_frequency(self.lowest_hz_shown, self.rate / 2)

    def zoom_to_selection(self) -> None:
        """Fill the view with the selection (a box: its band as well), with 2 % room around it."""
        chosen = self.selection
        if chosen is None or chosen.span.frames == 0:
            return
        room = 0.02 * chosen.span.frames
        self.show(chosen.start - room, chosen.stop + room)
        if chosen.low_hz is not None and chosen.high_hz is not None:
            self.set_frequency(chosen.low_hz * 0.9, chosen.high_hz * 1.1)

    # --- visible frequencies -------------------------------------------------------------------------------------

    @property
    def lowest_hz_shown(self) -> float:
        """Where the ruler of this scale starts when everything is shown."""
        return DEFAULT_LOW_HZ if self.scale == "log" else 0.0

    def set_frequency(self, low_hz: float, high_hz: float) -> None:
        """Show a band, kept between the scale's least frequency and half the rate."""
        least = LOWEST_LOG_HZ if self.scale == "log" else 0.0
        nyquist = self.rate / 2
        width = min(max(high_hz - low_hz, NARROWEST_BAND_HZ), nyquist - least)
        low = min(max(low_hz, least), nyquist - width)
        high = min(max(high_hz, low + width), nyquist)
        if (low, high) != (self.low_hz, self.high_hz):
            self.low_hz, self.high_hz = low, high
            self.frequency_changed.emit()

    def zoom_frequency(self, factor: float, at_hz: float | None = None) -> None:
        """Show `factor` times less of the frequency axis, with `at_hz` staying where it is on screen."""
        low, high, scale = self.low_hz, self.high_hz, self.scale
        place = 0.5 if at_hz is None else float(position_of_hz(at_hz, scale, low, high))
        # Outwards the axis is left; a few lengths further there is nothing to show, and bark has a pole.
        bottom, top = max(place - place / factor, -4.0), min(place + (1 - place) / factor, 5.0)
        wanted_low, wanted_high = (float(hz_at_position(p, scale, low, high)) for p in (bottom, top))
        self.set_frequency(max(wanted_low, 0.0), wanted_high if 0 < wanted_high < self.rate else self.rate / 2)

    def set_scale(self, scale: Scale) -> None:
        """Change the frequency axis; a view of everything stays a view of everything."""
        if scale == self.scale:
            return
        was_full = self.low_hz <= self.lowest_hz_shown
        self.scale = scale
        low = self.lowest_hz_shown if was_full else max(self.low_hz, LOWEST_LOG_HZ if scale == "log" else 0.0)
        self.low_hz = low
        self.frequency_changed.emit()
        self.look_changed.emit()

    # --- selection, loop, markers --------------------------------------------------------------------------------

    def set_selection(self, selection: Selection | None) -> None:
        """Select, in any order of ends, cut to the recording; an empty span selects nothing."""
        chosen = self._inside(selection) if selection else None
        if chosen != self.selection:
            self.selection = chosen
            self.selection_changed.emit()

    def _inside(self, selection: Selection) -> Selection | None:
        start, stop = sorted((selection.start, selection.stop))
        start, stop = max(0, start), min(self.frames, stop)
        if stop <= start:
            return None
        if selection.low_hz is None or selection.high_hz is None:
            return Selection(start, stop)
        nyquist = self.rate / 2
        low, high = sorted(min(max(hz, 0.0), nyquist) for hz in (selection.low_hz, selection.high_hz))
        low = min(low, nyquist - NARROWEST_BOX_HZ)
        return Selection(start, stop, low, max(high, low + NARROWEST_BOX_HZ))

    def select_all(self) -> None:
        self.set_selection(Selection(0, self.frames))

    def select_between_markers(self, frame: float) -> None:
        """Select from the marker before `frame` to the one behind it; without markers, everything."""
        places = {0, self.frames}
        for marker in self.markers:
            places.add(marker.frame)
            if marker.stop is not None:
                places.add(marker.stop)
        ordered = sorted(places)
        index = min(max(bisect.bisect_right(ordered, frame), 1), len(ordered) - 1)
        self.set_selection(Selection(ordered[index - 1], ordered[index]))

    def set_feather(self, milliseconds: float) -> None:
        """Set the fade inside the edges of a new device's scope, 0 to 1000 ms."""
        feather = min(max(milliseconds, 0.0), 1000.0)
        if feather != self.feather_ms:
            self.feather_ms = feather
            self.selection_changed.emit()

    def set_loop(self, loop: Span | None) -> None:
        """Set the loop, in any order of ends, cut to the recording; an empty one is none."""
        if loop is not None:
            start, stop = sorted(loop)
            start, stop = max(0, start), min(self.frames, stop)
            loop = Span(start, stop) if stop > start else None
        if loop != self.loop:
            self.loop = loop
            self.loop_changed.emit()

    def set_markers(self, markers: tuple[Marker, ...]) -> None:
        self.markers = tuple(sorted(markers, key=lambda marker: marker.frame))
        self.markers_changed.emit()

    # --- cursor and playhead -------------------------------------------------------------------------------------

    def set_cursor(self, frame: float) -> None:
        """Put the edit cursor, from which playing starts and selections grow."""
        place = min(max(frame, 0.0), float(self.frames))
        if place != self.cursor:
            self.cursor = place
            self.cursor_changed.emit()

    def move_cursor(self, frames: float, extend: bool = False) -> None:
        """Move the cursor and keep it visible; `extend` drags the nearer end of the selection along."""
        before = self.cursor
        self.set_cursor(before + frames)
        if extend:
            self._extend_selection(before)
        if not self.start <= self.cursor <= self.stop:
            self.pan(self.cursor - (self.start if frames < 0 else self.stop))

    def _extend_selection(self, before: float) -> None:
        chosen = self.selection
        anchor = round(before)
        if chosen is not None:
            from_start = abs(before - chosen.start) <= abs(before - chosen.stop)
            anchor = chosen.stop if from_start else chosen.start
        base = chosen or Selection(0, 0)
        self.set_selection(replace(base, start=anchor, stop=round(self.cursor)))

    def set_playing(self, is_playing: bool) -> None:
        self.is_playing = is_playing

    def set_playhead(self, frame: float) -> None:
        """Move the play position; while playing and following, the view turns the page with it."""
        if frame == self.playhead:
            return
        self.playhead = frame
        if self.is_playing and self.follow and not self.is_held and not self.start <= frame < self.stop:
            self.show(frame - 0.08 * self.span_frames, frame + 0.92 * self.span_frames)
        self.playhead_changed.emit()

    # --- tools and look ------------------------------------------------------------------------------------------

    def set_tool(self, tool: Tool) -> None:
        if tool not in get_args(Tool):
            raise ValueError(f"no tool called {tool!r}")
        if tool != self.tool:
            self.tool = tool
            self.tool_changed.emit()

    def set_layout(self, layout: Layout) -> None:
        if layout not in get_args(Layout):
            raise ValueError(f"no layout called {layout!r}")
        if layout != self.layout:
            self.layout = layout
            self.layout_changed.emit()

    def set_channels(self, channels: Channels) -> None:
        if channels not in get_args(Channels):
            raise ValueError(f"no channel view called {channels!r}")
        self._look("channels", channels)

    def set_map(self, name: str) -> None:
        self._look("map_name", name)

    def set_db_range(self, floor_db: float, ceiling_db: float) -> None:
        """Set the levels of the darkest and the brightest colour, at least 10 dB apart, within −120…0 dB."""
        ceiling = min(max(ceiling_db, -110.0), 0.0)
        floor = min(max(floor_db, -120.0), ceiling - 10.0)
        if (floor, ceiling) != (self.floor_db, self.ceiling_db):
            self.floor_db, self.ceiling_db = floor, ceiling
            self.look_changed.emit()

    def set_opacity(self, opacity: float) -> None:
        self._look("opacity", min(max(opacity, 0.0), 1.0))

    def set_fft_size(self, size: int) -> None:
        if size and size not in FFT_SIZES:
            raise ValueError(f"no transform of {size} samples")
        self._look("fft_size", size)

    def set_amplitude_zoom(self, factor: float) -> None:
        self._look("amplitude_zoom", min(max(factor, 1.0), 1000.0))

    def _look(self, name: str, value: object) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            self.look_changed.emit()

    def set_follow(self, follow: bool) -> None:
        if follow != self.follow:
            self.follow = follow
            self.follow_changed.emit()

    def set_view_follows_monitor(self, follows: bool) -> None:
        if follows != self.view_follows_monitor:
            self.view_follows_monitor = follows
            self.follow_changed.emit()
