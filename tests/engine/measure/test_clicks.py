"""The click detector finds what was put in, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.audio.signal import ArraySignal, Samples, SilentSignal, Span
from engine.errors import Cancelled
from engine.measure import click_rate, clicks, find_clicks, snr_db
from engine.measure.click_search import Thresholds
from engine.measure.clicks import Clicks

RATE = 44_100


def chord(seconds: float, rate: int = RATE, channels: int = 1) -> Samples:
    time = np.arange(round(seconds * rate)) / rate
    tones = sum(0.1 / (k + 1) * np.sin(2 * np.pi * 220 * 1.26**k * time + k) for k in range(8))
    hiss = 1e-4 * np.random.default_rng(5).standard_normal((len(time), channels))
    return (tones[:, None] + hiss).astype(np.float32)


def with_clicks(clean: Samples, at: list[int], channel: int = 0, length: int = 30, height: float = 0.4) -> Samples:
    damaged, chance = clean.copy(), np.random.default_rng(9)
    for start in at:
        burst = chance.standard_normal(length) * np.exp(-3 * np.arange(length) / length)
        burst[0] = 1.0
        damaged[start : start + length, channel] += (height * burst).astype(np.float32)
    return damaged


def repaired(samples: Samples, found: Clicks) -> Samples:
    return found.pasted(samples, Span(0, len(samples)))


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000])
def test_clicks_are_found_where_they_are_and_filled(rate: int) -> None:
    clean = chord(4, rate)
    at = [round(s * rate) for s in (0.31, 0.9, 1.5, 2.2, 3.1, 3.77)]
    length = max(3, round(0.0007 * rate))
    damaged = with_clicks(clean, at, length=length)
    found = find_clicks(ArraySignal(damaged.copy(), rate))
    assert len(found) == 6
    # The tail of a decaying click sinks into the noise; its start doesn't.
    np.testing.assert_allclose(found.starts, at, atol=4)
    assert (found.starts + found.lengths <= np.array(at) + length + 6).all()
    assert snr_db(clean, repaired(damaged, found)) - snr_db(clean, damaged) > 20


def test_each_channel_has_its_own_clicks() -> None:
    clean = chord(2, channels=2)
    damaged = with_clicks(with_clicks(clean, [20_000], 0), [50_000], 1)
    found = find_clicks(ArraySignal(damaged.copy(), RATE))
    assert found.channels.tolist() == [0, 1]
    changed = repaired(damaged, found) != damaged
    assert not changed[40_000:, 0].any()
    assert not changed[:40_000, 1].any()


def test_attacks_are_not_clicks() -> None:
    time = np.arange(4 * RATE) / RATE
    drum = np.zeros(len(time))
    for onset in np.arange(0.25, 4, 0.25):
        since = time - onset
        # A stroke with a sharp start: a burst of noise on a falling tone.
        stroke = np.exp(-60 * since) * np.random.default_rng(int(onset * 100)).standard_normal(len(time))
        stroke += 2 * np.exp(-12 * since) * np.sin(2 * np.pi * 180 * since)
        drum += np.where(since >= 0, stroke, 0)
    found = find_clicks(ArraySignal((0.1 * drum)[:, None].astype(np.float32), RATE))
    assert len(found) == 0


def test_pulses_that_repeat_are_a_voice() -> None:
    pulses = np.zeros(3 * RATE)
    pulses[:: RATE // 120] = 1.0
    time = np.arange(600) / RATE
    vowel = np.exp(-300 * time) * np.cos(2 * np.pi * 700 * time)
    voice = np.convolve(pulses, vowel)[: 3 * RATE] + 1e-3 * np.random.default_rng(0).standard_normal(3 * RATE)
    assert len(find_clicks(ArraySignal((0.2 * voice)[:, None].astype(np.float32), RATE))) == 0


def test_silence_has_no_clicks_and_a_click_in_silence_becomes_silence() -> None:
    assert len(find_clicks(SilentSignal(RATE, 2, RATE))) == 0
    damaged = np.zeros((RATE, 1), dtype=np.float32)
    damaged[20_000:20_010] = 0.5
    found = find_clicks(ArraySignal(damaged.copy(), RATE))
    assert len(found) == 1
    assert np.abs(repaired(damaged, found)).max() < 1e-6


def test_a_thump_of_10_ms_is_left_to_others() -> None:
    clean = chord(2)
    damaged = clean.copy()
    damaged[40_000:40_441, 0] += (0.4 * np.random.default_rng(1).standard_normal(441)).astype(np.float32)
    found = find_clicks(ArraySignal(damaged.copy(), RATE))
    assert found.lengths.sum() < 200  # parts of it at most: no burst is longer than 5 ms


def test_a_click_on_the_border_of_two_blocks_is_found_once() -> None:
    border = round(clicks.BLOCK_SECONDS * 8_000)
    damaged = with_clicks(chord(12, 8_000), [border - 4], length=9)
    found = find_clicks(ArraySignal(damaged, 8_000))
    assert len(found) == 1
    assert abs(int(found.starts[0]) - (border - 4)) <= 3


def test_the_list_is_the_same_on_any_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    signal = ArraySignal(with_clicks(chord(25, 8_000, 2), list(range(3_000, 190_000, 7_000)), length=6), 8_000)
    lists = []
    for lanes in (1, 2, 5):
        monkeypatch.setattr(clicks, "cores", lambda lanes=lanes: lanes)
        lists.append(find_clicks(signal).arrays())
    for name, column in lists[0].items():
        np.testing.assert_array_equal(column, lists[1][name])
        np.testing.assert_array_equal(column, lists[2][name])


def test_any_span_is_pasted_with_the_same_bits() -> None:
    damaged = with_clicks(chord(2), [10_000, 10_500, 44_090])
    found = find_clicks(ArraySignal(damaged.copy(), RATE))
    whole = repaired(damaged, found)
    for span in (Span(0, 10_003), Span(10_003, 10_004), Span(10_010, 44_100), Span(44_100, 88_200)):
        np.testing.assert_array_equal(found.pasted(damaged[slice(*span)], span), whole[slice(*span)])


def test_more_sensitivity_finds_quieter_clicks() -> None:
    clean = chord(3)
    damaged = clean.copy()
    for number, at in enumerate(range(10_000, 130_000, 10_000)):
        damaged[at : at + 8, 0] += np.float32(0.0006 * 1.35**number)
    counts = [len(find_clicks(ArraySignal(damaged.copy(), RATE), s)) for s in (0, 50, 100)]
    assert 0 < counts[0] < counts[1] < counts[2] <= 12


def test_the_rate_counts_one_channel() -> None:
    clean = chord(4, channels=2)
    damaged = with_clicks(with_clicks(clean, [20_000, 60_000, 100_000], 0), [30_000, 70_000, 110_000], 1)
    assert click_rate(ArraySignal(damaged, RATE)) == pytest.approx(3 / 4)


def test_the_search_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        find_clicks(ArraySignal(chord(2), RATE), check=stop)


@pytest.mark.parametrize("name", ["bendir", "mridangam", "vibraphone-C6"])
def test_real_percussion_is_left_alone(name: str, development_data: Path) -> None:
    samples, rate = soundfile.read(development_data / f"music/sms-tools/{name}.flac", dtype="float32", always_2d=True)
    found = find_clicks(ArraySignal(samples.copy(), rate))
    # The floor is 40 dB, the target 55 dB and 0.05 % of the samples (specification of Restore).
    assert snr_db(samples, found.pasted(samples, Span(0, len(samples)))) > 55
    assert found.share(len(samples), 1) < 0.0005


def test_a_real_trumpet_is_left_alone(development_data: Path) -> None:
    path = development_data / "music/librosa/sorohanro_-_solo-trumpet-06.hq.ogg"
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    found = find_clicks(ArraySignal(samples.copy(), rate))
    assert snr_db(samples, found.pasted(samples, Span(0, len(samples)))) > 55
    assert found.share(*samples.shape) < 0.0005


def test_doubtful_clicks_count_only_among_certain_ones() -> None:
    def at(start: int, surprise_db: float, channel: int = 0) -> clicks.Click:
        return clicks.Click(start, channel, 5, surprise_db, np.zeros(5))

    doubtful = [at(n, 12) for n in range(0, 900, 100)]
    sure = [at(n, 40) for n in (1_000, 2_000, 3_000)]
    elsewhere = [at(n, 40, channel=1) for n in (1_000, 2_000, 3_000)]
    limits = Thresholds()
    assert clicks.trusted([*doubtful, *sure], 10, limits) == [*doubtful, *sure]
    assert clicks.trusted([*doubtful, *sure[:2]], 10, limits) == sure[:2]
    assert clicks.trusted([*doubtful, *elsewhere], 10, limits) == elsewhere
    assert clicks.trusted([*doubtful, *sure], 60, limits) == sure  # three a minute are a rarity
