"""Makes crops for the bandwidth networks: a full-band target, and what a random band limit leaves of it.

A crop follows from its random generator alone. Targets vary in tilt, noise floor and speed, because clean-licence
speech of one person doesn't; limits, cutoffs and what is told of them vary, because old recordings do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from engine.audio.stft import Stft
from engine.inference.band_features import (
    Edge,
    band_mask,
    copied_phase,
    first_generated,
    flat_tail,
    log_magnitude,
    network_input,
)
from training.data import Samples
from training.data.resampling import resampled
from training.degradations import noise_percussion
from training.upsample.bwe_degradations import Limit, draw_limit, edge_of, picked, punched
from training.upsample.bwe_sources import Source, facts_of

Floats = NDArray[np.float32]
Spectra = NDArray[np.complex64]
Generator = np.random.Generator

LEVEL_DBFS: Final = -25.0  # of the active frames, by one gain per recording: about what the host sets
HIGHEST_SHARE: Final = 0.9  # of half the rate, to which cutoffs are drawn: a recording at 44.1 kHz becomes one at 48
_MARGIN: Final = 2048  # samples at either end, for what filters smear around the corner
_UNMASKED: Final = 0.6  # of the targets that nothing but their rate limits count as empty above it


@dataclass(frozen=True)
class Sizes:
    """What distinguishes the two networks' data."""

    stft: Stft
    frames: int  # of a crop
    rates: tuple[tuple[int, float], ...]  # Hz, share
    usual_hz: tuple[float, ...]  # half of the rates that recordings come down to
    lowest_hz: float  # of the cutoffs, at the highest of the rates
    shares: tuple[tuple[str, float], ...]  # of the kinds of sources

    @property
    def samples(self) -> int:
        """The length of a crop."""
        return (self.frames - 1) * self.stft.hop + self.stft.fft


@dataclass(frozen=True)
class Pair:
    """A target and what is left of it, both (samples,) at `rate`; the target counts up to `valid_hz`."""

    target: Samples
    given: Samples
    rate: int
    valid_hz: float
    edge: Edge
    kind: str  # of the limit


def draw_pair(rng: Generator, pools: dict[str, tuple[Source, ...]], sizes: Sizes, natural: float = 0.0) -> Pair:
    """Draw a crop and limit its band; a share of the targets, `natural`, stays as it was recorded."""
    is_natural = natural > 0.0 and rng.random() < natural
    kinds = [kind for kind, _ in sizes.shares if kind in pools]
    share = np.array([share for kind, share in sizes.shares if kind in pools])
    kind = str(rng.choice(kinds, p=share / share.sum()))
    source = pools[kind][int(rng.integers(len(pools[kind])))]
    rates, chances = zip(*sizes.rates, strict=True)
    rate = int(rng.choice(rates, p=chances))
    speed = 1.0 if is_natural else draw_speed(rng, kind)
    length = scipy.fft.next_fast_len(sizes.samples + 2 * _MARGIN, real=True)
    sound = stretch_of(rng, source, rate, speed, length)
    sound *= np.float32(10.0 ** ((LEVEL_DBFS + rng.normal(0.0, 2.5)) / 20.0) / max(facts_of(source).rms, 1e-5))
    sound, spectrum = (sound, scipy.fft.rfft(sound)) if is_natural else coloured(rng, sound, rate, kind)
    valid_hz = valid_up_to(rng, source, rate, speed)
    return limited(rng, sound, spectrum, rate, valid_hz, sizes)


def draw_speed(rng: Generator, kind: str) -> float:
    """How much faster a source is played; speech that is sped up reaches higher than its file does."""
    chance = rng.random()
    if kind in ("speech", "voices"):
        return (
            float(rng.uniform(1.15, 1.5)) if chance < 0.55 else float(rng.uniform(0.9, 1.15)) if chance < 0.8 else 1.0
        )
    return float(rng.uniform(0.8, 1.35)) if chance < 0.4 else 1.0


def stretch_of(rng: Generator, source: Source, rate: int, speed: float, length: int) -> Samples:
    """Cut a random stretch, played at `speed` and brought to `rate`; zeros follow a source that is too short."""
    samples = source.samples
    ratio = source.rate * speed / rate
    wanted = int(np.ceil(length * ratio)) + 64
    start = int(rng.integers(0, max(1, len(samples) - wanted // 2)))
    part = np.array(samples[start : start + wanted], dtype=np.float32)
    sound = resampled(part, source.rate * speed, rate, "HQ")[:length]
    return np.pad(sound, (0, length - len(sound)))


def valid_up_to(rng: Generator, source: Source, rate: int, speed: float) -> float:
    """Up to which frequency a target counts: its wall, or all of it where nothing but a high rate limits it.

    Played slower, that rate is no longer a high one.
    """
    if source.is_limited_by_rate and source.rate >= 44_100 and speed >= 1.0 and rng.random() < _UNMASKED:
        return rate / 2.0
    return float(min(rate / 2.0, 0.98 * facts_of(source).wall_hz * speed - 100.0))


def coloured(rng: Generator, sound: Samples, rate: int, kind: str) -> tuple[Samples, NDArray[np.complex64]]:
    """Give a target another tilt, another microphone and a noise floor; returns it with its Fourier transform."""
    if kind == "music" and rng.random() < 0.1:
        sound = sound + np.float32(rng.uniform(0.02, 0.3)) * noise_percussion(rng, len(sound), rate)
    spectrum = scipy.fft.rfft(sound)
    hertz = np.linspace(0.0, rate / 2.0, len(spectrum), dtype=np.float32)
    octaves = np.log2(np.maximum(hertz, np.float32(200.0)) / np.float32(1000.0))
    voice = kind in ("speech", "voices")
    gain_db = np.zeros_like(hertz)
    # Mostly upwards: one speaker and one microphone are all the speech of a clean licence there is, and other people's
    # sibilants came out 6 dB quieter than they were.
    if rng.random() < (0.7 if voice else 0.35):
        gain_db += np.float32(rng.uniform(-2.0, 8.0) if voice else rng.uniform(-5.0, 3.0)) * np.maximum(octaves, 0.0)
    if rng.random() < 0.5:
        knots = int(rng.integers(4, 10))
        curve = rng.normal(0.0, rng.uniform(1.0, 4.0), knots)
        gain_db += np.interp(octaves, np.linspace(-2.0, 4.6, knots), curve).astype(np.float32)
    before = float(np.sqrt(np.mean(np.square(sound)))) + 1e-9
    spectrum *= np.float32(10.0) ** (gain_db / np.float32(20.0))
    sound = scipy.fft.irfft(spectrum, len(sound))
    change = np.float32(before / (float(np.sqrt(np.mean(np.square(sound)))) + 1e-9))
    spectrum *= change
    if rng.random() < (0.65 if voice else 0.45):
        spectrum += noise_floor(rng, hertz, len(sound))
    return scipy.fft.irfft(spectrum, len(sound)).astype(np.float32), spectrum.astype(np.complex64)


def noise_floor(rng: Generator, hertz: Floats, length: int) -> NDArray[np.complex64]:
    """The Fourier transform of a recording's own noise: -95 to -55 dBFS, white or tilted."""
    level = 10.0 ** (rng.uniform(-95.0, -55.0) / 20.0)
    tilt = 0.0 if rng.random() < 0.5 else rng.uniform(-4.0, 2.0)
    shape = 10.0 ** (tilt * np.log2(np.maximum(hertz, 100.0) / 4000.0) / 20.0)
    normal = rng.standard_normal((2, len(hertz)), dtype=np.float32)
    noise = (normal[0] + 1j * normal[1]) * (shape * level * np.sqrt(length / 2.0)).astype(np.float32)
    return np.asarray(noise, dtype=np.complex64)


def draw_cutoff(rng: Generator, rate: int, valid_hz: float, sizes: Sizes) -> float:
    """Half of them what a usual lower rate leaves, half anything."""
    highest = min(0.86 * valid_hz, HIGHEST_SHARE * rate / 2.0)
    lowest = min(sizes.lowest_hz, 0.5 * highest)
    usual = [hertz for hertz in sizes.usual_hz if lowest <= hertz <= highest]
    if usual and rng.random() < 0.5:
        return float(rng.choice(usual)) * float(rng.uniform(0.9, 0.97))
    return float(np.exp(rng.uniform(np.log(lowest), np.log(highest))))


def limited(
    rng: Generator, sound: Samples, spectrum: NDArray[np.complex64], rate: int, valid_hz: float, sizes: Sizes
) -> Pair:
    """Limit the band of a target."""
    limit = draw_limit(rng, draw_cutoff(rng, rate, valid_hz, sizes), rate)
    given_spectrum = spectrum
    chance = rng.random()
    if chance < 0.05:  # clipped before it was limited
        peak = float(np.abs(sound).max()) * rng.uniform(0.4, 0.9)
        given_spectrum = scipy.fft.rfft(np.clip(sound, -peak, peak))
    given = scipy.fft.irfft(given_spectrum * limit.at(len(spectrum)), len(sound)).astype(np.float32)
    if 0.05 <= chance < 0.09:
        given, limit = careless(sound, limit, rate)
    if 0.09 <= chance < 0.19:  # stored softly in 16 bits
        gain = np.float32(10.0 ** (rng.uniform(-40.0, 0.0) / 20.0))
        given = np.round(given * gain * np.float32(32_767.0)) / np.float32(32_767.0) / gain
    inner = slice(_MARGIN, _MARGIN + sizes.samples)
    target, given = sound[inner].copy(), given[inner].astype(np.float32)
    if rng.random() < 0.05:
        start = int(rng.integers(0, sizes.samples))
        quiet = slice(start, start + int(rng.integers(0, sizes.samples // 2)))
        target[quiet], given[quiet] = 0.0, 0.0
    return Pair(target, given, rate, valid_hz, edge_of(rng, limit), limit.kind)


def careless(sound: Samples, limit: Limit, rate: int) -> tuple[Samples, Limit]:
    """Decimation without a filter: what lay above is folded into the band."""
    every = max(2, round(rate / 2.0 / limit.cutoff_hz))
    whole = len(sound) // (2 * every) * 2 * every
    cutoff = rate / 2.0 / every
    return np.pad(picked(sound[:whole], every), (0, len(sound) - whole)), Limit(limit.response, cutoff, 0.0, "picked")


def crop(
    rng: Generator, pools: dict[str, tuple[Source, ...]], sizes: Sizes, natural: float = 0.0
) -> dict[str, Floats | Spectra]:
    """Make one training crop: what the network is told, and what its answer is held against."""
    return described(draw_pair(rng, pools, sizes, natural), sizes.stft, rng)


def described(pair: Pair, stft: Stft, rng: Generator | None = None) -> dict[str, Floats | Spectra]:
    """Spectra and features of a pair; with a generator, bricks are punched as encoders do.

    `features` (3 * bins + 2, frames), `tail` (1, frames), `target` and the complex `given` and `phase` (bins, frames),
    `mask` how much of each bin is generated and `weight` which of these count (bins,), `sound` the target (samples,).
    """
    given, target = stft.forward(pair.given), stft.forward(pair.target)
    bins = stft.bins
    if rng is not None and pair.kind == "brick" and rng.random() < 0.5:
        given = punched(rng, given, first_generated(bins, pair.rate, pair.edge))
    mask = band_mask(bins, pair.rate, pair.edge)
    hertz = np.arange(bins) * (pair.rate / 2.0 / (bins - 1))
    return {
        "features": network_input(given, pair.rate, pair.edge)[0],
        "tail": np.ascontiguousarray(flat_tail(given, pair.rate, pair.edge).T),
        "target": np.ascontiguousarray(log_magnitude(target).T),
        "given": np.ascontiguousarray(given.T),
        "phase": np.ascontiguousarray(copied_phase(given, pair.rate, pair.edge).T),
        "mask": mask,
        "sound": pair.target,
        "weight": ((mask > 0.0) & (hertz <= pair.valid_hz)).astype(np.float32),
    }
