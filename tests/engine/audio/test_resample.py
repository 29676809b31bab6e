"""Another rate changes nothing that can be heard, whoever asks for which part in which order."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soxr

from engine.audio.resample import ResampledSignal
from engine.audio.signal import ArraySignal, Signal, resampled_frames

PAIRS = [(44100, 48000), (48000, 44100), (96000, 44100), (8000, 48000), (192000, 22050), (44100, 44101), (11025, 44100)]


def noise(frames: int, rate: int, channels: int = 2) -> ArraySignal:
    return ArraySignal(np.random.default_rng(7).standard_normal((frames, channels)).astype(np.float32) * 0.1, rate)


def test_half_a_frame_is_rounded_up() -> None:
    assert [resampled_frames(frames, 32_000, 48_000) for frames in (1, 3, 5)] == [2, 5, 8]  # 1.5, 4.5, 7.5


def tone(hz: float, rate: int, seconds: float) -> ArraySignal:
    samples = np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)
    return ArraySignal(samples[:, None].astype(np.float32), rate)


@pytest.mark.parametrize(("given", "wanted"), PAIRS)
@pytest.mark.parametrize("frames", [0, 1, 2, 4801, 100_003])
def test_lengths_are_exact(given: int, wanted: int, frames: int) -> None:
    signal = ResampledSignal(noise(frames, given), wanted)
    assert isinstance(signal, Signal)
    assert signal.frames == math.floor(frames * wanted / given + 0.5) == resampled_frames(frames, given, wanted)
    assert signal.read(0, signal.frames).shape == (signal.frames, 2)


@pytest.mark.parametrize(("given", "wanted"), PAIRS)
def test_any_span_in_any_order_gives_the_same_bits(given: int, wanted: int) -> None:
    source = noise(3 * given // 2, given)
    whole = ResampledSignal(source, wanted).read(0, resampled_frames(source.frames, given, wanted))
    other = ResampledSignal(source, wanted)
    random = np.random.default_rng(1)
    for start in random.integers(0, len(whole), 12).tolist():
        stop = min(len(whole), start + int(random.integers(1, 30_000)))
        assert np.array_equal(other.read(start, stop), whole[start:stop])
    stops = [*range(0, len(whole), 4096), len(whole)]
    pieces = [ResampledSignal(source, wanted).read(a, b) for a, b in zip(stops[-3:], stops[-2:], strict=False)]
    assert np.array_equal(np.concatenate(pieces), whole[stops[-3] :])


@pytest.mark.parametrize(("given", "wanted"), PAIRS)
def test_a_tone_stays_the_same_tone_without_delay(given: int, wanted: int) -> None:
    hz = 0.4 * min(given, wanted)
    got = ResampledSignal(tone(hz, given, 2), wanted)
    expected = np.sin(2 * np.pi * hz * np.arange(got.frames) / wanted)
    middle = slice(wanted // 5, -(wanted // 5))
    heard, expected = got.read(0, got.frames)[middle, 0], expected[middle]
    gain = float(heard @ expected / (expected @ expected))
    assert abs(20 * np.log10(gain)) < 0.01, "soxr's passband is flat to a hundredth of a dB"
    # soxr interpolates its filter where two rates have no small common fraction: -102 dB, else below -120.
    limit_db = -100 if wanted == 44101 else -110
    assert 20 * np.log10(np.abs(heard - gain * expected).max()) < limit_db, "16-bit noise lies at -98 dB"


@pytest.mark.parametrize(("given", "wanted"), [(96000, 44100), (48000, 44100), (192000, 48000)])
def test_what_lies_above_the_new_band_is_gone(given: int, wanted: int) -> None:
    for hz in (0.53 * wanted, 0.7 * wanted, 0.9 * wanted):
        if hz >= given / 2:
            continue
        got = ResampledSignal(tone(hz, given, 1), wanted)
        heard = got.read(wanted // 4, 3 * wanted // 4)
        assert 20 * np.log10(np.abs(heard).max() + 1e-12) < -100


def test_raising_the_rate_adds_no_images() -> None:
    got = ResampledSignal(tone(19_000, 44100, 2), 96000).read(20_000, 20_000 + 65536)[:, 0]
    spectrum = np.abs(np.fft.rfft(got * np.blackman(65536)))
    above = spectrum[int(23_000 / 96000 * 65536) :]
    assert 20 * np.log10(above.max() / spectrum.max()) < -110


@pytest.mark.parametrize(("given", "wanted"), [(44100, 48000), (96000, 44100)])
def test_the_joins_of_blocks_are_inaudible(given: int, wanted: int) -> None:
    source = noise(5 * given, given, 1)
    got = ResampledSignal(source, wanted)
    whole = soxr.resample(source.samples, given, wanted, quality="VHQ")
    count = min(len(whole), got.frames)
    # Where a recording begins, soxr's own first samples aren't those of a recording preceded by silence.
    assert np.array_equal(got.read(1000, count), whole[1000:count]), "soxr in one piece is the truth"


def test_an_impulse_stays_where_it_is() -> None:
    samples = np.zeros((44100, 1), dtype=np.float32)
    samples[22050] = 1.0
    got = ResampledSignal(ArraySignal(samples, 44100), 88200).read(0, 88200)
    assert int(np.abs(got).argmax()) == 44100


def test_the_same_rate_is_the_same_samples() -> None:
    source = noise(1000, 44100)
    assert np.array_equal(ResampledSignal(source, 44100).read(10, 900), source.read(10, 900))
    with pytest.raises(ValueError):
        ResampledSignal(source, 0)
    with pytest.raises(ValueError):
        ResampledSignal(source, 48000).read(0, 5000)


def test_a_block_is_not_computed_again_for_the_next_few_frames() -> None:
    class Counting(ArraySignal):
        reads = 0

        def read(self, start: int, stop: int) -> np.ndarray:
            Counting.reads += 1
            return super().read(start, stop)

    got = ResampledSignal(Counting(noise(200_000, 44100).samples, 44100), 48000)
    for start in range(0, 96_000, 480):
        got.read(start, start + 480)
    assert Counting.reads <= 5
