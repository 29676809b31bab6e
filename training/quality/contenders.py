"""Who takes part: the product's tools, the methods from the books beside them, and the bounds nobody can pass.

A contender answers a `Material`. Only a ceiling may look at the target; `blind` makes sure that peers can't.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import numpy as np

from engine.audio.signal import Span, format_of
from engine.tools import find_tool
from engine.tools.tool import Analysis, Value, complete
from training.quality.cases import Material, Samples

Role = Literal["floor", "peer", "ours", "ceiling"]
ROLES: Final[tuple[Role, ...]] = ("floor", "peer", "ours", "ceiling")  # in the order of every table


@dataclass(frozen=True, eq=False)
class Answer:
    """What a contender makes of the damaged recording."""

    samples: Samples  # shape of the target
    rate: int  # Hz
    facts: Mapping[str, Any] = field(default_factory=dict)  # what it found out: `clicks`, `speed_cents`


class Run(Protocol):
    """How a contender is asked. It has to be picklable: a function of a module, or a frozen dataclass."""

    def __call__(self, material: Material, /) -> Answer: ...


@dataclass(frozen=True)
class Contender:
    """A name, a place in the table, and how to get an answer."""

    name: str
    role: Role
    run: Run


@dataclass(frozen=True)
class _Tool:
    """Runs a registered tool as session and command line do: analyse the whole, render the whole."""

    tool: str
    values: tuple[tuple[str, Value], ...]
    read: Callable[[Analysis], Mapping[str, Any]] | None

    def __call__(self, material: Material, /) -> Answer:
        tool, signal = find_tool(self.tool), material.signal
        params = complete(tool, dict(self.values))
        # Contenders that differ in rendering only (such as a floor) share the analysis, as in the product.
        learnt = tuple(sorted((k.name, params[k.name]) for k in tool.knobs if k.invalidates == "analyse"))
        analysis = material.once(("analysis", self.tool, learnt), lambda: tool.analyse(signal, params, material.inputs))
        made = tool.output_format(format_of(signal), params)
        samples = tool.render(signal, params, analysis, material.inputs, Span(0, made.frames))
        facts = self.read(analysis) if self.read else {}
        return Answer(samples[:, 0] if material.target.ndim == 1 else samples, made.rate, facts)


@dataclass(frozen=True)
class _Blind:
    function: Callable[[Samples, int], Samples]

    def __call__(self, material: Material, /) -> Answer:
        return Answer(self.function(material.given, material.given_rate or material.rate), material.rate)


@dataclass(frozen=True)
class _Bound:
    function: Callable[[Samples, Samples, int], Samples]

    def __call__(self, material: Material, /) -> Answer:
        return Answer(self.function(material.given, material.target, material.rate), material.rate)


def tool_contender(
    tool: str,
    values: Mapping[str, Value],
    name: str = "",
    role: Role = "ours",
    read: Callable[[Analysis], Mapping[str, Any]] | None = None,
) -> Contender:
    """Return a tool of the product as a contender, found by name in the registry.

    Parameters
    ----------
    values
        Knobs that differ from their defaults.
    name
        In tables; the tool's own if empty.
    read
        Takes what a measure needs (such as the list of clicks) out of the tool's analysis.

    Raises
    ------
    UsageError
        If there is no such tool, or a value is out of range.
    """
    complete(find_tool(tool), values)  # here, not after an hour of measuring
    return Contender(name or tool, role, _Tool(tool, tuple(sorted(values.items())), read))


def blind(name: str, role: Role, function: Callable[[Samples, int], Samples]) -> Contender:
    """Return a plain function of (given, rate) as a contender: it never sees the target."""
    return Contender(name, role, _Blind(function))


def bound(name: str, function: Callable[[Samples, Samples, int], Samples]) -> Contender:
    """Return a function of (given, target, rate) as a ceiling: what a method could reach if it knew the truth."""
    return Contender(name, "ceiling", _Bound(function))


def untouched(name: str = "given") -> Contender:
    """Return the contender that does nothing: the floor of every table."""
    return blind(name, "floor", _same)


def _same(samples: Samples, rate: int) -> Samples:
    return samples


def problem_with(answer: Answer, material: Material) -> str:
    """Return why an answer can't be measured, or nothing."""
    if answer.rate != material.rate:
        return f"the answer has {answer.rate} Hz, the target {material.rate} Hz"
    if answer.samples.shape != material.target.shape:
        return f"the answer has the shape {answer.samples.shape}, the target {material.target.shape}"
    bad = int(np.count_nonzero(~np.isfinite(answer.samples)))
    return f"{bad} samples of the answer are no numbers" if bad else ""
