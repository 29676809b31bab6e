"""The steady noise under a recording, estimated from what each frequency falls back to again and again."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Signal
from engine.audio.stft import Spectra, Stft

Floats = NDArray[np.float32]

STFT: Final = Stft()
PIECE_SECONDS: Final = 2.0
PIECES_AT_MOST: Final = 60  # two minutes, spread over the recording
SILENCE: Final = 1e-7  # frames 70 dB under the mean are digital silence or a fade, and no noise floor
SILENT_DB: Final = -200.0


def noise_floor_db(signal: Signal) -> float:
    """Return the level of the steady noise as RMS in dB of full scale, the mean over channels; -200 if there is none.

    The sum over frequencies of what each falls back to, so that noise is measured between the partials of music that
    never pauses. A tone that never ends counts as noise.
    """
    profiles = [quantile_of(means) for means in _frame_means(signal) if len(means)]
    return full_scale_db(float(np.mean([np.exp(p.astype(np.float64)).sum() for p in profiles])) if profiles else 0.0)


def full_scale_db(total: float) -> float:
    """Return the RMS in dB of full scale of a signal whose mean |X|², summed over bins 0 to 1024, is `total`."""
    # Parseval, with both halves of the spectrum and 3/8, the mean square of the window.
    power = 2.0 * total / (0.375 * STFT.fft**2)
    return float(10.0 * np.log10(power)) if power > 1e-20 else SILENT_DB


def quantile_profile(spectra: Spectra, quantile: float = 0.05, frames: int = 5) -> Floats | None:
    """Estimate ln |X|² of the noise per bin as a low quantile over time of means of `frames` neighbouring frames.

    The plainest way without a network, after R. Martin's minimum statistics (2001). What sounds all the time is
    mistaken for noise. Returns None if less than half a second sounds. `quantile=0.1, frames=1` is the baseline of
    the tables in the quality report.
    """
    means = _means_of(spectra.real**2 + spectra.imag**2, frames)
    return quantile_of(means, quantile, frames) if len(means) + frames > 32 else None


def quantile_of(means: Floats, quantile: float = 0.05, frames: int = 5) -> Floats:
    """Return ln |X|² of the noise from means of `frames` neighbouring frames, shape (means, bins) to (bins,)."""
    low = np.quantile(means, quantile, axis=0, method="nearest") / _share_of_mean(quantile, frames)
    return np.asarray(np.log(low + 1e-30), dtype=np.float32)


def _means_of(power: Floats, frames: int) -> Floats:
    """Return running means of the frames that sound, shape (frames that sound - frames + 1, bins) or (0, bins)."""
    power = power[power.mean(axis=1) > SILENCE * power.mean()] if power.any() else power[:0]
    if len(power) < frames:
        return np.zeros((0, power.shape[1]), dtype=np.float32)
    total = np.cumsum(np.pad(power, ((1, 0), (0, 0))), axis=0, dtype=np.float64)
    return ((total[frames:] - total[:-frames]) / frames).astype(np.float32)


def _frame_means(signal: Signal) -> list[Floats]:
    """Return the means of 5 frames from pieces all over the recording, one array per channel."""
    size = min(signal.frames, int(PIECE_SECONDS * signal.rate))
    count = min(PIECES_AT_MOST, -(-signal.frames // max(1, size)))
    starts = np.unique(np.linspace(0, signal.frames - size, count).astype(np.int64))
    found: list[list[Floats]] = [[] for _ in range(signal.channels)]
    for start in starts if size >= STFT.fft else ():
        whole = (size - STFT.fft) // STFT.hop * STFT.hop + STFT.fft
        samples = signal.read(int(start), int(start) + whole)
        for channel, column in enumerate(samples.T):
            spectra = STFT.forward(np.ascontiguousarray(column))
            found[channel].append(_means_of(spectra.real**2 + spectra.imag**2, 5))
    return [np.concatenate(means) if means else np.zeros((0, STFT.bins), dtype=np.float32) for means in found]


@lru_cache
def _share_of_mean(quantile: float, frames: int) -> float:
    """Return where the quantile of such a mean of Gaussian noise lies, relative to its expectation.

    The mean of correlated exponentials is a sum of independent ones with the eigenvalues of the frames' correlation as
    their means; its distribution has a closed form.
    """
    from scipy.linalg import toeplitz
    from scipy.optimize import brentq

    window, hop = STFT.window.astype(np.float64), STFT.hop
    lags = [float(window[lag * hop :] @ window[: len(window) - lag * hop]) for lag in range(min(frames, 4))]
    correlation = np.zeros(frames)
    correlation[: len(lags)] = np.array(lags) / lags[0]
    means = np.linalg.eigvalsh(toeplitz(correlation)) / frames
    shares = [np.prod([m / (m - other) for other in np.delete(means, i)]) for i, m in enumerate(means)]
    return float(brentq(lambda x: 1.0 - quantile - np.dot(shares, np.exp(-x / means)), 1e-9, 50.0))
