"""The result of a rack is a Signal: exact, the same in any order, and never rendered twice."""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.audio.resample import ResampledSignal
from engine.audio.signal import ArraySignal, Span
from engine.errors import Cancelled, InputError, NetworkError, OutputError, ProjectError, ShellacError, UsageError
from engine.session.recipe import Recipe, Scope, Step
from engine.session.render import Renderer, check_recipe
from engine.session.store import ChunkStore
from engine.settings import Settings
from engine.tools.tool import Job

Tools = dict[str, Any]


def rack(*steps: Step) -> Recipe:
    return Recipe(tuple(replace(step, id=step.id or f"{step.tool}-{i}") for i, step in enumerate(steps)))


def test_an_empty_rack_gives_the_source_bit_for_bit(renderer: Renderer, source: Any) -> None:
    result = renderer.render(source, Recipe())
    assert np.array_equal(result.read(0, source.frames), source.samples)
    assert result.is_finished


def test_a_device_is_heard(renderer: Renderer, source: Any) -> None:
    result = renderer.render(source, rack(Step("gain", {"gain": 0.25})))
    assert np.array_equal(result.read(0, source.frames), source.samples * np.float32(0.25))


@pytest.mark.parametrize("step", [Step("smooth", mix=0.0), Step("smooth", enabled=False)])
def test_mix_0_and_power_off_give_the_input_bit_for_bit(renderer: Renderer, source: Any, step: Step) -> None:
    result = renderer.render(source, rack(step))
    assert np.array_equal(result.read(0, source.frames), source.samples)
    assert result.is_finished


def test_mix_follows_its_formula(renderer: Renderer, source: Any) -> None:
    result = renderer.render(source, rack(Step("gain", {"gain": -1.0}, mix=0.5)))
    assert np.array_equal(result.read(0, source.frames), np.zeros_like(source.samples))


@pytest.mark.parametrize("seed", range(4))
def test_the_order_in_which_spans_are_read_changes_no_bit(
    tmp_path: Path, small_tools: Tools, source: Any, seed: int
) -> None:
    recipe = rack(Step("smooth"), Step("normalise"), Step("smooth", scope=Scope(start_s=3.3, stop_s=17.7)))

    def fresh(name: str) -> Any:
        store = ChunkStore(tmp_path / name, 1 << 30)
        return Renderer(Settings(threads=1), store, list(small_tools.values())).render(source, recipe)

    whole = fresh("whole").read(0, source.frames)
    shuffled = fresh("shuffled")
    choose = random.Random(seed)
    edges = sorted({0, source.frames, *(choose.randrange(source.frames) for _ in range(30))})
    spans = list(itertools.pairwise(edges))
    choose.shuffle(spans)
    for start, stop in spans:
        assert np.array_equal(shuffled.read(start, stop), whole[start:stop])


@pytest.mark.parametrize("frames", [0, 1, 2, 4_801, 5_000, 5_001])
@pytest.mark.parametrize("tool", ["smooth", "gain", "double"])
def test_lengths_are_exact(renderer: Renderer, frames: int, tool: str) -> None:
    source = ArraySignal(np.full((frames, 1), 0.25, dtype=np.float32), 1000)
    result = renderer.render(source, rack(Step(tool)), fingerprint=f"constant {frames}")
    wanted = 2 * frames if tool == "double" else frames
    assert result.frames == wanted
    assert result.read(0, result.frames).shape == (wanted, 1)
    assert result.is_finished


def test_chunks_join_without_a_seam(renderer: Renderer, source: Any) -> None:
    """A moving average across all chunks equals the one over the whole recording in one go."""
    result = renderer.render(source, rack(Step("smooth"))).read(0, source.frames)
    padded = np.pad(source.samples.astype(np.float64), ((100, 100), (0, 0)))
    sums = np.cumsum(np.vstack([np.zeros((1, 2)), padded]), axis=0)
    assert np.allclose(result, (sums[201:] - sums[:-201]) / 201, atol=1e-7)


def test_changing_device_3_never_renders_1_and_2_again(renderer: Renderer, small_tools: Tools, source: Any) -> None:
    below = (Step("smooth"), Step("normalise"))
    renderer.render(source, rack(*below, Step("gain", {"gain": 0.5}))).read(0, source.frames)
    before = {name: len(small_tools[name].rendered) for name in ("smooth", "normalise")}
    renderer.render(source, rack(*below, Step("gain", {"gain": 0.6}))).read(0, source.frames)
    assert {name: len(small_tools[name].rendered) for name in ("smooth", "normalise")} == before
    assert small_tools["normalise"].analysed == 1
    assert len(small_tools["gain"].rendered) == 10


def test_changing_device_1_renders_everything_above_again(renderer: Renderer, small_tools: Tools, source: Any) -> None:
    renderer.render(source, rack(Step("gain", {"gain": 0.5}), Step("normalise"))).read(0, source.frames)
    renderer.render(source, rack(Step("gain", {"gain": 0.6}), Step("normalise"))).read(0, source.frames)
    assert small_tools["normalise"].analysed == 2
    assert len(small_tools["normalise"].rendered) == 10


def test_the_last_mix_a_live_knob_and_the_power_switch_render_nothing(
    renderer: Renderer, small_tools: Tools, source: Any
) -> None:
    step = Step("gain", {"gain": 0.5})
    renderer.render(source, rack(step)).read(0, source.frames)
    count = len(small_tools["gain"].rendered)
    for other in (replace(step, mix=0.3), replace(step, params={"gain": 0.5, "trim": 2.0}), step):
        result = renderer.render(source, rack(other))
        assert result.is_finished
        result.read(0, source.frames)
    assert len(small_tools["gain"].rendered) == count


def test_a_live_knob_is_heard(renderer: Renderer, source: Any) -> None:
    result = renderer.render(source, rack(Step("gain", {"gain": 0.5, "trim": 2.0})))
    assert np.array_equal(result.read(0, source.frames), source.samples)


def test_an_analysis_is_learnt_again_only_for_its_own_knobs(
    renderer: Renderer, small_tools: Tools, source: Any
) -> None:
    tool = small_tools["normalise"]
    renderer.render(source, rack(Step("normalise", {"target": 0.5}))).read(0, 10)
    renderer.render(source, rack(Step("normalise", {"target": 0.7}))).read(0, 10)
    assert tool.analysed == 1
    renderer.render(source, rack(Step("normalise", {"ceiling": 5.0}))).read(0, 10)
    assert tool.analysed == 2


def test_an_analysis_outlives_the_program(
    renderer: Renderer, store: ChunkStore, small_tools: Tools, source: Any
) -> None:
    recipe = rack(Step("normalise"))
    first = renderer.render(source, recipe).read(0, 100)
    again = Renderer(Settings(threads=1), ChunkStore(store.folder, 1 << 30), list(small_tools.values()))
    result = again.render(source, recipe)
    assert result.analysis("normalise-0") is not None
    assert np.array_equal(result.read(0, 100), first)
    assert small_tools["normalise"].analysed == 1


@pytest.mark.parametrize(
    ("knob", "change"),
    [
        ("version", lambda tool: setattr(tool, "version", 2)),
    ],
)
def test_a_newer_tool_renders_anew(
    renderer: Renderer, small_tools: Tools, source: Any, knob: str, change: Callable[[Any], None]
) -> None:
    renderer.render(source, rack(Step("plain"))).read(0, 100)
    change(small_tools["plain"])
    renderer.render(source, rack(Step("plain"))).read(0, 100)
    assert len(small_tools["plain"].rendered) == 2


def test_reading_what_is_available_never_renders(renderer: Renderer, small_tools: Tools, source: Any) -> None:
    result = renderer.render(source, rack(Step("gain", {"gain": 0.5})))
    samples, ready = result.read_available(0, source.frames)
    assert np.array_equal(samples, source.samples)
    assert ready == ()
    assert not small_tools["gain"].rendered
    assert small_tools["gain"].analysed == 0


def test_unfinished_parts_play_the_source(renderer: Renderer, source: Any) -> None:
    result = renderer.render(source, rack(Step("gain", {"gain": 0.5})))
    result.read(7_000, 7_001)
    samples, ready = result.read_available(0, source.frames)
    assert ready == result.finished == (Span(5_000, 10_000),)
    expected = source.samples.copy()
    expected[5_000:10_000] *= np.float32(0.5)
    assert np.array_equal(samples, expected)


def test_unfinished_parts_play_the_source_and_not_a_half_done_rack(renderer: Renderer, source: Any) -> None:
    result = renderer.render(source, rack(Step("gain", {"gain": 0.5}), Step("smooth")))
    result.after("gain-0").read(0, source.frames)
    samples, ready = result.read_available(0, source.frames)
    assert ready == ()
    assert np.array_equal(samples, source.samples)


def test_stages_can_be_heard_alone(renderer: Renderer, source: Any) -> None:
    result = renderer.render(source, rack(Step("gain", {"gain": 0.5}), Step("gain", {"gain": 4.0}, enabled=False),
                                          Step("gain", {"gain": 2.0})))  # fmt: skip
    half = source.samples[:100] * np.float32(0.5)
    assert np.array_equal(result.before("gain-0").read(0, 100), source.samples[:100])
    assert np.array_equal(result.after("gain-0").read(0, 100), half)
    assert np.array_equal(result.after("gain-1").read(0, 100), half)
    assert np.array_equal(result.before("gain-2").read(0, 100), half)
    assert np.array_equal(result.read(0, 100), source.samples[:100])
    with pytest.raises(KeyError):
        result.before("gain-9")


def test_work_begins_at_the_cursor_and_grows_outwards(renderer: Renderer, source: Any) -> None:
    result = renderer.render(source, rack(Step("gain")))
    done: list[Span] = []
    renderer.work(result, cursor=lambda: 12_000, on_chunk=done.append)
    assert [span.start for span in done] == [10_000, 15_000, 20_000, 5_000, 0]
    assert result.is_finished


def test_work_follows_a_moving_cursor(renderer: Renderer, source: Any) -> None:
    result = renderer.render(source, rack(Step("gain")))
    done: list[Span] = []
    renderer.work(result, cursor=lambda: 0 if not done else 20_000, on_chunk=done.append)
    assert [span.start for span in done] == [0, 20_000, 15_000, 10_000, 5_000]


def test_work_renders_the_loop_first_and_goes_round_it(renderer: Renderer, source: Any) -> None:
    result = renderer.render(source, rack(Step("gain")))
    done: list[Span] = []
    renderer.work(result, cursor=lambda: 11_000, loop=lambda: Span(5_000, 20_000), on_chunk=done.append)
    assert [span.start for span in done] == [10_000, 15_000, 5_000, 20_000, 0]


def test_work_reports_progress_that_only_grows(renderer: Renderer, source: Any) -> None:
    said: list[float] = []
    result = renderer.render(source, rack(Step("normalise"), Step("normalise", {"target": 0.5})))
    renderer.work(result, job=Job(lambda fraction, text: said.append(fraction)))
    assert said == sorted(said)
    assert said[-1] == 1.0


def test_cancelled_work_keeps_what_is_finished(renderer: Renderer, small_tools: Tools, source: Any) -> None:
    job = Job()
    done: list[Span] = []

    def stop_after_two(span: Span) -> None:
        done.append(span)
        if len(done) == 2:
            job.cancel()

    result = renderer.render(source, rack(Step("gain")))
    with pytest.raises(Cancelled):
        renderer.work(result, job=job, on_chunk=stop_after_two)
    assert result.finished == (Span(0, 10_000),)
    renderer.work(result)
    assert len(small_tools["gain"].rendered) == 5


def test_a_cancelled_analysis_stops_at_its_next_check(renderer: Renderer, small_tools: Tools, source: Any) -> None:
    said: list[float] = []

    def stop(fraction: float, text: str) -> None:
        said.append(fraction)
        if text == "looking":
            job.cancel()

    job = Job(stop)
    result = renderer.render(source, rack(Step("normalise")))
    with pytest.raises(Cancelled):
        renderer.work(result, job=job)
    assert len(said) == 2
    assert result.analysis("normalise-0") is None
    renderer.work(result)
    assert result.is_finished


def test_several_threads_render_a_chunk_once(renderer: Renderer, small_tools: Tools, source: Any) -> None:
    recipe = rack(Step("smooth"), Step("normalise"))
    heard: list[Any] = []
    results = [renderer.render(source, recipe) for _ in range(4)]
    threads = [threading.Thread(target=lambda r=r: heard.append(r.read(0, r.frames))) for r in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(samples, heard[0]) for samples in heard)
    assert len(small_tools["smooth"].rendered) == len(set(small_tools["smooth"].rendered)) == 5
    assert small_tools["normalise"].analysed == 1


def test_another_recording_is_read_and_named_in_the_key(
    tmp_path: Path, small_tools: Tools, store: ChunkStore, source: Any
) -> None:
    others = {"a.wav": 0.25, "b.wav": 0.5}

    def opener(path: Path) -> Any:
        return type(source)(np.full((30_000, 2), others[path.name], dtype=np.float32), 1000, path.name)

    renderer = Renderer(Settings(threads=1), store, list(small_tools.values()), opener)
    for name, level in others.items():
        result = renderer.render(source, rack(Step("add", inputs={"other": name})))
        assert np.array_equal(result.read(0, 100), source.samples[:100] + np.float32(level))


def test_a_device_that_changes_the_rate_sets_the_rate_of_the_result(renderer: Renderer, source: Any) -> None:
    result = renderer.render(source, rack(Step("double"), Step("gain", {"gain": 0.5})))
    assert (result.rate, result.frames) == (2000, 2 * source.frames)
    assert np.array_equal(result.read(9_999, 10_003), np.repeat(source.samples[4_999:5_002], 2, axis=0)[1:5] * 0.5)
    assert result.finished == (Span(0, 20_000),)


def test_a_device_that_changes_the_rate_is_mixed_with_its_resampled_input(renderer: Renderer) -> None:
    """Of a slow sine, repeated frames are the sine half a frame late; half of each is the mean of both."""
    time = np.arange(20_000) / 1000
    sine = ArraySignal(np.sin(2 * np.pi * 5 * time).astype(np.float32)[:, None], 1000)
    result = renderer.render(sine, rack(Step("double", mix=0.5)), "sine")
    heard = result.read(12_000, 28_000)[:, 0]
    fine = np.sin(2 * np.pi * 5 * np.arange(12_000, 28_000) / 2000)
    expected = 0.5 * fine + 0.5 * np.repeat(sine.samples[6_000:14_000, 0], 2)
    assert np.allclose(heard, expected, atol=1e-3)


def test_a_device_that_changes_the_rate_acts_inside_its_scope_only(renderer: Renderer, source: Any) -> None:
    """Outside, the input is resampled; there one can hear that nothing else was done to it."""
    scope = Scope(start_s=3.0, stop_s=6.0, feather_ms=0.0)
    result = renderer.render(source, rack(Step("double", scope=scope)))
    fine = ResampledSignal(source, 2000)
    assert np.array_equal(result.read(0, 6_000), fine.read(0, 6_000))
    assert np.array_equal(result.read(12_000, 20_000), fine.read(12_000, 20_000))
    assert np.array_equal(result.read(6_000, 12_000), np.repeat(source.samples[3_000:6_000], 2, axis=0))


def test_an_unfinished_result_of_another_rate_plays_the_resampled_source(renderer: Renderer) -> None:
    time = np.arange(20_000) / 1000
    sine = ArraySignal(np.sin(2 * np.pi * 5 * time).astype(np.float32)[:, None], 1000)
    for mix in (1.0, 0.5):
        result = renderer.render(sine, rack(Step("gain"), Step("double", mix=mix)), "sine")
        samples, ready = result.read_available(0, 40_000)
        assert ready == ()
        fine = np.sin(2 * np.pi * 5 * np.arange(4_000, 36_000) / 2000)
        assert np.allclose(samples[4_000:36_000, 0], fine, atol=1e-3)


def test_a_gpu_that_fails_while_a_chunk_is_rendered_leaves_no_chunk_under_its_name(
    renderer: Renderer, small_tools: Tools, source: Any, monkeypatch: Any
) -> None:
    """Bits are promised per provider, so what the CPU finished is stored as the CPU's."""
    from engine.session import device, keys

    now = ["CUDAExecutionProvider"]
    for module in (device, keys):
        monkeypatch.setattr(module, "active_provider", lambda settings: now[0])
    monkeypatch.setattr(keys, "network_hashes", lambda rooms: tuple((room, "ab12") for room in rooms))
    tool = small_tools["plain"]
    tool.rooms = ("denoiser",)

    def fail(*args: Any) -> Any:
        now[0] = "CPUExecutionProvider"
        return source.samples[:5000]

    monkeypatch.setattr(tool, "process", fail)
    result = renderer.render(source, rack(Step("plain")))
    gpu_key = result.fingerprint
    result.read(0, 100)
    assert len(tool.rendered) == 2
    assert result.fingerprint != gpu_key
    assert result.finished == (Span(0, 5_000),)
    now[0] = "CUDAExecutionProvider"
    assert len(result.finished) == 0


def test_an_unknown_tool_passes_its_sound_through_and_says_so(renderer: Renderer, source: Any) -> None:
    recipe = rack(Step("gain", {"gain": 0.5}), Step("from the future", {"x": 1}))
    result = renderer.render(source, recipe)
    assert np.array_equal(result.read(0, 100), source.samples[:100] * np.float32(0.5))
    assert ["from the future" in str(problem) for problem in result.problems] == [True]
    with pytest.raises(ProjectError):
        check_recipe(result)


def test_settings_that_do_not_fit_are_the_fault_of_whoever_wrote_them(renderer: Renderer, source: Any) -> None:
    result = renderer.render(source, rack(Step("gain", {"gain": 99.0})))
    with pytest.raises(InputError, match="the recipe doesn't fit"):
        check_recipe(result)
    with pytest.raises(UsageError):
        check_recipe(result, is_typed=True)


@pytest.mark.parametrize("params", [{"gain": 99.0}, {"no such knob": 1}, {"gain": "loud"}])
def test_unusable_settings_pass_the_sound_through_and_say_so(
    renderer: Renderer, source: Any, params: dict[str, Any]
) -> None:
    result = renderer.render(source, rack(Step("gain", params)))
    assert np.array_equal(result.read(0, 100), source.samples[:100])
    assert len(result.problems) == 1
    with pytest.raises(InputError):
        check_recipe(result)


def test_a_missing_network_is_said_before_anything_plays(renderer: Renderer, small_tools: Tools, source: Any) -> None:
    small_tools["plain"].rooms = ("no such room",)
    result = renderer.render(source, rack(Step("plain")))
    with pytest.raises(NetworkError, match="no such room"):
        check_recipe(result)


def test_a_tool_that_breaks_its_promise_is_named(renderer: Renderer, small_tools: Tools, source: Any) -> None:
    small_tools["spoiler"].spoil = lambda x: x[:-1]
    result = renderer.render(source, rack(Step("spoiler")))
    with pytest.raises(ShellacError, match="Spoiler"):
        result.read(0, source.frames)


def test_fifty_edits_of_a_5_s_scope_store_at_most_6_s_each(renderer: Renderer, store: ChunkStore, source: Any) -> None:
    bytes_per_second = 1000 * 2 * 4
    for edit in range(50):
        step = Step("gain", {"gain": edit / 50}, scope=Scope(start_s=7.3, stop_s=12.3))
        renderer.work(renderer.render(source, rack(step)))
    audio = sum(path.stat().st_size for path in store.folder.rglob("*.chunk"))
    assert audio >= 50 * 5 * bytes_per_second
    assert audio <= 50 * 6 * bytes_per_second


def test_a_full_disk_stops_no_reader(renderer: Renderer, store: ChunkStore, source: Any, monkeypatch: Any) -> None:
    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    monkeypatch.setattr(Path, "replace", full)
    result = renderer.render(source, rack(Step("smooth"), Step("gain", {"gain": 0.5})))
    heard = np.vstack([result.read(start, min(start + 999, source.frames)) for start in range(0, source.frames, 999)])
    with pytest.raises(OutputError, match="space"):
        renderer.work(result)
    monkeypatch.undo()
    assert not list(store.folder.rglob("*.chunk"))
    assert np.array_equal(heard, renderer.render(source, result_recipe()).read(0, source.frames))


def result_recipe() -> Recipe:
    return rack(Step("smooth"), Step("gain", {"gain": 0.5}))


def test_a_disk_that_is_too_small_is_said_before_anything_is_computed(
    renderer: Renderer, small_tools: Tools, source: Any, monkeypatch: Any
) -> None:
    result = renderer.render(source, rack(Step("normalise"), Step("gain", scope=Scope(0.0, 1.0))))
    assert renderer.disk_needed_bytes(result) == (23_456 + 1_000) * 2 * 4
    monkeypatch.setattr(ChunkStore, "free_bytes", lambda self: 195_647)
    with pytest.raises(OutputError, match="MB free"):
        renderer.work(result)
    assert small_tools["normalise"].analysed == 0
    monkeypatch.setattr(ChunkStore, "free_bytes", lambda self: 195_648)
    renderer.work(result)
    assert renderer.disk_needed_bytes(result) == 0


def test_a_cache_too_small_for_the_rack_holds_what_lies_ahead_and_says_so(
    tmp_path: Path, small_tools: Tools, source: Any
) -> None:
    """Two devices over five chunks of 40 kB need 0.4 MB; within 0.2 MB two of five can be ready."""
    store = ChunkStore(tmp_path / "small", 200_000, memory_bytes=1)
    renderer = Renderer(Settings(threads=1), store, list(small_tools.values()))
    result = renderer.render(source, rack(Step("smooth"), Step("normalise")))
    for cursor, first in ((20_000, Span(20_000, 23_456)), (5_000, Span(5_000, 10_000))):
        landed: list[Span] = []
        with pytest.raises(OutputError, match=r"needs 0\.4 MB .* limit is 0\.2 MB.*raise the limit"):
            renderer.work(result, partial(int, cursor), on_chunk=landed.append)
        assert landed[0] == first
        assert 2 <= len(landed) <= 3
        for span in landed:
            assert result.read_available(*span)[1] == (span,), "what was announced is still there"


def test_a_damaged_chunk_is_rendered_again(
    renderer: Renderer, store: ChunkStore, small_tools: Tools, source: Any
) -> None:
    recipe = rack(Step("gain"))
    whole = renderer.render(source, recipe).read(0, source.frames)
    for count, path in enumerate(sorted(store.folder.rglob("*.chunk"))):
        data = path.read_bytes()
        damaged = (data[:-7], b"", data[:50] + b"\xff" + data[51:], b"SHLC" * 100, bytes(len(data)))
        path.write_bytes(damaged[count])
    fresh = Renderer(Settings(threads=1), ChunkStore(store.folder, 1 << 30), list(small_tools.values()))
    result = fresh.render(source, recipe)
    assert result.read_available(0, source.frames)[1] == ()
    assert not result.is_finished
    assert np.array_equal(result.read(0, source.frames), whole)
    assert len(small_tools["gain"].rendered) == 10
