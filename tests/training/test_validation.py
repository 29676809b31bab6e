"""The yardsticks are what they claim: their own truth is worked out here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.data.recordings_on_disk import tone as sine
from tests.training.data.recordings_on_disk import write, write_manifest
from training import validation
from training.validation import Clip

RATE = 44_100


def tone(seconds: float = 3.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * 440.0 * time)).astype(np.float32)


def test_snr_of_a_tenth_too_much_is_20_db() -> None:
    assert validation.snr_db(tone(), tone() * np.float32(1.1)) == pytest.approx(20.0, abs=1e-3)


def test_mixing_gives_the_ratio_asked_for() -> None:
    clip = Clip("tone", "music", RATE, tone())
    mix = validation.mixed(clip, validation.white_hiss(clip, 1), 10.0)
    assert validation.snr_db(clip.samples, mix) == pytest.approx(10.0, abs=0.05)  # 132,000 samples of noise


def test_a_gain_of_one_gives_back_every_sample_also_at_both_ends() -> None:
    samples = np.random.default_rng(0).standard_normal(50_001).astype(np.float32)
    spectra = validation.padded_frames(samples)
    out = validation.with_gain(samples, np.ones(spectra.shape, dtype=np.float32), spectra)
    np.testing.assert_allclose(out, samples, atol=3e-6)


def test_the_quantile_profile_of_white_noise_is_its_power() -> None:
    noise = np.random.default_rng(3).standard_normal(20 * RATE).astype(np.float32)
    frames = validation.inner(validation.padded_frames(noise), len(noise))
    profile = validation.quantile_profile(frames.real**2 + frames.imag**2)
    # Variance 1 x the window's energy; 1720 frames, 1000 bins.
    assert profile[10:-10].mean() == pytest.approx(0.375 * 2048, rel=0.03)


def test_wiener_with_a_known_profile_gains_on_a_tone_and_the_oracle_gains_more() -> None:
    clip = Clip("tone", "music", RATE, tone())
    noise = validation.white_hiss(clip, 1)
    mix = validation.mixed(clip, noise, 10.0)
    spectra = validation.padded_frames(mix)
    power = spectra.real**2 + spectra.imag**2
    known = np.full(1025, np.var(mix - clip.samples) * 0.375 * 2048, dtype=np.float32)
    wiener = validation.with_gain(mix, validation.wiener_gain(power, known), spectra)
    gain = validation.snr_db(clip.samples, wiener) - 10.0
    best = validation.snr_db(clip.samples, validation.oracle(mix, clip.samples)) - 10.0
    # One tone fills 4 of 1025 bins: an ideal gate gains 24 dB; the a-priori floor of -25 dB lets little through.
    assert 15.0 < gain < best < 30.0


def test_lsd_of_equal_sounds_at_different_levels_is_zero() -> None:
    pytest.importorskip("pyloudnorm")
    noise = 0.1 * np.random.default_rng(1).standard_normal(2 * RATE).astype(np.float32)
    # Both are brought to -25 LUFS first.
    loud, quiet = (validation.log_spectrum(part, RATE) for part in (noise, noise * np.float32(0.25)))
    assert validation.log_spectral_distance(loud, quiet) == pytest.approx(0.0, abs=0.01)


def test_a_missing_recording_is_left_out_by_name_and_moves_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, names = tmp_path / "data", ["music/a", "music/b", *(f"speech_single/{n:02}" for n in range(31))]
    rows = [f"{name}.wav,{name.split('/')[0]},validation,44100,1,0.1,CC0,owner/name,22050," for name in names]
    for name in names:
        write(data / f"{name}.wav", sine(0.1))
    write_manifest(data, *rows)
    monkeypatch.setenv("SHELLAC_DATA", str(data))
    monkeypatch.setenv("SHELLAC_RUNS", str(tmp_path / "runs"))
    rendered = {f"rendered {name}" for name in validation.RENDERED}  # there are no performances in this folder
    every = ["music/a.wav", "music/b.wav", "speech_single/00.wav", "speech_single/15.wav", "speech_single/30.wav"]
    assert [clip.name for clip in validation.denoising_clips()] == every
    assert set(validation.left_out()) == rendered
    (data / "music/a.wav").unlink()
    (data / "speech_single/14.wav").write_bytes(b"no sound")
    assert [clip.name for clip in validation.denoising_clips()] == every[1:]
    assert len(validation.clean_clips()) == len(names) - 2
    assert set(validation.left_out()) == rendered | {"music/a.wav", "speech_single/14.wav"}
    assert "2 of 33 recordings are left out" in capsys.readouterr().err
