"""The measures of an invented band agree with their printed formula, with closed forms, and avoid the known traps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyloudnorm
import pytest
import scipy.signal
import torch

from training.quality import MEASURES, Answer, Material, NotMeasurableError
from training.quality.measures.bandwidth import base_of

RATE = 16_000
CUTOFF_HZ = 4_000.0


def noise(seed: int, seconds: float = 2.0, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def measured(name: str, target: np.ndarray, answer: np.ndarray, found: Any = None, **facts: Any) -> float:
    facts = {"cutoff_hz": CUTOFF_HZ, **facts}
    return MEASURES[name].run(Material(target, target, RATE, facts=facts), Answer(answer, RATE, found or {}))


def above(samples: np.ndarray, low_hz: float, gain: float, high_hz: float = RATE) -> np.ndarray:
    """Times a gain between two frequencies, by one Fourier transform."""
    spectrum, hertz = np.fft.rfft(samples.astype(np.float64)), np.fft.rfftfreq(len(samples), 1.0 / RATE)
    spectrum[(hertz >= low_hz) & (hertz < high_hz)] *= gain
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def log_powers(samples: np.ndarray, gain: float) -> np.ndarray:
    """log10(max(|S|², 1e-8)) by torch in float64: (bins, frames)."""
    wave = torch.from_numpy(samples.astype(np.float64) * gain)
    window = torch.hann_window(2048, dtype=torch.float64)
    spectra = torch.stft(wave, 2048, 512, window=window, pad_mode="constant", return_complex=True)
    return np.asarray(np.log10(np.maximum(spectra.abs().numpy() ** 2, 1e-8)))


def formula(target: np.ndarray, answer: np.ndarray, bins: slice = slice(None), level: float | None = None) -> float:
    loudness = pyloudnorm.Meter(RATE).integrated_loudness(target.astype(np.float64))
    gain = 10.0 ** ((-25.0 - loudness) / 20.0) if level is None else level
    squares = (log_powers(target, gain) - log_powers(answer, gain))[bins] ** 2
    return float(np.sqrt(squares.mean(axis=0)).mean())


def dull(samples: np.ndarray) -> np.ndarray:
    return np.convolve(samples, [0.25, 0.5, 0.25], mode="same").astype(np.float32)


def test_the_distance_is_what_torch_and_pyloudnorm_make_of_the_printed_formula() -> None:
    target, answer = noise(1), dull(noise(1)) + noise(2, level=0.003)
    first = 512  # 4000 Hz / (16000 Hz / 2048)
    for name, bins in (
        ("BWE LSD", slice(None)),
        ("BWE LSD-HF", slice(first, None)),
        ("BWE LSD-LF", slice(0, first)),
    ):
        # The house reads float32 spectra, torch float64 here.
        assert measured(name, target, answer) == pytest.approx(formula(target, answer, bins), rel=1e-4)


def test_what_lies_above_the_targets_own_wall_is_not_compared() -> None:
    target = noise(1)
    wrong_on_top = above(target, 6_500.0, 30.0)
    assert measured("BWE LSD", target, wrong_on_top) > 0.3
    # Bins up to 6000 Hz: 769 of them.
    assert measured("BWE LSD", target, wrong_on_top, valid_hz=6_000.0) < 0.05
    answer = dull(target)
    assert measured("BWE LSD", target, answer, valid_hz=6_000.0) == pytest.approx(
        formula(target, answer, slice(0, 769)), rel=1e-4
    )


def test_two_independent_noises_of_one_level_are_0_79_apart() -> None:
    # log10 of an exponential variable spreads by pi / (sqrt 6 ln 10); the difference of two of them by sqrt 2 as much.
    expected = math.sqrt(2.0) * math.pi / (math.sqrt(6.0) * math.log(10.0))
    assert measured("BWE LSD", noise(1, 6.0), noise(2, 6.0)) == pytest.approx(expected, abs=0.01)


def test_a_quiet_file_scores_like_a_loud_one() -> None:
    # Its formula has a floor of 1e-8: unlevelled, the distance falls with the level, as 2.15 / 0.98 / 0.05 in print.
    target = above(noise(1), CUTOFF_HZ, 3e-3)
    answer = above(target, CUTOFF_HZ, 0.03)
    unlevelled = [formula(target, answer, level=gain) for gain in (1.0, 0.1, 0.01)]
    assert unlevelled[0] > 1.5 * unlevelled[1] > 5.0 * unlevelled[2]
    whole = measured("BWE LSD", target, answer)
    for gain in (0.1, 0.01):
        scaled = [samples * np.float32(gain) for samples in (target, answer)]
        assert measured("BWE LSD", *scaled) == pytest.approx(whole, rel=1e-3)


def test_a_wrong_band_on_top_doesnt_cost_below() -> None:
    target = above(noise(1), CUTOFF_HZ, 0.1)
    loud = above(target, CUTOFF_HZ + 100.0, 10.0)
    assert measured("BWE LSD-LF", target, loud) < 0.02
    assert measured("LSD-LF log10", target, loud) > 0.15  # each levelled by itself: the whole answer is turned down


def test_the_ratio_has_no_floor_and_is_the_same_at_every_level() -> None:
    # With 1e-6 added to the mean square error, 55.7 dB reads 40.1, 20.3 and 0.3 dB at gains of 1, 0.1 and 0.01.
    target = noise(1)
    error = noise(2)
    error -= target * np.float32((error @ target) / (target @ target))
    error *= np.float32(np.sqrt((target @ target) / (error @ error) / 10.0**5.57))
    for gain in (1.0, 0.1, 0.01):
        scaled = target * np.float32(gain), (target + error) * np.float32(gain)
        assert measured("SNR", *scaled) == pytest.approx(55.7, abs=0.01)


@pytest.mark.parametrize("frames", [0.0, 0.25, -0.4, 3.0, -40.5])
def test_a_delay_is_found_to_a_hundredth_of_a_sample(frames: float) -> None:
    target = scipy.signal.sosfilt(scipy.signal.butter(4, 3_000.0, fs=RATE, output="sos"), noise(1)).astype(np.float32)
    target[:200] = target[-200:] = 0.0
    spectrum, hertz = np.fft.rfft(target.astype(np.float64)), np.fft.rfftfreq(len(target), 1.0 / RATE)
    late = np.fft.irfft(spectrum * np.exp(-2j * np.pi * hertz / RATE * frames), len(target)).astype(np.float32)
    assert measured("delay", target, late) == pytest.approx(frames, abs=0.01)
    # Whatever is generated above the cutoff, it is the band below that tells.
    with_band = late + above(noise(3), 0.0, 0.0, CUTOFF_HZ)
    assert measured("delay", target, with_band) == pytest.approx(frames, abs=0.01)


def test_half_a_sample_of_delay_ruins_the_ratio_and_not_the_distance() -> None:
    target = noise(1)
    spectrum, hertz = np.fft.rfft(target.astype(np.float64)), np.fft.rfftfreq(len(target), 1.0 / RATE)
    late = np.fft.irfft(spectrum * np.exp(-1j * np.pi * hertz / RATE), len(target)).astype(np.float32)
    assert measured("SNR", target, late) < 5.0
    assert measured("BWE LSD", target, late) < 0.05
    assert measured("delay", target, late) == pytest.approx(0.5, abs=0.01)


def test_levels_around_and_above_the_cutoff_are_decibels() -> None:
    target = noise(1)
    louder = above(target, CUTOFF_HZ + 300.0, 2.0)
    dip = above(target, CUTOFF_HZ - 300.0, 0.5, CUTOFF_HZ + 300.0)
    for kind in ("", " by frame"):
        assert measured(f"level bias{kind}", target, louder) == pytest.approx(20 * math.log10(2), abs=0.1)
        assert measured(f"seam{kind}", target, louder) == pytest.approx(0.0, abs=0.3)  # a bin or two leak over
        assert measured(f"seam{kind}", target, dip) == pytest.approx(-20 * math.log10(2), abs=0.3)
        assert measured(f"level bias{kind}", target, dip) == pytest.approx(0.0, abs=0.1)


def test_a_level_by_frame_is_a_mean_of_decibels_and_a_level_one_of_energy() -> None:
    # Two stretches of 100 and 1 parts of energy; the answer has a quarter of the first and four times the second.
    target = noise(1, 8.0)
    half = len(target) // 2
    target[half:] *= np.float32(0.1)
    louder, softer = above(target, 3_000.0, 2.0), above(target, 3_000.0, 0.5)
    answer = np.concatenate([softer[:half], louder[half:]])
    for name in ("seam", "level bias"):
        assert measured(name, target, answer) == pytest.approx(10 * math.log10((100 / 4 + 4) / 101), abs=0.2)
        assert measured(f"{name} by frame", target, answer) == pytest.approx(0.0, abs=0.2)


@pytest.mark.parametrize("name", ["seam", "level bias"])
def test_noise_of_the_right_energy_has_no_bias_however_it_is_spread_over_time(name: str) -> None:
    # The truth comes in bursts of a tenth of the time; the answer has the same energy all the time.
    bursts = (np.arange(8 * RATE) % 3_200 < 320).astype(np.float32)
    target = noise(1, 8.0) * (0.1 + 3.0 * bursts)
    spread = noise(2, 8.0) * np.float32(np.sqrt(np.mean(target.astype(np.float64) ** 2)) / 0.1)
    assert measured(name, target, spread) == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize("name", ["seam", "level bias", "seam by frame", "level bias by frame"])
def test_pauses_dont_water_down_a_level(name: str) -> None:
    target = noise(1, 4.0)
    target[len(target) // 2 :] *= np.float32(1e-5)  # 100 dB down
    answer = target.copy()
    answer[: len(target) // 2] = above(target, 3_000.0, 0.25)[: len(target) // 2]
    assert measured(name, target, answer) == pytest.approx(-20 * math.log10(4), abs=0.2)


@pytest.mark.parametrize("name", ["seam", "level bias", "seam by frame", "level bias by frame"])
def test_what_lies_under_the_floor_on_both_sides_has_no_bias(name: str) -> None:
    target = above(noise(1), 3_000.0, 1e-6)
    assert measured(name, target, above(target, 3_000.0, 1e-3)) == pytest.approx(0.0, abs=0.1)


def test_no_level_is_compared_above_the_targets_wall() -> None:
    target = noise(1)
    for name in ("seam", "level bias", "seam by frame", "level bias by frame", "BWE LSD-HF"):
        with pytest.raises(NotMeasurableError):
            measured(name, target, target, valid_hz=3_900.0)


def test_the_kept_band_is_a_null_against_what_was_given() -> None:
    given = noise(1)
    time_s = np.arange(len(given)) / RATE
    tone = (1e-3 * np.sin(2 * np.pi * 1000.0 * time_s)).astype(np.float32)
    # Below 4000 - 500 - 200 Hz: 3300 of 8000 Hz of the noise's power of 0.01.
    expected = 10 * math.log10(0.5e-6 / (0.01 * 3300.0 / 8000.0))
    assert measured("kept band", given, given + tone) == pytest.approx(expected, abs=0.2)
    loud_above = above(noise(4, level=1.0), 0.0, 0.0, CUTOFF_HZ - 500.0)
    assert measured("kept band", given, given + loud_above) < -110.0
    assert measured("kept band", given, given) == -200.0
    # A contender that found its cutoff further down promises less.
    assert measured("kept band", given, given + above(tone, 0.0, 1.0), found={"cutoff_hz": 1200.0}) < -90.0


def test_the_kept_band_is_compared_at_the_rate_of_the_target() -> None:
    low = noise(5)
    material = Material(low, np.zeros(2 * len(low), dtype=np.float32), 2 * RATE, RATE, {"cutoff_hz": 7_600.0})
    base = base_of(material)
    assert base.shape == material.target.shape
    assert MEASURES["kept band"].run(material, Answer(base, 2 * RATE)) == -200.0
    halved = MEASURES["kept band"].run(material, Answer(base * np.float32(0.9), 2 * RATE))
    assert halved == pytest.approx(-20.0, abs=0.01)


def test_what_cant_be_measured_is_said() -> None:
    target, silent = noise(1), np.zeros(RATE, dtype=np.float32)
    bare = Material(target, target, RATE)
    for name in ("BWE LSD-HF", "seam", "level bias", "kept band", "delay", "cutoff error"):
        with pytest.raises(NotMeasurableError, match="cutoff"):
            MEASURES[name].run(bare, Answer(target, RATE))
    for name, reason in (("BWE LSD", "no loudness"), ("delay", "silence"), ("kept band", "nothing below")):
        with pytest.raises(NotMeasurableError, match=reason):
            measured(name, silent, silent)
    with pytest.raises(NotMeasurableError, match="too short"):
        measured("kept band", target[:2000], target[:2000])
    assert measured("cutoff error", target, target, found={"cutoff_hz": 3_800.0}) == pytest.approx(-5.0)
