"""How far to trust the map, moment by moment, and why not more.

A logistic rule over what the decoder knows: the spread of the posterior, the cost against that of a good and of a
random moment, and how suddenly the tempo changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from engine.tools.align.decode import Doubles, Posterior
from engine.tools.align.features import HOP, RATE
from engine.tools.align.result import Doubt, Reason, Segment

if TYPE_CHECKING:
    from engine.tools.align.structure import Pictures

# Does the map err by less than 50 ms? A logistic regression over 3,804 chords of six composed pieces of a minute, each
# played twice on other instruments, clean, as a 78 rpm disc and in white noise of its own level; judged on pieces left
# out, it separates with an AUROC of 0.79 and is calibrated to 0.01.
CONSTANT: Final = 3.72
WEIGHTS: Final = (-1.56, -1.88, -1.15)  # as `_signs` has them
UNSURE: Final = 0.5  # below this a reason is given
SHORTEST_DOUBT_S: Final = 0.4
QUIET_DB: Final = -45.0
TEMPO: Final = (0.5, 2.0)  # outside of this a tempo is no tempo any more
DIFFUSE_S: Final = 0.08  # a spread beyond this has more than one answer


@dataclass(frozen=True, eq=False)
class Sureness:
    """One value per knot."""

    confidence: Doubles  # 0 to 1
    sigma_s: Doubles  # standard deviation of the target's time
    reasons: tuple[Reason, ...]  # the likeliest, were the knot unsure


def sureness(pair: Pictures, path: Posterior, reference_s: Doubles, target_s: Doubles) -> Sureness:
    """Judge the knots of one match by the posterior they come from."""
    signs, quiet, speed, sigma = _signs(pair, path, reference_s, target_s)
    confidence = 1.0 / (1.0 + np.exp(-(CONSTANT + signs @ np.array(WEIGHTS))))
    reasons: list[Reason] = []
    for silent, pace, spread in zip(quiet.tolist(), speed.tolist(), sigma.tolist(), strict=True):
        if silent:
            reasons.append("silence")
        elif not TEMPO[0] <= pace <= TEMPO[1]:
            reasons.append("tempo")
        else:
            reasons.append("repeat" if spread > DIFFUSE_S else "noise")
    return Sureness(np.clip(confidence, 0.0, 1.0), sigma, tuple(reasons))


def _signs(
    pair: Pictures, path: Posterior, reference_s: Doubles, target_s: Doubles
) -> tuple[Doubles, NDArray[np.bool_], Doubles, Doubles]:
    """What speaks against each knot (knots, 3), whether it's quiet, the local speed, and the spread in seconds."""
    order = np.argsort(path.rows, kind="stable")
    rows = path.rows[order]
    step_s = max(float(np.median(np.diff(reference_s))), 1e-3)
    wide = max(1, round(1.0 / step_s))
    cost = uniform_filter1d(np.interp(reference_s, rows, path.cost[order]), wide, mode="nearest")
    spread = np.interp(reference_s, rows, path.sigma[order])
    speed = np.gradient(target_s, reference_s) if len(reference_s) > 1 else np.ones(1)
    speed = uniform_filter1d(speed, max(1, wide // 2), mode="nearest")
    slow = uniform_filter1d(speed, 6 * wide, mode="nearest")
    sigma = spread * (1.0 + speed) / 2.0
    bend = np.abs(np.log(np.maximum(speed, 0.02) / np.maximum(slow, 0.02)))
    loud = np.minimum(_loudness(pair.ours.loudness_db, reference_s), _loudness(pair.theirs.loudness_db, target_s))
    quiet = minimum_filter1d(loud, wide // 2 + 1) < QUIET_DB
    wide_sigma = maximum_filter1d(sigma, max(1, wide // 2))
    signs = np.stack([np.log(np.maximum(wide_sigma, 1e-3) / 0.01), cost - 1.5, np.minimum(bend, 2.0)], axis=1)
    return signs, quiet, speed, sigma


def _loudness(loudness_db: np.ndarray[tuple[int, ...], np.dtype[np.float16]], times_s: Doubles) -> Doubles:
    place = np.clip(np.rint(times_s * RATE / HOP).astype(np.int64), 0, len(loudness_db) - 1)
    return np.asarray(loudness_db[place], dtype=np.float64)


def doubts(segments: Sequence[Segment], matches: Sequence[tuple[Doubles, Sureness]]) -> tuple[Doubt, ...]:
    """Return the stretches of the reference where the map is unsure, each with its commonest reason."""
    out = [Doubt(s.reference_s, "not in target") for s in segments if s.kind == "missing"]
    for times, sure in matches:
        unsure = np.concatenate([[0], (sure.confidence < UNSURE).astype(int), [0]])
        edges = np.flatnonzero(np.diff(unsure))
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            if times[stop - 1] - times[start] >= SHORTEST_DOUBT_S:
                given = sure.reasons[start:stop]
                commonest = max(sorted(set(given)), key=given.count)
                out.append(Doubt((float(times[start]), float(times[stop - 1])), commonest))
    return tuple(sorted(out, key=lambda doubt: doubt.reference_s))
