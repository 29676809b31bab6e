"""Block filters: any span the same bits, no delay, and the response of the taps."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from engine.audio.fir import BLOCK, FilteredSignal, Fir
from engine.audio.signal import ArraySignal, Samples, SilentSignal


def noise(frames: int, channels: int = 1, seed: int = 1) -> Samples:
    return np.random.default_rng(seed).standard_normal((frames, channels)).astype(np.float32)


def test_it_equals_direct_convolution() -> None:
    samples, taps = noise(70_000), np.random.default_rng(2).standard_normal(301) / 17
    filtered = FilteredSignal(ArraySignal(samples, 44_100), Fir(taps, 150)).read(0, 70_000)
    direct = scipy.signal.fftconvolve(samples[:, 0].astype(np.float64), taps)[150 : 150 + 70_000]
    # Single precision: a few parts in ten million of the level.
    assert np.abs(filtered[:, 0] - direct).max() < 5e-6


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (BLOCK - 1, BLOCK + 1), (5, BLOCK + 5), (99_990, 100_000), (7, 7)])
def test_any_span_has_the_bits_of_the_whole(start: int, stop: int) -> None:
    fir = Fir(scipy.signal.firwin(501, 0.2), 250)
    whole = FilteredSignal(ArraySignal(noise(100_000, 2), 44_100), fir).read(0, 100_000)
    part = FilteredSignal(ArraySignal(noise(100_000, 2), 44_100), fir).read(start, stop)
    assert np.array_equal(part, whole[start:stop])


def test_a_linear_phase_filter_leaves_an_impulse_in_its_place() -> None:
    samples = np.zeros((5000, 1), dtype=np.float32)
    samples[2345] = 1.0
    filtered = FilteredSignal(ArraySignal(samples, 44_100), Fir(scipy.signal.firwin(201, 0.5), 100)).read(0, 5000)
    assert int(np.abs(filtered).argmax()) == 2345


def test_silence_stays_silent_to_the_last_bit() -> None:
    fir = Fir(scipy.signal.firwin(201, 0.5), 100)
    assert not FilteredSignal(SilentSignal(44_100, 2, 50_000), fir).read(0, 50_000).any()


def test_an_array_is_filtered_as_a_signal_is_whatever_its_shape() -> None:
    fir, samples = Fir(scipy.signal.firwin(101, 0.3), 50), noise(40_000)
    expected = FilteredSignal(ArraySignal(samples.copy(), 44_100), fir).read(0, 40_000)
    assert np.array_equal(fir.convolve(samples), expected)
    assert np.array_equal(fir.convolve(samples[:, 0]), expected[:, 0])
    assert fir.convolve(samples[:0]).shape == (0, 1)


def test_response_is_that_of_the_taps() -> None:
    taps = scipy.signal.firwin(101, 0.3)
    hertz, expected = scipy.signal.freqz(taps, worN=64, fs=48_000)
    assert np.allclose(np.abs(Fir(taps, 50).response(hertz, 48_000)), np.abs(expected), atol=1e-12)
    # Time zero in the middle: a linear-phase filter's response is real.
    assert np.abs(Fir(taps, 50).response(hertz, 48_000).imag).max() < 1e-12


def test_a_span_outside_is_refused() -> None:
    filtered = FilteredSignal(SilentSignal(44_100, 1, 10), Fir(np.ones(1), 0))
    with pytest.raises(ValueError, match="outside"):
        filtered.read(0, 11)
