"""Whether two recordings share music at all: the score of the best chain against chance.

Chance is the same target cut into blocks, each played backwards, in random order: it keeps its keys, its chords and how
long they last, and loses only the order of events. The p-value is Student's, over the scores that chance reaches.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from engine.tools.align.chain import Coarse, best_way, coarse, likeness
from engine.tools.align.features import Features
from engine.tools.tool import NO_JOB, Job

SHORT_S: Final = 300.0  # longer references are judged by excerpts
EXCERPTS: Final = 6
EXCERPT_S: Final = 50.0
EVERY: Final = 10  # frames of 20 ms in a coarse vector: 5 Hz; twice as many where a recording is long
BLOCK_S: Final = 8.0
TRIALS: Final = 16
RIVALS: Final = 2  # transpositions that compete with each shuffle
LEAST_SPREAD: Final = 0.12  # by so much unrelated pieces in one key differ from their own shuffles, too


@dataclass(frozen=True)
class Relation:
    """What the chain gains per row with the best transposition, and what chance gains."""

    bins: float  # by how many thirds of a semitone the target is higher
    score: float
    chance: float
    p_unrelated: float


def relate(ours: Features, theirs: Features, shifts: Sequence[float], job: Job = NO_JOB) -> Relation:
    """Choose among transpositions, and say how likely chance would do as well as the best of them."""
    is_long = max(ours.seconds, theirs.seconds) > SHORT_S
    references = _excerpts(coarse(ours, EVERY * (1 + is_long)))
    targets = [coarse(theirs, EVERY * (1 + is_long), shift) for shift in shifts]
    hop_s = references[0].hop_s
    scores = [_score(references, target, job) for target in targets]
    best, *_ = ranked = np.argsort(-np.array(scores), kind="stable")[:RIVALS].tolist()
    random = np.random.default_rng(20_240)  # the same input, the same answer
    chances, rivals = [], [targets[place] for place in ranked]
    for _ in range(TRIALS):
        order = _shuffled(len(targets[0].vectors), max(2, round(BLOCK_S / hop_s)), random)
        chances.append(max(_score(references, Coarse(target.vectors[order], hop_s), job) for target in rivals))
    mean, spread = float(np.mean(chances)), max(float(np.std(chances, ddof=1)), LEAST_SPREAD)
    distance = (scores[best] - mean) / (spread * np.sqrt(1.0 + 1.0 / TRIALS))
    return Relation(shifts[best], scores[best], mean, float(stdtr(TRIALS - 1, -distance)))


def _excerpts(whole: Coarse) -> list[Coarse]:
    """Parts of a recording that stand for it, spread evenly; all of it, if it is short."""
    count, length = len(whole.vectors), round(EXCERPT_S / whole.hop_s)
    if count * whole.hop_s <= SHORT_S:
        return [whole]
    starts = np.linspace(0, count - length, EXCERPTS).astype(np.int64)
    return [Coarse(whole.vectors[start : start + length], whole.hop_s) for start in starts.tolist()]


def _score(references: Sequence[Coarse], target: Coarse, job: Job) -> float:
    """What the best ways through the target gain per row; every excerpt finds its own."""
    gains = [best_way(likeness(part, target), part.hop_s, job=job).score * len(part.vectors) for part in references]
    return float(np.sum(gains)) / sum(len(part.vectors) for part in references)


def _shuffled(count: int, block: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the order of vectors with blocks shuffled and each of them backwards; short targets have half blocks."""
    block = min(block, max(2, count // 4))
    start = int(random.integers(block))
    edges = [0, *range(start or block, count, block), count]
    parts = [np.arange(a, b)[::-1] for a, b in itertools.pairwise(edges)]
    return np.concatenate([parts[k] for k in random.permutation(len(parts))])
