"""The change report: what was done, with which settings and networks, and what it did to the sound, measured.

It lets somebody else doubt the result. As JSON for programs; `report_page` makes a page of it for people.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from engine import __version__
from engine.audio.signal import Signal, Span, blocks
from engine.errors import NetworkError
from engine.inference.card import load_card
from engine.session.atomic import dump_json
from engine.session.device import Device
from engine.session.keys import network_hashes
from engine.session.networks import pin_networks
from engine.session.recipe import Recipe, Step, describe_scope
from engine.session.render import RenderedSignal
from engine.tools.tool import NO_JOB, Analysis, Job

REPORT_FORMAT: Final = 1
_BLOCK: Final = 1 << 18  # frames
_SILENCE: Final = 1e-20


@dataclass(frozen=True)
class Subject:
    """The two recordings a report speaks of, as files."""

    source_name: str
    result_name: str = ""
    source_facts: Mapping[str, Any] | None = None  # container, subtype, note, ...
    result_facts: Mapping[str, Any] | None = None


def change_report(rendered: RenderedSignal, recipe: Recipe, subject: Subject, job: Job = NO_JOB) -> dict[str, Any]:
    """Return the report of a rack as JSON values.

    Parameters
    ----------
    rendered
        What `Renderer.render` made of `recipe`; what isn't finished is rendered.
    subject
        Names and file facts of source and result.

    Raises
    ------
    Cancelled
        If the job was cancelled.
    """
    source, result = rendered.source, rendered.under(job)
    before = measurements(source, job.part(0.0, 0.3))
    after = measurements(result, job.part(0.3, 0.8))
    compared = difference(rendered, recipe, job.part(0.8, 1.0))
    steps = [_step(step, rendered, job) for step in recipe.steps]  # now that everything is learnt
    return {
        "shellac_report": REPORT_FORMAT,
        "made_with": f"Shellac {__version__}",
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": {"name": subject.source_name, **_shape(source), **(subject.source_facts or {})},
        "result": {"name": subject.result_name, **_shape(result), **(subject.result_facts or {})},
        "steps": steps,
        "generated_sound": any(step["can_invent_sound"] and step["is_heard"] for step in steps),
        "measured": {"before": before, "after": after},
        "difference": compared,
        "marks": [
            {"start_s": m.span.start / result.rate, "stop_s": m.span.stop / result.rate, "reason": m.reason,
             "step": m.step_id}
            for m in rendered.marks
        ],
        "recipe": pin_networks(recipe).to_json(),
    }  # fmt: skip


def to_json(report: Mapping[str, Any]) -> str:
    """Return a report as JSON text."""
    return dump_json(report).decode()


def _shape(signal: Signal) -> dict[str, Any]:
    return {
        "rate": signal.rate,
        "channels": signal.channels,
        "frames": signal.frames,
        "seconds": signal.frames / signal.rate,
        "fingerprint": str(getattr(signal, "fingerprint", "")),
    }


def _step(step: Step, rendered: RenderedSignal, job: Job) -> dict[str, Any]:
    device = rendered.device(step.id)
    problem = next((str(p) for p in rendered.problems if p.step_id == step.id), "")
    out: dict[str, Any] = {
        "id": step.id,
        "tool": step.tool,
        "is_heard": device is not None,
        "problem": problem,
        "scope": describe_scope(step.scope),
        "mix": step.mix,
        "params": dict(step.params),
        "can_invent_sound": False,
        "networks": [],
        "learnt": {},
        "remarks": [],
        "account": {},
    }
    if device is not None:
        analysis = device.held_analysis()
        out |= {
            "label": device.tool.label,
            "version": device.tool.version,
            "params": dict(device.params.live),
            "can_invent_sound": device.invents,
            "networks": networks_used(device),
            "learnt": {} if analysis is None else _plain(analysis.facts),
            "remarks": list(device.remarks),
            "account": {} if analysis is None else _account(device, rendered, analysis, job),
        }
    return out


def _account(device: Device, rendered: RenderedSignal, analysis: Analysis, job: Job) -> dict[str, Any]:
    """Return what a tool measures of its own work, where it does."""
    tool: Any = device.tool
    if not hasattr(tool, "account"):
        return {}
    sides = (rendered.before(device.step.id).under(job), rendered.after(device.step.id).under(job))
    found: dict[str, Any] = _plain(tool.account(*sides, device.params.live, analysis, job.part(1.0, 1.0)))
    return found


def networks_used(device: Device) -> list[dict[str, Any]]:
    """Return room, files, and the licences of weights and training data of every network that a device ran."""
    used: list[dict[str, Any]] = []
    for name in device.networks_run:
        room = name.partition("/")[0]
        try:
            card = load_card(room)
        except NetworkError as error:
            used.append({"room": room, "problem": str(error)})
            continue
        files = [{"file": file.partition("/")[2], "sha256": sha} for file, sha in network_hashes((name,))]
        entry: dict[str, Any] = (
            {"room": room, "task": card.task, "files": files, "licence_of_weights": card.licence,
             "training_data": list(card.data_licences)}
        )  # fmt: skip
        used.append(entry)
    return used


def _plain(value: Any) -> Any:
    """Return `value` with numbers JSON can hold; what isn't finite becomes None."""
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, (float, np.floating)):
        return finite(float(value))
    return value


def finite(value: float) -> float | None:
    """Return `value`, or None where it is infinite (silence) or undefined: JSON has no number for those."""
    return float(value) if math.isfinite(value) else None


def measurements(signal: Signal, job: Job = NO_JOB) -> dict[str, float | None]:
    """Return loudness, true peak, noise floor, bandwidth and click rate; None where a figure makes no sense."""
    from engine.audio.loudness import integrated_lufs, true_peak_dbtp
    from engine.measure import bandwidth_hz, click_rate, noise_floor_db

    if not signal.frames:
        names = ("loudness_lufs", "true_peak_dbtp", "noise_floor_db", "bandwidth_hz", "clicks_per_s")
        return dict.fromkeys(names)
    job.progress(0.0, "measuring")
    out = {"loudness_lufs": finite(integrated_lufs(signal, check=job.check))}
    job.progress(0.4, "measuring")
    out["true_peak_dbtp"] = finite(true_peak_dbtp(signal, check=job.check))
    job.progress(0.6, "measuring")
    out["noise_floor_db"] = finite(float(noise_floor_db(signal)))
    job.progress(0.7, "measuring")
    out["bandwidth_hz"] = finite(float(bandwidth_hz(signal)))
    job.progress(0.8, "measuring")
    out["clicks_per_s"] = finite(float(click_rate(signal)))
    job.progress(1.0, "measuring")
    return out


def difference(rendered: RenderedSignal, recipe: Recipe, job: Job = NO_JOB) -> dict[str, Any]:
    """Compare result and source sample by sample: the energy removed, and whether all outside the scopes is the same.

    Only where both lie on one time axis; elsewhere the dict says so.
    """
    source, result = rendered.source, rendered.under(job)
    if (source.rate, source.channels, source.frames) != (result.rate, result.channels, result.frames):
        return {"comparable": False}
    if any(not device.tool.has_mix for device in _heard(recipe, rendered)):
        return {"comparable": False}  # equally long by chance
    outside = _outside(recipe, rendered)
    energy = removed = 0.0
    checked = changed = 0
    for block in blocks(source.frames, _BLOCK):
        job.progress(block.start / source.frames, "comparing")
        x, y = source.read(*block), result.read(*block)
        energy += float(np.square(x, dtype=np.float64).sum())
        removed += float(np.square(x - y, dtype=np.float64).sum())
        for channel, spans in enumerate(outside):
            for span in spans:
                part = span.intersect(block)
                here = slice(part.start - block.start, part.stop - block.start)
                checked += part.frames
                changed += int(np.count_nonzero(x[here, channel] != y[here, channel]))
    share = 100.0 * (checked - changed) / checked if checked else None
    return {
        "comparable": True,
        "removed_energy_db": _ratio_db(removed, energy),
        "outside_scope": {"samples_checked": checked, "samples_changed": changed, "unchanged_percent": share},
    }


def _ratio_db(part: float, whole: float) -> float | None:
    if part <= _SILENCE or whole <= _SILENCE:
        return None
    return 10.0 * math.log10(part / whole)


def _heard(recipe: Recipe, rendered: RenderedSignal) -> list[Device]:
    return [device for step in recipe.steps if (device := rendered.device(step.id)) is not None]


def _outside(recipe: Recipe, rendered: RenderedSignal) -> list[list[Span]]:
    """Return for every channel the spans that no heard device may touch."""
    heard = _heard(recipe, rendered)
    out = []
    for channel in range(rendered.channels):
        inside = sorted(
            device.inside for device in heard if device.scope.channels is None or channel in device.scope.channels
        )
        spans, end = [], 0
        for span in inside:
            if span.start > end:
                spans.append(Span(end, span.start))
            end = max(end, span.stop)
        if end < rendered.frames:
            spans.append(Span(end, rendered.frames))
        out.append(spans)
    return out


def processing_note(recipe: Recipe, rendered: RenderedSignal, job: Job = NO_JOB) -> str:
    """Return one line for a file's comment tag: what was done, and whether sound may have been invented.

    A tag is written before the sound: what a tool must know to tell is learnt here, unless it is known already.

    Raises
    ------
    Cancelled
        If the job was cancelled.
    """
    done = []
    for step in recipe.steps:
        device = rendered.device(step.id)
        if device is None:
            continue
        invented = ", may contain sound that was never recorded" if device.tell_inventing(job) else ""
        networks = ", ".join(f"{name} {sha[:8]}" for name, sha in network_hashes(device.networks_run))
        scope = "" if step.scope.is_whole else f" on {describe_scope(step.scope)}"
        done.append(f"{device.tool.label}{scope}" + (f" ({networks})" if networks else "") + invented)
    return f"Processed with Shellac {__version__}: " + ("; ".join(done) or "nothing")
