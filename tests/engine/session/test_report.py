"""The change report says what was done and what it did, in figures that can be checked by hand."""

from __future__ import annotations

import base64
import json
import re
import struct
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Signal, SilentSignal
from engine.errors import Cancelled
from engine.session.picture import before_after, look
from engine.session.recipe import Recipe, Scope, Step
from engine.session.render import Renderer
from engine.session.report import Subject, change_report, difference, processing_note, to_json
from engine.session.report_page import to_html
from engine.tools.tool import Analysis, Job, Params

RATE = 1000


@pytest.fixture
def loud() -> ArraySignal:
    """Return 6 s of noise at 8 kHz, the lowest rate that every measurement takes."""
    samples = 0.1 * np.random.default_rng(1).standard_normal((48_000, 2))
    return ArraySignal(samples.astype(np.float32), 8000)


def reported(renderer: Renderer, signal: Any, *steps: Step) -> dict[str, Any]:
    recipe = Recipe(steps)
    return change_report(renderer.render(signal, recipe, "noise"), recipe, Subject("noise.wav", "out.wav"))


def test_half_the_volume_is_6_db_less_of_everything(renderer: Renderer, loud: ArraySignal) -> None:
    report = reported(renderer, loud, Step("gain", {"gain": 0.5}, id="g"))
    before, after = report["measured"]["before"], report["measured"]["after"]
    for name in ("loudness_lufs", "true_peak_dbtp", "noise_floor_db"):
        assert after[name] - before[name] == pytest.approx(-6.0206, abs=0.02)
    assert report["difference"]["removed_energy_db"] == pytest.approx(-6.0206, abs=1e-3)


def test_settings_are_complete_and_networks_named(renderer: Renderer, loud: ArraySignal) -> None:
    report = reported(renderer, loud, Step("gain", {"gain": 0.25}, mix=0.5, id="g"), Step("nobody's", id="n"))
    gain, unknown = report["steps"]
    assert gain["params"] == {"gain": 0.25, "trim": 1.0}
    assert (gain["version"], gain["mix"], gain["scope"], gain["networks"]) == (1, 0.5, "whole track", [])
    assert not unknown["is_heard"]
    assert "nobody's" in unknown["problem"]
    assert report["recipe"]["steps"][0]["tool"] == "gain"


def test_what_a_tool_learnt_is_in_the_report(renderer: Renderer, loud: ArraySignal) -> None:
    report = reported(renderer, loud, Step("normalise", id="n"))
    assert report["steps"][0]["learnt"]["peak"] == pytest.approx(float(np.abs(loud.samples).max()))


def test_outside_the_scope_is_checked_sample_by_sample(renderer: Renderer, source: Any) -> None:
    recipe = Recipe(
        (Step("gain", scope=Scope(2.0, 5.0), id="a"), Step("gain", scope=Scope(4.0, 7.0, channels=(0,)), id="b"))
    )
    found = difference(renderer.render(source, recipe), recipe)["outside_scope"]
    # Channel 1: all but 2..7 s. Channel 2: all but 2..5 s.
    assert found["samples_checked"] == (source.frames - 5_000) + (source.frames - 3_000)
    assert found["samples_changed"] == 0
    assert found["unchanged_percent"] == 100.0


def test_the_check_outside_the_scope_can_fail(renderer: Renderer, source: Any) -> None:
    """A recipe that claims another scope than was rendered is found out."""
    step = Step("gain", scope=Scope(2.0, 5.0), id="a")
    rendered = renderer.render(source, Recipe((step,)))
    device = rendered.device("a")
    assert device is not None
    device.scope = replace(step.scope, stop_s=4.0)
    device.inside = device.scope.span(RATE, source.frames)
    whole = renderer.render(source, Recipe((step,)))
    lying = _Lying(rendered, whole)
    found = difference(lying, Recipe((step,)))["outside_scope"]  # type: ignore[arg-type]
    assert found["samples_changed"] > 1_900
    assert found["unchanged_percent"] < 100.0


class _Lying:
    """Claims the devices of one rack and plays another."""

    def __init__(self, claimed: Any, played: Any) -> None:
        self.source, self.device, self.channels, self.frames = claimed.source, claimed.device, 2, claimed.frames
        self.under = played.under


def test_an_untouched_recording_has_no_difference(renderer: Renderer, source: Any) -> None:
    recipe = Recipe((Step("plain", id="p"),))
    assert difference(renderer.render(source, recipe), recipe)["removed_energy_db"] is None


def test_another_rate_is_not_compared_sample_by_sample(renderer: Renderer, source: Any) -> None:
    recipe = Recipe((Step("double", id="d"),))
    assert difference(renderer.render(source, recipe), recipe) == {"comparable": False}


def test_sound_that_may_be_invented_is_said(renderer: Renderer, small_tools: dict[str, Any], loud: ArraySignal) -> None:
    small_tools["plain"].is_generative = True
    step = Step("plain", scope=Scope(1.0, 2.0), id="p")
    report = reported(renderer, loud, step)
    assert report["generated_sound"]
    assert "never recorded" in to_html(report)
    assert not reported(renderer, loud, replace(step, enabled=False))["generated_sound"]
    note = processing_note(Recipe((step,)), renderer.render(loud, Recipe((step,)), "noise"))
    assert "Plain on 1–2 s" in note
    assert "never recorded" in note


def test_a_tool_that_can_tell_is_believed_when_it_generated_nothing(
    renderer: Renderer, small_tools: dict[str, Any], loud: ArraySignal
) -> None:
    gain = small_tools["gain"]
    gain.is_generative, gain.rooms = True, ("denoiser",)
    gain.networks_of_analysis = lambda params: ()
    for gained, is_marked in ((0.5, True), (1.0, False)):
        gain.generated_band = lambda given, params, analysis: (1.0, 2.0) if params["gain"] != 1.0 else None
        recipe = Recipe((Step("gain", {"gain": gained}, id="g"),))
        rendered = renderer.render(loud, recipe, "noise")
        note = processing_note(recipe, rendered)  # before anything is rendered, as it is written into a file's head
        assert ("never recorded" in note, "denoiser" in note) == (is_marked, is_marked)
        report = change_report(rendered, recipe, Subject("noise.wav", "out.wav"))
        assert (report["generated_sound"], report["steps"][0]["can_invent_sound"]) == (is_marked, is_marked)
        assert [network["room"] for network in report["steps"][0]["networks"]] == ["denoiser"] * is_marked


def test_outside_of_the_recording_a_step_invents_nothing(
    renderer: Renderer, small_tools: dict[str, Any], loud: ArraySignal
) -> None:
    small_tools["plain"].is_generative = True
    recipe = Recipe((Step("plain", scope=Scope(60.0, 61.0), id="p"),))
    assert "never recorded" not in processing_note(recipe, renderer.render(loud, recipe, "noise"))


def test_what_a_tool_says_of_its_own_work_is_in_the_report(
    renderer: Renderer, small_tools: dict[str, Any], loud: ArraySignal
) -> None:
    def account(before: Signal, after: Signal, params: Params, analysis: Analysis, job: Job) -> dict[str, Any]:
        ratio = np.abs(after.read(0, 100)).max() / np.abs(before.read(0, 100)).max()
        return {"ratio": float(ratio), "level": -np.inf, "text": f"{ratio:.2f} times as loud, <truly>"}

    gain = small_tools["gain"]
    gain.account = account
    gain.remarks = lambda given, params, analysis: (f"{given.rate} Hz at {params['gain']}",)
    gain.networks_for = lambda given, params: ("a_room",) if given.rate > 9000 else ()
    report = reported(renderer, loud, Step("gain", {"gain": 0.5}, id="g"), Step("plain", id="p"))
    told, silent = report["steps"]
    assert told["account"] == {"ratio": pytest.approx(0.5), "level": None, "text": "0.50 times as loud, <truly>"}
    assert told["remarks"] == ["Gain: 8000 Hz at 0.5"]
    assert told["networks"] == []
    assert (silent["account"], silent["remarks"]) == ({}, [])
    page = to_html(report)
    assert "Gain: 8000 Hz at 0.5<br>0.50 times as loud, &lt;truly&gt;" in page


def test_silence_and_single_samples_can_be_reported(renderer: Renderer) -> None:
    for frames in (0, 1, 20_000):
        report = reported(renderer, SilentSignal(8000, 1, frames), Step("gain", id="g"))
        assert json.loads(to_json(report))["measured"]["after"]["loudness_lufs"] is None
        assert "–" in to_html(report)


def test_a_report_can_be_cancelled(renderer: Renderer, loud: ArraySignal) -> None:
    job = Job()
    job.cancel()
    recipe = Recipe((Step("gain", id="g"),))
    with pytest.raises(Cancelled):
        change_report(renderer.render(loud, recipe, "noise"), recipe, Subject("noise.wav"), job)


class _Checker(HTMLParser):
    """Notes what a page loads from elsewhere and whether its elements close."""

    void = frozenset({"meta", "img", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_one_file_and_well_formed(renderer: Renderer, loud: ArraySignal) -> None:
    recipe = Recipe((Step("gain", {"gain": 0.0}, id="g"), Step("<b>odd</b>", id="o")))
    rendered = renderer.render(loud, recipe, "noise")
    report = change_report(rendered, recipe, Subject('<script>alert("x")</script>.wav'))
    png = before_after(loud, rendered)
    page = to_html(report, png)
    checker = _Checker()
    checker.feed(page)
    assert checker.open == []
    assert [link[:22] for link in checker.loaded] == ["data:image/png;base64,"]
    assert base64.b64decode(checker.loaded[0][22:]) == png
    assert "<script" not in page
    assert "<b>odd" not in page
    assert "silence from sound" in page
    assert not re.search(r"https?://", page)


@pytest.mark.parametrize(("kind", "height"), [("both", 1000), ("waveforms", 620), ("spectrograms", 1000)])
def test_the_picture_is_a_png_of_its_size(loud: ArraySignal, tmp_path: Path, kind: Any, height: int) -> None:
    data = before_after(loud, SilentSignal(8000, 2, 48_000), tmp_path / "p.png", kind=kind)
    assert data == (tmp_path / "p.png").read_bytes()
    assert struct.unpack(">II", data[16:24]) == (1600, height)


def test_a_full_scale_sine_is_drawn_at_0_db_in_its_bin() -> None:
    """1 kHz at 8192 Hz lies exactly on bin 250 of 2048."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(8192 * 4) / 8192).astype(np.float32)
    seen = look(ArraySignal(tone[:, None], 8192))
    middle = seen.level_db[:, 600]
    assert int(np.argmax(middle)) == 250
    assert middle[250] == pytest.approx(0.0, abs=0.05)
    assert seen.high.max() == pytest.approx(1.0, abs=1e-3)
    assert seen.low.min() == pytest.approx(-1.0, abs=1e-3)


def test_a_click_survives_in_the_waveform_of_a_long_recording() -> None:
    samples = np.zeros((480_000, 1), dtype=np.float32)
    samples[123_456] = 0.9
    assert look(ArraySignal(samples, 8000)).high.max() == np.float32(0.9)
