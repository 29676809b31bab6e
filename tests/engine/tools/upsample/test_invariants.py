"""What holds whatever a network has learnt: exact length, silence, the kept band, stereo, level, and any span.

Every promise is tested for each way in which a band is made.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import scipy.signal
import soxr
from numpy.typing import NDArray

from engine.audio.resample import ResampledSignal
from engine.audio.signal import ArraySignal, Samples, SilentSignal, Span, format_of
from engine.tools.tool import Analysis, Value, complete
from engine.tools.upsample import UPSAMPLE
from engine.tools.upsample import render as render_module
from engine.tools.upsample.facts import Learned

# Rate of the recording, and the knobs.
WAYS: dict[str, tuple[int, dict[str, Value]]] = {
    "24 to 48 kHz": (24_000, {}),
    "48 kHz as it is": (48_000, {"cutoff_hz": 6_000.0}),
    "24 to 96 kHz": (24_000, {"factor": "4"}),
    "8 to 16 kHz": (8_000, {"factor": "2"}),
    "8 to 12 kHz": (8_000, {"rate_hz": 12_000}),
    "2 to 4 kHz": (2_000, {"factor": "2"}),
    "8 to 16 kHz, film": (8_000, {"model": "afilm"}),
    "4 to 16 kHz, film": (4_000, {"model": "tfilm"}),
}
FRAME_WAYS = {name: way for name, way in WAYS.items() if "film" not in name}

Way = tuple[int, dict[str, Value]]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


def sound(rate: int, seconds: float = 2.0, channels: int = 1, seed: int = 1) -> ArraySignal:
    """Noise that swells and fades, with no DC, as loud as music."""
    chance = np.random.default_rng(seed)
    noise = chance.standard_normal((round(seconds * rate), channels))
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * np.arange(len(noise)) / rate / 0.7)
    return ArraySignal((0.08 * noise * swell[:, None]).astype(np.float32), rate)


def base_of(signal: ArraySignal, rate: int) -> Samples:
    made = ResampledSignal(signal, rate)
    return made.read(0, made.frames)


def rate_of(signal: ArraySignal, values: dict[str, Value]) -> int:
    return UPSAMPLE.output_format(format_of(signal), complete(UPSAMPLE, values)).rate


def powers(samples: NDArray[Any], rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return frequencies and power of one channel, with a window whose sidelobes lie at -92 dB."""
    size = min(8192, len(samples))
    hertz, power = scipy.signal.welch(samples.astype(np.float64), rate, "blackmanharris", size, detrend=False)
    return hertz, power


# --- Length


@pytest.mark.parametrize("frames", [1, 2, 31, 4095, 8193, 100_003])
def test_the_length_is_exact(way: Way, frames: int, render: Any) -> None:
    rate, values = way
    signal = ArraySignal(np.random.default_rng(frames).normal(0, 0.1, (frames, 1)).astype(np.float32), rate)
    result = render(signal, **values)
    wanted = rate_of(signal, values)
    assert result.shape == ((frames * wanted + rate // 2) // rate, 1)
    assert np.isfinite(result).all()


def test_nothing_is_delayed(way: Way, render: Any) -> None:
    rate, values = way
    signal = sound(rate)
    result = render(signal, **values)[:, 0].astype(np.float64)
    # Raised by another program's zero-phase filter, so that both lie on one grid.
    truth = scipy.signal.resample(signal.samples[:, 0].astype(np.float64), len(result))
    cross = scipy.signal.correlate(result, truth, "full", "fft")
    assert int(np.argmax(cross)) == len(truth) - 1


# --- Silence and DC


def test_silence_stays_silent(way: Way, render: Any) -> None:
    rate, values = way
    assert not render(SilentSignal(rate, 2, 3 * rate), **values).any()


def test_a_pause_of_digital_silence_gets_no_band(way: Way, render: Any) -> None:
    rate, values = way
    samples = sound(rate, 4.0).samples.copy()
    samples[rate : 3 * rate] = 0.0
    made = render(ArraySignal(samples, rate), listen="generated", **values)
    middle = made[round(len(made) * 0.45) : round(len(made) * 0.55)]
    assert np.abs(middle).max() < 1e-6  # -120 dB of full scale
    assert np.abs(made[: len(made) // 8]).max() > 1e-4


def test_dc_neither_grows_nor_spreads(way: Way, render: Any) -> None:
    rate, values = way
    result = render(ArraySignal(np.full((4 * rate, 1), 0.1, dtype=np.float32), rate), **values)[:, 0]
    middle = result[len(result) // 4 : -len(result) // 4]
    assert np.abs(middle - 0.1).max() < 1e-5  # -80 dB under it; the ends are steps, and have a spectrum


# --- The same bits


def test_any_span_equals_the_whole_to_the_bit(way: Way, render: Any) -> None:
    rate, values = way
    signal = sound(rate, 10.2)
    analysis = UPSAMPLE.analyse(signal, complete(UPSAMPLE, values), {})
    whole = render(signal, None, analysis, **values)
    wanted = rate_of(signal, values)
    edges = [0, 777, 4 * wanted, 5 * wanted - 1, 5 * wanted, 10 * wanted + 7]
    spans = [Span(a, b) for a, b in pairwise([*edges, len(whole)])]
    for index in np.random.default_rng(2).permutation(len(spans)):
        span = spans[index]
        again = ArraySignal(signal.samples.copy(), rate)
        assert np.array_equal(render(again, span, analysis, **values), whole[span.start : span.stop]), span


def test_two_runs_are_equal(way: Way, render: Any) -> None:
    rate, values = way
    signal = sound(rate, 1.0, 2)
    assert np.array_equal(render(signal, **values), render(ArraySignal(signal.samples.copy(), rate), **values))


def test_chunks_make_what_one_pass_makes(way: Way, render: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rate, values = way
    signal = sound(rate, 10.5)
    in_chunks = render(signal, **values)
    monkeypatch.setattr(render_module, "CHUNK_SECONDS", 11)
    at_once = render(signal, **values)
    assert np.abs(in_chunks - at_once).max() <= 1e-4  # of full scale; the promise
    assert np.abs(at_once - base_of(signal, rate_of(signal, values))).max() > 1e-2, "no band, so nothing was proved"


# --- The band the recording has


@pytest.mark.parametrize("tilt_db", [0.0, 6.0])
def test_the_own_band_is_kept(way: Way, tilt_db: float, render: Any) -> None:
    rate, values = way
    signal = sound(rate, 6.0)
    params = complete(UPSAMPLE, {**values, "tilt_db": tilt_db})
    analysis = UPSAMPLE.analyse(signal, params, {})
    band = UPSAMPLE.generated_band(format_of(signal), params, analysis)
    assert band is not None
    wanted = rate_of(signal, values)
    base = base_of(signal, wanted)[:, 0]
    added = render(signal, None, analysis, **{**values, "tilt_db": tilt_db})[:, 0] - base
    hertz, own = powers(base, wanted)
    change = powers(added, wanted)[1]
    kept = hertz < band[0] - min(500.0, 0.15 * band[0]) - 200.0
    # The promise is -60 dB, the aim -90 dB: here the generated band is as loud as the own one, which it never is.
    assert 10 * np.log10(change[kept].sum() / own[kept].sum()) < -90.0
    assert 10 * np.log10(change[hertz > band[0]].sum() / own[kept].sum()) > -40.0, "nothing was added"


def test_with_its_band_all_there_a_recording_is_not_changed(render: Any) -> None:
    signal = sound(48_000)
    full = Learned(24_000.0, 1.0, 0.0, 0.0, False, 1.0, True, False, 0.0, ()).analysis().facts
    assert np.array_equal(render(signal, None, Analysis(full)), signal.samples)
    assert np.array_equal(render(signal, None, Analysis(full), rate_hz=96_000), base_of(signal, 96_000))


@pytest.mark.parametrize("rate", [22_050, 32_000, 46_000])
def test_a_whole_recording_at_its_own_rate_is_copied_whatever_rate_the_network_works_at(rate: int, render: Any) -> None:
    signal = sound(rate)
    params = complete(UPSAMPLE, {"rate_hz": rate})
    analysis = UPSAMPLE.analyse(signal, params, {})
    assert np.array_equal(render(signal, None, analysis, rate_hz=rate), signal.samples)
    assert "nothing is missing, so it was copied" in " ".join(UPSAMPLE.remarks(format_of(signal), params, analysis))


def test_without_generating_the_recording_is_only_resampled(way: Way, render: Any) -> None:
    rate, values = way
    signal = sound(rate)
    result = render(signal, generate=False, **values)
    assert np.array_equal(result, base_of(signal, rate_of(signal, values)))


def test_the_generated_band_alone_is_what_the_result_has_more(way: Way, render: Any) -> None:
    rate, values = way
    signal = sound(rate)
    base = base_of(signal, rate_of(signal, values))
    result, band = render(signal, **values), render(signal, listen="generated", **values)
    assert np.abs(result - base - band).max() < 1e-6  # float32 of sounds below 1
    half = render(signal, amount=50.0, **values)
    assert np.abs(half - base - 0.5 * band).max() < 1e-6
    assert np.array_equal(render(signal, amount=0.0, **values), base)


def test_live_knobs_on_a_finished_result_do_what_rendering_anew_would(render: Any) -> None:
    rate, values = WAYS["24 to 48 kHz"]
    signal = sound(rate)
    dry, wet = base_of(signal, 48_000), render(signal, **values)
    settings: list[dict[str, Value]] = [
        {"amount": 30.0},
        {"listen": "generated"},
        {"amount": 70.0, "listen": "generated"},
    ]
    for live in settings:
        params = complete(UPSAMPLE, {**values, **live})
        assert np.abs(UPSAMPLE.apply_live(dry, wet, params) - render(signal, **values, **live)).max() < 1e-6


def test_all_of_the_band_heard_live_is_the_result_to_the_bit() -> None:
    chance = np.random.default_rng(3)
    dry, wet = (chance.standard_normal((1_000, 2)).astype(np.float32) for _ in range(2))
    assert not np.array_equal(dry + (wet - dry), wet)
    assert UPSAMPLE.apply_live(dry, wet, complete(UPSAMPLE, {})) is wet
    assert not np.array_equal(UPSAMPLE.apply_live(dry, wet, complete(UPSAMPLE, {"listen": "generated"})), wet)


def test_a_tilt_changes_the_level_by_itself_per_octave(render: Any) -> None:
    signal = sound(48_000, 4.0)
    bands = [render(signal, cutoff_hz=5_000.0, listen="generated", tilt_db=tilt)[:, 0] for tilt in (0.0, -4.0)]
    (hertz, plain), (_, tilted) = (powers(band, 48_000) for band in bands)
    changed = 10 * np.log10(tilted / plain)
    assert changed[np.argmin(np.abs(hertz - 5_100))] == pytest.approx(0.0, abs=0.3)
    assert changed[np.argmin(np.abs(hertz - 10_000))] == pytest.approx(-4.0, abs=0.2)
    assert changed[np.argmin(np.abs(hertz - 20_000))] == pytest.approx(-8.0, abs=0.2)


def test_nothing_is_invented_above_what_the_network_knows(render: Any) -> None:
    signal = sound(24_000, 4.0)
    band = render(signal, factor="4", listen="generated")[:, 0]
    hertz, power = powers(band, 96_000)
    beyond, inside = power[hertz > 24_100].sum(), power[hertz < 24_000].sum()
    assert 10 * np.log10(beyond / inside) < -90.0


def test_films_may_change_the_own_band_when_told(render: Any) -> None:
    signal = sound(8_000, 4.0)
    base = base_of(signal, 16_000)
    changes = [render(signal, model="afilm", keep_band=keeps) - base for keeps in (True, False)]
    hertz = powers(base[:, 0], 16_000)[0]
    low = [powers(change[:, 0], 16_000)[1][hertz < 2_500].sum() for change in changes]
    assert 10 * np.log10(low[0] / low[1]) < -60.0


# --- Stereo


def test_exchanged_channels_come_out_exchanged_to_the_bit(way: Way, render: Any) -> None:
    rate, values = way
    signal = sound(rate, 1.5, 2)
    swapped = ArraySignal(np.ascontiguousarray(signal.samples[:, ::-1]), rate)
    assert np.array_equal(render(swapped, **values), render(signal, **values)[:, ::-1])


def test_equal_channels_stay_equal_to_the_bit(way: Way, render: Any) -> None:
    rate, values = way
    one = sound(rate, 1.5)
    both = render(ArraySignal(np.repeat(one.samples, 2, axis=1), rate), **values)
    assert np.array_equal(both[:, 0], both[:, 1])
    # The mid of two equal channels is one of them, to the bit; transforms of one and two columns may differ by more.
    assert np.abs(both[:, :1] - render(one, **values)).max() < 1e-6


def test_a_side_below_50_db_gets_no_band_of_its_own(render: Any) -> None:
    mid, side = sound(24_000, 3.0, seed=1).samples, sound(24_000, 3.0, seed=2).samples * np.float32(10 ** (-56 / 20))
    signal = ArraySignal(np.concatenate([mid + side, mid - side], axis=1), 24_000)
    band = render(signal, listen="generated")
    assert np.array_equal(band[:, 0], band[:, 1])


def test_three_channels_are_treated_each_for_itself(render: Any) -> None:
    signal = sound(24_000, 2.0, 3)
    analysis = UPSAMPLE.analyse(signal, complete(UPSAMPLE, {}), {})
    together = render(signal, None, analysis)
    alone = [render(ArraySignal(signal.samples[:, c : c + 1].copy(), 24_000), None, analysis) for c in range(3)]
    assert np.abs(together - np.concatenate(alone, axis=1)).max() < 1e-6


@pytest.mark.parametrize("silent", [0, 1])
def test_a_silent_channel_stays_as_it_is_and_the_other_sounds_as_if_alone(way: Way, silent: int, render: Any) -> None:
    rate, values = way
    one = sound(rate, 1.5)
    samples = np.zeros((one.frames, 2), dtype=np.float32)
    samples[:, 1 - silent] = one.samples[:, 0]
    result = render(ArraySignal(samples, rate), **values)
    assert not result[:, silent].any()
    assert np.abs(result[:, 1 - silent] - render(one, **values)[:, 0]).max() < 1e-4  # the gain is measured on both
    other = render(ArraySignal(np.ascontiguousarray(samples[:, ::-1]), rate), **values)
    assert np.array_equal(other, result[:, ::-1])


def test_a_channel_of_dither_stays_as_it_is_and_any_span_of_it(render: Any) -> None:
    samples = sound(24_000, 6.0, 2).samples.copy()
    samples[:, 1] = np.random.default_rng(5).uniform(-3e-5, 3e-5, len(samples))  # under -90 dBFS
    signal = ArraySignal(samples, 24_000)
    result, base = render(signal), base_of(signal, 48_000)
    assert np.array_equal(result[:, 1], base[:, 1])
    assert not np.array_equal(result[:, 0], base[:, 0])
    assert np.array_equal(render(signal, Span(200_000, 260_000)), result[200_000:260_000])
    nearly = ArraySignal(np.repeat(signal.samples[:, 1:], 2, axis=1), 24_000)
    assert np.array_equal(render(nearly), base_of(nearly, 48_000))


# --- Level


def test_40_db_less_gives_the_same_band_40_db_below(way: Way, render: Any) -> None:
    """Within half a decibel in every third of an octave, so that no shape changes."""
    rate, values = way
    loud = sound(rate, 4.0)
    quiet = ArraySignal((loud.samples * np.float32(0.01)).astype(np.float32), rate)
    wanted = rate_of(loud, values)
    levels = []
    for signal in (loud, quiet):
        hertz, power = powers(render(signal, listen="generated", **values)[:, 0], wanted)
        edges = np.geomspace(0.55 * rate if "cutoff_hz" not in values else 7_000.0, 0.49 * min(wanted, 48_000), 6)
        levels.append([10 * np.log10(power[(hertz >= a) & (hertz < b)].sum()) for a, b in pairwise(edges)])
    assert np.array(levels[0]) - np.array(levels[1]) == pytest.approx(40.0, abs=0.5)


def test_a_recording_far_below_hearing_gets_no_band(way: Way, render: Any) -> None:
    rate, values = way
    signal = sound(rate)
    quiet = ArraySignal((signal.samples * np.float32(1e-5)).astype(np.float32), rate)  # peaks under -110 dB
    assert np.array_equal(render(quiet, **values), base_of(quiet, rate_of(quiet, values)))


def test_another_program_agrees_about_the_base(render: Any) -> None:
    signal = sound(24_000, 2.0)
    result = render(signal, generate=False)[:, 0]
    theirs = soxr.resample(signal.samples[:, 0], 24_000, 48_000, quality="VHQ")
    assert np.abs(result - theirs)[4800:-4800].max() < 1e-6
