"""The sound card's callback: takes frames from the ring, weighs A and B, fades where rings change hands.

Slices and `out=` arithmetic on fixed scratch. No lock, no queue, no print, no signal, no exception, no new array:
whatever the other threads want is one attribute, replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Samples
from engine.playback.cursor import Log, Moment
from engine.playback.gains import MonitorGains, Wanted
from engine.playback.ring import Ring
from engine.playback.tap import Tap

PIECE_FRAMES = 4_096
UNDERRUN_FADE_FRAMES = 64
SEEK_FADE_S = 0.005
SWAP_FADE_S = 0.010


@dataclass(frozen=True)
class Handover:
    """The next ring, and how far the present one had been read when the next one was begun.

    `since` None means a jump: the new ring is taken from its beginning, with the short fade of a seek. Otherwise both
    rings lie on one course and the new one skips what the old one played in the meantime.
    """

    ring: Ring
    since: int | None
    serial: int


class Mixer:
    """Renders what is heard. `render` belongs to the output's thread; the attributes on top may be set by others.

    Parameters
    ----------
    rate, channels
        The device's.
    now
        The output's clock, seconds.
    """

    def __init__(self, rate: int, channels: int, wanted: Wanted, now: Callable[[], float]) -> None:
        self.is_running = False  # False: fade out in 5 ms and hold the place
        self.incoming: Handover | None = None
        self.accepted: Handover | None = None
        self.underruns = 0
        self.overs = 0  # samples clamped to full scale
        self.last_render = 0.0  # on the output's clock
        self.spent_at: float | None = None  # when the end of the ring is heard
        self.rate = rate
        self.channels = channels
        self.log = Log()
        self.tap = Tap(rate, channels)
        self.gains = MonitorGains(rate, PIECE_FRAMES, wanted)
        self._now = now
        self._ring: Ring | None = None
        self._serial = 0
        self._old: Ring | None = None
        self._fade_done = self._fade_total = 0
        self._level_total = max(1, round(SEEK_FADE_S * rate))
        self._level_done = 0  # 0 silent .. _level_total full
        self._runs = False
        self._starved = False
        self._moved = 0
        self._last: Samples = np.zeros((1, channels), dtype=np.float32)
        self._pairs: Samples = np.zeros((PIECE_FRAMES, 2 * channels), dtype=np.float32)
        self._scaled: Samples = np.zeros((PIECE_FRAMES, channels), dtype=np.float32)
        self._other: Samples = np.zeros((PIECE_FRAMES, channels), dtype=np.float32)
        self._weight: NDArray[np.float32] = np.zeros((PIECE_FRAMES, 1), dtype=np.float32)
        self._count: NDArray[np.float32] = np.arange(1, PIECE_FRAMES + 1, dtype=np.float32)[:, None]
        self._decay: Samples = 1 - self._count[:UNDERRUN_FADE_FRAMES] * np.float32(1 / UNDERRUN_FADE_FRAMES)

    @property
    def ring(self) -> Ring | None:
        """The ring that is played."""
        return self._ring

    def render(self, out: Samples, delay_s: float) -> None:
        """Fill `out`, shape (frames, channels), which will be heard `delay_s` from now."""
        now = self._now()
        self.accept()
        self._runs = self.is_running  # one answer for the whole block
        place = self._ring.place if self._ring is not None else 0
        self._moved = 0
        for start in range(0, len(out), PIECE_FRAMES):
            piece = out[start : start + PIECE_FRAMES]
            self._render_piece(piece)
            self._clamp(piece)
            self.tap.write(piece)
        self.log.add(Moment(now + delay_s, place, self._moved, self._serial))
        self._notice_end(now + delay_s)
        self.last_render = now

    def accept(self) -> None:
        """Take the incoming ring if it is ready. While no output runs, the reader thread may call this itself."""
        handover = self.incoming
        if handover is None or handover is self.accepted:
            return
        if self._level_done == 0:  # a fade that nobody hears is over, or it would wait for ever
            self._fade_done, self._old = self._fade_total, None
        is_ending = self._level_done > 0 and not self.is_running  # the new ring's first samples aren't spent on a fade
        if self._fade_done < self._fade_total or is_ending:
            return
        if handover.since is not None and self._ring is not None:
            missed = self._ring.read - handover.since
            if missed > handover.ring.available:
                return
            handover.ring.skip(missed)
        self._change_ring(handover)
        self.accepted = handover

    def _change_ring(self, handover: Handover) -> None:
        is_heard = self._level_done > 0 and self._ring is not None and not self._ring.is_spent
        fade_s = SEEK_FADE_S if handover.since is None else SWAP_FADE_S
        self._old = self._ring if is_heard else None
        self._fade_done, self._fade_total = 0, round(fade_s * self.rate) if is_heard else 0
        if not is_heard:
            self._level_done = 0
        self._ring = handover.ring
        self._serial = handover.serial
        self.spent_at = None

    def _render_piece(self, out: Samples) -> None:
        done = 0
        while done < len(out):
            ring = self._ring
            if ring is None or (self._level_done == 0 and not self._starts(ring)):
                out[done:] = 0
                self._last[:] = 0
                return
            frames = len(out) - done
            if self._fade_done < self._fade_total:
                frames = min(frames, self._fade_total - self._fade_done)
            if not self._runs:
                frames = min(frames, self._level_done)
            elif self._level_done < self._level_total:
                frames = min(frames, self._level_total - self._level_done)
            self._mix(ring, out[done : done + frames])
            done += frames

    def _starts(self, ring: Ring) -> bool:
        """Begin to play if that is wanted. The beginning of a recording is its own fade and stays as it is."""
        self.gains.settle()
        if not self._runs:
            return False
        if ring.place == 0:
            self._level_done = self._level_total
        return True

    def _mix(self, ring: Ring, out: Samples) -> None:
        frames = len(out)
        self.gains.fill(frames)
        got = self._weigh(ring, out)
        self._moved += got
        if self._starved and got:
            self._fade_in_again(out[:got])
        if got < frames:
            self._bridge(ring, out, got)
        if self._fade_done < self._fade_total and self._old is not None:
            self._cross_fade(self._old, out)
        if self._level_done < self._level_total or not self._runs:
            self._move_level(out)
        self._last[:] = out[-1]

    def _weigh(self, ring: Ring, out: Samples) -> int:
        """Fill `out` with gA A + gB B as far as `ring` reaches, and return how far that is."""
        got = ring.peek(self._pairs[: len(out)])
        ring.skip(got)
        a = self._pairs[:got, : self.channels]
        b = self._pairs[:got, self.channels :]
        heard, scaled = out[:got], self._scaled[:got]
        if self.gains.constant is None:
            np.multiply(a, self.gains.a[:got], out=heard)
            np.multiply(b, self.gains.b[:got], out=scaled)
        else:
            np.multiply(a, np.float32(self.gains.constant[0]), out=heard)
            np.multiply(b, np.float32(self.gains.constant[1]), out=scaled)
        np.add(heard, scaled, out=heard)
        return got

    def _bridge(self, ring: Ring, out: Samples, got: int) -> None:
        """Go from the last sample there was to silence without a click. Only an unexpected end counts."""
        rest = out[got:]
        rest[:] = 0
        if ring.is_spent:
            return
        if not self._starved:
            self.underruns += 1
            self._starved = True
            tail = rest[:UNDERRUN_FADE_FRAMES]
            np.multiply(self._decay[: len(tail)], out[got - 1] if got else self._last[0], out=tail)

    def _fade_in_again(self, out: Samples) -> None:
        head = out[:UNDERRUN_FADE_FRAMES]
        np.multiply(self._count[: len(head)], np.float32(1 / UNDERRUN_FADE_FRAMES), out=self._weight[: len(head)])
        np.multiply(head, self._weight[: len(head)], out=head)
        self._starved = False

    def _cross_fade(self, old: Ring, out: Samples) -> None:
        frames = len(out)
        other, weight = self._other[:frames], self._weight[:frames]
        got = self._weigh(old, other)
        other[got:] = 0
        np.add(self._count[:frames], np.float32(self._fade_done), out=weight)
        np.multiply(weight, np.float32(1 / self._fade_total), out=weight)
        np.multiply(out, weight, out=out)
        np.subtract(np.float32(1), weight, out=weight)
        np.multiply(other, weight, out=other)
        np.add(out, other, out=out)
        self._fade_done += frames
        if self._fade_done >= self._fade_total:
            self._old = None

    def _move_level(self, out: Samples) -> None:
        frames = len(out)
        step = 1 if self._runs else -1
        weight = self._weight[:frames]
        np.multiply(self._count[:frames], np.float32(step), out=weight)
        np.add(weight, np.float32(self._level_done), out=weight)
        np.multiply(weight, np.float32(1 / self._level_total), out=weight)
        np.clip(weight, 0, 1, out=weight)
        np.multiply(out, weight, out=out)
        self._level_done = min(max(self._level_done + step * frames, 0), self._level_total)

    def _clamp(self, out: Samples) -> None:
        scratch = self._scaled[: len(out)]
        np.abs(out, out=scratch)
        if scratch.max() > 1:
            self.overs += int(np.count_nonzero(scratch > 1))
            np.clip(out, -1, 1, out=out)

    def _notice_end(self, heard_at: float) -> None:
        if self.spent_at is None and self._ring is not None and self._ring.is_spent:
            self.spent_at = heard_at + self._moved / self.rate
