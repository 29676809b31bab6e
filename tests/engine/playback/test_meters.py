"""The meters show what is heard."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.audio.signal import ArraySignal
from engine.playback.match import LevelMatch
from engine.playback.output import OfflineOut
from engine.playback.player import Player
from engine.playback.tap import Tap

RATE = 48_000


def playing(samples: np.ndarray) -> tuple[OfflineOut, Player]:
    out = OfflineOut()
    player = Player(lambda: out)
    signal = ArraySignal(samples.astype(np.float32), RATE)
    player.set_pair(signal, signal)
    player.play()
    return out, player


def sine(level: float, channels: int = 2) -> np.ndarray:
    return np.repeat(level * np.sin(2 * np.pi * 997 * np.arange(6 * RATE) / RATE)[:, None], channels, axis=1)


def test_a_sine_reads_what_the_standard_says() -> None:
    # BS.1770-5, annex 1: a 997-Hz sine of 0 dBFS in one channel reads -3.01 LKFS; two channels 3.01 more.
    out, player = playing(sine(0.1))
    for _ in range(100):
        out.pump(2400)
        reading = player.meters()
    assert reading.momentary_lufs == pytest.approx(-20.0, abs=0.05)
    assert reading.short_term_lufs == pytest.approx(-20.0, abs=0.05)
    assert reading.integrated_lufs == pytest.approx(-20.0, abs=0.1)
    assert reading.peak_dbfs == pytest.approx((-20.0, -20.0), abs=0.01)
    assert reading.true_peak_dbtp == pytest.approx((-20.0, -20.0), abs=0.1)
    assert reading.rms_dbfs == pytest.approx((-23.01, -23.01), abs=0.01)
    assert reading.correlation == pytest.approx(1.0)
    assert reading.overs == 0


def test_a_mono_recording_isnt_louder_for_being_played_twice() -> None:
    out, player = playing(sine(0.1, channels=1))
    for _ in range(20):
        out.pump(2400)
        reading = player.meters()
    assert reading.momentary_lufs == pytest.approx(-23.01, abs=0.05)
    assert len(reading.peak_dbfs) == 1


def test_the_level_match_shows() -> None:
    out, player = playing(sine(0.1))
    player.set_match(LevelMatch(gain_b_db=-6.0))
    out.pump(2400)
    player.meters()
    for _ in range(20):
        out.pump(2400)
        reading = player.meters()
    assert reading.momentary_lufs == pytest.approx(-26.0, abs=0.05)


def test_reversed_polarity_correlates_minus_one() -> None:
    out, player = playing(sine(0.1) * [1, -1])
    out.pump(2400)
    assert player.meters().correlation == pytest.approx(-1.0)


def test_silence_and_no_device_read_minus_infinity() -> None:
    out, player = playing(sine(0.0))
    assert player.meters().momentary_lufs == -math.inf
    out.pump(2400)
    reading = player.meters()
    assert reading.peak_dbfs == (-math.inf, -math.inf)
    assert player.meters().peak_dbfs == (-math.inf, -math.inf)  # nothing new came


def test_the_integrated_loudness_begins_anew_on_reset() -> None:
    out, player = playing(sine(0.1))
    for _ in range(20):
        out.pump(2400)
        player.meters()
    player.reset_meters()
    assert player.meters().integrated_lufs == -math.inf


def test_a_tap_that_is_read_too_late_loses_the_oldest() -> None:
    tap = Tap(rate=100, channels=1)  # 150 frames
    for start in range(0, 400, 40):
        tap.write(np.arange(start, start + 40, dtype=np.float32)[:, None])
    block, count = tap.since(0)
    assert count == 400
    assert block[:, 0].tolist() == list(range(400 - 112, 400))
    block, count = tap.since(390)
    assert block[:, 0].tolist() == list(range(390, 400))
