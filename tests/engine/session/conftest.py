"""Small devices whose output is known in closed form, and a renderer that keeps its chunks in the test's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from engine.audio.signal import ArraySignal, Format, Samples, Signal, Span, blocks, read_padded
from engine.session.render import Renderer
from engine.session.store import ChunkStore
from engine.settings import Settings
from engine.tools.tool import NO_JOB, Analysis, Inputs, Job, Knob, Params, Value

RATE = 1000  # chunks of 5,000 frames: tests stay small


@dataclass
class SmallTool:
    """A device that leaves its input as it is and remembers what it was asked for."""

    name: str = "plain"
    label: str = "Plain"
    summary: str = "Leaves the sound as it is."
    version: int = 1
    knobs: tuple[Knob, ...] = ()
    presets: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    has_mix: bool = True
    is_generative: bool = False
    rooms: tuple[str, ...] = ()
    rendered: list[Span] = field(default_factory=list)
    analysed: int = 0

    def networks(self, params: Params) -> tuple[str, ...]:
        return self.rooms

    def output_format(self, given: Format, params: Params) -> Format:
        return given

    def analyse(self, signal: Signal, params: Params, inputs: Inputs, job: Job = NO_JOB) -> Analysis:
        self.analysed += 1
        return Analysis()

    def render(
        self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span, job: Job = NO_JOB
    ) -> Samples:
        self.rendered.append(span)
        return self.process(signal, params, analysis, inputs, span).astype(np.float32)

    def process(self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span) -> Samples:
        return signal.read(*span)


class Gain(SmallTool):
    """y = gain * x; `trim` does the same without a new render."""

    def __init__(self) -> None:
        super().__init__(
            "gain",
            "Gain",
            knobs=(
                Knob("gain", "Gain", "float", 0.5, -10.0, 10.0),
                Knob("trim", "Trim", "float", 1.0, 0.0, 2.0, invalidates="live"),
            ),
        )

    def process(self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span) -> Samples:
        assert params["trim"] == 1.0, "a render must not see live knobs"
        return signal.read(*span) * np.float32(params["gain"])

    def apply_live(self, dry: Samples, wet: Samples, params: Params) -> Samples:
        return wet * np.float32(params["trim"])


class Smooth(SmallTool):
    """The mean of `reach` frames before and after: needs context from the neighbouring chunks."""

    reach = 100

    def __init__(self) -> None:
        super().__init__("smooth", "Smooth")

    def process(self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span) -> Samples:
        window = read_padded(signal, span.start - self.reach, span.stop + self.reach)
        total = np.stack([window[k : k + span.frames] for k in range(2 * self.reach + 1)], dtype=np.float64)
        return np.asarray(total.mean(axis=0))


class Normalise(SmallTool):
    """Divides by the peak of the whole recording, which only its analysis knows; times a target."""

    def __init__(self) -> None:
        super().__init__(
            "normalise",
            "Normalise",
            knobs=(
                Knob("ceiling", "Ceiling", "float", 9.0, 0.0, 10.0, invalidates="analyse"),
                Knob("target", "Target", "float", 1.0, 0.0, 1.0),
            ),
        )

    def analyse(self, signal: Signal, params: Params, inputs: Inputs, job: Job = NO_JOB) -> Analysis:
        self.analysed += 1
        assert params["target"] == 1.0, "an analysis must not see other knobs"
        peak = 0.0
        for block in blocks(signal.frames, 4096):
            job.progress(block.start / signal.frames, "looking")
            peak = max(peak, float(np.abs(signal.read(*block)).max()))
        return Analysis({"peak": min(peak, float(params["ceiling"]))}, {"peak": np.array([peak])})

    def process(self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span) -> Samples:
        return signal.read(*span) * np.float32(float(params["target"]) / analysis.facts["peak"])


class Double(SmallTool):
    """Twice the rate, every frame repeated."""

    def __init__(self) -> None:
        super().__init__("double", "Double")

    def output_format(self, given: Format, params: Params) -> Format:
        return Format(2 * given.rate, given.channels, 2 * given.frames)

    def process(self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span) -> Samples:
        start, stop = span.start // 2, -(-span.stop // 2)
        return np.repeat(signal.read(start, stop), 2, axis=0)[span.start - 2 * start :][: span.frames]


class AddOther(SmallTool):
    """Adds another recording."""

    def __init__(self) -> None:
        super().__init__("add", "Add", inputs=("other",))

    def process(self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span) -> Samples:
        return signal.read(*span) + read_padded(inputs["other"], *span)


@dataclass
class Spoiler(SmallTool):
    """Does to the second chunk what a device must not do."""

    name: str = "spoiler"
    label: str = "Spoiler"
    spoil: Callable[[Samples], Samples] = lambda x: x

    def process(self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span) -> Samples:
        samples = signal.read(*span).copy()
        return self.spoil(samples) if span.start == 5 * RATE else samples


@pytest.fixture
def small_tools() -> dict[str, SmallTool]:
    """Return one of each small device, by name."""
    tools = [SmallTool(), Gain(), Smooth(), Normalise(), Double(), AddOther(), Spoiler()]
    return {tool.name: tool for tool in tools}


@dataclass(frozen=True)
class NamedSignal(ArraySignal):
    """Samples with a fingerprint, as a file has."""

    fingerprint: str = "made up"


@pytest.fixture
def source() -> NamedSignal:
    """Return 23.456 s of stereo noise at 1 kHz: four whole chunks and a rest."""
    generator = np.random.default_rng(7)
    samples = (0.1 * generator.standard_normal((23_456, 2))).astype(np.float32)
    return NamedSignal(samples, RATE)


@pytest.fixture
def store(tmp_path: Path) -> ChunkStore:
    return ChunkStore(tmp_path / "chunks", 1 << 30)


@pytest.fixture
def renderer(store: ChunkStore, small_tools: dict[str, SmallTool], source: NamedSignal) -> Renderer:
    """Return a renderer that knows the small devices only and opens made-up recordings by name."""
    return Renderer(Settings(threads=1), store, list(small_tools.values()), opener=lambda path: source)
