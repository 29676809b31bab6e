"""Reading ahead changes who computes a chunk, and when; never a bit of it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import Cancelled
from engine.session.ahead import reading_ahead
from engine.session.recipe import Recipe, Step
from engine.session.render import Renderer
from engine.session.store import ChunkStore
from engine.settings import Settings
from engine.tools.tool import Job, Tool

RACK = Recipe((Step("smooth", id="a"), Step("normalise", id="b")))


@pytest.mark.parametrize("step", [1, 777, 5_000, 12_345, 30_000])
@pytest.mark.parametrize("threads", [1, 3])
def test_every_block_size_gives_the_bits_of_a_plain_read(
    renderer: Renderer, small_tools: dict[str, Tool], source: Any, tmp_path: Path, step: int, threads: int
) -> None:
    plain = Renderer(Settings(threads=1), ChunkStore(tmp_path / "plain", 1 << 30), list(small_tools.values()))
    truth = plain.render(source, RACK).read(0, source.frames)
    start = source.frames - 20 * step if step == 1 else 0  # frame by frame across the end is enough
    with reading_ahead(renderer.render(source, RACK), Job(), threads) as sound:
        blocks = [sound.read(a, min(a + step, source.frames)) for a in range(start, source.frames, step)]
    np.testing.assert_array_equal(np.concatenate(blocks), truth[start:])


def test_a_reader_may_go_back(renderer: Renderer, source: Any) -> None:
    rendered = renderer.render(source, RACK)
    with reading_ahead(rendered, Job(), 2) as sound:
        late = sound.read(20_000, 21_000)
        early = sound.read(100, 200)
    np.testing.assert_array_equal(late, rendered.read(20_000, 21_000))
    np.testing.assert_array_equal(early, rendered.read(100, 200))


def test_an_empty_span_is_empty(renderer: Renderer, source: Any) -> None:
    with reading_ahead(renderer.render(source, RACK), Job(), 2) as sound:
        assert sound.read(7, 7).shape == (0, source.channels)


def test_a_cancelled_job_ends_the_reading_and_leaves_no_thread(renderer: Renderer, source: Any) -> None:
    job = Job()
    with reading_ahead(renderer.render(source, RACK), job, 2) as sound:
        sound.read(0, 10)
        job.cancel()
        with pytest.raises(Cancelled):
            sound.read(15_000, source.frames)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("render")]
