"""What a rendered chunk depends on, as one hash: the same work under the same name, whoever asks.

A device's keys build on the key of the sound that goes in, so a change reaches everything above it and nothing below.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from engine.inference.card import load_card
from engine.inference.network import active_provider
from engine.session.recipe import Step
from engine.settings import Settings
from engine.tools.tool import Params, Tool

Networks = tuple[tuple[str, str], ...]  # (room/file, sha256)


@dataclass(frozen=True)
class DeviceParams:
    """A device's complete settings, as its tool hears them at each stage."""

    analysis: Params  # every knob that doesn't concern the analysis at its default
    render: Params  # every live knob at its default
    live: Params  # all as set


@dataclass(frozen=True)
class DeviceKeys:
    """The names of what one device produces."""

    analysis: str
    wet: str  # the tool's own output
    output: str  # scope and mix applied


def digest(*parts: object) -> str:
    """Return a SHA-256 over JSON values, in hexadecimal."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def split_params(tool: Tool, params: Params) -> DeviceParams:
    """Return what each stage of `tool` may depend on."""
    has_live = callable(getattr(tool, "apply_live", None))
    defaults = {knob.name: knob.default for knob in tool.knobs}
    analysed = {knob.name for knob in tool.knobs if knob.invalidates == "analyse"}
    live = {knob.name for knob in tool.knobs if knob.invalidates == "live"} if has_live else set()
    return DeviceParams(
        analysis={name: params[name] if name in analysed else defaults[name] for name in params},
        render={name: defaults[name] if name in live else params[name] for name in params},
        live=params,
    )


def network_hashes(names: tuple[str, ...]) -> Networks:
    """Return the hashes of networks from their cards: of one file by `room/file`, of every file of a room by `room`.

    Raises
    ------
    NetworkError
        If one isn't installed.
    """
    found = []
    for name in names:
        room, _, only = name.partition("/")
        card = load_card(room)
        found += [(f"{room}/{file.name}", file.sha256) for file in ((card.file(only),) if only else card.files)]
    return tuple(found)


def device_keys(
    below: str, step: Step, tool: Tool, params: DeviceParams, inputs: Mapping[str, str], settings: Settings,
    rendering: tuple[str, ...],
) -> DeviceKeys:  # fmt: skip
    """Return the keys of one device.

    Parameters
    ----------
    below
        The key of the sound that goes in.
    inputs
        Fingerprints of the other recordings, by input name.
    rendering
        The networks that rendering uses, as `network_hashes` takes them.

    Raises
    ------
    NetworkError
        If a network the device needs isn't installed.
    """
    learnt = {k.name: params.analysis[k.name] for k in tool.knobs if k.invalidates == "analyse"}
    analysing = getattr(tool, "networks_of_analysis", tool.networks)
    analysis_networks = network_hashes(tuple(analysing(params.analysis)))
    networks = network_hashes(rendering)
    judges = getattr(tool, "judges_of_analysis", None)
    analysis = digest(
        "analysis", below, tool.name, tool.version, learnt, dict(inputs), analysis_networks,
        active_provider(settings) if analysis_networks else "", *(judges() if judges is not None else ()),
    )  # fmt: skip
    scope = step.scope
    # A box is composited over its surroundings, cut to the scope, so what is stored near its ends depends on them.
    box = [scope.low_hz, scope.high_hz, scope.start_s, scope.stop_s] if scope.is_box else []
    provider = active_provider(settings) if networks else ""
    wet = digest("wet", analysis, dict(params.render), networks, provider, box)
    live = {name: value for name, value in params.live.items() if value != params.render[name]}
    output = digest("output", wet, step.scope.to_json(), step.mix, live)
    return DeviceKeys(analysis, wet, output)
