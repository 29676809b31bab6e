"""Random damage for training: hiss of every colour, crackle that a declicker leaves behind, and what old chains do.

Fast and vectorised, one generator per item, so that the same seed gives the same item. The user's tool `age` is the
faithful simulator; here breadth matters more than truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Generator = np.random.Generator


@dataclass(frozen=True)
class Shape:
    """A gain curve over frequency, linear in decibels between points on a logarithmic frequency axis."""

    hertz: NDArray[np.float64]
    gain_db: NDArray[np.float64]

    def at(self, hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        """Amplitude gain at these frequencies."""
        curve = np.interp(np.log(np.maximum(hertz, 10.0)), np.log(self.hertz), self.gain_db)
        return np.asarray(10.0 ** (curve / 20.0))


def filtered(samples: Samples, shape: Shape, rate: int) -> Samples:
    """Apply a zero-phase filter to a whole item (circular: fine for noise and for faded music)."""
    length = scipy.fft.next_fast_len(len(samples), real=True)
    spectrum = scipy.fft.rfft(samples, n=length)
    spectrum *= shape.at(np.linspace(0.0, rate / 2.0, len(spectrum))).astype(np.float32)
    result: Samples = scipy.fft.irfft(spectrum, n=length)[: len(samples)].astype(np.float32)
    return result


def band_limits(low_hz: float, high_hz: float, slope_db: float) -> Shape:
    """Low cut and high cut with `slope_db` per octave, down to -90 dB."""
    octaves = 90.0 / slope_db
    hertz = np.array([low_hz / 2**octaves, low_hz, high_hz, high_hz * 2**octaves])
    return Shape(hertz, np.array([-90.0, 0.0, 0.0, -90.0]))


def random_hiss_shape(rng: Generator) -> Shape:
    """Draw the colour of a hiss: white (1 in 5), tilted, band-limited, bumpy, or all of it."""
    hertz = np.geomspace(20.0, 24_000.0, 60)
    gain = np.zeros(60)
    if rng.random() < 0.2:
        return Shape(hertz, gain)
    octaves = np.log2(hertz / 1000.0)
    gain += rng.uniform(-7.0, 4.0) * octaves
    if rng.random() < 0.6:  # a smooth random curve of up to a few decibels
        knots = rng.integers(4, 14)
        gain += np.interp(np.linspace(0, 1, 60), np.linspace(0, 1, knots), rng.normal(0.0, rng.uniform(1, 7), knots))
    if rng.random() < 0.5:  # a high cut, gentle or steep
        gain -= np.maximum(0.0, np.log2(hertz / rng.uniform(1500.0, 16_000.0))) * rng.choice((6.0, 12.0, 24.0, 60.0))
    if rng.random() < 0.35:
        gain -= np.maximum(0.0, np.log2(rng.uniform(40.0, 1500.0) / hertz)) * rng.choice((6.0, 12.0, 24.0))
    if rng.random() < 0.25:  # a resonance of the horn or the box
        gain += rng.uniform(3, 15) * np.exp(-0.5 * ((octaves - rng.uniform(-3, 3)) / rng.uniform(0.1, 0.6)) ** 2)
    if rng.random() < 0.15:  # rumble under the hiss
        gain += rng.uniform(5.0, 25.0) / (1.0 + (hertz / rng.uniform(30.0, 120.0)) ** 3)
    return Shape(hertz, np.maximum(gain - gain.max(), -90.0))


def hiss(rng: Generator, frames: int, rate: int, shape: Shape) -> Samples:
    """Gaussian noise of a given colour, RMS 1."""
    noise = filtered(rng.standard_normal(frames, dtype=np.float32), shape, rate)
    return noise / np.float32(max(float(noise.std()), 1e-12))


def looped(rng: Generator, source: Samples, frames: int) -> Samples:
    """Repeat a recorded noise from random places with long equal-power crossfades, RMS 1."""
    piece = min(len(source) // 2, 65_536)
    fade = np.sin(np.linspace(0.0, np.pi / 2.0, piece // 4, dtype=np.float32))
    step = piece - len(fade)
    out = np.zeros(frames + 2 * piece, dtype=np.float32)
    for at in range(0, frames + len(fade), step):
        start = int(rng.integers(0, len(source) - piece))
        part = np.array(source[start : start + piece], dtype=np.float32)
        part[: len(fade)] *= fade
        part[-len(fade) :] *= fade[::-1]
        out[at : at + piece] += part
    result = out[len(fade) : len(fade) + frames]
    return result / np.float32(max(float(result.std()), 1e-12))


def drift(rng: Generator, frames: int, range_db: float) -> Samples:
    """A slow gain curve whose extremes lie `range_db` apart; shape (frames,)."""
    knots = int(rng.integers(2, 7))
    curve = rng.uniform(0.0, 1.0, knots)
    curve = (curve - curve.min()) / max(float(np.ptp(curve)), 1e-6) * range_db - range_db / 2
    gain = np.interp(np.linspace(0.0, 1.0, frames), np.linspace(0.0, 1.0, knots), curve)
    return np.asarray(10.0 ** (gain / 20.0), dtype=np.float32)


def crackle(rng: Generator, frames: int, rate: int, per_second: float) -> Samples:
    """Small decaying impulses as a declicker leaves them: 0.03 to 0.6 ms, heavy-tailed sizes, RMS 1."""
    count = max(1, rng.poisson(per_second * frames / rate))
    impulses = np.zeros(frames, dtype=np.float32)
    sizes = rng.standard_normal(count) * rng.pareto(3.0, count).clip(0.0, 8.0)
    np.add.at(impulses, rng.integers(0, frames, count), sizes.astype(np.float32))
    seconds = rng.uniform(0.00003, 0.0006)
    time = np.arange(round(5 * seconds * rate) + 2) / rate
    pulse = np.exp(-time / seconds) * np.cos(2 * np.pi * rng.uniform(500.0, 9000.0) * time)
    out = np.convolve(impulses, pulse.astype(np.float32))[:frames].astype(np.float32)
    return out / np.float32(max(float(out.std()), 1e-12))


def noise_percussion(rng: Generator, frames: int, rate: int) -> Samples:
    """Music made of noise: brushes, rattles, cymbals or waves. It must not be mistaken for hiss. Peak 0.5."""
    noise = hiss(rng, frames, rate, random_hiss_shape(rng))
    if rng.random() < 0.35:  # waves: slow, deep, irregular
        knots = max(4, round(frames / rate * rng.uniform(0.3, 2.0)))
        curve = np.interp(np.linspace(0, 1, frames), np.linspace(0, 1, knots), rng.uniform(-30.0, 0.0, knots))
        noise = noise * (10.0 ** (curve / 20.0)).astype(np.float32)
    else:
        envelope, beat = np.zeros(frames, dtype=np.float32), rng.uniform(0.1, 0.6)
        for at in np.arange(0.0, frames / rate, beat):
            start = round((at + rng.normal(0.0, 0.01)) * rate)
            if rng.random() < 0.75 and 0 <= start < frames:
                time = np.arange(min(frames - start, rate)) / rate
                envelope[start : start + len(time)] += rng.uniform(0.2, 1.0) * np.exp(-time / rng.uniform(0.01, 0.25))
        noise = noise * envelope
    return noise * np.float32(0.5 / max(float(np.abs(noise).max()), 1e-9))


def reverberant(rng: Generator, samples: Samples, rate: int) -> Samples:
    """Put music into a hall: decaying noise as impulse response, darker towards its end. The length stays.

    A full orchestra in a hall fills every bin between its partials; a profile must not take that for hiss.
    """
    seconds, wet = rng.uniform(0.3, 3.0), rng.uniform(0.1, 1.2)
    time = np.arange(round(seconds * rate)) / rate
    response = np.zeros(len(time), dtype=np.float32)
    for high_hz, share in ((20_000.0, rng.uniform(0.15, 0.6)), (6000.0, rng.uniform(0.5, 0.9)), (1500.0, 1.0)):
        band = hiss(rng, len(time), rate, band_limits(60.0, high_hz, 12.0))
        response += band * np.exp(-6.9 * time / (seconds * share)).astype(np.float32)
    response *= np.float32(wet / np.sqrt(np.sum(response**2)))
    length = scipy.fft.next_fast_len(len(samples) + len(response), real=True)
    tail = scipy.fft.irfft(scipy.fft.rfft(samples, n=length) * scipy.fft.rfft(response, n=length), n=length)
    wetter: Samples = samples + tail[: len(samples)].astype(np.float32)
    return wetter


def old_chain(rng: Generator, samples: Samples, rate: int) -> Samples:
    """Band limits, tilt and soft clipping that belong to the target; each now and then."""
    if rng.random() < 0.35:
        hertz = np.geomspace(20.0, 24_000.0, 12)
        samples = filtered(samples, Shape(hertz, np.cumsum(rng.normal(0.0, 2.5, 12))), rate)
    if rng.random() < 0.3:
        low = rng.uniform(50.0, 250.0) if rng.random() < 0.4 else 20.0
        shape = band_limits(low, rng.uniform(2500.0, 14_000.0), rng.choice((12.0, 24.0, 60.0)))
        samples = filtered(samples, shape, rate)
    if rng.random() < 0.1:
        drive = rng.uniform(0.5, 3.0) / max(float(np.abs(samples).max()), 1e-6)
        samples = np.tanh(samples * np.float32(drive)).astype(np.float32)
    return samples
