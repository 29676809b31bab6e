"""Mains hum: which of its harmonics a recording holds, and their frequency, amplitude and phase along the file.

The mains are one oscillator: all harmonics share one phase track. That is what tells them from music, whose notes come
and go, and what lets them be subtracted instead of notched out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from engine.audio.fir import FilteredSignal, Fir
from engine.audio.signal import Signal, read_padded

Doubles = NDArray[np.float64]
Complexes = NDArray[np.complex128]

BASES_HZ: Final = (50.0, 60.0)
REACH_HZ: Final = 1.0  # a mains frequency is looked for this far on either side
GRID_HZ: Final = 1.0 / 64.0
SEARCH_HARMONICS: Final = 10
STRAY_HZ: Final = 0.0625  # how far the mains may stray from their usual frequency
PLAUSIBLE_DB: Final = 5.0  # a line worth following stands out at least so much; it will have to by 15
LINE_DB: Final = 15.0  # a line that stands out by so much is one; more says little
HARMONICS: Final = 20
BAND_HZ: Final = 1_250.0  # the 20th harmonic of 61 Hz and its neighbours
LOOK_SECONDS: Final = 8.0  # window of the frequency search
LOOK_HOP_SECONDS: Final = 4.0
NODE_SECONDS: Final = 0.5  # spacing of the track
WINDOW_SECONDS: Final = 1.0  # Hann window of one node
NEIGHBOURS_HZ: Final = (-4.0, -3.0, 3.0, 4.0)  # outside of the window's main lobe
SMOOTH_SECONDS: Final = 4.0  # standard deviation of the smoothing of amplitude and phase
PHASE_SECONDS: Final = 1.0  # the same for the phase track ...
PHASE_ROUNDS: Final = 4  # ... which each round brings closer to what really happened
STANDS_OUT: Final = 4.0  # a harmonic is taken out if its power is 6 dB above its neighbours' ...
COHERENCE: Final = 0.75  # ... and three quarters of that power keep phase and level


@dataclass(frozen=True)
class HumTrack:
    """The hum of a recording at nodes half a second apart."""

    turns: Doubles  # phase of the fundamental at each node in turns, unwrapped, (nodes,)
    hertz: Doubles  # its frequency at each node, (nodes,)
    amplitudes: Complexes  # (nodes, channels, harmonics); zero for harmonics that weren't found

    @property
    def is_present(self) -> bool:
        return bool(self.amplitudes.any())

    @property
    def found(self) -> list[int]:
        """Numbers of the harmonics present, the fundamental is 1."""
        return [int(h) + 1 for h in np.flatnonzero(np.abs(self.amplitudes).sum(axis=(0, 1)))]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the fields by name, for storing; the amplitudes in single precision."""
        return {"turns": self.turns, "hertz": self.hertz, "amplitudes": self.amplitudes.astype(np.complex64)}


def no_hum(channels: int) -> HumTrack:
    """Return the track of a recording without hum."""
    return HumTrack(np.zeros(1), np.zeros(1), np.zeros((1, channels, 1), dtype=np.complex128))


def track_hum(
    signal: Signal,
    bases_hz: tuple[float, ...] = BASES_HZ,
    harmonics: int = HARMONICS,
    check: Callable[[], None] | None = None,
    progress: Callable[[float], None] | None = None,
) -> HumTrack:
    """Look for hum and follow it.

    Parameters
    ----------
    signal
        At least one second; shorter ones have no track. Read twice, in order; memory is that of the track.
    bases_hz
        Nominal mains frequencies to choose from.
    harmonics
        How many multiples may be found, up to 20 and to 45 % of the sample rate.

    Returns
    -------
    HumTrack
        `is_present` is False unless two harmonics, one of them among the first three, stand 6 dB above their
        neighbours and keep their phase.
    """
    check, progress = check or (lambda: None), progress or (lambda _: None)
    count = min(harmonics, int(0.45 * signal.rate / (max(bases_hz) + REACH_HZ)))
    if signal.frames < signal.rate or count < 2:
        return no_hum(signal.channels)
    low = _Decimated.of(signal)
    hertz = _frequency_at_nodes(low, bases_hz, count, check, lambda f: progress(0.5 * f))
    if hertz is None:
        progress(1.0)
        return no_hum(signal.channels)
    turns = np.concatenate([[0.0], np.cumsum((hertz[1:] + hertz[:-1]) / 2.0 * NODE_SECONDS)])
    lines, noise = _demodulated(low, turns, hertz, count, check, lambda f: progress(0.5 + 0.5 * f))
    turns, hertz, lines = _refined(turns, hertz, lines, noise)
    present = _made_steady(lines, noise)
    if present.sum() < 2 or not present[:3].any():
        return no_hum(signal.channels)
    lines[:, :, ~present] = 0.0
    return HumTrack(turns, hertz, lines)


@dataclass(frozen=True)
class _Decimated:
    """The bottom of a recording's spectrum, at a rate just high enough for it."""

    source: Signal  # low-passed
    step: int  # every so many samples

    @staticmethod
    def of(signal: Signal) -> _Decimated:
        step = max(1, int(signal.rate // (3.2 * BAND_HZ)))
        if step == 1:
            return _Decimated(signal, 1)
        # Whatever folds back must stay above the band: stop at rate/step - band, pass up to the band.
        middle, width = signal.rate / step / 2.0, signal.rate / step - 2.0 * BAND_HZ
        taps = 2 * int(2.75 * signal.rate / width) + 1  # Blackman: 5.5 over the relative width
        time = np.arange(taps) - taps // 2
        kernel = np.sinc(2.0 * middle / signal.rate * time) * np.blackman(taps)
        return _Decimated(FilteredSignal(signal, Fir(kernel / kernel.sum(), taps // 2)), step)

    @property
    def rate(self) -> float:
        return self.source.rate / self.step

    @property
    def seconds(self) -> float:
        return self.source.frames / self.source.rate

    def read(self, start: int, stop: int) -> Doubles:
        """Return decimated samples, which may lie outside of the recording, shape (stop - start, channels)."""
        samples = read_padded(self.source, start * self.step, (stop - 1) * self.step + 1)
        return samples[:: self.step].astype(np.float64)


def _frequency_at_nodes(
    low: _Decimated,
    bases_hz: tuple[float, ...],
    count: int,
    check: Callable[[], None],
    progress: Callable[[float], None],
) -> Doubles | None:
    """Return the fundamental's likely frequency at each node, or None where no two harmonics stand out for long."""
    candidates = np.concatenate([np.arange(b - REACH_HZ, b + REACH_HZ + 1e-9, GRID_HZ) for b in bases_hz])
    starts, shown = _look_starts(low), min(count, SEARCH_HARMONICS)
    times = np.empty(len(starts))
    above = np.empty((len(starts), shown, len(candidates)), dtype=np.float32)
    for number, (time, spectrum, resolution) in enumerate(_looks(low, starts)):
        check()
        progress(number / len(starts))
        times[number] = time
        above[number] = _comb(spectrum, resolution, candidates, bases_hz, shown)
    # The median over time tells the mains from notes: notes end. Harmonic by harmonic, as each takes a copy.
    medians = np.stack([np.median(above[:, harmonic], axis=0) for harmonic in range(shown)])
    steady = maximum_filter1d(medians, 2 * round(STRAY_HZ / GRID_HZ) + 1, axis=1)
    at = int(_merit(steady).sum(axis=0).argmax())
    if np.count_nonzero(steady[:, at] > PLAUSIBLE_DB) < 2:
        return None
    best = candidates[at]
    near = np.flatnonzero(np.abs(candidates - best) <= 2.0 * STRAY_HZ)
    score = _merit(above[:, :, near]).sum(axis=1)
    local = np.apply_along_axis(np.convolve, 0, score, np.ones(min(3, len(score))), mode="same")
    nodes = np.arange(int(np.ceil(low.seconds / NODE_SECONDS)) + 1) * NODE_SECONDS
    return np.asarray(np.interp(nodes, times, _peak(local, candidates[near])))


def _merit(above: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what a line counts for: above 15 dB hardly more, but still more, or its whole skirt would be a peak."""
    return np.asarray(np.minimum(above, LINE_DB) + np.float32(0.1) * above)


def _look_size(low: _Decimated) -> int:
    return int(min(LOOK_SECONDS, low.seconds) * low.rate)


def _look_starts(low: _Decimated) -> list[int]:
    """Return where windows of 8 s begin, one every 4 s, the last one at the end."""
    hop = int(LOOK_HOP_SECONDS * low.rate)
    last = int(low.seconds * low.rate) - _look_size(low)
    return [*range(0, max(1, last - hop // 2), hop), max(0, last)]


def _looks(low: _Decimated, starts: list[int]) -> Iterator[tuple[float, Doubles, float]]:
    """Yield (time, power spectrum summed over channels, Hz per bin) of windows of 8 s."""
    size = _look_size(low)
    window = np.hanning(size + 1)[:-1, None]
    fft = scipy.fft.next_fast_len(4 * size, real=True)
    for start in starts:
        spectra = scipy.fft.rfft(low.read(start, start + size) * window, n=fft, axis=0)
        yield (start + size / 2) / low.rate, (spectra.real**2 + spectra.imag**2).sum(axis=1), low.rate / fft


def _comb(
    spectrum: Doubles, resolution: float, candidates: Doubles, bases_hz: tuple[float, ...], count: int
) -> NDArray[np.float32]:
    """Return by how many dB each harmonic of each candidate stands out of its band, shape (count, candidates)."""
    above = np.zeros((count, len(candidates)), dtype=np.float32)
    for base in bases_hz:
        mine = np.flatnonzero(np.abs(candidates - base) <= REACH_HZ + 1e-6)
        for harmonic in range(1, count + 1):
            reach = harmonic * REACH_HZ + 3.0
            band = slice(int((harmonic * base - reach) / resolution), int((harmonic * base + reach) / resolution) + 1)
            usual = np.median(spectrum[band]) / np.log(2.0) + 1e-30  # the median of an exponential
            at = np.round(harmonic * candidates[mine] / resolution).astype(np.int64)
            above[harmonic - 1, mine] = np.maximum(10.0 * np.log10(spectrum[at] / usual + 1e-30), 0.0)
    return above


def _peak(scores: Doubles, candidates: Doubles) -> Doubles:
    """Return the candidate with the highest score in each row, between grid points by a parabola."""
    at = np.clip(scores.argmax(axis=1), 1, scores.shape[1] - 2)
    rows = np.arange(len(scores))
    left, middle, right = scores[rows, at - 1], scores[rows, at], scores[rows, at + 1]
    bend = left - 2.0 * middle + right
    offset = np.where(bend < 0.0, 0.5 * (left - right) / np.where(bend < 0.0, bend, 1.0), 0.0)
    return np.asarray(candidates[at] + np.clip(offset, -0.5, 0.5) * GRID_HZ)


def _demodulated(
    low: _Decimated,
    turns: Doubles,
    hertz: Doubles,
    count: int,
    check: Callable[[], None],
    progress: Callable[[float], None],
) -> tuple[Complexes, Doubles]:
    """Return every harmonic's amplitude and its neighbours' power at each node.

    Returns
    -------
    lines
        Shape (nodes, channels, harmonics).
    noise
        Power that music and noise put into such an amplitude, same shape.
    """
    half = int(WINDOW_SECONDS / 2 * low.rate)
    channels = low.source.channels
    lines = np.zeros((len(turns), channels, count), dtype=np.complex128)
    noise = np.full((len(turns), channels, count), np.inf)
    for node in range(len(turns)):
        if node % 20 == 0:
            check()
            progress(node / len(turns))
        middle = round(node * NODE_SECONDS * low.rate)
        samples = low.read(middle - half, middle + half + 1)
        at = np.arange(middle - half, middle + half + 1)
        time = at / low.rate - node * NODE_SECONDS
        inside = (at >= 0) & (at < low.seconds * low.rate)
        window = np.where(inside, 0.5 + 0.5 * np.cos(2.0 * np.pi * time / WINDOW_SECONDS), 0.0)
        weight = window.sum()
        if weight < 0.25 * half:  # the window is half outside at the ends of the recording, never more
            continue
        carrier = np.exp(-2j * np.pi * (turns[node] + hertz[node] * time))
        powers = np.cumprod(np.broadcast_to(carrier, (count, len(carrier))), axis=0)
        weighted = samples * (2.0 * window / weight)[:, None]
        lines[node] = np.einsum("ht,tc->ch", powers, weighted)
        turned = np.exp(-2j * np.pi * np.outer(NEIGHBOURS_HZ, time))[:, :, None] * weighted
        noise[node] = np.mean(np.abs(np.einsum("ht,ktc->kch", powers, turned)) ** 2, axis=0) + 1e-16
    # Where noise is 40 dB below the line, less of it is no reason to trust a node more than its neighbours.
    noise += 1e-4 * np.median(np.abs(lines) ** 2, axis=0)
    return lines, noise


def _refined(turns: Doubles, hertz: Doubles, lines: Complexes, noise: Doubles) -> tuple[Doubles, Doubles, Complexes]:
    """Correct the phase track by what all harmonics say together. `lines` is turned in place.

    One harmonic after another: together their products would take 100 MB for three hours.
    """
    harmonics = range(lines.shape[2])
    for _ in range(PHASE_ROUNDS):
        above, below = np.zeros(len(turns) - 1), np.zeros(len(turns) - 1)
        for h in harmonics:
            trust = 1.0 / (noise[1:, :, h] + noise[:-1, :, h])
            steps = (lines[1:, :, h] * lines[:-1, :, h].conj() * trust).sum(axis=1)  # (nodes - 1,)
            # Averaged as complex numbers, music cancels; what keeps its direction counts.
            together = smoothed(steps, PHASE_SECONDS)
            agreement = np.abs(together) / np.maximum(smoothed(np.abs(steps), PHASE_SECONDS), 1e-30)
            strength = np.abs(together) * agreement**4
            # Least squares for one frequency error behind all harmonics: harmonic h turns h times as far.
            above += strength * (h + 1) * np.angle(together) / (2.0 * np.pi)
            below += strength * (h + 1) ** 2
        drift = np.concatenate([[0.0], np.cumsum(above / np.maximum(below, 1e-30))])  # turns at the nodes
        turns = turns + drift
        hertz = hertz + np.gradient(drift, NODE_SECONDS) if len(drift) > 1 else hertz
        for h in harmonics:
            lines[:, :, h] *= np.exp(-2j * np.pi * (h + 1) * drift)[:, None]
    return turns, hertz, lines


def _made_steady(lines: Complexes, noise: Doubles) -> NDArray[np.bool_]:
    """Replace `lines` by the slowly changing amplitudes, and return which harmonics are hum, shape (harmonics,).

    In place: copies of the lines of three hours take 14 MB each.
    """
    present = np.zeros(lines.shape[2], dtype=np.bool_)
    for h in range(lines.shape[2]):
        line, doubt = lines[:, :, h].copy(), noise[:, :, h]
        weight = np.where(np.isfinite(doubt), 1.0 / doubt, 0.0)
        total = np.maximum(smoothed(weight, SMOOTH_SECONDS), 1e-30)
        lines[:, :, h] = smoothed(line * weight, SMOOTH_SECONDS) / total
        steady = float((weight * np.abs(lines[:, :, h]) ** 2).sum())
        power = float((weight * np.abs(line) ** 2).sum())
        nodes = max(int((weight > 0.0).sum()), 1)
        present[h] = steady / nodes > STANDS_OUT and steady > COHERENCE * power and bool(weight.any())
    return present


def smoothed(values: NDArray[Any], seconds: float) -> NDArray[Any]:
    """Sum over neighbouring nodes with a Gaussian weight, along the first axis; the ends see fewer neighbours."""
    reach = int(3.0 * seconds / NODE_SECONDS)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * NODE_SECONDS / seconds) ** 2)
    padded = np.zeros((len(values) + 2 * reach, *values.shape[1:]), dtype=values.dtype)
    padded[reach : reach + len(values)] = values
    out = np.zeros_like(values)
    for offset, weight in enumerate(kernel):
        out += weight * padded[offset : offset + len(values)]
    return out
