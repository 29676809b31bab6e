"""Hum, hiss and rumble: levels, frequencies and colours as the knobs say."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from engine.tools.age.draws import Draws
from engine.tools.age.hum import GRID, Hum
from engine.tools.age.noise import hiss, hiss_signal, rumble, rumble_signal

RATE = 44_100


def generator(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def slope_db_per_octave(samples: np.ndarray, low: float, high: float) -> float:
    hertz, power = scipy.signal.welch(samples, RATE, nperseg=4096)
    chosen = (hertz > low) & (hertz < high)
    return float(np.polyfit(np.log2(hertz[chosen]), 10 * np.log10(power[chosen]), 1)[0])


@pytest.mark.parametrize("colour", [-6.0, -3.0, 0.0, 3.0])
def test_hiss_has_the_level_and_the_colour_asked_for(colour: float) -> None:
    noise = hiss(20 * RATE, 1, RATE, 0.005, colour, generator())[:, 0]
    # Red noise is nearly all bass, and a few bass waves scatter more.
    assert noise[RATE:-RATE].std() == pytest.approx(0.005, rel=0.04 if colour < -3 else 0.01)
    assert slope_db_per_octave(noise, 200, 8000) == pytest.approx(colour, abs=0.15)


@pytest.mark.parametrize("colour", [0.0, -3.0])
def test_every_channel_hisses_on_its_own_and_from_end_to_end(colour: float) -> None:
    samples = hiss_signal(RATE, 4, 6 * RATE, Draws(1), colour).read(0, 6 * RATE)
    assert np.abs(np.corrcoef(samples.T) - np.eye(4)).max() < 0.03
    assert samples.std(axis=0) == pytest.approx(np.ones(4), rel=0.03)
    edges = np.concatenate([samples[:2000], samples[-2000:]])
    assert edges.std() == pytest.approx(1.0, rel=0.15)


def test_hiss_never_repeats() -> None:
    samples = hiss_signal(8000, 1, 60 * 8000, Draws(1), 0.0).read(0, 60 * 8000)[:, 0]
    spectrum = np.abs(np.fft.rfft(samples, 2 * len(samples))) ** 2
    echo = np.fft.irfft(spectrum)[1 : len(samples) * 3 // 4]
    # The largest of some hundred thousand correlations with a standard deviation of at most sqrt(frames).
    assert np.abs(echo).max() < 6 * np.sqrt(len(samples))


def test_a_channel_hisses_alike_whatever_stands_beside_it() -> None:
    mono, stereo = (hiss_signal(RATE, channels, 50_000, Draws(1), -3.0).read(0, 50_000) for channels in (1, 2))
    assert np.allclose(mono[:, 0], stereo[:, 0], atol=1e-6)


def test_rumble_lies_between_10_and_40_hz() -> None:
    samples = rumble_signal(8000, 120 * 8000, Draws(2)).read(0, 120 * 8000)[:, 0]
    hertz, power = scipy.signal.welch(samples, 8000, nperseg=16_384)
    inside = power[(hertz > 7) & (hertz < 60)].sum()
    assert inside / power.sum() > 0.98
    assert samples.std() == pytest.approx(1.0, rel=0.05)
    assert rumble(8000 * 60, 2, 8000, 0.01, generator()).std() == pytest.approx(0.01, rel=0.1)


def test_hum_has_its_level_and_only_harmonics() -> None:
    hum = Hum.drawn(generator(), 50.0, -40.0, 6)
    wave = hum.wave(8000, 0, 40 * 8000)[:, 0].astype(np.float64)
    assert 20 * np.log10(wave.std()) == pytest.approx(-40, abs=0.05)
    hertz, power = scipy.signal.welch(wave, 8000, nperseg=16_384, window="blackmanharris", detrend=False)
    near = np.abs(hertz[:, None] - 50.0 * np.arange(1, 7)).min(axis=1) < 4
    assert power[near].sum() / power.sum() > 1 - 1e-6


def test_the_fundamental_stays_within_the_wander_of_mains() -> None:
    hum = Hum.drawn(generator(), 60.0, -20.0, 1)
    wave = hum.wave(1000, 0, 100_000)[:, 0].astype(np.float64)
    hertz = np.diff(np.unwrap(np.angle(scipy.signal.hilbert(wave)))) * 1000 / (2 * np.pi)
    expected = np.array([hum.frequency_at(float(second)) for second in range(5, 95)])
    assert np.abs(expected - 60).max() <= 0.05
    assert hertz.reshape(-1)[5000:95_000:1000] == pytest.approx(expected, abs=0.01)


def test_harmonics_beyond_nyquist_are_left_out() -> None:
    few, many = (Hum((440.0), (0.1,) * n, (0.0,) * n, 0.0, 30.0).wave(8000, 0, 8000) for n in (9, 20))
    assert np.array_equal(few, many)


def test_any_span_of_hum_has_the_bits_of_the_whole() -> None:
    hum = Hum.drawn(generator(), 50.0, -30.0, 10)
    whole = hum.wave(RATE, 0, 100_000)
    for start, stop in ((0, 1), (GRID - 1, GRID + 1), (77_777, 99_999), (5, 5)):
        assert np.array_equal(hum.wave(RATE, start, stop), whole[start:stop])
