"""What the window knows of band edges: which tools find one, where it lies, and what is said about it.

A tool has an edge if a knob of it, a frequency of which 0 means "as found", is also the name of a fact of its analysis:
`cutoff_hz`. Nothing here knows a tool by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from engine.audio.signal import Format, Signal
from engine.errors import ShellacError
from engine.session.device import Device
from engine.session.recipe import Step
from engine.tools.tool import Analysis, Job, Knob, Params, Tool, Value, complete
from gui.numbers import signed
from gui.panels.knobs import is_automatic
from gui.views.annotations import BandEdge
from gui.views.edge_line import certainty, edge_hz, is_unsure

LOWEST_HZ = 100.0  # to which an edge can be put by hand where the tool says nothing of it


@runtime_checkable
class Generates(Protocol):
    """A tool that says which band it generates, Hz from and to; None: nothing."""

    def generated_band(self, given: Format, params: Params, analysis: Analysis) -> tuple[float, float] | None: ...


@runtime_checkable
class Bounds(Protocol):
    """A tool that says between which frequencies, Hz, an edge set by hand stays as set."""

    def edge_bounds(self, given: Format, params: Params) -> tuple[float, float]: ...


@runtime_checkable
class Remarks(Protocol):
    """A tool that has something to say about a recording."""

    def remarks(self, given: Format, params: Params, analysis: Analysis) -> Sequence[str]: ...


@runtime_checkable
class Accounts(Protocol):
    """A tool that measures its own finished work."""

    def account(
        self, before: Signal, after: Signal, params: Params, analysis: Analysis, job: Job
    ) -> Mapping[str, Any]: ...


def edge_knob(tool: Tool, facts: Mapping[str, Any]) -> Knob | None:
    """Return the knob that moves the edge a tool has found, None if it finds none."""
    found = (knob for knob in tool.knobs if knob.kind == "float" and is_automatic(knob))
    return next((knob for knob in found if number(facts, knob.name) is not None), None)


def number(facts: Mapping[str, Any], name: str) -> float | None:
    """Return a fact that is a number, else None: facts of other people's tools may be anything."""
    value = facts.get(name)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def edge_of(device: Device, analysis: Analysis | None, step: Step | None = None) -> BandEdge | None:
    """Return the edge of a device at work, None if its tool finds none. Frames are the device's.

    Parameters
    ----------
    step
        As the user wants the device now, where that is newer than what is at work.
    """
    facts = analysis.facts if analysis is not None else {}
    knob = edge_knob(device.tool, facts)
    found_hz = number(facts, knob.name) if knob is not None else None
    if analysis is None or knob is None or found_hz is None:
        return None
    params = params_of(device.tool, step or device.step)
    own_hz = float(params[knob.name])
    band = _generated(device, params, analysis, own_hz or found_hz)
    lowest_hz, highest_hz = _bounds(device, params)
    return BandEdge(
        hz=own_hz or (band[0] if band is not None else found_hz),
        found_hz=_found(device, params, analysis, knob, found_hz),
        confidence=number(facts, f"{knob.name.removesuffix('_hz')}_confidence"),
        is_set=own_hz > 0,
        lowest_hz=max(knob.minimum, lowest_hz),
        highest_hz=min(knob.maximum, highest_hz),
        generated_to_hz=band[1] if band is not None else None,
        generated_in=None if device.inside == (0, device.format.frames) else device.inside,
    )


def params_of(tool: Tool, step: Step) -> dict[str, Value]:
    """Return all knob values of a step; a name that this version of the tool doesn't know is left out."""
    known = {knob.name for knob in tool.knobs}
    return complete(tool, {name: value for name, value in step.params.items() if name in known})


def _found(device: Device, params: Params, analysis: Analysis, knob: Knob, found_hz: float) -> float:
    """Return where the edge would lie if it weren't set by hand."""
    band = _generated(device, {**params, knob.name: knob.default}, analysis, found_hz)
    return band[0] if band is not None else found_hz


def _bounds(device: Device, params: Params) -> tuple[float, float]:
    """Return the lowest and the highest frequency at which the line can be put."""
    given = device.below.format
    if isinstance(device.tool, Bounds):
        try:
            return device.tool.edge_bounds(given, params)
        except ShellacError:
            pass  # the knobs ask for what can't be done; the card says so
    return LOWEST_HZ, given.rate / 2


def _generated(device: Device, params: Params, analysis: Analysis, hertz: float) -> tuple[float, float] | None:
    """Return the band that is generated above an edge at `hertz`: as the tool says, else by the facts."""
    tool, given, facts = device.tool, device.below.format, analysis.facts
    if isinstance(tool, Generates):
        try:
            return tool.generated_band(given, params, analysis)
        except ShellacError:
            return None  # the knobs ask for what can't be done; the card says so
    is_idle = bool(facts.get("full_band")) and given.rate == device.format.rate and hertz == given.rate / 2
    top_hz = min(number(facts, "generated_to_hz") or device.format.rate / 2, device.format.rate / 2)
    return (hertz, top_hz) if tool.is_generative and not is_idle and hertz < top_hz else None


def account_of(device: Device, before: Signal, after: Signal, job: Job) -> Mapping[str, Any]:
    """Return what the tool of a device measures of its own finished work; nothing where it measures nothing."""
    tool, analysis = device.tool, device.held_analysis()
    if not isinstance(tool, Accounts) or analysis is None:
        return {}
    return tool.account(before, after, device.params.live, analysis, job)


def generated_words(account: Mapping[str, Any]) -> str:
    """Return how loud the generated band is: generated −38.2 dBFS."""
    level_db = number(account, "generated_db")
    return f"generated {signed(level_db)} dBFS" if level_db is not None else ""


def kept_words(account: Mapping[str, Any]) -> str:
    """Return what was measured in the band that the recording has."""
    kept_hz, null_db = number(account, "kept_up_to_hz"), number(account, "kept_null_db")
    if kept_hz is None:
        return ""
    change = "not a bit changed" if null_db is None else f"Δ {signed(null_db, 0)} dB"
    distance_db = number(account, "lsd_lf_db")
    distance = f", LSD {signed(distance_db, 2)} dB" if distance_db is not None else ""
    return f"Below {edge_hz(kept_hz)}: {change}{distance}"


def learnt_words(device: Device, analysis: Analysis) -> tuple[str, ...]:
    """Return what a card says about the edge, in short sentences; nothing where there is none."""
    edge = edge_of(device, analysis)
    if edge is None:
        return ()
    if is_unsure(edge):
        return (f"No clear edge: {edge_hz(edge.hz)} is taken for it",)
    if edge.is_set:
        return (f"Edge set to {edge_hz(edge.hz)}; found at {edge_hz(edge.found_hz)}",)
    return (f"Edge at {edge_hz(edge.hz)}, {certainty(edge)}",)


def warnings_of(device: Device, analysis: Analysis) -> tuple[str, ...]:
    """Return the doubts about a recording, as its tool spells them."""
    tool = device.tool
    found: object = analysis.facts.get("warnings", ())
    if isinstance(tool, Remarks):
        found = tool.remarks(device.below.format, params_of(tool, device.step), analysis)
    sentences = found if isinstance(found, Sequence) and not isinstance(found, str) else ()
    return tuple(_sentence(text, tool) for text in sentences if isinstance(text, str) and text)


def _sentence(text: str, tool: Tool) -> str:
    """Return a sentence of a tool as a card says it: knobs are called what stands at them."""
    for knob in tool.knobs:
        if "_" in knob.name:
            text = text.replace(knob.name, knob.label)
    return text[:1].upper() + text[1:]
