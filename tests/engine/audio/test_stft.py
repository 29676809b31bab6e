"""The host's STFT: equal to torch's, invertible, and the same however it is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from engine.audio.stft import Stft, torch_compatible_frames

STFT = Stft()


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(samples).astype(np.float32)


def test_frames_equal_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    samples = noise(44_100)
    window = torch.hann_window(2048)
    expected = torch.stft(
        torch.from_numpy(samples), 2048, 512, window=window, center=True, pad_mode="constant", return_complex=True
    ).numpy().T  # fmt: skip
    frames = torch_compatible_frames(samples, STFT)
    assert frames.shape == expected.shape
    # float32 sums of 2048 terms of magnitude 1: 1e-3 would be a wrong window, 1e-4 is rounding.
    assert np.abs(frames - expected).max() < 1e-4


def test_a_sine_on_a_bin_has_the_height_of_half_the_window() -> None:
    time = np.arange(STFT.fft)
    frame = STFT.forward(np.cos(2 * np.pi * 100 * time / STFT.fft).astype(np.float32))[0]
    assert abs(frame[100]) == pytest.approx(STFT.fft / 4, rel=1e-5)  # mean of a Hann window 1/2, half of it per side
    assert abs(frame[200]) < 1e-2


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0, 5000), (12_345, 23_456), (1023, 1025), (511, 512)])
def test_any_span_comes_back_as_it_was(start: int, stop: int) -> None:
    samples = noise(30_000)
    first, end = STFT.frame_range(start, stop)
    begin, finish = STFT.sample_range(first, end)
    padded = np.zeros(finish - begin, dtype=np.float32)
    inside = slice(max(begin, 0), min(finish, len(samples)))
    padded[inside.start - begin : inside.stop - begin] = samples[inside]
    back = STFT.inverse(STFT.forward(padded))[start - begin : stop - begin]
    np.testing.assert_allclose(back, samples[start:stop], atol=2e-6)


def test_spans_give_the_same_bits_as_the_whole() -> None:
    samples = noise(60_000)
    whole = STFT.inverse(torch_compatible_frames(samples, STFT) * np.float32(0.7))[1024:]
    first, end = STFT.frame_range(20_000, 33_333)
    begin, finish = STFT.sample_range(first, end)
    part = STFT.inverse(STFT.forward(samples[begin:finish]) * np.float32(0.7))[20_000 - begin : 33_333 - begin]
    np.testing.assert_array_equal(part, whole[20_000:33_333])


def test_frame_range_is_tight() -> None:
    first, end = STFT.frame_range(10_000, 10_001)
    assert end - first == 4  # every sample lies in four frames
    begin, finish = STFT.sample_range(first, end)
    assert begin <= 10_000 < finish


def test_lengths_and_settings_that_fit_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="3000"):
        STFT.forward(np.zeros(3000, dtype=np.float32))
    with pytest.raises(ValueError, match="quarter"):
        Stft(2048, 500)
