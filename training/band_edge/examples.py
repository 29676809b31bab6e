"""Examples with which the judge is taught: recordings through random low-passes, made in the spectrum.

A low-pass multiplies the spectra of a recording; a lower rate cuts them off; hiss is added to them. None of it needs
the recording again, so an example takes some hundredths of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.measure.band_edge import LOWEST_EDGE_OCTAVE
from engine.measure.band_traits import PER_OCTAVE, band_octaves, band_traits, band_weights
from training.band_edge.responses import coloured, decimating, edge_and_width, gentle, low_pass, wall
from training.band_edge.sources import Source, Spectra

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

KINDS: Final = {"none": 0.3, "filter": 0.5, "decimate": 0.12, "near the top": 0.08}
HISSY: Final = 0.5  # of the examples
LOWEST_EDGE_HZ: Final = 1.03 * 2.0**LOWEST_EDGE_OCTAVE
LOWEST_NYQUIST_HZ: Final = 1.1 * LOWEST_EDGE_HZ
HIGHEST_EDGE: Final = 0.985  # of half the rate
HIGHEST_HZ: Final = 30_000.0  # of bins, after stretching

# What the table that judges calls answerable (training.quality.scoreboards.cutoff_cases) is what can be learnt.
ABOVE_NOISE_DB: Final = 10.0
UNDER_PEAK_DB: Final = 62.0
OWN_FALL_DB: Final = 20.0
UNFILTERED_FALL_DB: Final = 15.0  # in a quarter octave: a recording that falls by more isn't shown as one without edge


@dataclass(frozen=True)
class Example:
    """What the judge is shown, and the truth."""

    octaves: Doubles
    traits: Floats
    edge_octave: float  # log2 Hz, where it is 6 dB down; 0.0 for none
    width_octaves: float  # from 1 dB to 20 dB down
    kind: str
    is_hissy: bool


def draw(source: Source, rng: np.random.Generator) -> Example | None:
    """Return a random example, or None if the recording can't bear witness to what was drawn."""
    stretch = 2.0 ** rng.uniform(-0.5, 0.5) if rng.random() < 0.7 else 1.0
    hertz = np.arange(source.spectra.shape[1]) * (source.rate * stretch / (2.0 * (source.spectra.shape[1] - 1)))
    whole_hz = source.whole_hz * stretch
    if hertz[-1] > HIGHEST_HZ:
        return None
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    nyquist = _nyquist(kind, whole_hz, rng)
    colour = coloured(hertz, rng) if rng.random() < 0.7 else np.ones(len(hertz))
    response = _response(kind, hertz, nyquist, rng)
    if kind == "filter" and nyquist == whole_hz and rng.random() < 0.25:
        nyquist = float(hertz[-1])  # what the recording has at its own top lies above the edge
    clean = np.square(np.abs(source.spectra)).mean(axis=0, dtype=np.float64) * colour**2
    noise, is_hissy = _noise(hertz, float((clean * response).sum()), rng)
    inside = hertz <= nyquist
    place = edge_and_width(hertz, response) if kind != "none" else (0.0, 0.0)
    if place is None or place[0] > HIGHEST_EDGE * nyquist or nyquist < LOWEST_NYQUIST_HZ:
        return None
    if kind != "none" and place[0] < LOWEST_EDGE_HZ:
        return None
    if kind == "none" and _falls_by_itself(hertz[inside], (clean * response + noise)[inside]):
        return None
    if kind != "none" and not _answers(hertz, clean, noise, place[0], min(whole_hz, float(hertz[-1]))):
        return None
    spectra = _cut(source.spectra * (colour * np.sqrt(response)).astype(np.float32), int(inside.sum()), kind)
    spectra = _with_noise(spectra, noise[inside], rng)
    if place[0] and is_hissy and rng.random() < 0.08 and 1.5 * place[0] < hertz[inside][-1]:
        # An encoder's wall above the edge: what it ends is hiss.
        second = wall(hertz[inside], rng.uniform(1.35 * place[0], hertz[inside][-1]), 0.02)
        spectra = spectra * np.sqrt(second).astype(np.float32)
    return _example(spectra, hertz[inside], place, kind, is_hissy)


def _nyquist(kind: str, whole_hz: float, rng: np.random.Generator) -> float:
    """Return where the recording shall end: as a rule where it is whole, else at a lower rate's half."""
    if rng.random() < 0.03:
        return float(min(whole_hz, 2.0 ** rng.uniform(np.log2(800.0), np.log2(3_000.0))))
    lower = kind == "decimate" or rng.random() < 0.4
    return max(whole_hz * 2.0 ** -rng.uniform(0.0, 2.5) if lower else whole_hz, min(whole_hz, 1_900.0))


def _response(kind: str, hertz: Doubles, nyquist: float, rng: np.random.Generator) -> Doubles:
    rate = 2.0 * float(hertz[-1])
    if kind == "none":
        return gentle(hertz, rng) if rng.random() < 0.4 else np.ones(len(hertz))
    if kind == "decimate":
        return decimating(hertz, nyquist, rate)
    if kind == "near the top":
        return wall(hertz, nyquist * rng.uniform(0.8, 0.97), rng.uniform(0.01, 0.12))
    top = max(0.97 * nyquist, LOWEST_EDGE_HZ)
    corner = 2.0 ** rng.uniform(np.log2(LOWEST_EDGE_HZ), np.log2(top))
    return low_pass(hertz, corner, 2.0 * nyquist if rng.random() < 0.5 else rate, rng)


def _noise(hertz: Doubles, power: float, rng: np.random.Generator) -> tuple[Doubles, bool]:
    """Return the power of the noise in each bin: what rounding leaves and, as often as not, hiss."""
    floor = np.full(len(hertz), power / 10.0 ** (rng.uniform(60.0, 110.0) / 10.0) / len(hertz))
    if rng.random() > HISSY:
        return floor, False
    snr_db = rng.uniform(22.0, 45.0) if rng.random() < 0.8 else rng.uniform(12.0, 60.0)
    tilt_db = 0.0 if rng.random() < 0.7 else rng.uniform(-6.0, 3.0)
    shape = (np.maximum(hertz, 200.0) / 200.0) ** (tilt_db / 3.0103)
    return floor + shape * (power / 10.0 ** (snr_db / 10.0) / shape.sum()), True


def _cut(spectra: Spectra, bins: int, kind: str) -> Spectra:
    """Return the lowest bins; of a decimated recording with what decimation folds back into them."""
    low = spectra[:, :bins]
    if kind != "decimate" or 2 * bins - 1 > spectra.shape[1]:
        return low
    return np.asarray(low + np.conj(spectra[:, bins - 1 : 2 * bins - 1][:, ::-1]))


def _with_noise(spectra: Spectra, noise: Doubles, rng: np.random.Generator) -> Spectra:
    rough = rng.standard_normal((2, *spectra.shape), dtype=np.float32) * np.sqrt(noise / 2.0).astype(np.float32)
    return np.asarray(spectra + (rough[0] + 1j * rough[1]), dtype=np.complex64)


def _example(spectra: Spectra, hertz: Doubles, place: tuple[float, float], kind: str, is_hissy: bool) -> Example | None:
    octaves = band_octaves(2.0 * float(hertz[-1]))
    powers = (np.square(spectra.real) + np.square(spectra.imag)) @ band_weights(octaves, hertz)
    total = powers.sum(axis=1)
    powers = powers[total > 1e-6 * total.max()] / total.max() + np.float32(1e-16)
    if len(powers) < 8:
        return None
    edge_octave = float(np.log2(place[0])) if place[0] else 0.0
    return Example(octaves, band_traits(powers), edge_octave, place[1], kind, is_hissy)


def _answers(hertz: Doubles, clean: Doubles, noise: Doubles, edge: float, top: float) -> bool:
    """Whether the source has sound where the edge is."""
    half = np.sqrt(2.0)
    below, above = (hertz >= edge / half) & (hertz < edge), (hertz >= edge) & (hertz < min(edge * half, top))
    under = float(clean[below].mean())
    over = float(clean[above].mean()) if above.sum() > 3 else under
    return bool(
        under > float(noise[below].mean()) * 10.0 ** (ABOVE_NOISE_DB / 10.0)
        and under > float(clean.max()) / 10.0 ** (UNDER_PEAK_DB / 10.0)
        and under < over * 10.0 ** (OWN_FALL_DB / 10.0)
    )


def _falls_by_itself(hertz: Doubles, power: Doubles) -> bool:
    """Whether a recording that nobody filtered here has something like an edge of its own."""
    octaves = band_octaves(2.0 * float(hertz[-1]))
    level_db = 10.0 * np.log10(power @ band_weights(octaves, hertz).astype(np.float64) + 1e-30)
    step = PER_OCTAVE // 4
    smooth_db = np.convolve(level_db, np.ones(step) / step, mode="valid")
    falls_db = (smooth_db[:-step] - smooth_db[step:])[octaves[: len(smooth_db) - step] > np.log2(600.0)]
    return bool(falls_db.max(initial=0.0) > UNFILTERED_FALL_DB)
