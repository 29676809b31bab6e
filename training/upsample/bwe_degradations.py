"""How recordings lose their upper band: filters of every kind and order, resamplers, encoders, careless decimation.

Every limit is a gain (and phase) over frequency, so that one Fourier transform of a crop applies any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.signal
import scipy.special
from numpy.typing import NDArray

from engine.inference.band_features import Edge

Doubles = NDArray[np.float64]
Response = NDArray[np.complex128]
Generator = np.random.Generator

GRID: Final = 4097  # frequencies from 0 to half the rate at which a response is worked out
WIDTH_HZ: Final = 500.0  # of the cross-fade at the edge
WIDEST_SHARE: Final = 0.15  # of the cutoff
KINDS: Final = ("resampler", "butterworth", "chebyshev", "elliptic", "bessel", "decimate", "brick")
_SHARES: Final = (0.40, 0.12, 0.12, 0.10, 0.06, 0.08, 0.12)


@dataclass(frozen=True)
class Limit:
    """What a band limit does, and where it lies."""

    response: Response  # at GRID frequencies from 0 to half the rate
    cutoff_hz: float  # where it is 6 dB down
    width_hz: float  # from 1 dB to 6 dB down
    kind: str

    def at(self, count: int) -> Response:
        """The response at `count` frequencies from 0 to half the rate."""
        place, grid = np.linspace(0.0, 1.0, count), np.linspace(0.0, 1.0, len(self.response))
        real = np.interp(place, grid, self.response.real)
        return np.asarray(real + 1j * np.interp(place, grid, self.response.imag))


def draw_limit(rng: Generator, cutoff_hz: float, rate: int, kind: str | None = None) -> Limit:
    """Draw a limit whose gain falls to -6 dB near `cutoff_hz` (under half the rate)."""
    kind = kind or str(rng.choice(KINDS, p=_SHARES))
    place = cutoff_hz / (rate / 2.0)
    if kind == "resampler":
        response = _resampler(rng, place)
    elif kind == "brick":
        response = (np.linspace(0.0, 1.0, GRID) <= place).astype(np.complex128)
    elif kind == "decimate":
        # scipy.signal.decimate: a Chebyshev of order 8 at 0.8 of the new Nyquist frequency, forwards and backwards.
        response = np.abs(_frequencies(scipy.signal.cheby1(8, 0.05, place, output="sos"))) ** 2 + 0j
    else:
        response = _recursive(rng, place, kind)
        if rng.random() < 0.5:
            response = np.abs(response) + 0j  # without delays, as filters that run both ways
    half, shoulder = _falls_to(response, -6.0), _falls_to(response, -1.0)
    nyquist = rate / 2.0
    return Limit(response, half * nyquist, (half - shoulder) * nyquist, kind)


def edge_of(rng: Generator, limit: Limit) -> Edge:
    """What is told to the network: in two of five cases up to 5 % beside the truth."""
    cutoff = limit.cutoff_hz * (1.0 + (rng.uniform(-0.05, 0.05) if rng.random() < 0.4 else 0.0))
    usual = min(WIDTH_HZ, WIDEST_SHARE * cutoff)
    return Edge(cutoff, float(np.clip(limit.width_hz, usual * rng.uniform(0.7, 1.0), WIDEST_SHARE * cutoff)))


def picked(samples: NDArray[np.float32], every: int) -> NDArray[np.float32]:
    """Keep every so many-th sample without a filter, and go back to the rate by a band-limited interpolation.

    What lay above the new Nyquist frequency is folded down. The length must be a multiple of `every`.
    """
    low = np.fft.rfft(samples[::every])
    # The highest frequency of an even count stands for two.
    whole = np.zeros(len(samples) // 2 + 1, dtype=np.complex128)
    whole[: len(low) - 1] = low[:-1]
    return np.asarray(np.fft.irfft(whole * every, len(samples)), dtype=np.float32)


def punched(rng: Generator, spectra: NDArray[np.complex64], first: int, share: float = 0.5) -> NDArray[np.complex64]:
    """Take out what an encoder spares: the weakest cells of 16 bins by 2 frames in the octave under bin `first`."""
    out = spectra.copy()
    bins = (first - first // 2) // 16
    frames = len(spectra) // 2
    if bins < 1 or frames < 1:
        return out
    region = out[: 2 * frames, first - 16 * bins : first].reshape(frames, 2, bins, 16)
    power = (region.real**2 + region.imag**2).mean(axis=(1, 3))
    threshold = np.quantile(power, rng.uniform(0.0, share), axis=0)
    kept = (power >= np.minimum(threshold, power.max() * 1e-4))[:, None, :, None]
    out[: 2 * frames, first - 16 * bins : first] = (region * kept).reshape(2 * frames, 16 * bins)
    return out


def _resampler(rng: Generator, place: float) -> Response:
    """A windowed sinc: the integral of a bell, -6 dB exactly at `place`, with a stop band of 60 to 140 dB."""
    width = place * np.exp(rng.uniform(np.log(0.004), np.log(0.06)))
    gain = 0.5 * scipy.special.erfc((np.linspace(0.0, 1.0, GRID) - place) / width)
    return np.asarray(np.maximum(gain, 10.0 ** (-rng.uniform(60.0, 140.0) / 20.0)) + 0j)


def _recursive(rng: Generator, place: float, kind: str) -> Response:
    order, ripple_db = int(rng.integers(1, 12)), float(rng.uniform(0.05, 5.0))
    if kind == "butterworth":
        sections = scipy.signal.butter(order, place, output="sos")
    elif kind == "chebyshev":
        sections = scipy.signal.cheby1(order, ripple_db, place, output="sos")
    elif kind == "elliptic":
        sections = scipy.signal.ellip(order, ripple_db, rng.uniform(40.0, 100.0), place, output="sos")
    elif kind == "bessel":
        sections = scipy.signal.bessel(order, place, output="sos", norm="mag")
    else:
        raise ValueError(f"no limit is called {kind!r}: choose one of {', '.join(KINDS)}")
    return _frequencies(sections)


def _frequencies(sections: Doubles) -> Response:
    z = np.exp(-1j * np.linspace(0.0, np.pi, GRID))
    out = np.ones(GRID, dtype=np.complex128)
    for b0, b1, b2, a0, a1, a2 in sections:
        out *= (b0 + z * (b1 + z * b2)) / (a0 + z * (a1 + z * a2))
    return out


def _falls_to(response: Response, decibels: float) -> float:
    """Where, as a share of half the rate, the gain last stands above `decibels` of its highest."""
    gain = np.abs(response)
    above = np.flatnonzero(gain > gain.max() * 10.0 ** (decibels / 20.0))
    return float(above[-1] + 1) / (GRID - 1) if len(above) else 0.0
