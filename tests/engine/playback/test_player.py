"""What is heard, sample by sample, through the offline pump: toggles, difference, loops, seeks, swaps, accidents."""

from __future__ import annotations

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Samples, Span
from engine.errors import UnreadableFileError
from engine.playback.course import PlayerEvent
from engine.playback.match import LevelMatch
from engine.playback.output import OfflineOut
from engine.playback.player import Player

RATE = 48_000
TOGGLE = 480
SEEK_FADE = 240
SWAP_FADE = 480
LOOP_FADE = 192
FLOAT32 = 1.2e-7  # two roundings of products below 1


def noise(seed: int, frames: int = 200_000, channels: int = 2, rate: int = RATE) -> ArraySignal:
    generator = np.random.default_rng(seed)
    return ArraySignal(generator.uniform(-0.5, 0.5, (frames, channels)).astype(np.float32), rate)


A = noise(1)
B = noise(2)


class Bench:
    """A player on an offline pump, playing A and B from the beginning."""

    def __init__(self, a: object = A, b: object = B, block: int = 512, rate: int | None = None) -> None:
        self.out = OfflineOut(block_frames=block, rate=rate)
        self.events: list[PlayerEvent] = []
        self.player = Player(lambda: self.out, self.events.append)
        self.player.set_pair(a, b)  # type: ignore[arg-type]

    def pump(self, frames: int) -> Samples:
        return self.out.pump(frames)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def weights(frames: int, fade: int) -> np.ndarray:
    """Return k/n for k = 1.. and 1 after n, shape (frames, 1)."""
    return np.minimum(np.arange(1, frames + 1) / fade, 1)[:, None]


# --- A, B and their difference --------------------------------------------------------------------------------------


def test_the_result_is_heard_bit_for_bit_from_its_first_sample(bench: Bench) -> None:
    bench.player.play()
    assert np.array_equal(bench.pump(150_000), B.samples[:150_000])


@pytest.mark.parametrize("block", [1, 64, 512, 5000])
def test_a_toggle_follows_the_formula_at_each_sample_without_gap_or_seek(block: int) -> None:
    bench = Bench(block=block)
    bench.player.play()
    at = 5120 if block > 1 else 300
    bench.pump(at)
    bench.player.monitor = "A"
    heard = bench.pump(1000)
    k = weights(1000, TOGGLE)
    expected = A.samples[at : at + 1000] * k + B.samples[at : at + 1000] * (1 - k)
    assert np.abs(heard - expected).max() <= FLOAT32
    assert np.array_equal(heard[TOGGLE:], A.samples[at + TOGGLE : at + 1000])


def test_every_toggle_takes_the_same_time(bench: Bench) -> None:
    bench.player.play()
    at = bench.pump(1024).shape[0]
    for monitor in ("A", "delta", "B", "delta", "A", "B"):
        before = bench.player.monitor
        bench.player.monitor = monitor  # type: ignore[assignment]
        heard = bench.pump(1024)
        sides = {"A": A.samples, "B": B.samples, "delta": B.samples - A.samples}
        k = weights(1024, TOGGLE)
        expected = sides[before][at : at + 1024] * (1 - k) + sides[monitor][at : at + 1024] * k
        assert np.abs(heard - expected).max() <= 3 * FLOAT32
        at += 1024


def test_the_difference_of_equal_sides_is_digital_zero() -> None:
    bench = Bench(A, ArraySignal(A.samples.copy(), RATE))
    bench.player.set_match(LevelMatch(gain_b_db=-6.0))
    for gain_db in (0.0, 6.0, 12.0, 20.0):
        bench.player.delta_gain_db = gain_db
        bench.player.monitor = "delta"
        bench.player.play(1000)
        assert not bench.pump(5000).any()
        bench.player.stop()


def test_equal_sides_stay_equal_through_toggles() -> None:
    bench = Bench(A, ArraySignal(A.samples.copy(), RATE))
    bench.player.play()
    heard = []
    for n in range(20):
        bench.player.monitor = "A" if n % 2 else "B"
        heard.append(bench.pump(997))
    assert np.abs(np.concatenate(heard) - A.samples[: 20 * 997]).max() <= FLOAT32


@pytest.mark.parametrize(("gain_db", "factor"), [(0.0, 1.0), (6.0, 1.99526), (12.0, 3.98107), (20.0, 10.0)])
def test_the_difference_has_a_gain_of_its_own_and_overs_light_a_lamp(gain_db: float, factor: float) -> None:
    quiet = ArraySignal(A.samples * np.float32(0.9), RATE)
    bench = Bench(A, quiet)
    bench.player.set_match(LevelMatch(gain_a_db=-3.0))
    bench.player.monitor = "delta"
    bench.player.delta_gain_db = gain_db
    bench.player.play()
    heard = bench.pump(8192)
    expected = factor * (quiet.samples[:8192] - A.samples[:8192])
    assert np.abs(heard - expected).max() < 1e-5  # the factors above have six digits
    assert bench.player.delta_gain_db == pytest.approx(gain_db)
    assert bench.player.meters().overs == 0


def test_overs_clamp_and_are_counted(bench: Bench) -> None:
    bench.player.monitor = "delta"
    bench.player.delta_gain_db = 20.0
    bench.player.play()
    bench.player.meters()
    bench.pump(512)
    bench.player.meters()
    heard = bench.pump(4096)
    difference = 10.0 * (B.samples[512:4608].astype(np.float64) - A.samples[512:4608])
    assert np.abs(heard - np.clip(difference, -1, 1)).max() < 1e-5
    assert bench.player.meters().overs == np.count_nonzero(np.abs(difference) > 1)


def test_level_match_turns_down_the_louder_side_only(bench: Bench) -> None:
    bench.player.set_match(LevelMatch(gain_b_db=-6.0))
    bench.player.play()
    heard = bench.pump(4096)
    assert np.abs(heard - B.samples[:4096] * 10 ** (-6 / 20)).max() <= FLOAT32
    bench.player.monitor = "A"
    assert np.array_equal(bench.pump(1024)[512:], A.samples[4096 + 512 : 4096 + 1024])
    bench.player.set_match(None)
    bench.player.monitor = "B"
    bench.pump(RATE)
    assert np.array_equal(bench.pump(512), B.samples[4096 + 1024 + RATE :][:512])


# --- transport ------------------------------------------------------------------------------------------------------


def test_the_position_is_what_has_been_heard(bench: Bench) -> None:
    bench.player.play()
    for _ in range(10):
        bench.pump(1024)
    assert bench.player.position() == pytest.approx(10_240)
    bench.player.seek(50_000)
    assert bench.player.position() == 50_000
    bench.pump(5120)
    assert bench.player.position() == pytest.approx(55_120)


def test_a_seek_cross_fades_in_five_milliseconds(bench: Bench) -> None:
    bench.player.play()
    bench.pump(5120)
    bench.player.seek(100_000)
    heard = bench.pump(1024)
    k = weights(1024, SEEK_FADE)
    expected = B.samples[100_000:101_024] * k + B.samples[5120:6144] * (1 - k)
    assert np.abs(heard - expected).max() <= 2 * FLOAT32
    assert np.array_equal(heard[SEEK_FADE:], B.samples[100_000 + SEEK_FADE : 101_024])


def test_pause_fades_and_play_goes_on_with_the_next_sample(bench: Bench) -> None:
    bench.player.play()
    bench.pump(5120)
    bench.player.pause()
    heard = bench.pump(1024)
    assert bench.player.state == "paused"
    k = 1 - weights(SEEK_FADE, SEEK_FADE)
    assert np.abs(heard[:SEEK_FADE] - B.samples[5120 : 5120 + SEEK_FADE] * k).max() <= FLOAT32
    assert not heard[SEEK_FADE:].any()
    assert bench.player.position() == pytest.approx(5120 + SEEK_FADE)
    bench.player.play()
    heard = bench.pump(1024)
    expected = B.samples[5120 + SEEK_FADE : 6144 + SEEK_FADE] * weights(1024, SEEK_FADE)
    assert np.abs(heard - expected).max() <= FLOAT32


def test_stop_returns_to_where_playing_began(bench: Bench) -> None:
    bench.player.seek(30_000)
    bench.player.play()
    bench.pump(5120)
    bench.player.pause()
    bench.pump(512)
    bench.player.play()
    bench.pump(512)
    bench.player.stop()
    assert (bench.player.state, bench.player.position()) == ("stopped", 30_000)
    bench.pump(512)
    bench.player.play()
    assert np.array_equal(bench.pump(1024)[SEEK_FADE:], B.samples[30_000 + SEEK_FADE : 31_024])


def test_the_end_of_the_recording_stops(bench: Bench) -> None:
    bench.player.play(199_000)
    heard = bench.pump(2048)
    assert np.array_equal(heard[SEEK_FADE:1000], B.samples[199_000 + SEEK_FADE :])
    assert not heard[1000:].any()
    assert (bench.player.state, bench.player.position()) == ("stopped", 199_000)
    assert bench.player.underruns == 0


def test_the_longer_side_decides_where_the_end_is() -> None:
    bench = Bench(A, ArraySignal(B.samples[:1000], RATE))
    bench.player.monitor = "A"
    bench.player.play()
    assert np.array_equal(bench.pump(201_000)[:200_000], A.samples)


def test_a_selection_is_played_once(bench: Bench) -> None:
    bench.player.loop = Span(0, 1000)
    bench.player.play_once(Span(60_000, 63_000))
    heard = bench.pump(4096)
    assert np.array_equal(heard[SEEK_FADE:3000], B.samples[60_000 + SEEK_FADE : 63_000])
    assert not heard[3000:].any()
    assert (bench.player.state, bench.player.position()) == ("stopped", 60_000)


def test_a_loop_repeats_to_the_sample_and_wraps_with_a_cross_fade(bench: Bench) -> None:
    bench.player.loop = Span(50_000, 60_000)
    bench.player.play(49_000)
    heard = bench.pump(31_000)
    lap = B.samples[50_000:60_000].copy()
    k = weights(LOOP_FADE, LOOP_FADE)
    lap[-LOOP_FADE:] = lap[-LOOP_FADE:] * (1 - k) + B.samples[50_000 - LOOP_FADE : 50_000] * k
    assert np.abs(heard[1000:11_000] - lap).max() <= 2 * FLOAT32
    assert np.array_equal(heard[11_000:21_000], heard[1000:11_000])
    assert np.array_equal(heard[21_000:31_000], heard[1000:11_000])
    assert bench.player.position() == pytest.approx(50_000)


def test_a_loop_set_while_playing_holds_from_then_on(bench: Bench) -> None:
    bench.player.play()
    bench.pump(5120)
    bench.player.loop = Span(4000, 10_000)
    heard = bench.pump(10_880)  # 4,880 up to the end of the loop and one lap
    assert np.array_equal(heard[SWAP_FADE : 4880 - LOOP_FADE], B.samples[5120 + SWAP_FADE : 10_000 - LOOP_FADE])
    assert np.array_equal(heard[4880 : 10_880 - LOOP_FADE], B.samples[4000 : 10_000 - LOOP_FADE])
    bench.player.loop = None
    heard = bench.pump(8000)
    assert np.array_equal(heard[SWAP_FADE:], B.samples[4000 + SWAP_FADE : 12_000])


def test_a_loop_too_short_to_be_heard_as_one_is_ignored(bench: Bench) -> None:
    bench.player.loop = Span(100, 101)
    bench.player.play(100)
    assert np.array_equal(bench.pump(600)[SEEK_FADE:], B.samples[100 + SEEK_FADE : 700])


def test_a_loop_of_ten_milliseconds_repeats(bench: Bench) -> None:
    bench.player.loop = Span(960, 1440)
    bench.player.play(960)
    heard = bench.pump(2400)
    assert np.array_equal(heard[480 : 960 - LOOP_FADE], B.samples[960 : 1440 - LOOP_FADE])
    assert np.array_equal(heard[960:1440], heard[480:960])
    assert np.array_equal(heard[1440:1920], heard[480:960])


# --- changes while it plays -----------------------------------------------------------------------------------------


def test_another_pair_takes_over_at_the_same_sample_without_silence(bench: Bench) -> None:
    bench.player.play()
    bench.pump(5120)
    other = noise(3)
    bench.player.set_pair(A, other)
    heard = bench.pump(2048)
    k = weights(2048, SWAP_FADE)
    expected = other.samples[5120:7168] * k + B.samples[5120:7168] * (1 - k)
    assert np.abs(heard - expected).max() <= 2 * FLOAT32
    assert bench.player.underruns == 0


def test_a_seek_isnt_lost_when_the_pair_changes_at_once(bench: Bench) -> None:
    bench.player.play()
    bench.pump(5120)
    bench.player.seek(100_000)
    other = noise(3)
    bench.player.set_pair(A, other)
    assert np.array_equal(bench.pump(1024)[SEEK_FADE:], other.samples[100_000 + SEEK_FADE : 101_024])


def test_a_pause_in_the_middle_of_a_cross_fade_blocks_nothing(bench: Bench) -> None:
    bench.player.play()
    bench.pump(5120)
    bench.player.set_pair(A, noise(3))
    bench.out.pump(100)
    bench.player.pause()
    bench.pump(1024)
    bench.player.set_pair(A, B)
    bench.player.seek(70_000)
    bench.pump(1024)
    bench.player.play()
    assert np.array_equal(bench.pump(1024)[SEEK_FADE:], B.samples[70_000 + SEEK_FADE : 71_024])


def test_a_result_at_twice_the_rate_goes_on_at_the_same_time(bench: Bench) -> None:
    seconds = np.arange(400_000)[:, None] / 96_000
    high = ArraySignal((0.5 * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32), 96_000)
    bench.player.play()
    bench.pump(RATE)
    bench.player.set_pair(high, high)
    heard = bench.pump(RATE)
    k = np.arange(RATE, 2 * RATE)[:, None] / RATE
    expected = np.repeat(0.5 * np.sin(2 * np.pi * 440 * k), 2, axis=1)
    assert np.abs(heard - expected)[SWAP_FADE:].max() < 1e-4  # the resampler's pass band
    assert bench.player.position() == pytest.approx(2 * 96_000, abs=2)


class Arriving:
    """A result that is rendered chunk by chunk: what isn't there yet is the source."""

    def __init__(self) -> None:
        self.rate, self.channels, self.frames = B.rate, B.channels, B.frames
        self.finished: list[Span] = []

    def read(self, start: int, stop: int) -> Samples:
        raise AssertionError("the player must not wait for a rendering")

    def read_available(self, start: int, stop: int) -> tuple[Samples, tuple[Span, ...]]:
        out = A.samples[start:stop].copy()
        there = tuple(span.intersect(Span(start, stop)) for span in self.finished)
        for span in there:
            out[span.start - start : span.stop - start] = B.samples[span.start : span.stop]
        return out, there


def test_what_isnt_rendered_yet_is_heard_as_the_original_and_a_finished_chunk_at_once() -> None:
    result = Arriving()
    bench = Bench(A, result)
    bench.player.play()
    assert np.array_equal(bench.pump(5120), A.samples[:5120])
    result.finished.append(Span(0, 50_000))
    bench.player.refresh(Span(0, 50_000))
    heard = bench.pump(50_000)
    assert np.array_equal(heard[SWAP_FADE : 50_000 - 5120], B.samples[5120 + SWAP_FADE : 50_000])
    assert np.array_equal(heard[50_000 - 5120 :], A.samples[50_000:55_120])


def test_a_chunk_far_away_doesnt_disturb(bench: Bench) -> None:
    bench.player.play()
    bench.pump(5120)
    ring = bench.player._feeder.mixer.ring  # type: ignore[union-attr]
    bench.player.refresh(Span(150_000, 160_000))
    bench.player.refresh(Span(0, 5000))
    bench.pump(512)
    assert bench.player._feeder.mixer.ring is ring  # type: ignore[union-attr]


# --- formats --------------------------------------------------------------------------------------------------------


def test_one_channel_is_heard_on_both_sides() -> None:
    mono = noise(4, channels=1)
    bench = Bench(mono, mono)
    bench.player.play()
    assert np.array_equal(bench.pump(4096), np.repeat(mono.samples[:4096], 2, axis=1))


def test_of_many_channels_a_chosen_pair_is_heard() -> None:
    many = noise(5, channels=6)
    bench = Bench(many, many)
    bench.player.play()
    assert np.array_equal(bench.pump(4096), many.samples[:4096, :2])
    bench.player.first_channel = 4
    assert np.array_equal(bench.pump(4096)[SWAP_FADE:], many.samples[4096 + SWAP_FADE : 8192, 4:])


def test_a_single_speaker_gets_the_mean() -> None:
    out = OfflineOut(channels=1)
    player = Player(lambda: out)
    player.set_pair(A, B)
    player.play()
    assert np.allclose(out.pump(4096)[:, 0], B.samples[:4096].mean(axis=1), atol=FLOAT32)


def test_a_device_of_another_rate_plays_at_the_right_pitch() -> None:
    seconds = np.arange(200_000)[:, None] / 44_100
    tone = ArraySignal((0.5 * np.sin(2 * np.pi * 997 * seconds)).astype(np.float32), 44_100)
    bench = Bench(tone, tone, rate=RATE)
    bench.player.play()
    heard = bench.pump(RATE)
    expected = 0.5 * np.sin(2 * np.pi * 997 * np.arange(RATE) / RATE)
    assert np.abs(heard[1000:, 0] - expected[1000:]).max() < 1e-4  # the resampler's pass band
    assert bench.player.position() == pytest.approx(44_100, abs=1)


# --- accidents ------------------------------------------------------------------------------------------------------


def test_a_stuck_reader_fades_out_in_64_samples_counts_once_and_comes_back() -> None:
    tone = ArraySignal(np.full((400_000, 2), 0.5, dtype=np.float32), RATE)
    bench = Bench(tone, tone)
    bench.player.play()
    bench.pump(512)
    heard = bench.out.pump(100_000, is_fed=False)
    sound = int(np.argmin(heard[:, 0] == 0.5))  # first sample of the fade
    fade = 0.5 * (1 - np.arange(1, 65) / 64)
    assert np.allclose(heard[sound : sound + 64, 0], fade, atol=FLOAT32)
    assert not heard[sound + 64 :].any()
    assert bench.player.underruns == 1
    assert bench.player.position() == pytest.approx(512 + sound)  # nothing is skipped
    back = bench.pump(1024)
    assert np.allclose(back[:64, 0], 0.5 * np.arange(1, 65) / 64, atol=FLOAT32)
    assert np.all(back[64:] == 0.5)


class Broken:
    """A recording whose disk was pulled."""

    rate, channels, frames = RATE, 2, 200_000
    is_broken = True

    def read(self, start: int, stop: int) -> Samples:
        if self.is_broken:
            raise UnreadableFileError("side1.wav can't be read any more", "plug the disk in again")
        return B.samples[start:stop]


def test_a_recording_that_cant_be_read_pauses_and_says_so() -> None:
    broken = Broken()
    bench = Bench(broken, broken)
    bench.player.play()
    assert not bench.pump(2048).any()
    assert [event.kind for event in bench.events] == ["unreadable"]
    assert "plug the disk in again" in bench.events[0].text
    assert bench.player.state == "paused"
    broken.is_broken = False
    bench.player.play()
    assert np.array_equal(bench.pump(2048), B.samples[:2048])


def test_the_device_is_let_go_of_after_thirty_silent_seconds(bench: Bench) -> None:
    bench.player.play()
    bench.pump(5120)
    bench.player.pause()
    bench.pump(29 * RATE)
    assert bench.player.output_name == "offline"
    bench.pump(2 * RATE)
    assert bench.player.output_name == ""
    assert bench.player.position() == pytest.approx(5120 + SEEK_FADE)
    bench.player.play()
    assert np.array_equal(bench.pump(1024)[SEEK_FADE:], B.samples[5120 + 2 * SEEK_FADE : 5120 + SEEK_FADE + 1024])


def test_an_empty_recording_ends_at_once() -> None:
    empty = ArraySignal(np.zeros((0, 2), dtype=np.float32), RATE)
    bench = Bench(empty, empty)
    bench.player.play()
    assert not bench.pump(2048).any()
    assert bench.player.state == "stopped"


def test_without_a_recording_nothing_happens() -> None:
    out = OfflineOut()
    player = Player(lambda: out)
    player.play()
    player.pause()
    player.seek(10)
    player.loop = Span(0, 10)
    player.refresh(Span(0, 10))
    assert not out.pump(1000).any()
    assert (player.state, player.position(), player.loop) == ("stopped", 0, None)
    player.close()
