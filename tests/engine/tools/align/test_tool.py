"""Align as a tool of the rack: what it refuses, what it promises of length and bits, and which pitch is heard."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Format, Samples, SilentSignal, Span, format_of
from engine.errors import InputError, UsageError
from engine.tools.align import tool as module
from engine.tools.align.account import is_one_recording
from engine.tools.align.result import Alignment
from engine.tools.align.tool import ALIGN, alignment_of
from engine.tools.tool import Analysis, Value, complete
from tests.engine.tools.align.handmade import RATE, hiss, straight


@dataclass(frozen=True)
class Named:
    """A recording with a fingerprint, as files have."""

    signal: ArraySignal
    fingerprint: str

    rate = property(lambda self: self.signal.rate)
    channels = property(lambda self: self.signal.channels)
    frames = property(lambda self: self.signal.frames)

    def read(self, start: int, stop: int) -> Samples:
        return self.signal.read(start, stop)


class Solver:
    """Answers with an alignment made by hand and counts how often it was asked."""

    def __init__(self, answer: Alignment) -> None:
        self.answer, self.asked = answer, 0

    def __call__(self, *_arguments: Any, **_options: Any) -> Alignment:
        self.asked += 1
        return self.answer


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    module._solved.clear()
    yield
    module._solved.clear()


def solver(monkeypatch: pytest.MonkeyPatch, answer: Alignment) -> Solver:
    found = Solver(answer)
    stand_in = SimpleNamespace(align=found, UNRELATED_P=0.05)
    monkeypatch.setitem(sys.modules, "engine.tools.align.solve", stand_in)  # type: ignore[arg-type]
    return found


def analysed(target: Any, reference: Any, **values: Value) -> Analysis:
    return ALIGN.analyse(target, complete(ALIGN, values), {"reference": reference})


def rendered(target: Any, reference: Any, **values: Value) -> Samples:
    analysis = Analysis.from_bytes(analysed(target, reference, **values).to_bytes())
    made = ALIGN.output_format_with(format_of(target), {}, {"reference": format_of(reference)})
    return ALIGN.render(target, complete(ALIGN, values), analysis, {"reference": reference}, Span(0, made.frames))


def test_a_recording_on_its_own_timeline_is_a_copy_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = solver(monkeypatch, straight((0, 0.1, 3)))
    music = hiss(3.3, 44_100, 2)
    assert np.array_equal(rendered(music, ArraySignal(music.samples.copy(), 44_100)), music.samples)
    map_ = alignment_of(analysed(music, music)).time_map()
    assert np.array_equal(map_.source_s, map_.target_s)
    assert asked.asked == 0


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000])
@pytest.mark.parametrize("pitch", ["keep", "follow"])
def test_length_and_rate_are_the_references_and_channels_the_targets(
    monkeypatch: pytest.MonkeyPatch, rate: int, pitch: str
) -> None:
    solver(monkeypatch, straight((0, 0.3, 3)))
    reference = hiss(3, rate, 1, seed=2)
    reference = ArraySignal(reference.samples[:-7], rate)
    out = rendered(hiss(4, channels=3), reference, pitch=pitch)
    assert out.shape == (reference.frames, 3)
    assert np.isfinite(out).all()
    assert out.any()


def test_an_analysis_from_the_cache_is_the_alignment_that_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.tools.align.result import Corridor

    rows = np.arange(4.0)
    corridor = Corridor(rows, rows, np.array([-0.1, 0.0, 0.1]), np.arange(12, dtype=np.uint8).reshape(4, 3))
    made = straight((0, 0, 4), (6, 4, 3)).with_corridor(corridor)
    solver(monkeypatch, made)
    again = alignment_of(Analysis.from_bytes(analysed(hiss(9), hiss(9, seed=2)).to_bytes()))
    assert again.segments == made.segments
    assert np.array_equal(again.knots_target_s, made.knots_target_s)
    assert again.corridor is not None
    assert np.array_equal(again.corridor.likeness, corridor.likeness)
    assert again.corridor.runner_up_s is None


def test_another_pitch_asks_for_no_second_search(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = solver(monkeypatch, straight((0, 0, 9)))
    target, reference = Named(hiss(9), "a"), Named(hiss(9, seed=2), "b")
    for pitch in ("keep", "follow", "auto"):
        analysed(target, reference, pitch=pitch)
    assert asked.asked == 1
    analysed(target, reference, anchors="1=1")
    analysed(target, Named(hiss(9, seed=2), "c"))
    assert asked.asked == 3


def jittered(jitter_s: float, cents: float = 0.0, speed: float = 1.02) -> Alignment:
    knots = np.arange(0, 60, 0.05)
    wander = jitter_s * np.interp(knots, np.arange(0, 60, 0.4), np.random.default_rng(1).normal(0, 1, 150))
    return Alignment.from_knots(knots, speed * knots + wander, cents=cents)


def test_pitch_follows_the_speed_only_of_one_recording_played_faster() -> None:
    as_fast_as_high = float(1200 * np.log2(1.02))
    assert is_one_recording(jittered(0.0, as_fast_as_high))
    assert not is_one_recording(jittered(0.0, 0.0)), "faster but not higher: another performance"
    assert not is_one_recording(jittered(0.005, as_fast_as_high)), "5 ms from note to note would warble"


def test_there_must_be_a_reference() -> None:
    with pytest.raises(UsageError, match="Align has no reference"):
        ALIGN.analyse(hiss(3), complete(ALIGN, {}), {})


@pytest.mark.parametrize("side", ["reference", "target"])
@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (hiss(0.499), r"lasts 0\.499 s, too short"),
        (hiss(0), "is empty"),
        (SilentSignal(RATE, 2, 3 * RATE), "is silent"),
        (ArraySignal(np.full((2 * RATE, 1), 0.3, dtype=np.float32), RATE), "is silent"),
        (ArraySignal(hiss(2).samples * np.float32(1e-5), RATE), "is silent"),
    ],
)
def test_what_holds_nothing_to_find_is_refused_by_side(side: str, bad: Any, said: str) -> None:
    target, reference = (bad, hiss(3)) if side == "target" else (hiss(3), bad)
    with pytest.raises(InputError, match=f"the {side} {said}") as caught:
        analysed(target, reference)
    assert caught.value.exit_status == 3


def test_what_shares_no_music_is_refused_unless_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    solver(monkeypatch, replace(straight((0, 0, 9)), p_unrelated=0.43))
    with pytest.raises(InputError, match=r"do not seem to share music \(p = 0\.43\).*--set force=true"):
        analysed(hiss(9), hiss(9, seed=2))
    assert rendered(hiss(9), hiss(9, seed=2), force=True).any()


def test_the_report_says_what_was_found_in_figures_and_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    solver(monkeypatch, straight((0, 0, 60), (80, 60, 20), (100, 85, 10)))
    target, reference = hiss(95, 8000), hiss(110, 8000, seed=2)
    analysis = analysed(target, reference)
    account = ALIGN.account(target, reference, {}, analysis)
    assert (account["missing_s"], account["extra_s"], account["matched_s"]) == (20.0, 5.0, 90.0)
    assert account["speed"] == pytest.approx(1.0)
    assert "20.0 s missing at 1:00.0." in account["text"]
    assert "5.0 s more in the target at 1:40.0 (its 1:20.0 to 1:25.0)." in account["text"]
    assert ALIGN.remarks(Format(8000, 1, 8), {}, analysis)[0] == "made by hand"
