"""Damage that happens at moments: crackle, clicks and pops, scratches that return with every turn, thumps.

Every event is a decaying oscillation of its own length, level, pitch and sign, so a test or a training run knows
exactly which samples were hit, and by what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Samples
from engine.tools.age.draws import Generator

Column = NDArray[np.float64]

CRACKLE, CLICK, POP, THUMP = range(4)
KINDS = ("crackle", "click", "pop", "thump")
LENGTH_S = ((0.00005, 0.0004), (0.00005, 0.001), (0.001, 0.003), (0.01, 0.06))  # log-uniform, per kind
CYCLES = ((0.5, 2.0), (0.5, 4.0), (0.5, 3.0), (0.7, 2.5))  # oscillations per event, per kind
DECAY = 4.0  # an event ends at exp(-4), 35 dB down
LEVEL_SPREAD_DB = 5.0  # standard deviation
LOUDEST = 1.0  # full scale
POPS = 0.25  # of the clicks are pops
ONE_WALL = 0.5  # of the events on several channels hit only one
RETURNS = (3, 12)  # turns for which a scratch is heard
RETURN_JITTER_S = 0.0005
RETURN_SPREAD_DB = 1.5


class Event(NamedTuple):
    """One moment of damage."""

    time_s: float
    length_s: float
    kind: str  # one of KINDS
    channel: int | None  # None: every channel
    level: float  # peak, of full scale


@dataclass(frozen=True, eq=False)
class Impulses:
    """Many events, one column per property, all of shape (events,)."""

    time_s: Column
    length_s: Column
    kind: NDArray[np.int64]  # index into KINDS
    wall: Column  # -1: every channel; else 0 to below 1, the share of the channels that lie before the one hit
    level: Column  # peak, with sign
    hertz: Column

    def __len__(self) -> int:
        return len(self.time_s)

    @staticmethod
    def joined(parts: Sequence[Impulses]) -> Impulses:
        """Return the events of all parts, in their order."""
        columns = ("time_s", "length_s", "kind", "wall", "level", "hertz")
        return Impulses(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))

    def chosen(self, which: NDArray[np.bool_]) -> Impulses:
        """Return the events for which `which` is True."""
        return Impulses(
            self.time_s[which], self.length_s[which], self.kind[which], self.wall[which], self.level[which],
            self.hertz[which],
        )  # fmt: skip

    def delayed(self, seconds: float) -> Impulses:
        """Return the same events, later."""
        return Impulses(self.time_s + seconds, self.length_s, self.kind, self.wall, self.level, self.hertz)

    def channel(self, channels: int) -> NDArray[np.int64]:
        """Return the channel hit by each event, -1 for all of them."""
        hit = np.minimum((self.wall * channels).astype(np.int64), channels - 1)
        return np.where((self.wall < 0) | (channels == 1), -1, hit)

    def events(self, channels: int) -> list[Event]:
        """Return the events in order of time."""
        hit = self.channel(channels)
        listed = [
            Event(
                float(self.time_s[i]), float(self.length_s[i]), KINDS[self.kind[i]],
                int(hit[i]) if hit[i] >= 0 else None, float(abs(self.level[i])),
            )
            for i in range(len(self))
        ]  # fmt: skip
        return sorted(listed, key=lambda event: event.time_s)

    def render(self, rate: int, start: int, stop: int, channels: int) -> Samples:
        """Return the sound of the events in frames `start` to `stop`, shape (stop - start, channels).

        An event begins on the frame nearest to its time. Clicks begin at their peak; thumps swell.
        """
        out = np.zeros((stop - start, channels), dtype=np.float32)
        hit = self.channel(channels)
        longest = 1 + np.ceil(self.length_s * rate).astype(np.int64)
        # Alike long events are computed together: a table for 60 ms would waste its width on crackle.
        for kind in np.unique(self.kind).tolist():
            chosen = np.flatnonzero(self.kind == kind)
            frames = np.arange(int(longest[chosen].max()))
            wave = self._waves(chosen, frames / rate)
            places = np.rint(self.time_s[chosen] * rate).astype(np.int64)[:, None] + (frames - start)[None, :]
            inside = (places >= 0) & (places < len(out)) & (wave != 0)
            for channel in range(channels):
                heard = inside & np.isin(hit[chosen], (-1, channel))[:, None]
                np.add.at(out[:, channel], places[heard], wave[heard])
        return out

    def _waves(self, chosen: NDArray[np.int64], seconds: Column) -> Samples:
        """Waveforms of some events of one kind, shape (events, samples)."""
        time, length = seconds[None, :], self.length_s[chosen, None]
        turn, decay = 2.0 * np.pi * self.hertz[chosen, None], DECAY / length
        shape = np.exp(-decay * time)
        if self.kind[chosen[0]] == THUMP:
            peak_at = np.arctan(turn / decay) / turn
            shape *= np.sin(turn * time) / (np.exp(-decay * peak_at) * np.sin(turn * peak_at))
        else:
            shape *= np.cos(turn * time)
        return np.where(time <= length, shape * self.level[chosen, None], 0.0).astype(np.float32)


def draw_crackle(generator: Generator, seconds: float, per_s: float, level: float) -> Impulses:
    """Draw small, very short events: 0.05 to 0.4 ms. `level` is the median peak, of full scale."""
    return _drawn(generator, seconds, per_s, level, (CRACKLE,))


def draw_clicks(generator: Generator, seconds: float, per_s: float, level: float) -> Impulses:
    """Draw clicks (0.05 to 1 ms) and, for a quarter of them, pops (1 to 3 ms)."""
    return _drawn(generator, seconds, per_s, level, (CLICK, POP))


def draw_thumps(generator: Generator, seconds: float, per_s: float, level: float) -> Impulses:
    """Draw thumps: 10 to 60 ms of low frequency."""
    return _drawn(generator, seconds, per_s, level, (THUMP,))


def draw_scratches(generator: Generator, seconds: float, per_s: float, level: float, turn_s: float) -> Impulses:
    """Draw scratches across grooves: clicks that return with every turn, `per_s` in all on the long-term mean.

    Parameters
    ----------
    turn_s
        Seconds per turn: 60 / rpm. The last return comes up to 11 turns after `seconds`.
    """
    fewest, most = RETURNS
    first = draw_clicks(generator, seconds, 2.0 * per_s / (fewest + most), level)
    count = generator.integers(fewest, most + 1, len(first))
    parts = []
    for turn in range(most):
        jitter = generator.normal(0.0, RETURN_JITTER_S, len(first))
        gain = 10.0 ** (generator.normal(0.0, RETURN_SPREAD_DB, len(first)) / 20.0)
        again = Impulses(
            np.maximum(0.0, first.time_s + turn * turn_s + jitter), first.length_s, first.kind, first.wall,
            np.clip(first.level * gain, -LOUDEST, LOUDEST), first.hertz,
        )  # fmt: skip
        parts.append(again.chosen(count > turn))
    return Impulses.joined(parts)


def _drawn(generator: Generator, seconds: float, per_s: float, level: float, kinds: tuple[int, ...]) -> Impulses:
    count = int(generator.poisson(per_s * seconds))
    uniform = generator.uniform(size=(7, count))
    kind = np.where(uniform[0] < POPS, kinds[-1], kinds[0])
    low, high = np.log(np.array(LENGTH_S)[kind]).T
    length = np.exp(low + uniform[1] * (high - low))
    few, many = np.array(CYCLES)[kind].T
    spread = 10.0 ** (generator.normal(0.0, LEVEL_SPREAD_DB, count) / 20.0)
    sign = np.where(uniform[2] < 0.5, -1.0, 1.0)
    return Impulses(
        time_s=np.sort(uniform[3] * seconds),
        length_s=length,
        kind=kind,
        wall=np.where(uniform[4] < ONE_WALL, uniform[5], -1.0),
        level=sign * np.minimum(level * spread, LOUDEST),
        hertz=(few + uniform[6] * (many - few)) / length,
    )
