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

ROWS: Final = 300  # of the pictures compared, about
FEWEST_FRAMES: Final = 10  # of 20 ms in a coarse vector: 5 Hz
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
    frames = max(len(ours.spectrum), len(theirs.spectrum))
    every = max(FEWEST_FRAMES, -(-frames // ROWS))
    reference = coarse(ours, every)
    targets = [coarse(theirs, every, shift) for shift in shifts]
    hop_s = reference.hop_s
    scores = [_score(reference, target, job) for target in targets]
    best, *_ = ranked = np.argsort(-np.array(scores), kind="stable")[:RIVALS].tolist()
    random = np.random.default_rng(20_240)  # the same input, the same answer
    chances, rivals = [], [targets[place] for place in ranked]
    for _ in range(TRIALS):
        order = _shuffled(len(targets[0].vectors), max(2, round(BLOCK_S / hop_s)), random)
        chances.append(max(_score(reference, Coarse(target.vectors[order], hop_s), job) for target in rivals))
    mean, spread = float(np.mean(chances)), max(float(np.std(chances, ddof=1)), LEAST_SPREAD)
    distance = (scores[best] - mean) / (spread * np.sqrt(1.0 + 1.0 / TRIALS))
    return Relation(shifts[best], scores[best], mean, float(stdtr(TRIALS - 1, -distance)))


def _score(reference: Coarse, target: Coarse, job: Job) -> float:
    return best_way(likeness(reference, target), reference.hop_s, job=job).score


def _shuffled(count: int, block: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the order of vectors with blocks shuffled and each of them backwards; short targets have half blocks."""
    block = min(block, max(2, count // 4))
    start = int(random.integers(block))
    edges = [0, *range(start or block, count, block), count]
    parts = [np.arange(a, b)[::-1] for a, b in itertools.pairwise(edges)]
    return np.concatenate([parts[k] for k in random.permutation(len(parts))])
