"""Band limits and resonances against the formulas they are named after."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from engine.audio.fir import Fir
from engine.tools.age.filters import Peak, band_delay_s, band_limits, causal_band_limits, horn, resonances


def gain_db(fir: Fir, hertz: list[float], rate: int) -> np.ndarray:
    return np.asarray(20 * np.log10(np.abs(fir.response(np.array(hertz), rate)) + 1e-9))


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000, 192_000])
@pytest.mark.parametrize(("low_pass", "high_pass"), [(3500.0, 200.0), (3000.0, 20.0), (2500.0, 250.0), (3600.0, 50.0)])
def test_linear_band_limits_are_a_butterworth_in_magnitude(rate: int, low_pass: float, high_pass: float) -> None:
    hertz = np.geomspace(high_pass / 3, min(low_pass * 3, rate / 2 * 0.95), 60)
    low = np.abs(
        scipy.signal.freqs(*scipy.signal.butter(4, 2 * np.pi * low_pass, "low", analog=True), 2 * np.pi * hertz)[1]
    )
    high = np.abs(
        scipy.signal.freqs(*scipy.signal.butter(4, 2 * np.pi * high_pass, "high", analog=True), 2 * np.pi * hertz)[1]
    )
    expected = 20 * np.log10(low * high)
    # A tenth of a decibel wherever the filter passes more than a hundredth.
    error = np.abs(gain_db(band_limits(rate, low_pass, high_pass), hertz.tolist(), rate) - expected)
    assert error[expected > -40].max() < 0.1


def test_linear_band_limits_have_no_delay() -> None:
    taps = band_limits(44_100, 3500.0, 200.0)
    assert np.allclose(taps.taps, taps.taps[::-1], atol=1e-12)
    assert taps.before == taps.after


def test_an_edge_beyond_nyquist_is_left_out() -> None:
    assert gain_db(band_limits(8000, 3990.0, None), [10, 1000, 3500, 3900], 8000) == pytest.approx([0] * 4, abs=0.05)


def test_causal_band_limits_are_the_digital_butterworth() -> None:
    impulse = np.zeros(20_000)
    impulse[0] = 1
    low = scipy.signal.sosfilt(scipy.signal.butter(4, 3500, "lowpass", fs=16_000, output="sos"), impulse)
    both = scipy.signal.sosfilt(scipy.signal.butter(4, 200, "highpass", fs=16_000, output="sos"), low)
    fir = causal_band_limits(16_000, 3500.0, 200.0)
    assert fir.before == 0
    assert np.abs(fir.taps - both[: len(fir.taps)]).max() < 1e-12
    assert np.abs(both[len(fir.taps) :]).max() < 1e-5


def test_the_delay_of_the_causal_filter_is_where_a_tone_in_the_middle_comes_out() -> None:
    rate, middle = 44_100, np.sqrt(200 * 3500)
    time = np.arange(rate) / rate
    envelope = np.exp(-0.5 * ((time - 0.5) / 0.02) ** 2)
    burst = (envelope * np.cos(2 * np.pi * middle * time)).astype(np.float32)
    out = causal_band_limits(rate, 3500.0, 200.0).convolve(burst)
    centre = np.sum(time * np.abs(scipy.signal.hilbert(out)) ** 2) / np.sum(np.abs(scipy.signal.hilbert(out)) ** 2)
    assert centre - 0.5 == pytest.approx(band_delay_s(rate, 3500.0, 200.0), abs=2e-5)


def test_resonances_have_the_height_and_width_they_are_given() -> None:
    fir = resonances(44_100, (Peak(1000.0, 12.0, 4.0),))
    bandwidth = 1000 / 4
    edges = [1000 * (np.sqrt(1 + 1 / 64) - 1 / 8), 1000 * (np.sqrt(1 + 1 / 64) + 1 / 8)]
    assert edges[1] - edges[0] == pytest.approx(bandwidth)
    # A peaking equaliser (Bristow-Johnson's cookbook) has its width at half its height in decibels.
    assert gain_db(fir, [1000, *edges, 10, 15_000], 44_100) == pytest.approx([12, 6, 6, 0, 0], abs=0.15)


def test_a_horn_at_a_low_rate_keeps_the_peaks_it_can() -> None:
    fir = resonances(8000, horn(2500.0, 9.0, 3.0))
    assert gain_db(fir, [2500.0], 8000)[0] == pytest.approx(9.0, abs=0.6)
