"""What the stages promise together: sums, switches, strengths, and no work done twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Samples, Span
from engine.measure import clicks
from engine.tools.restore import RESTORE, declick, memory
from engine.tools.tool import Job, Value, complete

RATE = 22_050
STAGES = ("declick", "dehum", "denoise")


def damaged(seconds: float = 6, channels: int = 2) -> ArraySignal:
    chance, time = np.random.default_rng(4), np.arange(round(seconds * RATE)) / RATE
    notes = sum(0.1 * np.sin(2 * np.pi * f * time) for f in (330, 441.3, 617.0)) * np.maximum(np.sin(3 * time), 0) ** 2
    hum = sum(0.01 * np.cos(2 * np.pi * 50 * k * time) for k in (1, 2, 3))
    out = (notes + hum)[:, None] + 0.003 * chance.standard_normal((len(time), channels))
    for at in range(5_000, len(time) - 100, 9_000):
        out[at : at + 12, at % channels] += 0.4 * chance.standard_normal(12)
    return ArraySignal(out.astype(np.float32), RATE)


def restored(signal: ArraySignal, **values: Value) -> tuple[Samples, dict[str, Any]]:
    params = complete(RESTORE, {"engine": "classical", **values})
    analysis = RESTORE.analyse(signal, params, {})
    return RESTORE.render(signal, params, analysis, {}, Span(0, signal.frames)), dict(analysis.facts)


def test_every_stage_finds_its_damage_and_says_so() -> None:
    _, facts = restored(damaged())
    assert facts["declick"]["clicks"] == 15
    assert facts["declick"]["clicks_per_second"] == pytest.approx(15 / 6 / 2, abs=1e-3)
    assert facts["dehum"]["hum_hz"] == pytest.approx(50, abs=0.01)
    assert facts["dehum"]["harmonics"] == [1, 2, 3]
    # 0.003 is -50.5 dB; mid and side hold half of its power each.
    assert facts["denoise"]["noise_db"] == pytest.approx(-53.5, abs=1.5)


def test_input_minus_result_is_the_sum_of_what_one_can_listen_to() -> None:
    signal = damaged()
    result, _ = restored(signal, declick_strength=80.0, denoise_strength=60.0)
    parts = [restored(signal, listen=s, declick_strength=80.0, denoise_strength=60.0)[0] for s in STAGES]
    assert all(np.abs(part).max() > 1e-4 for part in parts)
    # Three float32 subtractions, each rounded at the last bit of a sample near 0.5.
    np.testing.assert_allclose(signal.samples - result, sum(parts), atol=2e-7)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_at_strength_0_is_the_same_as_switched_off(stage: str) -> None:
    signal = damaged(3)
    others = {s: False for s in STAGES if s != stage}
    at_zero, _ = restored(signal, **others, **{f"{stage}_strength": 0.0})
    np.testing.assert_array_equal(at_zero, signal.samples)
    silent, _ = restored(signal, **others, listen=stage, **{f"{stage}_strength": 0.0})
    assert not silent.any()


@pytest.mark.parametrize("stage", STAGES)
def test_half_the_strength_removes_half(stage: str) -> None:
    signal = damaged(3)
    others = {s: False for s in STAGES if s != stage}
    whole, _ = restored(signal, **others, listen=stage)
    half, _ = restored(signal, **others, listen=stage, **{f"{stage}_strength": 50.0})
    np.testing.assert_array_equal(half, whole * np.float32(0.5))


def test_strengths_floor_and_listening_need_no_new_analysis() -> None:
    waiting = {knob.name for knob in RESTORE.knobs if knob.invalidates != "analyse"}
    assert waiting == {*(f"{s}_strength" for s in STAGES), "floor_db", "classical_method", "listen"}


def test_presets_differ_in_what_they_take_away() -> None:
    signal = damaged(4)
    removed = {
        name: float(np.mean((restored(signal, **values)[0] - signal.samples) ** 2))
        for name, values in RESTORE.presets.items()
    }
    assert {"gentle", "standard", "strong", "78 rpm transfer", "speech"} <= set(removed)
    assert removed["gentle"] < removed["standard"] < removed["strong"]
    assert len(set(removed.values())) == len(removed)


def test_a_knob_of_denoise_sends_nobody_through_the_clicks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Known(ArraySignal):
        fingerprint = "the same sound"

    searched: list[float] = []

    def counted(signal: Any, sensitivity: float, **others: Any) -> clicks.Clicks:
        searched.append(sensitivity)
        return clicks.find_clicks(signal, sensitivity, **others)

    monkeypatch.setattr(declick, "find_clicks", counted)
    monkeypatch.setattr(memory.MEMORY, "_held", type(memory.MEMORY._held)())
    signal = Known(damaged(3).samples.copy(), RATE)
    first, _ = restored(signal)
    again, _ = restored(signal, noise_from="0.5-1.5")
    assert searched == [50.0]
    assert not np.array_equal(first, again)
    restored(signal, declick_sensitivity=60.0)
    assert searched == [50.0, 60.0]
    np.testing.assert_array_equal(restored(signal)[0], restored(damaged(3))[0])


def test_under_a_second_only_clicks_are_repaired() -> None:
    signal = damaged(0.9)
    result, facts = restored(signal)
    assert facts["denoise"]["skipped"] == "too short to profile noise"
    assert facts["declick"]["clicks"] == 2
    alone, _ = restored(signal, dehum=False, denoise=False)
    np.testing.assert_array_equal(result, alone)


def test_progress_goes_up_through_all_stages() -> None:
    heard: list[tuple[float, str]] = []
    params = complete(RESTORE, {"engine": "classical"})
    RESTORE.analyse(damaged(), params, {}, Job(lambda fraction, text: heard.append((fraction, text))))
    fractions = [fraction for fraction, _ in heard]
    assert fractions == sorted(fractions)
    assert {text for _, text in heard} == {"finding clicks", "listening for hum", "listening for noise"}
    assert fractions[-1] == pytest.approx(1)
