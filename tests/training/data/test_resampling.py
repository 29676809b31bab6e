"""Sound keeps its content at another rate, with soxr and without it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.data import resampling
from training.data.resampling import polyphase, resampled, whole_ratio


def tones(rate: float, seconds: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    time = np.arange(round(rate * seconds)) / rate
    return sum(0.2 * np.sin(2 * np.pi * f * time + f) for f in (55.0, 440.0, 3520.0, 7000.0)).astype(np.float32)


@pytest.mark.parametrize(("given", "wanted"), [(48_000, 44_100), (16_000, 44_100), (44_100, 32_000), (22_050, 44_100)])
def test_tones_are_the_same_tones_at_another_rate_without_soxr(given: int, wanted: int) -> None:
    changed, truth = polyphase(tones(given), given, wanted), tones(wanted)
    assert len(changed) == len(truth)
    inside = slice(wanted // 20, -wanted // 20)  # away from the ends, where the tones begin out of nothing
    error = np.sqrt(np.mean((changed - truth)[inside] ** 2)) / np.sqrt(np.mean(truth[inside] ** 2))
    assert 20 * np.log10(error) < -85.0


@pytest.mark.parametrize("semitones", [-7, -1, 3, 12])
def test_any_pitch_can_be_played_without_soxr(semitones: int) -> None:
    ratio = 2.0 ** (semitones / 12.0)
    changed = polyphase(tones(44_100), 44_100 * ratio, 44_100, "MQ")
    time = np.arange(len(changed)) / 44_100
    truth = sum(0.2 * np.sin(2 * np.pi * f * ratio * time + f) for f in (55.0, 440.0, 3520.0, 7000.0))
    inside = slice(4000, -4000)
    assert np.sqrt(np.mean((changed - truth)[inside] ** 2)) < 1e-3  # a ratio off by 0.002 cents: 0.05 samples after 1 s


def cents_off(ratio: float) -> float:
    up, down = whole_ratio(44_100, 44_100 * ratio)
    return abs(1200 * math.log2(up / down / ratio))


def test_a_speed_is_off_by_what_the_docstring_says_at_most() -> None:
    drawn = np.random.default_rng(0).uniform(0.8, 1.25, 3000)
    off = np.array([cents_off(ratio) for ratio in drawn])
    assert np.mean(off <= 0.002) > 0.99
    for simple in (1.0, 2.0, 0.5, 2 / 3, 1.25):
        assert max(cents_off(simple * (1 + by)) for by in np.linspace(-2e-4, 2e-4, 401)) < 0.04
    assert cents_off(1.0001) < 0.002


def test_a_speed_close_to_one_is_heard_without_soxr() -> None:
    changed = polyphase(tones(44_100 * 1.0001, 4.0), 44_100 * 1.0001, 44_100)
    truth = tones(44_100, len(changed) / 44_100)
    inside = slice(len(changed) // 2, -4000)  # where a ratio taken for 1 is 18 samples late
    assert np.sqrt(np.mean((changed - truth)[inside] ** 2)) < 5e-3


@pytest.mark.parametrize(
    ("given", "wanted", "up", "down"),
    [(48_000, 44_100, 147, 160), (16_000, 44_100, 441, 160), (44_100, 22_050, 1, 2), (192_000, 11_025, 147, 2560)],
)
def test_the_usual_rates_are_met_exactly(given: int, wanted: int, up: int, down: int) -> None:
    assert whole_ratio(given, wanted) == (up, down)


def test_what_the_lower_rate_cannot_hold_is_removed_without_soxr() -> None:
    time = np.arange(48_000) / 48_000
    high = np.sin(2 * np.pi * 20_000 * time).astype(np.float32)
    assert np.abs(polyphase(high, 48_000, 32_000)[1000:-1000]).max() < 1e-4


def test_stereo_and_equal_rates_keep_their_shape() -> None:
    stereo = np.stack([tones(48_000), -tones(48_000)], axis=1)
    changed = polyphase(stereo, 48_000, 44_100)
    np.testing.assert_allclose(changed[:, 0], -changed[:, 1], atol=1e-7)
    np.testing.assert_array_equal(resampled(stereo, 48_000, 48_000), stereo)


def test_soxr_and_its_stand_in_agree(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("soxr")
    given = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    smooth = polyphase(given, 16_000, 12_000)  # what both pass: nothing near Nyquist
    ours = resampled(polyphase(smooth, 12_000, 16_000), 16_000, 44_100)
    resampling.has_soxr.cache_clear()
    monkeypatch.setattr(resampling.importlib.util, "find_spec", lambda name: None)
    without = resampled(polyphase(smooth, 12_000, 16_000), 16_000, 44_100)
    resampling.has_soxr.cache_clear()
    assert "soxr isn't installed" in capsys.readouterr().out
    inside = slice(2000, -2000)
    assert np.sqrt(np.mean((ours - without)[inside] ** 2)) < 1e-3 * np.sqrt(np.mean(ours[inside] ** 2))
