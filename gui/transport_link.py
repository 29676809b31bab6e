"""What the transport's keys do: play, pause, loop, move the cursor."""

from __future__ import annotations

from PySide6.QtCore import QObject

from gui.parts import Parts

SPECTROGRAM_HOP = 512  # frames of one column, for , and .


class TransportLink(QObject):
    """Asks player and canvas; without a file nothing happens."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts.window)
        self.parts = parts
        self.document, self.listening = parts.document, parts.listening

    def _has_file(self) -> bool:
        return self.document.source is not None and self.parts.link is not None

    def play_return(self) -> None:
        """Play from the cursor; if playing, stop and return there."""
        if not self._has_file() or self.parts.link is None:
            return
        if self.listening.is_playing:
            self.listening.player.stop()
        else:
            self.listening.play(self.parts.link.state.cursor / self.parts.link.state.rate)

    def play_pause(self) -> None:
        """Play on, or pause in place."""
        if self._has_file():
            (self.listening.player.pause if self.listening.is_playing else self.listening.player.play)()

    def play_selection(self) -> None:
        """Play the selection once."""
        state = self.parts.link.state if self.parts.link is not None else None
        if state is not None and state.selection is not None:
            self.listening.play_once(state.selection.start / state.rate, state.selection.stop / state.rate)

    def toggle_loop(self) -> None:
        if self.parts.link is not None:
            self.parts.link.toggle_loop()

    def go(self, share: float) -> None:
        if self.parts.link is not None:
            self.parts.link.go_to(share * self.parts.link.state.frames)

    def step(self, frames: float, extend: bool = False) -> None:
        if self.parts.link is not None:
            self.parts.link.step(frames, extend)

    def small(self) -> float:
        return max(1.0, self.parts.link.state.span_frames / 100) if self.parts.link is not None else 1.0

    def second(self) -> float:
        return float(self.parts.link.state.rate) if self.parts.link is not None else 0.0
