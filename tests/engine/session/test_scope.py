"""Outside its scope a device changes nothing, not one bit; inside it fades, mixes and filters as promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audio.signal import ArraySignal
from engine.session.recipe import Recipe, Scope, Step
from engine.session.render import Renderer
from engine.session.store import ChunkStore
from engine.settings import Settings
from engine.tools.tool import Tool

RATE = 1000


def flipped(renderer: Renderer, source: Any, scope: Scope, mix: float = 1.0) -> Any:
    """Return the source with its polarity reversed inside `scope`."""
    step = Step("gain", {"gain": -1.0}, scope=scope, mix=mix, id="g")
    return renderer.render(source, Recipe((step,)), "made up").read(0, source.frames)


@pytest.mark.parametrize(("start_s", "stop_s"), [(3.2, 11.7), (None, 5.0), (5.0, None), (4.999, 5.001), (7.0, 7.0)])
@pytest.mark.parametrize("mix", [1.0, 0.4])
def test_outside_its_time_span_the_source_stays_bit_for_bit(
    renderer: Renderer, source: Any, start_s: float | None, stop_s: float | None, mix: float
) -> None:
    result = flipped(renderer, source, Scope(start_s, stop_s), mix)
    start = round((start_s or 0.0) * RATE)
    stop = source.frames if stop_s is None else round(stop_s * RATE)
    assert np.array_equal(result[:start], source.samples[:start])
    assert np.array_equal(result[stop:], source.samples[stop:])
    middle = slice(start + 10, stop - 10)
    if mix == 1.0 and stop - start > 20:
        assert np.array_equal(result[middle], -source.samples[middle])


def test_only_the_part_inside_the_scope_is_rendered(
    renderer: Renderer, small_tools: dict[str, Any], source: Any
) -> None:
    flipped(renderer, source, Scope(4.0, 12.0))
    assert small_tools["gain"].rendered == [(4_000, 5_000), (5_000, 10_000), (10_000, 12_000)]


def test_the_edges_fade_linearly_inside_the_scope(renderer: Renderer) -> None:
    """y = x + g (f(x) - x) with x = 1 and f(x) = -1 shows the gain itself: y = 1 - 2 g."""
    ones = ArraySignal(np.ones((4_000, 1), dtype=np.float32), RATE)
    result = flipped(renderer, ones, Scope(1.0, 3.0, feather_ms=100.0))
    gain = (1.0 - result[:, 0]) / 2.0
    expected = np.zeros(4_000)
    ramp = (np.arange(100) + 0.5) / 100
    expected[1_000:3_000] = 1.0
    expected[1_000:1_100], expected[2_900:3_000] = ramp, ramp[::-1]
    assert np.allclose(gain, expected, atol=1e-6)


def test_nothing_fades_at_the_ends_of_the_recording(renderer: Renderer, source: Any) -> None:
    assert np.array_equal(flipped(renderer, source, Scope(0.0, 99.0)), -source.samples)


def test_a_scope_shorter_than_its_fades_still_fits(renderer: Renderer, source: Any) -> None:
    result = flipped(renderer, source, Scope(2.0, 2.008, feather_ms=500.0))
    changed = np.flatnonzero((result != source.samples).any(axis=1))
    assert (changed.min(), changed.max()) == (2_000, 2_007)


def test_other_channels_stay_bit_for_bit(renderer: Renderer, source: Any) -> None:
    result = flipped(renderer, source, Scope(channels=(1,)))
    assert np.array_equal(result[:, 0], source.samples[:, 0])
    assert np.array_equal(result[:, 1], -source.samples[:, 1])


@pytest.fixture
def tones() -> ArraySignal:
    """Return 20 s of 50, 200 and 400 Hz at 0.1 each."""
    time = np.arange(20_000) / RATE
    samples = sum(0.1 * np.sin(2 * np.pi * hz * time) for hz in (50, 200, 400))
    return ArraySignal(np.asarray(samples, dtype=np.float32)[:, None], RATE)


def level(samples: Any, hz: float) -> float:
    """Return the amplitude of one tone."""
    time = np.arange(len(samples)) / RATE
    return float(2 * abs(np.mean(samples[:, 0] * np.exp(-2j * np.pi * hz * time))))


def test_a_box_changes_its_frequencies_only(renderer: Renderer, tones: ArraySignal) -> None:
    step = Step("gain", {"gain": 0.0}, scope=Scope(5.0, 15.0, 150.0, 250.0), id="g")
    result = renderer.render(tones, Recipe((step,)), "tones").read(0, tones.frames)
    assert np.array_equal(result[:5_000], tones.samples[:5_000])
    assert np.array_equal(result[15_000:], tones.samples[15_000:])
    inside = result[8_000:12_000]
    assert level(inside, 50) == pytest.approx(0.1, rel=1e-3)
    assert level(inside, 400) == pytest.approx(0.1, rel=1e-3)
    assert level(inside, 200) < 1e-4


def test_a_box_has_no_seam_between_chunks(renderer: Renderer, tones: ArraySignal) -> None:
    step = Step("gain", {"gain": 0.0}, scope=Scope(None, None, 150.0, 250.0), id="g")
    result = renderer.render(tones, Recipe((step,)), "tones").read(0, tones.frames)
    time = np.arange(20_000) / RATE
    left = 0.1 * (np.sin(2 * np.pi * 50 * time) + np.sin(2 * np.pi * 400 * time))
    away_from_the_ends = slice(3_000, 17_000)
    assert np.allclose(result[away_from_the_ends, 0], left[away_from_the_ends], atol=1e-5)


def test_a_box_of_a_device_that_changes_nothing_is_the_source_bit_for_bit(renderer: Renderer, source: Any) -> None:
    step = Step("plain", scope=Scope(3.0, 12.0, 100.0, 300.0), id="p")
    assert np.array_equal(renderer.render(source, Recipe((step,))).read(0, source.frames), source.samples)


@settings(deadline=None)
@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_any_span_of_a_box_has_the_same_bits(a: int, b: int) -> None:
    result, whole = _boxed()
    start, stop = min(a, b), max(a, b)
    assert np.array_equal(result.read(start, stop), whole[start:stop])


_KEPT: list[Any] = []


def _boxed() -> Any:
    """Return one boxed result for all examples, and the whole of it."""
    if not _KEPT:
        import tempfile
        from pathlib import Path

        from engine.session.store import ChunkStore
        from engine.settings import Settings
        from engine.tools.age import AGE

        samples = np.random.default_rng(3).standard_normal((20_000, 1)).astype(np.float32)
        folder = tempfile.TemporaryDirectory()
        renderer = Renderer(Settings(threads=1), ChunkStore(Path(folder.name), 1 << 30), [AGE])
        step = Step("age", {"wow": False, "low_pass_hz": 500.0}, scope=Scope(2.0, 17.0, 100.0, 300.0), id="a")
        result = renderer.render(ArraySignal(0.1 * samples, RATE), Recipe((step,)), "noise")
        _KEPT.extend([result, result.read(0, 20_000), folder])
    return _KEPT[0], _KEPT[1]


def test_a_box_that_grew_a_little_sounds_as_if_it_had_always_been_so(
    renderer: Renderer, small_tools: dict[str, Tool], source: Any, tmp_path: Path
) -> None:
    before, after = Scope(0.0, 10.0, 100.0, 300.0), Scope(0.0, 10.02, 100.0, 300.0)
    flipped(renderer, source, before)
    fresh = Renderer(Settings(threads=1), ChunkStore(tmp_path / "fresh", 1 << 30), list(small_tools.values()))
    np.testing.assert_array_equal(flipped(renderer, source, after), flipped(fresh, source, after))
