"""The band edge that the spectrograms show as a line: where it is, where it is being dragged to, where it is wanted."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from gui.views.annotations import BandEdge

STEP = 2 ** (1 / 48)  # one key press: a quarter of a semitone
UNSURE = 0.3  # a confidence below this is said to be one


class EdgeLine(QObject):
    """One line for all views. A drag moves it on screen only; where it is dropped is asked for once."""

    changed = Signal()
    wanted = Signal(object)  # Hz, or None for the found one

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.shown: BandEdge | None = None
        self._dragged_hz: float | None = None

    def show(self, edge: BandEdge | None) -> None:
        """Show an edge, or none: then a drag of it ends as well."""
        if edge is None:
            self._dragged_hz = None
        if edge != self.shown:
            self.shown = edge
            self.changed.emit()

    @property
    def hz(self) -> float | None:
        """Where the line stands, None where there is none."""
        if self._dragged_hz is not None:
            return self._dragged_hz
        return self.shown.hz if self.shown is not None else None

    @property
    def is_dragged(self) -> bool:
        return self._dragged_hz is not None

    @property
    def generated_hz(self) -> tuple[float, float] | None:
        """The band in which sound is generated, None if there is none."""
        edge, hz = self.shown, self.hz
        if edge is None or hz is None or edge.generated_to_hz is None or edge.generated_to_hz <= hz:
            return None
        return hz, edge.generated_to_hz

    def drag(self, hz: float) -> None:
        """Move the line while the mouse is down; whole hertz, inside what can be asked for."""
        if self.shown is not None:
            self._dragged_hz = float(round(min(max(hz, self.shown.lowest_hz), self.shown.highest_hz)))
            self.changed.emit()

    def drop(self) -> None:
        """Ask for the place where the line was dragged to."""
        hz, self._dragged_hz = self._dragged_hz, None
        if hz is not None:
            if self.shown is not None and hz != self.shown.hz:
                self.wanted.emit(hz)
            self.changed.emit()

    def cancel(self) -> bool:
        """Put a dragged line back; False if none was being dragged."""
        if self._dragged_hz is None:
            return False
        self._dragged_hz = None
        self.changed.emit()
        return True

    def moved(self, steps: int) -> float | None:
        """Return where the edge would lie some quarters of a semitone higher, None where there is none."""
        edge = self.shown
        return None if edge is None else float(min(max(round(edge.hz * STEP**steps), edge.lowest_hz), edge.highest_hz))

    def reset(self) -> None:
        """Ask for the found edge."""
        if self.shown is not None and self.shown.is_set:
            self.wanted.emit(None)

    @property
    def words(self) -> str:
        """What stands at the line: 7.63 kHz edge, and how sure that is."""
        if self.shown is None or self.hz is None:
            return ""
        if is_unsure(self.shown) and not self.is_dragged:
            return f"{edge_hz(self.hz)} · no clear edge"
        return f"{edge_hz(self.hz)} edge" + ("" if self.is_dragged else f" · {certainty(self.shown)}")


def edge_hz(hz: float) -> str:
    """Return a band edge as people say it: 7.63 kHz, 850 Hz."""
    hz = round(hz)
    return f"{hz / 1000:.{2 if hz < 10_000 else 1}f} kHz" if hz >= 1000 else f"{hz} Hz"


def is_unsure(edge: BandEdge) -> bool:
    """Return whether an edge is no more than a guess."""
    return not edge.is_set and edge.confidence is not None and edge.confidence < UNSURE


def certainty(edge: BandEdge) -> str:
    """Return how an edge is known, one that isn't unsure."""
    if edge.is_set:
        return "set by hand"
    if edge.confidence is None:
        return "found"
    return f"{100 * edge.confidence:.0f} % sure"
