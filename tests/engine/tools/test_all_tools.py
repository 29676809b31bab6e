"""What every tool promises, ours and a foreign one alike: exact length, the same bits for any span, cancel, memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Format, Samples, Signal, SilentSignal, Span, format_of
from engine.audio.timemap import TimeMap
from engine.audio.warp import warp
from engine.errors import Cancelled, InputError
from engine.inference.card import rooms
from engine.tools import TOOLS, find_tool
from engine.tools.tool import NO_JOB, Analysis, Job, Tool, Value, complete

RATE = 44_100
FOREIGN = "trim"

# Tools that find nothing to do in the music of these tests are given something.
BUSY: dict[str, dict[str, Value]] = {"upsample": {"cutoff_hz": 5000.0}, "align": {"force": True}}

# Tools that refuse what is shorter, or silent: there is nothing to find in it.
SHORTEST_S = {"align": 0.5}

# Tools that move sound in time or to another rate by design are asked to hold still where delay is measured.
STILL: dict[str, dict[str, Value]] = {"age": {"wow": False}, "upsample": {"model": "bwe16"}}


def choices() -> list[tuple[str, dict[str, Value]]]:
    """Every tool at work, with its defaults wherever these do something; again for each choice of a knob `engine`."""
    found: list[tuple[str, dict[str, Value]]] = []
    for tool in TOOLS:
        # "auto" is one of the others.
        engines = [[c for c in knob.choices if c != "auto"] for knob in tool.knobs if knob.name == "engine"]
        busy = BUSY.get(tool.name, {})
        found += [(tool.name, {"engine": choice, **busy}) for choice in engines[0]] if engines else [(tool.name, busy)]
    return [*found, (FOREIGN, {})]


class Case:
    """A tool with settings."""

    def __init__(self, tool: Tool, values: Mapping[str, Value]) -> None:
        self.tool = tool
        self.params = complete(tool, values)

    def having(self, values: Mapping[str, Value]) -> Case:
        """Return the case with some settings changed."""
        return Case(self.tool, {**self.params, **values})

    def inputs(self, signal: Signal) -> dict[str, Signal]:
        """Return the recordings that the tool can't do without: `signal` itself, played a little slower."""
        slower = TimeMap([0.0, 100.0], [0.0, 99.0])
        return {name: warp(signal, slower) for name in getattr(self.tool, "needs", ())}

    def format(self, given: Format, inputs: Mapping[str, Format] | None = None) -> Format:
        choose: Any = getattr(self.tool, "output_format_with", None)
        if choose is None:
            return self.tool.output_format(given, self.params)
        return Format(*choose(given, self.params, inputs or dict.fromkeys(self.tool.inputs, given)))

    def analyse(self, signal: Signal, job: Job = NO_JOB) -> Analysis:
        return self.tool.analyse(signal, self.params, self.inputs(signal), job)

    def render(
        self, signal: Signal, analysis: Analysis | None = None, span: Span | None = None, job: Job = NO_JOB
    ) -> Samples:
        learnt = self.analyse(signal) if analysis is None else analysis
        whole = Span(0, self.format(format_of(signal)).frames)
        return self.tool.render(signal, self.params, learnt, self.inputs(signal), span or whole, job)

    def refuses(self, signal: Signal) -> bool:
        """Whether the tool has to refuse a recording, and does so in a sentence."""
        if signal.frames >= SHORTEST_S.get(self.tool.name, 0.0) * signal.rate:
            return False
        with pytest.raises(InputError):
            self.analyse(signal)
        return True


@pytest.fixture(params=choices(), ids=lambda choice: "-".join([choice[0], *map(str, choice[1].values())]))
def case(request: pytest.FixtureRequest, install: Callable[..., None]) -> Case:
    name, values = request.param
    if name == FOREIGN:
        install()
    tool = find_tool(name)
    missing = set(tool.networks(complete(tool, values))) - set(rooms())
    if missing:
        pytest.skip(f"the networks {', '.join(sorted(missing))} aren't exported yet")
    return Case(tool, values)


def music(seconds: float, rate: int = RATE, channels: int = 1, seed: int = 1) -> ArraySignal:
    """Chords with hiss, hum and a few clicks, so that every stage has something to find."""
    chance = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    out = np.zeros((len(time), channels))
    for onset in np.arange(0, seconds, 0.4):
        tones = 220 * 2 ** (chance.integers(0, 24, (3, 1)) / 12)
        since = np.maximum(time - onset, 0)
        envelope = np.where(time >= onset, np.exp(-4 * since) * np.minimum(1, since * 200), 0)
        out += 0.08 * (np.sin(2 * np.pi * tones * time) * envelope).sum(axis=0)[:, None]
    out += 0.003 * chance.standard_normal(out.shape) + 0.01 * np.sin(2 * np.pi * 50 * time)[:, None]
    for hit in chance.integers(0, max(1, len(time) - 8), 6 if len(time) else 0):
        out[hit : hit + 4] += np.array([0.4, -0.3, 0.2, -0.1])[: len(out) - hit, None]
    return ArraySignal(out.astype(np.float32), rate)


def plain(signal: ArraySignal) -> ArraySignal:
    """Another object with the same samples, so that nothing can be remembered of the first."""
    return ArraySignal(signal.samples.copy(), signal.rate)


# --- What a tool says about itself


def test_it_introduces_itself(case: Case) -> None:
    tool = case.tool
    assert tool.name == tool.name.lower()
    assert tool.label
    assert tool.summary.endswith(".")
    assert tool.version >= 1
    names = [knob.name for knob in tool.knobs]
    assert len(set(names)) == len(names)
    for knob in tool.knobs:
        assert knob.label
        assert knob.hint.endswith(".")
        assert knob.check(knob.default) == knob.default
        if knob.kind not in ("text", "track", "span"):
            text = {True: "on", False: "off"}[knob.default] if isinstance(knob.default, bool) else str(knob.default)
            assert knob.parse(text) == knob.default
    for values in tool.presets.values():
        assert set(complete(tool, values)) == set(names)


def test_every_group_of_knobs_has_its_switch(case: Case) -> None:
    switches = {knob.name for knob in case.tool.knobs if knob.kind == "bool"}
    assert {knob.group for knob in case.tool.knobs if knob.group} <= switches


# --- Length, rate and channels


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 511, 512, 2047, 4801, 30_011])
def test_the_length_is_exact(case: Case, frames: int) -> None:
    samples = np.random.default_rng(frames).normal(0, 0.1, (frames, 2)).astype(np.float32)
    signal = ArraySignal(samples, RATE)
    if case.refuses(signal):
        return
    made = case.format(format_of(signal))
    result = case.render(signal)
    assert result.shape == (made.frames, made.channels)
    assert result.dtype == np.float32
    assert np.isfinite(result).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_any_number_of_channels_is_processed(case: Case, channels: int) -> None:
    signal = music(1.2, 16_000, channels)
    result = case.render(signal)
    assert result.shape[1] == case.format(format_of(signal)).channels
    assert np.isfinite(result).all()


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 48_000, 96_000, 192_000])
def test_any_rate_is_processed_with_the_same_bits_for_any_span(case: Case, rate: int) -> None:
    signal = music(1.2, rate)
    analysis = case.analyse(signal)
    whole = case.render(signal, analysis)
    assert whole.shape[0] == case.format(Format(rate, 1, signal.frames)).frames
    assert np.isfinite(whole).all()
    part = Span(len(whole) // 3, len(whole) // 2)
    assert np.array_equal(case.render(plain(signal), analysis, part), whole[part.start : part.stop])


def test_no_span_is_no_sound(case: Case) -> None:
    signal = music(1.2)
    assert case.render(signal, span=Span(777, 777)).shape == (0, 1)


# --- The same bits however it is asked for


@pytest.fixture
def spans() -> list[Span]:
    """Odd spans that cover four seconds, in a random order."""
    edges = [0, 1, 2, 4097, 32_768, 44_100, 70_001, 70_002, 99_999, 131_072, 150_000, 176_399, 176_400]
    found = [Span(a, b) for a, b in pairwise(edges)]
    return [found[i] for i in np.random.default_rng(5).permutation(len(found))]


def test_any_span_in_any_order_gives_the_same_bits(case: Case, spans: list[Span]) -> None:
    signal = music(4.0, channels=2)
    analysis = case.analyse(signal)
    whole = case.render(signal, analysis)
    assert not np.array_equal(whole, signal.samples), "it did nothing, so nothing would be proved"
    for span in spans:
        assert np.array_equal(case.render(plain(signal), analysis, span), whole[span.start : span.stop]), span


def test_threads_get_the_same_bits(case: Case, spans: list[Span]) -> None:
    signal = music(4.0)
    analysis = case.analyse(signal)
    whole = case.render(plain(signal), analysis)
    with ThreadPoolExecutor(4) as pool:
        parts = pool.map(lambda span: (span, case.render(signal, analysis, span)), spans * 2)
        for span, part in parts:
            assert np.array_equal(part, whole[span.start : span.stop]), span


def test_an_analysis_read_back_from_the_cache_gives_the_same_bits(case: Case) -> None:
    signal = music(2.0)
    analysis = case.analyse(signal)
    again = Analysis.from_bytes(analysis.to_bytes())
    assert again.to_bytes() == analysis.to_bytes()
    assert np.array_equal(case.render(signal, again), case.render(plain(signal), analysis))


def test_a_second_analysis_finds_the_same(case: Case) -> None:
    assert case.analyse(music(2.0)).to_bytes() == case.analyse(music(2.0)).to_bytes()


def global_state() -> bytes:
    state: Any = np.random.get_state(legacy=False)
    key: bytes = state["state"]["key"].tobytes()
    return key + bytes([state["state"]["pos"] % 256])


def test_chance_comes_from_no_common_source(case: Case) -> None:
    """Neither does the tool use NumPy's global generator, nor does that generator change the result."""
    signal = music(1.2)
    np.random.seed(1)
    before = global_state()
    first = case.render(signal)
    assert global_state() == before
    np.random.seed(2)
    assert np.array_equal(case.render(plain(signal)), first)


# --- What must not change


def test_the_source_is_not_touched(case: Case) -> None:
    signal = music(1.5, channels=2)
    before = signal.samples.copy()
    result = case.render(signal)
    result += 1.0
    assert np.array_equal(signal.samples, before)


def test_with_every_stage_off_the_bits_of_the_source_come_out(case: Case) -> None:
    if not case.tool.has_mix:
        pytest.skip("its result lies on another time axis")
    switches: dict[str, Value] = {knob.name: False for knob in case.tool.knobs if knob.name == knob.group}
    assert switches
    signal = music(1.5, channels=2)
    assert np.array_equal(case.having(switches).render(signal), signal.samples)


def test_at_strength_zero_the_bits_of_the_source_come_out(case: Case) -> None:
    strengths: dict[str, Value] = {knob.name: 0.0 for knob in case.tool.knobs if knob.name.endswith("_strength")}
    if not strengths:
        pytest.skip("it has no strengths")
    signal = music(1.5, channels=2)
    assert np.array_equal(case.having(strengths).render(signal), signal.samples)


def test_silence_stays_silent(case: Case) -> None:
    if case.tool.is_generative:
        pytest.skip("it makes sound of its own")
    if case.tool.name in SHORTEST_S:
        with pytest.raises(InputError):
            case.analyse(SilentSignal(RATE, 2, 2 * RATE))
        return
    assert not case.render(SilentSignal(RATE, 2, 2 * RATE)).any()


def test_nothing_is_delayed(case: Case) -> None:
    """A few hundred samples of delay that nobody took out are the commonest fault of such tools."""
    if not case.tool.has_mix:
        pytest.skip("its result lies on another time axis")
    still = case.having(STILL.get(case.tool.name, {}))
    for rate in (RATE, 16_000):
        signal = music(2.0, rate)
        result = still.render(signal)[:, 0].astype(np.float64)
        source = signal.samples[:, 0].astype(np.float64)
        length = 2 * len(source)
        cross = np.fft.irfft(np.fft.rfft(result, length) * np.conj(np.fft.rfft(source, length)), length)
        assert int(np.argmax(cross)) == 0


# --- Cancel


def test_a_job_that_is_cancelled_already_does_nothing(case: Case) -> None:
    signal, job = music(1.2), Job()
    analysis = case.analyse(signal)
    job.cancel()
    with pytest.raises(Cancelled):
        case.analyse(signal, job)
    with pytest.raises(Cancelled):
        case.render(signal, analysis, job=job)


class Impatient(Job):
    """A user who cancels while the tool is at work: after it has looked `patience` times."""

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience = patience
        self.lock = threading.Lock()

    def check(self) -> None:
        with self.lock:
            self.patience -= 1
            if self.patience < 0:
                self.cancel()
        super().check()


class Spy:
    """Minutes of quiet noise at 8 kHz; counts what is read."""

    rate, channels = 8000, 1

    def __init__(self, seconds: int = 600) -> None:
        self.frames = self.rate * seconds
        self.longest = 0
        self.total = 0
        self._loop = np.random.default_rng(1).normal(0, 0.05, (8000, 1)).astype(np.float32)

    def read(self, start: int, stop: int) -> Samples:
        self.longest = max(self.longest, stop - start)
        self.total += stop - start
        return np.take(self._loop, np.arange(start, stop) % 8000, axis=0)


def test_a_cancel_is_heard_in_the_middle_of_work(case: Case) -> None:
    spy = Spy()
    if spy_reads(case, music(1.0, 8000)):
        with pytest.raises(Cancelled):
            case.analyse(spy, Impatient(5))
        assert spy.total < spy.frames * 3 // 2  # far from the end: every tool reads the recording at least once
    signal = music(3.0, 8000)
    analysis = case.analyse(signal)
    with pytest.raises(Cancelled):
        case.render(signal, analysis, job=Impatient(1))


def spy_reads(case: Case, signal: Signal) -> bool:
    """Whether analysis looks at the recording at all."""
    reads: list[Span] = []

    class Watched:
        rate, channels, frames = signal.rate, signal.channels, signal.frames

        def read(self, start: int, stop: int) -> Samples:
            reads.append(Span(start, stop))
            return signal.read(start, stop)

    case.analyse(Watched())
    return bool(reads)


# --- Memory


LONGEST_READ_S = 60  # what a tool may hold at once, however long the recording


def test_a_long_recording_is_read_in_pieces(case: Case) -> None:
    spy = Spy(seconds=150)
    analysis = case.analyse(spy)
    case.render(spy, analysis, Span(70 * 8000, 75 * 8000))
    assert 0 < spy.longest <= LONGEST_READ_S * spy.rate


def test_a_span_costs_no_more_reading_in_a_long_recording(case: Case) -> None:
    """Five seconds of the result need the five seconds and a moment around them."""
    short, long_ = Spy(seconds=20), Spy()
    analysis = case.analyse(short)
    short.total = 0
    case.render(short, analysis, Span(8000 * 7, 8000 * 12))
    case.tool.render(long_, case.params, analysis, case.inputs(long_), Span(8000 * 7, 8000 * 12))
    assert long_.total <= short.total + 8000 * 60


# --- Presets


def test_every_preset_renders(case: Case) -> None:
    signal = music(1.2, 22_050)
    for name, values in case.tool.presets.items():
        engine = {key: value for key, value in case.params.items() if key in ("engine", "force")}
        preset = Case(case.tool, {**values, **engine})
        result = preset.render(signal)
        assert np.isfinite(result).all(), name
        assert np.array_equal(result, preset.render(plain(signal))), name
