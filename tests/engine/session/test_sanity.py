"""What a device hardly meant to do is marked, and what it meant to do is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Span
from engine.session import sanity
from engine.session.recipe import Recipe, Step
from engine.session.render import Renderer

RATE = 1000


@pytest.fixture
def music() -> ArraySignal:
    """Return 15 s of a 50-Hz tone at a quarter of full scale, stereo."""
    tone = 0.25 * np.sin(2 * np.pi * 50 * np.arange(15_000) / RATE)
    return ArraySignal(np.repeat(tone.astype(np.float32)[:, None], 2, axis=1), RATE)


def rendered(renderer: Renderer, small_tools: dict[str, Any], signal: Any, spoil: Callable[[Any], Any]) -> Any:
    small_tools["spoiler"].spoil = spoil
    result = renderer.render(signal, Recipe((Step("spoiler", id="s"),)), "tone")
    return result, result.read(0, signal.frames)


def with_nan(samples: Any) -> Any:
    samples[100] = np.nan
    return samples


def with_infinity(samples: Any) -> Any:
    samples[-1, 1] = -np.inf
    return samples


@pytest.mark.parametrize("spoil", [with_nan, with_infinity])
def test_a_chunk_that_is_no_number_is_replaced_by_what_went_in(
    renderer: Renderer, small_tools: dict[str, Any], music: ArraySignal, spoil: Any
) -> None:
    result, heard = rendered(renderer, small_tools, music, spoil)
    assert np.array_equal(heard, music.samples)
    assert result.marks == (sanity.SanityMark(Span(5_000, 10_000), sanity.NON_FINITE, "s"),)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda x: 0 * x, sanity.SILENCED),
        (lambda x: x * np.float32(2.1), sanity.JUMPED),
        (lambda x: x * np.float32(0.4), sanity.JUMPED),
        (lambda x: np.where(np.arange(len(x))[:, None] == 705, np.float32(1.2), x), sanity.CLIPPED),
        (lambda x: x + np.float32(0.01), sanity.OFFSET),
        (lambda x: x + np.float32(0.3) * np.linspace(1, 0, len(x), dtype=np.float32)[:, None] ** 40, sanity.SEAM),
    ],
)
def test_what_a_device_hardly_meant_is_marked(
    renderer: Renderer, small_tools: dict[str, Any], music: ArraySignal, spoil: Any, reason: str
) -> None:
    result, _ = rendered(renderer, small_tools, music, spoil)
    assert reason in [mark.reason for mark in result.marks]
    assert all(mark.span.start in (4_999, 5_000, 9_999) for mark in result.marks)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda x: x,
        lambda x: x * np.float32(1.9),  # 5.6 dB
        lambda x: -x * np.float32(0.55),
        lambda x: x + (1e-3 * np.random.default_rng(1).standard_normal(x.shape)).astype(np.float32),
    ],
)
def test_what_devices_are_for_is_not_marked(
    renderer: Renderer, small_tools: dict[str, Any], music: ArraySignal, spoil: Any
) -> None:
    result, _ = rendered(renderer, small_tools, music, spoil)
    assert result.marks == ()


def test_noise_that_is_taken_away_is_no_level_jump(renderer: Renderer, small_tools: dict[str, Any]) -> None:
    """20 dB less of a noise floor at -50 dBFS is what a denoiser is for."""
    noise = (10 ** (-50 / 20) * np.random.default_rng(2).standard_normal((15_000, 1))).astype(np.float32)
    result, _ = rendered(renderer, small_tools, ArraySignal(noise, RATE), lambda x: x * np.float32(0.1))
    assert result.marks == ()


def test_marks_are_still_known_at_the_next_start(
    renderer: Renderer, small_tools: dict[str, Any], music: ArraySignal
) -> None:
    from engine.session.store import ChunkStore

    result, _ = rendered(renderer, small_tools, music, with_nan)
    store = ChunkStore(renderer.store.folder, 1 << 30)
    again = Renderer(renderer.settings, store, list(small_tools.values()))
    assert again.render(music, Recipe((Step("spoiler", id="s"),)), "tone").marks == result.marks


def test_clipping_that_was_there_before_is_not_new(renderer: Renderer, small_tools: dict[str, Any]) -> None:
    loud = ArraySignal(np.full((15_000, 1), 1.5, dtype=np.float32), RATE)
    result, _ = rendered(renderer, small_tools, loud, lambda x: x)
    assert result.marks == ()
