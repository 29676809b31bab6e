"""A wall is where something cut a recording off; however far it fades by nature, that is none."""

from __future__ import annotations

import re

import numpy as np
import pytest
import scipy.signal

from training.data.walls import find_wall

RATE = 44_100


def noise(seconds: float = 4.0, rate: int = RATE, seed: int = 1) -> np.ndarray:
    return np.asarray(0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate)), dtype=np.float32)


def sloped(db_per_octave: float, from_hz: float, rate: int = RATE) -> np.ndarray:
    """Noise that is flat up to a frequency and falls by so much per octave above it, in closed form."""
    spectrum = np.fft.rfft(noise(rate=rate).astype(np.float64))
    hertz = np.fft.rfftfreq(4 * rate, 1.0 / rate)
    spectrum *= np.maximum(hertz / from_hz, 1.0) ** (-db_per_octave / (20.0 * np.log10(2.0)))
    return np.fft.irfft(spectrum).astype(np.float32)


@pytest.mark.parametrize("db_per_octave", [6.0, 12.0, 24.0, 40.0])
@pytest.mark.parametrize("from_hz", [500.0, 2_000.0, 9_000.0])
@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_slope_is_no_wall_however_deep_it_ends(db_per_octave: float, from_hz: float, rate: int) -> None:
    # The deepest lies 200 dB down at the top: under everything that a distance can see.
    assert find_wall(sloped(db_per_octave, from_hz, rate), rate) is None


@pytest.mark.parametrize("wall_hz", [2_500.0, 5_000.0, 10_400.0, 16_000.0, 19_500.0])
@pytest.mark.parametrize("level", [1.0, 1e-3])
def test_a_steep_filter_makes_a_wall_where_it_begins_to_take(wall_hz: float, level: float) -> None:
    sections = scipy.signal.ellip(10, 0.1, 90.0, wall_hz, fs=RATE, output="sos")
    given = scipy.signal.sosfiltfilt(sections, sloped(6.0, 500.0)).astype(np.float32) * np.float32(level)
    wall = find_wall(given, RATE)
    assert wall is not None
    # Passed up to the edge by design; half of it is gone a little above.
    assert wall.begins_hz <= wall_hz + 50.0
    assert wall.begins_hz == pytest.approx(wall_hz, abs=450.0)
    assert wall.middle_hz == pytest.approx(
        wall_hz, abs=500.0
    )  # on the filter's slope of 400 Hz or in the gap of 250 Hz


def test_what_dither_fills_up_is_a_wall_all_the_same() -> None:
    sections = scipy.signal.ellip(10, 0.1, 90.0, 15_800.0, fs=RATE, output="sos")
    given = scipy.signal.sosfiltfilt(sections, noise()) + 1e-3 * noise(seed=2)  # 60 dB down
    wall = find_wall(given.astype(np.float32), RATE)
    assert wall is not None
    assert wall.begins_hz == pytest.approx(15_800.0, abs=300.0)


def test_an_encoder_that_leaves_the_top_out_of_most_frames_makes_a_wall() -> None:
    whole, frames = noise(6.0), np.arange(6 * RATE)
    sections = scipy.signal.ellip(10, 0.1, 90.0, 16_000.0, fs=RATE, output="sos")
    cut = scipy.signal.sosfiltfilt(sections, whole)
    is_whole = (frames % RATE < 0.3 * RATE).astype(np.float64)  # three tenths of every second
    fade = scipy.signal.windows.hann(4096)
    share = scipy.signal.oaconvolve(is_whole, fade / fade.sum(), mode="same")
    wall = find_wall((share * whole + (1.0 - share) * cut).astype(np.float32), RATE)
    assert wall is not None
    assert (wall.frames, wall.begins_hz) == ("most", pytest.approx(16_000.0, abs=300.0))


@pytest.mark.parametrize(("rate", "former"), [(48_000, 44_100), (48_000, 16_000), (16_000, 8_000)])
def test_a_lower_rate_makes_a_wall(rate: int, former: int) -> None:
    soxr = pytest.importorskip("soxr")
    wall = find_wall(soxr.resample(noise(rate=former), former, rate, quality="VHQ"), rate)
    assert wall is not None
    assert wall.begins_hz == pytest.approx(0.95 * former / 2.0, abs=300.0)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_the_end_of_the_rate_itself_is_no_wall(rate: int) -> None:
    soxr = pytest.importorskip("soxr")
    assert find_wall(noise(rate=rate), rate) is None
    assert find_wall(soxr.resample(noise(rate=96_000), 96_000, rate, quality="VHQ"), rate) is None


def test_partials_of_an_instrument_are_no_walls() -> None:
    seconds = np.arange(4 * RATE) / RATE
    tone = sum(10.0 ** (-0.35 * n) * np.sin(2 * np.pi * 1_050.0 * n * seconds) for n in range(1, 12))
    assert find_wall((0.1 * tone + 3e-3 * noise()).astype(np.float32), RATE) is None


def test_silence_and_a_blink_have_no_wall() -> None:
    assert find_wall(np.zeros(RATE, dtype=np.float32), RATE) is None
    assert find_wall(np.zeros(10, dtype=np.float32), RATE) is None
    assert find_wall(noise(2048 / RATE), RATE) is None


def test_a_gap_between_two_formants_is_no_wall() -> None:
    # 40 dB down from 4 to 7 kHz, and then as loud as before.
    spectrum = np.fft.rfft(noise().astype(np.float64))
    hertz = np.fft.rfftfreq(4 * RATE, 1.0 / RATE)
    spectrum[(hertz > 4_000.0) & (hertz < 7_000.0)] *= 0.01
    assert find_wall(np.fft.irfft(spectrum).astype(np.float32), RATE) is None


@pytest.mark.usefixtures("development_data")
def test_the_walls_that_the_manifest_names_are_found_in_the_music_of_validation() -> None:
    from training.data import cached_mono, recordings

    rows = [row for row in recordings("validation", "all") if row.set in ("music", "violin")]
    named = {row.path: re.search(r"brick wall near ([\d.]+) kHz", row.note) for row in rows}
    assert sum(found is not None for found in named.values()) >= 3
    for row in rows:
        if found := named[row.path]:
            wall = find_wall(np.asarray(cached_mono(row, row.rate)), row.rate)
            assert wall is not None, row.path
            assert wall.begins_hz == pytest.approx(1_000.0 * float(found[1]), abs=450.0), row.path
