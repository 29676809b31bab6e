"""What the noise-profile network is told about a recording: 36 statistics for each frequency bin.

Host and training share this file, so both sides compute the same numbers. Everything is relative to the level of the
recording and nothing depends on the order in which windows are asked for. Plain numpy, no network.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

STATISTICS: Final = 36
BASE: Final = 0  # index of the statistic from which the network's answer is counted
LOG_POWER_STATISTICS: Final = 25  # the first so many are natural logs of power; the network subtracts BASE from them
WINDOW_SECONDS: Final = 20.0  # length the network was trained for, at most
SILENCE: Final = 1e-7  # frames 70 dB under the mean carry no noise floor that matters (digital silence, fades)
TINY: Final = 1e-12
PARTS: Final = 5  # of the bins, where arrays of all would take 50 MB; none of one bin, which would be summed otherwise

_QUANTILES = (0.02, 0.05, 0.10, 0.20, 0.35, 0.50, 0.65, 0.80, 0.95)


def sounding_frames(power: Floats) -> NDArray[np.bool_]:
    """Return which frames are more than 70 dB above nothing, relative to the mean frame; shape (frames,)."""
    energy = power.mean(axis=1)
    mask: NDArray[np.bool_] = energy > SILENCE * max(float(energy.mean()), 1e-30)
    return mask


def level(power: Floats) -> float:
    """Return the mean power per bin of the sounding frames, 0.0 for silence. `power` has shape (frames, bins)."""
    mask = sounding_frames(power)
    return float(power[mask].mean()) if mask.any() else 0.0


def profile_features(spectra: NDArray[np.complex64], rate: int, hop: int = 512) -> tuple[Floats, float]:
    """Describe up to 20 s of one channel.

    Parameters
    ----------
    spectra
        STFT, 2048/512 Hann, shape (frames, 1025), at least 32 frames that sound.
    rate
        Sample rate in Hz.

    Returns
    -------
    features
        Shape (36, 1025), float32.
    level
        Mean power per bin of the sounding frames; profiles are relative to it.

    Raises
    ------
    ValueError
        If fewer than 32 frames sound.
    """
    power = spectra.real**2 + spectra.imag**2
    mask = sounding_frames(power)
    if int(mask.sum()) < 32:
        raise ValueError(f"a noise profile needs 32 sounding frames (0.4 s), got {int(mask.sum())}")
    if not mask.all():  # else nothing is copied: a window of 20 s is 14 MB of spectra
        power, spectra = power[mask], spectra[mask]
    scale = float(power.mean())
    power = power / np.float32(scale)
    log_power = _log(power)
    *noise_like, share = _noise_like_blocks(power, log_power)
    rows = [
        *_five_frame_quantiles(power),
        *_quantiles(log_power, _QUANTILES),
        *_quantiles(_block_means(power, 4, 3), (0.05, 0.10, 0.20, 0.50), log=True),
        *noise_like,
        *_quietest_frames(power),
        _log(power.mean(axis=0)),  # the last log of a power
        share,
        log_power.mean(axis=0) - _log(power.mean(axis=0)),
        _flatness_over_frequency(power, log_power),
        *_lag_correlations(log_power, (4, 8)),
        *_phase_steadiness(spectra),
        *_position(power, rate, hop, len(mask)),
    ]
    return np.stack(rows).astype(np.float32), scale


def _log(power: Floats) -> Floats:
    logs: Floats = np.log(power + np.float32(TINY), dtype=np.float32)
    return logs


def _quantiles(values: Floats, at: tuple[float, ...], log: bool = False) -> list[Floats]:
    """Quantiles over time by the nearest rank; one row (bins,) each."""
    ordered = np.sort(np.ascontiguousarray(values.T), axis=1)
    rows = [ordered[:, round(q * (ordered.shape[1] - 1))] for q in at]
    return [_log(row) for row in rows] if log else rows


def _running_mean(values: Floats, frames: int) -> Floats:
    """Mean over `frames` neighbours in time; shape (len - frames + 1, bins)."""
    total = np.zeros((len(values) + 1, values.shape[1]), dtype=np.float64)
    np.cumsum(values, axis=0, out=total[1:])
    return ((total[frames:] - total[:-frames]) / frames).astype(np.float32)


def _over_bins(values: Floats, bins: int) -> Floats:
    """Mean over `bins` neighbours in frequency, edges repeated; the shape stays."""
    half = bins // 2
    padded = np.pad(values, ((0, 0), (half, half)), mode="edge")
    return _running_mean(padded.T, bins).T


def _block_means(values: Floats, frames: int, bins: int) -> Floats:
    """Means of blocks of frames x bins that don't overlap in time; shape (len // frames, bins)."""
    count = len(values) // frames
    blocks = values[: count * frames].reshape(count, frames, -1).mean(axis=1)
    return _over_bins(blocks, bins)


def _five_frame_quantiles(power: Floats) -> list[Floats]:
    """Quantiles 0.05 (the base), 0.02 and 0.20 of five-frame means."""
    return _quantiles(_running_mean(power, 5)[::2], (0.05, 0.02, 0.20), log=True)


def _noise_like_blocks(power: Floats, log_power: Floats) -> list[Floats]:
    """Quantiles of 16 x 5 means, and the level and share of the blocks whose flatness is that of noise.

    Log power of noise lies 0.577 (Euler's constant) under the log of its mean; peaks and gaps lie lower.
    """
    means = _block_means(power, 16, 5)
    flatness = _block_means(log_power, 16, 5) - _log(means)
    weight = 1.0 / (1.0 + np.exp(np.minimum(-(flatness + 0.80) * 12.0, 60.0)))
    share = weight.mean(axis=0)
    logs = _log(means)
    typical = (weight * logs).sum(axis=0) / (weight.sum(axis=0) + 1e-3)
    quiet = weight * np.exp(-0.7 * (logs - logs.min(axis=0)))
    quietest = (quiet * logs).sum(axis=0) / (quiet.sum(axis=0) + 1e-6)
    return [*_quantiles(logs, (0.05, 0.10, 0.25, 0.50)), typical, quietest, np.log(share + 1e-3)]


def _quietest_frames(power: Floats) -> list[Floats]:
    """Log mean power of the quietest 5 % and 15 % of the frames."""
    order = np.argsort(_log(power).mean(axis=1), kind="stable")
    counts = [max(8, round(share * len(order))) for share in (0.05, 0.15)]
    return [_log(power[np.sort(order[:count])].mean(axis=0)) for count in counts]


def _flatness_over_frequency(power: Floats, log_power: Floats) -> Floats:
    """Mean over time of local log-mean difference over nine bins, every fourth frame."""
    values: Floats = (_over_bins(log_power[::4], 9) - _log(_over_bins(power[::4], 9))).mean(axis=0)
    return values


def _lag_correlations(log_power: Floats, lags: tuple[int, ...]) -> list[Floats]:
    """Correlation over time of log power with itself `lag` frames later: 0 for noise, near 1 for held tones."""
    centred = log_power - log_power.mean(axis=0)
    variance = (centred**2).mean(axis=0) + np.float32(1e-6)
    return [(centred[lag:] * centred[:-lag]).mean(axis=0) / variance for lag in lags]


def _phase_steadiness(spectra: NDArray[np.complex64]) -> list[Floats]:
    """How steadily the phase advances from one FFT length to the next, plain and weighted by magnitude.

    The second difference of the phase over non-overlapping frames: 1 for a steady sinusoid, 0 for noise.
    """
    plain, weighted = [], []
    for part in np.array_split(spectra, PARTS, axis=1):
        advance = part[4:] * np.conj(part[:-4])
        bend = advance[4:] * np.conj(advance[:-4])
        size = np.abs(bend)
        root = np.sqrt(np.sqrt(size)) + np.float32(1e-30)
        cosine = bend.real / (size + np.float32(1e-30))
        plain.append(cosine.mean(axis=0))
        weighted.append((cosine * root).sum(axis=0) / root.sum(axis=0))
    return [np.concatenate(plain), np.concatenate(weighted)]


def _position(power: Floats, rate: int, hop: int, frames: int) -> list[Floats]:
    """Frequency (linear, log), duration and dynamic range, each a constant or a ramp over the bins."""
    bins = power.shape[1]
    hertz = np.arange(bins, dtype=np.float32) * (rate / 2.0 / (bins - 1))
    energy = np.sort(power.mean(axis=1))
    quiet = float(energy[round(0.05 * (len(energy) - 1))] / energy.mean())
    even = np.ones(bins, dtype=np.float32)
    return [
        hertz / np.float32(10_000.0),
        np.log1p(hertz / np.float32(100.0)),
        even * np.float32(np.log(frames * hop / rate)),
        even * np.float32(np.log(quiet + 1e-9)),
    ]
