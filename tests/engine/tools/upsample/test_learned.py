"""What is learnt of a recording doesn't depend on its level, on its pauses, or on which channel is which."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from engine.audio.signal import ArraySignal, Samples, SilentSignal
from engine.errors import Cancelled
from engine.measure import cutoff as cutoff_module
from engine.measure.cutoff import Cutoff
from engine.tools.tool import NO_JOB, Analysis, Job
from engine.tools.upsample import learned as learned_module
from engine.tools.upsample.facts import Learned
from engine.tools.upsample.learned import LEVEL_DB, LEVEL_RANGE_DB, learn

RATE = 16_000


def speech_like(seconds: float = 4.0, channels: int = 1, seed: int = 1) -> Samples:
    """Noise under 3 kHz in bursts with pauses between them."""
    chance = np.random.default_rng(seed)
    noise = chance.standard_normal((round(seconds * RATE), channels))
    slopes = scipy.signal.butter(12, 3000, fs=RATE, output="sos")
    bursts = np.repeat(chance.uniform(0.0, 1.0, len(noise) // 1600 + 1) ** 2, 1600)[: len(noise), None]
    return np.asarray(0.8 * scipy.signal.sosfilt(slopes, noise, axis=0) * bursts, dtype=np.float32)


def learnt(samples: Samples) -> Learned:
    return learn(ArraySignal(samples, RATE), NO_JOB)


@pytest.mark.parametrize("amplitude", [0.7, 0.1, 0.01])
def test_the_gain_takes_a_tone_to_the_level_the_networks_know(amplitude: float) -> None:
    tone = amplitude * np.sin(2 * np.pi * 440 * np.arange(4 * RATE) / RATE)
    gain_db = learnt(tone[:, None].astype(np.float32)).level_db
    # A sine of amplitude a has an RMS of a / sqrt(2).
    assert gain_db == pytest.approx(LEVEL_DB - 20 * np.log10(amplitude / np.sqrt(2)), abs=0.05)


def test_pauses_do_not_count() -> None:
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(4 * RATE) / RATE)[:, None].astype(np.float32)
    with_pauses = np.concatenate([tone, np.zeros((30 * RATE, 1), dtype=np.float32), tone])
    assert learnt(with_pauses).level_db == pytest.approx(learnt(tone).level_db, abs=0.05)


def test_a_few_words_in_an_hour_of_silence_count() -> None:
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)[:, None].astype(np.float32)
    mostly_silent = np.concatenate([np.zeros((99 * RATE, 1), dtype=np.float32), tone])
    assert learnt(mostly_silent).level_db == pytest.approx(learnt(tone).level_db, abs=0.05)


def test_the_gain_is_held_within_its_range() -> None:
    assert learnt(np.full((RATE, 1), 1e-6, dtype=np.float32)).level_db == LEVEL_RANGE_DB[1]
    assert learnt(np.full((RATE, 1), 30.0, dtype=np.float32)).level_db == LEVEL_RANGE_DB[0]


def test_all_facts_but_the_gain_stay_when_the_level_falls_by_40_db() -> None:
    loud = speech_like()
    one, other = learnt(loud), learnt((loud * np.float32(0.01)).astype(np.float32))
    assert other.level_db == pytest.approx(one.level_db + 40.0, abs=0.05)
    assert other.cutoff_hz == pytest.approx(one.cutoff_hz, rel=0.01)
    assert (one.full_band, one.noisy) == (other.full_band, other.noisy)


def test_the_cutoff_of_a_muffled_recording_is_found() -> None:
    found = learnt(speech_like())
    # A Butterworth filter of order 12 with 3 dB at 3 kHz has 6 dB at 3 kHz * 3^(1/24); 8 % is the finder's own floor.
    assert found.cutoff_hz == pytest.approx(3000 * 3 ** (1 / 24), rel=0.08)
    assert not found.full_band
    assert found.warnings == ()


@pytest.mark.parametrize(("side_db", "is_active"), [(-40, True), (-60, False), (-200, False)])
def test_the_side_counts_from_50_db_below_mid_on(side_db: float, is_active: bool) -> None:
    mid, side = speech_like(seed=1)[:, 0], speech_like(seed=2)[:, 0]
    side = side * np.sqrt(np.mean(mid**2) / np.mean(side**2)) * 10 ** (side_db / 20)
    assert learnt(np.stack([mid + side, mid - side], axis=1).astype(np.float32)).side_active is is_active


def test_opposite_channels_are_all_side() -> None:
    one = speech_like()
    assert learnt(np.concatenate([one, -one], axis=1)).side_active


def test_exchanging_the_channels_changes_the_sign_of_the_side_and_nothing_else() -> None:
    samples = speech_like(channels=2)
    samples[:5000] = 0.0
    one, other = learnt(samples), learnt(np.ascontiguousarray(samples[:, ::-1]))
    assert one.side_sign == -other.side_sign
    assert {**vars(one), "side_sign": 0} == {**vars(other), "side_sign": 0}


def test_a_single_sample_and_silence_can_be_learnt() -> None:
    assert learn(SilentSignal(RATE, 2, 1), NO_JOB).level_db == 0.0
    silent = learn(SilentSignal(RATE, 2, 5 * RATE), NO_JOB)
    assert silent.cutoff_hz == RATE / 2
    assert not silent.side_active


def test_facts_come_back_from_the_cache_as_they_were() -> None:
    found = learnt(speech_like(channels=2))
    assert Learned.of(Analysis.from_bytes(found.analysis().to_bytes())) == found


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Cutoff(5_000.0, 0.29, 300.0, False, False), "no edge was found below 8000 Hz"),
        (Cutoff(900.0, 0.9, 100.0, False, False), "the edge at 900 Hz leaves too little"),
        (Cutoff(5_000.0, 0.9, 300.0, False, True, 5_000.0), "restore the recording first"),
        (Cutoff(5_000.0, 0.3, 300.0, False, False), ""),
    ],
)
def test_doubts_about_the_cutoff_are_said(found: Cutoff, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned_module, "find_cutoff", lambda *given: found)
    result = learnt(speech_like())
    assert result.cutoff_hz == (RATE / 2 if "restore" not in said and said else 5_000.0)
    told = (*result.warnings, *result.advice)
    assert said in " ".join(told)
    assert bool(told) == bool(said)


def test_noise_is_said_to_be_where_it_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Cutoff(22_050.0, 0.1, 0.0, True, True, 5_000.0)
    monkeypatch.setattr(learned_module, "find_cutoff", lambda *given: found)
    (advice,) = learnt(speech_like()).advice
    assert "from 3969 to 5000 Hz (nothing ends there)" in advice  # a third of an octave
    assert "right under" not in advice
    assert "22050" not in advice
    found = Cutoff(5_000.0, 0.9, 300.0, False, True, 5_000.0)
    assert "right under 5000 Hz the noise" in " ".join(learnt(speech_like()).advice)


@pytest.mark.parametrize("quiet", [0.0, 2e-5])
def test_a_channel_that_is_silent_from_end_to_end_is_known_and_does_not_count_for_the_level(quiet: float) -> None:
    one = speech_like()
    both = learnt(np.concatenate([one, np.full_like(one, quiet)], axis=1))
    assert both.silent == (1,)
    assert both.level_db == pytest.approx(learnt(one).level_db, abs=0.02)
    click = np.full_like(one, quiet)
    click[100] = 1e-3  # -60 dBFS: a channel with a click isn't silent
    assert learnt(np.concatenate([one, click], axis=1)).silent == ()


def test_where_no_edge_is_found_hiss_up_to_the_top_is_told_from_music_up_to_the_top(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cutoff_module, "_edge", lambda *given: None)
    rate = 44_100
    chance = np.random.default_rng(4)
    noise = chance.standard_normal((6 * rate, 1))
    bursts = np.repeat(chance.uniform(0.0, 1.0, 61) ** 2, rate // 10)[: len(noise), None]
    music = 0.3 * scipy.signal.sosfilt(scipy.signal.butter(1, 1500, fs=rate, output="sos"), noise, axis=0) * bursts
    low = scipy.signal.sosfilt(scipy.signal.butter(2, 6000, fs=rate, output="sos"), music, axis=0)
    hissing = low + 0.01 * chance.standard_normal(noise.shape)
    assert learn(ArraySignal(music.astype(np.float32), rate), NO_JOB).hiss_on_top is False
    assert learn(ArraySignal(hissing.astype(np.float32), rate), NO_JOB).hiss_on_top is True
    dithered = low + 1e-5 * chance.standard_normal(noise.shape)
    assert learn(ArraySignal(dithered.astype(np.float32), rate), NO_JOB).hiss_on_top is False


def test_learning_can_be_cancelled() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        learn(ArraySignal(speech_like(), RATE), job)
