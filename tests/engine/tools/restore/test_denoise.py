"""The denoise stage around its engines: gains, floor, planes, rates, silence. The network is a stand-in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import scipy.signal

from engine.audio.signal import ArraySignal, Samples, Span
from engine.audio.stft import Stft, torch_compatible_frames
from engine.errors import Cancelled, UsageError
from engine.inference import network as inference
from engine.measure import snr_db
from engine.tools.restore import RESTORE, denoise
from engine.tools.restore.planes import from_planes, to_planes
from engine.tools.tool import Job, Value, complete

RATE = 44_100
ALONE: dict[str, Value] = {"declick": False, "dehum": False, "engine": "classical", "floor_db": -80.0}


def hiss(frames: int, channels: int = 1, level: float = 0.01, seed: int = 0) -> Samples:
    return (level * np.random.default_rng(seed).standard_normal((frames, channels))).astype(np.float32)


def music(seconds: float, rate: int = RATE) -> Samples:
    time = np.arange(round(seconds * rate)) / rate
    out = np.zeros(len(time))
    for number, onset in enumerate(np.arange(0, seconds, 0.5)):
        since = time - onset
        tone = sum(np.sin(2 * np.pi * 220 * k * 1.19 ** (number % 7) * since) / k for k in range(1, 6))
        out += np.where(since >= 0, 0.1 * np.exp(-6 * np.maximum(since, 0)) * tone, 0)
    return out.astype(np.float32)[:, None]


def result_of(samples: Samples, rate: int = RATE, span: Span | None = None, **values: Value) -> Samples:
    params = complete(RESTORE, {**ALONE, **values})
    signal = ArraySignal(samples.copy(), rate)
    analysis = RESTORE.analyse(signal, params, {})
    return RESTORE.render(signal, params, analysis, {}, span or Span(0, len(samples)))


class StandIn:
    """Rooms whose answers are known: a noise profile 20 dB under the music's level, and one gain for everything."""

    def __init__(self, gain: float) -> None:
        self.gain = gain
        self.seen: list[np.ndarray] = []

    def __call__(self, room: str, settings: Any) -> Any:
        stand_in = self

        class Room:
            def run(self, inputs: Mapping[str, np.ndarray], job: Job | None = None) -> dict[str, np.ndarray]:
                if room == "noise_profile":
                    assert inputs["statistics"].shape == (1, 36, 1025)
                    estimate = np.full((1, 2, 1025), np.log(0.01), dtype=np.float32)
                    return {"estimate": estimate}
                features = inputs["features"]
                stand_in.seen.append(features)
                return {"gain": np.full((1, 1025, features.shape[2]), stand_in.gain, dtype=np.float32)}

        return Room()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    rooms = StandIn(0.25)
    monkeypatch.setattr(inference, "network", rooms)
    return rooms


@pytest.mark.parametrize(("floor_db", "expected"), [(-80.0, 0.25), (-18.0, 0.25), (-6.0, 0.501187), (0.0, 1.0)])
def test_the_networks_gain_is_applied_down_to_the_floor(stand_in: StandIn, floor_db: float, expected: float) -> None:
    samples = hiss(8 * RATE, 2)
    out = result_of(samples, engine="neural", floor_db=floor_db)
    # One gain in all bins is that gain on the samples: the transform reconstructs perfectly.
    np.testing.assert_allclose(out, expected * samples, atol=2e-7)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_the_network_always_sees_the_same_number_of_frames(stand_in: StandIn, rate: int) -> None:
    result_of(hiss(13 * rate), rate, engine="neural")
    assert len({features.shape for features in stand_in.seen}) == 1
    assert len(stand_in.seen) == 3


def test_the_network_is_told_power_over_level_and_over_noise(stand_in: StandIn) -> None:
    samples = hiss(6 * RATE, level=0.05)
    result_of(samples, engine="neural")
    spectra = torch_compatible_frames(samples[:, 0], Stft())
    power = spectra.real**2 + spectra.imag**2
    level = power[2:-2].mean()
    first = stand_in.seen[0][0]
    # The window of the first chunk starts 43 frames before the first that touches sample 0, which is frame -1.
    frame = 100
    told = first[:, frame + 43 + 1]
    np.testing.assert_allclose(told[:1025], np.log(power[frame] / level + 1e-9), atol=0.05)
    # The stand-in's profile: level * exp(ln 0.01 - exp(ln 0.01)).
    np.testing.assert_allclose(told[1025:], np.log(power[frame] / (level * 0.01 * np.exp(-0.01))), atol=0.05)
    assert told[1025:].min() >= -7
    # Before the recording there is nothing.
    np.testing.assert_allclose(first[:1025, 0], np.log(1e-9), atol=1e-5)
    np.testing.assert_array_equal(first[1025:, 0], -7)


def test_mid_and_side_are_judged_each_by_itself(stand_in: StandIn) -> None:
    mono = hiss(6 * RATE)
    result_of(np.repeat(mono, 2, axis=1), engine="neural")
    assert len(stand_in.seen) == 2  # two chunks of mid; side is silent, and nobody asks about it
    stand_in.seen.clear()
    result_of(hiss(6 * RATE, 2), engine="neural")
    assert len(stand_in.seen) == 4


def test_planes_come_back_as_channels() -> None:
    for channels in (1, 2, 3):
        samples = hiss(100, channels)
        np.testing.assert_allclose(from_planes(to_planes(samples)), samples, atol=1e-8)


@pytest.mark.parametrize("method", ["wiener", "subtraction", "median + wiener", "median + subtraction"])
def test_every_classical_method_gains_on_music_in_hiss(method: str) -> None:
    clean = music(8)
    noisy = clean + hiss(len(clean), level=float(np.std(clean)) * 10 ** (-10 / 20))
    # Well below the textbook gain of 8 dB at 10 dB, well above none.
    assert snr_db(clean, result_of(noisy, classical_method=method)) > 10 + 3


def test_the_median_takes_lone_impulses_and_nothing_else() -> None:
    clean = music(4)
    damaged = clean.copy()
    damaged[[30_000, 70_000, 120_000]] += 0.5
    removed = damaged - result_of(damaged, classical_method="median")
    assert set(np.flatnonzero(removed[:, 0])) == {30_000, 70_000, 120_000}
    np.testing.assert_allclose(removed[[30_000, 70_000, 120_000], 0], 0.5, atol=0.01)


@pytest.mark.parametrize("method", ["wiener", "subtraction"])
def test_no_bin_gets_louder(method: str) -> None:
    samples = hiss(6 * RATE, level=0.1) + music(6)
    power = np.abs(torch_compatible_frames(samples[:, 0], Stft())).astype(np.float64) ** 2
    noise = power.mean(axis=0, dtype=np.float64)
    gains = getattr(denoise.classical, f"{method}_gain")(power.astype(np.float32), noise.astype(np.float32))
    assert gains.min() >= 0
    assert gains.max() <= 1


def test_a_deeper_floor_removes_more() -> None:
    noisy = music(4) + hiss(4 * RATE)
    left = [float(np.std(result_of(noisy, floor_db=f) - noisy)) for f in (0.0, -6.0, -18.0, -80.0)]
    assert left == sorted(left)
    assert left[0] == 0


@pytest.mark.parametrize("rate", [8_000, 22_050, 32_000, 96_000])
def test_other_rates_lose_their_noise_too(rate: int) -> None:
    clean = music(6, rate)
    noisy = clean + hiss(len(clean), level=float(np.std(clean)) * 10 ** (-10 / 20))
    result = result_of(noisy, rate)
    # What lies above 24 kHz is never heard by the engines and stays.
    heard = [scipy.signal.resample_poly(x, 1, max(1, rate // 40_000)) for x in (clean, result, noisy)]
    assert snr_db(heard[0], heard[1]) > snr_db(heard[0], heard[2]) + 3


def test_chunks_are_those_of_the_whole_recording_done_at_once() -> None:
    samples = music(12) + hiss(12 * RATE, seed=3)
    params = complete(RESTORE, ALONE)
    signal = ArraySignal(samples.copy(), RATE)
    analysis = RESTORE.analyse(signal, params, {})
    spectra = torch_compatible_frames(samples[:, 0], Stft())
    noise = np.exp(analysis.arrays["denoise.log_power"][0])
    at_once = Stft().inverse(denoise.classical.wiener_gain(spectra.real**2 + spectra.imag**2, noise) * spectra)
    chunks = RESTORE.render(signal, params, analysis, {}, Span(0, signal.frames))[:, 0]
    # The Wiener filter has nearly forgotten its start after the half second that is thrown away.
    inner = slice(RATE, 11 * RATE)
    np.testing.assert_allclose(chunks[inner], at_once[1024:][inner], atol=1e-4)


def test_digital_silence_inside_stays_digital_silence() -> None:
    samples = music(6) + hiss(6 * RATE)
    samples[2 * RATE : 3 * RATE] = 0
    samples[100_000:100_100] = 0  # 2 ms of zeros are music that crosses zero
    out = result_of(samples)
    assert not out[2 * RATE : 3 * RATE].any()
    assert denoise.digital_silence(samples, RATE).sum() == RATE


def test_a_dead_channel_stays_dead() -> None:
    samples = np.concatenate([music(3) + hiss(3 * RATE), np.zeros((3 * RATE, 1), np.float32)], axis=1)
    out = result_of(samples)
    assert not out[:, 1].any()
    assert not np.array_equal(out[:, 0], samples[:, 0])


def test_noise_learnt_from_a_selection_is_better_than_guessing() -> None:
    clean = np.concatenate([np.zeros((RATE, 1), np.float32), music(6)])
    noisy = clean + hiss(len(clean), level=0.01)
    guessed, learnt = result_of(noisy), result_of(noisy, noise_from="0-1")
    assert snr_db(clean, learnt) >= snr_db(clean, guessed)
    assert snr_db(clean, learnt) > snr_db(clean, noisy) + 7


def test_a_learnt_profile_needs_no_profile_network(stand_in: StandIn) -> None:
    params = complete(RESTORE, {"noise_from": "0-1"})
    assert RESTORE.networks(params) == ("denoiser",)
    assert RESTORE.networks(complete(RESTORE, {})) == ("noise_profile", "denoiser")
    assert RESTORE.networks(complete(RESTORE, {"engine": "classical"})) == ()
    assert RESTORE.networks(complete(RESTORE, {"denoise": False})) == ()


@pytest.mark.parametrize("selection", ["3-3.05", "90-99", "2-1", "one-two", "5"])
def test_a_selection_that_makes_no_sense_is_refused_in_a_sentence(selection: str) -> None:
    with pytest.raises(UsageError, match=r"select|START-STOP"):
        result_of(hiss(4 * RATE), noise_from=selection)


def test_a_cancel_while_rendering_is_heard_within_a_chunk() -> None:
    params = complete(RESTORE, ALONE)
    signal = ArraySignal(hiss(12 * RATE), RATE)
    analysis = RESTORE.analyse(signal, params, {})
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        RESTORE.render(signal, params, analysis, {}, Span(0, signal.frames), job)
