"""Noise profiles: from quantiles, from a selection, and put together along a recording."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from engine.audio.signal import ArraySignal
from engine.tools.restore import noise_profile
from engine.tools.restore.noise_profile import NoiseProfile, combined, selected_profile, windows
from engine.tools.restore.planes import WORK_STFT

RATE = 44_100
# Mean |X|² of white noise of variance 1: the sum of the squared window, 3/8 of its length.
WHITE = 0.375 * 2048


def white(seconds: float, level: float = 1.0, channels: int = 1) -> np.ndarray:
    chance = np.random.default_rng(0)
    return (level * chance.standard_normal((round(seconds * RATE), channels))).astype(np.float32)


def test_a_selection_gives_the_mean_power_of_each_plane() -> None:
    samples = np.concatenate([white(2, 0.01, 2), white(2, 1.0, 2)])
    profile = selected_profile(ArraySignal(samples, RATE), "0.1-1.9")
    # Mid and side of two independent channels have half of their power each.
    np.testing.assert_allclose(np.exp(profile).mean(axis=1), 0.5e-4 * WHITE, rtol=0.03)


@pytest.mark.parametrize(("seconds", "count"), [(1, 1), (20, 1), (20.1, 2), (95, 5), (3_600, 30), (10_800, 30)])
def test_windows_of_20_s_lie_over_the_whole_recording(seconds: float, count: int) -> None:
    frames = round(seconds * RATE)
    spans = windows(frames, RATE)
    assert len(spans) == count
    assert (spans[0].start, spans[-1].stop) == (0, frames)
    assert all(span.frames == min(frames, 20 * RATE) for span in spans)
    if count < 30:
        assert all(b.start <= a.stop for a, b in pairwise(spans))


def profiles(*loudness_db: float) -> np.ndarray:
    rows = np.array(loudness_db)[:, None, None] * np.log(10) / 10
    return np.broadcast_to(rows, (len(loudness_db), 1, 1025)).astype(np.float32)


def test_windows_that_agree_make_one_profile_by_their_median() -> None:
    _, together = combined(np.arange(3.0), profiles(-40, -44, -37))
    np.testing.assert_allclose(together[0, 0] * 10 / np.log(10), -40, atol=1e-4)
    assert together.shape == (1, 1, 1025)


def test_noise_that_drifts_keeps_a_profile_per_window() -> None:
    centres, together = combined(np.array([10.0, 30.0, 50.0]), profiles(-40, -35, -31))
    assert together.shape == (3, 1, 1025)
    profile = NoiseProfile(centres, together, np.ones(1, np.float32))
    at = profile.at(0, np.array([0.0, 10.0, 20.0, 30.0, 99.0]))
    np.testing.assert_allclose(10 * np.log10(at[:, 7]), [-40, -40, -37.5, -35, -31], atol=1e-3)


def test_a_clean_or_silent_window_has_no_vote() -> None:
    with_silence = profiles(-40, -41, -70)
    _, together = combined(np.arange(3.0), with_silence)
    np.testing.assert_allclose(together[0, 0] * 10 / np.log(10), -40.5, atol=1e-3)
    unknown = profiles(-40, -50, -45)
    unknown[1] = -np.inf
    _, together = combined(np.arange(3.0), unknown)
    np.testing.assert_allclose(together[0, 0] * 10 / np.log(10), -42.5, atol=1e-3)


def test_a_plane_about_which_nothing_is_known_is_left_alone() -> None:
    nothing = np.full((2, 1, 1025), -np.inf, dtype=np.float32)
    both = np.concatenate([profiles(-40, -41), nothing], axis=1)
    profile = NoiseProfile(*combined(np.arange(2.0), both), np.ones(2, np.float32))
    assert profile.knows(0)
    assert not profile.knows(1)


def test_the_noise_is_reported_in_db_of_full_scale() -> None:
    flat = np.full((1, 1, WORK_STFT.bins), np.log(WHITE * 1e-6), dtype=np.float32)  # white noise of RMS 0.001
    profile = NoiseProfile(np.zeros(1), flat, np.ones(1, np.float32))
    assert profile.noise_db() == pytest.approx(-60, abs=0.05)


def test_recordings_of_hours_are_heard_in_ten_minutes() -> None:
    assert noise_profile.WINDOWS_AT_MOST * noise_profile.WINDOW_SECONDS == 600
