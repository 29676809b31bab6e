"""Chance that can be asked for out of order: every block of every effect has its own random numbers.

A counter-based generator (Philox; Salmon and others, *Parallel random numbers: as easy as 1, 2, 3*, 2011) turns seed,
effect, channel and block number into a stream. So the crackle of minute 50 is known without drawing the first 49, and
switching the hum off doesn't move a single click.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

Generator = np.random.Generator


class Effect(IntEnum):
    """Who draws. The numbers are part of the promise "same seed, same bits": never reuse or change one."""

    WOW = 1
    HUM = 2
    RUMBLE = 3
    HISS = 4
    CRACKLE = 5
    CLICKS = 6
    THUMPS = 7


@dataclass(frozen=True)
class Draws:
    """All the chance of one ageing."""

    seed: int  # 0 or more

    def generator(self, effect: Effect, block: int = 0, channel: int = 0) -> Generator:
        """Return a fresh generator for one block (0 or more) of one effect on one channel."""
        key = np.array([self.seed, int(effect)], dtype=np.uint64)
        # The generator itself counts in the first two words: 2**128 draws before it would meet its neighbour.
        counter = np.array([0, 0, channel, block], dtype=np.uint64)
        return Generator(np.random.Philox(key=key, counter=counter))
