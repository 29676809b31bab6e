"""The account in the report is measured on the sound: it would notice a band that wasn't kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.audio.resample import ResampledSignal
from engine.audio.signal import ArraySignal, Samples
from engine.tools.tool import NO_JOB
from engine.tools.upsample.account import account, fft_at, stretches
from engine.tools.upsample.facts import Learned

RATE = 24_000
FACTS = Learned(11_400.0, 1.0, 300.0, 0.0, False, 1.0, False, False, 0.0, ())


def given(seconds: float = 4.0) -> ArraySignal:
    noise = np.random.default_rng(1).standard_normal((round(seconds * RATE), 2))
    return ArraySignal((0.05 * noise).astype(np.float32), RATE)


def raised(signal: ArraySignal) -> Samples:
    made = ResampledSignal(signal, 48_000)
    return made.read(0, made.frames)


def tone(hertz: float, level_db: float, frames: int) -> Samples:
    """A sine of that RMS in both channels."""
    wave = np.sqrt(2.0) * 10 ** (level_db / 20) * np.sin(2 * np.pi * hertz * np.arange(frames) / 48_000)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


def accounted(added: Samples, base: Samples, signal: ArraySignal) -> dict[str, Any]:
    facts = account(signal, ArraySignal(base + added, 48_000), (11_400.0, 24_000.0), FACTS.analysis(), 0.0, NO_JOB)
    return dict(facts)


@pytest.mark.parametrize("level_db", [-20.0, -50.0])
def test_the_level_of_the_generated_band_is_that_of_what_was_added(level_db: float) -> None:
    signal = given()
    base = raised(signal)
    found = accounted(tone(15_000.0, level_db, len(base)), base, signal)
    assert found["generated_db"] == pytest.approx(level_db, abs=0.1)
    assert found["kept_null_db"] < -90.0
    assert found["lsd_lf_db"] < 0.01


@pytest.mark.parametrize(("level_db", "is_told"), [(-142.9, False), (-110.0, True)])
def test_what_is_generated_below_all_hearing_is_not_called_generated(level_db: float, is_told: bool) -> None:
    signal = given()
    base = raised(signal)
    silence = ArraySignal(np.zeros_like(signal.samples), RATE)
    facts = account(
        silence, ArraySignal(tone(15_000.0, level_db, len(base)), 48_000), (11_400.0, 24_000.0), FACTS.analysis(), 0.0,
        NO_JOB,
    )  # fmt: skip
    assert (facts["generated_db"] is not None) is is_told
    assert ("was generated, not recovered" in facts["text"]) is is_told
    assert ("nothing that could be heard" in facts["text"]) is not is_told


def test_no_frequency_is_left_without_a_word() -> None:
    signal = given()
    base = raised(signal)
    text = str(accounted(tone(15_000.0, -40.0, len(base)), base, signal)["text"])
    # 11400 less 500 that the network doesn't hear and 200 in which the filter falls.
    assert "below 10700 Hz the result" in text
    assert "from 10700 to 11400 Hz both are cross-faded" in text
    assert "from 11400 to 24000 Hz was generated" in text


def test_a_change_in_the_own_band_is_found() -> None:
    signal = given()
    base = raised(signal)
    # Noise of 0.05 has -26 dB, nine tenths of it below 10.7 kHz: a tone of -66 dB lies 40 dB below.
    found = accounted(tone(3_000.0, -66.0, len(base)), base, signal)
    assert found["kept_null_db"] == pytest.approx(-39.6, abs=0.5)


def test_an_untouched_recording_has_its_very_samples() -> None:
    signal = given()
    base = raised(signal)
    found = accounted(np.zeros_like(base), base, signal)
    assert (found["generated_db"], found["kept_null_db"], found["lsd_lf_db"]) == (None, None, 0.0)
    assert "nothing that could be heard was added from" in str(found["text"])
    assert "generated, not recovered" not in str(found["text"])
    assert "cross-faded" not in str(found["text"])
    assert "the result equals the resampled recording" in str(found["text"])


def test_at_any_rate_the_transform_is_as_long_in_time() -> None:
    assert (fft_at(44_100), fft_at(48_000), fft_at(384_000), fft_at(16_000)) == (2048, 2048, 16_384, 1024)
    assert all(0.042 < fft_at(rate) / rate < 0.086 for rate in range(1_000, 768_000, 997))


@pytest.mark.parametrize(("cutoff_hz", "tone_hz"), [(3_500.0, 4_200.0), (400.0, 600.0)])
def test_a_band_low_above_its_cutoff_is_no_change_below_it_at_a_high_rate(cutoff_hz: float, tone_hz: float) -> None:
    signal = given(1.0)
    made = ResampledSignal(signal, 384_000)
    base = made.read(0, made.frames)
    time = np.arange(len(base)) / 384_000
    added = (0.1 * np.sin(2 * np.pi * tone_hz * time) * np.hanning(len(time)))[:, None].astype(np.float32)
    facts = replace(FACTS, edge_width_hz=0.0).analysis()
    found = account(signal, ArraySignal(base + added, 384_000), (cutoff_hz, 24_000.0), facts, 0.0, NO_JOB)
    assert found["kept_up_to_hz"] > 100.0
    assert found["kept_null_db"] < -60.0


def low(samples: Samples, band: tuple[float, float], added: float = 0.0) -> dict[str, Any]:
    """Account for a recording at 500 Hz raised to 1000 Hz, with a tone of 60 Hz and that RMS added."""
    signal = ArraySignal(samples, 500)
    made = ResampledSignal(signal, 1_000)
    base = made.read(0, made.frames)
    facts = replace(FACTS, edge_width_hz=0.0).analysis()
    tone = added * np.sqrt(2.0) * np.sin(2 * np.pi * 60.0 * np.arange(len(base)) / 1_000)
    after = ArraySignal(base + tone[:, None].astype(np.float32), 1_000)
    return dict(account(signal, after, band, facts, 0.0, NO_JOB))


def test_where_no_band_was_to_be_kept_none_is_spoken_of() -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal((2_000, 1))
    found = low(noise.astype(np.float32), (230.0, 500.0), 0.01)
    assert (found["kept_up_to_hz"], found["kept_null_db"], found["lsd_lf_db"]) == (None, None, None)
    assert str(found["text"]).endswith("generated, not recovered")


def test_silence_is_not_called_kept_and_what_came_into_it_is_said() -> None:
    silence = np.zeros((2_000, 1), dtype=np.float32)
    same, changed = low(silence, (450.0, 500.0)), low(silence, (450.0, 500.0), 0.01)
    assert same["kept_up_to_hz"] is changed["kept_up_to_hz"] is None
    assert "the resampled recording is silent, and the result is so too" in same["text"]
    assert "silent, and the result has -40 dBFS" in changed["text"]


def test_the_sentence_says_generated_and_not_recovered() -> None:
    signal = given()
    base = raised(signal)
    text = str(accounted(tone(15_000.0, -40.0, len(base)), base, signal)["text"])
    assert text.startswith("the recording's band ends at 11400 Hz (found with confidence 1.00): ")
    assert "a band of -40.0 dBFS from 11400 to 24000 Hz was generated, not recovered" in text


@pytest.mark.parametrize(
    ("chosen_hz", "confidence", "said"),
    [(11_400.0, 0.9, "set by hand"), (0.0, 0.9, "found with confidence 0.90"), (0.0, 0.1, "no edge was found")],
)
def test_the_sentence_says_where_the_cutoff_comes_from(chosen_hz: float, confidence: float, said: str) -> None:
    signal = given(0.5)
    facts = replace(FACTS, cutoff_confidence=confidence).analysis()
    found = account(signal, ArraySignal(raised(signal), 48_000), (11_400.0, 24_000.0), facts, chosen_hz, NO_JOB)
    assert said in found["text"]


def test_a_moment_of_sound_has_no_account() -> None:
    signal = given(0.02)
    base = raised(signal)
    assert accounted(np.zeros_like(base), base, signal) == {}


def test_an_hour_is_sampled_and_a_minute_is_read_whole() -> None:
    hour = stretches(3600 * RATE, RATE)
    assert sum(span.frames for span in hour) == 60 * RATE
    assert (hour[0].start, hour[-1].stop) == (0, 3600 * RATE)
    minute = stretches(60 * RATE, RATE)
    assert [span.start for span in minute[1:]] == [span.stop for span in minute[:-1]]
    assert stretches(100, RATE) == [(0, 100)]


def test_a_wider_cross_fade_is_no_change_of_the_own_band() -> None:
    signal = given()
    base = raised(signal)
    added = ArraySignal(base + tone(10_000.0, -40.0, len(base)), 48_000)
    narrow, wide = (
        account(signal, added, (11_400.0, 24_000.0), replace(FACTS, edge_width_hz=width).analysis(), 0.0, NO_JOB)
        for width in (300.0, 1_700.0)
    )
    assert narrow["kept_null_db"] > -30.0
    assert wide["kept_null_db"] < -80.0
