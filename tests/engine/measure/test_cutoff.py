"""Where a band ends is found blind, of edges known in closed form, and nothing is found where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
import scipy.signal
import soxr

from engine.audio.signal import ArraySignal, Samples, Signal, SilentSignal
from engine.measure import Cutoff, find_cutoff, summary

RATE = 44_100
SIX_DB = 3.0 ** (1.0 / 16.0)  # where a Butterworth of order 8 is 6 dB down, over where it is 3 dB down


def programme(rate: int = RATE, seconds: float = 8.0, slope_db: float = -9.0, seed: int = 0) -> np.ndarray:
    """Noise that falls by so many dB per octave, in phrases and syllables as speech and music come."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * rate)
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    hertz = np.fft.rfftfreq(frames, 1.0 / rate)
    noise = np.fft.irfft(spectrum * (np.maximum(hertz, 200.0) / 200.0) ** (slope_db / 6.0206), frames)
    beats = np.repeat(rng.uniform(-35.0, 0.0, math.ceil(seconds * 6)), math.ceil(rate / 6))[:frames]
    loud = scipy.signal.sosfiltfilt(scipy.signal.butter(2, 20.0, fs=rate, output="sos"), 10.0 ** (beats / 20.0))
    return np.asarray(0.4 * noise * loud / np.abs(noise * loud).max())


def hiss(like: np.ndarray, snr_db: float, seed: int = 9) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(len(like))
    return np.asarray(noise * math.sqrt(np.mean(like**2)) * 10.0 ** (-snr_db / 20.0))


def played_piano(seconds: float = 12.0, partials: int = 24) -> np.ndarray:
    """Notes of stiff strings, struck again and again; each partial is fainter than the last and fades sooner."""
    rng = np.random.default_rng(4)
    out, time = np.zeros(round(seconds * RATE)), np.arange(2 * RATE) / RATE
    for start in np.arange(0.0, seconds - 2.0, 0.23):
        lowest = 55.0 * 2.0 ** (rng.integers(0, 48) / 12.0)
        for number in range(1, partials + 1):
            hertz = lowest * number * math.sqrt(1.0 + 4e-4 * number**2)
            if hertz < RATE / 2:
                tone = np.sin(2.0 * np.pi * hertz * time + rng.uniform(0.0, 6.3)) * np.exp(-time * (1.0 + hertz / 900))
                out[round(start * RATE) :][: len(time)] += tone * 10.0 ** (-hertz / 2_500.0) * rng.uniform(0.3, 1.0)
    return np.asarray(0.4 * out / np.abs(out).max() + 2e-5 * rng.standard_normal(len(out)))


def signal_of(*channels: np.ndarray, rate: int = RATE) -> ArraySignal:
    """Return channels rounded to 16 bits, as a file holds them."""
    return ArraySignal((np.round(np.stack(channels, axis=1) * 32768.0) / 32768.0).astype(np.float32), rate)


def muffled(hertz: float, rate: int = RATE, order: int = 8, seed: int = 0) -> np.ndarray:
    sections = scipy.signal.butter(order, hertz, fs=rate, output="sos")
    return np.asarray(scipy.signal.sosfilt(sections, programme(rate, seed=seed)))


def wall(samples: np.ndarray, hertz: float, rate: int = RATE) -> np.ndarray:
    """Set everything above a frequency to nothing, as encoders do."""
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1.0 / rate) >= hertz] = 0.0
    return np.fft.irfft(spectrum, len(samples))


@dataclass
class Watched:
    """A Signal that notes which spans were asked for."""

    signal: Signal
    spans: list[tuple[int, int]] = field(default_factory=list)
    rate: int = RATE
    channels: int = 1
    frames: int = 0

    def __post_init__(self) -> None:
        self.frames = self.signal.frames

    def read(self, start: int, stop: int) -> Samples:
        self.spans.append((start, stop))
        return self.signal.read(start, stop)


@pytest.mark.parametrize("hertz", [1_800.0, 3_500.0, 7_000.0, 14_000.0])
@pytest.mark.parametrize("snr_db", [None, 30.0])
def test_a_wall_is_found_with_and_without_hiss_above_it(hertz: float, snr_db: float | None) -> None:
    # Flat enough that at 14 kHz the programme is not lost in the hiss.
    samples = wall(programme(slope_db=-4.0), hertz)
    found = find_cutoff(signal_of(samples if snr_db is None else samples + hiss(samples, snr_db)))
    assert found.cutoff_hz == pytest.approx(hertz, rel=0.05)
    assert found.confidence > 0.5
    assert not found.is_full_band


@pytest.mark.parametrize("hertz", [2_000.0, 5_000.0])
def test_of_a_gentle_filter_the_point_6_db_down_is_found(hertz: float) -> None:
    found = find_cutoff(signal_of(muffled(hertz)))
    assert found.cutoff_hz == pytest.approx(SIX_DB * hertz, rel=0.08)
    sharp = find_cutoff(signal_of(wall(programme(), hertz)))
    assert found.edge_width_hz > 2.0 * sharp.edge_width_hz > 0.0


@pytest.mark.parametrize("order", [6, 8, 12])
@pytest.mark.parametrize("hertz", [2_000.0, 6_000.0])
def test_the_width_is_that_from_1_to_6_db_down_and_lies_below_the_cutoff(hertz: float, order: int) -> None:
    found = find_cutoff(signal_of(muffled(hertz, order=order)))
    one, six = (hertz * (10.0 ** (down_db / 10.0) - 1.0) ** (0.5 / order) for down_db in (1.0, 6.0206))
    # Up to 20 dB down it would be 2.4 times as much and more.
    assert found.edge_width_hz == pytest.approx(six - one, rel=0.25)


def test_hiss_up_to_an_encoder_s_wall_is_noise_and_the_band_ends_under_it() -> None:
    old = wall(programme(), 3_500.0)
    found = find_cutoff(signal_of(wall(old + hiss(old, 30.0), 16_000.0)))
    assert found.cutoff_hz == pytest.approx(3_500.0, rel=0.05)


def test_noise_louder_than_the_programme_doesn_t_hide_the_edge() -> None:
    # The hiss stands over the programme's mean at 5 kHz: the level shows no fall of 6 dB there.
    old = wall(programme(seconds=60.0), 5_000.0)
    noise = hiss(old, 20.0)
    grid, power = scipy.signal.welch(old, RATE, nperseg=4096)
    assert power[(grid > 4_000.0) & (grid < 4_900.0)].mean() < scipy.signal.welch(noise, RATE, nperseg=4096)[1].mean()
    found = find_cutoff(signal_of(old + noise))
    assert found.cutoff_hz == pytest.approx(5_000.0, rel=0.08)
    assert found.is_noisy


@pytest.mark.parametrize("slope_db", [0.0, -6.0, -12.0, -18.0])
def test_a_natural_slope_is_no_edge(slope_db: float) -> None:
    found = find_cutoff(signal_of(programme(slope_db=slope_db)))
    assert found.cutoff_hz == RATE / 2
    assert found.confidence < 0.3
    assert found.is_full_band
    assert found.edge_width_hz == 0.0


def test_the_partials_of_a_piano_fade_without_an_edge() -> None:
    found = find_cutoff(signal_of(played_piano()))
    assert (found.cutoff_hz, found.is_full_band) == (RATE / 2, True)


def test_a_slope_that_sinks_into_hiss_is_no_edge() -> None:
    samples = programme(slope_db=-12.0)
    found = find_cutoff(signal_of(samples + hiss(samples, 40.0)))
    assert (found.cutoff_hz, found.is_full_band) == (RATE / 2, True)


def test_a_programme_that_never_moves_is_judged_by_its_level() -> None:
    steady = wall(0.1 * np.random.default_rng(1).standard_normal(6 * RATE), 9_000.0)
    assert find_cutoff(signal_of(steady)).cutoff_hz == pytest.approx(9_000.0, rel=0.05)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 32_000, 48_000, 96_000, 192_000])
def test_every_rate_is_answered(rate: int) -> None:
    whole, seconds = programme(rate, 4.0, slope_db=-4.0), 4.0
    assert find_cutoff(signal_of(whole, rate=rate)).cutoff_hz == rate / 2
    hertz = min(0.3 * rate, 12_000.0)
    found = find_cutoff(signal_of(wall(programme(rate, seconds, slope_db=-4.0), hertz, rate), rate=rate))
    assert found.cutoff_hz == pytest.approx(hertz, rel=0.05)


def test_a_resampled_recording_ends_at_the_resampler_s_edge() -> None:
    low = soxr.resample(programme(48_000), 48_000, 16_000, quality="VHQ")
    at_its_rate = find_cutoff(signal_of(low, rate=16_000))
    assert at_its_rate.is_full_band
    raised = find_cutoff(signal_of(soxr.resample(low, 16_000, 48_000, quality="VHQ"), rate=48_000))
    assert raised.cutoff_hz == pytest.approx(0.95 * 8_000.0, rel=0.03)
    assert not raised.is_full_band


@pytest.mark.parametrize("rate", [16_000, 8_000, 4_000])
# Of a programme that falls by 9 dB per octave, hiss at 30 dB leaves nothing at 7 kHz.
@pytest.mark.parametrize(("slope_db", "snr_db"), [(-4.0, None), (-9.0, None), (-4.0, 30.0)])
def test_what_decimation_took_at_the_top_of_its_own_rate_is_an_edge(
    rate: int, slope_db: float, snr_db: float | None
) -> None:
    # Chebyshev of 8th order, 0.05 dB, corner at 0.8 of the new Nyquist frequency, both ways: 6 dB are 3 dB each.
    factor = 48_000 // rate
    analog = math.cosh(math.acosh(1.0 / math.sqrt(10.0**0.005 - 1.0)) / 8.0) * math.tan(math.pi * 0.4 / factor)
    expected = math.atan(analog) * 48_000 / math.pi
    low = scipy.signal.decimate(programme(48_000, slope_db=slope_db), factor, zero_phase=True)
    found = find_cutoff(signal_of(low if snr_db is None else low + hiss(low, snr_db), rate=rate))
    assert found.cutoff_hz == pytest.approx(expected, rel=0.05)
    assert not found.is_full_band


def test_an_edge_above_what_is_heard_takes_nothing_away() -> None:
    found = find_cutoff(signal_of(wall(programme(96_000, slope_db=-3.0), 24_000.0, 96_000), rate=96_000))
    assert found.cutoff_hz == pytest.approx(24_000.0, rel=0.05)
    assert found.is_full_band


@pytest.mark.parametrize(
    "nothing",
    [
        np.zeros(0),
        np.ones(1),
        np.zeros(RATE),
        np.full(2 * RATE, 0.5),
        programme(seconds=0.05),
        0.5 * np.sin(2.0 * np.pi * 1_000.0 * np.arange(4 * RATE) / RATE),
        sum(0.1 * np.sin(2.0 * np.pi * f * np.arange(4 * RATE) / RATE) for f in (220.0, 2_000.0, 5_000.0)),
        0.5 * (np.arange(4 * RATE) == RATE),
    ],
    ids=["empty", "one sample", "silence", "offset", "a twentieth of a second", "tone", "tones", "click"],
)
def test_what_has_no_band_has_no_edge(nothing: np.ndarray) -> None:
    found = find_cutoff(signal_of(nothing))
    assert (found.cutoff_hz, found.is_full_band, found.edge_width_hz) == (RATE / 2, True, 0.0)
    assert 0.0 <= found.confidence < 0.3


@pytest.mark.parametrize("first_hz", range(1_000, 3_000, 250))
def test_a_rate_that_leaves_hardly_room_for_an_edge_is_taken_as_whole(first_hz: int) -> None:
    for rate in [*range(first_hz, first_hz + 250, 11), 3_001, 4_000]:
        found = find_cutoff(signal_of(programme(rate, 4.0), rate=rate))
        assert 0.0 <= found.confidence < 0.3
        assert (found.cutoff_hz, found.is_full_band, found.edge_width_hz) == (rate / 2, True, 0.0)


def test_it_is_said_where_the_noise_was_judged() -> None:
    whole, ended = (signal_of(samples + hiss(samples, 25.0)) for samples in (programme(), muffled(3_000.0)))
    assert find_cutoff(whole).noise_hz == 5_000.0
    found = find_cutoff(ended)
    assert found.noise_hz == found.cutoff_hz < 3_400.0
    low = programme(8_000)
    assert find_cutoff(signal_of(low, rate=8_000)).noise_hz == 4_000.0
    assert find_cutoff(SilentSignal(RATE, 1, RATE)).noise_hz == 0.0


def test_an_offset_changes_nothing() -> None:
    # Within a band, 1.5 %: the rounding to 16 bits isn't the same.
    samples = 0.5 * muffled(4_000.0)
    assert find_cutoff(signal_of(samples + 0.3)).cutoff_hz == pytest.approx(
        find_cutoff(signal_of(samples)).cutoff_hz, rel=0.015
    )


def test_gain_doesn_t_matter() -> None:
    samples = muffled(4_000.0).astype(np.float32)[:, None]  # not rounded: 16 bits at -40 dB are another recording
    loud, soft = (find_cutoff(ArraySignal(samples * np.float32(gain), RATE)) for gain in (1.0, 0.01))
    assert soft.cutoff_hz == pytest.approx(loud.cutoff_hz, rel=1e-3)
    assert soft.confidence == pytest.approx(loud.confidence, abs=0.01)


def test_the_order_of_channels_doesn_t_matter() -> None:
    left, right = muffled(4_000.0), 0.3 * muffled(4_000.0, seed=5)
    assert find_cutoff(signal_of(left, right)) == find_cutoff(signal_of(right, left))


def test_one_silent_channel_doesn_t_matter() -> None:
    left = muffled(4_000.0)
    both, one = find_cutoff(signal_of(left, np.zeros_like(left))), find_cutoff(signal_of(left))
    assert both.cutoff_hz == pytest.approx(one.cutoff_hz, rel=0.01)


def test_a_long_recording_is_read_once_in_order_and_in_small_pieces() -> None:
    hours = Watched(SilentSignal(RATE, 1, 3 * 3_600 * RATE))
    find_cutoff(hours)
    starts = [start for start, _ in hours.spans]
    assert starts == sorted(starts)
    assert max(stop - start for start, stop in hours.spans) <= 1 << 19
    assert max(starts) > 0.99 * hours.frames
    assert sum(stop - start for start, stop in hours.spans) <= hours.frames


def test_progress_rises_to_the_end_and_the_check_can_stop_it() -> None:
    shares: list[float] = []
    find_cutoff(signal_of(programme()), on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    with pytest.raises(KeyboardInterrupt):
        find_cutoff(signal_of(programme()), check=_stop)


def _stop() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("snr_db", "is_noisy"), [(45.0, False), (12.0, True)])
@pytest.mark.parametrize("limit", [lambda s: wall(s, 4_000.0), lambda s: s], ids=["muffled", "full band"])
def test_noise_near_the_programme_is_told(
    snr_db: float, is_noisy: bool, limit: Callable[[np.ndarray], np.ndarray]
) -> None:
    # White programme and white hiss: the ratio is the same at every frequency of the full band.
    samples = limit(programme(slope_db=0.0))
    assert find_cutoff(signal_of(samples + hiss(samples, snr_db))).is_noisy is is_noisy


def test_hiss_that_an_encoder_cut_off_with_the_band_is_told_by_the_pauses() -> None:
    samples = programme(slope_db=0.0)
    noisy, clean = (wall(samples + noise, 8_000.0) for noise in (hiss(samples, 14.0), hiss(samples, 50.0)))
    assert find_cutoff(signal_of(noisy)).is_noisy
    assert not find_cutoff(signal_of(clean)).is_noisy


def test_a_cutoff_is_a_value() -> None:
    one = Cutoff(1.0, 0.5, 2.0, is_full_band=False, is_noisy=False)
    with pytest.raises(AttributeError):
        one.cutoff_hz = 3.0  # type: ignore[misc]


def test_measure_shows_the_cutoff_beside_the_bandwidth() -> None:
    table = summary(signal_of(wall(programme(seconds=3.0), 5_000.0)))
    assert table["cutoff_hz"] == pytest.approx(5_000.0, rel=0.05)
    assert 0.3 <= table["cutoff_confidence"] <= 1.0
