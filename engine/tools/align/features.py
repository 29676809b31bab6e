"""What the hand-made aligner hears: pitch content every 20 ms, onsets every 10 ms, loudness, on a grid of samples.

Frame i is centred on sample i * hop at 24 kHz, for every window length, so that a time is an integer until the end.
A recording is read once as a stream, so an hour needs no more memory than its features (130 MB).

Sources: chroma onset features with decay, Ewert, Mueller, Grosche, *High resolution audio synchronization using chroma
onset features* (ICASSP 2009); local normalisation, Mueller, Kurth, Clausen (ISMIR 2005).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from engine.audio.resample import ResampledSignal
from engine.audio.signal import SameShape, Samples, Signal, Span, blocks, check_span, read_padded
from engine.tools.tool import NO_JOB, Job

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]

RATE: Final = 24_000  # Hz
HOP: Final = 240  # samples between frames: 10 ms
EVERY: Final = 2  # frames from one spectrum to the next: 20 ms
BINS_PER_OCTAVE: Final = 36
MARGIN: Final = 18  # bins kept beyond both ends: a transposition of up to 6 semitones
BINS: Final = 216  # compared: six octaves
LOWEST_HZ: Final = 65.406  # C2
BANDS: Final = 12
BAND_EDGES_HZ: Final = (125.0, 10_000.0)
WINDOWS: Final = ((4096, 330.0), (2048, 1320.0), (1024, 24_000.0))  # (samples, used up to this frequency)
CENTRE_FRAMES: Final = 100  # of the spectrum, to each side: the mean over 4 s is taken off
NORM_FRAMES: Final = 50  # of the onsets, to each side: 1 s
DECAY_FRAMES: Final = 10  # 100 ms
FAINT_VECTOR: Final = np.float32(0.07)  # about 0.5 % of log magnitude per bin: less is no shape
FAINT: Final = 0.1  # of the usual onset: fainter ones aren't raised to full length
COMPRESSION: Final = 100.0  # a partial at the recording's level counts log(1 + this)
BAND_COMPRESSION: Final = 100.0
BLOCK: Final = 1024  # frames computed together: 10 s
LEVEL_BLOCK_S: Final = 0.1
SILENT_DB: Final = -90.0  # a recording whose loud tenths of a second are below this has no sound


@dataclass(frozen=True, eq=False)
class Features:
    """What is compared of one recording; all arrays are read-only by agreement."""

    frames: int  # on the 10 ms grid
    seconds: float  # length of the recording
    spectrum: Halves  # (ceil(frames / EVERY), BINS + 2 MARGIN) log magnitudes, the mean over 4 s taken off
    onsets: Halves  # (frames, BINS_PER_OCTAVE) rise of every third of a semitone, octaves folded
    band_onsets: Halves  # (frames, BANDS) rise per band, lengths up to 1
    loudness_db: Halves  # (frames,) RMS over 43 ms against the recording's level
    tones: Floats  # (BINS + 2 MARGIN,) mean log magnitudes
    level_db: float  # level of the loud tenths of a second, dBFS


@dataclass(frozen=True)
class _Mono(SameShape):
    """All channels of a signal as one, what isn't finite as silence."""

    signal: Signal
    constant: float = 0.0  # taken off: its side lobes would reach the lowest notes

    @property
    def channels(self) -> int:
        return 1

    def read(self, start: int, stop: int) -> Samples:
        check_span(self.signal, start, stop)
        given = self.signal.read(start, stop)
        mixed: Samples = given.mean(axis=1, keepdims=True, dtype=np.float32)
        return np.where(np.isfinite(mixed), mixed - np.float32(self.constant), np.float32(0.0))


def features_of(signal: Signal, job: Job = NO_JOB) -> Features:
    """Listen to a recording.

    Parameters
    ----------
    signal
        Any rate and number of channels, at least one frame.
    job
        Told how far it is.
    """
    mono = _Mono(signal)
    level, constant = _level(mono, job)
    mono = _Mono(signal, constant)
    at_24k = ResampledSignal(mono, RATE)
    frames = 1 + at_24k.frames // HOP
    wide = BINS + 2 * MARGIN
    spectrum = np.empty((-(-frames // EVERY), wide), dtype=np.float16)
    onsets = np.empty((frames, BINS_PER_OCTAVE), dtype=np.float16)
    band_onsets = np.empty((frames, BANDS), dtype=np.float16)
    loudness = np.empty(frames, dtype=np.float16)
    tones = np.zeros(wide)
    for span in blocks(frames, BLOCK):
        job.progress(0.1 + 0.9 * span.start / frames, "Listening")
        # One frame more at the front: a rise needs the frame before.
        pitch, bands, power = _spectra(at_24k, span.start - 1, span.stop, level)
        spectrum[span.start // EVERY : -(-span.stop // EVERY)] = pitch[1::EVERY]
        tones += pitch[1::EVERY].sum(axis=0, dtype=np.float64)
        onsets[span.start : span.stop] = _folded(np.maximum(np.diff(pitch, axis=0), 0.0))
        band_onsets[span.start : span.stop] = np.maximum(np.diff(bands, axis=0), 0.0)
        loudness[span.start : span.stop] = np.maximum(10.0 * np.log10(power[1:] / level**2 + 1e-12), -120.0)
    _centre(spectrum)
    _decay(onsets)
    _normalise(onsets)
    _normalise(band_onsets)
    return Features(
        frames, signal.frames / signal.rate, spectrum, onsets, band_onsets, loudness,
        (tones / len(spectrum)).astype(np.float32), 20.0 * float(np.log10(level)),
    )  # fmt: skip


def pitch_vectors(features: Features, first: int, stop: int, bins: float = 0.0) -> Floats:
    """Return unit vectors of the spectrum's frames first..stop-1 as if played `bins` lower, shape (frames, BINS).

    A frame without any shape (silence) is a vector of zeros.
    """
    whole = int(np.floor(bins))
    part = np.float32(bins - whole)
    rows = features.spectrum[first:stop, MARGIN + whole : MARGIN + whole + BINS + 1].astype(np.float32)
    if rows.shape[1] == BINS:  # the highest shift has no neighbour to lean to
        rows = np.pad(rows, ((0, 0), (0, 1)))
    mixed = (1.0 - part) * rows[:, :-1] + part * rows[:, 1:]
    return np.asarray(mixed / (np.linalg.norm(mixed, axis=1, keepdims=True) + FAINT_VECTOR))


def onset_vectors(features: Features, first: int, stop: int, bins: float = 0.0) -> Floats:
    """Return the onsets per semitone of frames first..stop-1 as if played `bins` lower, shape (frames, 12)."""
    thirds = features.onsets[first:stop].astype(np.float32)
    whole = int(np.floor(bins))
    part = np.float32(bins - whole)
    moved = (1.0 - part) * np.roll(thirds, -whole, axis=1) + part * np.roll(thirds, -whole - 1, axis=1)
    # Bin 0 is a C: each semitone gathers the thirds on both sides of it.
    gathered: Floats = (np.roll(moved, 1, axis=1).reshape(-1, 12, 3)).sum(axis=2)
    return gathered


def _level(mono: Signal, job: Job) -> tuple[float, float]:
    """RMS of the loud tenths of a second about the mean, as amplitude, never 0; and that mean."""
    size = max(1, round(LEVEL_BLOCK_S * mono.rate))
    powers, means = [], []
    for span in blocks(mono.frames, size * 256):
        job.check()
        part = mono.read(span.start, span.stop)[:, 0]
        whole = np.pad(part, (0, -len(part) % size)).reshape(-1, size)
        powers.append(np.mean(np.square(whole, dtype=np.float64), axis=1))
        means.append(np.mean(whole, axis=1, dtype=np.float64))
    if not powers:
        return 1e-7, 0.0
    power, mean = np.concatenate(powers), np.concatenate(means)
    constant = float(mean.sum() * size / mono.frames)
    loud = float(np.quantile(power - 2.0 * constant * mean + constant**2, 0.9))
    return max(float(np.sqrt(max(loud, 0.0))), 1e-7), constant


def _spectra(at_24k: Signal, first: int, stop: int, level: float) -> tuple[Floats, Floats, NDArray[np.float64]]:
    """Log magnitudes on the pitch axis, per band, and the power, of frames first..stop-1."""
    longest = WINDOWS[0][0]
    start = first * HOP - longest // 2
    sound = read_padded(at_24k, start, (stop - 1) * HOP + longest // 2)[:, 0] / np.float32(level)
    pitch = np.zeros((stop - first, BINS + 2 * MARGIN), dtype=np.float32)
    magnitudes: Floats = np.empty(0, dtype=np.float32)
    power = np.empty(0)
    for size, _ in WINDOWS:
        offset = (longest - size) // 2
        part = sound[offset : len(sound) - offset]
        windows = np.lib.stride_tricks.sliding_window_view(part, size)[::HOP]
        spectra = scipy.fft.rfft(windows * _window(size), axis=1)
        magnitudes = np.abs(spectra)
        rows, low, weights = _pitch_filters(size)
        pitch[:, rows] = magnitudes[:, low : low + len(weights)] @ weights
        power = np.var(windows, axis=1, dtype=np.float64)
    bands = magnitudes @ _band_filters()
    return np.log1p(COMPRESSION * pitch), np.log1p(BAND_COMPRESSION * bands), power * level**2


@lru_cache(maxsize=4)
def _window(size: int) -> Floats:
    """A Hann window under which a sine's magnitude is its amplitude."""
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)
    return (window * 4.0 / size).astype(np.float32)


@lru_cache(maxsize=4)
def _pitch_filters(size: int) -> tuple[slice, int, Floats]:
    """Return which bins of the pitch axis a window serves, its first line used, and the weights (lines, bins)."""
    hertz = LOWEST_HZ * 2.0 ** ((np.arange(BINS + 2 * MARGIN) - MARGIN) / BINS_PER_OCTAVE)
    tops = [0.0, *(top for _, top in WINDOWS)]
    place = [samples for samples, _ in WINDOWS].index(size)
    inside = np.flatnonzero((hertz >= tops[place]) & (hertz < tops[place + 1]))
    lines = np.arange(size // 2 + 1) * RATE / size
    half = np.maximum(hertz[inside] * (2.0 ** (1.0 / BINS_PER_OCTAVE) - 1.0), RATE / size)
    weights = np.maximum(0.0, 1.0 - np.abs(lines[:, None] - hertz[inside]) / half)
    weights /= weights.sum(axis=0)
    used = np.flatnonzero(weights.any(axis=1))
    block = weights[used[0] : used[-1] + 1].astype(np.float32)
    return slice(int(inside[0]), int(inside[-1]) + 1), int(used[0]), block


@lru_cache(maxsize=1)
def _band_filters() -> Floats:
    """Sums of lines of the shortest window, shape (lines, BANDS)."""
    lines = np.arange(WINDOWS[-1][0] // 2 + 1) * RATE / WINDOWS[-1][0]
    edges = np.geomspace(*BAND_EDGES_HZ, BANDS + 1)
    inside = (lines[:, None] >= edges[:-1]) & (lines[:, None] < edges[1:])
    weights: Floats = (inside / np.sqrt(np.maximum(inside.sum(axis=0), 1))).astype(np.float32)
    return weights


def _folded(rises: Floats) -> Floats:
    """Sum the octaves of the pitch axis; column 0 is C. Shape (frames, 36)."""
    inner = rises[:, MARGIN : MARGIN + BINS]
    return np.asarray(inner.reshape(len(inner), -1, BINS_PER_OCTAVE).sum(axis=1))


def _with_context(array: Halves, before: int, after: int) -> Iterator[tuple[Span, int, Floats]]:
    """Yield spans that cover `array`, where each begins in the rows that follow, and these rows: it and its context."""
    for span in blocks(len(array), 8192):
        low, high = max(0, span.start - before), min(len(array), span.stop + after)
        yield span, span.start - low, array[low:high].astype(np.float32)


def _running_mean(rows: Floats, half: int, first: int, count: int) -> Floats:
    """Mean over rows within `half` of each of `count` rows from `first`; at the ends over those there are."""
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)])
    middle = np.arange(first, first + count)
    low, high = np.maximum(0, middle - half), np.minimum(len(rows), middle + half + 1)
    return np.asarray(((sums[high] - sums[low]) / (high - low)[:, None]).astype(np.float32))


def _centre(spectrum: Halves) -> None:
    """Take the mean over 4 s off, in place."""
    for span, first, rows in _with_context(spectrum.copy(), CENTRE_FRAMES, CENTRE_FRAMES):
        spectrum[span.start : span.stop] = rows[first : first + span.frames] - _running_mean(
            rows, CENTRE_FRAMES, first, span.frames
        )


def _decay(onsets: Halves) -> None:
    """Let every onset ring on for 100 ms, in place: what is a little early or late still resembles."""
    weights = np.sqrt(np.linspace(1.0, 0.0, DECAY_FRAMES, endpoint=False)).astype(np.float32)
    for span, first, rows in _with_context(onsets.copy(), DECAY_FRAMES, 0):
        out = rows.copy()
        for late, weight in enumerate(weights[1:], start=1):
            np.maximum(out[late:], rows[:-late] * weight, out=out[late:])
        onsets[span.start : span.stop] = out[first : first + span.frames]


def _normalise(onsets: Halves) -> None:
    """Divide by the largest length of a vector within half a second to each side, in place: lengths are up to 1."""
    floor = FAINT * float(np.sqrt(np.mean(np.square(onsets, dtype=np.float32).sum(axis=1)))) + 1e-4
    for span, first, rows in _with_context(onsets.copy(), NORM_FRAMES, NORM_FRAMES):
        lengths = maximum_filter1d(np.linalg.norm(rows, axis=1), 2 * NORM_FRAMES + 1, mode="constant")
        local = lengths[first : first + span.frames, None]
        onsets[span.start : span.stop] = rows[first : first + span.frames] / (local + np.float32(floor))
