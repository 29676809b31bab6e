"""Age as a whole: what it says it did is exactly what it did."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.signal

from engine.audio.signal import ArraySignal, Format, Samples, Span, format_of
from engine.audio.warp import warp
from engine.errors import UsageError
from engine.tools.age import AGE, EFFECTS, events, speed_curve, stems, time_map
from engine.tools.tool import Analysis, Value, complete

RATE = 44_100
PRESET = "1920s 78 rpm"


def noise(seconds: float, level: float = 0.02, channels: int = 1, rate: int = RATE) -> ArraySignal:
    frames = round(seconds * rate)
    samples = np.random.default_rng(8).standard_normal((frames, channels)) * level
    return ArraySignal(samples.astype(np.float32), rate)


def aged(signal: ArraySignal, **values: Value) -> Samples:
    return AGE.render(signal, complete(AGE, values), Analysis(), {}, Span(0, signal.frames))


def whole(signal: ArraySignal, **values: Value) -> dict[str, Samples]:
    return stems(signal, values, Span(0, signal.frames))


def level_db(samples: Samples) -> float:
    return float(20 * np.log10(samples.std()))


# --- The seed


def test_the_same_seed_gives_the_same_bits_and_another_one_doesn_t() -> None:
    signal = noise(3)
    assert np.array_equal(aged(signal, seed=5), aged(signal, seed=5))
    assert not np.array_equal(aged(signal, seed=5), aged(signal, seed=6))


def test_the_first_preset_is_what_one_gets_without_asking() -> None:
    assert next(iter(AGE.presets)) == PRESET
    assert complete(AGE, AGE.presets[PRESET]) == complete(AGE, {})


def test_the_preset_has_the_published_numbers() -> None:
    values = AGE.presets[PRESET]
    named = (
        "hiss_level",
        "low_pass_hz",
        "high_pass_hz",
        "wow_percent",
        "wow_hz",
        "flutter_percent",
        "flutter_hz",
        "drive",
    )
    assert [values[name] for name in named] == [0.005, 3500, 200, 0.3, 1.30, 0.1, 8, 2]
    assert values["crackle_per_s"] + values["clicks_per_s"] == 5  # type: ignore[operator]


@pytest.mark.parametrize("seed", range(10))
def test_the_number_of_events_is_poisson_with_five_a_second(seed: int) -> None:
    count = len(events(Format(RATE, 1, 200 * RATE), {**AGE.presets[PRESET], "seed": seed}))
    assert abs(count - 1000) < 3 * np.sqrt(1000)


def test_the_spectrum_is_within_a_decibel_of_the_filters() -> None:
    signal = noise(60)
    made = whole(signal, **AGE.presets[PRESET])
    hertz, before = scipy.signal.welch(signal.samples[:, 0].astype(np.float64), RATE, nperseg=8192)
    _, after = scipy.signal.welch(made["wow"][:, 0].astype(np.float64), RATE, nperseg=8192)
    low = scipy.signal.butter(4, 2 * np.pi * 3500, "low", analog=True)
    high = scipy.signal.butter(4, 2 * np.pi * 200, "high", analog=True)
    gain = np.abs(scipy.signal.freqs(*low, 2 * np.pi * hertz)[1] * scipy.signal.freqs(*high, 2 * np.pi * hertz)[1])
    expected = 20 * np.log10(gain + 1e-9)
    error = 10 * np.log10(after / before + 1e-18) - expected
    chosen = (expected > -40) & (hertz > 100)
    # Wow smears the spectrum by a fraction of a bin; a bin's own scatter is a fifth of a decibel.
    assert np.abs(error[chosen]).max() < 1.0


def test_the_hiss_has_its_share_of_full_scale() -> None:
    made = whole(noise(10), **AGE.presets[PRESET])
    assert (made["hiss"] - made["rumble"]).std() == pytest.approx(0.005, rel=0.01)


# --- Stems


def test_the_last_stem_is_the_result_and_effects_that_are_off_change_nothing() -> None:
    signal = noise(2, channels=2)
    made = whole(signal, **AGE.presets[PRESET])
    assert tuple(made) == EFFECTS
    assert np.array_equal(made["thumps"], aged(signal))
    assert np.array_equal(made["resonance"], made["distortion"])
    assert np.array_equal(made["hum"], made["wow"])
    assert np.array_equal(made["rumble"], made["wow"])


def test_a_stem_of_a_span_has_the_bits_of_the_whole() -> None:
    signal = noise(3, channels=2)
    everything: dict[str, Value] = dict.fromkeys(EFFECTS, True)
    made, part = whole(signal, **everything), stems(signal, everything, Span(50_001, 90_002))
    for effect in EFFECTS:
        assert np.array_equal(part[effect], made[effect][50_001:90_002]), effect


@pytest.mark.parametrize("effect", EFFECTS)
def test_switching_one_effect_off_leaves_the_chance_of_the_others_alone(effect: str) -> None:
    signal = ArraySignal(np.zeros((2 * RATE, 1), dtype=np.float32), RATE)
    everything: dict[str, Value] = dict.fromkeys(EFFECTS, True)
    both, without = whole(signal, **everything), whole(signal, **{**everything, effect: False})
    for before, other in pairwise(EFFECTS):
        if other != effect and other not in ("resonance", "band", "wow"):
            added = both[other] - both[before]
            assert np.abs(added - (without[other] - without[before])).max() < 1e-6, other


# --- Events


def test_a_stem_of_events_differs_from_the_one_before_at_the_events_and_nowhere_else() -> None:
    signal = noise(20, channels=2)
    values: dict[str, Value] = {**AGE.presets[PRESET], "thumps": True, "thumps_per_s": 0.5}
    made = whole(signal, **values)
    for effect, kinds in (("crackle", ("crackle",)), ("clicks", ("click", "pop")), ("thumps", ("thump",))):
        touched = made[effect] != made[EFFECTS[EFFECTS.index(effect) - 1]]
        listed = [event for event in events(format_of(signal), values) if event.kind in kinds]
        assert listed
        for event in listed:
            first = round(event.time_s * RATE)
            part = touched[first : first + int(event.length_s * RATE) + 2]
            hit = part.any(axis=0).tolist()
            assert hit == [event.channel in (None, channel) for channel in range(2)], event
            part[:] = False
        assert not touched.any()


def test_events_come_at_the_same_moments_at_any_rate_and_on_any_number_of_channels() -> None:
    listed = [events(Format(rate, channels, 20 * rate), {}) for rate, channels in ((RATE, 1), (8000, 1), (RATE, 6))]
    moments = [[(event.time_s, event.kind, event.level) for event in found] for found in listed]
    assert moments[0] == moments[1] == moments[2]
    assert moments[0]


def test_scratches_come_on_top() -> None:
    given = Format(RATE, 1, 600 * RATE)
    few = len(events(given, {"crackle": False}))
    many = len(events(given, {"crackle": False, "scratches_per_s": 3.0}))
    assert (many - few) / 600 == pytest.approx(3.0, rel=0.2)


# --- Time


def test_the_map_is_exactly_the_wow_that_is_heard() -> None:
    time = np.arange(4 * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * hertz * time + hertz) for hertz in (330, 1000, 4000, 9000))
    signal = ArraySignal((0.1 * np.asarray(tones)).astype(np.float32)[:, None], RATE)
    off: dict[str, Value] = dict.fromkeys(EFFECTS, False)
    values = {**off, "wow": True, "wow_percent": 0.5, "drift_percent": 0.1}
    heard = whole(signal, **values)["wow"]
    told = warp(signal, time_map(format_of(signal), values)).read(0, signal.frames)
    assert level_db(heard - told) - level_db(heard) < -75
    assert level_db(heard - signal.samples) - level_db(heard) > -20


def test_both_ends_stay_and_the_cents_are_the_ones_asked_for() -> None:
    given = Format(RATE, 1, 300 * RATE)
    map_, curve = time_map(given, {}), speed_curve(given, {})
    assert map_.target_at([0.0, 300.0]) == pytest.approx([0.0, 300.0], abs=1e-12)
    cents = curve.cents_at(np.linspace(0, 300, 100_001))
    # 0.3 % and 0.1 % peak: 3.67 and 1.22 cents RMS.
    assert np.sqrt(np.mean(cents**2)) == pytest.approx(np.hypot(3.67, 1.22), abs=0.03)


def test_without_wow_the_map_is_the_identity() -> None:
    map_ = time_map(Format(RATE, 1, 300 * RATE), {"wow": False})
    assert map_.target_at([0.0, 123.4, 300.0]).tolist() == [0.0, 123.4, 300.0]


def test_a_causal_chain_is_the_recursive_filter_and_its_delay_stands_in_the_map() -> None:
    signal = noise(3, rate=16_000)
    off: dict[str, Value] = dict.fromkeys(EFFECTS, False)
    values = {**off, "band": True, "phase": "causal"}
    made = aged(signal, **values)[:, 0]
    expected = signal.samples[:, 0].astype(np.float64)
    for kind, edge in (("lowpass", 3500), ("highpass", 200)):
        expected = scipy.signal.sosfilt(scipy.signal.butter(4, edge, kind, fs=16_000, output="sos"), expected)
    assert level_db((made - expected).astype(np.float32)) - level_db(made) < -80
    delay = -float(time_map(format_of(signal), values).target_at([1.0])[0] - 1.0)
    assert 0.0001 < delay < 0.003
    undone = warp(ArraySignal(made[:, None], 16_000), time_map(format_of(signal), values).invert()).read(0, 48_000)
    linear = aged(signal, **{**values, "phase": "linear"})
    # It is the delay of envelopes: around the middle of the band they lie upon each other again, the phases don't.
    band = scipy.signal.butter(4, [600, 1200], "bandpass", fs=16_000, output="sos")
    envelopes = [
        np.abs(scipy.signal.hilbert(scipy.signal.sosfiltfilt(band, samples[:, 0].astype(np.float64))))
        for samples in (undone, linear)
    ]
    lags = np.arange(-40, 41)
    likeness = [np.corrcoef(envelopes[0][100 + lag : 47_000 + lag], envelopes[1][100:47_000])[0, 1] for lag in lags]
    assert lags[int(np.argmax(likeness))] == pytest.approx(0, abs=1)


# --- The ends of the scale


def test_clean_returns_the_bits_of_the_source() -> None:
    signal = noise(1.5, channels=2)
    assert np.array_equal(aged(signal, **AGE.presets["Clean"]), signal.samples)


class Virtual:
    """Three hours of silence."""

    rate, channels, frames = 48_000, 2, 48_000 * 3600 * 3

    def read(self, start: int, stop: int) -> Samples:
        return np.zeros((stop - start, 2), dtype=np.float32)


def test_the_end_of_three_hours_is_as_near_as_the_start() -> None:
    signal, params = Virtual(), complete(AGE, dict.fromkeys(EFFECTS, True))
    end = AGE.render(signal, params, Analysis(), {}, Span(signal.frames - 48_000, signal.frames))
    part = AGE.render(signal, params, Analysis(), {}, Span(signal.frames - 30_000, signal.frames - 20_000))
    assert np.array_equal(part, end[18_000:28_000])
    assert end.std() > 0.004


def test_values_out_of_range_are_refused_with_the_range() -> None:
    with pytest.raises(UsageError, match=r"wow_percent can't be 9\.0: give 0 to 5 %"):
        stems(noise(1), {"wow_percent": 9.0}, Span(0, 10))
    with pytest.raises(ValueError, match="outside"):
        stems(noise(1), {}, Span(0, RATE + 1))
