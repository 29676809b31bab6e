"""Tools take part as the product runs them; peers never see the target."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import engine.tools
from engine.audio.signal import ArraySignal, Format, Samples, Span
from engine.errors import UsageError
from engine.tools.age import AGE
from engine.tools.tool import Analysis, Inputs, Job, Knob, Params, complete
from training.quality import Material, blind, bound, tool_contender, undamaged, untouched
from training.quality.contenders import problem_with
from training.validation import Clip

RATE = 8_000


def hum(frames: int = 4_000) -> np.ndarray:
    return (0.2 * np.sin(2 * np.pi * 50.0 * np.arange(frames) / RATE)).astype(np.float32)


class Louder:
    """A tool that looks for the peak and turns it up; it counts how often it looked."""

    name, label, summary, version = "louder", "Louder", "Turns it up.", 1
    knobs = (
        Knob("peak", "Peak", "float", 1.0, invalidates="analyse"),
        Knob("share", "Share", "float", 1.0),
    )
    presets, inputs, has_mix, is_generative = {}, ("reference",), True, False

    def __init__(self) -> None:
        self.looked = 0

    def networks(self, params: Params) -> tuple[str, ...]:
        return ()

    def output_format(self, given: Format, params: Params) -> Format:
        return Format(2 * given.rate, given.channels, 2 * given.frames)

    def analyse(self, signal: ArraySignal, params: Params, inputs: Inputs, job: Job | None = None) -> Analysis:
        self.looked += 1
        return Analysis({"gain": float(params["peak"]) / float(np.abs(signal.samples).max())})

    def render(
        self,
        signal: ArraySignal,
        params: Params,
        analysis: Analysis,
        inputs: Inputs,
        span: Span,
        job: Job | None = None,
    ) -> Samples:
        wide = np.repeat(signal.samples, 2, axis=0) * np.float32(analysis.facts["gain"] * float(params["share"]))
        return wide[span.start : span.stop]


@pytest.fixture
def louder(monkeypatch: pytest.MonkeyPatch) -> Louder:
    tool = Louder()
    monkeypatch.setattr(engine.tools, "TOOLS", (*engine.tools.TOOLS, tool))
    return tool


def test_a_registered_tool_answers_with_what_it_would_render_for_a_user() -> None:
    values = {"seed": 5, "wow": False}
    answer = tool_contender("age", values).run(Material(hum(), hum(), RATE))
    signal, params = ArraySignal(hum()[:, None].copy(), RATE), complete(AGE, values)
    expected = AGE.render(signal, params, AGE.analyse(signal, params, {}), {}, Span(0, signal.frames))
    np.testing.assert_array_equal(answer.samples, expected[:, 0])


@pytest.mark.usefixtures("louder")
def test_a_tool_may_change_rate_and_length() -> None:
    material = Material(hum(), np.repeat(hum(), 2), 2 * RATE, given_rate=RATE)
    answer = tool_contender("louder", {"peak": 0.2}).run(material)
    assert problem_with(answer, material) == ""
    np.testing.assert_allclose(answer.samples, material.target, rtol=1e-3)


def test_contenders_that_differ_in_rendering_only_share_an_analysis(louder: Louder) -> None:
    material = Material(hum(), np.repeat(hum(), 2), 2 * RATE, given_rate=RATE)
    for values in ({}, {"share": 0.5}, {"share": 0.25}, {"peak": 0.5}):
        tool_contender("louder", values).run(material)
    assert louder.looked == 2  # peak 1.0 once for three of them, peak 0.5 once


@pytest.mark.usefixtures("louder")
def test_what_a_measure_needs_is_read_from_the_analysis() -> None:
    contender = tool_contender("louder", {}, read=lambda analysis: {"gain": analysis.facts["gain"]})
    assert contender.run(Material(hum(), hum(), RATE)).facts["gain"] == pytest.approx(5.0)


def test_stereo_stays_stereo() -> None:
    both = np.stack([hum(), -hum()], axis=1)
    answer = tool_contender("age", {"hiss": False}).run(Material(both, both, RATE))
    assert answer.samples.shape == both.shape


def test_a_misspelt_tool_or_knob_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(UsageError, match="no tool 'restoar'"):
        tool_contender("restoar", {})
    with pytest.raises(UsageError, match="no knob 'flor_db'"):
        tool_contender("restore", {"flor_db": -18.0})
    with pytest.raises(UsageError, match="floor_db can't be"):
        tool_contender("restore", {"floor_db": 18.0})


def test_a_peer_gets_the_given_recording_and_its_rate_alone() -> None:
    seen: list[tuple[float, int]] = []

    def listen(samples: Samples, rate: int) -> Samples:
        seen.append((float(samples[0]), rate))
        return samples

    blind("peer", "peer", listen).run(Material(np.full(9, 3.0, "f4"), np.full(9, 7.0, "f4"), RATE))
    assert seen == [(3.0, RATE)]


def scaled_in_place(samples: Samples, rate: int) -> Samples:
    samples *= np.float32(0.1)
    return samples


@pytest.mark.parametrize("is_damaged", [False, True])
def test_nobody_can_change_what_the_others_are_given_or_the_truth_they_are_held_against(is_damaged: bool) -> None:
    clip = Clip("hum", "music", RATE, hum())
    material = Material(clip.samples + is_damaged, clip.samples, RATE) if is_damaged else undamaged(clip, 0)
    with pytest.raises(ValueError, match="read-only"):
        blind("in place", "peer", scaled_in_place).run(material)
    with pytest.raises(ValueError, match="read-only"):
        bound("in place", lambda given, target, rate: scaled_in_place(target, rate)).run(material)
    np.testing.assert_array_equal(material.target, hum())
    np.testing.assert_array_equal(material.given, hum() + np.float32(is_damaged))
    assert not np.shares_memory(material.given, material.target)
    assert not np.shares_memory(material.target, clip.samples)


def test_a_clip_keeps_its_samples_whatever_becomes_of_the_array_it_was_made_from() -> None:
    recording = hum()
    clip = Clip("hum", "music", RATE, recording)
    recording[:] = 0.0
    for there in (clip, pickle.loads(pickle.dumps(clip))):  # as it travels to a process
        np.testing.assert_array_equal(there.samples, hum())
        with pytest.raises(ValueError, match="read-only"):
            there.samples[:] = 0.0


def test_floor_and_ceiling_are_where_they_belong() -> None:
    material = Material(np.zeros(9, "f4"), np.ones(9, "f4"), RATE)
    assert untouched().role == "floor"
    assert not untouched().run(material).samples.any()
    ceiling = bound("truth", lambda given, target, rate: target)
    assert ceiling.role == "ceiling"
    assert ceiling.run(material).samples.all()
