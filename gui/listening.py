"""What is heard: the player between the document and the sound card, with A, B, Δ, level match and the loop."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer
from PySide6.QtCore import Signal as QtSignal

from engine.audio.signal import Signal, Span
from engine.playback.course import PlayerEvent
from engine.playback.match import LevelMatch, level_match
from engine.playback.output import list_devices
from engine.playback.player import DELTA_GAINS_DB, Player
from engine.session.render import RenderedSignal
from gui.banner import Message
from gui.jobs import Jobs, Task
from gui.sound import NO_DEVICE, SoundChoice, opener
from gui.transport import Monitor

MATCH_REST_MS = 400
AUDIO = "SHELLAC_AUDIO"
NO_CARD = "No sound card: playing without sound"


class Listening(QObject):
    """The player, and what the user wants to hear of the pair."""

    changed = QtSignal()  # monitor, match, solo, gain
    state_changed = QtSignal()  # playing, paused, stopped
    sound_changed = QtSignal()  # there is a sound card, or there is none
    message = QtSignal(object)
    said = QtSignal(str)
    _event = QtSignal(object)

    def __init__(self, jobs: Jobs, choice: SoundChoice, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.choice = choice
        self.player = Player(opener(choice), self._event.emit)
        self.monitor: Monitor = "B"
        self.is_matched = True
        self.match = LevelMatch()
        self.delta_gain_db = 0.0
        self.solo = ""  # id of the device whose Δ is heard
        self.problem = ""  # why nothing can be heard
        self._before_solo: Monitor = "B"
        self._held: Monitor | None = None
        self._a: Signal | None = None
        self._b: Signal | None = None
        self._rendered: RenderedSignal | None = None
        self._state = "stopped"
        self._match_task: Task | None = None
        self._spans: Callable[[], Sequence[Span]] = lambda: ()
        self._match_rest = QTimer(self)
        self._match_rest.setSingleShot(True)
        self._match_rest.setInterval(MATCH_REST_MS)
        self._match_rest.timeout.connect(self._measure_match)
        self._event.connect(self._take_event)

    # --- the pair -------------------------------------------------------------------------------------------------

    def set_spans(self, spans: Callable[[], Sequence[Span]]) -> None:
        """Say where to find the finished spans of B that the level match is measured over."""
        self._spans = spans

    def set_pair(self, a: Signal, rendered: RenderedSignal | None) -> None:
        """Compare a recording with the result of its rack, or with itself."""
        self._a = a
        self._rendered = rendered
        is_same = rendered is None or not rendered.devices
        self._b = a if is_same or rendered is None else rendered
        if self.solo and (rendered is None or rendered.device(self.solo) is None):
            self._leave_solo()
        self._send_pair()
        self.rest_match()

    def _send_pair(self) -> None:
        if self._a is None or self._b is None:
            return
        if self.solo and self._rendered is not None:
            self.player.set_pair(self._rendered.before(self.solo), self._rendered.after(self.solo))
        else:
            self.player.set_pair(self._a, self._b)
        self._send_wanted()

    def clear(self) -> None:
        """Nothing is open any more."""
        self.player.stop()
        self._a = self._b = self._rendered = None
        self.solo = ""
        self._match_rest.stop()

    @property
    def heard(self) -> Monitor:
        """The side that is heard at this moment: the held one while X is down."""
        return self._held or self.monitor

    @property
    def heard_signal(self) -> Signal | None:
        return self._a if self.heard == "A" else self._b

    # --- what is heard --------------------------------------------------------------------------------------------

    def hear(self, monitor: Monitor) -> None:
        """Hear A, B or their difference."""
        if self.solo:
            self._leave_solo()
            self._send_pair()
        self.monitor = monitor
        self._send_wanted()
        self.said.emit({"A": "A original", "B": "B result", "delta": "Δ difference"}[monitor])
        self.changed.emit()

    def toggle(self) -> None:
        """A to B and back."""
        self.hear("A" if self.monitor == "B" else "B")

    def toggle_delta(self) -> None:
        """Δ on, or back to B."""
        self.hear("B" if self.monitor == "delta" else "delta")

    def hold(self, is_down: bool) -> None:
        """Hear the other side while a key is down."""
        wanted: Monitor | None = ("A" if self.monitor == "B" else "B") if is_down else None
        if wanted != self._held:
            self._held = wanted
            self._send_wanted()
            self.changed.emit()

    def toggle_solo(self, device: str) -> None:
        """Hear only what one device changes, or leave that."""
        if self.solo == device:
            self._leave_solo()
        elif self._rendered is not None and self._rendered.device(device) is not None:
            if not self.solo:
                self._before_solo = self.monitor
            self.solo, self.monitor = device, "delta"
            self.said.emit("Only what this device changes")
        self._send_pair()
        self.changed.emit()

    def _leave_solo(self) -> None:
        self.solo, self.monitor = "", self._before_solo

    def next_delta_gain(self) -> None:
        """Make the difference louder: 0, 6, 12, 20 dB and around."""
        place = min(range(len(DELTA_GAINS_DB)), key=lambda index: abs(DELTA_GAINS_DB[index] - self.delta_gain_db))
        self.delta_gain_db = DELTA_GAINS_DB[(place + 1) % len(DELTA_GAINS_DB)]
        self._send_wanted()
        self.said.emit(f"Δ gain {self.delta_gain_db:.0f} dB")
        self.changed.emit()

    def set_matched(self, is_matched: bool) -> None:
        """Switch the level match."""
        self.is_matched = is_matched
        self._send_wanted()
        self.said.emit(f"Level match {'on' if is_matched else 'off'}")
        self.changed.emit()

    def _send_wanted(self) -> None:
        self.player.monitor = self.heard
        self.player.delta_gain_db = self.delta_gain_db
        self.player.set_match(self.match if self.is_matched else None)

    # --- level match ----------------------------------------------------------------------------------------------

    @property
    def match_text(self) -> str:
        """What the chip says, such as `B −2.3 dB`."""
        largest = max(abs(self.match.gain_a_db), abs(self.match.gain_b_db))
        return "within 0.1 dB" if largest < 0.1 else self.match.text

    def rest_match(self) -> None:
        """Measure the level match soon: the loop, the selection or what is finished has changed."""
        self._match_rest.start()

    def _measure_match(self) -> None:
        a, b, spans = self._a, self._b, tuple(self._spans())
        if self._match_task is not None:
            self._match_task.cancel()
            self._match_task = None
        if a is None or b is None or a is b or not spans:
            self._take_match(LevelMatch())
            return
        rendered = b

        def found(match: LevelMatch) -> None:
            if self._match_task is task:
                self._take_match(match)

        task = self._jobs.start(
            "Level match",
            lambda job: level_match(a, rendered, spans, job.check),
            found,
            lambda _error: None,
            is_shown=False,
        )
        self._match_task = task

    def _take_match(self, match: LevelMatch) -> None:
        if match != self.match:
            self.match = match
            self._send_wanted()
            self.changed.emit()

    # --- transport ------------------------------------------------------------------------------------------------

    def poll(self) -> float:
        """Return the position in seconds, and notice when the player has stopped by itself."""
        state = self.player.state
        if state != self._state:
            self._state = state
            self.state_changed.emit()
        return self.seconds()

    @property
    def is_playing(self) -> bool:
        return self.player.is_playing

    def seconds(self) -> float:
        """Return the position in seconds. The player counts frames of what it plays, at whatever rate that has."""
        rate = self.player.rate
        return self.player.position() / rate if rate else 0.0

    def seek(self, seconds: float) -> None:
        """Go to a place; while playing, sound follows."""
        self.player.seek(round(seconds * self.player.rate))

    def play(self, seconds: float) -> None:
        """Play from a place."""
        self.player.play(round(seconds * self.player.rate))

    def play_once(self, start_s: float, stop_s: float) -> None:
        """Play a part once, without the loop."""
        self.player.play_once(self._frames(start_s, stop_s))

    def set_loop(self, loop_s: tuple[float, float] | None) -> None:
        """Repeat a part, or nothing."""
        self.player.loop = self._frames(*loop_s) if loop_s is not None else None

    def refresh(self, start_s: float, stop_s: float) -> None:
        """Say that B has changed in a part."""
        self.player.refresh(self._frames(start_s, stop_s))

    def _frames(self, start_s: float, stop_s: float) -> Span:
        return Span(round(start_s * self.player.rate), round(stop_s * self.player.rate))

    # --- sound card -----------------------------------------------------------------------------------------------

    def use(self, choice: SoundChoice) -> None:
        """Play on another device, or try the same one again."""
        self.choice = choice
        self.problem = ""
        self.player.use_output(opener(choice))
        self.sound_changed.emit()

    def look_for_card(self) -> None:
        """Ask the system whether there is a sound card at all, so that the window says it before the first play."""

        def found(count: int) -> None:
            if count == 0 and not self.problem:
                self.problem = NO_CARD
                self.sound_changed.emit()

        def look(_job: object) -> int:
            return 0 if self.choice.device == NO_DEVICE or os.environ.get(AUDIO) == NO_DEVICE else len(list_devices())

        self._jobs.start("Sound", look, found, lambda _error: found(0), is_shown=False)

    def _take_event(self, event: PlayerEvent) -> None:
        if event.kind in ("no device", "device lost"):
            self.problem = NO_CARD
            self.sound_changed.emit()
        if event.kind == "device lost":
            actions = (("Retry", lambda: self.use(self.choice)),)
            self.message.emit(
                Message(_capital(event.text), "The transport goes on silently", "warn", "", actions, "sound")
            )
        elif event.kind == "unreadable":
            self.message.emit(Message(_capital(event.text), "", "error", topic="sound"))
        elif event.kind == "latency raised":
            self.message.emit(Message(_capital(event.text), "", "info", topic="sound"))

    def close(self) -> None:
        """Let go of the sound card."""
        self._match_rest.stop()
        self.player.close()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def level_dbfs(peak: float) -> float:
    """Return a level a meter can draw: silence is −120 dB."""
    return max(-120.0, peak) if math.isfinite(peak) else -120.0
