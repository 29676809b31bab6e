"""Linear prediction: how a sample follows from its neighbours, and what a gap must have held.

Music is predictable over a few milliseconds; a click is not. The same model that exposes the click fills its place.
Everything works on many short frames at once, in float64.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.fft
import scipy.linalg
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

# White noise added before the fit, relative to the power. It keeps band-limited recordings (nothing above the wall of
# an encoder) from giving a predictor that amplifies rounding: -90 dB is below the noise of 16 bits.
_WHITENING: Final = 1e-9


def fit_predictors(frames: Doubles, order: int) -> tuple[Doubles, Doubles]:
    """Fit one predictor to each frame by the autocorrelation method (Levinson and Durbin; Makhoul 1975).

    Parameters
    ----------
    frames
        Windowed samples, shape (frames, size); the window should end near zero (Hann), because the autocorrelation
        is circular.
    order
        Number of neighbours a sample is predicted from, less than size.

    Returns
    -------
    filters
        Shape (frames, order + 1), the first column 1: the error of prediction is the signal filtered with it. A
        silent frame gives 1, 0, 0, ...
    power
        Mean square of the error of prediction relative to that of the frame, shape (frames,).

    Notes
    -----
    J. Makhoul, "Linear prediction: a tutorial review", Proceedings of the IEEE 63 (4), 1975.
    """
    spectra = scipy.fft.rfft(frames, axis=1)
    correlation = scipy.fft.irfft(spectra.real**2 + spectra.imag**2, n=frames.shape[1], axis=1)[:, : order + 1]
    return _levinson(correlation)


def _levinson(correlation: Doubles) -> tuple[Doubles, Doubles]:
    count, order = correlation.shape[0], correlation.shape[1] - 1
    power = np.maximum(correlation[:, 0], 1e-30)
    normal = correlation / power[:, None]
    normal[:, 0] = 1.0 + _WHITENING
    filters = np.zeros((count, order + 1))
    filters[:, 0] = 1.0
    error = normal[:, 0].copy()
    for step in range(1, order + 1):
        # Latest neighbour first: sum of filter[i] * correlation[step - i].
        reflection = -np.einsum("fi,fi->f", filters[:, :step], normal[:, step:0:-1]) / error
        filters[:, 1 : step + 1] += reflection[:, None] * filters[:, step - 1 :: -1][:, :step]
        error *= np.maximum(1.0 - reflection * reflection, 1e-12)
    return filters, error


def prediction_errors(frames: Doubles, filters: Doubles) -> tuple[Doubles, Doubles]:
    """Return what each sample has that its past (forward) and its future (backward) don't explain.

    Parameters
    ----------
    frames
        Samples, not windowed, shape (frames, size).
    filters
        From `fit_predictors`, shape (frames, order + 1).

    Returns
    -------
    forward, backward
        Shape (frames, size). The first `order` samples of the one and the last `order` of the other are circular and
        mean nothing.
    """
    size = frames.shape[1]
    spectra = scipy.fft.rfft(frames, axis=1)
    response = scipy.fft.rfft(filters, n=size, axis=1)
    forward: Doubles = scipy.fft.irfft(spectra * response, n=size, axis=1)
    backward: Doubles = scipy.fft.irfft(spectra * response.conj(), n=size, axis=1)
    return forward, backward


def interpolate(samples: Doubles, start: int, stop: int, predictor: Doubles) -> tuple[Doubles, float]:
    """Fill a gap so that the error of prediction in and after it is as small as possible (Janssen et al. 1986).

    Parameters
    ----------
    samples
        Samples around the gap, at least `order` on either side of it. What stands in the gap is ignored.
    start, stop
        The gap.
    predictor
        One row of `fit_predictors`, shape (order + 1,).

    Returns
    -------
    filling
        Shape (stop - start,).
    uncertainty
        The expected energy of the filling's error (sum of squares), for an error of prediction of variance 1.

    Notes
    -----
    A. Janssen, R. Veldhuis, L. Vries, "Adaptive interpolation of discrete-time signals that can be modeled as
    autoregressive processes", IEEE Trans. ASSP 34 (2), 1986. The normal equations are Toeplitz: one Levinson solve.
    Their inverse is the covariance of the error; its trace follows from its first column alone (Gohberg, Semencul).
    """
    order, length = len(predictor) - 1, stop - start
    normal = np.correlate(predictor, predictor, mode="full")  # (2 * order + 1,), symmetric
    around = samples[start - order : stop + order].copy()
    around[order : order + length] = 0.0
    column = np.zeros(length)
    reach = min(length, order + 1)
    column[:reach] = normal[order : order + reach]
    column[0] *= 1.0 + 1e-10
    right = np.zeros((length, 2))
    right[:, 0] = -np.convolve(around, normal, mode="valid")
    right[0, 1] = 1.0
    solved = scipy.linalg.solve_toeplitz(column, right)
    first = solved[:, 1]
    uncertainty = float(np.sum((length - 2 * np.arange(length)) * first**2) / first[0])
    return solved[:, 0], max(0.0, uncertainty)
