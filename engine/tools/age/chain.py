"""The order of the effects, each one a Signal on top of the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.audio.fir import FilteredSignal
from engine.audio.signal import Format, SameShape, Samples, Signal, check_span, format_of
from engine.audio.warp import warp
from engine.tools.age import filters, noise
from engine.tools.age.distortion import DistortedSignal
from engine.tools.age.draws import Draws, Effect
from engine.tools.age.hum import Hum
from engine.tools.age.impulses import Impulses, draw_clicks, draw_crackle, draw_scratches, draw_thumps
from engine.tools.age.knobs import EFFECTS
from engine.tools.age.speed import Wobble
from engine.tools.tool import NO_JOB, Job, Params

EVENT_BLOCK_S = 1.0  # events are drawn per second of the recording, whatever its rate
LONGEST_EVENT_S = 0.06


@dataclass(frozen=True, eq=False)
class Added(SameShape):
    """A Signal with something added to it; the addition may have one channel for all."""

    signal: Signal
    addition: Callable[[int, int], Samples]  # (start, stop) -> (stop - start, channels or 1)

    def read(self, start: int, stop: int) -> Samples:
        check_span(self, start, stop)
        return self.signal.read(start, stop) + self.addition(start, stop)


class Remembered:
    """A Signal that keeps what was read last, for readers who want the same span of it and of what stands on it."""

    def __init__(self, signal: Signal) -> None:
        self.rate, self.channels, self.frames = format_of(signal)
        self._signal = signal
        self._last: tuple[int, int, Samples] | None = None

    def read(self, start: int, stop: int) -> Samples:
        last = self._last
        if last is None or last[:2] != (start, stop):
            last = (start, stop, self._signal.read(start, stop))
            self._last = last
        return last[2]


def chain(signal: Signal, params: Params, remember: bool = False) -> dict[str, Signal]:
    """Return the signal after every effect, by its name, in order; an effect that is off changes nothing.

    With `remember`, reading one span of every stage costs little more than reading it of the last.
    """
    stages: dict[str, Signal] = {}
    for effect in EFFECTS:
        if params[effect]:
            signal = _STAGES[effect](signal, params)
            signal = Remembered(signal) if remember else signal
        stages[effect] = signal
    return stages


def wobble_of(given: Format, params: Params) -> Wobble:
    """Return the speed curve of a recording of this format; without swings if wow is off."""
    seconds = given.frames / given.rate
    delay_s = _band_delay_s(given, params)
    if not params["wow"]:
        return Wobble((), seconds, delay_s)
    names = ("wow_percent", "wow_hz", "flutter_percent", "flutter_hz", "drift_percent")
    drawn = Wobble.drawn(_draws(params).generator(Effect.WOW), seconds, *(float(params[name]) for name in names))
    return Wobble(drawn.swings, seconds, delay_s)


def hum_of(params: Params) -> Hum:
    """Return the hum that `params` ask for."""
    generator = _draws(params).generator(Effect.HUM)
    return Hum.drawn(generator, float(params["hum_hz"]), float(params["hum_db"]), int(params["hum_harmonics"]))


def impulses_of(effect: str, params: Params, start_s: float, stop_s: float, job: Job = NO_JOB) -> Impulses:
    """Return the events of "crackle", "clicks" or "thumps" that may sound between two moments, in a fixed order."""
    turn_s = 60.0 / float(params["scratches_rpm"])
    reach_s = LONGEST_EVENT_S + (12 * turn_s if effect == "clicks" and params["scratches_per_s"] else 0.0)
    first = max(0, int(np.floor((start_s - reach_s) / EVENT_BLOCK_S)))
    last = int(np.ceil((stop_s + 0.01) / EVENT_BLOCK_S))
    rates = (float(params[f"{effect}_per_s"]), float(params["scratches_per_s"]), turn_s)
    parts = []
    for block in range(first, max(first + 1, last)):
        job.check()
        parts.append(_event_block(effect, int(params["seed"]), block, float(params[f"{effect}_level"]), rates))
    found = Impulses.joined(parts)
    return found.chosen((found.time_s + found.length_s >= start_s - 0.01) & (found.time_s < stop_s + 0.01))


@lru_cache(maxsize=512)
def _event_block(effect: str, seed: int, block: int, level: float, rates: tuple[float, float, float]) -> Impulses:
    generator = Draws(seed).generator(Effect[effect.upper()], block)
    per_s, scratches_per_s, turn_s = rates
    if effect == "crackle":
        drawn = draw_crackle(generator, EVENT_BLOCK_S, per_s, level)
    elif effect == "thumps":
        drawn = draw_thumps(generator, EVENT_BLOCK_S, per_s, level)
    else:
        drawn = draw_clicks(generator, EVENT_BLOCK_S, per_s, level)
        if scratches_per_s:
            scratches = draw_scratches(generator, EVENT_BLOCK_S, scratches_per_s, level, turn_s)
            drawn = Impulses.joined([drawn, scratches])
    return drawn.delayed(block * EVENT_BLOCK_S)


def _draws(params: Params) -> Draws:
    return Draws(int(params["seed"]))


def _band_delay_s(given: Format, params: Params) -> float:
    if not params["band"] or params["phase"] == "linear":
        return 0.0
    return filters.band_delay_s(given.rate, *_edges(given, params))


def _edges(given: Format, params: Params) -> tuple[float | None, float | None]:
    """Low-pass and high-pass; an edge that this rate can't hold is left out."""
    high_pass_hz = float(params["high_pass_hz"])
    return float(params["low_pass_hz"]), high_pass_hz if high_pass_hz < filters.OPEN_EDGE * given.rate / 2 else None


def _distorted(signal: Signal, params: Params) -> Signal:
    return DistortedSignal(signal, float(params["drive"]), float(params["asymmetry"]))


def _resonant(signal: Signal, params: Params) -> Signal:
    peaks = filters.horn(*(float(params[f"resonance_{name}"]) for name in ("hz", "db", "q")))
    return FilteredSignal(signal, filters.resonances(signal.rate, peaks))


def _band_limited(signal: Signal, params: Params) -> Signal:
    design = filters.band_limits if params["phase"] == "linear" else filters.causal_band_limits
    return FilteredSignal(signal, design(signal.rate, *_edges(format_of(signal), params)))


def _wobbling(signal: Signal, params: Params) -> Signal:
    curve = wobble_of(format_of(signal), params)
    # Delays that happened before are in the sound already; only the map must tell of them.
    return warp(signal, Wobble(curve.swings, curve.seconds)) if curve.swings else signal


def _humming(signal: Signal, params: Params) -> Signal:
    hum = hum_of(params)
    return Added(signal, lambda start, stop: hum.wave(signal.rate, start, stop))


def _rumbling(signal: Signal, params: Params) -> Signal:
    rumble = noise.rumble_signal(signal.rate, signal.frames, _draws(params))
    level = np.float32(10.0 ** (float(params["rumble_db"]) / 20.0))
    return Added(signal, lambda start, stop: rumble.read(start, stop) * level)


def _hissing(signal: Signal, params: Params) -> Signal:
    colour_db, level = float(params["hiss_colour"]), np.float32(params["hiss_level"])
    hiss = noise.hiss_signal(signal.rate, signal.channels, signal.frames, _draws(params), colour_db)
    return Added(signal, lambda start, stop: hiss.read(start, stop) * level)


def _hit(effect: str) -> Callable[[Signal, Params], Signal]:
    def stage(signal: Signal, params: Params) -> Signal:
        def addition(start: int, stop: int) -> Samples:
            impulses = impulses_of(effect, params, start / signal.rate, stop / signal.rate)
            return impulses.render(signal.rate, start, stop, signal.channels)

        return Added(signal, addition)

    return stage


_STAGES: dict[str, Callable[[Signal, Params], Signal]] = {
    "distortion": _distorted,
    "resonance": _resonant,
    "band": _band_limited,
    "wow": _wobbling,
    "hum": _humming,
    "rumble": _rumbling,
    "hiss": _hissing,
    "crackle": _hit("crackle"),
    "clicks": _hit("clicks"),
    "thumps": _hit("thumps"),
}
