"""Aligning two recordings, from the sound to the map: listen, find the key, find the way, follow it closely."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.audio.signal import Signal
from engine.tools.align.confidence import Sureness, doubts, sureness
from engine.tools.align.corridor import corridor_of
from engine.tools.align.costs import Costs
from engine.tools.align.decode import Doubles, Posterior, Steps, band_around, decode
from engine.tools.align.features import HOP, RATE, Features, features_of
from engine.tools.align.relation import Relation, relate
from engine.tools.align.result import Alignment, Segment
from engine.tools.align.structure import Field, Pictures, Run, find_runs, monotone_chain
from engine.tools.align.transposition import CENTS_PER_BIN, candidates
from engine.tools.align.verdict import verdict_of
from engine.tools.tool import NO_JOB, Job

FRAME_S: Final = HOP / RATE
LEVELS: Final = ((8, 5.0), (2, 1.2))  # (frames of 10 ms per step, lag to each side in seconds), coarse to fine
KNOT_S: Final = 0.02
LEAST_STEP_S: Final = 1e-6  # between knots, on both sides
ALONE_S: Final = 0.3  # shorter gaps between two matches aren't worth a segment
UNRELATED_P: Final = 0.003  # a larger p-value says: not the same piece

Anchor = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Match:
    """One match, followed closely."""

    run: Run
    reference_s: Doubles  # (knots,)
    target_s: Doubles
    sureness: Sureness


def align(
    reference: Signal,
    target: Signal,
    *,
    mode: str = "auto",
    warp_limit_ms: float = 0.0,
    anchors: Sequence[Anchor] = (),
    job: Job = NO_JOB,
    engine: str = "handmade",
) -> Alignment:
    """Find which moment of `target` belongs to which moment of `reference`.

    Parameters
    ----------
    reference, target
        Any rates and channels, at least one frame each.
    mode
        "auto" and "elastic" follow the music, "drift" gives each match one speed, "offset" speed 1.
    warp_limit_ms
        How far a match may stray from the straight line between its ends (and anchors); 0 means freely.
    anchors
        Pairs of seconds (reference, target) that belong together, in order: the map goes through them, and what lies
        between two of them depends on nothing beyond them.
    engine
        Only "handmade" so far.

    Raises
    ------
    ValueError
        If `mode` or `engine` is unknown, or anchors aren't strictly increasing on both sides.
    Cancelled
        If `job` was cancelled.
    """
    if mode not in ("auto", "offset", "drift", "elastic") or engine != "handmade":
        raise ValueError(f"no mode {mode!r} of engine {engine!r}")
    if any(a[0] >= b[0] or a[1] >= b[1] for a, b in itertools.pairwise(anchors)):
        raise ValueError(f"anchors must increase on both sides: {anchors}")
    ours = features_of(reference, job.part(0.0, 0.3))
    theirs = features_of(target, job.part(0.3, 0.6))
    return solve(ours, theirs, mode=mode, warp_limit_ms=warp_limit_ms, anchors=anchors, job=job.part(0.6, 1.0))


def solve(
    ours: Features,
    theirs: Features,
    *,
    mode: str = "auto",
    warp_limit_ms: float = 0.0,
    anchors: Sequence[Anchor] = (),
    job: Job = NO_JOB,
) -> Alignment:
    """Align what was listened to; see `align`."""
    relation = relate(ours, theirs, candidates(ours.tones, theirs.tones), job)
    pair = Pictures.of(ours, theirs, relation.bins)
    job.progress(0.2, "Finding the way")
    runs: list[Run] = []
    for field in fields(anchors, ours.seconds, theirs.seconds):
        runs += find_runs(pair, relation, field, job)
    on_chain = monotone_chain(runs)
    matches = [_followed(pair, relation.bins, run, mode, warp_limit_ms, job) for run in runs]
    job.progress(0.95, "Judging")
    return _assembled(pair, relation, matches, on_chain, job)


def fields(anchors: Sequence[Anchor], reference_s: float, target_s: float) -> list[Field]:
    """Return the parts between anchors, in order; those without length on a side are left out."""
    corners = [(0.0, 0.0), *anchors, (reference_s, target_s)]
    pairs = itertools.pairwise(corners)
    return [Field((a[0], b[0]), (a[1], b[1])) for a, b in pairs if b[0] > a[0] and b[1] > a[1]]


def _followed(pair: Pictures, bins: float, run: Run, mode: str, limit_ms: float, job: Job) -> Match:
    path = follow(pair, bins, run, limit_ms / 1000.0, job)
    reference_s, target_s = knots(path, run)
    if mode in ("offset", "drift"):
        target_s = _straightened(reference_s, target_s, is_offset=mode == "offset")
    if limit_ms > 0.0:
        line = np.interp(reference_s, run.reference_s, run.target_s)
        target_s = _rising(np.clip(target_s, line - limit_ms / 1000.0, line + limit_ms / 1000.0))
    return Match(run, reference_s, target_s, sureness(pair, path, reference_s, target_s))


def follow(pair: Pictures, bins: float, run: Run, limit_s: float, job: Job = NO_JOB) -> Posterior:
    """Follow the rough line of a run, closer and closer, from its first corner to its last one; in seconds."""
    line = np.stack([run.reference_s, run.target_s]) if limit_s > 0.0 else run.line
    found = None
    for every, half_s in LEVELS:
        costs = Costs(pair.ours, pair.theirs, bins, every)
        step_s = every * FRAME_S
        start, stop = _corners(run, costs)
        rows, columns = _bounded(line / step_s, start, stop)
        half_s = min(half_s, max(limit_s, 3 * step_s)) if limit_s > 0.0 else half_s
        band = band_around(rows, columns, start, stop, round(half_s / step_s))
        found = decode(costs, band, start, stop, Steps(), job).scaled(step_s)
        line = line if limit_s > 0.0 else np.stack([found.rows, found.columns])
    if found is None:
        raise ValueError("no level to follow a run at")
    return found


def _corners(run: Run, costs: Costs) -> tuple[tuple[int, int], tuple[int, int]]:
    """The first and the last cell of a run, at least one frame apart on both sides."""
    step_s, last = costs.every * FRAME_S, (costs.rows - 1, costs.columns - 1)
    sides = (run.reference_s, run.target_s)
    start = tuple(min(end - 1, round(side[0] / step_s)) for side, end in zip(sides, last, strict=True))
    stop = tuple(
        max(first + 1, min(end, round(side[1] / step_s))) for side, end, first in zip(sides, last, start, strict=True)
    )
    return (start[0], start[1]), (stop[0], stop[1])


def _bounded(line: Doubles, start: tuple[int, int], stop: tuple[int, int]) -> Doubles:
    """The part of a line inside of two corners, and the corners; increasing."""
    line = np.maximum.accumulate(line, axis=1)
    inside = (line[0] > start[0]) & (line[1] > start[1]) & (line[0] < stop[0]) & (line[1] < stop[1])
    corners = np.array([start, stop], dtype=np.float64).T
    return np.concatenate([corners[:, :1], line[:, inside], corners[:, 1:]], axis=1)


def knots(path: Posterior, run: Run) -> tuple[Doubles, Doubles]:
    """Return the mean path as knots every 20 ms of the reference, strictly increasing on both sides."""
    (r0, r1), (t0, t1) = run.reference_s, run.target_s
    inside = (path.rows > r0) & (path.rows < r1) & (path.columns > t0) & (path.columns < t1)
    order = np.argsort(path.rows[inside], kind="stable")
    rows = np.concatenate([[r0], path.rows[inside][order], [r1]])
    columns = np.concatenate([[t0], np.maximum.accumulate(path.columns[inside][order]), [t1]])
    times = np.arange(np.ceil(r0 / KNOT_S), np.floor(r1 / KNOT_S) + 1) * KNOT_S
    times = times[(times > r0 + 1e-4) & (times < r1 - 1e-4)]
    times = np.concatenate([[r0], times, [r1]])
    targets = np.interp(times, rows, columns)
    return times, np.minimum(_rising(targets), t1 - LEAST_STEP_S * np.arange(len(times))[::-1])


def _rising(values: Doubles) -> Doubles:
    gain = np.arange(len(values)) * LEAST_STEP_S
    return np.asarray(np.maximum.accumulate(values - gain) + gain)


def _straightened(reference_s: Doubles, target_s: Doubles, *, is_offset: bool) -> Doubles:
    """The straight line nearest to a map: medians, so that a passage gone astray doesn't bend it."""
    if is_offset or len(reference_s) < 3:
        return reference_s + float(np.median(target_s - reference_s))
    half = len(reference_s) // 2
    count = len(reference_s) - half
    slopes = (target_s[half:] - target_s[:count]) / (reference_s[half:] - reference_s[:count])
    slope = float(np.median(slopes))
    return reference_s * slope + float(np.median(target_s - slope * reference_s))


def _assembled(
    pair: Pictures, relation: Relation, matches: Sequence[Match], on_chain: Sequence[bool], job: Job
) -> Alignment:
    chain = [match for match, chosen in zip(matches, on_chain, strict=True) if chosen]
    segments = _segments(pair, matches, on_chain)
    columns = _columns(chain)
    return Alignment(
        *columns,
        segments=segments,
        cents=relation.bins * CENTS_PER_BIN,
        p_unrelated=relation.p_unrelated,
        verdict=verdict_of(segments, columns[0], columns[1], relation, is_related=relation.p_unrelated <= UNRELATED_P),
        reasons=doubts(segments, [(match.reference_s, match.sureness) for match in chain]),
        corridor=corridor_of(pair, relation.bins, [(match.reference_s, match.target_s) for match in chain], job),
    )


def _columns(chain: Sequence[Match]) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Knots of all matches in a row: reference, target, confidence, sigma; strictly increasing."""
    if not chain:
        empty = np.empty(0)
        return empty, empty, empty, empty
    columns = [
        np.concatenate([match.reference_s for match in chain]),
        np.concatenate([match.target_s for match in chain]),
        np.concatenate([match.sureness.confidence for match in chain]),
        np.concatenate([match.sureness.sigma_s for match in chain]),
    ]
    # Where one match ends and the next begins, a knot may stand twice.
    top_r, top_t = (np.concatenate([[-np.inf], np.maximum.accumulate(column)[:-1]]) for column in columns[:2])
    keep = (columns[0] > top_r + LEAST_STEP_S / 2) & (columns[1] > top_t + LEAST_STEP_S / 2)
    reference_s, target_s, confidence, sigma_s = (column[keep] for column in columns)
    return reference_s, target_s, confidence, sigma_s


def _segments(pair: Pictures, matches: Sequence[Match], on_chain: Sequence[bool]) -> tuple[Segment, ...]:
    out: list[Segment] = []
    r, t = 0.0, 0.0  # where reference and target stand
    for match, chosen in zip(matches, on_chain, strict=True):
        run, sure = match.run, float(np.mean(match.sureness.confidence))
        (r0, r1), (t0, t1) = run.reference_s, run.target_s
        if r0 - r > ALONE_S:
            out.append(Segment("missing", (r, r0), (t, t), 1.0 if chosen else sure))
        if not chosen or t0 < t - ALONE_S:
            out.append(Segment("jump", (r0, r0), (t, t0), sure))
        elif t0 - t > ALONE_S:
            out.append(Segment("extra", (r0, r0), (t, t0), sure))
        knots = () if chosen else tuple(zip(match.reference_s.tolist(), match.target_s.tolist(), strict=True))
        out.append(Segment("match", (r0, r1), (t0, t1), sure, knots))
        r, t = r1, t1
    if not matches:
        return ()
    if pair.ours.seconds - r > ALONE_S:
        out.append(Segment("missing", (r, pair.ours.seconds), (t, t), 1.0))
    if pair.theirs.seconds - t > ALONE_S and t >= max(match.run.target_s[1] for match in matches) - ALONE_S:
        out.append(Segment("extra", (pair.ours.seconds, pair.ours.seconds), (t, pair.theirs.seconds), 1.0))
    return tuple(out)
