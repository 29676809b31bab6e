"""What a map says beyond its errors: the speed of a disc, the seams, that two don't belong together, how sure it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from training.align.accuracy import errors_of
from training.align.measuring import Outcome
from training.align.pair import Answer, Pair, Seconds
from training.align.structure import Found, found_in

STEP_S: Final = 0.01  # at which a map is read for the speed
EDGE_S: Final = 3.0  # left out at both ends
FAR_MS: Final = 50.0  # an error that confidence should tell
BINS: Final = 10

Answered = Sequence[tuple[Pair, Outcome]]
Finding = Callable[[str, Answered], tuple[list[str], dict[str, Any]]]


def speed_finding(name: str, answered: Answered) -> tuple[list[str], dict[str, Any]]:
    """How far mean speed and depth of wow, read from the map, are off; worst of the pairs."""
    off = [speed_off(pair, outcome.answer) for pair, outcome in answered if outcome.answer]
    if not off:
        return [], {}
    ppm, depth = (max((values[i] for values in off), key=abs) for i in (0, 1))
    line = f"  speed and wow, {name}: worst {ppm:+.1f} ppm, depth {depth:+.1f} % of its own"
    return [line], {"speed_ppm": ppm, "wow_depth_percent": depth}


def speed_off(pair: Pair, answer: Answer) -> tuple[float, float]:
    """Return the error of the mean speed in ppm and of the wow's depth in percent, with its frequency given."""
    reference = np.arange(EDGE_S, pair.facts["reference_s"] - EDGE_S, STEP_S)
    slope, depth = fitted_speed(answer.at(reference), reference, pair.facts["wow_hz"])
    true_slope, true_depth = pair.facts["speed"], pair.facts["wow"]
    return 1e6 * (slope / true_slope - 1.0), 100.0 * (depth / true_depth - 1.0)


def fitted_speed(copy_s: Seconds, original_s: Seconds, wow_hz: float) -> tuple[float, float]:
    """Fit original = offset + slope * copy + a sine of `wow_hz`; returns the slope and the swing's share of it."""
    turn = 2.0 * np.pi * wow_hz
    middle = copy_s.mean()
    table = np.stack([np.ones_like(copy_s), copy_s - middle, np.cos(turn * copy_s), np.sin(turn * copy_s)], axis=1)
    (_, slope, even, odd), *_ = np.linalg.lstsq(table, original_s, rcond=None)
    return float(slope), float(np.hypot(even, odd) * turn / slope)


def structure_finding(name: str, answered: Answered) -> tuple[list[str], dict[str, Any]]:
    """F1 of the boundaries, over all pairs and by kind of edit."""
    by_kind: dict[str, Found] = {}
    for pair, outcome in answered:
        if outcome.answer is None or outcome.answer.matches is None:
            continue
        found = found_in(pair, outcome.answer.matches, pair.facts["reference_s"], pair.facts["target_s"])
        kind = pair.name.rsplit(" ", 1)[-1]
        by_kind[kind] = by_kind.get(kind, Found(0, 0, 0)) + found
    if not by_kind:
        return [], {}
    total = sum(by_kind.values(), Found(0, 0, 0))
    each = ", ".join(f"{kind} {found.f1:.2f}" for kind, found in by_kind.items())
    line = f"  boundaries within 0.5 s, {name}: F1 {total.f1:.2f} ({each})"
    return [line], {"boundary_f1": total.f1, "by_kind": {kind: found.f1 for kind, found in by_kind.items()}}


def verdict_finding(name: str, answered: Answered) -> tuple[list[str], dict[str, Any]]:
    """How many pairs that share nothing were refused, and how many that share music."""
    said = [(p, o.answer.is_refused) for p, o in answered if o.answer and o.answer.is_refused is not None]
    if not said:
        return [f"  no-match, {name}: can't say"], {}
    apart = [refused for pair, refused in said if not pair.is_related]
    together = [refused for pair, refused in said if pair.is_related]
    wrong = [p.name for p, refused in said if refused == p.is_related]
    line = (
        f"  no-match, {name}: {sum(apart)} of {len(apart)} that share nothing are refused, "
        f"{sum(together)} of {len(together)} that share music" + (f" (wrong: {', '.join(wrong)})" if wrong else "")
    )
    return [line], {"refused": _share(apart), "false_alarms": _share(together), "wrong": wrong}


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else math.nan


def confidence_finding(name: str, answered: Answered) -> tuple[list[str], dict[str, Any]]:
    """How well confidence tells errors beyond 50 ms, over all points of truth."""
    sure, near = [], []
    for pair, outcome in answered:
        if outcome.answer is not None and outcome.answer.confidence is not None and len(pair.truth_reference_s):
            sure.append(outcome.answer.confidence_at(pair.truth_reference_s))
            near.append(np.abs(errors_of(pair, outcome.answer).error_s) * 1e3 <= FAR_MS)
    if not sure:
        return [f"  confidence, {name}: doesn't say"], {}
    confidence, is_near = np.concatenate(sure), np.concatenate(near)
    area, gap = separation(confidence, is_near), calibration_gap(confidence, is_near)
    line = (
        f"  confidence, {name}: AUROC {area:.3f}, ECE {gap:.3f} over {len(is_near)} points of {len(sure)} pairs, "
        f"{100.0 * np.mean(~is_near):.1f} % of them beyond {FAR_MS:.0f} ms"
    )
    return [line], {"auroc": area, "ece": gap, "points": len(is_near)}


def separation(confidence: NDArray[np.float64], is_near: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: the chance that a good point has more confidence than a bad one (ties count half)."""
    good, bad = int(is_near.sum()), int((~is_near).sum())
    if not good or not bad:
        return math.nan
    ranks = rankdata(confidence)
    return float((ranks[is_near].sum() - good * (good + 1) / 2.0) / (good * bad))


def calibration_gap(confidence: NDArray[np.float64], is_near: NDArray[np.bool_]) -> float:
    """Expected calibration error over ten bins of equal width: confidence against the share within 50 ms."""
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = [
        np.count_nonzero(place == k) * abs(confidence[place == k].mean() - is_near[place == k].mean())
        for k in np.unique(place)
    ]
    return float(sum(gaps) / len(confidence))


FINDINGS: Final[Mapping[str, Finding]] = {
    "speed": speed_finding,
    "structure": structure_finding,
    "verdict": verdict_finding,
    "confidence": confidence_finding,
}
