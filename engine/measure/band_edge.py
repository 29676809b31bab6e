"""How likely each low-pass is, given the long-term spectrum of a recording.

Natural spectra are taken for a Gaussian process over log frequency: a slope that wanders smoothly, bumps a quarter of
an octave wide, and a scale that differs from recording to recording, which makes it a Student process (A. Shah, A. G.
Wilson, Z. Ghahramani, Student-t Processes as Alternatives to Gaussian Processes, 2014). A low-pass takes a known curve
away from that. Every shape of slope at every frequency is tried; what needs the least unnatural remainder is the edge,
and where no low-pass at all or a gentle slope does as well, there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import grey_closing
from scipy.special import erfc, log_ndtr

Doubles = NDArray[np.float64]

PER_OCTAVE: Final = 24  # bands
LOWEST_EDGE_OCTAVE: Final = float(np.log2(700.0))
GAP_BANDS: Final = 9  # gaps between partials up to so wide are filled before anything is judged
BANDS_AT_LEAST: Final = PER_OCTAVE  # that must hold programme

# The natural spectrum, by maximum likelihood over 75 spectra of 38 unfiltered recordings (training split, 600 Hz to
# 12 kHz, gaps filled), rounded; lengths in bands, variances in dB², slopes in dB per octave.
SMOOTH_VARIANCE, SMOOTH_LENGTH = 22.0, 6.0  # Matérn 3/2
ROUGH_VARIANCE, ROUGH_LENGTH = 2.0, 8.0  # exponential
WHITE_VARIANCE: Final = 1.5  # more than the spectra have: the shapes are approximate too
SLOPE, SLOPE_SPREAD, CURVE_SPREAD = -6.5, 3.5, 2.0
SCALE_FREEDOM: Final = 2.0  # degrees of freedom of the scale

TEMPER: Final = 0.5  # of the evidence: bands, and the two spectra of one recording, know less than they pretend
OVER_NOISE_DB: Final = 2.0  # that a band must stand over what noise can do
DEEPEST_DB: Final = 28.0  # under the half octave before, a fall is over: shapes differ in their depths
DEEPEST_FADE: Final = 20.0  # dB per octave, that octave's level is taken to fall by itself
NATURAL_ORDERS: Final = (1, 2, 3)  # up to 18 dB per octave no edge
BUTTERWORTH_WEIGHTS: Final = {5: 2.0, 6: 2.0, 8: 4.0, 10: 2.0, 12: 2.0, 16: 1.0, 24: 1.0, 40: 1.0, 80: 1.0}
CHEBYSHEV_ORDERS: Final = (5, 8)
LINEAR_PHASE_WIDTHS: Final = (0.04, 0.1, 0.2)  # of the corner
FINE: Final = 8  # steps per band in which the shapes are drawn
LAST_EDGE: Final = 0.04  # octaves under the last band, up to which an edge's corner is tried: the rest is unheard
LAST_NATURAL: Final = 0.5  # the same of nature's slopes
NEAR: Final = 1.0 / 6.0  # octaves, 12 %: answers that differ by less are one
EDGE_ODDS: Final = 0.2  # before anything is heard, against none: a false edge costs sound that is there


@dataclass(frozen=True)
class BandEdge:
    """The likeliest low-pass."""

    hertz: float  # where it is 6 dB down
    width_hz: float  # from 1 dB to 20 dB down
    confidence: float  # 0 to 1: the probability that it is there, within 12 %


@dataclass(frozen=True)
class _Shape:
    """The power response of a low-pass with its corner at octave 0, drawn at `_shape_octaves`."""

    is_edge: bool
    power: Doubles
    six: float  # octaves from the corner to where it is 6 dB down ...
    one: float
    twenty: float
    prior: float = 1.0


@dataclass(frozen=True)
class _Candidates:
    fall_db: Doubles  # (candidates, bands)
    is_edge: NDArray[np.bool_]
    six: Doubles  # log2 Hz
    width_hz: Doubles
    prior: Doubles


def likeliest_edge(octaves: Doubles, spectra: list[tuple[Doubles, Doubles]]) -> BandEdge | None:
    """Return the edge that explains several spectra of one recording best, or None if they hold too little.

    Too little is also a grid that ends where the first edge would have to lie.

    Parameters
    ----------
    octaves
        log2 of the bands' frequencies in Hz, `PER_OCTAVE` of them per octave, shape (bands,).
    spectra
        Pairs of level in dB and of the level that noise could reach by itself, shape (bands,) each.
    """
    first_millionths = round(float(octaves[0]) * 1e6)
    if not len(_corners(first_millionths, len(octaves), is_edge=True)):
        return None
    candidates = _candidates(first_millionths, len(octaves))
    told = [t for level, noise in spectra if (t := _log_likelihood(level, noise, candidates)) is not None]
    if not told:
        return None
    likelihood = TEMPER * np.sum(told, axis=0) / np.sqrt(len(told)) + np.log(candidates.prior)
    share = np.exp(likelihood - likelihood.max())
    share /= share.sum()
    steps = np.round(candidates.six[candidates.is_edge] * 2 * PER_OCTAVE).astype(np.int64)
    first, edges = int(steps.min()), share[candidates.is_edge]
    around = np.convolve(np.bincount(steps - first, edges), np.ones(9), mode="same")
    near = np.abs(steps - first - int(around.argmax())) <= round(NEAR * 2 * PER_OCTAVE)
    confidence = float(edges[near].sum())
    weights = edges[near] / max(confidence, 1e-300)
    hertz = 2.0 ** float(weights @ candidates.six[candidates.is_edge][near])
    return BandEdge(hertz, float(weights @ candidates.width_hz[candidates.is_edge][near]), min(confidence, 1.0))


def _log_likelihood(level: Doubles, noise: Doubles, candidates: _Candidates) -> Doubles | None:
    """Return ln p(spectrum | candidate) up to a constant, shape (candidates,); None if hardly a band holds programme.

    Bands in which programme is seen are held against the process; of the others it is only known that they lie under
    the noise, or far under what came before.
    """
    level = grey_closing(level, GAP_BANDS)
    noise = np.maximum(noise, _too_deep(level)) + OVER_NOISE_DB
    seen, hidden = np.flatnonzero(level > noise), np.flatnonzero(level <= noise)[::4]
    if len(seen) < BANDS_AT_LEAST:
        return None
    mean, covariance = _nature(len(level))
    whiten = np.linalg.inv(np.linalg.cholesky(covariance[np.ix_(seen, seen)]))
    white = whiten @ (level[seen] + candidates.fall_db[:, seen] - mean[seen]).T
    error = np.einsum("ij,ij->j", white, white)
    likelihood = -0.5 * (SCALE_FREEDOM + len(seen)) * np.log1p(error / SCALE_FREEDOM)
    if len(hidden):
        weights = whiten @ covariance[np.ix_(seen, hidden)]
        expected = mean[hidden][:, None] + weights.T @ white - candidates.fall_db[:, hidden].T
        variance = np.maximum(covariance[hidden, hidden] - np.square(weights).sum(axis=0), 1.0) + 4.0
        scale = np.clip((SCALE_FREEDOM + error) / (SCALE_FREEDOM + len(seen)), 0.5, 4.0)
        beyond = (noise[hidden][:, None] - expected) / np.sqrt(variance[:, None] * scale)
        likelihood = likelihood + 0.5 * log_ndtr(beyond).sum(axis=0)
    return np.asarray(likelihood, dtype=np.float64)


def _too_deep(level: Doubles) -> Doubles:
    half = PER_OCTAVE // 2
    before = np.convolve(np.pad(level, (half, 0), mode="edge"), np.ones(half + 1) / (half + 1), mode="valid")
    fade = np.arange(len(level)) * (DEEPEST_FADE / PER_OCTAVE)
    return np.asarray(np.maximum.accumulate(before + fade) - fade - DEEPEST_DB)


@lru_cache(maxsize=8)
def _nature(bands: int) -> tuple[Doubles, Doubles]:
    """Return mean (bands,) and covariance (bands, bands) of natural spectra in dB; the level itself is free."""
    x = (np.arange(bands) - (bands - 1) / 2.0) / PER_OCTAVE
    lag = np.abs(np.subtract.outer(np.arange(bands), np.arange(bands))).astype(np.float64)
    smooth = np.sqrt(3.0) * lag / SMOOTH_LENGTH
    covariance = SMOOTH_VARIANCE * (1.0 + smooth) * np.exp(-smooth) + ROUGH_VARIANCE * np.exp(-lag / ROUGH_LENGTH)
    covariance += WHITE_VARIANCE * np.eye(bands) + 1e4
    covariance += SLOPE_SPREAD**2 * np.outer(x, x) + CURVE_SPREAD**2 * np.outer(x**2, x**2)
    return SLOPE * x, covariance


@lru_cache(maxsize=8)
def _candidates(first_millionths: int, bands: int) -> _Candidates:
    """Return every low-pass that is tried on a grid of bands, the first of them none at all.

    The grid must have room for an edge.
    """
    octaves = first_millionths / 1e6 + np.arange(bands) / PER_OCTAVE
    falls, rows = [np.zeros(bands)], [(0.0, 0.0, 0.0, 1.0)]
    for shape in _shapes():
        for corner in _corners(first_millionths, bands, shape.is_edge):
            falls.append(-10.0 * np.log10(np.interp(octaves - corner, _shape_octaves(), shape.power)))
            width = 2.0 ** (corner + shape.twenty) - 2.0 ** (corner + shape.one)
            rows.append((float(shape.is_edge), corner + shape.six, width, shape.prior))
    table: Doubles = np.array(rows, dtype=np.float64)
    edges, six, width_hz = table[:, 0] > 0.0, table[:, 1], table[:, 2]
    prior = np.where(edges, EDGE_ODDS * table[:, 3] / table[edges, 3].sum(), 1.0 / float((~edges).sum()))
    return _Candidates(np.array(falls), edges, six, width_hz, prior)


def _corners(first_millionths: int, bands: int, is_edge: bool) -> Doubles:
    """Return the corners that are tried on a grid of bands, log2 Hz; none where it ends too low."""
    last = first_millionths / 1e6 + (bands - 1) / PER_OCTAVE
    # A natural slope can begin anywhere, and need not be placed exactly.
    step, margin = (1, LAST_EDGE) if is_edge else (4, LAST_NATURAL)
    return np.arange(LOWEST_EDGE_OCTAVE, last - margin, step / PER_OCTAVE)


def _shape_octaves() -> Doubles:
    return np.arange(-5 * PER_OCTAVE * FINE, 5 * PER_OCTAVE * FINE + 1) / (PER_OCTAVE * FINE)


@lru_cache(maxsize=1)
def _shapes() -> tuple[_Shape, ...]:
    """Return the low-passes: slopes of nature, Butterworth, Chebyshev (1 dB), linear phase, a wall."""
    x = _shape_octaves()
    ratio = 2.0**x
    shapes = [_shape(_butterworth(x, order), is_edge=False) for order in NATURAL_ORDERS]
    shapes += [_shape(_butterworth(x, order), prior=weight) for order, weight in BUTTERWORTH_WEIGHTS.items()]
    for order in CHEBYSHEV_ORDERS:
        beyond = np.cosh(np.minimum(order * np.arccosh(np.maximum(ratio, 1.0)), 30.0))
        shapes.append(_shape(np.where(ratio < 1.0, 1.0, 1.0 / (1.0 + (10.0**0.1 - 1.0) * beyond**2))))
    shapes += [_shape((0.5 * erfc((ratio - 1.0) / width)) ** 2) for width in LINEAR_PHASE_WIDTHS]
    return (*shapes, _shape(np.where(x < 0.0, 1.0, 0.0)))


def _butterworth(x: Doubles, order: int) -> Doubles:
    return np.asarray(1.0 / (1.0 + 10.0 ** np.minimum(30.0, 2 * order * x * np.log10(2.0))))


def _shape(power: Doubles, is_edge: bool = True, prior: float = 1.0) -> _Shape:
    """Return a shape as the bands see it, which are triangles two bands wide; its points are those of the filter."""
    x, limited = _shape_octaves(), power + 1e-20
    kernel = np.maximum(0.0, 1.0 - np.abs(np.arange(-FINE, FINE + 1)) / FINE)
    seen = np.convolve(np.pad(limited, FINE, mode="edge"), kernel / kernel.sum(), mode="valid")
    six, one, twenty = (float(x[-1] if limited[-1] > p else x[np.argmax(limited < p)]) for p in (0.25, 10**-0.1, 0.01))
    return _Shape(is_edge, seen, six, one, twenty, prior)
