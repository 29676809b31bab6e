"""The tool Align, joined to the promise every tool makes: the target is the signal, the reference an input."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.audio.signal import Format, Samples, Signal, Span
from engine.errors import InputError, UsageError
from engine.tools.align.anchors import check_inside, parse_anchors, spell_all
from engine.tools.align.fitness import UnrelatedError, are_same, check_usable
from engine.tools.align.knobs import KNOBS, PRESETS
from engine.tools.align.result import Alignment, Corridor
from engine.tools.tool import NO_JOB, Analysis, Inputs, Job, Knob, Params, Value

if TYPE_CHECKING:
    from engine.audio.grains import GrainPlan

REFERENCE: Final = "reference"
_COLUMNS: Final = ("knots_reference_s", "knots_target_s", "confidence", "sigma_s")
_CORRIDOR: Final = ("times_s", "centres_s", "lags_s", "likeness", "runner_up_s")
_REMEMBERED: Final = 4


class Align:
    """Puts a target on the timeline of a reference. See `engine.tools.tool.Tool`."""

    name: str = "align"
    label: str = "Align"
    summary: str = "Puts a recording on the timeline of another performance of the piece, or of an older copy."
    version: int = 1
    knobs: tuple[Knob, ...] = KNOBS
    presets: Mapping[str, Mapping[str, Value]] = PRESETS
    inputs: tuple[str, ...] = (REFERENCE,)
    needs: tuple[str, ...] = (REFERENCE,)
    has_mix: bool = False
    is_generative: bool = False

    def networks(self, params: Params) -> tuple[str, ...]:
        """Return (): the features are made by hand."""
        return ()

    def output_format(self, given: Format, params: Params) -> Format:
        """Return the format for a reference of the target's own rate and length; see `output_format_with`."""
        return given

    def output_format_with(self, given: Format, params: Params, inputs: Mapping[str, Format]) -> Format:
        """Return the reference's rate and length with the target's channels."""
        reference = inputs.get(REFERENCE, given)
        return Format(reference.rate, given.channels, reference.frames)

    def analyse(self, signal: Signal, params: Params, inputs: Inputs, job: Job = NO_JOB) -> Analysis:
        """Find the map, and lay the grains where the pitch is kept.

        Raises
        ------
        UsageError
            If there is no reference, or the anchors make no sense.
        InputError
            If one of the two is too short or silent.
        UnrelatedError
            If they don't seem to share music, unless `force` is on.
        """
        from engine.tools.align.account import facts_of
        from engine.tools.align.plays import lay_out
        from engine.tools.align.render import plan

        reference = _reference(inputs)
        alignment = solved(signal, reference, params, job.part(0.0, 0.9))
        facts = facts_of(alignment, str(params["pitch"]))
        plans: tuple[GrainPlan, ...] = ()
        if facts["pitch"] == "keep":
            plays = lay_out(alignment, reference.rate, reference.frames, params["structure"] == "follow")
            plans = plan(signal, plays, reference.rate, job.part(0.9, 1.0))
        job.progress(1.0, "aligned")
        return Analysis(facts, _arrays(alignment, plans))

    def render(
        self, signal: Signal, params: Params, analysis: Analysis, inputs: Inputs, span: Span, job: Job = NO_JOB
    ) -> Samples:
        """Return any span of the target on the reference's time, shape (span.frames, channels)."""
        from engine.tools.align.plays import lay_out
        from engine.tools.align.render import render

        job.check()
        reference = _reference(inputs)
        made = Format(reference.rate, signal.channels, reference.frames)
        plays = lay_out(alignment_of(analysis), made.rate, made.frames, params["structure"] == "follow")
        return render(signal, made, plays, _plans(analysis), span, job)

    def remarks(self, given: Format, params: Params, analysis: Analysis) -> tuple[str, ...]:
        """Return the verdict, what has no counterpart, and where the map is unsure."""
        from engine.tools.align.account import remarks_of

        return remarks_of(alignment_of(analysis))

    def account(
        self, before: Signal, after: Signal, params: Params, analysis: Analysis, job: Job = NO_JOB
    ) -> Mapping[str, Any]:
        """Return what the map says in figures, and as a sentence."""
        from engine.tools.align.account import account_of

        return account_of(alignment_of(analysis), before.frames / before.rate, after.frames / after.rate)


ALIGN: Final = Align()

_solved: OrderedDict[tuple[object, ...], Alignment] = OrderedDict()
_lock = threading.Lock()


def solved(target: Signal, reference: Signal, params: Params, job: Job = NO_JOB) -> Alignment:
    """Return how `target` lies on `reference`; what was found lately for the same two isn't sought again.

    Raises
    ------
    UsageError, InputError, UnrelatedError
        See `Align.analyse`.
    """
    anchors = parse_anchors(str(params["anchors"]))
    check_inside(anchors, reference.frames / reference.rate, target.frames / target.rate)
    check_usable(reference, "the reference", job)
    check_usable(target, "the target", job)
    prints = [str(getattr(signal, "fingerprint", "")) for signal in (target, reference)]
    # The pitch, the structure and `force` change what is done with the answer, not the answer.
    key = (*prints, params["mode"], params["warp_limit_ms"], spell_all(anchors), params["engine"])
    with _lock:
        found = _solved.get(key) if all(prints) else None
    if found is None:
        found = _solve(target, reference, anchors, params, job)
    with _lock:
        if all(prints):
            _solved[key] = found
            _solved.move_to_end(key)
            while len(_solved) > _REMEMBERED:
                _solved.popitem(last=False)
    if _is_unrelated(found) and not params["force"]:
        raise UnrelatedError("the reference", "the target", found.p_unrelated)
    if len(found.knots_reference_s) < 2:
        raise InputError("no moment of the reference was found in the target", "choose other recordings or set anchors")
    return found


def _is_unrelated(alignment: Alignment) -> bool:
    from engine.tools.align.solve import UNRELATED_P

    return alignment.p_unrelated > UNRELATED_P


def _solve(
    target: Signal, reference: Signal, anchors: tuple[tuple[float, float], ...], params: Params, job: Job
) -> Alignment:
    from engine.tools.align.solve import align

    if not anchors and are_same(target, reference, job):
        seconds = reference.frames / reference.rate
        return Alignment.from_knots([0.0, seconds], [0.0, seconds], verdict="the same recording, sample by sample")
    return align(
        reference, target, mode=str(params["mode"]), warp_limit_ms=float(params["warp_limit_ms"]), anchors=anchors,
        job=job, engine="handmade",
    )  # fmt: skip


def alignment_of(analysis: Analysis) -> Alignment:
    """Return the alignment that an analysis holds, corridor included."""
    knots = {name.removeprefix("knots_"): analysis.arrays[name] for name in _COLUMNS}
    found = Alignment.from_json({**analysis.facts["alignment"], "knots": knots})
    held = {name: analysis.arrays.get(f"corridor_{name}") for name in _CORRIDOR}
    if held["likeness"] is None:
        return found
    fields: dict[str, Any] = dict(held)
    return found.with_corridor(Corridor(**fields))


def _arrays(alignment: Alignment, plans: tuple[GrainPlan, ...]) -> dict[str, Any]:
    arrays: dict[str, Any] = {name: getattr(alignment, name) for name in _COLUMNS}
    if plans:
        arrays["grain_starts"] = np.concatenate([plan.starts for plan in plans])
        arrays["grain_counts"] = np.array([len(plan.starts) for plan in plans], dtype=np.int64)
        arrays["grain_firsts"] = np.array([plan.first for plan in plans], dtype=np.int64)
    if alignment.corridor is not None:
        held = {name: getattr(alignment.corridor, name) for name in _CORRIDOR}
        arrays |= {f"corridor_{name}": array for name, array in held.items() if array is not None}
    return arrays


def _plans(analysis: Analysis) -> tuple[GrainPlan, ...]:
    from engine.audio.grains import GrainPlan

    if "grain_starts" not in analysis.arrays:
        return ()
    starts = np.split(analysis.arrays["grain_starts"], np.cumsum(analysis.arrays["grain_counts"])[:-1])
    return tuple(
        GrainPlan(int(first), part) for first, part in zip(analysis.arrays["grain_firsts"], starts, strict=True)
    )


def _reference(inputs: Inputs) -> Signal:
    if REFERENCE not in inputs:
        raise UsageError("Align has no reference", "name the recording whose timeline the target is put on")
    return inputs[REFERENCE]
