"""What a tool promises: analyse a recording once, then render any span of the result, in any order, to the last bit.

A tool declares its `Knob`s; the window draws its card from them and the command line its options. Nothing else is
needed for a tool to appear everywhere.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from engine.audio.signal import Format, Samples, Signal, Span
from engine.errors import Cancelled, UsageError

Value = float | int | bool | str
Params = Mapping[str, Value]  # complete: one value for every knob
Inputs = Mapping[str, Signal]  # other recordings the tool needs, by name


@dataclass(frozen=True)
class Knob:
    """One thing the user can set.

    `kind` "track" names another recording (a key of `inputs`); "span" is a time selection "START-STOP" in seconds,
    empty for none (drawn as a *Learn from selection* button).
    """

    name: str  # as in `--set name=value`
    label: str
    kind: Literal["float", "int", "bool", "choice", "text", "track", "span"]
    default: Value
    minimum: float = 0.0
    maximum: float = 1.0
    step: float = 0.01
    unit: str = ""  # "dB", "%", "Hz", ...
    choices: tuple[str, ...] = ()
    invalidates: Literal["analyse", "render", "live"] = "render"
    group: str = ""  # knobs of one group stand together; a bool knob named like the group is its switch
    hint: str = ""  # one sentence, shown as tooltip and by --help
    labels: tuple[str, ...] = ()  # of the choices as shown, where their own names don't say enough
    option: Literal["", "--engine", "--seed", "--model", "--factor", "--rate"] = ""  # of its own, beside --set
    excludes: tuple[str, ...] = ()  # knobs that go back to their defaults when this one is set

    def parse(self, text: str) -> Value:
        """Return the value that `text` spells, checked.

        Raises
        ------
        UsageError
            If `text` doesn't spell a value in range.
        """
        try:
            if self.kind == "bool":
                return {"on": True, "true": True, "1": True, "yes": True,
                        "off": False, "false": False, "0": False, "no": False}[text.strip().lower()]  # fmt: skip
            if self.kind == "int":
                return self.check(int(text))
            if self.kind == "float":
                return self.check(float(text))
        except (KeyError, ValueError) as error:
            raise UsageError(f"{self.name} can't be {text!r}", f"give {self.describe()}") from error
        return self.check(text)

    def check(self, value: Value) -> Value:
        """Return `value` in this knob's type, or raise UsageError if it is out of range."""
        if self.kind == "bool" and isinstance(value, bool):
            return value
        if self.kind in ("float", "int") and isinstance(value, (int, float)) and not isinstance(value, bool):
            in_range = self.minimum <= value <= self.maximum  # False for NaN
            if in_range and (self.kind == "float" or value == int(value)):
                return float(value) if self.kind == "float" else int(value)
        if self.kind == "choice" and value in self.choices:
            return value
        if self.kind in ("text", "track", "span") and isinstance(value, str):
            return value
        raise UsageError(f"{self.name} can't be {value!r}", f"give {self.describe()}")

    def describe(self) -> str:
        """Return the allowed values in words, such as `0 to 100 %`."""
        if self.kind == "choice":
            return " or ".join(self.choices)
        if self.kind == "bool":
            return "on or off"
        if self.kind in ("float", "int"):
            return f"{self.minimum:g} to {self.maximum:g} {self.unit}".strip()
        return {"track": "a recording", "span": "START-STOP in seconds"}.get(self.kind, "text")


@dataclass(frozen=True)
class Analysis:
    """What a tool learnt about the whole recording: JSON values and arrays, so that it can be cached without pickle."""

    facts: Mapping[str, Any] = field(default_factory=dict)  # JSON values; shown in reports
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the analysis as a NumPy archive that `from_bytes` reads back."""
        buffer = io.BytesIO()
        facts = np.frombuffer(json.dumps(dict(self.facts)).encode(), dtype=np.uint8)
        members: dict[str, Any] = {"facts.json": facts, **{f"array.{name}": a for name, a in self.arrays.items()}}
        np.savez(buffer, allow_pickle=False, **members)
        return buffer.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> Analysis:
        """Read what `to_bytes` wrote. Raises ValueError if it is something else."""
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            facts = json.loads(archive["facts.json"].tobytes())
            arrays = {name[6:]: archive[name] for name in archive.files if name.startswith("array.")}
        return Analysis(facts, arrays)


class Job:
    """How a long computation hears that it should stop, and says how far it is. Safe to use from several threads."""

    def __init__(self, on_progress: Callable[[float, str], None] | None = None) -> None:
        self._cancelled = threading.Event()
        self._on_progress = on_progress
        self._on_cancel: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Ask the computation to stop; it raises Cancelled at its next check."""
        self._cancelled.set()
        for stop in list(self._on_cancel):
            stop()

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise Cancelled if somebody asked for it. Call it at least five times a second."""
        if self._cancelled.is_set():
            raise Cancelled

    def progress(self, fraction: float, text: str = "") -> None:
        """Say how far the computation is (0 to 1), and check."""
        self.check()
        if self._on_progress is not None:
            self._on_progress(fraction, text)

    def when_cancelled(self, stop: Callable[[], None]) -> Callable[[], None]:
        """Have `stop` called on cancel (such as to terminate a network's run). Returns a function that forgets it."""
        self._on_cancel.append(stop)
        if self.is_cancelled:
            stop()
        return lambda: self._on_cancel.remove(stop)

    def part(self, start: float, stop: float) -> Job:
        """Return a job for the part of this one between two fractions: its progress is scaled, its cancel shared."""
        return _Part(self, start, stop)


class _Part(Job):
    def __init__(self, whole: Job, start: float, stop: float) -> None:
        super().__init__(lambda fraction, text: whole.progress(start + fraction * (stop - start), text))
        self._cancelled = whole._cancelled
        self._on_cancel = whole._on_cancel


NO_JOB = Job()  # never cancelled by anyone


@runtime_checkable
class Tool(Protocol):
    """A device of the rack. Implementations are stateless: everything they know comes in as an argument.

    A tool may have more, and those who can use it look for it:

    - `needs: tuple[str, ...]`: those of `inputs` without which it can't work;
    - `output_format_with(given, params, inputs) -> Format`: in place of `output_format` where the formats of the other
      recordings, by name, have a say;
    - `apply_live(dry, wet, params) -> Samples`: the live knobs, on input and output of the same span;
    - `networks_for(given, params) -> tuple[str, ...]`: which of `networks` a recording of that format needs: a room, or
      `room/file` where only one of its files is run;
    - `networks_of_analysis(params) -> tuple[str, ...]`: which of them the analysis alone depends on, if not on all;
    - `judges_of_analysis() -> tuple[str, ...]`: the SHA-256 of each file of taught numbers that shapes the analysis and
      lies in no room; with others a recording is analysed anew;
    - `edge_bounds(given, params) -> tuple[float, float]`: from where to where, Hz, an edge set by hand stays as set;
    - `generated_band(given, params, analysis) -> tuple[float, float] | None`: what it invents, in Hz; None where this
      recording with these settings gets nothing that was never recorded, and no network is run to render it;
    - `idle_knobs(params) -> Mapping[str, str]`: the knobs that have no effect with these settings, and why: a sentence
      without a full stop that names the setting they depend on;
    - `remarks(given, params, analysis) -> tuple[str, ...]`: sentences for the user about this recording;
    - `account(before, after, params, analysis, job) -> Mapping[str, Any]`: what it did, measured, for the report;
      `text` is all of it as a sentence.
    """

    name: str  # lower case: the command, the key in recipes
    label: str  # as shown
    summary: str  # one sentence
    version: int  # raised when the same recipe would sound different; part of every chunk key
    knobs: tuple[Knob, ...]
    presets: Mapping[str, Mapping[str, Value]]
    inputs: tuple[str, ...]  # names of other recordings it can take
    has_mix: bool  # False for tools whose output lies on another time axis
    is_generative: bool  # True if it can invent sound; said in metadata and by a banner

    def networks(self, params: Params) -> tuple[str, ...]:
        """Return the rooms of the networks used with `params`, such as ("noise_profile", "denoiser")."""
        ...

    def output_format(self, given: Format, params: Params) -> Format:
        """Return rate, channels and frames of the result for a source of format `given`."""
        ...

    def analyse(self, signal: Signal, params: Params, inputs: Inputs, job: Job = NO_JOB) -> Analysis:
        """Learn what concerns the whole recording. Memory doesn't grow with its length beyond the analysis itself."""
        ...

    def render(
        self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span, job: Job = NO_JOB
    ) -> Samples:
        """Return any span of the result, shape (span.frames, channels): the same bits however it is asked for."""
        ...


def complete(tool: Tool, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return `values` checked and completed with the defaults of `tool`.

    Raises
    ------
    UsageError
        If a name is unknown or a value out of range.
    """
    known = {knob.name: knob for knob in tool.knobs}
    for name in values:
        if name not in known:
            raise UsageError(f"{tool.label} has no knob {name!r}", f"choose from {', '.join(known)}")
    return {name: knob.check(values[name]) if name in values else knob.default for name, knob in known.items()}
