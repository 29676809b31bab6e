"""Linear prediction against closed forms and against SciPy's filters."""

from __future__ import annotations

import numpy as np
import scipy.signal

from engine.audio.autoregression import fit_predictors, interpolate, prediction_errors

RESONANCE = np.array([1.0, -1.8 * np.cos(0.3), 0.81])  # poles at radius 0.9, angle 0.3


def resonant_noise(samples: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(samples + 500)
    return np.asarray(scipy.signal.lfilter([1.0], RESONANCE, noise))[500:]


def test_the_filter_that_made_the_noise_is_found() -> None:
    frames = resonant_noise(1 << 15)[None] * np.hanning(1 << 15)
    filters, power = fit_predictors(frames, 6)
    # 32768 samples leave a standard error of about 0.005 in each coefficient.
    np.testing.assert_allclose(filters[0], [*RESONANCE, 0, 0, 0, 0], atol=0.03)
    gain = np.mean(resonant_noise(1 << 15) ** 2)  # of the filter, for noise of power 1
    assert abs(power[0] * gain - 1.0) < 0.05


def test_a_silent_frame_predicts_nothing() -> None:
    filters, _ = fit_predictors(np.zeros((2, 256)), 8)
    np.testing.assert_array_equal(filters, np.tile([1.0, *[0.0] * 8], (2, 1)))


def test_errors_are_those_of_the_filter_run_forwards_and_backwards() -> None:
    frame = resonant_noise(512)
    forward, backward = prediction_errors(frame[None], RESONANCE[None])
    np.testing.assert_allclose(forward[0, 2:], scipy.signal.lfilter(RESONANCE, 1.0, frame)[2:], atol=1e-12)
    mirrored = scipy.signal.lfilter(RESONANCE, 1.0, frame[::-1])[::-1]
    np.testing.assert_allclose(backward[0, :-2], mirrored[:-2], atol=1e-12)


def test_a_gap_in_a_chord_is_filled_with_the_chord() -> None:
    time = np.arange(4096)
    chord = sum(np.cos(w * time + w) for w in (0.05, 0.063, 0.3, 0.71))
    filters, _ = fit_predictors((chord * np.hanning(4096))[None], 32)
    filled, _ = interpolate(chord, 2000, 2100, filters[0])
    error = np.sum((filled - chord[2000:2100]) ** 2) / np.sum(chord[2000:2100] ** 2)
    assert 10 * np.log10(error) < -30


def test_the_filling_is_the_least_squares_solution() -> None:
    samples = resonant_noise(300)
    filled, uncertainty = interpolate(samples, 140, 160, RESONANCE)
    # The same by brute force: every error of prediction as a row, the gap's samples as unknowns.
    rows = np.zeros((22, 24))
    for row in range(22):
        rows[row, row : row + 3] = RESONANCE[::-1]
    known = samples[138:162].copy()
    known[2:22] = 0.0
    solution = np.linalg.lstsq(rows[:, 2:22], -rows @ known, rcond=None)[0]
    np.testing.assert_allclose(filled, solution, atol=1e-6)
    exact = np.trace(np.linalg.inv(rows[:, 2:22].T @ rows[:, 2:22]))
    assert abs(uncertainty / exact - 1.0) < 1e-6
