"""Level match: what BS.1770 calls equally loud is played equally loud, and only ever by turning one side down."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from engine.audio.signal import ArraySignal, Span
from engine.playback.match import LevelMatch, Spliced, level_match

RATE = 48_000


def music(seed: int, seconds: float, level: float = 0.1, rate: int = RATE, channels: int = 2) -> ArraySignal:
    """Return noise whose spectrum falls like music's, swelling and fading."""
    generator = np.random.default_rng(seed)
    frames = round(seconds * rate)
    white = generator.standard_normal((frames, channels))
    falling = white + np.roll(white, 1, axis=0)
    swell = 1 + 0.8 * np.sin(np.arange(frames) / rate)[:, None]
    return ArraySignal((level * falling * swell / 5).astype(np.float32), rate)


def lufs(signal: ArraySignal) -> float:
    return float(pyloudnorm.Meter(signal.rate).integrated_loudness(signal.samples.astype(np.float64)))


def whole(signal: ArraySignal) -> tuple[Span, ...]:
    return (Span(0, signal.frames),)


def test_both_sides_are_equally_loud_afterwards() -> None:
    a, b = music(1, 8), music(2, 8, level=0.17)
    match = level_match(a, b, whole(b))
    assert match.gain_a_db == 0
    # 0.1 LU: pyloudnorm's own filters differ by that much below the octave where this noise is strongest
    assert lufs(b) + match.gain_b_db == pytest.approx(lufs(a), abs=0.1)
    factor_a, factor_b = match.factors
    assert factor_a == 1
    assert 20 * np.log10(factor_b) == pytest.approx(match.gain_b_db)


@pytest.mark.parametrize("gain_db", [-9.0, -3.0, 3.0, 9.0])
def test_a_plain_gain_is_found_exactly(gain_db: float) -> None:
    a = music(1, 4)
    b = ArraySignal((a.samples * 10 ** (gain_db / 20)).astype(np.float32), RATE)
    match = level_match(a, b, whole(a))
    assert match.gain_b_db - match.gain_a_db == pytest.approx(-gain_db, abs=1e-3)
    assert 0 in (match.gain_a_db, match.gain_b_db)


def test_at_most_twelve_decibels() -> None:
    a = music(1, 4)
    b = ArraySignal(a.samples * np.float32(0.1), RATE)
    assert level_match(a, b, whole(a)) == LevelMatch(gain_a_db=-12.0)


def test_only_what_is_finished_counts_and_the_same_time_on_both_sides() -> None:
    a = music(1, 6)
    b = a.samples.copy()
    b[: 2 * RATE] *= 0.5  # not finished: whatever is there must not matter
    b[2 * RATE : 4 * RATE] *= 0.7
    b[4 * RATE :] *= 0.1
    finished = (Span(2 * RATE, 3 * RATE), Span(3 * RATE, 4 * RATE))
    match = level_match(a, ArraySignal(b, RATE), finished)
    assert match.gain_a_db == pytest.approx(20 * np.log10(0.7), abs=1e-3)


def test_a_result_at_another_rate_is_measured_over_the_same_time() -> None:
    seconds = np.arange(6 * RATE)[:, None] / RATE
    a = ArraySignal((0.25 * np.sin(2 * np.pi * 997 * seconds)).astype(np.float32), RATE)
    seconds = np.arange(12 * RATE)[:, None] / (2 * RATE)
    high = 0.5 * np.sin(2 * np.pi * 997 * seconds)
    high[: 6 * RATE] = 0
    b = ArraySignal(high.astype(np.float32), 2 * RATE)
    match = level_match(a, b, (Span(6 * RATE, 12 * RATE),))
    # 0.02 dB: that much do the standard's filters at 48 kHz and 96 kHz (bilinear transforms) differ at 1 kHz
    assert match.gain_b_db == pytest.approx(-6.02, abs=0.02)


def test_less_than_one_block_of_the_standard_falls_back_to_rms() -> None:
    a = music(1, 0.3)
    b = ArraySignal(a.samples * np.float32(2), RATE)
    assert level_match(a, b, whole(a)).gain_b_db == pytest.approx(-6.02, abs=0.01)


@pytest.mark.parametrize("seconds", [0.0, 0.2, 4.0])
def test_silence_matches_nothing(seconds: float) -> None:
    a = music(1, seconds)
    b = ArraySignal(np.zeros_like(a.samples), RATE)
    assert level_match(a, b, whole(a)) == LevelMatch()
    assert level_match(a, b, ()) == LevelMatch()


def test_it_is_shown_as_a_letter_and_decibels() -> None:
    assert LevelMatch(gain_b_db=-2.34).text == "B −2.3 dB"
    assert LevelMatch(gain_a_db=-12.0).text == "A −12.0 dB"
    assert LevelMatch().text == "matched"


def test_spliced_spans_follow_each_other() -> None:
    counting = ArraySignal(np.arange(100, dtype=np.float32)[:, None], RATE)
    spliced = Spliced(counting, (Span(10, 15), Span(15, 15), Span(50, 53)))
    assert spliced.frames == 8
    assert spliced.read(3, 7)[:, 0].tolist() == [13, 14, 50, 51]
    with pytest.raises(ValueError, match=r"3\.\.9 is outside"):
        spliced.read(3, 9)
