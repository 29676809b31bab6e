"""What a recording is like by itself: offset, peaks cut off, dead and reversed channels, bandwidth.

Everything is read in blocks; memory doesn't grow with the length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from engine.audio.signal import Samples, Signal, blocks
from engine.audio.stft import Stft

Doubles = NDArray[np.float64]

BLOCK: Final = 1 << 18  # frames read at once
STFT: Final = Stft()
SPECTRA_AT_MOST: Final = 4_000  # frames spread over the recording; enough for its long-term spectrum
CLIPPED_RUN: Final = 3  # so many equal samples at the peak in a row are a cut-off peak
CLIPPED_LEAST: Final = 0.1  # below -20 dB of full scale equal samples are no clipping
BANDWIDTH_DB: Final = 60.0  # the long-term spectrum below its peak, where a recording ends
CLIFF_DB: Final = 24.0  # a drop this large within `CLIFF_HZ` is a wall ...
CLIFF_HZ: Final = 500.0
CLIFF_FROM_HZ: Final = 2_000.0  # ... unless it is the slope of a low instrument ...
BEHIND_CLIFF_DB: Final = 40.0  # ... or there is music behind it: less than so far below the peak
SMALLEST_DB: Final = -200.0  # what silence is called in reports


def decibels(power: float) -> float:
    """Return 10 log10 of a power, -200 for nothing."""
    return float(10.0 * np.log10(power)) if power > 1e-20 else SMALLEST_DB


def dc(signal: Signal) -> list[float]:
    """Return the mean of each channel."""
    total = np.zeros(signal.channels)
    for block in _read(signal):
        total += block.sum(axis=0, dtype=np.float64)
    return [float(mean) for mean in total / max(1, signal.frames)]


def rms_db(signal: Signal) -> float:
    """Return the RMS of all channels in dB of full scale."""
    total = sum(float(np.sum(np.square(block, dtype=np.float64))) for block in _read(signal))
    return decibels(total / max(1, signal.frames * signal.channels))


def peak_db(signal: Signal) -> float:
    """Return the largest sample in dB of full scale."""
    peak = max((float(np.abs(block).max(initial=0.0)) for block in _read(signal)), default=0.0)
    return decibels(peak**2)


def clipped_share(signal: Signal) -> float:
    """Return the share of samples in runs of three or more that are equal and at their channel's largest value.

    The level of the cut is taken from the recording itself, so a clipped one that was turned down still counts.
    """
    highest, lowest = np.zeros(signal.channels), np.zeros(signal.channels)
    for block in _read(signal):
        highest = np.maximum(highest, block.max(axis=0))
        lowest = np.minimum(lowest, block.min(axis=0))
    clipped, reach = 0, CLIPPED_RUN - 1
    for span in blocks(signal.frames, BLOCK):
        start = max(0, span.start - reach)
        block = signal.read(start, min(signal.frames, span.stop + reach))
        at_peak = ((block >= highest) & (highest >= CLIPPED_LEAST)) | ((block <= lowest) & (lowest <= -CLIPPED_LEAST))
        clipped += int(_in_runs(at_peak)[span.start - start : span.stop - start].sum())
    return clipped / max(1, signal.frames * signal.channels)


def _in_runs(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which marked samples stand in a run of at least `CLIPPED_RUN`."""
    out = np.zeros_like(marked)
    if len(marked) >= CLIPPED_RUN:
        whole = np.asarray(sliding_window_view(marked, CLIPPED_RUN, axis=0).all(axis=-1))
        for offset in range(CLIPPED_RUN):
            out[offset : offset + len(whole)] |= whole
    return out


def dead_channels(signal: Signal) -> list[int]:
    """Return the channels (0 is the first) in which nothing sounds, if another one does."""
    peaks = np.zeros(signal.channels)
    for block in _read(signal):
        peaks = np.maximum(peaks, np.abs(block - block.mean(axis=0)).max(axis=0, initial=0.0))
    return [int(c) for c in np.flatnonzero(peaks < 1e-5)] if (peaks >= 1e-3).any() else []


def polarity_reversed(signal: Signal) -> bool:
    """Return whether the two channels of a stereo recording cancel: their correlation is below -0.6."""
    return signal.channels == 2 and channel_correlation(signal) < -0.6


def channel_correlation(signal: Signal) -> float:
    """Return the correlation of the first two channels, -1 to 1; 1 for one channel, 0 if one is silent."""
    if signal.channels < 2:
        return 1.0
    products = np.zeros(3)
    for block in _read(signal):
        left, right = block[:, 0].astype(np.float64), block[:, 1].astype(np.float64)
        products += (left @ right, left @ left, right @ right)
    scale = np.sqrt(products[1] * products[2])
    return float(products[0] / scale) if scale > 0.0 else 0.0


def long_term_spectrum_db(signal: Signal) -> tuple[Doubles, Doubles]:
    """Return the mean spectrum of the sounding parts.

    Returns
    -------
    hertz
        Shape (1025,).
    power_db
        The mean power of the frames that are within 40 dB of the loudest, all channels, in dB of a full-scale sine.
    """
    hertz: Doubles = np.arange(STFT.bins, dtype=np.float64) * (signal.rate / STFT.fft)
    frames = list(_frames(signal))
    if not frames:
        return hertz, np.full(STFT.bins, SMALLEST_DB)
    energy = np.array([power.sum() for power in frames])
    sounding = [power for power, e in zip(frames, energy, strict=True) if e > 1e-4 * energy.max() and e > 0.0]
    scale = (STFT.fft / 4.0) ** 2  # |X|² of a full-scale sine through a Hann window
    mean = np.mean(sounding, axis=0) / scale if sounding else np.zeros(STFT.bins)
    return hertz, 10.0 * np.log10(np.maximum(mean, 1e-20))


def _frames(signal: Signal) -> Iterator[Doubles]:
    """Yield |X|² of up to 4000 frames spread evenly, mean over channels, shape (bins,)."""
    last = signal.frames - STFT.fft
    if last < 0:
        return
    count = min(SPECTRA_AT_MOST, last // STFT.hop + 1)
    for start in np.unique(np.linspace(0, last, count).astype(np.int64)):
        samples = signal.read(int(start), int(start) + STFT.fft)
        spectra = np.concatenate([STFT.forward(np.ascontiguousarray(column)) for column in samples.T])
        yield np.mean(spectra.real.astype(np.float64) ** 2 + spectra.imag.astype(np.float64) ** 2, axis=0)


def bandwidth_hz(signal: Signal) -> float:
    """Return up to which frequency a recording holds sound.

    The long-term spectrum ends where it stays 60 dB under its peak, or at a wall before that: a drop of 24 dB within
    500 Hz behind which it stays down. Half of the sample rate if it never ends, 0 for silence.
    """
    hertz, power_db = long_term_spectrum_db(signal)
    if power_db.max() <= SMALLEST_DB:
        return 0.0
    kernel = np.ones(5) / 5.0
    smooth = 10.0 * np.log10(np.convolve(np.pad(10.0 ** (power_db / 10.0), 2, mode="edge"), kernel, mode="valid"))
    above = np.flatnonzero(smooth > smooth.max() - BANDWIDTH_DB)
    end = int(above[-1]) if len(above) else 0
    return float(min(hertz[end], _wall_hz(smooth, hertz)))


def _wall_hz(power_db: Doubles, hertz: Doubles) -> float:
    """Return the frequency of the lowest cliff that nothing rises behind, or infinity."""
    width = max(1, round(CLIFF_HZ / hertz[1]))
    loudest_behind = np.maximum.accumulate(power_db[::-1])[::-1]
    for top in range(max(width, round(CLIFF_FROM_HZ / hertz[1])), len(power_db) - width):
        behind = loudest_behind[top + width]
        is_cliff = np.median(power_db[top - width : top]) - behind > CLIFF_DB
        if is_cliff and power_db.max() - behind > BEHIND_CLIFF_DB:
            # The foot is found first, half a cliff early at most; the edge is where the drop is half done.
            half = (np.median(power_db[top - width : top]) + behind) / 2.0
            return float(hertz[top - width + np.flatnonzero(power_db[top - width : top + width] > half)[-1]])
    return float("inf")


def _read(signal: Signal) -> Iterator[Samples]:
    for span in blocks(signal.frames, BLOCK):
        yield signal.read(span.start, span.stop)
