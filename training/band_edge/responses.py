"""Random low-passes as power responses, and where each is 6 dB down.

Orders, ripples and widths are drawn at random, wider than those of the table that judges. Chebyshev II and windowed
sincs of Kaiser and Hann are never drawn: they are kept for measuring.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.signal
from numpy.typing import NDArray
from scipy.special import erfc

Doubles = NDArray[np.float64]

KINDS: Final = {
    "butterworth": 0.42, "chebyshev 1": 0.13, "elliptic": 0.13, "bessel": 0.06, "bell": 0.14, "wall": 0.12,
}  # fmt: skip
BUTTERWORTH_ORDERS: Final = {
    6: 0.08, 7: 0.1, 8: 0.22, 9: 0.1, 10: 0.12, 11: 0.06, 12: 0.16, 14: 0.06, 16: 0.06, 20: 0.04,
}  # fmt: skip
HIGHEST_CORNER: Final = 0.47  # of the rate; above it only walls are drawn
BOTH_WAYS: Final = 0.15  # of the recursive filters, as zero-phase filtering applies them
STEEPEST_GENTLE: Final = 18.0  # dB per octave that are nature's own and no edge


def low_pass(hertz: Doubles, corner: float, rate: float, rng: np.random.Generator) -> Doubles:
    """Return the power response of a random low-pass, shape of `hertz`; `rate` is that at which it filters."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    if kind == "wall" or corner > HIGHEST_CORNER * rate:
        return wall(hertz, corner, rng.uniform(0.0, 0.1))
    if kind == "bell":
        amplitude = 0.5 * erfc((hertz / corner - 1.0) / rng.uniform(0.02, 0.2))
        return np.asarray(np.maximum(amplitude, 10.0 ** (-rng.uniform(50.0, 90.0) / 20.0)) ** 2)
    response = np.where(hertz <= rate / 2.0, _power(_sections(kind, corner, rate, rng), hertz, rate), 0.0)
    return np.asarray(response**2 if kind != "elliptic" and rng.random() < BOTH_WAYS else response)


def _sections(kind: str, corner: float, rate: float, rng: np.random.Generator) -> Doubles:
    ripple_db, stop_db = rng.uniform(0.05, 3.0), rng.uniform(42.0, 80.0)
    if kind == "butterworth":
        order = int(rng.choice(list(BUTTERWORTH_ORDERS), p=list(BUTTERWORTH_ORDERS.values())))
        sections = scipy.signal.butter(order, corner, fs=rate, output="sos")
    elif kind == "chebyshev 1":
        sections = scipy.signal.cheby1(int(rng.integers(4, 11)), ripple_db, corner, fs=rate, output="sos")
    elif kind == "elliptic":
        sections = scipy.signal.ellip(int(rng.integers(4, 10)), ripple_db, stop_db, corner, fs=rate, output="sos")
    else:
        sections = scipy.signal.bessel(int(rng.integers(8, 14)), corner, fs=rate, norm="mag", output="sos")
    return np.asarray(sections, dtype=np.float64)


def decimating(hertz: Doubles, nyquist: float, rate: float) -> Doubles:
    """Return the power response of `scipy.signal.decimate` to half of a lower rate, zero phase."""
    return _power(scipy.signal.cheby1(8, 0.05, 0.8 * nyquist, fs=rate, output="sos"), hertz, rate) ** 2


def wall(hertz: Doubles, edge: float, width: float) -> Doubles:
    """Return a fall that takes `width` of the edge, half of its amplitude at the edge, flat before and after."""
    place = np.clip((hertz / edge - 1.0) / max(width, 1e-6) + 0.5, 0.0, 1.0)
    return np.asarray(np.square(0.5 + 0.5 * np.cos(np.pi * place)))


def gentle(hertz: Doubles, rng: np.random.Generator) -> Doubles:
    """Return a slope that is none of an edge: as steep as nature's at most."""
    corner = 2.0 ** rng.uniform(np.log2(500.0), np.log2(16_000.0))
    return np.asarray(1.0 / (1.0 + (hertz / corner) ** rng.uniform(1.0, STEEPEST_GENTLE / 3.0103)))


def coloured(hertz: Doubles, rng: np.random.Generator) -> Doubles:
    """Return the gain of a random tilt and a smooth random curve over log frequency."""
    octaves = np.log2(np.maximum(hertz, 100.0) / 1000.0)
    knots = np.arange(-4.0, 6.0, rng.uniform(0.4, 1.0))
    curve_db = np.interp(octaves, knots, rng.normal(0.0, rng.uniform(0.5, 4.0), len(knots)))
    return np.asarray(10.0 ** ((curve_db + rng.uniform(-4.0, 5.0) * np.clip(octaves, -2.0, 5.0)) / 20.0))


def edge_and_width(hertz: Doubles, response: Doubles) -> tuple[float, float] | None:
    """Return where a response is 6 dB under its passband in Hz, and octaves from 1 dB to 20 dB; None if it isn't."""
    gain_db = 10.0 * np.log10(response + 1e-30)
    gain_db = gain_db - float(np.quantile(gain_db[gain_db > gain_db.max() - 6.0], 0.9))
    beyond = np.flatnonzero(gain_db < -6.0206)
    deep = np.flatnonzero(gain_db < -20.0)
    if not len(beyond) or not len(deep):
        return None
    # Of the crossings of 1 dB the last before the fall: a ripple isn't the fall.
    still = np.flatnonzero(gain_db[: beyond[0]] >= -1.0)
    if not len(still):
        return None
    one, six, twenty = (
        _crossing(hertz, gain_db, int(first), down)
        for first, down in ((still[-1] + 1, -1.0), (beyond[0], -6.0206), (deep[0], -20.0))
    )
    return six, float(np.log2(max(twenty / max(one, 1.0), 1.0001)))


def _crossing(hertz: Doubles, gain_db: Doubles, first: int, down_db: float) -> float:
    high, low = gain_db[first - 1], gain_db[first]
    share = float(np.clip((high - down_db) / max(high - low, 1e-9), 0.0, 1.0))
    return float(hertz[first - 1] + share * hertz[1])


def _power(sections: Doubles, hertz: Doubles, rate: float) -> Doubles:
    _, response = scipy.signal.sosfreqz(sections, np.minimum(hertz, rate / 2.0), fs=rate)
    return np.asarray(np.square(np.abs(response)))
