"""Every measure agrees with arithmetic, with its published form, or with another library."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyloudnorm
import pytest
import torch

from engine.audio.loudness import integrated_lufs
from engine.audio.signal import ArraySignal
from engine.measure import lsd as product_lsd
from training.quality import MEASURES, Answer, Material, NotMeasurableError, SpeedCurve, named
from training.quality.measures.speed import cents_of_tone, residual_cents_rms

RATE = 44_100


def noise(seed: int, seconds: float = 2.0, level: float = 0.1, channels: int = 0) -> np.ndarray:
    shape = (round(seconds * RATE), channels) if channels else round(seconds * RATE)
    return (level * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def measured(name: str, target: np.ndarray, answer: np.ndarray, rate: int = RATE, **facts: Any) -> float:
    found = facts.pop("found", {})
    return MEASURES[name].run(Material(target, target, rate, facts=facts), Answer(answer, rate, found))


def test_an_unknown_measure_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no measure 'PEAQ': choose from SNR"):
        named("SNR", "PEAQ")


def test_every_measure_states_its_definition_and_unit() -> None:
    for measure in MEASURES.values():
        assert len(measure.definition) > 30, measure.name
        assert measure.better in measure.heading or measure.better == "zero"
    # The two families of LSD can't be taken for one another.
    assert {"LSD log10", "K-LSD natural log"} < set(MEASURES)


def test_a_tenth_too_loud_is_20_db_and_no_distortion() -> None:
    assert measured("SNR", noise(1), noise(1) * np.float32(1.1)) == pytest.approx(20.0, abs=1e-3)
    assert measured("SI-SDR", noise(1), noise(1) * np.float32(1.1)) > 100.0  # float32 rounding of the product


def test_si_sdr_agrees_with_the_loss_of_another_library() -> None:
    auraloss = pytest.importorskip("auraloss")
    target, answer = noise(1), noise(1) + noise(2, level=0.03)
    peer = auraloss.time.SISDRLoss(zero_mean=False)(torch.tensor(answer)[None, None], torch.tensor(target)[None, None])
    assert measured("SI-SDR", target, answer) == pytest.approx(-float(peer), abs=1e-3)


@pytest.mark.parametrize("channels", [0, 2])
def test_the_gain_is_what_the_ratio_rose_by(channels: int) -> None:
    target, hiss = noise(1, channels=channels), noise(2, level=0.01, channels=channels)
    material = Material(target + hiss, target, RATE)
    answer = Answer(target + hiss * np.float32(0.5), RATE)
    assert MEASURES["SNR gain"].run(material, answer) == pytest.approx(20 * math.log10(2), abs=1e-3)


def magnitudes(samples: np.ndarray, size: int = 2048) -> np.ndarray:
    """Those of torch, in float64: (bins, frames)."""
    window = torch.hann_window(size, dtype=torch.float64)
    wave = torch.from_numpy(np.asarray(samples, dtype=np.float64))
    spectra = torch.stft(wave, size, size // 4, window=window, pad_mode="constant", return_complex=True)
    return spectra.abs().numpy()


def published_lsd(target: np.ndarray, answer: np.ndarray, bins: slice = slice(None)) -> float:
    logs = []
    for samples in (target, answer):
        loudness = pyloudnorm.Meter(RATE).integrated_loudness(samples.astype(np.float64))
        levelled = samples.astype(np.float64) * 10.0 ** ((-25.0 - loudness) / 20.0)
        power = magnitudes(levelled) ** 2
        logs.append(np.log10(np.maximum(power, 1e-8))[bins])
    return float(np.sqrt(np.mean((logs[0] - logs[1]) ** 2, axis=0)).mean())


def dull(samples: np.ndarray) -> np.ndarray:
    return np.convolve(samples, [0.25, 0.5, 0.25], mode="same").astype(np.float32)


def test_lsd_is_what_torch_and_pyloudnorm_make_of_the_formula() -> None:
    target, answer = noise(1), dull(noise(1)) + noise(2, level=0.001)
    # The house reads float32 spectra, torch float64 here.
    assert measured("LSD log10", target, answer) == pytest.approx(published_lsd(target, answer), rel=1e-4)
    assert measured("LSD", target, answer) == pytest.approx(10.0 * measured("LSD log10", target, answer))
    assert measured("LSD", target, answer) == pytest.approx(product_lsd(target, answer, RATE), rel=1e-3)


def test_lsd_above_and_below_the_cutoff_are_those_of_the_bins_there() -> None:
    target, answer = noise(1), dull(noise(1))
    first = 372  # the lowest bin not under 8 kHz: 372 * 44100 / 2048 = 8010 Hz
    for name, bins in (("LSD-HF log10", slice(first, None)), ("LSD-LF log10", slice(0, first))):
        value = measured(name, target, answer, cutoff_hz=8000.0)
        assert value == pytest.approx(published_lsd(target, answer, bins), rel=1e-4)
    with pytest.raises(NotMeasurableError, match="no cutoff"):
        measured("LSD-HF log10", target, answer)


def test_k_lsd_is_the_published_natural_logarithm() -> None:
    target, answer = noise(1, level=1e-4), noise(2, level=2e-5)

    def log_power(samples: np.ndarray) -> np.ndarray:
        return np.log(magnitudes(samples) ** 2 + 1e-8)

    squares = (log_power(target) - log_power(answer)) ** 2
    expected = np.sqrt(squares.mean(axis=1) + 1e-8).mean()
    assert measured("K-LSD natural log", target, answer) == pytest.approx(expected, rel=1e-6)


def test_mr_stft_is_its_printed_definition() -> None:
    rate, target, answer = 22_050, noise(1), dull(noise(1)) * np.float32(0.7)
    distances = []
    for size in (2048, 1024, 512, 256, 128):
        y, x = (magnitudes(samples, size) * 4.0 / size for samples in (target, answer))
        convergence = np.linalg.norm(y - x) / np.linalg.norm(y)
        distances.append(convergence + np.abs(np.log(np.maximum(y, 3e-4)) - np.log(np.maximum(x, 3e-4))).mean())
    assert measured("MR-STFT", target, answer, rate) == pytest.approx(np.mean(distances), rel=1e-6)


def test_a_full_scale_sine_reads_1_in_mr_stft() -> None:
    # Then the floor of 3e-4 is -70 dB: a sine 20 dB below it doesn't count, one 20 dB above does.
    time_s = np.arange(2 * 22_050) / 22_050
    silent = np.zeros(len(time_s), dtype=np.float32)
    for level, counts in ((3e-5, False), (3e-3, True)):
        tone = (level * np.sin(2 * np.pi * 2756.25 * time_s)).astype(np.float32)  # a bin centre of all five sizes
        assert (measured("MR-STFT", tone, silent, 22_050) > 1.0001) is counts  # convergence alone is 1


def test_loudness_and_peak_deviations_are_decibels_of_gain() -> None:
    target = noise(1)
    answer = target * np.float32(0.5)
    assert measured("loudness deviation", target, answer) == pytest.approx(-6.0206, abs=1e-3)
    assert measured("true peak deviation", target, answer) == pytest.approx(-6.0206, abs=1e-3)
    own = [integrated_lufs(ArraySignal(s[:, None].copy(), RATE)) for s in (target, dull(target))]
    assert measured("loudness deviation", target, dull(target)) == pytest.approx(own[1] - own[0], abs=0.05)


def test_the_true_peak_lies_between_the_samples() -> None:
    # A quarter of the rate at 45 degrees: every sample is 3.01 dB below the peak of the wave.
    between = np.sin(np.pi / 2 * np.arange(RATE) + np.pi / 4).astype(np.float32) * np.float32(0.5)
    on_top = np.sin(np.pi / 2 * np.arange(RATE)).astype(np.float32) * np.float32(0.5)
    fade = np.minimum(1.0, np.minimum(np.arange(RATE), np.arange(RATE)[::-1]) / 2000).astype(np.float32)
    # BS.1770 allows 0.688 dB of error at 4 times; the house oversamples better than that.
    assert measured("true peak deviation", on_top * fade, between * fade) == pytest.approx(0.0, abs=0.1)


def test_silence_and_short_clips_are_left_out_with_a_reason() -> None:
    silent, short = np.zeros(RATE, dtype=np.float32), noise(1, seconds=0.1)
    for name, target, answer, reason in (
        ("SNR", silent, noise(1, 1.0), "the target is silent"),
        ("SI-SDR", silent, noise(1, 1.0), "the target is silent"),
        ("MR-STFT", silent, noise(1, 1.0), "the target is silent"),
        ("loudness deviation", noise(1, 1.0), silent, "silence has no loudness"),
        ("true peak deviation", noise(1, 1.0), silent, "silence has no peak"),
        ("LSD", short, short, "under 0.4 s"),
        ("ViSQOL audio", short, short, "under 1 s"),
        ("ViSQOL speech", noise(1, 1.5), np.zeros(round(1.5 * RATE), dtype=np.float32), "silence"),
    ):
        with pytest.raises(NotMeasurableError, match=reason):
            measured(name, target, answer)


def test_clicks_are_found_within_a_millisecond() -> None:
    target = noise(1)
    truth = np.array([[1000, 1010], [5000, 5020], [9000, 9005], [20_000, 20_030]])
    found = np.array([[1050, 1060], [5060, 5070], [9002, 9003], [40_000, 40_010]])  # 40 beside, 40 beside, inside, none
    facts = {"clicks": truth, "found": {"clicks": found}}
    assert measured("click recall", target, target, **facts) == 75.0
    assert measured("click precision", target, target, **facts) == 75.0
    late = {"clicks": truth[:1], "found": {"clicks": found[:1] + 5}}  # 45 samples: more than 1 ms
    assert measured("click recall", target, target, **late) == 0.0


def test_a_long_find_behind_short_ones_still_counts() -> None:
    found = np.array([[100, 9000], [200, 210]])  # the later start ends earlier
    facts = {"clicks": np.array([[8000, 8010]]), "found": {"clicks": found}}
    assert measured("click recall", noise(1), noise(1), **facts) == 100.0
    assert measured("click precision", noise(1), noise(1), **facts) == 50.0


def test_without_a_list_there_is_no_recall_and_without_finds_no_precision() -> None:
    none = np.zeros((0, 2), dtype=np.int64)
    some = np.array([[5, 9]])
    with pytest.raises(NotMeasurableError, match="contender lists no clicks"):
        measured("click recall", noise(1), noise(1), clicks=some)
    assert measured("click recall", noise(1), noise(1), clicks=some, found={"clicks": none}) == 0.0
    with pytest.raises(NotMeasurableError, match="no click was found"):
        measured("click precision", noise(1), noise(1), clicks=some, found={"clicks": none})


def test_clicked_snr_sees_only_what_was_clicked() -> None:
    target = np.ones(1000, dtype=np.float32)
    answer = target.copy()
    answer[100:110] = 1.1
    answer[500:600] = 9.0  # beside the clicks: not its business
    assert measured("clicked SNR", target, answer, clicks=np.array([[100, 110]])) == pytest.approx(20.0, abs=1e-3)


def test_wow_left_is_the_rms_of_the_difference_and_ignores_constant_speed() -> None:
    moments = np.linspace(0.0, 10.0, 5001)
    truth = SpeedCurve(moments, 5.0 * np.sin(2 * np.pi * 1.3 * moments))
    flat = SpeedCurve((0.0, 10.0), (3.0, 3.0))
    assert residual_cents_rms(truth, flat) == pytest.approx(5.0 / math.sqrt(2), rel=1e-3)  # 13 whole turns
    assert residual_cents_rms(truth, SpeedCurve(moments, truth.cents + 40.0)) == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(ValueError, match=r"share 0\.000 s"):
        residual_cents_rms(truth, SpeedCurve((20.0, 30.0), (0.0, 0.0)))
    with pytest.raises(ValueError, match="must rise"):
        SpeedCurve((0.0, 0.0), (1.0, 1.0))


def test_the_pitch_of_a_tone_is_followed_to_a_hundredth_of_a_cent() -> None:
    # Phase of a tone whose frequency swings by 0.3 %: worked out by integration.
    time_s = np.arange(6 * RATE) / RATE
    depth, hertz = 0.003, 1.3
    phase = 2 * np.pi * 1000.0 * (time_s - depth / (2 * np.pi * hertz) * (np.cos(2 * np.pi * hertz * time_s) - 1.0))
    curve = cents_of_tone(np.sin(phase).astype(np.float32), RATE, 1000.0)
    true = 1200.0 * np.log2(1.0 + depth * np.sin(2 * np.pi * hertz * curve.seconds))
    assert np.abs(curve.cents - true).max() < 0.02  # a mean over 10 ms flattens 5.2 cents by 0.0015


def test_visqol_hears_more_noise_as_worse_and_doesnt_hear_level() -> None:
    pytest.importorskip("visqol")
    time_s = np.arange(2 * 48_000) / 48_000
    tone = sum(np.sin(2 * np.pi * f * time_s) / n for n, f in enumerate((220.0, 440.0, 660.0, 1320.0, 5280.0), 1))
    target = (0.1 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 3.0 * time_s))).astype(np.float32)
    hiss = np.random.default_rng(1).standard_normal(len(target)).astype(np.float32)
    for name, best in (("ViSQOL audio", 4.73), ("ViSQOL speech", 5.0)):  # its documentation: "maximum range ~4.75"
        scores = [measured(name, target, target + np.float32(level) * hiss, 48_000) for level in (0.0, 0.001, 0.03)]
        assert scores[0] == pytest.approx(best, abs=0.02)
        assert scores[0] >= scores[1] > scores[2] >= 1.0
        assert measured(name, target, target * np.float32(0.25), 48_000) == pytest.approx(scores[0], abs=0.02)
