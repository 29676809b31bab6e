"""Between the device whose band edge is shown, and the line on the spectrograms that moves it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer

from engine.audio.signal import Span
from engine.session.recipe import Step
from gui.band_edge import edge_knob, edge_of
from gui.parts import Parts
from gui.views.annotations import BandEdge
from gui.views.edge_line import edge_hz

GESTURE_MS = 800  # key presses that follow each other faster are one edit
NO_EDGE = "No device here has a band edge"


class EdgeLink(QObject):
    """Shows the edge of one device, and turns its knob where the line is put."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts.window)
        self._parts = parts
        self._device = ""  # whose edge is shown
        self._knob = ""
        self._gesture = 0
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(GESTURE_MS)

    def show(self, focused: str) -> None:
        """Show the edge of the focused device, else of the last one that has an edge."""
        link = self._parts.link
        if link is None:
            return
        steps = sorted(self._parts.document.recipe.steps, key=lambda step: step.id == focused)
        for step in reversed(steps):
            edge = self._edge(step)
            if edge is not None:
                link.state.edge.show(edge)
                return
        self._device = self._knob = ""
        link.state.edge.show(None)

    def _edge(self, step: Step) -> BandEdge | None:
        rendering = self._parts.rendering
        rendered = rendering.rendered
        device = rendered.device(step.id) if rendered is not None and step.is_heard else None
        analysis = rendering.analysis(step)
        if rendered is None or device is None or analysis is None:
            return None
        edge = edge_of(device, analysis, step)
        knob = edge_knob(device.tool, analysis.facts)
        if edge is None or knob is None:
            return None
        self._device, self._knob = step.id, knob.name
        if edge.generated_in is None:
            return edge
        factor = rendered.rate / device.format.rate
        return replace(edge, generated_in=Span(*(round(frame * factor) for frame in edge.generated_in)))

    def put(self, hz: float | None) -> None:
        """Put the edge somewhere, or back to where it was found: one step of the history."""
        self._rest.stop()
        self._set(hz, "")

    def step(self, steps: int) -> None:
        """Raise or lower the edge by keys; presses that follow each other fast are one step of the history."""
        link = self._parts.link
        hz = link.state.edge.moved(steps) if link is not None else None
        if hz is None:
            self._parts.window.say(NO_EDGE)
            return
        if not self._rest.isActive():
            self._gesture += 1
        self._rest.start()
        self._set(hz, f"edge#{self._gesture}")

    def reset(self) -> None:
        """Use the found edge."""
        if self._device:
            self.put(None)
        else:
            self._parts.window.say(NO_EDGE)

    def _set(self, hz: float | None, gesture: str) -> None:
        if self._device:
            self._parts.document.set_knob(self._device, self._knob, 0.0 if hz is None else hz, gesture)
            self._parts.window.say(f"Band edge {edge_hz(hz)}" if hz is not None else "Band edge as found")
